"""Annotations: what may stand where, who wins when two write, and what is left when one is refused."""

from __future__ import annotations

from typing import Any

import pytest

import videolib.catalogue.annotations as catalogue
from tests.libraries import add_entry, add_person, add_recording
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import Annotation, StaleAnnotation
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import to_ticks
from videolib.db import Database
from videolib.errors import InvalidInput, NotFound

TERMS = {"phase": "ph.access", "step": "step.tace.01", "action": "verb.advance", "event": "comp.spasm"}


def values(kind: str, start_s: float, end_s: float | None = None, **changes: Any) -> AnnotationValues:
    given = {"term_id": TERMS.get(kind), "note": {} if kind in TERMS else {"en": "Something."}, **changes}
    return AnnotationValues(kind, to_ticks(start_s), None if end_s is None else to_ticks(end_s), **given)


def add(database: Database, entry: Entry, *many: AnnotationValues) -> list[Annotation]:
    with database.writing() as session:
        return catalogue.add_annotations(session, session.get_one(Entry, entry.id), many, by=None)


@pytest.fixture
def entry(database: Database) -> Entry:
    """An entry whose recording lasts 4 s."""
    return add_entry(database, add_recording(database, state="ready"))


def listed(database: Database, entry: Entry) -> list[tuple[str, float, float]]:
    with database.reading() as session:
        return [(row.kind, row.start_s, row.end_s) for row in catalogue.list_annotations(session, entry.id)]


def test_a_case_is_described_from_phase_to_action_and_keeps_who_and_by_which_words(
    database: Database, entry: Entry
) -> None:
    editor = add_person(database)
    many = [
        values("action", 0.5, 0.75, instrument_id="dev.guidewire", target_id="anat.cfa", confidence=0.9),
        values("event", 1.25, severity_id="cls.cirse2"),
        values("step", 0, 1.5),
        values("task", 0.5, 1.0),
        values("phase", 0, 2),
    ]

    with database.writing() as session:
        catalogue.add_annotations(session, session.get_one(Entry, entry.id), many, by=editor, tool="desk")

    with database.reading() as session:
        rows = catalogue.list_annotations(session, entry.id)
        assert [row.kind for row in rows] == ["phase", "step", "task", "action", "event"]
        assert {(row.author_id, row.tool, row.revision) for row in rows} == {(editor.id, "desk", 1)}
        assert min(row.vocabulary_version for row in rows) > 0
        assert [row.id for row in catalogue.list_phases(session, entry.id)] == [rows[0].id]
        assert rows[-1].end_ticks is None


@pytest.mark.parametrize(
    ("there", "new", "code"),
    [
        ([values("phase", 0, 2)], values("phase", 1.9, 3), "overlap"),
        ([values("phase", 1, 2)], values("phase", 0, 3), "overlap"),
        ([values("phase", 0, 2)], values("step", 1, 3), "outside_parent"),
        ([], values("step", 1, 3), "outside_parent"),
        ([values("phase", 0, 2)], values("task", 0, 1), "outside_parent"),
        ([values("phase", 0, 4), values("step", 0, 2)], values("step", 1, 3), "overlap"),
        ([], values("phase", 1, None), "no_end"),
        ([], values("phase", 2, 2), "backwards"),
        ([], values("phase", 2, 9), "too_late"),
        ([], values("event", 9), "too_late"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_is_kept(
    database: Database, entry: Entry, there: list[AnnotationValues], new: AnnotationValues, code: str
) -> None:
    if there:
        add(database, entry, *there)
    before = listed(database, entry)

    with pytest.raises(InvalidInput) as refused:
        add(database, entry, new)

    assert refused.value.code == code
    assert refused.value.fields
    assert listed(database, entry) == before


def test_phases_may_touch_and_events_lie_anywhere(database: Database, entry: Entry) -> None:
    add(database, entry, values("phase", 0, 2), values("phase", 2, 4), values("event", 1.5, 2.5), values("note", 3))

    assert len(listed(database, entry)) == 4


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "phase", "term_id": None}, "term"),
        ({"kind": "phase", "term_id": "step.tace.01"}, "term"),
        ({"kind": "event", "term_id": "comp.nothing"}, "term"),
        ({"kind": "event", "severity_id": "cls.tasc_a"}, "severity"),
        ({"kind": "note", "severity_id": "cls.cirse1"}, "severity"),
        ({"kind": "action", "instrument_id": "anat.cfa"}, "instrument"),
        ({"kind": "mark"}, "shape"),
        ({"kind": "note", "note": {}}, "note"),
        ({"kind": "note", "note": {"fr": "non"}}, "note"),
        ({"kind": "note", "confidence": 1.5}, "confidence"),
        ({"kind": "note", "layer": "third"}, "layer"),
        ({"kind": "scene"}, "kind"),
    ],
)
def test_each_kind_asks_for_its_own_terms(database: Database, entry: Entry, wrong: dict[str, Any], field: str) -> None:
    given = {"start_s": 0.0, "end_s": 1.0, **wrong}

    with pytest.raises(InvalidInput) as refused:
        add(database, entry, values(**given))

    assert set(refused.value.fields) == {field}


def test_of_two_who_change_the_same_one_the_second_is_told_what_the_first_wrote(
    database: Database, entry: Entry
) -> None:
    (row,) = add(database, entry, values("note", 1))
    for text in ("first", "second"):
        with database.writing() as session:
            known = session.get_one(Entry, entry.id)
            new = values("note", 1, note={"en": text})
            if text == "first":
                catalogue.change_annotation(session, known, row.id, new, revision=1, by=None)
                continue
            with pytest.raises(StaleAnnotation) as stale:
                catalogue.change_annotation(session, known, row.id, new, revision=1, by=None)
            assert stale.value.current is not None
            assert (stale.value.current.note, stale.value.current.revision) == ({"en": "first"}, 2)
            with pytest.raises(StaleAnnotation):
                catalogue.delete_annotation(session, known, row.id, revision=1, by=None)


def test_two_editors_at_different_annotations_do_not_meet(database: Database, entry: Entry) -> None:
    one, two = add(database, entry, values("note", 1), values("note", 2))

    for row in (one, two):
        with database.writing() as session:
            known = session.get_one(Entry, entry.id)
            revision = known.revision
            new = values("note", 3, note={"zh": "改"})
            catalogue.change_annotation(session, known, row.id, new, revision=1, by=None)
            assert session.get_one(Entry, entry.id).revision == revision

    assert listed(database, entry) == [("note", 3.0, 3.0)] * 2


def test_who_changes_what_was_deleted_meanwhile_is_told_so(database: Database, entry: Entry) -> None:
    (row,) = add(database, entry, values("note", 1))
    with database.writing() as session:
        known = session.get_one(Entry, entry.id)
        catalogue.delete_annotation(session, known, row.id, revision=1, by=None)

    with database.writing() as session, pytest.raises(StaleAnnotation) as stale:
        known = session.get_one(Entry, entry.id)
        catalogue.change_annotation(session, known, row.id, values("note", 1), revision=1, by=None)

    assert stale.value.current is None


def test_a_phase_is_not_taken_from_under_its_steps(database: Database, entry: Entry) -> None:
    phase, _ = add(database, entry, values("phase", 0, 2), values("step", 1, 2))

    with database.writing() as session:
        known = session.get_one(Entry, entry.id)
        with pytest.raises(InvalidInput, match="lies inside one phase"):
            catalogue.delete_annotation(session, known, phase.id, revision=1, by=None)
        with pytest.raises(InvalidInput, match="lies inside one phase"):
            catalogue.change_annotation(session, known, phase.id, values("phase", 0, 1.5), revision=1, by=None)


def test_what_a_shorter_recording_broke_is_named_and_can_be_mended_one_by_one(database: Database) -> None:
    entry = add_entry(database)
    add(database, entry, values("phase", 0, 9), values("phase", 9, 12))
    shorter = add_recording(database, state="ready")
    with database.writing() as session:
        known = session.get_one(Entry, entry.id)
        known.recording_id = shorter.id
        session.flush()
        session.refresh(known)
        first = catalogue.list_phases(session, entry.id)[0]

        assert len(catalogue.find_rule_problems(session, known)) == 2
        catalogue.change_annotation(session, known, first.id, values("phase", 0, 3), revision=1, by=None)
        assert len(catalogue.find_rule_problems(session, known)) == 1


def test_the_second_reading_is_apart_from_the_first(database: Database, entry: Entry) -> None:
    add(database, entry, values("phase", 0, 2))
    (second,) = add(database, entry, values("phase", 0.5, 2.5, layer="second"))

    assert listed(database, entry) == [("phase", 0.0, 2.0)]
    with database.reading() as session, pytest.raises(NotFound):
        catalogue.get_annotation(session, session.get_one(Entry, entry.id), second.id)


def test_writing_one_gives_the_entry_its_place_in_the_order_of_changes(database: Database, entry: Entry) -> None:
    add(database, entry, values("note", 1))

    with database.reading() as session:
        assert session.get_one(Entry, entry.id).index_sequence > entry.index_sequence
