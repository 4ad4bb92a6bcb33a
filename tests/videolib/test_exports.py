"""No table that leaves the library holds a cell that a spreadsheet would run, whoever wrote what is in it."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import videolib
from tests.visitors import Site
from videolib.catalogue import people_care, spreadsheets, vocabulary_files
from videolib.catalogue.people import User

ROOT = Path(videolib.__file__).parent
EVIL = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "'=1")
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# who writes tables, and by which addresses here each is asked for one
WRITERS = {
    "catalogue/exchange.py": ("/api/v1/entries/export?form=csv", "/api/v1/entries/export?form=xlsx"),
    "catalogue/vocabulary_files.py": (),
    "web/audit.py": ("/admin/audit/export",),
    "web/results.py": ("{lesson}/results.csv",),
    "web/tables_taken.py": ("/admin/people/import/sample.csv", "/teach/cohorts/import/sample.csv"),
}


def cells_of(content: bytes, kind: str) -> Iterator[str]:
    if "csv" in kind:
        for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
            yield from row
        return
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    for row in sheet.iter_rows():
        for cell in row:
            assert cell.data_type != "f"
            if isinstance(cell.value, str):
                yield cell.value


def acting(cells: Iterator[str]) -> list[str]:
    """Those that would be run; a number is none."""
    return [cell for cell in cells if cell.startswith(STARTS) and not cell.lstrip("-").replace(".", "").isdigit()]


@pytest.fixture
def poisoned(sqlite_site: Site) -> tuple[Site, str]:
    """A library whose people write formulas wherever they may; gives the address of a lesson, too."""
    site, evil = sqlite_site, EVIL[0]
    for text in EVIL:
        site.add_published(title={"zh": text, "en": text}, keywords=[text], summary={"en": text, "zh": text})
    entry = site.add_published(title={"zh": evil, "en": evil})
    with site.database.writing() as session:
        values = people_care.PersonValues("=evil@x.example", evil, roles=("trainee",))
        people_care.invite_person(session, values, by=None)
        people_care.change_person(session, session.get_one(User, 1), values, by=None)
    instructor = site.visitor("instructor")
    lesson = instructor.post("/teach/playlists", title_en=evil).headers["Location"]
    item = instructor.post(f"{lesson}/items", entry=entry.id).headers["Location"].rpartition("item-")[2]
    question = {"kind": "single", "text": evil, "at": "0:01", "0.text": evil, "1.text": "x", "right": "0"}
    assert instructor.post(f"{lesson}/items/{item}/questions", **question).status_code == 303
    assert instructor.post(f"{lesson}/assign", names="=evil@x.example").status_code == 303
    return site, lesson


@pytest.mark.parametrize("path", [path for paths in WRITERS.values() for path in paths])
def test_no_export_holds_a_formula(poisoned: tuple[Site, str], path: str) -> None:
    site, lesson = poisoned
    visitor = site.visitor("instructor" if "{lesson}" in path else "admin")

    answer = visitor.get(path.format(lesson=lesson))

    assert answer.status_code == 200, answer.text[:300]
    assert acting(cells_of(answer.data, str(answer.mimetype))) == []
    if "sample" not in path and "audit" not in path:
        assert any(EVIL[0] in cell for cell in cells_of(answer.data, str(answer.mimetype))), "it was there to be found"


def test_a_vocabulary_holds_none_either_names_of_columns_included() -> None:
    terms = [{"id": text, "labels": {"en": text, "zh": text}, "=HYPERLINK(1)": text} for text in EVIL]

    content = vocabulary_files.write_schemes([{"id": "=x", "labels": {}, "terms": terms}], "csv")

    assert acting(cells_of(content, "csv")) == []


@pytest.mark.parametrize("form", spreadsheets.FORMS)
@pytest.mark.parametrize("text", EVIL)
def test_a_name_of_a_column_comes_back_as_it_was_and_is_no_formula(form: str, text: str) -> None:
    content = spreadsheets.write_table([text.strip()], [{text.strip(): "1"}], form)

    assert acting(cells_of(content, form)) == []
    assert spreadsheets.read_table(content, form, "f") == [(2, {text.strip(): "1"})]


def test_every_place_that_writes_a_table_is_among_those_that_are_tried() -> None:
    found, own = set(), set()
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {name_of(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        name = path.relative_to(ROOT).as_posix()
        found |= {name} if names & {"write_table", "spreadsheets.write_table"} else set()
        own |= {name} if names & {"csv.writer", "csv.DictWriter", "Workbook", "openpyxl.Workbook"} else set()

    assert found == set(WRITERS)
    assert own == {"catalogue/spreadsheets.py"}


def name_of(call: ast.Call) -> str:
    target: Any = call.func
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return f"{target.value.id}.{target.attr}"
    return target.id if isinstance(target, ast.Name) else ""
