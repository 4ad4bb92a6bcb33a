"""Masters expire where a setting says so, a month after it was said, and never otherwise."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ingest.garbage import collect_garbage
from ingest.workshop import Workshop
from tests.libraries import add_entry, add_recording
from tests.visitors import Site, make_site
from videolib.catalogue.audit import list_events
from videolib.catalogue.masters import WARNED_DAYS
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Finding, Screening
from videolib.db import utc_now
from videolib.storage import open_store

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def signed(sqlite_site: Site) -> Recording:
    """A recording that was signed off a year ago, with its master and the picture of a finding."""
    originals = open_store(sqlite_site.settings.originals_url)
    originals.put_bytes(KEY, b"the master")
    uploader = sqlite_site.add_person("editor")
    recording = add_recording(sqlite_site.database, state="ready", by=uploader, original_key=KEY)
    add_entry(sqlite_site.database, recording)
    with sqlite_site.database.writing() as session:
        row = session.get_one(Recording, recording.id)
        row.signed_off_at = utc_now() - timedelta(days=365)
        screening = Screening(recording_id=row.id, state="done")
        session.add(screening)
        session.flush()
        finding = Finding(screening_id=screening.id, source="picture", rule="name", confidence=1.0, risk=1.0)
        finding.picture_key = f"findings/{screening.id}/1.jpg"
        session.add(finding)
        originals.put_bytes(finding.picture_key, b"a name")
    return recording


def collect(site: Site, *, dry_run: bool = False, **changes: object) -> list[str]:
    settings = site.settings.model_copy(update=changes)
    workshop = Workshop(settings, site.database, site.store, open_store(settings.originals_url))
    found = list(collect_garbage(workshop, grace_s=0, dry_run=dry_run))
    return [one.kind for one in found if one.kind.startswith("master")]


def keys(site: Site) -> set[str]:
    return {item.key for item in open_store(site.settings.originals_url).list("")}


def test_a_master_goes_only_where_it_is_set_after_its_time_and_a_month_after_the_warning(
    sqlite_site: Site, signed: Recording
) -> None:
    assert collect(sqlite_site) == []
    assert collect(sqlite_site, masters_kept_days=400) == []
    assert collect(sqlite_site, masters_kept_days=90, dry_run=True) == ["master_expires"]

    # set for the first time: what is over since long gets its month all the same
    assert collect(sqlite_site, masters_kept_days=90) == ["master_expires"]
    assert collect(sqlite_site, masters_kept_days=90) == []
    assert KEY in keys(sqlite_site)
    with sqlite_site.database.writing() as session:
        row = session.get_one(Recording, signed.id)
        row.master_warned_at = utc_now() - timedelta(days=WARNED_DAYS, minutes=1)
    # another thought in that month: nothing goes
    assert collect(sqlite_site) == []
    assert KEY in keys(sqlite_site)

    assert collect(sqlite_site, masters_kept_days=90) == ["master_expired"]
    assert keys(sqlite_site) == set()
    assert collect(sqlite_site, masters_kept_days=90) == []
    with sqlite_site.database.reading() as session:
        row = session.get_one(Recording, signed.id)
        assert (row.state, row.original_key) == ("ready", "")
        assert [one.picture_key for one in session.query(Finding)] == [None]
        actions = [event.action for event in list_events(session, object_id=signed.id)]
    assert actions[:2] == ["expire_master", "warn_of_expiry"]


def test_what_nobody_has_signed_off_keeps_its_master(sqlite_site: Site, signed: Recording) -> None:
    with sqlite_site.database.writing() as session:
        row = session.get_one(Recording, signed.id)
        row.master_warned_at = utc_now() - timedelta(days=WARNED_DAYS + 1)
        row.state = "awaiting_review"

    assert collect(sqlite_site, masters_kept_days=90) == []
    assert KEY in keys(sqlite_site)


def test_the_studio_tells_the_uploader_and_nobody_else(sqlite_site: Site, signed: Recording) -> None:
    site = make_site(sqlite_site.database, masters_kept_days=90)
    assert collect(site) == ["master_expires"]

    assert "一个月内删除" in site.visitor("editor").get("/studio").text
    assert "一个月内删除" not in site.visitor("admin").get("/studio").text
    assert "一个月内删除" not in sqlite_site.visitor("editor").get("/studio").text
    site.index.close()
