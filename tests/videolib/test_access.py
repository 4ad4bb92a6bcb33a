"""The one question: what `can` says of an entry is what the lists show and the search index is asked for."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import select, update

from tests.libraries import add_entry, add_person, add_recording
from videolib.catalogue.access import audiences_of, can, get_entry, published, visible_entries
from videolib.catalogue.entries import STATUSES, Entry
from videolib.catalogue.people import ROLES, User
from videolib.db import Database
from videolib.errors import NotFound

AUDIENCES = ("public", "signed_in")


def add_entries_of_every_kind(database: Database, reviewer: User) -> None:
    """Each state, with a package and without, for each audience, with the reviewer named and not."""
    package_id = add_recording(database, state="ready").package_id
    kinds = product(STATUSES, AUDIENCES, (package_id, None), (reviewer.id, None))
    for status, audience, package, named in kinds:
        entry = add_entry(database)
        changes = {"status": status, "audience": audience, "package_id": package, "reviewer_id": named}
        with database.writing() as session:
            session.execute(update(Entry).where(Entry.id == entry.id).values(**changes))


def test_a_list_shows_exactly_what_the_question_allows_and_the_index_is_asked_for_no_more(database: Database) -> None:
    people: list[User | None] = [None, *(add_person(database, role) for role in ROLES)]
    disabled = add_person(database, "admin", email="gone@hospital.example")
    instructor = next(person for person in people if person and "instructor" in person.role_names)
    add_entries_of_every_kind(database, instructor)
    with database.writing() as session:
        session.get_one(User, disabled.id).active = False

    with database.reading() as session:
        entries = list(session.scalars(select(Entry)))
        for person in [*people, session.get_one(User, disabled.id)]:
            listed = set(session.scalars(select(Entry.id).where(visible_entries(person))))
            shown = set(session.scalars(select(Entry.id).where(visible_entries(person), published())))
            assert listed == {entry.id for entry in entries if can(person, "see", entry)}
            assert shown == {entry.id for entry in entries if can(person, "play", entry)}
            found = {e.id for e in entries if e.id in shown and e.audience in audiences_of(person)}
            assert found <= shown


def test_what_no_rule_names_is_denied_even_to_an_administrator(sqlite_database: Database) -> None:
    admin = add_person(sqlite_database, "admin")
    recording = add_recording(sqlite_database)
    entry = add_entry(sqlite_database, recording)

    assert not can(admin, "juggle", entry)
    assert not can(admin, "juggle", recording)
    assert not can(admin, "juggle", "service")
    assert not can(None, "edit", "catalogue")


def test_what_one_may_not_see_is_not_there(sqlite_database: Database) -> None:
    trainee = add_person(sqlite_database, "trainee")
    entry = add_entry(sqlite_database)

    with sqlite_database.reading() as session:
        with pytest.raises(NotFound):
            get_entry(session, entry.id, by=trainee)
        with pytest.raises(NotFound):
            get_entry(session, "no-such", by=trainee)
