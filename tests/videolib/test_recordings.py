"""The life of a recording: the table of states is walked, and nothing outside it happens."""

from __future__ import annotations

import pytest

from tests.libraries import WAYS, add_person, add_recording
from videolib.catalogue import recordings
from videolib.catalogue.audit import list_events
from videolib.catalogue.recordings import SETTLED, STATES, TRANSITIONS, Reason, Recording
from videolib.db import Database
from videolib.errors import Conflict, NotAllowed

EVENTS = sorted({event for steps in TRANSITIONS.values() for event in steps})
CONTRACT_STATES = {"queued", "processing", "awaiting_review", "ready", "rejected", "failed", "cancelled"}


def test_the_table_knows_every_state_of_the_contract_and_ends_nowhere_else() -> None:
    assert {"uploaded"} | CONTRACT_STATES == STATES
    assert {target for steps in TRANSITIONS.values() for target in steps.values()} <= STATES
    assert set(WAYS) == STATES


def test_every_state_but_the_first_can_be_reached_and_left() -> None:
    reached = {target for steps in TRANSITIONS.values() for target in steps.values()}
    assert reached == STATES - {"uploaded"}
    assert all(TRANSITIONS.values())


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", sorted(STATES))
def test_each_event_in_each_state_does_what_the_table_says_or_is_refused(
    sqlite_database: Database, state: str, event: str
) -> None:
    row = add_recording(sqlite_database, state=state)
    target = TRANSITIONS[state].get(event)

    with sqlite_database.writing() as session:
        fresh = session.get_one(Recording, row.id)
        if target is None:
            with pytest.raises(Conflict):
                recordings.move(session, fresh, event)
            target = state
        else:
            recordings.move(session, fresh, event)

    with sqlite_database.reading() as session:
        assert session.get_one(Recording, row.id).state == target


def test_of_two_who_move_a_recording_at_once_one_is_told(database: Database) -> None:
    row = add_recording(database, state="processing")
    with database.reading() as session:
        stale = session.get_one(Recording, row.id)
        session.expunge(stale)
    with database.writing() as session:
        recordings.move(session, session.get_one(Recording, row.id), "finish")

    with pytest.raises(Conflict, match="just changed"), database.writing() as session:
        session.add(stale)
        recordings.move(session, stale, "cancel")


def test_a_settled_recording_tells_why(database: Database) -> None:
    row = add_recording(database, state="processing")
    with database.writing() as session:
        recordings.settle(
            session, session.get_one(Recording, row.id), "reject", Reason("truncated", "Its end is missing.")
        )

    with database.reading() as session:
        ended = session.get_one(Recording, row.id)
    assert ended.state in SETTLED
    assert (ended.reason_code, ended.reason_message, ended.stage) == ("truncated", "Its end is missing.", None)


def test_who_uploaded_cannot_sign_off_and_another_can(database: Database) -> None:
    uploader = add_person(database)
    second = add_person(database, email="second@hospital.example")
    row = add_recording(database, state="awaiting_review", by=uploader)

    with pytest.raises(NotAllowed, match="other than the uploader"), database.writing() as session:
        recordings.sign_off(session, session.get_one(Recording, row.id), by=uploader)
    with database.writing() as session:
        recordings.sign_off(session, session.get_one(Recording, row.id), by=second)

    with database.reading() as session:
        assert session.get_one(Recording, row.id).state == "ready"
        latest = list_events(session, object_id=row.id)[0]
        assert (latest.action, latest.actor_id) == (
            "sign_off",
            second.id,
        )


def test_the_file_name_stands_in_no_audit_event(database: Database) -> None:
    row = add_recording(database, state="ready")

    with database.reading() as session:
        events = list_events(session, object_id=row.id)
    assert events
    assert all("张三" not in str(event.detail) for event in events)
