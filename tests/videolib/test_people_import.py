"""People from tables, with a dry run that leaves nothing behind."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.visitors import Site, Visitor
from videolib.catalogue import spreadsheets
from videolib.catalogue.account_links import AccountLink
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.groups import add_group
from videolib.catalogue.people import User, get_user
from videolib.catalogue.people_import import COLUMNS

H1 = "第一医院"
ROWS: list[dict[str, Any]] = [
    {
        "email": "Wang@Hospital.example",
        "name": "王伟",
        "staff_number": "a1",
        "roles": "学员；编辑",
        "hospitals": "第一医院",
    },
    {"email": "editor@hospital.example", "name": "韩梅梅"},
    {"email": "bad address", "name": "x"},
    {"email": "li@hospital.example", "roles": "chief"},
    {"email": "zhao@hospital.example", "hospitals": "第九医院"},
    {"email": "qian@hospital.example", "staff_number": "A1"},
    {"email": "wang@hospital.example"},
    {"email": "sun@hospital.example", "name": "=cmd()"},
]
OUTCOMES = ["added", "changed", *["refused"] * 5, "added"]


def send(visitor: Visitor, form: str, *, really: bool, rows: list[dict[str, Any]] = ROWS) -> str:
    content = spreadsheets.write_table(COLUMNS, rows, form)
    fields = {
        "csrf_token": visitor.csrf_token(),
        "file": (io.BytesIO(content), f"people.{form}"),
        **({"really": "yes"} if really else {}),
    }
    answer = visitor.client.post("/admin/people/import", data=fields, headers={"Accept-Language": "en"})
    assert answer.status_code == 200, answer.text
    return answer.text


def outcomes(page: str) -> list[str]:
    words = {"Added": "added", "Changed": "changed", "As it was": "same", "Refused": "refused"}
    return [words[text] for text in re.findall(r'<td><span class="badge[^"]*">([^<]+)</span>', page)]


def counted(site: Site) -> list[int]:
    with site.database.reading() as session:
        tables = (User, AuditEvent, AccountLink)
        return [session.scalars(select(func.count()).select_from(table)).one() for table in tables]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_dry_run_reports_each_row_and_writes_nothing_then_the_same_is_done(site: Site, form: str) -> None:
    site.add_person("editor")
    admin = site.visitor("admin")
    with site.database.writing() as session:
        add_group(session, "hospital.first", "hospital", {"zh": "第一医院"}, by=None)
    before = counted(site)

    dry = send(admin, form, really=False)

    assert outcomes(dry) == OUTCOMES
    assert "/login/link/" not in dry
    assert counted(site) == before
    done = send(admin, form, really=True)
    assert outcomes(done) == OUTCOMES
    with site.database.reading() as session:
        wang, editor = get_user(session, "wang@hospital.example"), get_user(session, "editor@hospital.example")
        assert (wang.display_name, wang.staff_number, wang.password) == ("王伟", "A1", None)
        assert wang.role_names == {"trainee", "editor"}
        assert wang.group_ids == {"hospital.first"}
        assert editor.display_name == "韩梅梅"
        assert editor.role_names == {"editor"}, "what a row does not say stays"
        assert editor.password is not None
        assert get_user(session, "sun@hospital.example").display_name == "=cmd()"
    links = re.findall(r"http://localhost(/login/link/[\w-]+)", done)
    assert len(links) == 2
    guest = site.anonymous()
    assert guest.post(links[0], password="some lamps for a trainee").status_code == 303
    assert guest.get("/studio").status_code == 200
    assert outcomes(send(admin, form, really=True))[:2] == ["same", "same"]


def test_a_table_of_something_else_is_refused(sqlite_site: Site) -> None:
    admin = sqlite_site.visitor("admin")

    for name, content in (("people.csv", b"title,year\nx,2026\n"), ("people.xlsx", b"no zip"), ("people.txt", b"x")):
        answer = admin.client.post(
            "/admin/people/import",
            data={"csrf_token": admin.csrf_token(), "file": (io.BytesIO(content), name)},
        )
        assert answer.status_code == 422, name


def test_the_table_to_begin_with_can_be_taken_in(sqlite_site: Site) -> None:
    admin = sqlite_site.visitor("admin")
    rows = spreadsheets.read_table(admin.get("/admin/people/import/sample.csv").data, "csv", "people.csv")

    page = send(admin, "csv", really=False, rows=[cells for _number, cells in rows])

    assert outcomes(page) == ["added"]
