"""People from a table: each row adds somebody, or changes who has that address; a report for each row.

The caller decides after the reports whether the unit of work is kept: a dry run is the same work, rolled back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy.orm import Session

from videolib.catalogue.account_links import make_link
from videolib.catalogue.groups import list_groups
from videolib.catalogue.people import ROLES, User, find_user
from videolib.catalogue.people_care import PersonValues, change_person, invite_person
from videolib.errors import InvalidInput, VideolibError

COLUMNS = ("email", "name", "staff_number", "mobile", "roles", "hospitals")
Outcome = Literal["added", "changed", "same", "refused"]
MOST_ROWS = 2000
_ROLE_WORDS = {"学员": "trainee", "编辑": "editor", "带教": "instructor", "教师": "instructor", "管理员": "admin"}


@dataclass(frozen=True)
class PersonReport:
    """What becomes of a row. `link`: the secret by which a person who was added comes in."""

    row: int
    email: str
    outcome: Outcome
    message: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    link: str = ""


def import_people(session: Session, rows: Sequence[tuple[int, dict[str, str]]], *, by: User) -> list[PersonReport]:
    """Add and change people. What a row does not say stays; a row that is refused changes nothing.

    Raises `InvalidInput` for a table of something else, or one that is too long.
    """
    if len(rows) > MOST_ROWS:
        raise InvalidInput("A table of people has at most 2000 rows; split it.", code="table_unreadable")
    if not rows or not any("email" in cells for _number, cells in rows):
        raise InvalidInput("The first line has to name the columns, email among them.", code="table_unreadable")
    named = {name.casefold(): group.id for group in list_groups(session) for name in (group.id, *group.name.values())}
    seen: set[str] = set()
    return [_take_row(session, number, cells, named, seen, by) for number, cells in rows]


def _take_row(
    session: Session, number: int, cells: dict[str, str], named: dict[str, str], seen: set[str], by: User
) -> PersonReport:
    email = cells.get("email", "").strip().lower()
    try:
        if email in seen:
            raise InvalidInput("This address stands in the table twice.", fields={"email": "It is there twice."})
        seen.add(email)
        with session.begin_nested():
            return _keep_row(session, number, email, cells, named, by)
    except VideolibError as error:
        problems = error.fields if isinstance(error, InvalidInput) else {}
        return PersonReport(number, email, "refused", error.message, problems)


def _keep_row(
    session: Session, number: int, email: str, cells: dict[str, str], named: dict[str, str], by: User
) -> PersonReport:
    person = find_user(session, email)
    values = _values(email, cells, named, person)
    if person is None:
        added = invite_person(session, values, by=by)
        secret, _row = make_link(session, added, by=by)
        return PersonReport(number, email, "added", link=secret)
    is_changed = change_person(session, person, values, by=by)
    return PersonReport(number, email, "changed" if is_changed else "same")


def _values(email: str, cells: dict[str, str], named: dict[str, str], person: User | None) -> PersonValues:
    """What the row says, and where it says nothing, what there is."""
    return PersonValues(
        email=email,
        display_name=cells.get("name", person.display_name if person else ""),
        staff_number=cells.get("staff_number", (person.staff_number if person else None) or ""),
        mobile=cells.get("mobile", (person.mobile if person else None) or ""),
        roles=_roles(cells["roles"]) if "roles" in cells else tuple(person.role_names) if person else ("trainee",),
        groups=_groups(cells["hospitals"], named)
        if "hospitals" in cells
        else tuple(person.group_ids)
        if person
        else (),
    )


def _roles(text: str) -> tuple[str, ...]:
    found = [_ROLE_WORDS.get(name, name.casefold()) for name in _parts(text)]
    if set(found) - set(ROLES):
        sentence = "A role is trainee, editor, instructor or admin."
        raise InvalidInput(sentence, fields={"roles": sentence})
    return tuple(found)


def _groups(text: str, named: dict[str, str]) -> tuple[str, ...]:
    found = [named.get(name.casefold(), "") for name in _parts(text)]
    if "" in found:
        sentence = "There is no hospital or programme of this name."
        raise InvalidInput(sentence, fields={"hospitals": sentence})
    return tuple(found)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;；,，、]", text) if part.strip()]
