"""Cohorts from a table: each row lets somebody learn in a cohort, which is made where there is none of that name.

The caller decides after the reports whether the unit of work is kept: a dry run is the same work, rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from videolib.catalogue.cohorts import Cohort, add_cohort, add_members, find_cohort
from videolib.catalogue.login_names import find_by_name
from videolib.catalogue.people import User
from videolib.errors import InvalidInput, VideolibError

COLUMNS = ("cohort", "person")
MOST_ROWS = 5000
Outcome = Literal["added", "same", "refused"]


@dataclass(frozen=True)
class CohortReport:
    """What becomes of a row. `is_new`: its cohort is made by it."""

    row: int
    cohort: str
    person: str
    outcome: Outcome
    is_new: bool = False
    message: str = ""


def import_cohorts(session: Session, rows: Sequence[tuple[int, dict[str, str]]], *, by: User) -> list[CohortReport]:
    """Add people to cohorts, by e-mail address, staff number or mobile; nobody is taken out.

    Raises `InvalidInput` for a table of something else, or one that is too long.
    """
    if len(rows) > MOST_ROWS:
        raise InvalidInput("A table of cohorts has at most 5000 rows; split it.", code="table_unreadable")
    if not rows or not all(any(column in cells for _number, cells in rows) for column in COLUMNS):
        raise InvalidInput("The first line has to name the columns cohort and person.", code="table_unreadable")
    return [_take_row(session, number, cells, by) for number, cells in rows]


def _take_row(session: Session, number: int, cells: dict[str, str], by: User) -> CohortReport:
    name, person = " ".join(cells.get("cohort", "").split()), cells.get("person", "").strip()
    try:
        with session.begin_nested():
            return _keep_row(session, number, name, person, by)
    except VideolibError as error:
        return CohortReport(number, name, person, "refused", message=error.message)


def _keep_row(session: Session, number: int, name: str, person: str, by: User) -> CohortReport:
    found = find_by_name(session, person)
    if found is None:
        raise InvalidInput("Nobody signs in by this name.", code="nobody")
    cohort: Cohort | None = find_cohort(session, name) if name else None
    is_new = cohort is None
    cohort = cohort or add_cohort(session, name, by=by)
    added = add_members(session, cohort, [found.email], by=by)
    return CohortReport(number, name, person, "added" if added else "same", is_new)
