"""What the watch page lists of a recording's time: the outline of phases and steps, and events, marks and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from videolib.catalogue.annotation_rules import Parents, Span
from videolib.catalogue.annotation_values import SEVERITY_PREFIX
from videolib.catalogue.annotations import Annotation, list_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import decimal_text, exact_clock
from videolib.catalogue.related import count_step_cases
from videolib.catalogue.vocabulary import Term, list_terms_by_ids
from videolib.catalogue.web_annotations import ROLES
from videolib.web.access import current_person
from videolib.web.cards import Text, first_text
from videolib.web.context import database_session
from videolib.web.languages import language
from videolib.web.texts import ANNOTATION_KINDS, clock_text, word

OUTLINE = ("phase", "step", "task")


@dataclass(frozen=True)
class MomentLine:
    """One annotation in a list; `end_s` is `start_s` for a point."""

    id: str
    revision: int
    kind: str
    kind_text: str
    label: str
    note: Text | None
    start_s: str
    end_s: str
    start_text: str
    end_text: str
    url: str
    severity: str
    has_shape: bool
    other_cases: int
    cases_url: str | None
    inner: tuple[MomentLine, ...] = ()


@dataclass(frozen=True)
class MomentLists:
    """Both lists; each may be empty."""

    outline: tuple[MomentLine, ...]
    events: tuple[MomentLine, ...]


def make_moments(entry: Entry) -> MomentLists:
    """What the main layer of the entry says."""
    rows = list_annotations(database_session(), entry.id)
    lines = make_lines(entry, rows)
    return MomentLists(
        _nested([row for row in rows if row.kind in OUTLINE], lines),
        tuple(lines[row.id] for row in rows if row.kind not in OUTLINE),
    )


def make_lines(entry: Entry, rows: Sequence[Annotation]) -> dict[str, MomentLine]:
    """A line for each of the rows, by its id."""
    session = database_session()
    ids = {getattr(row, name) for row in rows for name in ROLES.values()} - {None}
    terms = {term.id: term for term in list_terms_by_ids(session, ids)}
    steps = {str(row.term_id) for row in rows if row.kind == "step"}
    counts = count_step_cases(session, steps, by=current_person(), without=entry.id) if steps else {}
    return {row.id: _line(entry, row, terms, counts) for row in rows}


def moment_url(entry_id: str, row: Annotation) -> str:
    """The page of the entry at that annotation."""
    place = url_for("entries.show", entry_id=entry_id, t=decimal_text(row.start_ticks))
    return f"{place}#annotation-{row.id}"


def action_text(verb: str, instrument: str, target: str) -> str:
    """`Advance · guidewire → common femoral artery`."""
    return " → ".join(part for part in (" · ".join(part for part in (verb, instrument) if part), target) if part)


def severity_text(term: Term | None) -> str:
    """`CIRSE 2` of the grade's term."""
    return f"CIRSE {term.id.removeprefix(SEVERITY_PREFIX)}" if term else ""


def _line(entry: Entry, row: Annotation, terms: Mapping[str, Term], counts: Mapping[str, int]) -> MomentLine:
    here = language()
    labels = {
        role: terms[term_id].label(here) for role, name in ROLES.items() if (term_id := getattr(row, name)) in terms
    }
    named = action_text(labels.get("term", ""), labels.get("instrument", ""), labels.get("target", ""))
    others = counts.get(str(row.term_id), 0) if row.kind == "step" else 0
    return MomentLine(
        id=row.id,
        revision=row.revision,
        kind=row.kind,
        kind_text=word(ANNOTATION_KINDS, row.kind),
        label=named,
        note=first_text(row.note),
        start_s=decimal_text(row.start_ticks),
        end_s=decimal_text(row.start_ticks if row.end_ticks is None else row.end_ticks),
        start_text=clock_text(int(row.start_s)),
        end_text="" if row.end_ticks is None else exact_clock(row.end_ticks),
        url=moment_url(entry.id, row),
        severity=severity_text(terms.get(row.severity_id or "")),
        has_shape=row.shape is not None,
        other_cases=others,
        cases_url=url_for("steps.show", term_id=row.term_id, back=entry.id) if others else None,
    )


def _nested(rows: Sequence[Annotation], lines: Mapping[str, MomentLine]) -> tuple[MomentLine, ...]:
    """Steps in their phases and tasks in their steps; what has no place (a recording grew shorter) stands alone."""
    by_kind = {kind: [row for row in rows if row.kind == kind] for kind in OUTLINE}
    tasks, homeless_tasks = _inside(by_kind["task"], by_kind["step"])
    steps, homeless_steps = _inside(by_kind["step"], by_kind["phase"])

    def filled(row: Annotation) -> MomentLine:
        inner = tuple(filled(step) for step in steps.get(row.id, tasks.get(row.id, [])))
        return MomentLine(**{**lines[row.id].__dict__, "inner": inner})

    top = sorted([*by_kind["phase"], *homeless_steps, *homeless_tasks], key=lambda row: row.start_ticks)
    return tuple(filled(row) for row in top)


def _inside(
    rows: Iterable[Annotation], parents: Iterable[Annotation]
) -> tuple[dict[str, list[Annotation]], list[Annotation]]:
    places = Parents(_span(parent) for parent in parents)
    found: dict[str, list[Annotation]] = {}
    homeless = []
    for row in rows:
        parent = places.find(_span(row))
        if parent is None:
            homeless.append(row)
        else:
            found.setdefault(parent.id, []).append(row)
    return found, homeless


def _span(row: Annotation) -> Span:
    return Span(row.id, row.layer, row.kind, row.start_ticks, row.end_ticks)
