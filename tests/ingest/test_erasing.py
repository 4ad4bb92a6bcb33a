"""Erasing: nothing of a recording is left, in rows, stores and index; a receipt is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import inspect, text

from ingest import erasing
from ingest.workshop import Workshop
from tests.visitors import Site
from videolib.catalogue.bulk_edits import Wish, edit_many
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.screenings import Screening
from videolib.errors import NotFound
from videolib.storage import open_store

SECRET_WORD = "Zzqx"


def workshop_of(site: Site) -> Workshop:
    originals = open_store(site.settings.originals_url)
    originals.prepare(None)
    return Workshop(site.settings, site.database, site.store, originals)


def add_rich_entry(site: Site) -> Entry:
    """A published entry with versions, captions and a change of many behind it, whose words are told apart."""
    editor = site.add_person("editor")
    entry = site.add_published(title={"zh": f"{SECRET_WORD}标题", "en": f"{SECRET_WORD} title"})
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        add_captions(session, row, "en", f"WEBVTT\n\n00:00.500 --> 00:02.000\n{SECRET_WORD} said.\n", by=None)
        by = session.get_one(User, editor.id)
        edit_many(session, [entry.id], Wish("add", "keywords", (f"{SECRET_WORD}key",)), by=by)
    return entry


def everything_written(site: Site) -> str:
    with site.database.reading() as session:
        tables = inspect(session.get_bind()).get_table_names()
        return "".join(str(session.execute(text(f"SELECT * FROM {name}")).all()) for name in tables)  # noqa: S608


def test_nothing_is_left_of_what_was_erased_and_the_rest_stays(site: Site) -> None:
    workshop = workshop_of(site)
    entry, other = add_rich_entry(site), site.add_published()
    with site.database.writing() as session:
        key = session.get_one(Entry, entry.id).recording.original_key  # type: ignore[union-attr]
    workshop.originals.put_bytes(key, b"a master")
    with site.database.writing() as session:
        look = Screening(recording_id=str(entry.recording_id))
        session.add(look)
        session.flush()
        workshop.originals.put_bytes(f"findings/{look.id}/1.jpg", b"a name in a picture")
    site.reindex()
    assert SECRET_WORD in everything_written(site)

    done = erasing.erase(workshop, entry.id)
    site.reindex()

    assert SECRET_WORD not in everything_written(site)
    assert list(site.store.list(f"packages/{entry.package_id}/")) == []
    assert not workshop.originals.exists(key)
    assert list(workshop.originals.list("findings/")) == []
    assert done.receipt["objects"]["originals"] == 1
    assert done.receipt["rows"]["entry_versions"] >= 1
    client = site.app.test_client()
    hits = client.get(f"/api/v1/search?q={SECRET_WORD}", headers=site.bearer("editor")).json
    assert hits is not None
    assert hits["hits"] == []
    assert client.get(f"/entries/{entry.id}").status_code == 404
    assert client.get(f"/api/v1/entries/{other.id}", headers=site.bearer("trainee")).status_code == 200
    assert list(site.store.list(f"packages/{other.package_id}/"))


def test_an_erasure_that_broke_off_is_ended_by_asking_again_and_its_receipt_is_kept(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop, entry = workshop_of(sqlite_site), add_rich_entry(sqlite_site)

    def no_power(*_given: object) -> None:
        raise OSError("no power")

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "remove_objects", no_power)
        with pytest.raises(OSError, match="no power"):
            erasing.erase(workshop, entry.id)
    # nobody sees it from the first step on
    assert sqlite_site.visitor("trainee").get(f"/entries/{entry.id}").status_code == 404

    done = erasing.erase(workshop, str(entry.recording_id))

    assert SECRET_WORD not in everything_written(sqlite_site)
    assert erasing.erase(workshop, entry.id).receipt == done.receipt
    assert json.loads(json.dumps(done.receipt))["objects"]["package_objects"] > 5
    with pytest.raises(NotFound):
        erasing.erase(replace(workshop), "nothing")
