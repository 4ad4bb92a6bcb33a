"""Cohorts from a CSV or Excel file, for instructors: first a report of what would be, then the same for good."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _

from videolib.catalogue.cohort_import import COLUMNS, CohortReport, import_cohorts
from videolib.web.access import require_instructor
from videolib.web.context import database_session
from videolib.web.error_texts import translated
from videolib.web.tables_taken import OUTCOMES, count_outcomes, end_taking, read_sent, sample_table
from videolib.web.texts import word

blueprint = Blueprint("cohort_import", __name__)


@dataclass(frozen=True)
class Line:
    """What becomes of a row, as the page shows it."""

    row: int
    cohort: str
    person: str
    outcome: str
    outcome_text: str
    message: str


@blueprint.get("/teach/cohorts/import")
def index() -> str:
    """Choose a file."""
    require_instructor()
    return _page([], is_dry=True)


@blueprint.post("/teach/cohorts/import")
def take_in() -> str:
    """The report; kept only where it is said so."""
    by = require_instructor()
    reports = import_cohorts(database_session(), read_sent(), by=by)
    return _page(reports, is_dry=end_taking())


@blueprint.get("/teach/cohorts/import/sample.csv")
def sample() -> Response:
    """A table to begin with."""
    require_instructor()
    rows = [{"cohort": "2026 级", "person": person} for person in ("wang@hospital.example", "A0017")]
    return sample_table(COLUMNS, rows, "cohorts.csv")


def _page(reports: list[CohortReport], *, is_dry: bool) -> str:
    return render_template(
        "teach/cohort_import.html",
        lines=tuple(_line(report) for report in reports),
        counts=count_outcomes(report.outcome for report in reports),
        is_dry=is_dry,
        columns=COLUMNS,
    )


def _line(report: CohortReport) -> Line:
    message = translated(report.message) if report.message else str(_("A new cohort")) if report.is_new else ""
    outcome_text = word(OUTCOMES, report.outcome)
    return Line(report.row, report.cohort, report.person, report.outcome, outcome_text, message)
