"""Chapters of an entry: made of its phases and steps, else those of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from videolib.catalogue.annotation_rules import Parents, Span
from videolib.catalogue.annotations import Annotation, list_annotations
from videolib.catalogue.media_time import TICKS_PER_S, to_seconds
from videolib.catalogue.vocabulary import list_terms_by_ids
from videolib.cues import Cue, write_vtt

# a phase's first seconds before its first step are a chapter of their own only when there is something to see
SHORTEST_TICKS = 2 * TICKS_PER_S


@dataclass(frozen=True)
class Chapter:
    """A stretch with a title; `annotation_id` where it is one."""

    start_s: float
    end_s: float
    title: str
    annotation_id: str | None = None


def list_chapters(session: Session, entry_id: str, description: Mapping[str, Any], language: str) -> list[Chapter]:
    """The steps in each phase, the phase itself where it has none; without phases the chapters of the file.

    `description` is the package's.
    """
    rows = list_annotations(session, entry_id, kinds=("phase", "step"))
    if not rows:
        return list(_own_chapters(description))
    terms = {term.id: term.label(language) for term in list_terms_by_ids(session, {str(row.term_id) for row in rows})}
    return [
        Chapter(to_seconds(start), to_seconds(end), terms.get(str(row.term_id), ""), row.id)
        for row, start, end in _leaves(rows)
    ]


def write_chapters(chapters: Iterable[Mapping[str, Any]]) -> str:
    """A WebVTT file of them: each has `start_s`, `end_s` and `title`."""
    return write_vtt([Cue(item["start_s"], item["end_s"], item["title"]) for item in chapters])


def _leaves(rows: Sequence[Annotation]) -> Iterator[tuple[Annotation, int, int]]:
    """The narrowest level there is at each time: (row, start, end) in ticks."""
    phases = [row for row in rows if row.kind == "phase"]
    parents = Parents(_span(phase) for phase in phases)
    steps: dict[str, list[Annotation]] = {}
    for row in rows:
        if row.kind == "step":
            parent = parents.find(_span(row))
            steps.setdefault(parent.id if parent else "", []).append(row)
    found = [(step, step.start_ticks, step.end_ticks or step.start_ticks) for step in steps.get("", [])]
    for phase in phases:
        at = phase.start_ticks
        for step in steps.get(phase.id, []):
            if step.start_ticks - at >= SHORTEST_TICKS:
                found.append((phase, at, step.start_ticks))
            found.append((step, step.start_ticks, step.end_ticks or step.start_ticks))
            at = step.end_ticks or step.start_ticks
        end = phase.end_ticks or phase.start_ticks
        if end - at >= SHORTEST_TICKS or not steps.get(phase.id):
            found.append((phase, at, end))
    yield from sorted(found, key=lambda item: item[1])


def _span(row: Annotation) -> Span:
    return Span(row.id, row.layer, row.kind, row.start_ticks, row.end_ticks)


def _own_chapters(description: Mapping[str, Any]) -> Iterator[Chapter]:
    """The chapters of the file, as ingest wrote them down."""
    for item in description.get("chapters") or ():
        chapter = Chapter(float(item["start_s"]), float(item["end_s"]), str(item.get("title") or ""))
        if chapter.end_s > chapter.start_s:
            yield chapter
