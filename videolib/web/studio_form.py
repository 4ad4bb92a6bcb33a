"""The form of an entry: what it shows, how it is saved, and how a refusal or a conflict is shown beside the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, render_template
from flask_babel import gettext as _

from videolib.catalogue import lifecycle
from videolib.catalogue.access import can
from videolib.catalogue.completeness import Completeness
from videolib.catalogue.documents import Document, document_of, find_changes, value_at, working_document
from videolib.catalogue.entries import Entry
from videolib.catalogue.gate import assess_entry
from videolib.catalogue.people import list_users
from videolib.catalogue.versions import citation_of
from videolib.catalogue.working_copies import FieldConflict, Saved, base_of, save_edits
from videolib.errors import Conflict, InvalidInput
from videolib.web.access import require_login
from videolib.web.context import commit, database_session, services
from videolib.web.entries import make_page
from videolib.web.entry_values_text import field_anchor, plain_label, text_of_value
from videolib.web.error_texts import translated
from videolib.web.errors import status_of
from videolib.web.form_fields import GROUPS, FormField
from videolib.web.form_reading import typed_edits
from videolib.web.form_terms import TermLists
from videolib.web.texts import STATUSES, word


@dataclass(frozen=True)
class ConflictView:
    """Both values of a field that two changed."""

    mine: str
    theirs: str


@dataclass(frozen=True)
class FieldView:
    """One field as the template shows it; `value` is what stands in it, `rows` those of a list."""

    field: FormField
    name: str
    id: str
    label: str
    value: Any
    base: str
    error: str | None = None
    conflict: ConflictView | None = None
    is_missing: bool = False
    terms: tuple[Any, ...] = ()
    rows: tuple[tuple[FieldView, ...], ...] = ()
    blank: tuple[FieldView, ...] = ()


@dataclass(frozen=True)
class GroupView:
    """A group of fields."""

    id: str
    label: str
    fields: tuple[FieldView, ...]
    missing: int


@dataclass(frozen=True)
class Missing:
    """A sentence and where it leads."""

    sentence: str
    url: str


@dataclass(frozen=True)
class Refusal:
    """What was wrong: sentences by path, "" for the whole; conflicts by path; what was typed."""

    status: int
    errors: Mapping[str, str] = field(default_factory=dict)
    conflicts: Mapping[str, FieldConflict] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, str] | None = None


def render_form(entry: Entry, refusal: Refusal | None = None) -> Response:
    """The page with the form; after a refusal with what was typed."""
    person = require_login()
    completeness = assess(entry)
    document = working_document(entry)
    page = render_template(
        "studio/edit.html",
        entry=make_page(entry),
        work_state=entry.work_state,
        work_text=word(STATUSES, entry.work_state),
        citation=citation_of(entry),
        groups=_groups(document, completeness, refusal or Refusal(200)),
        refusal=refusal,
        whole_error=refusal.errors.get("") if refusal else None,
        completeness=completeness,
        missing=missing_links(refusal.missing if refusal and refusal.missing else completeness.missing),
        advised=missing_links(completeness.advised),
        can={action: lifecycle.may(person, entry, action) for action in lifecycle.RULES},
        has_pending=bool(entry.pending),
        pending=len(find_changes(document_of(entry), document)) if entry.pending else 0,
        reviewers=reviewers_for(entry) if lifecycle.may(person, entry, "name_reviewer") else (),
        revision=entry.revision,
    )
    return Response(page, status=refusal.status if refusal else 200, mimetype="text/html")


def assess(entry: Entry) -> Completeness:
    """How far the entry is by this library's settings."""
    return assess_entry(database_session(), entry, threshold=services().settings.review_threshold)


def missing_links(missing: Mapping[str, str]) -> tuple[Missing, ...]:
    """The sentences in the page's language, each with the place in the form where it is mended."""
    return tuple(Missing(translated(sentence), f"#{field_anchor(path)}") for path, sentence in missing.items())


def save_form(entry: Entry) -> Response | None:
    """Keep what was typed; gives the page with conflicts and refusals, None when all went well."""
    edits = typed_edits()
    try:
        saved = save_edits(database_session(), entry, edits, by=require_login())
    except (InvalidInput, Conflict) as error:
        return refused(entry, error)
    if not saved.errors and not saved.conflicts:
        return None
    commit()  # what could be kept is kept; the rest is shown again
    typed = {path: edits[path].value for path in (*saved.errors, *(item.path for item in saved.conflicts))}
    return render_form(
        entry,
        Refusal(
            412 if saved.conflicts else 422,
            {path: translated(sentence) for path, sentence in saved.errors.items()},
            {item.path: item for item in saved.conflicts},
            typed,
        ),
    )


def autosave(entry: Entry) -> dict[str, Any]:
    """Keep what was typed, and say to the script what became of each field."""
    saved = save_edits(database_session(), entry, typed_edits(), by=require_login())
    document = working_document(entry)
    completeness = assess(entry)
    return {
        "state": _state_of(saved),
        "bases": {path: base_of(value_at(document, path)) for path in saved.kept},
        "errors": {path: translated(sentence) for path, sentence in saved.errors.items()},
        "conflicts": [item.path for item in saved.conflicts],
        "percent": completeness.percent,
        "missing": [{"sentence": item.sentence, "url": item.url} for item in missing_links(completeness.missing)],
        "work_state": word(STATUSES, entry.work_state),
    }


def try_deed(entry: Entry, deed: Callable[[], object]) -> Response | None:
    """Do it; gives the page with the refusal, None when all went well."""
    try:
        deed()
    except (InvalidInput, Conflict) as error:
        return refused(entry, error)
    return None


def refused(entry: Entry, error: InvalidInput | Conflict) -> Response:
    """The page with what was refused."""
    database_session().rollback()
    sentence = translated(error.message, error.code)
    if isinstance(error, InvalidInput) and error.code == "not_publishable":
        return render_form(entry, Refusal(422, {"": _("The entry cannot be published yet.")}, missing=error.fields))
    if isinstance(error, InvalidInput) and error.fields:
        sentence = " ".join(translated(text) for text in error.fields.values())
    return render_form(entry, Refusal(status_of(error), {"": sentence}))


def reviewers_for(entry: Entry) -> tuple[tuple[int, str, bool], ...]:
    """Who may be named: id, name, whether that is who it is."""
    people = [
        person
        for person in list_users(database_session())
        if can(person, "review", "reviews") and not lifecycle.relations_of(person, entry) & {"author", "contributor"}
    ]
    return tuple((person.id, person.display_name or person.email, person.id == entry.reviewer_id) for person in people)


def _state_of(saved: Saved) -> str:
    if saved.conflicts:
        return "conflict"
    return "refused" if saved.errors else "saved"


def _groups(document: Document, completeness: Completeness, refusal: Refusal) -> tuple[GroupView, ...]:
    lists = TermLists()
    views = []
    for group in GROUPS:
        fields = tuple(_field_view(item, document, completeness, refusal, lists) for item in group.fields)
        views.append(GroupView(group.id, str(group.label), fields, sum(item.is_missing for item in fields)))
    return tuple(views)


def _field_view(
    item: FormField, document: Document, completeness: Completeness, refusal: Refusal, lists: TermLists
) -> FieldView:
    stored = value_at(document, item.path)
    conflict = refusal.conflicts.get(item.path)
    value = refusal.typed.get(item.path, stored)
    view = _view(item, item.path, value, lists)
    both = None
    if conflict is not None:
        both = ConflictView(text_of_value(item.path, conflict.mine), text_of_value(item.path, conflict.theirs))
    return FieldView(
        **{
            **view.__dict__,
            "base": base_of(stored),
            "error": refusal.errors.get(item.path),
            "conflict": both,
            "is_missing": _is_missing(item.path, completeness.missing),
        }
    )


def _is_missing(path: str, missing: Mapping[str, str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in missing)


def _view(item: FormField, name: str, value: Any, lists: TermLists) -> FieldView:
    terms: tuple[Any, ...] = ()
    rows: tuple[tuple[FieldView, ...], ...] = ()
    blank: tuple[FieldView, ...] = ()
    if item.kind in {"term", "terms"}:
        terms = lists.options(item.scheme, value if isinstance(value, list) else [value] if value else [])
    elif item.kind == "rows":
        given = [row for row in value or [] if isinstance(row, dict)]
        # without a script the empty row at the end is how another is added
        rows = tuple(_row(item, f"{name}.{number}", row, lists) for number, row in enumerate([*given, {}]))
        blank = _row(item, f"{name}.__row__", {}, lists)
    elif item.kind == "lines":
        value = "\n".join(str(line) for line in value or ())
    elif item.kind == "yesno":
        value = {True: "yes", False: "no"}.get(value, "") if isinstance(value, bool) else ""
    elif value is None:
        value = ""
    return FieldView(item, name, field_anchor(name), plain_label(item), value, "", terms=terms, rows=rows, blank=blank)


def _row(item: FormField, name: str, row: Mapping[str, Any], lists: TermLists) -> tuple[FieldView, ...]:
    return tuple(_view(column, f"{name}.{column.path}", value_at(row, column.path), lists) for column in item.columns)
