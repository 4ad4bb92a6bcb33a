"""What one annotation may say, checked: its kind, times, terms, note and drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.media_time import LONGEST_S, TICKS_PER_S
from videolib.catalogue.shapes import sound_shape
from videolib.catalogue.vocabulary import Term
from videolib.errors import InvalidInput

# kind -> the schemes that its own term comes from; None: any
KINDS: Mapping[str, tuple[str, ...] | None] = {
    "phase": ("phase",),
    "step": ("step",),
    "task": None,
    "action": ("verb",),
    "event": ("complication",),
    "instrument": ("device", "drug"),
    "mark": None,
    "note": None,
}
LAYERS = ("main", "second")
SEVERITY_PREFIX = "cls.cirse"
INSTRUMENTS, TARGETS = ("device", "drug"), ("anatomy", "pathology", "device", "access")
LANGUAGES = ("zh", "en")
LONGEST_NOTE = 4000
_LAST_TICK = LONGEST_S * TICKS_PER_S
_NEEDS_TERM = {
    "phase": "Choose which phase or step it is.",
    "step": "Choose which phase or step it is.",
    "action": "Choose what is done.",
    "instrument": "Choose which instrument or drug it is.",
}
_TERM_FIELDS = ("term_id", "severity_id", "instrument_id", "target_id")


@dataclass(frozen=True)
class AnnotationValues:
    """One annotation, without who wrote it and when. Times are ticks; a point has no end."""

    kind: str
    start_ticks: int
    end_ticks: int | None = None
    layer: str = "main"
    term_id: str | None = None
    severity_id: str | None = None
    instrument_id: str | None = None
    target_id: str | None = None
    note: dict[str, str] = field(default_factory=dict)
    shape: dict[str, Any] | None = None
    confidence: float | None = None
    origin: str | None = None
    author_name: str | None = None


def require_sound(session: Session, values: AnnotationValues) -> None:
    """Raise `InvalidInput` with a sentence for each field that cannot be."""
    problems = {**_plain_problems(values), **_missing(values)}
    if not problems:
        problems = _term_problems(session, values)
    if problems:
        raise InvalidInput(" ".join(problems.values()), fields=problems, code="annotation_invalid")


def _plain_problems(values: AnnotationValues) -> dict[str, str]:
    problems: dict[str, str] = {}
    if values.kind not in KINDS:
        problems["kind"] = "Choose phase, step, task, action, event, instrument, mark or note."
    if values.layer not in LAYERS:
        problems["layer"] = "The layer is main or second."
    if not 0 <= values.start_ticks <= _LAST_TICK:
        problems["start"] = "Write the start as a time in the recording, for example 1:15.5."
    if values.end_ticks is not None and not 0 <= values.end_ticks <= _LAST_TICK:
        problems["end"] = "Write the end as a time in the recording, for example 1:15.5."
    sure = values.confidence
    if sure is not None and not (math.isfinite(sure) and 0 <= sure <= 1):
        problems["confidence"] = "How sure it is lies between 0 and 1."
    if not set(values.note) <= set(LANGUAGES) or any(len(text) > LONGEST_NOTE for text in values.note.values()):
        problems["note"] = "A note is zh, en or both, and at most 4000 characters long."
    if values.shape is not None and sound_shape(values.shape) != values.shape:
        problems["shape"] = "The drawing is not one that can be kept."
    return problems


def _missing(values: AnnotationValues) -> dict[str, str]:
    """What this kind needs."""
    says_something = bool(values.term_id or values.note)
    if values.kind in _NEEDS_TERM and not values.term_id:
        return {"term": _NEEDS_TERM[values.kind]}
    if values.kind == "mark" and values.shape is None:
        return {"shape": "A mark needs its place in the picture."}
    if values.kind in {"task", "event", "note"} and not says_something:
        return {"note": "Choose a term or write a note."}
    if values.severity_id and values.kind != "event":
        return {"severity": "Only an event has a severity."}
    return {}


def _term_problems(session: Session, values: AnnotationValues) -> dict[str, str]:
    chosen = {name: getattr(values, name) for name in _TERM_FIELDS if getattr(values, name)}
    known = {
        row.id: row.scheme_id
        for row in session.execute(select(Term.id, Term.scheme_id).where(Term.id.in_(list(chosen.values()))))
    }
    allowed = {
        "term_id": KINDS[values.kind],
        "severity_id": ("classification",),
        "instrument_id": INSTRUMENTS,
        "target_id": TARGETS,
    }
    problems = {}
    for name, term_id in chosen.items():
        schemes = allowed[name]
        fits = term_id in known and (schemes is None or known[term_id] in schemes)
        if not fits or (name == "severity_id" and not term_id.startswith(SEVERITY_PREFIX)):
            problems[name.removesuffix("_id")] = f"The vocabulary has no {term_id} for this."
    return problems
