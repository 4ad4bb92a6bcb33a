"""The desk: two people, every finding decided and covered, windows by lot watched; each decision in the audit."""

from __future__ import annotations

import pytest

from tests.libraries import add_person, add_recording, let_in
from videolib.catalogue import desk, publishing, redactions, screenings
from videolib.catalogue.audit import list_events
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Finding, Found
from videolib.db import Database
from videolib.errors import Conflict, InvalidInput, NotAllowed

NAME = Found("picture", "name", 0.9, 81.0, 2.0, 5.0, (0.1, 0.1, 0.2, 0.05), "findings/x.jpg", "ab" * 32)
SPEECH = Found("sound", "speech", 0.8, 30.0, 6.0, 8.0)


@pytest.fixture
def people(database: Database) -> tuple[User, User]:
    return add_person(database, email="uploader@hospital.example"), add_person(
        database, email="second@hospital.example"
    )


@pytest.fixture
def held(database: Database, people: tuple[User, User]) -> Recording:
    """A recording of a minute that was screened: a name in the picture, and somebody who speaks."""
    recording = add_recording(database, state="awaiting_review", by=people[0])
    let_in(database, recording.id, people[1])
    with database.writing() as session:
        row = session.get_one(Recording, recording.id)
        row.source = {"duration_s": 60.0, "width": 1280, "height": 720}
        session.get_one(Package, row.package_id).duration_s = 60.0
        screening = screenings.begin_screening(session, row)
        screenings.keep_progress(session, screening, 60.0, [NAME, SPEECH])
        screenings.finish_screening(session, screening, notes={})
    return row


def missing(database: Database, recording: Recording, by: User) -> set[str]:
    with database.reading() as session:
        return set(desk.progress_of(session, session.get_one(Recording, recording.id), by=by).missing)


def decide(
    database: Database, recording: Recording, by: User, *, name: str = "accepted", speech: str = "dismissed"
) -> None:
    with database.writing() as session:
        row = session.get_one(Recording, recording.id)
        for finding in session.query(Finding).all():
            decision = name if finding.rule == "name" else speech
            screenings.decide(session, row, finding, decision, "Nobody is named.", by=by)


def test_everything_is_asked_for_before_a_second_person_signs(
    database: Database, people: tuple[User, User], held: Recording
) -> None:
    uploader, second = people
    assert missing(database, held, second) == {"findings", "windows"}

    decide(database, held, second)
    assert missing(database, held, second) == {"masks", "windows"}, "what was accepted is not covered yet"
    with database.writing() as session:
        row = session.get_one(Recording, held.id)
        finding = session.query(Finding).filter_by(rule="name").one()
        redactions.add_redaction(session, row, {**redactions.covering(finding), "end_s": 4.0}, by=second)
    assert "masks" in missing(database, held, second), "not for all of its time"
    with database.writing() as session:
        row = session.get_one(Recording, held.id)
        (short,) = redactions.list_redactions(session, row.id)
        redactions.change_redaction(session, row, short.id, redactions.covering(finding), by=second)
        look = desk.begin_look(session, row, by=second)
        desk.note_played(session, row, [[start, start + 8.9] for start, _end in look.windows], by=second)
    assert missing(database, held, second) == {"windows"}, "nine tenths of each"
    with database.writing() as session:
        row = session.get_one(Recording, held.id)
        desk.note_played(session, row, desk.begin_look(session, row, by=second).windows, by=second)
        desk.note_played(session, row, desk.begin_look(session, row, by=uploader).windows, by=uploader)

    with database.writing() as session, pytest.raises(NotAllowed) as refused:
        publishing.sign_off(session, session.get_one(Recording, held.id), by=uploader)
    assert refused.value.code == "two_people"
    with database.writing() as session:
        publishing.sign_off(session, session.get_one(Recording, held.id), by=second)
    with database.reading() as session:
        row = session.get_one(Recording, held.id)
        assert (row.state, row.signed_off_by_id) == ("queued", second.id), "rendered from the original now"
        (event,) = [one for one in list_events(session, object_id=row.id) if one.action == "review_signed"]
        said = {one["decision"]: one["frame_sha256"] for one in event.detail["decisions"]}
        assert said == {"accepted": "ab" * 32, "dismissed": None}
        assert event.detail["redactions"][0]["end_s"] == 5.0


def test_windows_are_drawn_by_lot_for_each_person_and_lie_all_over_the_recording(
    database: Database, people: tuple[User, User], held: Recording
) -> None:
    with database.writing() as session:
        row = session.get_one(Recording, held.id)
        mine, theirs = (desk.begin_look(session, row, by=person).windows for person in people)
        again = desk.begin_look(session, row, by=people[0]).windows

    assert mine == again
    assert mine != theirs
    assert [int(start // 20) for start, _end in mine] == [0, 1, 2]
    assert all(end - start == pytest.approx(10) and end <= 60.01 for start, end in mine)


def test_a_dismissal_needs_a_reason_and_a_recording_that_is_reviewed(
    database: Database, people: tuple[User, User], held: Recording
) -> None:
    with database.writing() as session:
        row, finding = session.get_one(Recording, held.id), session.query(Finding).filter_by(rule="name").one()
        with pytest.raises(InvalidInput):
            screenings.decide(session, row, finding, "dismissed", " ", by=people[1])
        row.state = "ready"
        with pytest.raises(Conflict):
            screenings.decide(session, row, finding, "accepted", "", by=people[1])


def test_masks_of_a_machine_are_offered_for_its_next_recording(
    database: Database, people: tuple[User, User], held: Recording
) -> None:
    mask = {"kind": "mask", "start_s": 0.0, "end_s": 60.0, "keys": [[0.0, 0.0, 0.0, 1.0, 0.05]], "fill": "grey"}
    other = add_recording(database, state="awaiting_review", by=people[0], sha256="1" * 64)
    with database.writing() as session:
        row = session.get_one(Recording, held.id)
        with pytest.raises(InvalidInput):
            redactions.save_for_machine(session, row, "Artis zee", by=people[1])
        redactions.add_redaction(session, row, mask, by=people[1])
        kept = redactions.save_for_machine(session, row, "Artis zee", by=people[1])
        following = session.get_one(Recording, other.id)
        following.source = {"duration_s": 30.0, "width": 1920, "height": 1080}
        assert redactions.offered_masks(session, following) == [], "other pictures"
        following.source = {"duration_s": 30.0, "width": 1280, "height": 720}
        (offered,) = redactions.offered_masks(session, following)

        (drawn,) = redactions.use_machine_mask(session, following, offered.id, by=people[1])

        assert (kept.id, drawn.fill, drawn.keys[0][1:]) == (offered.id, "grey", [0.0, 0.0, 1.0, 0.05])
        assert drawn.end_s >= 30.0


def test_a_mask_that_was_followed_takes_the_place_of_the_one_that_was_drawn(
    database: Database, people: tuple[User, User], held: Recording
) -> None:
    with database.writing() as session:
        row = session.get_one(Recording, held.id)
        finding = session.query(Finding).filter_by(rule="name").one()
        drawn = redactions.add_redaction(session, row, redactions.covering(finding), by=people[1])
        redactions.follow(session, row, drawn.id, by=people[1])
        assert redactions.followed_now(session, row) == {drawn.id}
        with pytest.raises(Conflict):
            redactions.follow(session, row, drawn.id, by=people[1])

        redactions.take_way(session, row, drawn.id, [[2.0, 0.1, 0.1, 0.2, 0.1], [5.0, 0.4, 0.1, 0.2, 0.1]], 4.5)
        redactions.take_way(session, row, drawn.id, [[2.0, 0.9, 0.9, 0.1, 0.1]], None)

        (moved,) = redactions.list_redactions(session, row.id)
        assert (len(moved.keys), moved.lost_s, moved.finding_id) == (2, 4.5, finding.id)
