"""The versions of an entry: what was published when, by whom and why, what changed, and the id to cite one by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.access import can
from videolib.catalogue.documents import Change, document_of, find_changes, working_document
from videolib.catalogue.publishing import roll_back
from videolib.catalogue.versions import (
    EntryVersion,
    changes_beside,
    citation_of,
    diff,
    find_by_code,
    get_version,
    list_versions,
    read_citation,
)
from videolib.errors import NotFound
from videolib.web.access import current_person, entry_to_edit, entry_to_see, require_editor
from videolib.web.api.entry_json import public_document, shown_changes
from videolib.web.cards import make_card
from videolib.web.context import commit, database_session, services
from videolib.web.entry_values_text import label_of, place_of, text_of_value
from videolib.web.texts import minute_text

blueprint = Blueprint("versions", __name__)


@dataclass(frozen=True)
class VersionLine:
    """One version in the list. Who and why is for editors."""

    number: int
    citation: str
    when: str
    who: str
    why: str
    url: str
    diff_url: str | None
    is_current: bool


@dataclass(frozen=True)
class ChangeView:
    """One part that differs."""

    label: str
    before: str
    after: str


@blueprint.get("/entries/<entry_id>/versions")
def index(entry_id: str) -> str:
    """All of them, the newest first."""
    entry = entry_to_see(entry_id)
    rows = list_versions(database_session(), entry.id)
    return render_template(
        "versions/index.html",
        card=make_card(entry),
        citation=citation_of(entry),
        versions=tuple(_line(row, citation_of(entry, row.number), entry.version) for row in rows),
        is_editor=can(current_person(), "edit", "catalogue"),
        has_pending=bool(entry.pending) and can(current_person(), "edit", "catalogue"),
    )


@blueprint.get("/entries/<entry_id>/versions/<int:number>")
def show(entry_id: str, number: int) -> str:
    """What that version said; with `?against=` what differs from another."""
    entry = entry_to_see(entry_id)
    version = get_version(database_session(), entry.id, number)
    against = request.args.get("against", type=int)
    other = get_version(database_session(), entry.id, against) if against else None
    changes = diff(other, version) if other else [*find_changes({}, _shown(version)), *changes_beside(None, version)]
    return render_template(
        "versions/show.html",
        card=make_card(entry),
        version=_line(version, citation_of(entry, number), entry.version),
        against=against if other else None,
        changes=change_views(changes),
        can_roll_back=can(current_person(), "edit", "catalogue") and number != entry.version,
        is_editor=can(current_person(), "edit", "catalogue"),
    )


@blueprint.get("/entries/<entry_id>/versions/pending")
def pending(entry_id: str) -> str:
    """What is changed and not published yet."""
    require_editor()
    entry = entry_to_edit(entry_id)
    changes = find_changes(document_of(entry), working_document(entry))
    return render_template("versions/pending.html", card=make_card(entry), changes=change_views(changes))


@blueprint.post("/studio/entries/<entry_id>/roll-back", endpoint="roll_back")
def return_to(entry_id: str) -> Response:
    """Publish what an older version said, as a new one."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    number = request.form.get("number", default=0, type=int)
    threshold = services().settings.review_threshold
    reason = request.form.get("reason", "")
    roll_back(database_session(), entry, number, reason=reason, threshold=threshold, by=person)
    commit()
    flash(_("It says again what version %(number)s said.", number=number), "success")
    return redirect(url_for("versions.index", entry_id=entry.id), 303)


@blueprint.get("/cite/<citation>")
def cite(citation: str) -> Response:
    """Lead from the id that is cited to the entry, or to the version it names."""
    code, number = read_citation(citation)
    entry = find_by_code(database_session(), code)
    if entry is None:
        raise NotFound("There is no such entry, or you may not see it.", code="entry_not_found")
    entry = entry_to_see(entry.id)
    if number is None or number == entry.version:
        return redirect(url_for("entries.show", entry_id=entry.id), 302)
    get_version(database_session(), entry.id, number)
    return redirect(url_for("versions.show", entry_id=entry.id, number=number), 302)


def change_views(changes: Iterable[Change]) -> tuple[ChangeView, ...]:
    """The changes in words; those of the editors' business for editors only."""
    return tuple(
        ChangeView(label_of(item.path), text_of_value(item.path, item.before), text_of_value(item.path, item.after))
        for item in sorted(shown_changes(changes), key=lambda item: place_of(item.path))
    )


def _shown(version: EntryVersion) -> dict[str, object]:
    return version.document if can(current_person(), "edit", "catalogue") else public_document(version.document)


def _line(row: EntryVersion, citation: str, current: int) -> VersionLine:
    is_editor = can(current_person(), "edit", "catalogue")
    here = url_for("versions.show", entry_id=row.entry_id, number=row.number)
    return VersionLine(
        number=row.number,
        citation=citation,
        when=minute_text(row.created_at),
        who=row.author_name if is_editor else "",
        why=row.reason if is_editor else "",
        url=here,
        diff_url=f"{here}?against={row.number - 1}" if row.number > 1 else None,
        is_current=row.number == current,
    )
