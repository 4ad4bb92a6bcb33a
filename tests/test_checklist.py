"""The 67 items of what users expect of the pages: each has a test that carries its number, or a bench.

A docstring says `Checklist 15` or `Checklist 15, 18`; a bench says so in the sentence that heads its file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ITEMS = range(1, 68)
# measured, not tested: a clock or a score decides
MEASURED = {14}
NUMBERS = re.compile(r"Checklist ([\d, ]+(?:\([^)]*\)[\d, ]*)*)")


def numbers_of(text: str) -> set[int]:
    """`Checklist 19 (theatre, full screen), 21.` names 19 and 21."""
    found = set()
    for numbers in NUMBERS.findall(text):
        found |= {int(number) for number in re.findall(r"\b\d+\b", re.sub(r"\([^)]*\)", "", numbers))}
    return found


def docstrings_of(path: Path) -> Iterator[str]:
    """Of the file, and of each test in it."""
    tree = ast.parse(path.read_text("utf-8"))
    yield ast.get_docstring(tree) or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield ast.get_docstring(node) or ""


def items_in(folder: Path, names: str) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for path in folder.rglob(names):
        for text in docstrings_of(path):
            for number in numbers_of(text):
                found.setdefault(number, set()).add(path.name)
    return found


def test_every_item_has_a_test_or_a_program_that_measures_it() -> None:
    tested = items_in(ROOT / "tests", "test_*.py")
    measured = items_in(ROOT / "bench", "*.py")

    assert [number for number in ITEMS if number not in tested and number not in measured] == []
    assert sorted((set(tested) | set(measured)) - set(ITEMS)) == []
    assert set(ITEMS) - set(tested) <= MEASURED, "what no clock decides has a test"


def test_numbers_are_read_as_they_are_written() -> None:
    assert numbers_of("Checklist 15.") == {15}
    assert numbers_of("Checklist 19 (theatre, full screen), 21.") == {19, 21}
    assert numbers_of("Checklist 53, 55, 59: axe, targets of 24 px at 390 px") == {53, 55, 59}
    assert numbers_of("Checklist 55 (3.3.8: no puzzle)") == {55}
    assert numbers_of("no number at all, 7") == set()
