"""What the annotation desk is given: its rows, what can be chosen, the steps in order, and its words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from videolib.catalogue.annotation_values import INSTRUMENTS, KINDS, SEVERITY_PREFIX, TARGETS
from videolib.catalogue.annotations import STUDIO
from videolib.catalogue.captions import find_track
from videolib.catalogue.entries import Entry
from videolib.catalogue.vocabulary import step_template
from videolib.web.context import database_session
from videolib.web.entries import EntryPage
from videolib.web.languages import html_language, language
from videolib.web.moment_form import Option, options
from videolib.web.texts import ANNOTATION_KINDS, word

# a row of the timeline and the kinds of annotations in it
ROWS = {
    "phases": ("phase",),
    "steps": ("step",),
    "deeds": ("task", "action"),
    "events": ("event",),
    "instruments": ("instrument",),
    "marks": ("mark", "note"),
}
# what is added beside the steps of the template, in the order of the list; a mark is drawn instead
ADDED = ("phase", "event", "action", "instrument", "task", "note")
_NEEDS_TERM = frozenset({"phase", "step", "action", "instrument"})


@dataclass(frozen=True)
class TimelineRow:
    """One layer."""

    id: str
    label: str


@dataclass(frozen=True)
class TermChoice:
    """The terms that a kind of annotation may have."""

    kind: str
    label: str
    options: tuple[Option, ...]
    is_needed: bool


@dataclass(frozen=True)
class TemplateLine:
    """A step of a procedure, and the phase that it brings."""

    step: str
    phase: str
    label: str


@dataclass(frozen=True)
class TemplateList:
    """The steps of one procedure in their order."""

    label: str
    lines: tuple[TemplateLine, ...]


@dataclass(frozen=True)
class Timeline:
    """`given` is for the script, the rest for the forms of the page."""

    given: dict[str, Any]
    rows: tuple[TimelineRow, ...]
    choices: tuple[TermChoice, ...]
    severities: tuple[Option, ...]
    instruments: tuple[Option, ...]
    targets: tuple[Option, ...]
    templates: tuple[TemplateList, ...]
    has_captions: bool


def make_timeline(entry: Entry, page: EntryPage, layer: str) -> Timeline:
    """Everything that the desk needs but the annotations, which it asks the API for."""
    rows = tuple(TimelineRow(row, label) for row, label in _row_labels().items())
    captions = _captions(entry)
    playback = page.playback or {}
    return Timeline(
        given={
            "url": url_for("annotations_api.index", entry_id=entry.id),
            "layer": layer,
            "tool": STUDIO,
            "duration_s": playback.get("duration_s") or 0,
            "rows": [{"id": row, "kinds": kinds} for row, kinds in ROWS.items()],
            "captions": captions,
            "scenes": [],
            "words": _words(),
        },
        rows=rows,
        choices=tuple(_choice(kind) for kind in (*ADDED, "step", "mark")),
        severities=options("classification", only=SEVERITY_PREFIX),
        instruments=_all_options(INSTRUMENTS),
        targets=_all_options(TARGETS),
        templates=_templates(entry),
        has_captions=bool(captions),
    )


def _row_labels() -> dict[str, str]:
    return {
        "phases": _("Phases"),
        "steps": _("Steps"),
        "deeds": _("Actions"),
        "events": _("Events"),
        "instruments": _("Instruments"),
        "marks": _("Marks, notes"),
    }


def _choice(kind: str) -> TermChoice:
    return TermChoice(
        kind, word(ANNOTATION_KINDS, kind), _all_options(KINDS[kind] or TARGETS), is_needed=kind in _NEEDS_TERM
    )


def _all_options(schemes: Iterable[str]) -> tuple[Option, ...]:
    return tuple(option for scheme in schemes for option in options(scheme))


def _templates(entry: Entry) -> tuple[TemplateList, ...]:
    here = language()
    procedures = {term.id: term for term in entry.terms_of("procedures")}
    return tuple(
        TemplateList(
            procedures[template.procedure_id].label(here),
            tuple(
                TemplateLine(item.step.id, item.step.broader_id or "", item.step.label(here))
                for item in template.steps
                if item.step
            ),
        )
        for template in step_template(database_session(), list(procedures))
        if template.procedure_id in procedures
    )


def _captions(entry: Entry) -> list[list[Any]]:
    """Start, end and text of each caption in the language of the page."""
    track = find_track(database_session(), entry.id, html_language())
    return [[cue["start_s"], cue["end_s"], cue["text"]] for cue in track.cues] if track else []


def caption_words() -> dict[str, Any]:
    """What the caption editor says."""
    return {
        "fast": _("too fast to read"),
        "overlap": _("reaches into the next"),
        "states": {
            **_states(),
            "refused": _("Not saved:"),
            "conflict": _("Two people wrote over each other: decide below"),
        },
    }


def _states() -> dict[str, str]:
    return {
        "saved": _("All is saved"),
        "unsaved": _("Not saved yet"),
        "saving": _("Saving…"),
        "offline": _("Not saved: the library cannot be reached; it is tried again"),
        "signedOut": _("Not saved: sign in again in another window, then it goes on by itself"),
    }


def _words() -> dict[str, Any]:
    return {
        "kinds": {kind: word(ANNOTATION_KINDS, kind) for kind in KINDS},
        "states": {
            **_states(),
            "refused": _("Not saved: something breaks a rule; look at the marked annotation"),
            "conflict": _("Two people changed the same: decide above the timeline"),
        },
        "says": {
            "added": _("Added:"),
            "deleted": _("Deleted. Undo brings it back."),
            "noRoom": _("There is no room: another step or phase is in the way."),
            "choose": _("Choose what it is, or write a note."),
            "time": _("Write a time in the recording, for example 1:15.5."),
            "conflict": _("Somebody else changed the same annotation."),
            "point": _("Point"),
            "drawn": _("The drawing is kept."),
        },
        "fields": {
            "start": _("From"),
            "end": _("To"),
            "term": _("Term"),
            "severity": _("Severity (CIRSE)"),
            "instrument": _("With"),
            "target": _("On"),
            "note.zh": _("Note in Chinese"),
            "note.en": _("Note in English"),
            "shape": _("Drawing"),
        },
        "done": _("is marked"),
        "problem": _("not saved"),
        "drawing": _("a drawing"),
        "deletedThere": _("Somebody else deleted it; your change is kept here."),
        "deletedHere": _("You deleted it; somebody else changed it meanwhile."),
    }
