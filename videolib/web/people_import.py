"""People from a CSV or Excel file, for administrators: first a report of what would be, then the same for good."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, url_for

from videolib.catalogue.people_import import COLUMNS, PersonReport, import_people
from videolib.web.access import require_admin, require_admin_in_person
from videolib.web.context import database_session
from videolib.web.error_texts import translated
from videolib.web.tables_taken import OUTCOMES, count_outcomes, end_taking, read_sent, sample_table
from videolib.web.texts import word

blueprint = Blueprint("people_import", __name__)


@dataclass(frozen=True)
class Line:
    """What becomes of a row, as the page shows it."""

    row: int
    email: str
    outcome: str
    outcome_text: str
    message: str
    url: str


@blueprint.get("/admin/people/import")
def index() -> str:
    """Choose a file."""
    require_admin()
    return _page((), is_dry=True)


@blueprint.post("/admin/people/import")
def take_in() -> str:
    """The report; kept only where it is said so."""
    by = require_admin_in_person()
    reports = import_people(database_session(), read_sent(), by=by)
    return _page(reports, is_dry=end_taking())


@blueprint.get("/admin/people/import/sample.csv")
def sample() -> Response:
    """A table to begin with."""
    require_admin()
    row = ("wang@hospital.example", "王伟", "A0017", "13800001234", "trainee;editor", "")
    rows = [dict(zip(COLUMNS, row, strict=True))]
    return sample_table(COLUMNS, rows, "people.csv")


def _page(reports: list[PersonReport] | tuple[()], *, is_dry: bool) -> str:
    return render_template(
        "admin/import.html",
        lines=tuple(_line(report, is_dry=is_dry) for report in reports),
        counts=count_outcomes(report.outcome for report in reports),
        is_dry=is_dry,
        columns=COLUMNS,
    )


def _line(report: PersonReport, *, is_dry: bool) -> Line:
    texts = [translated(text) for text in report.problems.values()] or [translated(report.message)]
    # a link of a dry run was rolled back with everything else
    is_usable = report.link and not is_dry
    return Line(
        report.row,
        report.email,
        report.outcome,
        word(OUTCOMES, report.outcome),
        " ".join(filter(None, texts)) if report.outcome == "refused" else "",
        url_for("account_links.show", secret=report.link, _external=True) if is_usable else "",
    )
