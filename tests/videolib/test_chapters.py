"""Chapters: made of phases and steps; without them of what the recording is divided into itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import videolib.catalogue.annotations as catalogue
from tests.libraries import add_entry
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.chapters import Chapter, list_chapters, write_chapters
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import to_ticks
from videolib.catalogue.step_phases import add_step
from videolib.cues import read_cues
from videolib.db import Database


def span(kind: str, term_id: str, start_s: float, end_s: float) -> AnnotationValues:
    return AnnotationValues(kind, to_ticks(start_s), to_ticks(end_s), term_id=term_id)


def chapters_of(
    database: Database, many: list[AnnotationValues], language: str = "en", **described: Any
) -> list[Chapter]:
    entry = add_entry(database)
    with database.writing() as session:
        if many:
            catalogue.add_annotations(session, session.get_one(Entry, entry.id), many, by=None)
        return list_chapters(session, entry.id, described, language)


def test_steps_stand_in_for_their_phase_and_what_lies_between_is_the_phase(sqlite_database: Database) -> None:
    found = chapters_of(
        sqlite_database,
        [
            span("phase", "ph.case", 0, 10),
            span("phase", "ph.access", 10, 60),
            span("step", "step.tace.01", 15, 30),
            span("step", "step.tace.01", 31, 59),
        ],
    )

    assert [(chapter.start_s, chapter.end_s) for chapter in found] == [(0, 10), (10, 15), (15, 30), (31, 59)]
    assert [chapter.title for chapter in found] == [
        "Case presentation and indication",
        "Vascular / percutaneous access",
        "Femoral or radial access and sheath",
        "Femoral or radial access and sheath",
    ]


def test_a_webvtt_of_them_is_read_by_a_parser(sqlite_database: Database) -> None:
    found = chapters_of(sqlite_database, [span("phase", "ph.access", 0, 3700.5)], "zh")

    (cue,) = read_cues(write_chapters(asdict(chapter) for chapter in found))
    assert (cue.start_s, cue.end_s, cue.text) == (0.0, 3700.5, "穿刺入路建立")


def test_without_phases_the_chapters_of_the_file_stay(sqlite_database: Database) -> None:
    own = [{"start_s": 0, "end_s": 2, "title": "Intro"}, {"start_s": 2, "end_s": 2, "title": "Nothing"}]

    assert chapters_of(sqlite_database, [], chapters=own) == [Chapter(0, 2, "Intro")]
    assert chapters_of(sqlite_database, []) == []


def test_a_step_brings_its_phase_and_widens_it_for_the_next(database: Database) -> None:
    entry = add_entry(database)
    steps = [("step.tace.02", 10, 20), ("step.tace.03", 25, 30), ("step.tace.01", 0, 9), ("step.tace.04", 30, 40)]
    for term_id, start_s, end_s in steps:
        with database.writing() as session:
            add_step(
                session, session.get_one(Entry, entry.id), span("step", term_id, start_s, end_s), by=None, tool="t"
            )

    with database.reading() as session:
        phases = [(row.term_id, row.start_s, row.end_s) for row in catalogue.list_phases(session, entry.id)]
    assert phases == [("ph.access", 0, 9), ("ph.baseline_img", 10, 30), ("ph.navigation", 30, 40)]
