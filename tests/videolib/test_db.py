"""Units of work: what is written together stays together, two writers lose nothing, times keep their zone."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from tests.libraries import add_person
from videolib.catalogue.library import Counter, LibraryFact, current_sequence, next_sequence
from videolib.catalogue.people import User
from videolib.db import Database, database_now, utc_now
from videolib.errors import Unavailable


def test_an_error_rolls_everything_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        session.add(LibraryFact(name="half", text="done"))
        session.flush()
        _ = 1 / 0

    with database.reading() as session:
        assert session.get(LibraryFact, "half") is None


def test_eight_writers_at_once_lose_no_update(database: Database) -> None:
    with database.writing() as session:
        session.add(Counter(name="test", value=0))

    def write() -> None:
        for _ in range(25):
            with database.writing(durable=False) as session:
                counter = session.scalars(select(Counter).where(Counter.name == "test").with_for_update()).one()
                counter.value += 1

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.reading() as session:
        assert session.get_one(Counter, "test").value == 8 * 25


def test_the_sequence_is_given_out_in_the_order_of_commits(database: Database) -> None:
    seen: list[int] = []

    def write() -> None:
        for _ in range(20):
            with database.writing(durable=False) as session:
                number = next_sequence(session)
                seen.append(number)  # still inside: nobody else can have a later number yet

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == sorted(seen)
    with database.reading() as session:
        assert current_sequence(session) == seen[-1] == 80


def test_times_come_back_in_utc_whatever_zone_they_had(database: Database) -> None:
    beijing = datetime(2026, 11, 23, 8, 30, tzinfo=timezone(timedelta(hours=8)))
    user = add_person(database)
    with database.writing() as session:
        session.get_one(User, user.id).last_login_at = beijing

    with database.reading() as session:
        kept = session.get_one(User, user.id).last_login_at
    assert kept == beijing
    assert kept is not None
    assert kept.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    user = add_person(database)

    with pytest.raises(StatementError, match="without a zone"), database.writing() as session:
        session.get_one(User, user.id).last_login_at = datetime(2026, 11, 23)  # noqa: DTZ001 - the mistake under test


def test_the_clock_of_the_database_is_aware_and_near_ours(database: Database) -> None:
    with database.reading() as session:
        assert abs(database_now(session) - utc_now()) < timedelta(seconds=5)


def test_sqlite_promises_what_it_commits(sqlite_database: Database) -> None:
    with sqlite_database.writing() as session:
        assert session.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
    with sqlite_database.writing(durable=False) as session:
        assert session.scalar(text("PRAGMA synchronous")) == 1  # NORMAL
    with sqlite_database.writing() as session:
        assert session.scalar(text("PRAGMA synchronous")) == 2  # the same connection promises again


def test_a_database_that_does_not_answer_is_a_sentence() -> None:
    database = Database("postgresql+psycopg://nobody:secret@127.0.0.1:9/none?connect_timeout=2")

    with pytest.raises(Unavailable, match="does not answer") as caught, database.reading() as session:
        session.execute(text("SELECT 1"))
    assert "secret" not in str(caught.value)
