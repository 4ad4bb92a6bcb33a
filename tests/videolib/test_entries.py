"""Entries: what they may say, what publishing wants, who sees them, and that two editors lose nothing."""

from __future__ import annotations

import pytest

from tests.libraries import add_entry, add_person, add_recording, let_in, make_reviewed
from videolib.catalogue import access, entries, entry_lists, publishing
from videolib.catalogue.audit import list_events
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import Package
from videolib.catalogue.recordings import Recording
from videolib.db import Database
from videolib.errors import Conflict, InvalidInput, NotFound


def publish(database: Database, entry: Entry) -> Entry:
    with database.writing() as session:
        return publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)


def test_a_draft_keeps_both_languages_and_its_terms_in_order(database: Database) -> None:
    entry = add_entry(database, procedures=["proc.stent_sfa", "proc.pta"])

    with database.reading() as session:
        kept = session.get_one(Entry, entry.id)
        assert kept.title == {"zh": "股浅动脉支架植入术", "en": "Stenting of the superficial femoral artery"}
        assert [term.id for term in kept.terms_of("procedures")] == ["proc.stent_sfa", "proc.pta"]


def test_terms_that_do_not_exist_are_named_and_nothing_is_kept(database: Database) -> None:
    with pytest.raises(InvalidInput, match=r"proc\.invented") as caught:
        add_entry(database, procedures=["proc.pta", "proc.invented"])

    assert set(caught.value.fields) == {"procedures"}
    with database.reading() as session:
        assert entry_lists.list_entries(session, by=add_person(database))[0] == []


def test_a_term_of_another_scheme_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInput):
        add_entry(database, anatomy=["proc.pta"])


def test_changing_the_terms_keeps_those_that_stay(database: Database) -> None:
    entry = add_entry(database, procedures=["proc.stent_sfa", "proc.pta"])
    with database.writing() as session:
        values = parse_values({"procedures": ["proc.dcb", "proc.stent_sfa"]})
        entries.update_entry(session, session.get_one(Entry, entry.id), values, revision=None, by=None)

    with database.reading() as session:
        kept = session.get_one(Entry, entry.id)
        assert [term.id for term in kept.terms_of("procedures")] == ["proc.dcb", "proc.stent_sfa"]
        assert kept.title == entry.title


@pytest.mark.parametrize(
    ("lacking", "field"),
    [
        ({"title": {"en": "Stenting"}}, "title.zh"),
        ({"title": {"zh": "支架"}}, "title.en"),
        ({"procedures": []}, "procedures"),
    ],
)
def test_publishing_names_what_is_missing(sqlite_database: Database, lacking: dict[str, object], field: str) -> None:
    entry = add_entry(sqlite_database, add_recording(sqlite_database, state="ready"), **lacking)

    with pytest.raises(InvalidInput) as caught:
        publish(sqlite_database, entry)

    assert set(caught.value.fields) == {field}


@pytest.mark.parametrize(
    "state", ["uploaded", "queued", "processing", "awaiting_review", "rejected", "failed", "cancelled"]
)
def test_only_a_ready_recording_can_be_published(sqlite_database: Database, state: str) -> None:
    entry = add_entry(sqlite_database, add_recording(sqlite_database, state=state))

    with pytest.raises(InvalidInput) as caught:
        publish(sqlite_database, entry)

    assert set(caught.value.fields) == {"recording"}


def test_who_sees_what(database: Database) -> None:
    editor, trainee = add_person(database), add_person(database, "trainee")
    hidden = add_entry(database, add_recording(database))
    shown = add_entry(database, add_recording(database, state="ready", sha256="1" * 64))
    public = add_entry(database, add_recording(database, state="ready", sha256="2" * 64), audience="public")
    for entry in (shown, public):
        publish(database, entry)

    def seen_by(user: object) -> set[str]:
        with database.reading() as session:
            return {row.id for row in entry_lists.list_entries(session, by=user)[0]}  # type: ignore[arg-type]

    assert seen_by(editor) == {hidden.id, shown.id, public.id}
    assert seen_by(trainee) == {shown.id, public.id}
    assert seen_by(None) == {public.id}
    with database.reading() as session:
        for entry_id in (hidden.id, "no-such-entry"):
            with pytest.raises(NotFound, match="There is no such entry, or you may not see it"):
                access.get_entry(session, entry_id, by=trainee)


def test_a_withdrawn_entry_is_gone_for_viewers_and_says_why_to_editors(database: Database) -> None:
    editor, trainee = add_person(database), add_person(database, "trainee")
    entry = add_entry(database, add_recording(database, state="ready"))
    publish(database, entry)

    with database.writing() as session:
        row = session.get_one(Entry, entry.id)
        publishing.withdraw_entry(session, row, "Consent was withdrawn.", by=editor)

    with database.reading() as session:
        with pytest.raises(NotFound):
            access.get_entry(session, entry.id, by=trainee)
        assert access.get_entry(session, entry.id, by=editor).withdrawn_reason == "Consent was withdrawn."
        assert "withdraw" in {event.action for event in list_events(session, object_id=entry.id)}


def test_withdrawing_wants_a_reason(database: Database) -> None:
    entry = publish(database, add_entry(database, add_recording(database, state="ready")))

    with pytest.raises(InvalidInput, match="Say why"), database.writing() as session:
        publishing.withdraw_entry(session, session.get_one(Entry, entry.id), "  ", by=None)


def test_what_was_published_once_is_not_deleted(database: Database) -> None:
    entry = publish(database, add_entry(database, add_recording(database, state="ready")))

    with pytest.raises(Conflict), database.writing() as session:
        publishing.delete_entry(session, session.get_one(Entry, entry.id), by=None)


def test_the_second_of_two_editors_is_told_and_the_first_loses_nothing(database: Database) -> None:
    entry = add_entry(database)
    with database.writing() as session:
        first = session.get_one(Entry, entry.id)
        entries.update_entry(
            session, first, parse_values({"year_of_procedure": 2024}), revision=entry.revision, by=None
        )

    with pytest.raises(Conflict, match="Somebody else"), database.writing() as session:
        second = session.get_one(Entry, entry.id)
        entries.update_entry(
            session, second, parse_values({"year_of_procedure": 2020}), revision=entry.revision, by=None
        )

    with database.reading() as session:
        assert session.get_one(Entry, entry.id).year_of_procedure == 2024


def test_every_write_raises_the_revision_and_the_place_in_the_order_of_changes(database: Database) -> None:
    first, second = add_entry(database), add_entry(database)
    with database.writing() as session:
        row = session.get_one(Entry, first.id)
        entries.update_entry(session, row, parse_values({"keywords": ["SFA"]}), revision=None, by=None)
        assert row.revision == first.revision + 1
        assert row.index_sequence > second.index_sequence > first.index_sequence


def test_pages_of_a_list_hold_each_entry_once_while_new_ones_arrive(database: Database) -> None:
    editor = add_person(database)
    ids = {add_entry(database).id for _ in range(7)}
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        with database.reading() as session:
            page, cursor = entry_lists.list_entries(session, by=editor, limit=2, cursor=cursor)
        seen += [row.id for row in page]
        add_entry(database)

    assert cursor is None
    assert set(seen) == ids
    assert len(seen) == len(ids)


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "a" * 5000, "MjAyNi0wMS0wMXxh"])
def test_a_damaged_cursor_is_a_sentence(sqlite_database: Database, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="damaged"), sqlite_database.reading() as session:
        entry_lists.list_entries(session, by=None, cursor=cursor)


def test_a_new_package_reaches_viewers_by_one_pointer(database: Database) -> None:
    entry = publish(database, add_entry(database, add_recording(database, state="ready")))
    with database.writing() as session:
        recording = session.get_one(Recording, entry.recording_id)
        package = Package(recording_id=recording.id, state="complete", duration_s=4.0, description={})
        session.add(package)
        session.flush()
        recording.package_id = package.id
        assert session.get_one(Entry, entry.id).package_id != package.id
        publishing.recording_is_ready(session, recording, by=None)

    with database.reading() as session:
        assert session.get_one(Entry, entry.id).package_id == package.id


def test_an_entry_that_waits_to_be_published_is_when_a_second_person_signs_off(database: Database) -> None:
    second = add_person(database)
    recording = add_recording(database, state="awaiting_review")
    entry = add_entry(database, recording)
    with database.writing() as session:
        session.get_one(Entry, entry.id).publish_requested = True

    let_in(database, recording.id, second)
    make_reviewed(database, recording, by=second)
    with database.writing() as session:
        assert publishing.sign_off(session, session.get_one(Recording, recording.id), by=second) == []

    with database.reading() as session:
        assert session.get_one(Entry, entry.id).status == "published"
