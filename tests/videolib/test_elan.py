"""Annotations travel to ELAN and back whole; a hostile file is refused before anything in it counts."""

from __future__ import annotations

import io
from dataclasses import asdict
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.libraries import add_entry, add_person, add_recording
from tests.visitors import Site
from videolib.catalogue.annotation_import import import_spoken
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotations, list_annotations, values_of
from videolib.catalogue.elan import MOST_BYTES, read_eaf, write_eaf
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import TICKS_PER_S
from videolib.catalogue.vocabulary import Term
from videolib.db import Database
from videolib.errors import InvalidInput

MS = TICKS_PER_S // 1000
BOX = {"box": [10.0, 20.0, 30.0, 40.0]}
MARKS = (
    AnnotationValues("phase", 0, 2000 * MS, term_id="ph.access", note={"zh": '入路 <开始> & "后"'}),
    AnnotationValues("event", 500 * MS, None, term_id="comp.perforation", severity_id="cls.cirse3"),
    AnnotationValues("event", 300 * MS, 1200 * MS, note={"en": "Spasm", "zh": "痉挛"}),
    AnnotationValues("mark", 700 * MS, 900 * MS, shape=BOX, note={"en": "Here"}),
    AnnotationValues("note", 1234 * MS, 1300 * MS, note={"en": "Twice\nover"}),
)
FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="x" DATE="2026-01-01T00:00:00+08:00" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><PROPERTY NAME="URN">urn:nl-mpi:1</PROPERTY></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="100"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="900"/>
<TIME_SLOT TIME_SLOT_ID="ts3"/></TIME_ORDER>
<TIER TIER_ID="阶段" LINGUISTIC_TYPE_REF="t"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1"
TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>{label}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>
</ANNOTATION></TIER>
<TIER TIER_ID="gesture@LW" LINGUISTIC_TYPE_REF="t"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2"
TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>转腕</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>
</ANNOTATION><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts3">
<ANNOTATION_VALUE>no end</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>"""


def plain(values: AnnotationValues) -> dict[str, Any]:
    return {name: value for name, value in asdict(values).items() if name not in {"origin", "author_name"}}


def test_what_is_exported_comes_back_whole_into_another_entry_and_not_twice_into_its_own(database: Database) -> None:
    editor = add_person(database)
    recording = add_recording(database, state="ready")
    first, second = add_entry(database, recording), add_entry(database, recording)
    with database.writing() as session:
        add_annotations(session, session.get_one(Entry, first.id), list(MARKS), by=editor)
        rows = list_annotations(session, first.id)

        content = write_eaf(session, first.id, rows)
        spoken = read_eaf(session, content)
        lines = import_spoken(session, session.get_one(Entry, second.id), spoken, by=editor)
        again = import_spoken(session, session.get_one(Entry, first.id), spoken, by=editor)

        assert [line.reason for line in lines] == [None] * len(MARKS)
        assert [plain(values_of(row)) for row in list_annotations(session, second.id)] == [
            plain(values_of(row)) for row in rows
        ]
        assert {line.reason for line in again} == {"It is there already."}
        assert len(list_annotations(session, first.id)) == len(MARKS)
    # as ELAN wants it: in a tier nothing overlaps, and every reference leads somewhere
    root = ElementTree.fromstring(content)  # noqa: S314 - our own
    slots = {one.get("TIME_SLOT_ID"): int(one.get("TIME_VALUE", "")) for one in root.iter("TIME_SLOT")}
    for tier in root.iterfind("TIER"):
        spans = [
            (slots[one.get("TIME_SLOT_REF1")], slots[one.get("TIME_SLOT_REF2")])
            for one in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        assert all(start < end for start, end in spans)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    types = {one.get("LINGUISTIC_TYPE_ID") for one in root.iter("LINGUISTIC_TYPE")}
    assert {one.get("LINGUISTIC_TYPE_REF") for one in root.iter("TIER")} <= types


def test_the_file_of_another_program_is_taken_by_its_words_and_what_is_no_term_stays_a_note(
    sqlite_database: Database,
) -> None:
    editor = add_person(sqlite_database)
    entry = add_entry(sqlite_database, add_recording(sqlite_database, state="ready"))
    with sqlite_database.writing() as session:
        label = session.get_one(Term, "ph.access")
        content = FOREIGN.format(label=label.labels["zh"]).encode()

        lines = import_spoken(session, session.get_one(Entry, entry.id), read_eaf(session, content), by=editor)

        found = [
            (row.kind, row.term_id, row.note, row.start_s, row.end_s) for row in list_annotations(session, entry.id)
        ]
    assert [line.reason for line in lines] == [None, None]
    assert found == [
        ("phase", "ph.access", {}, 0.1, 0.9),
        ("note", None, {"zh": "转腕"}, 0.1, 0.9),
    ]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>'
HOSTILE = {
    "a bomb of entities": BOMB.encode(),
    "a file of the host": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ANNOTATION_DOCUMENT>&a;</ANNOTATION_DOCUMENT>',
    "another encoding": BOMB.encode("utf-16"),
    "no XML": b"\x00\x01\x02",
    "another document": b"<html/>",
    "an open end": b"<ANNOTATION_DOCUMENT><TIER>",
    "depth": b"<ANNOTATION_DOCUMENT>" + b"<a>" * 250_000,
    "size": b" " * (MOST_BYTES + 1),
    "nothing": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_with_a_sentence(sqlite_database: Database, content: bytes) -> None:
    with sqlite_database.reading() as session, pytest.raises(InvalidInput, match="file"):
        read_eaf(session, content)


def test_an_editor_takes_a_file_along_and_sends_one_in(sqlite_site: Site) -> None:
    entry = sqlite_site.add_watchable()
    editor = sqlite_site.visitor("editor")
    content = FOREIGN.format(label="nothing known").encode()
    address = f"/studio/entries/{entry.id}/moments.eaf"

    answer = editor.post(address, file=(io.BytesIO(content), "x.eaf"), layer="main")
    page = editor.get(answer.headers["Location"]).text
    file = editor.get(address)

    assert answer.status_code == 303
    assert "转腕" in page
    assert file.mimetype == "text/x-eaf+xml"
    assert entry.code in file.headers["Content-Disposition"]
    assert "转腕".encode() in file.data
    refused = editor.get(editor.post(address, file=(io.BytesIO(BOMB.encode()), "x.eaf")).headers["Location"]).text
    assert "notice--bad" in refused
