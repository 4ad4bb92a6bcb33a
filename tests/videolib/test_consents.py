"""Consents: a case is found by its number, the gate asks it, and what ends with it ends everywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from sqlalchemy import select, text

from config.settings import load_settings
from tests.libraries import COMPLETE_CASE, add_person
from tests.visitors import Site, Visitor, media_path
from videolib.catalogue import grants, groups, publishing
from videolib.catalogue.audit import AuditEvent, list_events
from videolib.catalogue.cases import Case, CaseNumbers, assign_case, find_case
from videolib.catalogue.consent_ends import withdraw_consent, withdraw_ended
from videolib.catalogue.consents import CaseConsent, add_consent, list_expiring
from videolib.catalogue.entries import Entry
from videolib.catalogue.gate import assess_entry
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import utc_now
from videolib.errors import InvalidInput, NotAllowed, NotFound

NUMBER = "ZY-0012345"


def day(offset: int) -> str:
    return (utc_now().date() + timedelta(days=offset)).isoformat()


def in_a_case(site: Site, entry: Entry, **consent: Any) -> str:
    """The entry's recording belongs to a case of that hospital; with a consent where one is given."""
    with site.database.writing() as session:
        if not groups.list_groups(session):
            groups.add_group(session, "first", "hospital", {"zh": "第一医院", "en": "First hospital"}, by=None)
        recording = session.get_one(Recording, entry.recording_id)
        case = assign_case(session, CaseNumbers(site.settings), recording, "first", NUMBER, by=None)
        if consent:
            add_consent(session, case, {"scope": "institution", "obtained_on": day(-100), **consent}, by=None)
        return case.id


def officer(site: Site) -> Visitor:
    person = site.add_person("trainee", email="officer@hospital.example")
    with site.database.writing() as session:
        grants.give_grant(session, session.get_one(User, person.id), "privacy_officer", "first", by=None)
    return site.visitor("trainee", email="officer@hospital.example")


def missing(site: Site, entry: Entry) -> dict[str, str]:
    with site.database.reading() as session:
        return assess_entry(session, session.get_one(Entry, entry.id)).missing


def test_a_number_is_found_however_it_is_typed_and_stands_nowhere_in_the_clear(site: Site) -> None:
    entry = site.add_watchable()
    case_id = in_a_case(site, entry, expires_on=day(10))
    numbers = CaseNumbers(site.settings)

    with site.database.writing() as session:
        person = session.get_one(User, add_person(site.database, "admin").id)
        with pytest.raises(NotAllowed):
            find_case(session, numbers, "first", NUMBER, by=person)
        grants.give_grant(session, person, "privacy_officer", "first", by=None)
        session.refresh(person)
        assert find_case(session, numbers, "first", "ｚｙ ００１２３４５", by=person).id == case_id
        with pytest.raises(NotFound):
            find_case(session, numbers, "first", "ZY-0012346", by=person)
        with pytest.raises(NotAllowed):
            find_case(session, numbers, "second", NUMBER, by=person)

    with site.database.reading() as session:
        rows = [*session.execute(select(*Case.__table__.columns)), *session.execute(select(AuditEvent.detail))]
        assert "0012345" not in str(rows)
        assert numbers.open(session.get_one(Case, case_id).number_sealed) == "ZY0012345"
        assert [event.object_id for event in list_events(session)][:2] == ["none", case_id]


def test_another_key_finds_nothing_and_opens_nothing(site: Site) -> None:
    ours = CaseNumbers(site.settings)
    other = CaseNumbers(load_settings().model_copy(update={"privacy_key": type(site.settings.privacy_key)("x" * 32)}))

    assert ours.index("first", NUMBER) != other.index("first", NUMBER)
    with pytest.raises(InvalidToken):
        other.open(ours.seal(NUMBER))


@pytest.mark.parametrize(
    ("consent", "says"),
    [
        ({}, "Say which consent"),
        ({"expires_on": day(-1)}, "does not hold"),
        ({"obtained_on": day(1)}, "does not hold"),
    ],
)
def test_the_gate_asks_the_case_whatever_the_entry_says(sqlite_site: Site, consent: dict[str, str], says: str) -> None:
    entry = sqlite_site.add_watchable(**COMPLETE_CASE)
    assert "consent" not in missing(sqlite_site, entry)

    in_a_case(sqlite_site, entry, **consent)

    assert says in missing(sqlite_site, entry)["consent"]


def test_a_case_is_asked_for_its_consent_also_where_the_kind_of_video_asks_none(sqlite_site: Site) -> None:
    entry = sqlite_site.add_watchable()
    assert missing(sqlite_site, entry) == {}

    in_a_case(sqlite_site, entry)
    assert set(missing(sqlite_site, entry)) == {"consent"}

    in_a_case(sqlite_site, entry, scope="programme")
    assert missing(sqlite_site, entry) == {}


def test_withdrawal_takes_the_entry_from_every_surface_and_signed_addresses_die(sqlite_site: Site) -> None:
    entry = sqlite_site.add_watchable(audience="public")
    case_id = in_a_case(sqlite_site, entry, scope="public")
    with sqlite_site.database.writing() as session:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)
    sqlite_site.reindex()
    viewer, privacy = sqlite_site.anonymous(), officer(sqlite_site)
    playback = viewer.get(f"/api/v1/entries/{entry.id}/playback").json
    assert playback
    segment = media_path(playback, "video/360p/0001.m4s")
    kept = viewer.get(segment)
    assert kept.status_code == 200
    assert int(kept.headers["Cache-Control"].rpartition("=")[2]) <= 60
    with sqlite_site.database.reading() as session:
        (consent_id,) = session.scalars(select(CaseConsent.id))

    answer = privacy.post(f"/privacy/cases/{case_id}/consents/{consent_id}/withdraw")

    assert answer.status_code == 303
    for path in (segment, media_path(playback), f"/entries/{entry.id}", f"/api/v1/entries/{entry.id}/playback"):
        assert viewer.get(path).status_code == 404
    hits = viewer.get("/api/v1/search?q=").json
    assert hits is not None
    assert hits["hits"] == []
    with sqlite_site.database.reading() as session:
        row = session.get_one(Entry, entry.id)
        assert (row.status, row.withdrawn_reason) == ("withdrawn", "The patient has withdrawn consent.")
        assert {"withdraw_consent", "tombstone"} <= {event.action for event in list_events(session)}
    with pytest.raises(InvalidInput), sqlite_site.database.writing() as session:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)


def test_another_consent_that_covers_it_keeps_an_entry_published(site: Site) -> None:
    entry = site.add_watchable()
    in_a_case(site, entry, scope="public")
    in_a_case(site, entry, scope="institution")
    with site.database.writing() as session:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)

    with site.database.writing() as session:
        case = session.scalars(select(Case)).one()
        wide = session.scalars(select(CaseConsent).where(CaseConsent.scope == "public")).one()
        narrow = session.scalars(select(CaseConsent).where(CaseConsent.scope == "institution")).one()
        assert withdraw_consent(session, case, wide.id, by=None) == []
        assert withdraw_consent(session, case, narrow.id, by=None) == [entry.id]


def test_what_loses_its_consent_by_the_calendar_is_withdrawn_and_announced_before(site: Site) -> None:
    entry = site.add_watchable()
    in_a_case(site, entry, expires_on=day(29))
    with site.database.writing() as session:
        publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)
        today = utc_now().date()
        assert len(list_expiring(session, ["first"], today)) == 1
        assert list_expiring(session, ["second"], today) == []
        assert list_expiring(session, ["first"], today - timedelta(days=2)) == []
        assert withdraw_ended(session) == []
        session.execute(text("UPDATE consents SET expires_on = :day"), {"day": day(-1)})
        session.expire_all()
        assert withdraw_ended(session) == [entry.id]


def test_the_privacy_officer_finds_everything_of_a_case_and_nobody_else_does(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    case_id = in_a_case(sqlite_site, entry)
    privacy = officer(sqlite_site)

    found = privacy.post("/privacy/cases", hospital="first", number=" zy 0012345 ")
    page = privacy.get(found.headers["Location"]).text
    written = privacy.post(f"/privacy/cases/{case_id}/consents", scope="public", obtained_on=day(-1), expires_on=day(5))
    wrong = privacy.post(f"/privacy/cases/{case_id}/consents", scope="all", obtained_on="soon")
    nothing = privacy.post("/privacy/cases", hospital="first", number="1")

    assert found.headers["Location"].endswith(case_id)
    assert f"/entries/{entry.id}" in page
    assert (written.status_code, wrong.status_code, nothing.status_code) == (303, 303, 303)
    assert day(5) in privacy.get("/privacy").text
    assert sqlite_site.visitor("admin").get(f"/privacy/cases/{case_id}").status_code == 403


def test_an_editor_names_the_case_and_learns_nothing_of_it(sqlite_site: Site) -> None:
    first, second = sqlite_site.add_watchable(), sqlite_site.add_watchable()
    in_a_case(sqlite_site, first)
    editor = sqlite_site.visitor("editor")
    address = f"/studio/recordings/{second.recording_id}/case"

    known = editor.post(address, hospital="first", number=NUMBER)
    unknown = editor.post(address, hospital="first", number="another")

    assert known.headers["Location"] == unknown.headers["Location"]
    assert "ZY" not in editor.get(address).text.partition("<main")[2].partition("</main>")[0]
    with sqlite_site.database.reading() as session:
        assert len(list(session.scalars(select(Case)))) == 2
