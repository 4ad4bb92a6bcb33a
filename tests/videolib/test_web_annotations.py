"""W3C Web Annotation: what goes out comes back the same, and what others write is taken as far as it can be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import videolib.catalogue.annotations as catalogue
from tests.libraries import add_entry
from videolib.catalogue.annotation_import import import_annotations
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_fragments import read_target, write_fragment
from videolib.catalogue.media_time import frame_at, frame_start, to_ticks
from videolib.catalogue.web_annotations import Writer, read_annotation
from videolib.db import Database
from videolib.errors import InvalidInput

ENTRY, COLLECTION = "https://lib.example/entries/e", "https://lib.example/api/v1/entries/e/annotations"
SVG = '<svg viewBox="0 0 100 100" xmlns="http://www.w3.org/2000/svg"><ellipse cx="5" cy="5" rx="2" ry="1" /></svg>'
EVERY_KIND = [
    AnnotationValues("phase", 0, to_ticks(9), term_id="ph.access"),
    AnnotationValues(
        "step", to_ticks(1), to_ticks(3.5), term_id="step.tace.01", note={"zh": "右股动脉", "en": "Right"}
    ),
    AnnotationValues("task", to_ticks(1), to_ticks(2), note={"en": "Wire in"}, confidence=0.75),
    AnnotationValues(
        "action", to_ticks(1), term_id="verb.advance", instrument_id="dev.guidewire", target_id="anat.cfa"
    ),
    AnnotationValues("event", to_ticks(2), term_id="comp.spasm", severity_id="cls.cirse2"),
    AnnotationValues("mark", to_ticks(2), to_ticks(4), shape={"box": [10.5, 20, 30, 40]}, note={"zh": "肿瘤染色"}),
    AnnotationValues("mark", to_ticks(2), shape={"svg": SVG}, term_id="anat.cha", target_id="anat.cha"),
    AnnotationValues("note", to_ticks(5), note={"zh": "看这里"}, layer="second"),
]


def foreign(target: Any, body: Any = "See here", **members: Any) -> dict[str, Any]:
    context = "http://www.w3.org/ns/anno.jsonld"
    return {"@context": context, "type": "Annotation", "id": "urn:x:1", "body": body, "target": target, **members}


def test_what_is_written_reads_back_the_same(sqlite_database: Database) -> None:
    entry = add_entry(sqlite_database)
    with sqlite_database.writing() as session:
        rows = catalogue.add_annotations(session, session.get_one(Entry, entry.id), EVERY_KIND, by=None)
        written = Writer(session, rows, ENTRY, COLLECTION).page()

        read = [read_annotation(session, item, size=None) for item in written["items"]]

    assert [reading.left_out for reading in read] == [()] * len(EVERY_KIND)
    kept = [AnnotationValues(**{**reading.values.__dict__, "origin": None}) for reading in read]
    assert kept == EVERY_KIND
    assert written["partOf"]["total"] == len(EVERY_KIND)
    assert {item["target"]["source"] for item in written["items"]} == {ENTRY}
    assert written["items"][1]["target"]["selector"]["value"] == "t=1,3.5"
    assert written["items"][5]["target"]["selector"]["value"] == "t=2,4&xywh=percent:10.5,20,30,40"
    assert written["items"][6]["target"]["selector"]["refinedBy"]["type"] == "SvgSelector"


@settings(max_examples=200)
@given(st.integers(0, 1_000_000), st.integers(1, 1000))
def test_frames_of_29_97_survive_a_media_fragment(first: int, count: int) -> None:
    rate = Fraction(30_000, 1001)
    start, end = frame_start(first, rate), frame_start(first + count, rate)

    place = read_target({"selector": {"type": "FragmentSelector", "value": write_fragment(start, end, None)}}, None)

    assert (place.start, place.end) == (start, end)
    assert frame_at(place.start or 0, rate) == first


@pytest.mark.parametrize(
    ("fragment", "start_s", "end_s"),
    [
        ("t=12.5,30", 12.5, 30),
        ("t=npt:0:01:02.5,120s", 62.5, 120),
        ("t=,4", 0, 4),
        ("t=7", 7, None),
        ("t=7,7", 7, None),
        ("xywh=percent:1,2,3,4&t=7", 7, None),
    ],
)
def test_times_of_media_fragments_are_understood(fragment: str, start_s: float, end_s: float | None) -> None:
    for target in (
        f"https://x.example/v.mp4#{fragment}",
        {"selector": {"type": "FragmentSelector", "value": fragment}},
    ):
        place = read_target(target, None)
        assert (place.start, place.end) == (to_ticks(start_s), None if end_s is None else to_ticks(end_s))


@pytest.mark.parametrize(
    "fragment", ["", "t=", "t=smpte-30:00:01:00", "t=clock:2026-01-01T00:00Z", "t=a,b", "t=-1", "x=1"]
)
def test_no_time_or_one_that_we_cannot_read_is_refused(fragment: str) -> None:
    with pytest.raises(InvalidInput):
        if read_target(f"v#{fragment}", None).start == 0 and fragment == "t=":
            raise InvalidInput("from the start")


def test_boxes_in_pixels_need_the_pictures_size(sqlite_database: Database) -> None:
    target = "v#t=1&xywh=pixel:128,72,640,360"
    with sqlite_database.reading() as session:
        known = read_annotation(session, foreign(target), size=(1280, 720))
        unknown = read_annotation(session, foreign(target), size=None)

    assert known.values.shape == {"box": [10, 10, 50, 50]}
    assert known.values.kind == "mark"
    assert (unknown.values.shape, unknown.values.kind) == (None, "note")
    assert unknown.left_out == ("a box in pixels of a picture whose size is not known",)


def test_what_other_tools_write_is_taken_and_the_rest_is_named(sqlite_database: Database) -> None:
    body = [
        {"type": "TextualBody", "value": "<p onclick=x()>Tumour &amp; <b>stain</b></p>", "format": "text/html"},
        {"type": "TextualBody", "value": "肿瘤", "language": "zh-CN"},
        {"type": "TextualBody", "value": "la tumeur", "language": "fr"},
        {"type": "Choice", "items": ["https://x.example/picture.png", {"id": "https://x.example/a", "type": "Image"}]},
        {"type": "SpecificResource", "source": "urn:videolib:term:comp.spasm"},
        {"type": "SpecificResource", "source": "urn:videolib:term:comp.unheard_of"},
    ]
    selectors = [
        {"type": "FragmentSelector", "value": "t=3,4&track=video", "refinedBy": {"type": "SvgSelector", "value": SVG}},
        {"type": "TextQuoteSelector", "exact": "x"},
    ]
    with sqlite_database.reading() as session:
        sent = foreign([{"source": "v", "selector": selectors}, "w#t=9"], body, creator={"name": "Dr Li"})
        reading = read_annotation(session, sent, size=None)

    values = reading.values
    assert (values.kind, values.term_id, values.author_name, values.origin) == (
        "event",
        "comp.spasm",
        "Dr Li",
        "urn:x:1",
    )
    assert values.note == {"en": "Tumour & stain\nhttps://x.example/picture.png", "zh": "肿瘤"}
    assert values.shape == {"svg": SVG}
    left_out = " | ".join(reading.left_out)
    for part in ("further target", "track", "TextQuoteSelector", "text in fr", "unheard_of", "https://x.example/a"):
        assert part in left_out


@pytest.mark.parametrize("sent", [{}, {"type": "Person"}, {"target": []}, {"target": 3}, {"target": {"selector": 4}}])
def test_what_is_no_annotation_is_refused(sqlite_database: Database, sent: dict[str, Any]) -> None:
    with sqlite_database.reading() as session, pytest.raises(InvalidInput):
        read_annotation(session, sent, size=None)


def test_a_page_is_taken_as_far_as_it_can_be_and_once_only(database: Database) -> None:
    entry = add_entry(database)
    with database.writing() as session:
        rows = catalogue.add_annotations(session, session.get_one(Entry, entry.id), EVERY_KIND, by=None)
        # as another library would send them: in no good order, with two that cannot be
        items = list(reversed(Writer(session, rows, ENTRY, COLLECTION).page()["items"]))
        items += [foreign("v#t=1,2", kind="step", id="urn:x:2"), {"type": "nothing"}]
    other = add_entry(database)

    for taken in (len(EVERY_KIND), 0):
        with database.writing() as session:
            lines = import_annotations(session, session.get_one(Entry, other.id), items, size=None, by=None)
        assert sum(line.annotation_id is not None for line in lines) == taken
        assert all(line.reason for line in lines if line.annotation_id is None)

    with database.reading() as session:
        assert [row.kind for row in catalogue.list_annotations(session, other.id)] == [
            row.kind for row in catalogue.list_annotations(session, entry.id)
        ]
        assert len(catalogue.list_annotations(session, other.id, layer="second")) == 1


def test_a_snapshot_puts_back_what_was_there(database: Database) -> None:
    entry = add_entry(database)
    with database.writing() as session:
        known = session.get_one(Entry, entry.id)
        catalogue.add_annotations(session, known, EVERY_KIND, by=None)
        taken = catalogue.snapshot(session, entry.id)
    with database.writing() as session:
        known = session.get_one(Entry, entry.id)
        last = catalogue.list_annotations(session, entry.id)[-1]
        catalogue.delete_annotation(session, known, last.id, revision=None, by=None)
        catalogue.restore(session, known, taken, by=None)

    with database.reading() as session:
        now = catalogue.snapshot(session, entry.id)
    names = ("kind", "start_ticks", "end_ticks", "term_id", "note", "shape")
    assert [[item[name] for name in names] for item in now] == [[item[name] for name in names] for item in taken]
