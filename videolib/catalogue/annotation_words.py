"""What of an entry's annotations can be searched: their words in each language, and the terms they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from videolib.catalogue.annotation_values import LANGUAGES
from videolib.catalogue.annotations import Annotation, list_annotations
from videolib.catalogue.vocabulary import Term, list_terms_by_ids

# what a found moment is called; all else is an annotation
_KINDS = {"phase": "phase", "step": "step"}
_TERM_FIELDS = ("term_id", "severity_id", "instrument_id", "target_id")
# a gesture says nothing of what a case is about
_NOT_OF_THE_ENTRY = frozenset({"verb", "classification"})


@dataclass(frozen=True)
class Said:
    """A stretch of an entry and its words in one language; a point ends where it begins."""

    start_s: float
    end_s: float
    kind: str
    text: str
    language: str


def list_moments(session: Session, entry_id: str) -> Iterator[Said]:
    """Each annotation of the main layer in each language in which it says something."""
    rows = list_annotations(session, entry_id)
    terms = _terms(session, rows)
    for row in rows:
        named = [terms[term_id] for term_id in _term_ids(row) if term_id in terms]
        for language in LANGUAGES:
            labels = [term.labels[language] for term in named if term.labels.get(language)]
            note = row.note.get(language, "")
            # a note in one language stands under that language alone; its terms are known in both
            text = " · ".join([*labels, *([note] if note else [])])
            if text:
                yield Said(row.start_s, row.end_s, _KINDS.get(row.kind, "annotation"), text, language)


def terms_by_scheme(
    session: Session, entry_id: str, terms: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The entry's terms by scheme, and those of its annotations after them."""
    rows = list_annotations(session, entry_id)
    found: dict[str, list[str]] = {scheme: list(ids) for scheme, ids in terms.items()}
    for term in _terms(session, rows).values():
        if term.scheme_id not in _NOT_OF_THE_ENTRY and term.id not in found.setdefault(term.scheme_id, []):
            found[term.scheme_id].append(term.id)
    return {scheme: tuple(ids) for scheme, ids in found.items()}


def _terms(session: Session, rows: list[Annotation]) -> dict[str, Term]:
    ids = {term_id for row in rows for term_id in _term_ids(row)}
    return {term.id: term for term in list_terms_by_ids(session, ids)} if ids else {}


def _term_ids(row: Annotation) -> list[str]:
    return [term_id for name in _TERM_FIELDS if (term_id := getattr(row, name))]
