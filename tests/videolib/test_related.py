"""What belongs together: rare terms weigh more, and nobody learns of what they may not see."""

from __future__ import annotations

from typing import Any

import pytest

import videolib.catalogue.annotations as catalogue
from tests.libraries import add_entry, add_person, add_recording
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import to_ticks
from videolib.catalogue.people import User
from videolib.catalogue.related import count_step_cases, list_related, list_step_cases
from videolib.db import Database, utc_now
from videolib.errors import InvalidInput

STEP = "step.tace.04"


def published(database: Database, number: int, *, steps: tuple[tuple[float, float], ...] = (), **fields: Any) -> Entry:
    recording = add_recording(database, state="ready", sha256=f"{number:064d}")
    entry = add_entry(database, recording, **fields)
    with database.writing() as session:
        row = session.get_one(Entry, entry.id)
        row.status, row.package_id, row.published_at = "published", recording.package_id, utc_now()
        phase = AnnotationValues("phase", 0, to_ticks(4), term_id="ph.navigation")
        many = [AnnotationValues("step", to_ticks(a), to_ticks(b), term_id=STEP) for a, b in steps]
        if many:
            catalogue.add_annotations(session, row, [phase, *many], by=None)
        return row


def related_to(database: Database, entry: Entry, by: User | None) -> list[str]:
    with database.reading() as session:
        return [found.entry.id for found in list_related(session, session.get_one(Entry, entry.id), by=by)]


@pytest.fixture
def trainee(database: Database) -> User:
    return add_person(database, "trainee")


def test_a_rare_device_says_more_than_a_common_procedure(database: Database, trainee: User) -> None:
    here = published(database, 1, procedures=["proc.tace"], devices=["dev.microcatheter", "dev.lipiodol"])
    for number in range(2, 6):
        published(database, number, procedures=["proc.tace"])
    rare = published(database, 6, procedures=["proc.uae"], devices=["dev.lipiodol"])
    nothing = published(database, 7, procedures=["proc.evar"], devices=[])

    found = related_to(database, here, trainee)

    assert found[0] == rare.id
    assert nothing.id not in found
    assert here.id not in found


def test_the_same_step_and_the_same_hospital_bring_cases_together(database: Database, trainee: User) -> None:
    hospital = [{"name": "Li", "institution": "某市第一人民医院"}]
    here = published(database, 1, steps=((0, 1),), procedures=["proc.tace"], contributors=hospital)
    plain = published(database, 2, procedures=["proc.tace"])
    same_step = published(database, 3, steps=((1, 2),), procedures=["proc.tace"])
    same_place = published(database, 4, steps=((1, 2),), procedures=["proc.tace"], contributors=hospital)

    assert related_to(database, here, trainee) == [same_place.id, same_step.id, plain.id]
    with database.reading() as session:
        first = list_related(session, session.get_one(Entry, here.id), by=trainee)[0]
        assert first.same_hospital == "某市第一人民医院"
        assert {term.id for term in first.shared} == {STEP, "proc.tace"}


def test_what_one_may_not_see_is_neither_listed_nor_counted(database: Database, trainee: User) -> None:
    here = published(database, 1, steps=((0, 1),), audience="public")
    published(database, 2, steps=((0, 1),))
    add_entry(database)

    with database.reading() as session:
        for person, count in ((None, 0), (trainee, 1)):
            assert len(list_related(session, session.get_one(Entry, here.id), by=person)) == count
            assert count_step_cases(session, [STEP], by=person, without=here.id) == ({STEP: 1} if count else {})
            assert len(list_step_cases(session, STEP, by=person)[0]) == 1 + count


def test_cases_of_a_step_come_page_by_page(database: Database, trainee: User) -> None:
    entries = [published(database, number, steps=((0, 1), (2, 3))) for number in range(1, 4)]

    with database.reading() as session:
        seen, cursor = [], None
        while True:
            page, cursor = list_step_cases(session, STEP, by=trainee, limit=4, cursor=cursor)
            seen += [(case.entry.id, case.step.start_s) for case in page]
            if cursor is None:
                break
        assert seen == [(entry.id, start_s) for entry in reversed(entries) for start_s in (0.0, 2.0)]
        with pytest.raises(InvalidInput):
            list_step_cases(session, STEP, by=trainee, cursor="x")
