"""`/api/v1/vocabulary`: terms in both languages, offers while typing, and what people do to terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint
from flask import request
from werkzeug.wrappers import Response

from videolib.catalogue import term_changes
from videolib.catalogue.people import User
from videolib.catalogue.term_offers import offer_terms
from videolib.catalogue.vocabulary import (
    Scheme,
    Term,
    count_terms,
    get_scheme,
    get_term,
    list_schemes,
    list_terms,
)
from videolib.errors import Conflict, InvalidInput, NotFound
from videolib.web.access import require_admin, require_editor
from videolib.web.api.answers import sent_object, tagged
from videolib.web.api.spec import documents_body
from videolib.web.api.vocabulary_schemas import (
    MergeInto,
    NewTerm,
    OffersQuery,
    SchemeOut,
    SchemesOut,
    TermFields,
    TermOut,
)
from videolib.web.context import commit, database_session
from videolib.web.languages import language

blueprint = APIBlueprint("vocabulary_api", __name__, url_prefix="/api/v1", tag="Vocabulary")

# what an administrator may do to a term by its name
DEEDS: dict[str, Callable[[Term, User], object]] = {
    "accept": lambda term, by: term_changes.accept_term(database_session(), term, by=by),
    "retire": lambda term, by: term_changes.retire_term(database_session(), term, by=by),
    "restore": lambda term, by: term_changes.restore_term(database_session(), term, by=by),
}


@blueprint.get("/vocabulary")
@blueprint.output(SchemesOut)
def index() -> Response:
    """List the schemes

    Each with its version and the number of its terms.
    """
    counts = count_terms(database_session())
    items = [{**_scheme_json(scheme), "terms": counts.get(scheme.id, 0)} for scheme in list_schemes(database_session())]
    return tagged({"items": items, "next_cursor": None})


@blueprint.get("/vocabulary/<scheme_id>")
@blueprint.input(OffersQuery, location="query", arg_name="query")
@blueprint.output(SchemeOut)
def show(scheme_id: str, query: dict[str, Any]) -> Response:
    """List the terms of a scheme

    All of them, in their order: a form needs the whole list. With `q` those that may be meant by what was typed so
    far, in either language, by pinyin or initials; retired terms are not among these.
    """
    scheme = get_scheme(database_session(), scheme_id)
    typed = query.get("q")
    if typed is None:
        items = [term_json(term) for term in list_terms(database_session(), scheme.id)]
    else:
        lang = query.get("lang") or language()
        offers = offer_terms(database_session(), scheme.id, typed, language=lang, limit=query["limit"])
        items = [{**term_json(offer.term), "found_by": offer.found_by} for offer in offers]
    return tagged({**_scheme_json(scheme), "items": items, "next_cursor": None})


@blueprint.post("/vocabulary/<scheme_id>/terms")
@documents_body(NewTerm)
@blueprint.output(TermOut, status_code=201)
def propose(scheme_id: str) -> Response:
    """Propose a term

    Every editor may use it at once; an administrator accepts it or merges it into another. What an administrator adds
    is accepted.
    """
    person = require_editor()
    scheme = get_scheme(database_session(), scheme_id)
    return _written(term_changes.propose_term(database_session(), scheme, _sent_term(), by=person), status=201)


@blueprint.patch("/vocabulary/<scheme_id>/terms/<term_id>")
@documents_body(TermFields)
@blueprint.output(TermOut)
def change(scheme_id: str, term_id: str) -> Response:
    """Change a term

    What is not given stays. With `If-Match`, 412 where somebody else was first.
    """
    person = require_admin()
    term = get_term(database_session(), term_id, scheme_id=scheme_id)
    version = _expected_version(term)
    return _written(term_changes.change_term(database_session(), term, _sent_term(), version=version, by=person))


@blueprint.post("/vocabulary/<scheme_id>/terms/<term_id>/<any(accept,retire,restore):deed>")
@blueprint.output(TermOut)
def decide(scheme_id: str, term_id: str, deed: str) -> Response:
    """Accept, retire or restore a term

    A retired term stays on the entries that carry it and can be given to no other.
    """
    person = require_admin()
    term = get_term(database_session(), term_id, scheme_id=scheme_id)
    DEEDS[deed](term, person)
    return _written(term)


@blueprint.post("/vocabulary/<scheme_id>/terms/<term_id>/merge")
@documents_body(MergeInto)
@blueprint.output(TermOut)
def merge(scheme_id: str, term_id: str) -> Response:
    """Merge a term into another

    Every use moves; the names become synonyms of the other. Answers the other.
    """
    person = require_admin()
    term = get_term(database_session(), term_id, scheme_id=scheme_id)
    into = target_of_merge(str(sent_object().get("into") or ""))
    term_changes.merge_terms(database_session(), term, into, by=person)
    return _written(into)


@blueprint.delete("/vocabulary/<scheme_id>/terms/<term_id>")
@blueprint.output({}, status_code=204)
def remove(scheme_id: str, term_id: str) -> tuple[str, int]:
    """Remove a term that nothing names

    409 for one in use: retire it.
    """
    person = require_admin()
    term_changes.remove_term(database_session(), get_term(database_session(), term_id, scheme_id=scheme_id), by=person)
    commit()
    return "", 204


def target_of_merge(term_id: str) -> Term:
    """The term to merge into. Raises `InvalidInput`."""
    try:
        return get_term(database_session(), term_id)
    except NotFound as error:
        sentence = "Choose the term to merge into."
        raise InvalidInput(sentence, fields={"into": sentence}, code="term_invalid") from error


def term_json(term: Term) -> dict[str, Any]:
    """A term as programs read it."""
    return {
        "id": term.id,
        "labels": term.labels,
        "synonyms": term.synonyms,
        "broader": term.broader_id,
        "mesh": term.mesh,
        "mesh_match": term.mesh_match,
        "definition": term.definition,
        "order": term.position,
        "valid_from": term.valid_from.isoformat() if term.valid_from else None,
        "valid_to": term.valid_to.isoformat() if term.valid_to else None,
        "version": term.version,
        "status": term.status,
        "retired": term.retired,
        "merged_into": term.merged_into,
        "extra": term.extra,
    }


def _scheme_json(scheme: Scheme) -> dict[str, Any]:
    return {"id": scheme.id, "labels": scheme.labels, "version": scheme.version}


def _sent_term() -> dict[str, Any]:
    sent = sent_object()
    for name in ("synonyms", "definition"):
        if name in sent and not isinstance(sent[name], dict | None):
            sentence = "Write it by language, as in {en: …, zh: …}."
            raise InvalidInput(sentence, fields={name: sentence}, code="term_invalid")
    return sent


def _expected_version(term: Term) -> int | None:
    tags = request.if_match
    if not tags or tags.star_tag:
        return None
    if not tags.contains(str(term.version)):
        raise Conflict("Somebody else has changed this term since you opened it.", code="stale")
    return term.version


def _written(term: Term, *, status: int = 200) -> Response:
    commit()
    return tagged(term_json(term), str(term.version), status=status)
