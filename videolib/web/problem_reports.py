"""Problems that viewers report: the form's target, and the editors' list of what is to be seen to."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from videolib.catalogue import problem_reports
from videolib.catalogue.holding import moment_of
from videolib.catalogue.people import get_names
from videolib.catalogue.problem_reports import ProblemReport
from videolib.web.access import entry_to_see, require_editor, require_login
from videolib.web.cards import Text, first_text
from videolib.web.context import commit, database_session
from videolib.web.languages import html_language
from videolib.web.own_notes import read_time
from videolib.web.texts import clock_text, minute_text, word

blueprint = Blueprint("problem_reports", __name__)

KINDS = {
    "privacy": lazy_gettext("Something private can be seen or heard"),
    "error": lazy_gettext("Something is wrong in what is shown or said"),
    "other": lazy_gettext("Something else"),
}


@dataclass(frozen=True)
class ReportLine:
    """One report, as editors and its writer see it."""

    id: int
    kind: str
    kind_text: str
    title: Text
    url: str
    review_url: str | None
    at_text: str
    text: str
    by: str
    when_text: str
    is_done: bool
    answer: str
    done_text: str


@blueprint.post("/entries/<entry_id>/reports")
def add(entry_id: str) -> Response:
    """Tell the editors."""
    person = require_login()
    entry = entry_to_see(entry_id)
    sent = request.form
    at_s = read_time(sent.get("at", ""))
    problem_reports.report_problem(
        database_session(), entry, sent.get("kind", ""), at_s, sent.get("text", ""), by=person
    )
    commit()
    flash(_("Thank you. The editors see your report and answer for it."), "success")
    if entry.status != "published":
        flash(_("Nobody can watch this recording until a second person has looked at it."), "success")
        return redirect(url_for("record.index"), 303)
    return redirect(url_for("entries.show", entry_id=entry.id, t=f"{at_s:g}"), 303)


@blueprint.get("/studio/reports")
def index() -> str:
    """What viewers have reported, open ones first."""
    require_editor()
    return render_template("reports/index.html", reports=make_lines(problem_reports.list_reports(database_session())))


@blueprint.post("/studio/reports/<int:report_id>")
def settle(report_id: int) -> Response:
    """Say what was done."""
    person = require_editor()
    problem_reports.settle_report(database_session(), report_id, request.form.get("answer", ""), by=person)
    commit()
    flash(_("The report is settled."), "success")
    return redirect(url_for("problem_reports.index"), 303)


def make_lines(reports: list[ProblemReport]) -> tuple[ReportLine, ...]:
    """The reports as lists show them."""
    names = get_names(database_session(), [number for row in reports for number in (row.by_id, row.done_by_id)])
    return tuple(_line(row, names) for row in reports)


def _line(row: ProblemReport, names: dict[int, str]) -> ReportLine:
    at_s = row.at_ms / 1000
    return ReportLine(
        id=row.id,
        kind=row.kind,
        kind_text=word(KINDS, row.kind),
        title=first_text(row.entry.title) or Text(_("Untitled"), html_language()),
        url=url_for("entries.show", entry_id=row.entry_id, t=f"{at_s:g}"),
        review_url=_review_url(row, at_s),
        at_text=clock_text(int(at_s)),
        text=row.text,
        by=names.get(row.by_id or 0, ""),
        when_text=minute_text(row.created_at),
        is_done=row.done_at is not None,
        answer=row.answer,
        done_text=" · ".join(part for part in (names.get(row.done_by_id or 0, ""), minute_text(row.done_at)) if part),
    )


def _review_url(row: ProblemReport, at_s: float) -> str | None:
    """Where its recording is reviewed, from the second that was named; None where there is nothing to review."""
    moment = moment_of(row.entry, at_s)
    if row.kind != "privacy" or moment is None:
        return None
    return url_for("desk.show", recording_id=moment[0], t=f"{moment[1]:g}")
