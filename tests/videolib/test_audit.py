"""The audit: events form a chain that shows any change, also at its end, and survives many writers and pruning."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, update

from tests.libraries import add_entry, add_person
from tests.visitors import Site
from videolib.catalogue import grants, groups
from videolib.catalogue.audit import AuditEvent, list_events, record_event
from videolib.catalogue.audit_chain import anchor_head, prune_events, verify_chain
from videolib.catalogue.library import Counter
from videolib.catalogue.people import User, get_user
from videolib.db import Database, utc_now
from videolib.errors import InvalidInput, NotAllowed
from videolib.storage import Store, open_store

KEY = b"k" * 32


@pytest.fixture
def store(settings) -> Store:
    opened = open_store(settings.store_url)
    opened.prepare(None)
    return opened


def record(database: Database, count: int) -> None:
    for number in range(count):
        with database.writing() as session:
            record_event(session, "update", "entry", f"e{number}", by=None, 第=number, fields=["title", "zh"])


def breaks(database: Database, store: Store) -> list[int]:
    with database.reading() as session:
        return sorted({found.sequence for found in verify_chain(session, store, KEY)})


def test_an_untouched_audit_is_whole(database: Database, store: Store) -> None:
    record(database, 5)
    anchor_head(database, store, KEY)
    record(database, 2)

    assert breaks(database, store) == []


def test_a_changed_event_is_found(database: Database, store: Store) -> None:
    record(database, 5)

    with database.writing() as session:
        session.execute(update(AuditEvent).where(AuditEvent.sequence == 3).values(actor_id=7))

    assert breaks(database, store) == [3]


def test_a_missing_event_is_found(database: Database, store: Store) -> None:
    record(database, 5)

    with database.writing() as session:
        session.execute(delete(AuditEvent).where(AuditEvent.sequence == 3))

    assert breaks(database, store) == [3]


def test_the_last_events_are_missed_also_where_the_counter_was_set_back(database: Database, store: Store) -> None:
    record(database, 5)
    anchor_head(database, store, KEY)

    with database.writing() as session:
        session.execute(delete(AuditEvent).where(AuditEvent.sequence > 3))
    assert breaks(database, store) == [4]

    with database.writing() as session:
        session.execute(update(Counter).where(Counter.name == "audit").values(value=3))
    assert breaks(database, store) == [4]


def test_a_chain_that_was_written_anew_differs_from_its_anchors(database: Database, store: Store) -> None:
    record(database, 3)
    anchor_head(database, store, KEY)

    with database.writing() as session:
        session.execute(delete(AuditEvent))
        session.execute(update(Counter).where(Counter.name == "audit").values(value=0))
    record(database, 4)

    assert breaks(database, store) == [3]


def test_an_event_put_in_beside_the_program_is_found(database: Database, store: Store) -> None:
    record(database, 1)

    with database.engine.begin() as connection:
        values = {"at": utc_now(), "action": "view", "object_kind": "entry", "object_id": "x", "detail": {}}
        connection.execute(insert(AuditEvent).values(**values))

    assert breaks(database, store) == [0]


def test_many_writers_at_once_make_one_chain_and_none_waits_for_ever(database: Database, store: Store) -> None:
    def write() -> None:
        for _ in range(4):
            with database.writing() as session:
                record_event(session, "update", "entry", "e", by=None)
                add_entry_row(session)

    def add_entry_row(session) -> None:
        # another lock that is taken after the event: the order of locks must not matter
        session.execute(update(Counter).where(Counter.name == "entries").values(value=Counter.value + 1))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert breaks(database, store) == []
    with database.reading() as session:
        assert {event.sequence for event in list_events(session)} == set(range(1, 17))


def test_what_is_rolled_back_leaves_no_gap(database: Database, store: Store) -> None:
    record(database, 1)
    with pytest.raises(InvalidInput), database.writing() as session:
        record_event(session, "update", "entry", "e", by=None)
        raise InvalidInput("No.")
    record(database, 1)

    assert breaks(database, store) == []
    with database.reading() as session:
        assert [event.sequence for event in list_events(session)] == [2, 1]


def test_retention_leaves_a_signed_checkpoint_from_which_the_chain_goes_on(database: Database, store: Store) -> None:
    record(database, 4)
    with database.writing() as session:
        old = utc_now() - timedelta(days=400)
        assert prune_events(session, old, KEY, by=None) == 0
        assert prune_events(session, utc_now(), KEY, by=None) == 3
    record(database, 1)

    assert breaks(database, store) == []
    with database.reading() as session:
        assert [event.action for event in list_events(session)] == ["update", "prune", "update"]
        assert {found.sequence for found in verify_chain(session, store, b"another key" * 3)} == {3}
    with pytest.raises(InvalidInput), database.writing() as session:
        prune_events(session, utc_now() + timedelta(days=1), KEY, by=None)


def test_watching_logging_in_and_exporting_are_events(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    visitor = sqlite_site.visitor("trainee")
    for _ in range(2):
        visitor.get(f"/entries/{entry.id}")
        visitor.get(f"/api/v1/entries/{entry.id}/playback")
    visitor.get("/api/v1/entries/export?form=csv")

    with sqlite_site.database.reading() as session:
        person = get_user(session, "trainee@hospital.example")
        done = [event.action for event in list_events(session) if event.actor_id == person.id]
    assert done == ["export", "view", "login"]


def test_an_administrator_looks_events_up_and_takes_them_as_a_file(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    sqlite_site.visitor("trainee").get(f"/entries/{entry.id}")
    visitor = sqlite_site.visitor("admin")

    views = visitor.get(f"/admin/audit?kind=view&who=trainee@hospital.example&object={entry.id}").text
    nothing = visitor.get("/admin/audit?who=nobody@hospital.example").text
    file = visitor.get("/admin/audit/export?kind=view").text

    assert f"entry {entry.id}" in views
    assert entry.id not in nothing
    assert "colspan" in nothing
    assert file.count(entry.id) == 1
    with sqlite_site.database.reading() as session:
        assert list_events(session)[0].action == "export"


def test_grants_are_made_on_the_host_first_and_by_nobody_for_himself(database: Database) -> None:
    officer, admin, other = (
        add_person(database, role, email=f"{number}@hospital.example")
        for number, role in enumerate(("trainee", "admin", "editor"))
    )
    with database.writing() as session:
        for name in ("first", "second"):
            groups.add_group(session, name, "hospital", {"en": name}, by=None)
        grants.give_grant(session, session.get_one(User, officer.id), "privacy_officer", "first", by=None)

    with database.writing() as session:
        officer, admin, other = (session.get_one(User, person.id) for person in (officer, admin, other))
        session.refresh(officer)
        for target, name, hospital, by in (
            (admin, "reviewer", "first", admin),
            (admin, "privacy_officer", "first", other),
            (other, "reviewer", "first", admin),
            (officer, "reviewer", "first", officer),
            (other, "reviewer", "second", officer),
        ):
            with pytest.raises(NotAllowed):
                grants.give_grant(session, target, name, hospital, by=by)
        grants.give_grant(session, other, "reviewer", "first", by=officer)
        assert {event.action for event in list_events(session, object_id=str(other.id))} == {"grant"}


def test_an_entry_event_of_today_stands_beside_its_deed(sqlite_database: Database) -> None:
    entry = add_entry(sqlite_database)

    with sqlite_database.reading() as session:
        (event,) = list_events(session, object_id=entry.id)
        assert (event.action, event.sequence) == ("create", 1)
