"""Pages of the vocabulary for administrators: what was proposed, each list of terms, one term with its deeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import term_changes
from videolib.catalogue.people import get_names
from videolib.catalogue.term_offers import MAX_LIMIT, offer_terms
from videolib.catalogue.term_uses import count_uses
from videolib.catalogue.vocabulary import (
    LANGUAGES,
    Term,
    count_terms,
    get_scheme,
    get_term,
    list_proposed,
    list_schemes,
    list_terms,
)
from videolib.catalogue.vocabulary_files import scheme_of, write_schemes
from videolib.errors import Conflict, InvalidInput
from videolib.web.access import require_admin
from videolib.web.api.vocabulary import DEEDS, target_of_merge
from videolib.web.context import commit, database_session
from videolib.web.error_texts import translated
from videolib.web.errors import status_of
from videolib.web.languages import language, other_language

blueprint = Blueprint("vocabulary", __name__)

# form -> (end of the file's name, type)
DOWNLOADS = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "yaml": ("yaml", "application/yaml"),
    "turtle": ("ttl", "text/turtle"),
}


@dataclass(frozen=True)
class SchemeLine:
    """One list of terms."""

    label: str
    other_label: str
    url: str
    count: int
    version: int


@dataclass(frozen=True)
class TermLine:
    """One term in a list."""

    id: str
    label: str
    other_label: str
    synonyms: tuple[str, ...]
    scheme_id: str
    scheme_label: str
    url: str
    depth: int
    uses: int
    state: str
    proposed_by: str


@blueprint.get("/admin/vocabulary")
def index() -> str:
    """What waits for a decision, and every list of terms."""
    require_admin()
    counts, here = count_terms(database_session()), language()
    schemes = list_schemes(database_session())
    labels = {scheme.id: scheme.labels.get(here, scheme.id) for scheme in schemes}
    proposed = list_proposed(database_session())
    names = get_names(database_session(), (term.proposed_by_id for term in proposed))
    uses = count_uses(database_session()) if proposed else {}
    return render_template(
        "vocabulary/index.html",
        proposed=tuple(_line(term, uses, label=labels[term.scheme_id], names=names) for term in proposed),
        schemes=tuple(
            SchemeLine(
                label=labels[scheme.id],
                other_label=scheme.labels.get(other_language(here), ""),
                url=url_for("vocabulary.scheme", scheme_id=scheme.id),
                count=counts.get(scheme.id, 0),
                version=scheme.version,
            )
            for scheme in schemes
        ),
    )


@blueprint.get("/admin/vocabulary/<scheme_id>")
def scheme(scheme_id: str) -> Response:
    """The terms of one list."""
    require_admin()
    return _scheme_page(scheme_id)


@blueprint.post("/admin/vocabulary/<scheme_id>")
def add(scheme_id: str) -> Response:
    """Add a term to it."""
    person = require_admin()
    found = get_scheme(database_session(), scheme_id)
    try:
        term = term_changes.propose_term(database_session(), found, _typed_term(), by=person)
    except InvalidInput as error:
        database_session().rollback()
        return _scheme_page(scheme_id, error)
    return _back_to(term, _("Added. Say more about it here."))


@blueprint.get("/admin/vocabulary/<scheme_id>/export")
def export(scheme_id: str) -> Response:
    """The list as a file."""
    require_admin()
    found = get_scheme(database_session(), scheme_id)
    form = request.args.get("form", "csv")
    if form not in DOWNLOADS:
        raise InvalidInput("There is no such kind of file.", code="unknown_form")
    ending, kind = DOWNLOADS[form]
    content = write_schemes([scheme_of(found, list_terms(database_session(), found.id))], form)
    response = Response(content, content_type=kind)
    response.headers.set("Content-Disposition", "attachment", filename=f"{found.id}.{ending}")
    return response


@blueprint.get("/admin/vocabulary/<scheme_id>/<term_id>")
def term(scheme_id: str, term_id: str) -> Response:
    """One term: its names, where it stands, what can be done with it."""
    require_admin()
    return _term_page(get_term(database_session(), term_id, scheme_id=scheme_id))


@blueprint.post("/admin/vocabulary/<scheme_id>/<term_id>")
def save(scheme_id: str, term_id: str) -> Response:
    """Keep what was typed."""
    person = require_admin()
    found = get_term(database_session(), term_id, scheme_id=scheme_id)
    version = request.form.get("version", type=int)
    try:
        term_changes.change_term(database_session(), found, _typed_term(), version=version, by=person)
    except (InvalidInput, Conflict) as error:
        return _refused(scheme_id, term_id, error)
    return _back_to(found, _("Saved."))


@blueprint.post("/admin/vocabulary/<scheme_id>/<term_id>/<any(accept,retire,restore,merge,remove):deed>")
def decide(scheme_id: str, term_id: str, deed: str) -> Response:
    """Accept it, retire it, bring it back, merge it into another, remove it."""
    person = require_admin()
    found = get_term(database_session(), term_id, scheme_id=scheme_id)
    try:
        if deed == "remove":
            term_changes.remove_term(database_session(), found, by=person)
        elif deed == "merge":
            into = target_of_merge(request.form.get("into", ""))
            term_changes.merge_terms(database_session(), found, into, by=person)
            found = into
        else:
            DEEDS[deed](found, person)
    except (InvalidInput, Conflict) as error:
        return _refused(scheme_id, term_id, error)
    if deed == "remove":
        commit()
        flash(_("Removed."), "success")
        return redirect(url_for("vocabulary.scheme", scheme_id=scheme_id), 303)
    return _back_to(found, _("Done."))


def _scheme_page(scheme_id: str, refusal: InvalidInput | None = None) -> Response:
    found = get_scheme(database_session(), scheme_id)
    terms = list_terms(database_session(), found.id)
    typed = request.args.get("q", "").strip()
    shown = terms
    if typed:
        offers = offer_terms(database_session(), found.id, typed, language=language(), limit=MAX_LIMIT)
        shown = [offer.term for offer in offers]
    uses, depths = count_uses(database_session(), found.id), _depths(terms)
    here = language()
    page = render_template(
        "vocabulary/scheme.html",
        scheme=SchemeLine(
            label=found.labels.get(here, found.id),
            other_label=found.labels.get(other_language(here), ""),
            url=url_for("vocabulary.scheme", scheme_id=found.id),
            count=len(terms),
            version=found.version,
        ),
        scheme_id=found.id,
        note=found.note,
        terms=tuple(_line(term, uses, depth=0 if typed else depths[term.id]) for term in shown),
        typed=typed,
        downloads=tuple(DOWNLOADS),
        errors=_errors(refusal),
        form={f"label_{lang}": request.form.get(f"label_{lang}", "") for lang in LANGUAGES},
    )
    return Response(page, status=status_of(refusal) if refusal else 200, mimetype="text/html")


def _term_page(found: Term, refusal: InvalidInput | Conflict | None = None) -> Response:
    terms = list_terms(database_session(), found.scheme_id)
    line = _line(found, count_uses(database_session(), found.scheme_id))
    here = language()
    is_stale = isinstance(refusal, Conflict) and refusal.code == "stale"
    page = render_template(
        "vocabulary/term.html",
        term=line,
        scheme_id=found.scheme_id,
        scheme_label=get_scheme(database_session(), found.scheme_id).labels.get(here, found.scheme_id),
        version=found.version,
        form={**_form_of(found), **(request.form if refusal else {})},
        others=tuple((other.id, other.label(here)) for other in terms if other.id != found.id and not other.retired),
        merged_into=_merged_link(found),
        extra=tuple(found.extra.items()),
        can_restore=found.retired and not found.merged_into,
        errors={} if is_stale else _errors(refusal),
        is_stale=is_stale,
    )
    return Response(page, status=status_of(refusal) if refusal else 200, mimetype="text/html")


def _refused(scheme_id: str, term_id: str, error: InvalidInput | Conflict) -> Response:
    database_session().rollback()
    return _term_page(get_term(database_session(), term_id, scheme_id=scheme_id), error)


def _errors(error: InvalidInput | Conflict | None) -> Mapping[str, tuple[str, ...]]:
    """Sentences by the form's field names."""
    if error is None:
        return {}
    fields = error.fields if isinstance(error, InvalidInput) else {}
    found = {name.replace("labels.", "label_"): (translated(text, error.code),) for name, text in fields.items()}
    return found or {"": (translated(error.message, error.code),)}


def _typed_term() -> dict[str, Any]:
    """What the form says; a field that it does not have is not changed."""
    form = request.form
    typed: dict[str, Any] = {"labels": {lang: form.get(f"label_{lang}", "") for lang in LANGUAGES}}
    if "synonyms_zh" in form:
        typed["synonyms"] = {lang: form.get(f"synonyms_{lang}", "").splitlines() for lang in LANGUAGES}
        definition = {lang: text for lang in LANGUAGES if (text := form.get(f"definition_{lang}", "").strip())}
        typed["definition"] = definition or None
        typed |= {name: form.get(name, "").strip() or None for name in ("broader", "mesh", "mesh_match")}
        typed |= {name: form.get(name, "").strip() or None for name in ("valid_from", "valid_to")}
        typed["order"] = form.get("order", "").strip() or 0
    return typed


def _form_of(found: Term) -> Mapping[str, Any]:
    definition = found.definition or {}
    return {
        **{f"label_{lang}": found.labels.get(lang, "") for lang in LANGUAGES},
        **{f"synonyms_{lang}": "\n".join(found.synonyms.get(lang, [])) for lang in LANGUAGES},
        **{f"definition_{lang}": definition.get(lang, "") for lang in LANGUAGES},
        "broader": found.broader_id or "",
        "mesh": found.mesh or "",
        "mesh_match": found.mesh_match or "",
        "order": found.position,
        "valid_from": found.valid_from.isoformat() if found.valid_from else "",
        "valid_to": found.valid_to.isoformat() if found.valid_to else "",
    }


def _line(
    found: Term,
    uses: Mapping[str, int],
    *,
    depth: int = 0,
    label: str = "",
    names: Mapping[int, str] | None = None,
) -> TermLine:
    here = language()
    state = "proposed" if found.status == "proposed" else "current"
    return TermLine(
        id=found.id,
        label=found.label(here),
        other_label=found.label(other_language(here)),
        synonyms=tuple(name for lang in LANGUAGES for name in found.synonyms.get(lang, [])),
        scheme_id=found.scheme_id,
        scheme_label=label,
        url=url_for("vocabulary.term", scheme_id=found.scheme_id, term_id=found.id),
        depth=min(depth, 2),
        uses=uses.get(found.id, 0),
        state="merged" if found.merged_into else "retired" if found.retired else state,
        proposed_by=(names or {}).get(found.proposed_by_id or 0, ""),
    )


def _merged_link(found: Term) -> tuple[str, str] | None:
    if not found.merged_into:
        return None
    into = get_term(database_session(), found.merged_into)
    return into.label(language()), url_for("vocabulary.term", scheme_id=into.scheme_id, term_id=into.id)


def _depths(terms: list[Term]) -> dict[str, int]:
    broader = {term.id: term.broader_id for term in terms}
    depths: dict[str, int] = {}
    for term in terms:
        depth, above = 0, term.broader_id
        while above in broader and depth < 10:
            depth, above = depth + 1, broader[above or ""]
        depths[term.id] = depth
    return depths


def _back_to(found: Term, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("vocabulary.term", scheme_id=found.scheme_id, term_id=found.id), 303)
