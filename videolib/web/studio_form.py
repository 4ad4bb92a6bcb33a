"""The form of an entry: what it shows, what was typed, and how a refusal is shown beside the fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, render_template, request
from flask_babel import gettext as _

from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS, parse_values
from videolib.catalogue.gate import find_missing
from videolib.catalogue.publishing import change_entry, publish_entry, withdraw_entry
from videolib.catalogue.vocabulary import Term, list_all_terms, list_schemes
from videolib.errors import Conflict, InvalidInput
from videolib.web.access import require_editor
from videolib.web.context import database_session
from videolib.web.entries import make_page
from videolib.web.error_texts import translated
from videolib.web.errors import status_of
from videolib.web.languages import language, other_language

_REQUIRED = frozenset({"procedure"})
_SCHEMES = {**TERM_FIELDS, **SINGLE_TERM_FIELDS}


@dataclass(frozen=True)
class EntryForm:
    """What the text fields show."""

    title_zh: str
    title_en: str
    summary_zh: str
    summary_en: str


@dataclass(frozen=True)
class TermOption:
    """A term to pick."""

    id: str
    label: str
    other_label: str
    depth: int
    is_selected: bool


@dataclass(frozen=True)
class Picker:
    """The terms of one scheme."""

    scheme: str
    name: str
    label: str
    is_required: bool
    terms: tuple[TermOption, ...]


@dataclass(frozen=True)
class Refusal:
    """What was wrong: sentences by the form's field names, "" for the whole."""

    status: int
    errors: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...] = ()
    is_conflict: bool = False


def render_form(entry: Entry, refusal: Refusal | None = None, *, typed: bool = False) -> Response:
    """The page with the form; after a refusal with what was typed."""
    missing = tuple(translated(sentence) for sentence in find_missing(database_session(), entry).values())
    page = render_template(
        "studio/edit.html",
        entry=make_page(entry),
        version=entry.revision,
        form=_typed_form() if typed else _form_of(entry),
        errors=refusal.errors if refusal else {},
        pickers=_pickers(_typed_terms() if typed else _terms_of(entry)),
        missing=(refusal.missing if refusal else ()) or (missing if entry.status == "draft" else ()),
        can_publish=not missing and entry.status != "published",
        can_withdraw=entry.status == "published",
        conflict=refusal.is_conflict if refusal else False,
    )
    return Response(page, status=refusal.status if refusal else 200, mimetype="text/html")


def save_form(entry: Entry) -> Response | None:
    """Write what was typed; gives the page with the refusal, None when all went well."""
    person = require_editor()
    try:
        values = parse_values(_typed_values())
        change_entry(database_session(), entry, values, revision=_typed_revision(), by=person)
    except (InvalidInput, Conflict) as error:
        return _refused(entry, error, typed=True)
    return None


def publish_from_form(entry: Entry) -> Response | None:
    """Publish; gives the page with what is missing, None when all went well."""
    person = require_editor()
    try:
        publish_entry(database_session(), entry, revision=_typed_revision(), by=person)
    except (InvalidInput, Conflict) as error:
        return _refused(entry, error, typed=False)
    return None


def withdraw_from_form(entry: Entry) -> Response | None:
    """Withdraw; gives the page with the refusal, None when all went well."""
    person = require_editor()
    try:
        withdraw_entry(database_session(), entry, request.form.get("reason", ""), revision=_typed_revision(), by=person)
    except (InvalidInput, Conflict) as error:
        return _refused(entry, error, typed=False)
    return None


def _refused(entry: Entry, error: InvalidInput | Conflict, *, typed: bool) -> Response:
    database_session().rollback()
    if isinstance(error, Conflict):
        is_stale = error.code == "stale"
        errors = {} if is_stale else {"": (translated(error.message, error.code),)}
        return render_form(entry, Refusal(status_of(error), errors, is_conflict=is_stale), typed=typed)
    if error.code == "not_publishable":
        return render_form(entry, Refusal(422, {}, missing=tuple(map(translated, error.fields.values()))))
    errors = {_form_name(name): (translated(text),) for name, text in error.fields.items()}
    return render_form(entry, Refusal(422, errors or {"": (translated(error.message, error.code),)}), typed=typed)


def _form_name(field: str) -> str:
    """The name in the form of a field of the catalogue: `title.zh`, `procedures.3`."""
    head, _dot, tail = field.partition(".")
    if head in _SCHEMES:
        return f"terms.{_SCHEMES[head]}"
    return f"{head}_{tail}" if head in {"title", "summary"} and tail else head


def _typed_values() -> dict[str, object]:
    typed = _typed_form()
    values: dict[str, object] = {
        "title": {"zh": typed.title_zh, "en": typed.title_en},
        "summary": {"zh": typed.summary_zh, "en": typed.summary_en},
    }
    chosen = _typed_terms()
    for field, scheme in TERM_FIELDS.items():
        values[field] = list(chosen[scheme])
    for field, scheme in SINGLE_TERM_FIELDS.items():
        if len(chosen[scheme]) > 1:
            raise InvalidInput(_("Choose one."), fields={field: _("Choose one.")})
        values[field] = next(iter(chosen[scheme]), None)
    return values


def _typed_form() -> EntryForm:
    return EntryForm(*(request.form.get(name, "") for name in ("title_zh", "title_en", "summary_zh", "summary_en")))


def _typed_terms() -> dict[str, tuple[str, ...]]:
    return {scheme: tuple(request.form.getlist(f"terms.{scheme}")) for scheme in _SCHEMES.values()}


def _typed_revision() -> int | None:
    return request.form.get("version", type=int)


def _form_of(entry: Entry) -> EntryForm:
    return EntryForm(
        title_zh=entry.title.get("zh", ""),
        title_en=entry.title.get("en", ""),
        summary_zh=entry.summary.get("zh", ""),
        summary_en=entry.summary.get("en", ""),
    )


def _terms_of(entry: Entry) -> dict[str, tuple[str, ...]]:
    chosen = {scheme: tuple(term.id for term in entry.terms_of(field)) for field, scheme in TERM_FIELDS.items()}
    single = {scheme: (getattr(entry, field),) for field, scheme in SINGLE_TERM_FIELDS.items() if getattr(entry, field)}
    return {**chosen, **single}


def _pickers(chosen: Mapping[str, tuple[str, ...]]) -> tuple[Picker, ...]:
    here = language()
    labels = {scheme.id: scheme.labels for scheme in list_schemes(database_session())}
    terms = {term.id: term for term in list_all_terms(database_session())}
    return tuple(
        Picker(
            scheme=scheme,
            name=f"terms.{scheme}",
            label=labels.get(scheme, {}).get(here, scheme),
            is_required=scheme in _REQUIRED,
            terms=tuple(
                TermOption(
                    id=term.id,
                    label=term.label(here),
                    other_label=term.label(other_language(here)),
                    depth=_depth(term, terms),
                    is_selected=term.id in chosen.get(scheme, ()),
                )
                for term in terms.values()
                if term.scheme_id == scheme and (term.is_choosable() or term.id in chosen.get(scheme, ()))
            ),
        )
        for scheme in _SCHEMES.values()
    )


def _depth(term: Term, terms: Mapping[str, Term]) -> int:
    """How many broader terms stand above it; a circle in the data ends the count."""
    depth, above = 0, terms.get(term.broader_id or "")
    while above is not None and depth < 10:
        depth, above = depth + 1, terms.get(above.broader_id or "")
    return depth
