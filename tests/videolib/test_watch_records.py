"""Honest progress: seconds really watched are a union, bounded by the clock on the wall, whatever is reported."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from tests.libraries import add_entry, add_person, add_recording
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.statements import make_statements, played_segments
from videolib.catalogue.watch_records import (
    LEEWAY_MS,
    Viewing,
    WatchRecord,
    find_record,
    open_viewing,
    read_report,
    take_report,
)
from videolib.catalogue.watch_time import Played, gaps_of, unite, within
from videolib.db import Database
from videolib.errors import InvalidInput, NotFound

HUNDRED_S = 100.0


@pytest.fixture
def entry(database: Database) -> Entry:
    """An entry of a recording of 100 s."""
    recording = add_recording(database, state="ready")
    made = add_entry(database, recording)
    with database.writing() as session:
        row = session.get_one(Entry, made.id)
        assert row.recording is not None
        row.recording.source = {"duration_s": HUNDRED_S}
        return row


def begin(database: Database, entry: Entry, person: User, *, ago_s: float = 0) -> str:
    """A viewing that began so long ago."""
    with database.writing() as session:
        viewing = open_viewing(session, session.get_one(Entry, entry.id), by=person)
        viewing.began_at -= timedelta(seconds=ago_s)
        return viewing.id


def report(
    database: Database, viewing: str, person: User, *played: tuple[float, ...], number: int = 1, place: float = 0
) -> WatchRecord:
    stretches = [{"start_s": one[0], "end_s": one[1], "rate": one[2] if len(one) > 2 else 1} for one in played]
    with database.writing() as session:
        said = read_report({"report": number, "place_s": place, "played": stretches})
        record = take_report(session, viewing, said, by=person)
        session.expunge(record)
        return record


def test_what_is_seen_twice_counts_once_and_gaps_stay(database: Database, entry: Entry) -> None:
    person = add_person(database, "trainee")
    viewing = begin(database, entry, person, ago_s=60)

    report(database, viewing, person, (0, 10), (5, 12))
    record = report(database, viewing, person, (50, 60), (8, 11), number=2, place=60)

    assert record.spans == [[0, 12_000], [50_000, 60_000]]
    assert (record.watched_ms, record.share, record.place_ms) == (22_000, 0.22, 60_000)
    assert record.done_at is None
    assert gaps_of(record.spans, record.duration_ms) == [(12_000, 50_000), (60_000, 100_000)]


def test_jumping_to_the_end_is_not_watching(database: Database, entry: Entry) -> None:
    """Checklist 37 (the rows behind it)."""
    person = add_person(database, "trainee")
    viewing = begin(database, entry, person, ago_s=30)

    record = report(database, viewing, person, (98, 100), place=100)

    assert record.share == 0.02
    assert record.done_at is None
    assert record.resume_s == 0


@pytest.mark.parametrize(("rate", "most_s"), [(1, 10), (2, 20), (0.5, 5)])
def test_nobody_watches_faster_than_the_clock_times_the_speed(
    database: Database, entry: Entry, rate: float, most_s: float
) -> None:
    person = add_person(database, "trainee")
    began = time.monotonic()
    viewing = begin(database, entry, person, ago_s=10)

    record = report(database, viewing, person, (0, 100, rate))

    leeway_s = (LEEWAY_MS / 1000 + time.monotonic() - began) * rate
    assert most_s * 1000 <= record.watched_ms <= (most_s + leeway_s) * 1000


def test_many_windows_do_not_make_more_time(database: Database, entry: Entry) -> None:
    person = add_person(database, "trainee")
    began = time.monotonic()
    viewings = [begin(database, entry, person, ago_s=10) for _ in range(8)]

    for number, viewing in enumerate(viewings):
        record = report(database, viewing, person, (number * 10, number * 10 + 10))

    assert record.watched_ms <= (10 + time.monotonic() - began) * 1000 + LEEWAY_MS


def test_what_was_lost_with_the_network_is_sent_later_and_what_comes_twice_counts_once(
    database: Database, entry: Entry
) -> None:
    person = add_person(database, "trainee")
    offline = begin(database, entry, person, ago_s=3600)
    later = begin(database, entry, person, ago_s=600)
    report(database, later, person, (0, 40), number=1)

    report(database, offline, person, (60, 90), number=1)
    record = report(database, offline, person, (0, 100), number=1)

    assert record.spans == [[0, 40_000], [60_000, 90_000]]


def test_a_viewing_takes_reports_of_its_own_person_only(database: Database, entry: Entry) -> None:
    person, other = add_person(database, "trainee"), add_person(database, "admin")
    viewing = begin(database, entry, person, ago_s=60)

    with pytest.raises(NotFound):
        report(database, viewing, other, (0, 10))
    with database.reading() as session:
        assert find_record(session, entry.id, by=other) is None

    with database.writing() as session:
        session.get_one(Viewing, viewing).began_at -= timedelta(days=4)
    with pytest.raises(NotFound):
        report(database, viewing, person, (0, 10))


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"report": 0, "place_s": 0, "played": []},
        {"report": 1, "place_s": float("inf"), "played": []},
        {"report": 1, "place_s": 0, "played": [{"start_s": 5, "end_s": 1, "rate": 1}]},
        {"report": 1, "place_s": 0, "played": [{"start_s": 0, "end_s": float("nan"), "rate": 1}]},
        {"report": 1, "place_s": 0, "played": [{"start_s": 0, "end_s": 1, "rate": 16}]},
        {"report": 1, "place_s": 0, "played": [{"start_s": 0, "end_s": 1, "rate": 1}] * 501},
    ],
)
def test_what_is_no_report_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read_report(sent)


def test_stretches_that_touch_become_one() -> None:
    assert unite([[5, 9]], [[0, 5], [20, 300], [400, 900]]) == [(0, 900)]
    assert unite([[0, 1000]], [[2000, 3000], [7, 7]]) == [(0, 1000), (2000, 3000)]
    assert within([Played(0, 1000, 1.0), Played(5000, 9000, 2.0)], 2000, 8000) == ([(0, 1000), (5000, 7000)], 2000.0)


def test_the_record_can_be_taken_along_as_statements_of_the_video_profile(database: Database, entry: Entry) -> None:
    person = add_person(database, "trainee")
    viewing = begin(database, entry, person, ago_s=200)
    report(database, viewing, person, (0, 60), (61.5, 100), place=100)

    with database.reading() as session:
        record = find_record(session, entry.id, by=person)
        assert record is not None
        made = make_statements([record], of=person, home="https://library.example")
        again = make_statements([record], of=person, home="https://library.example")

    profile = "https://w3id.org/xapi/video"
    assert {one["verb"]["id"].rpartition("/")[2] for one in made} == {"initialized", "completed", "terminated"}
    completed = next(one for one in made if one["verb"]["display"]["en"] == "completed")
    assert completed["result"]["completion"] is True
    assert completed["result"]["extensions"][f"{profile}/extensions/played-segments"] == "0[.]60[,]61.5[.]100"
    assert completed["context"]["contextActivities"]["category"] == [{"id": profile}]
    assert completed["context"]["extensions"][f"{profile}/extensions/length"] == 100
    assert person.email not in str(made)
    assert [one["id"] for one in again] == [one["id"] for one in made]
    assert len({one["id"] for one in made}) == 3
    assert played_segments([]) == ""
