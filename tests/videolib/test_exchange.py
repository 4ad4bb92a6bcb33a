"""Entries as tables and JSON, and changes to many at once: what goes out comes back, each row by itself."""

from __future__ import annotations

import io
import json
from typing import Any

import openpyxl
import pytest

from tests.libraries import add_entry, add_person
from videolib.catalogue.bulk_edits import Wish, edit_many, list_edits, undo
from videolib.catalogue.documents import document_of
from videolib.catalogue.entries import Entry, update_entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.exchange import FORMS, export_entries, import_rows, read_rows
from videolib.catalogue.spreadsheets import read_table, write_table
from videolib.db import Database
from videolib.errors import Conflict, InvalidInput

FULL: dict[str, Any] = {
    "summary": {"zh": '=1+1，含"引号"\n与换行', "en": "@formula, with a comma"},
    "learning_objectives": [{"zh": "认识；分号", "en": "Know; semicolons"}, {"en": "Second"}],
    "keywords": ["左侧", "CO2"],
    "anatomy": ["anat.aorta", "anat.aorta_abd"],
    "case": {"age_band": "60-64", "sex": "F", "indication": {"zh": "间歇性跛行", "en": "Claudication"}},
    "contributors": [{"name": "王医生", "institution": "示范医院"}],
    "year_of_procedure": 2024,
}


def exported(database: Database, form: str) -> bytes:
    with database.reading() as session:
        return export_entries(session, form, by=None, everything=True)


def imported(database: Database, content: bytes, form: str, *, dry_run: bool = False) -> list[Any]:
    with database.writing() as session:
        reports = import_rows(session, read_rows(content, form, f"f.{form}"), by=None)
        if dry_run:
            session.rollback()
    return reports


def document(database: Database, entry_id: str) -> dict[str, Any]:
    with database.reading() as session:
        return document_of(session.get_one(Entry, entry_id))


@pytest.mark.parametrize("form", FORMS)
def test_what_goes_out_comes_back_and_changes_nothing(sqlite_database: Database, form: str) -> None:
    entry = add_entry(sqlite_database, **FULL)
    before = document(sqlite_database, entry.id)

    (report,) = imported(sqlite_database, exported(sqlite_database, form), form)

    assert (report.what, report.fields, report.message) == ("unchanged", (), "")
    assert document(sqlite_database, entry.id) == before


@pytest.mark.parametrize("form", FORMS)
def test_each_row_has_its_own_fate(database: Database, form: str) -> None:
    kept = add_entry(database, **FULL)
    rows: list[dict[str, Any]] = [
        {"id": kept.id, "title.zh": "新标题", "case.age_band": "65-69", "keywords": "[clear]"},
        {"title.zh": "新增", "title.en": "Added", "procedures": "proc.uae;proc.tace", "year_of_procedure": "2023"},
        {"title.en": "Bad", "procedures": "proc.no_such"},
        {"id": "no-such-id", "title.en": "Nobody"},
        {"id": kept.id, "revision": "99", "title.en": "Too late"},
        {"title.en": "x", "no_such_field": "y"},
    ]
    columns = sorted({name for row in rows for name in row})
    content = json.dumps(rows).encode() if form == "json" else write_table(columns, rows, form)

    dry = imported(database, content, form, dry_run=True)
    assert document(database, kept.id)["title"]["zh"] != "新标题"
    done = imported(database, content, form)

    assert [report.what for report in dry] == [report.what for report in done]
    assert [report.what for report in done] == ["changed", "added", "refused", "refused", "refused", "refused"]
    assert [report.number for report in done] == [number + (form != "json") for number in range(1, 7)]
    assert "procedures" in done[2].problems
    found = document(database, kept.id)
    assert (found["title"]["zh"], found["title"]["en"]) == ("新标题", "Stenting of the superficial femoral artery")
    assert (found["case"]["age_band"], found["case"]["sex"]) == ("65-69", "F")
    assert "keywords" not in found
    assert document(database, str(done[1].entry_id))["procedures"] == ["proc.uae", "proc.tace"]


def test_a_viewer_takes_out_what_a_viewer_may_see(sqlite_database: Database) -> None:
    add_entry(sqlite_database, **FULL)
    trainee = add_person(sqlite_database, "trainee")

    with sqlite_database.reading() as session:
        assert json.loads(export_entries(session, "json", by=trainee))["entries"] == []
        assert json.loads(export_entries(session, "json", by=None))["entries"] == []


def test_no_cell_is_a_formula(sqlite_database: Database) -> None:
    add_entry(sqlite_database, **FULL)

    sheet = openpyxl.load_workbook(io.BytesIO(exported(sqlite_database, "xlsx"))).active
    csv = exported(sqlite_database, "csv")

    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert any(str(cell.value).startswith("'=1+1") for cell in cells)
    assert "f" not in {cell.data_type for cell in cells}
    assert csv.startswith(b"\xef\xbb\xbf")
    assert "\"'=1+1，含".encode() in csv


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "+", "-5", "@x", "\tx", "＝1", "'plain", "中文", "a;b"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_text_comes_back_as_it_was(form: str, text: str) -> None:
    ((_, row),) = read_table(write_table(["a"], [{"a": text}], form), form, "f")
    assert row == {"a": text}


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", b""),
        ("csv", b"a\x00b"),
        ("csv", b"a,a\n1,2\n"),
        ("xlsx", b"no zip"),
        ("xlsx", b"PK\x03\x04" + b"\0" * 40),
        ("json", b"[1, 2]"),
        ("json", b'{"entries": 3}'),
        ("json", b"\xff"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(form: str, content: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_rows(content, form, "f")
    assert caught.value.message.endswith(".")


def test_csv_as_excel_writes_it_elsewhere_is_understood() -> None:
    chinese = "title.zh,title.en\r\n子宫动脉栓塞术,UAE\r\n".encode("gb18030")
    german = b"title.en;keywords\r\nUAE;x\r\n"

    assert read_rows(chinese, "csv", "f")[0].cells["title.zh"] == "子宫动脉栓塞术"
    assert read_rows(german, "csv", "f")[0].cells == {"title.en": "UAE", "keywords": "x"}


# ------------------------------------------------------------------ many at once


def test_many_are_changed_at_once_and_taken_back(database: Database) -> None:
    person = add_person(database)
    with_it, without = add_entry(database, anatomy=["anat.aorta"]), add_entry(database)
    ids = [with_it.id, without.id]

    with database.writing() as session:
        tags = edit_many(session, ids, Wish("add", "anatomy", ("anat.aorta",)), by=person)
        words = edit_many(session, ids, Wish("add", "keywords", ("教学", "2024")), by=person)
        owner = edit_many(session, ids, Wish("set", "owner", (str(person.id),)), by=person)
        public = edit_many(session, ids, Wish("set", "audience", ("public",)), by=person)

    assert [done.changed for done in (tags, words, owner, public)] == [1, 2, 2, 2]
    found = document(database, without.id)
    assert (found["anatomy"], found["keywords"], found["audience"]) == (["anat.aorta"], ["教学", "2024"], "public")
    with database.writing() as session:
        assert len(list_edits(session)) == 4
        for done in (tags, words, owner, public):
            assert done.edit is not None
            assert undo(session, done.edit.id, by=person).refused == {}
    assert "anatomy" not in document(database, without.id)
    assert document(database, with_it.id)["anatomy"] == ["anat.aorta"]
    assert document(database, without.id)["audience"] == "signed_in"
    with database.reading() as session:
        assert session.get_one(Entry, without.id).created_by_id is None


def test_what_was_changed_since_stays_when_a_change_is_taken_back(database: Database) -> None:
    person = add_person(database)
    one, two = add_entry(database), add_entry(database)
    with database.writing() as session:
        done = edit_many(session, [one.id, two.id], Wish("add", "keywords", ("a",)), by=person)
        values = parse_values({"keywords": ["a", "mine"]})
        update_entry(session, session.get_one(Entry, one.id), values, revision=None, by=person)

    with database.writing() as session:
        assert done.edit is not None
        back = undo(session, done.edit.id, by=person)
    assert (back.changed, set(back.refused)) == (1, {one.id})
    assert document(database, one.id)["keywords"] == ["a", "mine"]
    assert "keywords" not in document(database, two.id)
    with pytest.raises(Conflict), database.writing() as session:
        undo(session, done.edit.id, by=person)


@pytest.mark.parametrize(
    "wish",
    [
        Wish("add", "title", ("x",)),
        Wish("add", "anatomy", ()),
        Wish("set", "owner", ("99",)),
        Wish("set", "audience", ("public", "signed_in")),
        Wish("delete", "keywords", ("x",)),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(sqlite_database: Database, wish: Wish) -> None:
    entry = add_entry(sqlite_database)
    with pytest.raises(InvalidInput), sqlite_database.writing() as session:
        edit_many(session, [entry.id], wish, by=None)


def test_an_entry_that_refuses_keeps_no_other_from_being_changed(sqlite_database: Database) -> None:
    entry = add_entry(sqlite_database)
    with sqlite_database.writing() as session:
        done = edit_many(session, [entry.id], Wish("add", "anatomy", ("proc.uae",)), by=None)

    assert (done.edit, done.changed, set(done.refused)) == (None, 0, {entry.id})
