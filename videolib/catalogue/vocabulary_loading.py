"""Vocabulary files into the database: checked as a whole first, then added and brought up to date; none is deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.vocabulary import (
    LANGUAGES,
    STEP_SCHEME,
    TERM_STATUSES,
    Scheme,
    Term,
    list_all_terms,
    list_schemes,
    note_change,
)
from videolib.catalogue.vocabulary_files import TERM_FIELDS, read_schemes, scheme_of, term_of
from videolib.errors import InvalidInput

_MESH = re.compile(r"[DC]\d{6,9}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.-]{0,79}", re.ASCII)
_MATCHES = {None, "exact", "close", "broad", "narrow", "related"}
_SHOWN = 20


@dataclass(frozen=True)
class Loaded:
    """What a load did, in terms. kept: edited here before, and left so by the vocabulary that ships."""

    added: int
    changed: int
    unchanged: int
    kept: int


def load_vocabulary(session: Session, path: Path, *, ships: bool = False) -> Loaded:
    """Load a file or a folder of YAML files: new terms are added, known ones brought up to date.

    `ships`: this is the vocabulary of the program; what was edited in this library stays as it is.
    Raises `InvalidInput` naming every problem, and changes nothing then.
    """
    schemes = read_schemes(path)
    if problems := find_problems(schemes, known=_known(session)):
        raise InvalidInput("The vocabulary was not loaded: " + " ".join(problems[:_SHOWN]), code="vocabulary_invalid")
    terms = {term.id: term for term in list_all_terms(session)}
    told = {"added": 0, "changed": 0, "unchanged": 0, "kept": 0}
    touched: set[str] = set()
    for scheme in schemes:
        if _load_scheme(session, scheme, ships=ships):
            touched.add(scheme["id"])
        last = max((row.position for row in terms.values() if row.scheme_id == scheme["id"]), default=-1)
        for place, content in enumerate(scheme["terms"]):
            known = terms.get(content["id"])
            position = known.position if known and not ships else place if ships else last + 1 + place
            what = _load_term(session, known, scheme["id"], {"order": position, **content}, ships=ships)
            told[what] += 1
            if what in {"added", "changed"}:
                touched.add(scheme["id"])
    session.flush()
    if touched:
        note_change(session, touched)
    return Loaded(**told)


def check_vocabulary(session: Session) -> list[str]:
    """What is wrong with the vocabulary in the database, a sentence each."""
    terms = list_all_terms(session)
    return find_problems(
        [scheme_of(scheme, [term for term in terms if term.scheme_id == scheme.id]) for scheme in list_schemes(session)]
    )


def check_file(session: Session, path: Path) -> tuple[list[str], int]:
    """What would be wrong if the file were loaded, and how many terms it holds."""
    schemes = read_schemes(path)
    problems = find_problems(schemes, known=_known(session))
    return problems, sum(len(scheme["terms"]) for scheme in schemes if isinstance(scheme.get("terms"), list))


def find_problems(
    schemes: Iterable[Mapping[str, Any]], *, known: Mapping[str, Mapping[str, Any]] | None = None
) -> list[str]:
    """What is wrong with these schemes, a sentence each; empty when all is well.

    `known`: terms by id that are there already, to which these may refer; each has its `scheme` too.
    """
    problems: list[str] = []
    terms: dict[str, dict[str, Any]] = {}
    for scheme in schemes:
        if not isinstance(scheme.get("id"), str) or not isinstance(scheme.get("terms"), list):
            problems.append("A scheme has no id or no list of terms.")
            continue
        problems += _label_problems(f"Scheme {scheme['id']}", scheme)
        for term in scheme["terms"]:
            identifier = term.get("id") if isinstance(term, dict) else None
            if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
                problems.append(f"Scheme {scheme['id']} has a term without an id of letters, digits, dots and dashes.")
            elif identifier in terms:
                problems.append(f"The id {identifier} is used twice.")
            elif known and identifier in known and known[identifier]["scheme"] != scheme["id"]:
                problems.append(f"The id {identifier} belongs to the scheme {known[identifier]['scheme']} already.")
            else:
                terms[identifier] = {**term, "scheme": scheme["id"]}
                problems += _term_problems(f"Term {identifier}", term)
    everything = {**(known or {}), **terms}
    return problems + _chain_problems(terms, everything) + _step_problems(terms, everything)


def apply_content(row: Term, content: Mapping[str, Any]) -> bool:
    """Set what a file or form says of a term; gives whether anything changed. Its version grows then."""
    synonyms = content.get("synonyms") or {}
    definition = content.get("definition")
    values: dict[str, Any] = {
        "labels": {language: content["labels"][language].strip() for language in LANGUAGES},
        "synonyms": {language: _names(synonyms.get(language), language, row) for language in LANGUAGES},
        "broader_id": content.get("broader") or None,
        "mesh": content.get("mesh") or None,
        "mesh_match": content.get("mesh_match") or None,
        "definition": {"en": definition} if isinstance(definition, str) else (definition or None),
        "position": int(content.get("order") or 0),
        "extra": {key: value for key, value in content.items() if key not in TERM_FIELDS},
        "status": content.get("status") or "accepted",
        "retired": bool(content.get("retired")),
        "merged_into": content.get("merged_into") or None,
        "valid_from": as_day(content.get("valid_from")),
        "valid_to": as_day(content.get("valid_to")),
    }
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed and row.version is not None:
        row.version += 1
    return bool(changed)


def as_day(value: Any) -> date | None:
    """A day from a YAML date or `2026-01-31`. Raises `ValueError`."""
    if value in {None, ""}:
        return None
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _load_scheme(session: Session, scheme: Mapping[str, Any], *, ships: bool) -> bool:
    row = session.get(Scheme, scheme["id"])
    labels, note = scheme["labels"], scheme.get("note") or ""
    if row is None:
        session.add(Scheme(id=scheme["id"], labels=labels, note=note, version=0, edited=not ships))
        session.flush()
        return True
    if (ships and row.edited) or (row.labels, row.note) == (labels, note):
        return False
    row.labels, row.note, row.edited = labels, note, not ships
    return True


def _load_term(session: Session, known: Term | None, scheme_id: str, content: Mapping[str, Any], *, ships: bool) -> str:
    if known is None:
        row = Term(id=content["id"], scheme_id=scheme_id, edited=not ships)
        apply_content(row, content)
        session.add(row)
        return "added"
    if ships and known.edited:
        return "kept"
    if not apply_content(known, content):
        return "unchanged"
    known.edited = not ships
    return "changed"


def _known(session: Session) -> dict[str, dict[str, Any]]:
    return {row.id: {**term_of(row), "scheme": row.scheme_id} for row in session.scalars(select(Term))}


def _names(value: Any, language: str, row: Term) -> list[str]:
    """The names given, each once; their order means nothing, so the same names leave the row as it is."""
    names = list(dict.fromkeys(str(name).strip() for name in value or [] if str(name).strip()))
    known: list[str] = (row.synonyms or {}).get(language) or []
    return known if sorted(known) == sorted(names) else names


def _label_problems(what: str, item: Mapping[str, Any]) -> list[str]:
    labels = item.get("labels")
    if not isinstance(labels, dict):
        return [f"{what} has no labels."]
    return [
        f"{what} has no label in {language}."
        for language in LANGUAGES
        if not isinstance(labels.get(language), str) or not labels[language].strip()
    ]


def _term_problems(what: str, term: Mapping[str, Any]) -> list[str]:
    problems = _label_problems(what, term)
    synonyms = term.get("synonyms") or {}
    if not isinstance(synonyms, dict) or not all(isinstance(names or [], list) for names in synonyms.values()):
        problems.append(f"{what} has synonyms that are no lists by language.")
    if term.get("mesh") and not _MESH.fullmatch(str(term["mesh"])):
        problems.append(f"{what} has the MeSH id {term['mesh']}, which is none: write D or C and six to nine digits.")
    if term.get("mesh_match") not in _MATCHES:
        problems.append(f"{what}: mesh_match is exact, close, broad, narrow or related.")
    if term.get("status") not in {None, *TERM_STATUSES}:
        problems.append(f"{what}: status is accepted or proposed.")
    if not isinstance(term.get("definition"), dict | str | None):
        problems.append(f"{what} has a definition that is no text by language.")
    try:
        first, last = as_day(term.get("valid_from")), as_day(term.get("valid_to"))
        if first and last and last < first:
            problems.append(f"{what} is valid to a day before the day from which it is valid.")
    except ValueError:
        problems.append(f"{what}: write valid_from and valid_to as 2026-01-31.")
    try:
        int(term.get("order") or 0)
    except (TypeError, ValueError):
        problems.append(f"{what}: order is a whole number.")
    return problems


def _chain_problems(terms: Mapping[str, Mapping[str, Any]], everything: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Broader terms and merges exist and run in no circle."""
    problems = []
    for field, words in (("broader", "names a broader term"), ("merged_into", "is merged into")):
        circle = "is broader than itself" if field == "broader" else "is merged into itself"
        for identifier, term in terms.items():
            seen, current = {identifier}, term.get(field)
            while current:
                if current not in everything:
                    problems.append(f"Term {identifier} {words} {current} that does not exist.")
                    break
                if current in seen:
                    problems.append(f"Term {identifier} {circle}.")
                    break
                seen.add(current)
                current = everything[current].get(field)
            if field == "merged_into" and term.get(field) and not term.get("retired"):
                problems.append(f"Term {identifier} is merged into another, but not retired.")
    return problems


def _step_problems(terms: Mapping[str, Mapping[str, Any]], everything: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Each step belongs to a procedure, and no two of one procedure have the same place."""
    problems = []
    places: dict[tuple[Any, Any], str] = {}
    for identifier, term in terms.items():
        for name in ("procedure", "template"):
            if (named := term.get(name)) and named not in everything:
                problems.append(f"Term {identifier} names the procedure {named} that does not exist.")
        if term["scheme"] != STEP_SCHEME or term.get("retired"):
            continue
        if not term.get("procedure"):
            problems.append(f"Step {identifier} names no procedure.")
            continue
        other = places.setdefault((term["procedure"], term.get("order")), identifier)
        if other != identifier:
            problems.append(f"Steps {other} and {identifier} have the same place in {term['procedure']}.")
    return problems


def describe(loaded: Loaded) -> str:
    """What a load did, in a sentence."""
    kept = f", {loaded.kept} edited here and left so" if loaded.kept else ""
    return f"{loaded.added} terms added, {loaded.changed} changed, {loaded.unchanged} as they were{kept}."
