"""A library of a release whose viewings kept no stretches: what was watched counts for each newest viewing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from tests.videolib.test_upgrade import empty_database, insert, library_at  # noqa: F401 - a fixture
from videolib.catalogue.cohorts import CohortMember
from videolib.catalogue.library import LibraryFact
from videolib.catalogue.watch_records import Viewing
from videolib.db import Database
from videolib.upgrade import find_differences, upgrade

MOMENT, LATER = "2026-11-01 08:00:00+00:00", "2026-11-02 08:00:00+00:00"


def test_what_was_watched_before_belongs_to_the_newest_viewing(
    empty_database: Database,  # noqa: F811 - the fixture
    own_home: Path,
    tmp_path: Path,
) -> None:
    database = empty_database
    library_at(database, "0020", own_home, tmp_path)
    for number in (1, 2):
        person = {"display_name": "", "active": True, "is_demo": False, "created_at": MOMENT, "login_count": 0}
        insert(database, "users", id=number, email=f"{number}@x.example", fs_uniquifier=str(number), **person)
    texts = dict.fromkeys(("title", "summary", "key_points", "details", "pending"), "{}")
    entry = {"revision": 1, "version": 0, "status": "draft", "audience": "signed_in", "publish_requested": False}
    dates = {"created_at": MOMENT, "updated_at": MOMENT}
    insert(database, "entries", id="e", code="e", learning_objectives="[]", index_sequence=1, **entry, **texts, **dates)
    for name, user_id, at in (("old", 1, MOMENT), ("new", 1, LATER), ("other", 2, MOMENT)):
        times = {"began_at": at, "seen_at": at, "report": 1, "lasted_ms": 1}
        insert(database, "viewings", id=name, user_id=user_id, entry_id="e", **times)
    seen = {"spans": "[[0, 3000]]", "plays": "[]", "watched_ms": 3000, "place_ms": 0, "duration_ms": 4000}
    insert(database, "watch_records", user_id=1, entry_id="e", first_at=MOMENT, last_at=LATER, **seen)
    insert(database, "cohorts", id="c", name="Fellows", created_at=MOMENT)
    insert(database, "cohort_members", cohort_id="c", user_id=1)
    insert(database, "library_facts", name="ledger_written", text="7")

    upgrade(database, own_home)

    assert find_differences(database) == []
    with database.reading() as session:
        spans = {viewing.id: viewing.spans for viewing in session.scalars(select(Viewing))}
        assert spans == {"old": [], "new": [[0, 3000]], "other": []}
        assert [member.joined_at for member in session.scalars(select(CohortMember))] == [None]
        assert session.get(LibraryFact, "ledger_written") is None, "the ledger takes in what it did not know of people"
