"""A step brings its phase: editors mark steps, and the phases that the templates name come of themselves."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from videolib.catalogue.annotation_rules import Parents, Span
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import Annotation, add_annotations, change_annotation, list_annotations, values_of
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.vocabulary import Term


def add_step(session: Session, entry: Entry, values: AnnotationValues, *, by: User | None, tool: str) -> Annotation:
    """Add a step; where it lies in no phase, the nearest of its own phase is widened over it, else one is added.

    Raises `InvalidInput` where another phase is in the way.
    """
    end = values.end_ticks
    phases = list_annotations(session, entry.id, kinds=("phase",), layer=values.layer)
    around = Parents(Span(row.id, row.layer, row.kind, row.start_ticks, row.end_ticks) for row in phases)
    step = Span("", values.layer, "step", values.start_ticks, end)
    term = session.get(Term, values.term_id) if values.term_id else None
    phase_id = term.broader_id if term is not None else None
    if end is None or phase_id is None or around.find(step) is not None:
        return add_annotations(session, entry, [values], by=by, tool=tool)[0]
    own = _neighbour(phases, phase_id, values.start_ticks)
    if own is not None and own.end_ticks is not None:
        wider = replace(
            values_of(own), start_ticks=min(own.start_ticks, values.start_ticks), end_ticks=max(own.end_ticks, end)
        )
        change_annotation(session, entry, own.id, wider, revision=None, by=by)
        return add_annotations(session, entry, [values], by=by, tool=tool)[0]
    phase = AnnotationValues("phase", values.start_ticks, end, layer=values.layer, term_id=phase_id)
    return add_annotations(session, entry, [phase, values], by=by, tool=tool)[1]


def _neighbour(phases: list[Annotation], phase_id: str, start: int) -> Annotation | None:
    """The phase of that term next to, or under, the step, with no other phase between."""
    before = [row for row in phases if row.start_ticks <= start]
    after = [row for row in phases if row.start_ticks > start]
    for row in (*before[-1:], *after[:1]):
        if row.term_id == phase_id:
            return row
    return None
