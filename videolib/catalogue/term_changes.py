"""What people do to terms: propose, accept, change, retire, bring back, merge, remove. Each deed is in the audit.

Editors propose; administrators decide. A term in use is retired, never removed, and its id never means another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.audit import AuditEvent, record_event
from videolib.catalogue.people import User
from videolib.catalogue.term_approvals import carry_over, digests_of
from videolib.catalogue.term_uses import entries_naming, is_used, move_uses
from videolib.catalogue.vocabulary import LANGUAGES, STARTER_FOLDER, Scheme, Term, list_terms, note_change
from videolib.catalogue.vocabulary_files import read_schemes, term_of
from videolib.catalogue.vocabulary_loading import apply_content, find_problems
from videolib.errors import Conflict, InvalidInput

# what a form or an API call may say of a term; id, scheme and status are other deeds
CHANGEABLE = ("labels", "synonyms", "broader", "mesh", "mesh_match", "definition", "order", "valid_from", "valid_to")
_LONGEST_LABEL = 200
_FIELD_OF_PROBLEM = (
    (" label", "labels"),
    (" synonyms", "synonyms"),
    ("broader", "broader"),
    ("MeSH", "mesh"),
    ("mesh_match", "mesh_match"),
    ("valid", "valid_to"),
    ("order", "order"),
)


def propose_term(session: Session, scheme: Scheme, content: Mapping[str, Any], *, by: User) -> Term:
    """A term that its proposer and every editor may use at once. Raises `InvalidInput`.

    A label that the scheme has already is refused, naming the term. An administrator's own term is accepted at once.
    """
    terms = list_terms(session, scheme.id)
    labels = _clean_labels(content)
    for language, label in labels.items():
        for term in terms:
            if not term.merged_into and label.casefold() in {name.casefold() for name in _names_of(term, language)}:
                sentence = f"“{label}” is there already: {term.id}."
                raise InvalidInput(sentence, fields={f"labels.{language}": sentence}, code="term_exists")
    accepted = "admin" in by.role_names
    row = Term(id=_new_id(session, terms, scheme, labels["en"]), scheme_id=scheme.id, edited=True, proposed_by_id=by.id)
    given = {name: content[name] for name in CHANGEABLE if content.get(name) is not None}
    last = max((term.position for term in terms), default=-1)
    full = {"id": row.id, "order": last + 1, **given, "labels": labels}
    _require_sound(session, scheme.id, full)
    apply_content(row, {**full, "status": "accepted" if accepted else "proposed"})
    session.add(row)
    note_change(session, {scheme.id})
    record_event(session, "propose" if not accepted else "create", "term", row.id, by=by, scheme=scheme.id)
    return row


def change_term(session: Session, term: Term, changes: Mapping[str, Any], *, version: int | None, by: User) -> Term:
    """Change what `changes` gives, of `CHANGEABLE`. Raises `InvalidInput`, and `Conflict` when `version` is not its."""
    _require_version(term, version)
    if unknown := sorted(set(changes) - set(CHANGEABLE)):
        raise InvalidInput("There is no such field.", fields=dict.fromkeys(unknown, "There is no such field."))
    content = {**term_of(term), **changes, "labels": _clean_labels({"labels": changes.get("labels", term.labels)})}
    _require_sound(session, term.scheme_id, content)
    if apply_content(term, content):
        term.edited = True
        note_change(session, {term.scheme_id})
        record_event(session, "update", "term", term.id, by=by, fields=sorted(changes))
    return term


def accept_term(session: Session, term: Term, *, by: User) -> Term:
    """A proposed term becomes one of the vocabulary. Raises `Conflict` where it is one already."""
    if term.status != "proposed":
        raise Conflict("This term is accepted already.", code="wrong_state")
    term.status = "accepted"
    _written(session, term, "accept", by=by)
    return term


def retire_term(session: Session, term: Term, *, by: User) -> Term:
    """Nobody can choose it any more; what carries it keeps it."""
    if term.retired:
        raise Conflict("This term is retired already.", code="wrong_state")
    term.retired = True
    _written(session, term, "retire", by=by)
    return term


def restore_term(session: Session, term: Term, *, by: User) -> Term:
    """A retired term may be chosen again. Raises `Conflict` for one merged into another."""
    if not term.retired or term.merged_into:
        raise Conflict("Only a term that was retired, and not merged, can be brought back.", code="wrong_state")
    term.retired = False
    _written(session, term, "restore", by=by)
    return term


def remove_term(session: Session, term: Term, *, by: User) -> None:
    """Take away a term that nothing names and that did not come with the program. Raises `Conflict` for all others."""
    if is_used(session, term) or not term.edited or term.id in _ids_that_ship():
        raise Conflict("This term is in use, or part of the library's own vocabulary: retire it.", code="term_in_use")
    record_event(session, "remove", "term", term.id, by=by, labels=term.labels)
    session.delete(term)
    note_change(session, {term.scheme_id})


def merge_terms(session: Session, term: Term, into: Term, *, by: User) -> int:
    """What named `term` names `into`; its names become synonyms there. Gives the number of entries changed.

    Raises `Conflict` where they are not of one scheme, or `into` is narrower than `term`.
    """
    if term.id == into.id or term.scheme_id != into.scheme_id or into.retired or term.merged_into:
        raise Conflict("Merge into another term of the same list that is in use.", code="cannot_merge")
    above, seen = into.broader_id, {into.id}
    while above and above not in seen:
        if above == term.id:
            raise Conflict(
                "That term is narrower than this one: merge the narrower into the broader.", code="cannot_merge"
            )
        seen.add(above)
        broader = session.get(Term, above)
        above = broader.broader_id if broader else None
    approved = digests_of(session, entries_naming(session, term.id))
    count = move_uses(session, term, into)
    carry_over(session, approved)
    session.refresh(term)
    session.refresh(into)
    into.synonyms = {language: _joined_names(term, into, language) for language in LANGUAGES}
    into.edited = term.edited = True
    into.version += 1
    term.retired, term.merged_into = True, into.id
    _written(session, term, "merge", by=by, into=into.id, entries=count)
    return count


def _written(session: Session, term: Term, action: str, *, by: User, **detail: object) -> None:
    term.version += 1
    term.edited = True
    note_change(session, {term.scheme_id})
    record_event(session, action, "term", term.id, by=by, **detail)


def _names_of(term: Term, language: str) -> list[str]:
    return [term.labels.get(language, ""), *term.synonyms.get(language, [])]


def _joined_names(term: Term, into: Term, language: str) -> list[str]:
    label = into.labels.get(language, "").casefold()
    names = [*into.synonyms.get(language, []), *_names_of(term, language)]
    return list({name.casefold(): name for name in reversed(names) if name and name.casefold() != label}.values())[::-1]


def _clean_labels(content: Mapping[str, Any]) -> dict[str, str]:
    labels = content.get("labels")
    given = labels if isinstance(labels, Mapping) else {}
    clean = {language: " ".join(str(given.get(language) or "").split()) for language in LANGUAGES}
    words = {"zh": "Give it a label in Chinese.", "en": "Give it a label in English."}
    fields = {f"labels.{language}": words[language] for language in LANGUAGES if not clean[language]}
    fields |= {
        f"labels.{language}": "Write at most 200 characters."
        for language in LANGUAGES
        if len(clean[language]) > _LONGEST_LABEL
    }
    if fields:
        raise InvalidInput(" ".join(fields.values()), fields=fields, code="term_invalid")
    return clean


def _require_sound(session: Session, scheme_id: str, content: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` naming what is wrong with a term that is about to stand in the scheme."""
    rows = session.scalars(select(Term)).all()
    known = {row.id: {**term_of(row), "scheme": row.scheme_id} for row in rows}
    scheme = {"id": scheme_id, "labels": {"en": scheme_id, "zh": scheme_id}, "terms": [dict(content)]}
    if problems := find_problems([scheme], known=known):
        fields: dict[str, str] = {}
        for problem in problems:
            field = next((name for sign, name in _FIELD_OF_PROBLEM if sign in problem), "")
            fields.setdefault(field, problem)
        raise InvalidInput(" ".join(problems), fields=fields, code="term_invalid")


def _require_version(term: Term, version: int | None) -> None:
    if version is not None and version != term.version:
        raise Conflict("Somebody else has changed this term since you opened it.", code="stale")


def _new_id(session: Session, terms: list[Term], scheme: Scheme, label: str) -> str:
    """A readable id that no term has or had: the scheme's own beginning and the English label."""
    beginning = terms[0].id.partition(".")[0] if terms else scheme.id
    stem = re.sub(r"[^a-z0-9]+", "_", label.casefold().encode("ascii", "ignore").decode()).strip("_")[:48] or "term"
    number, found = 1, f"{beginning}.{stem}"
    while session.get(Term, found) is not None or found in _ids_removed(session, found):
        number += 1
        found = f"{beginning}.{stem}_{number}"
    return found


def _ids_removed(session: Session, term_id: str) -> set[str]:

    gone = select(AuditEvent.object_id).where(AuditEvent.object_kind == "term", AuditEvent.object_id == term_id)
    return set(session.scalars(gone))


def _ids_that_ship() -> set[str]:

    return {term["id"] for scheme in read_schemes(STARTER_FOLDER) for term in scheme["terms"]}
