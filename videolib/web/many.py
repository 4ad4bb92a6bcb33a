"""Many entries at once, for editors: choose, change, take back; tables out and in with a report per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.bulk_edits import LIST_FIELDS, BulkEdit, Outcome, Wish, edit_many, list_edits, list_owners, undo
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_lists import MAX_LIMIT, list_entries
from videolib.catalogue.entry_values import TERM_FIELDS
from videolib.catalogue.exchange import FORMS, RowReport, import_rows, read_rows
from videolib.catalogue.people import get_names
from videolib.catalogue.vocabulary import list_schemes, list_terms
from videolib.errors import InvalidInput
from videolib.web.access import require_editor
from videolib.web.context import commit, database_session, services
from videolib.web.error_texts import translated
from videolib.web.form_fields import AUDIENCES
from videolib.web.languages import language
from videolib.web.texts import STATUSES, minute_text, word

blueprint = Blueprint("many", __name__)


@dataclass(frozen=True)
class Line:
    """One entry to choose."""

    id: str
    title: str
    status_text: str
    owner: str
    audience: str
    url: str


@dataclass(frozen=True)
class Deed:
    """One change that may be taken back."""

    id: str
    text: str
    when: str
    by: str
    is_undone: bool


@blueprint.get("/studio/many")
def index() -> str:
    """The entries to choose from, and what was changed lately."""
    require_editor()
    return _page(())


@blueprint.post("/studio/many")
def change() -> Response:
    """Do one thing to all that are chosen."""
    person = require_editor()
    deed, _dot, field = request.form.get("what", "").partition(":")
    values = [value for value in request.form.getlist(f"value.{field}") if value.strip()]
    if field == "keywords":
        values = [word.strip() for value in values for word in value.replace("；", ";").split(";") if word.strip()]
    wish = Wish(deed, field, tuple(values))
    ids = request.form.getlist("id")
    threshold = services().settings.review_threshold
    _tell(edit_many(database_session(), ids, wish, threshold=threshold, by=person))
    return _back()


@blueprint.post("/studio/many/<edit_id>/undo")
def take_back(edit_id: str) -> Response:
    """Take a change back."""
    person = require_editor()
    _tell(undo(database_session(), edit_id, threshold=services().settings.review_threshold, by=person))
    return _back()


@blueprint.post("/studio/many/import")
def take_in() -> str:
    """Rows of a file: first only looked at, then taken in."""
    person = require_editor()
    sent = request.files.get("file")
    name = sent.filename or "" if sent else ""
    form = name.rpartition(".")[2].lower()
    if sent is None or form not in FORMS:
        raise InvalidInput("Choose a file that ends with .csv, .xlsx or .json.", code="table_unreadable")
    rows = read_rows(sent.read(), form, name)
    threshold = services().settings.review_threshold
    reports = import_rows(database_session(), rows, threshold=threshold, by=person)
    is_dry = request.form.get("really") != "yes"
    database_session().rollback() if is_dry else commit()
    return _page(reports, is_dry=is_dry)


def _page(reports: Sequence[RowReport], *, is_dry: bool = False) -> str:
    person = require_editor()
    cursor, status = request.args.get("cursor") or None, request.args.get("status") or None
    rows, next_cursor = list_entries(
        database_session(), by=person, status=status if status in STATUSES else None, limit=MAX_LIMIT, cursor=cursor
    )
    names = get_names(database_session(), (entry.created_by_id for entry in rows))
    edits, fields = list_edits(database_session()), _fields()
    doers = get_names(database_session(), (edit.by_id for edit in edits))
    return render_template(
        "many/index.html",
        lines=tuple(_line(entry, names) for entry in rows),
        deeds=tuple(_deed(edit, doers, {field: label for field, label, _terms in fields}) for edit in edits),
        statuses=tuple((name, word(STATUSES, name)) for name in STATUSES),
        status=status or "",
        fields=fields,
        owners=tuple((str(user.id), user.display_name or user.email) for user in list_owners(database_session())),
        reports=tuple(
            (
                report,
                translated(report.message),
                tuple((name, translated(text)) for name, text in report.problems.items()),
            )
            for report in reports
        ),
        is_dry=is_dry,
        forms=FORMS,
        next_url=url_for("many.index", cursor=next_cursor, status=status) if next_cursor else None,
        previous_url=url_for("many.index", status=status) if cursor else None,
    )


def _fields() -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]:
    """Each list of terms that can be changed: field, label, the terms that can be chosen."""
    here = language()
    labels = {scheme.id: scheme.labels.get(here, scheme.id) for scheme in list_schemes(database_session())}
    return tuple(
        (
            field,
            labels.get(TERM_FIELDS[field], field),
            tuple(
                (term.id, term.label(here))
                for term in list_terms(database_session(), TERM_FIELDS[field])
                if term.is_choosable()
            ),
        )
        for field in LIST_FIELDS
        if field in TERM_FIELDS
    )


def _line(entry: Entry, names: dict[int, str]) -> Line:
    here = language()
    title = entry.title.get(here) or next(iter(entry.title.values()), "") or _("Untitled")
    return Line(
        id=entry.id,
        title=title,
        status_text=word(STATUSES, entry.status),
        owner=names.get(entry.created_by_id or 0, ""),
        audience=str(dict(AUDIENCES)[entry.audience]),
        url=url_for("studio.edit", entry_id=entry.id),
    )


def _deed(edit: BulkEdit, names: dict[int, str], labels: dict[str, str]) -> Deed:
    words = {"add": _("Added to"), "remove": _("Removed from"), "set": _("Set")}
    count = len(edit.before)
    plain = {"keywords": _("Keywords"), "owner": _("Owner"), "audience": _("Who may watch")}
    what = f"{words.get(edit.deed, edit.deed)} {plain.get(edit.field) or labels.get(edit.field, edit.field)}"
    return Deed(
        id=edit.id,
        text=f"{what} · " + _("%(count)s entries", count=count),
        when=minute_text(edit.at),
        by=names.get(edit.by_id or 0, ""),
        is_undone=edit.undone_at is not None,
    )


def _tell(outcome: Outcome) -> None:
    commit()
    flash(_("Entries changed: %(count)s", count=outcome.changed), "success")
    for entry_id, sentence in list(outcome.refused.items())[:20]:
        flash(f"{entry_id}: {translated(sentence)}", "warning")


def _back() -> Response:
    return redirect(url_for("many.index", status=request.form.get("status") or None), 303)
