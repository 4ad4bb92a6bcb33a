"""What belongs together: entries like another one, and the same step in other cases.

Two entries are alike by the terms that both carry, in their fields or in their annotations: a term counts by how rare
it is among what this person may see (the logarithm of one in how many), a shared step or device more than a shared
classification, and the same hospital as much as a term that one entry in ten carries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, select, union
from sqlalchemy.orm import Session

from videolib.catalogue.access import published, visible_entries
from videolib.catalogue.annotations import Annotation
from videolib.catalogue.cursors import after, make_cursor, read_cursor
from videolib.catalogue.entries import Entry, EntryTerm
from videolib.catalogue.entry_lists import list_by_ids
from videolib.catalogue.people import User
from videolib.catalogue.vocabulary import Term, list_terms_by_ids

# how much a shared term of that scheme counts beside its rarity; others 1, phases are in nearly every case
WEIGHTS = {"step": 2.0, "device": 1.5, "procedure": 1.5, "pathology": 1.2, "verb": 0.3, "imaging": 0.5, "phase": 0.0}
HOSPITAL_WEIGHT = math.log(10)
MOST_TERMS = 30
_MOST_CANDIDATES = 100
_MOST_SHOWN_TERMS = 4


@dataclass(frozen=True)
class Related:
    """An entry like another: the terms that both carry, most telling first, and the hospital where it is the same."""

    entry: Entry
    score: float
    shared: tuple[Term, ...]
    same_hospital: str | None


@dataclass(frozen=True)
class StepCase:
    """A step as it was done in one case."""

    entry: Entry
    step: Annotation


def list_related(session: Session, entry: Entry, *, by: User | None, limit: int = 8) -> list[Related]:
    """Published entries most like this one, of those that this person may see."""
    terms = {term.id: term for term in list_terms_by_ids(session, _term_ids(session, entry.id))}
    weights = _weights(session, terms.values(), by)
    if not weights:
        return []
    carried = _carried(by_terms=weights)
    score = func.sum(case(weights, value=carried.c.term_id, else_=0.0))
    statement = (
        select(carried.c.entry_id, score)
        .join(Entry, Entry.id == carried.c.entry_id)
        .where(Entry.id != entry.id, _shown(by))
        .group_by(carried.c.entry_id)
        .order_by(score.desc(), carried.c.entry_id)
        .limit(_MOST_CANDIDATES)
    )
    scores = {str(row[0]): float(row[1]) for row in session.execute(statement)}
    shared = _shared(session, scores, weights)
    here = hospitals_of(entry)
    found = []
    for other_id, other in list_by_ids(session, scores, by=by).items():
        same = next((name for name in hospitals_of(other) if name in here), None)
        ranked = sorted(shared.get(other_id, ()), key=lambda term_id: (-weights[term_id], term_id))
        found.append(
            Related(
                other,
                round(scores[other_id] + (HOSPITAL_WEIGHT if same else 0.0), 4),
                tuple(terms[term_id] for term_id in ranked[:_MOST_SHOWN_TERMS]),
                same,
            )
        )
    return sorted(found, key=lambda related: (-related.score, related.entry.id))[:limit]


def list_step_cases(
    session: Session,
    term_id: str,
    *,
    by: User | None,
    without: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> tuple[list[StepCase], str | None]:
    """How that step (or phase) was done in each case, newest entry first, and the cursor of the next page."""
    statement = _cases(term_id, by).order_by(Entry.published_at.desc(), Entry.id, Annotation.start_ticks, Annotation.id)
    if without:
        statement = statement.where(Entry.id != without)
    if cursor:
        at, entry_id, start, annotation_id = read_cursor(cursor, datetime, str, int, str)
        statement = statement.where(
            after(
                (Entry.published_at, at, True),
                (Entry.id, entry_id, False),
                (Annotation.start_ticks, start, False),
                (Annotation.id, annotation_id, False),
            )
        )
    rows = session.execute(statement.limit(limit + 1)).all()
    found = [StepCase(row[0], row[1]) for row in rows[:limit]]
    return found, _cursor_of(found[-1]) if len(rows) > limit else None


def count_step_cases(session: Session, term_ids: Iterable[str], *, by: User | None, without: str) -> dict[str, int]:
    """In how many other entries each of these steps is shown."""
    statement = (
        select(Annotation.term_id, func.count(func.distinct(Annotation.entry_id)))
        .join(Entry, Entry.id == Annotation.entry_id)
        .where(
            Annotation.term_id.in_(list(term_ids)), Annotation.layer == "main", Annotation.kind.in_(("step", "phase"))
        )
        .where(Entry.id != without, _shown(by))
        .group_by(Annotation.term_id)
    )
    return {str(row[0]): int(row[1]) for row in session.execute(statement)}


def hospitals_of(entry: Entry) -> list[str]:
    """Where the case was done, as its contributors name it."""
    people = (entry.details or {}).get("contributors") or ()
    names = (str(item.get("institution") or "").strip() for item in people if isinstance(item, Mapping))
    return list(dict.fromkeys(name for name in names if name))


def _cases(term_id: str, by: User | None) -> Select[Entry, Annotation]:
    return (
        select(Entry, Annotation)
        .join(Annotation, Annotation.entry_id == Entry.id)
        .where(Annotation.term_id == term_id, Annotation.layer == "main", Annotation.kind.in_(("step", "phase")))
        .where(Annotation.end_ticks.is_not(None), _shown(by))
    )


def _shown(by: User | None) -> ColumnElement[bool]:
    return and_(visible_entries(by), published())


def _carried(*, by_entries: Iterable[str] | None = None, by_terms: Iterable[str] | None = None) -> Subquery:
    """(entry, term) of fields and annotations alike, each pair once; of these entries or terms alone.

    Each part is narrowed by itself: what a union has put together no index finds again.
    """
    entry_ids = None if by_entries is None else list(by_entries)
    term_ids = None if by_terms is None else list(by_terms)
    in_main = (Annotation.layer == "main",)
    parts = (
        (EntryTerm.entry_id, EntryTerm.term_id, ()),
        (Annotation.entry_id, Annotation.term_id, in_main),
        (Annotation.entry_id, Annotation.instrument_id, in_main),
    )
    narrowed = []
    for entry_id, term_id, conditions in parts:
        part = select(entry_id.label("entry_id"), term_id.label("term_id")).where(term_id.is_not(None), *conditions)
        if entry_ids is not None:
            part = part.where(entry_id.in_(entry_ids))
        if term_ids is not None:
            part = part.where(term_id.in_(term_ids))
        narrowed.append(part)
    return union(*narrowed).subquery("carried")


def _term_ids(session: Session, entry_id: str) -> Sequence[str]:
    return session.scalars(select(_carried(by_entries=[entry_id]).c.term_id)).all()


def _weights(session: Session, terms: Iterable[Term], by: User | None) -> dict[str, float]:
    """The rarest terms by id, each with what sharing it counts."""
    worth = {term.id: WEIGHTS.get(term.scheme_id, 1.0) for term in terms if WEIGHTS.get(term.scheme_id, 1.0) > 0}
    if not worth:
        return {}
    total = session.scalars(select(func.count()).select_from(Entry).where(_shown(by))).one()
    carried = _carried(by_terms=worth)
    statement = (
        select(carried.c.term_id, func.count())
        .join(Entry, Entry.id == carried.c.entry_id)
        .where(_shown(by))
        .group_by(carried.c.term_id)
    )
    weights = {
        str(term_id): round(worth[str(term_id)] * math.log(1 + total / count), 6)
        for term_id, count in session.execute(statement)
    }
    ranked = sorted(weights, key=lambda term_id: (-weights[term_id], term_id))
    return {term_id: weights[term_id] for term_id in ranked[:MOST_TERMS]}


def _shared(session: Session, entry_ids: Iterable[str], weights: Mapping[str, float]) -> dict[str, list[str]]:
    carried = _carried(by_entries=entry_ids, by_terms=weights)
    statement = select(carried.c.entry_id, carried.c.term_id)
    shared: dict[str, list[str]] = {}
    for entry_id, term_id in session.execute(statement):
        shared.setdefault(str(entry_id), []).append(str(term_id))
    return shared


def _cursor_of(found: StepCase) -> str:
    at = found.entry.published_at or found.entry.created_at
    return make_cursor(at, found.entry.id, found.step.start_ticks, found.step.id)
