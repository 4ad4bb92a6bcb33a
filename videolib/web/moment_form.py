"""The form of an annotation: what it offers, what was typed, and what a refusal shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import request
from flask_babel import gettext as _

from videolib.catalogue.annotation_values import LAYERS, AnnotationValues
from videolib.catalogue.annotations import Annotation
from videolib.catalogue.media_time import exact_clock, parse_clock
from videolib.catalogue.vocabulary import Term, list_terms
from videolib.errors import InvalidInput
from videolib.web.context import database_session
from videolib.web.languages import language

# which form an annotation is edited in
FAMILIES = {
    "phase": "segment",
    "step": "segment",
    "task": "deed",
    "action": "deed",
    "event": "event",
    "instrument": "instrument",
    "mark": "mark",
    "note": "mark",
}


@dataclass(frozen=True)
class Option:
    """A term to choose."""

    id: str
    label: str
    is_done: bool = False


@dataclass(frozen=True)
class OptionGroup:
    """Terms under one heading."""

    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class MomentForm:
    """What the fields of one form show; `id` is empty for a new annotation."""

    family: str
    id: str = ""
    version: int = 0
    layer: str = "main"
    what: str = ""
    start: str = ""
    end: str = ""
    severity: str = ""
    instrument: str = ""
    target: str = ""
    note_zh: str = ""
    note_en: str = ""
    box: str = ""
    has_drawing: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)


def form_of(row: Annotation) -> MomentForm:
    """The form filled with what a row says."""
    box = (row.shape or {}).get("box")
    return MomentForm(
        family=FAMILIES[row.kind],
        id=row.id,
        version=row.revision,
        layer=row.layer,
        what=f"{row.kind}:{row.term_id}" if row.kind in {"phase", "step"} else row.term_id or "",
        start=exact_clock(row.start_ticks),
        end="" if row.end_ticks is None else exact_clock(row.end_ticks),
        severity=row.severity_id or "",
        instrument=row.instrument_id or "",
        target=row.target_id or "",
        note_zh=row.note.get("zh", ""),
        note_en=row.note.get("en", ""),
        box=", ".join(f"{part:g}" for part in box) if box else "",
        has_drawing=bool(row.shape) and not box,
    )


def typed_form(family: str) -> MomentForm:
    """The form as it was sent."""
    sent = request.form
    names = ("what", "start", "end", "severity", "instrument", "target", "note_zh", "note_en", "box")
    typed: dict[str, Any] = {name: sent.get(name, "").strip() for name in names}
    version = sent.get("version", "")
    return MomentForm(
        family=family if family in FAMILIES.values() else "mark",
        version=int(version) if version.isascii() and version.isdigit() else 0,
        layer=chosen_layer(sent.get("layer")),
        **typed,
    )


def read_form(form: MomentForm, row: Annotation | None) -> AnnotationValues:
    """What the form says; a drawing that it cannot show stays. Raises `InvalidInput`."""
    problems: dict[str, str] = {}
    times: dict[str, int | None] = {"start": None, "end": None}
    for name in times:
        text = getattr(form, name)
        try:
            times[name] = parse_clock(text) if text else None
        except ValueError:
            problems[name] = "Write a time in the recording, for example 1:15.5."
    if not form.start:
        problems["start"] = "Write when it begins, for example 1:15.5."
    shape = _read_box(form.box, problems) or (row.shape if row is not None and form.has_drawing else None)
    if problems:
        raise InvalidInput(" ".join(problems.values()), fields=problems, code="annotation_invalid")
    kind, term_id = _what(form, has_shape=shape is not None)
    notes = {"zh": form.note_zh, "en": form.note_en}
    values = AnnotationValues(
        kind=kind,
        start_ticks=times["start"] or 0,
        end_ticks=times["end"],
        term_id=term_id,
        severity_id=form.severity or None,
        instrument_id=form.instrument or None,
        target_id=form.target or None,
        note={name: text for name, text in notes.items() if text},
        shape=shape,
        layer=form.layer,
    )
    if row is None:
        return values
    kept = {name: getattr(row, name) for name in ("layer", "confidence", "origin", "author_name")}
    return replace(values, **kept)


def chosen_layer(name: str | None) -> str:
    """The layer of that name; the main one for any other."""
    return name if name in LAYERS else LAYERS[0]


def options(scheme: str, *, only: str = "") -> tuple[Option, ...]:
    """The terms of a scheme, those whose id begins with `only`."""
    terms = list_terms(database_session(), scheme)
    return tuple(Option(term.id, term.label(language())) for term in terms if term.id.startswith(only))


def segment_options(steps: Iterable[tuple[str, Iterable[Term]]], done: frozenset[str]) -> tuple[OptionGroup, ...]:
    """Phases, then the steps of each template in their order, what the entry has already marked."""
    here = language()
    phases = list_terms(database_session(), "phase")
    groups = [
        OptionGroup(label, tuple(Option(f"step:{term.id}", term.label(here), term.id in done) for term in terms))
        for label, terms in steps
    ]
    own = OptionGroup(
        _("Phases"), tuple(Option(f"phase:{term.id}", term.label(here), term.id in done) for term in phases)
    )
    return (*(group for group in groups if group.options), own)


def _what(form: MomentForm, *, has_shape: bool) -> tuple[str, str | None]:
    if form.family == "segment":
        kind, _colon, term_id = form.what.partition(":")
        return (kind if kind in {"phase", "step"} else "step"), term_id or None
    if form.family == "deed":
        return ("action" if form.what else "task"), form.what or None
    if form.family == "instrument":
        return "instrument", form.what or None
    if form.family == "event":
        return "event", form.what or None
    return ("mark" if has_shape else "note"), form.what or None


def _read_box(text: str, problems: dict[str, str]) -> dict[str, list[float]] | None:
    if not text:
        return None
    try:
        return {"box": [float(part) for part in text.replace("，", ",").split(",")]}
    except ValueError:
        problems["shape"] = "A box is four numbers: x, y, width and height in percent."
    return None
