"""The second recording of an entry is seen by who may watch the entry, while its own signature and consent hold."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.erasing import erase
from tests.backups import workshop_of
from tests.libraries import let_in
from tests.visitors import Site, Visitor, add_stored, media_path
from videolib.catalogue import groups, holding, publishing, second_sources
from videolib.catalogue.cases import Case, CaseNumbers, assign_case
from videolib.catalogue.consent_ends import withdraw_consent
from videolib.catalogue.consents import add_consent
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording, move
from videolib.errors import InvalidInput


def put_beside(site: Site, entry: Entry, recording: Recording, offset_s: float = 1.5) -> None:
    editor = site.add_person("editor")
    with site.database.writing() as session:
        row, by = session.get_one(Entry, entry.id), session.get_one(User, editor.id)
        second_sources.set_second(session, row, recording.id, offset_s, by=by)


def second_of(visitor: Visitor, entry: Entry) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (visitor.get(f"/api/v1/entries/{entry.id}/playback").json or {}).get("second")
    return found


def test_it_is_given_to_who_may_watch_the_entry_and_to_nobody_else(site: Site) -> None:
    entry, recording = site.add_published(), add_stored(site)
    put_beside(site, entry, recording)
    trainee = site.visitor("trainee")

    second = second_of(trainee, entry)

    assert second is not None
    assert second["offset_s"] == 1.5
    assert trainee.get(media_path(second)).status_code == 200
    assert trainee.get(media_path(second, "video/360p/0001.m4s")).status_code == 200
    assert site.anonymous().get(f"/api/v1/entries/{entry.id}/playback").status_code == 404
    with site.database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, entry.id), "A name.", by=None)
    site.app.extensions["videolib"].gate.forget()  # another process has written it: within 20 seconds
    assert trainee.get(media_path(second)).status_code == 404


def test_an_entry_is_not_published_with_one_that_nobody_has_signed_off(sqlite_site: Site) -> None:
    site = sqlite_site
    entry, recording = site.add_watchable(), add_stored(site, state="awaiting_review")
    editor = site.add_person("editor")
    with pytest.raises(InvalidInput):
        put_beside(site, entry, recording)  # nobody has let this editor in
    let_in(site.database, recording.id, editor)
    put_beside(site, entry, recording)

    with site.database.writing() as session, pytest.raises(InvalidInput) as refused:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)

    assert list(refused.value.fields) == ["second"]
    assert second_of(site.visitor("editor"), entry) is not None, "those who are let in preview it"
    assert second_of(site.visitor("admin"), entry) is None
    with site.database.writing() as session:
        move(session, session.get_one(Recording, recording.id), "sign_off")
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)
    assert second_of(site.visitor("trainee"), entry) is not None


def test_a_report_about_the_entry_hides_both_and_one_about_the_other_takes_the_second_away(sqlite_site: Site) -> None:
    site = sqlite_site
    entry, own = site.add_published(), site.add_published()
    with site.database.reading() as session:
        recording = session.get_one(Recording, own.recording_id)
    put_beside(site, entry, recording)
    trainee, editor = site.visitor("trainee"), site.add_person("editor")
    second = second_of(trainee, entry)
    assert second is not None

    trainee.post(f"/entries/{own.id}/reports", kind="privacy", at="0:01")

    assert trainee.get(f"/entries/{entry.id}").status_code == 200, "its main picture stays"
    assert second_of(trainee, entry) is None
    assert trainee.get(media_path(second)).status_code == 410

    with site.database.writing() as session:
        move(session, session.get_one(Recording, recording.id), "sign_off")
        holding.hold(session, session.get_one(Entry, entry.id), 1.0, by=session.get_one(User, editor.id))
        states = [session.get_one(Recording, one).state for one in (entry.recording_id, recording.id)]
    assert states == ["awaiting_review", "awaiting_review"], "nobody can tell in which of both it was seen"


def test_one_whose_recording_is_erased_is_gone_and_the_entry_stays(sqlite_site: Site) -> None:
    site, entry = sqlite_site, sqlite_site.add_published()
    recording = add_stored(site)
    put_beside(site, entry, recording)
    trainee = site.visitor("trainee")
    second = second_of(trainee, entry)
    assert second is not None

    erase(workshop_of(site), recording.id)
    site.app.extensions["videolib"].gate.forget()

    assert trainee.get(media_path(second)).status_code == 410
    assert second_of(trainee, entry) is None
    assert trainee.get(f"/entries/{entry.id}").status_code == 200


def test_moments_in_plain_fields_align_both(sqlite_site: Site) -> None:
    entry, recording, editor = sqlite_site.add_published(), add_stored(sqlite_site), sqlite_site.visitor("editor")
    address = f"/studio/entries/{entry.id}/second"

    editor.post(address, recording_id=recording.id, main_s="12.5", second_s="10.25")

    page = editor.get(address).text
    assert 'id="main_s" name="main_s" type="number" step="0.001" min="0" value="2.25"' in page
    assert (second_of(sqlite_site.visitor("trainee"), entry) or {})["offset_s"] == -2.25
    assert editor.post(address, recording_id=recording.id, main_s="x").status_code == 422
    assert editor.post(f"{address}/remove").status_code == 303
    assert second_of(sqlite_site.visitor("trainee"), entry) is None


def test_a_withdrawn_consent_takes_it_away_and_the_entry_stays(sqlite_site: Site) -> None:
    site, entry = sqlite_site, sqlite_site.add_published()
    recording, trainee = add_stored(site), site.visitor("trainee")
    with site.database.writing() as session:
        groups.add_group(session, "first", "hospital", {"zh": "第一医院", "en": "First hospital"}, by=None)
        row = session.get_one(Recording, recording.id)
        case = assign_case(session, CaseNumbers(site.settings), row, "first", "ZY 0012345", by=None)
        given = {"scope": "institution", "obtained_on": "2024-05-06"}
        consent = add_consent(session, case, given, by=None)
    put_beside(site, entry, recording)
    second = second_of(trainee, entry)
    assert second is not None

    with site.database.writing() as session:
        withdraw_consent(session, session.get_one(Case, case.id), consent.id, by=None)
    site.app.extensions["videolib"].gate.forget()

    assert second_of(trainee, entry) is None
    assert trainee.get(media_path(second)).status_code == 410
    assert trainee.get(f"/entries/{entry.id}").status_code == 200
