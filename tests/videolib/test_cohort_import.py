"""Cohorts from a table: a report first, then the same for good; nobody is taken out, a bad row costs itself alone."""

from __future__ import annotations

import io

import pytest
from openpyxl import Workbook

from tests.visitors import Site, Visitor
from videolib.catalogue.cohorts import find_cohort, list_members
from videolib.catalogue.login_names import set_login_names
from videolib.catalogue.people import User

ENGLISH = {"Accept-Language": "en"}
ROWS = [
    ("cohort", "person"),
    ("2026 级", "trainee@hospital.example"),
    ("2026 级", "a-17"),
    ("2026 级", "TRAINEE@hospital.example"),
    ("2026 级", "nobody@hospital.example"),
    ("", "trainee@hospital.example"),
    ("另一组", "a-17"),
]


def table(form: str) -> bytes:
    if form == "csv":
        return "\ufeff".encode() + "\n".join(",".join(row) for row in ROWS).encode()
    book, kept = Workbook(), io.BytesIO()
    for row in ROWS:
        book.active.append(row)
    book.save(kept)
    return kept.getvalue()


def send(visitor: Visitor, content: bytes, form: str, **fields: str) -> str:
    given = {"csrf_token": visitor.csrf_token(), "file": (io.BytesIO(content), f"cohorts.{form}"), **fields}
    answer = visitor.client.post("/teach/cohorts/import", data=given, headers=ENGLISH)
    assert answer.status_code == 200, answer.text
    return answer.text


def members(site: Site, name: str) -> list[str] | None:
    with site.database.reading() as session:
        cohort = find_cohort(session, name)
        return None if cohort is None else [person.email for person in list_members(session, cohort.id)]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_table_is_looked_at_first_and_then_taken_in(site: Site, form: str) -> None:
    people = [site.add_person("trainee"), site.add_person("trainee", email="two@hospital.example")]
    with site.database.writing() as session:
        set_login_names(session, session.get_one(User, people[1].id), "A-17", "")
    instructor = site.visitor("instructor")

    looked = send(instructor, table(form), form)
    assert "Added: 3" in looked
    assert members(site, "2026 级") is None
    done = send(instructor, table(form), form, really="yes")

    assert "Added: 3, As it was: 1, Refused: 2" in " ".join(done.split())
    assert "Nobody signs in by this name." in done
    assert members(site, "2026 级") == ["trainee@hospital.example", "two@hospital.example"]
    assert members(site, "另一组") == ["two@hospital.example"]
    assert "As it was: 4" in send(instructor, table(form), form, really="yes")


@pytest.mark.parametrize("content", [b"", b"name,person\nx,y\n", b"cohort,person\n"])
def test_a_table_of_something_else_is_refused(sqlite_site: Site, content: bytes) -> None:
    visitor = sqlite_site.visitor("instructor")
    given = {"csrf_token": visitor.csrf_token(), "file": (io.BytesIO(content), "cohorts.csv")}

    assert visitor.client.post("/teach/cohorts/import", data=given).status_code == 422
