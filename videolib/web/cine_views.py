"""What pages and the API show of a DICOM recording's runs: what was guessed of each, and what editors decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from videolib.catalogue.cines import GuessState, find_corrections, list_guesses, run_names
from videolib.catalogue.recordings import Recording
from videolib.web.context import database_session
from videolib.web.texts import word

GUESSED = {
    "rate": lazy_gettext("Pictures a second"),
    "window": lazy_gettext("Grey-scale window"),
    "mask_frames": lazy_gettext("Mask frames"),
    "pixel_shift": lazy_gettext("Shift of the mask"),
    "subtracted_window": lazy_gettext("Window of the subtracted picture"),
}
# where a rate or a window was found; what stands in a tag is called by the tag's name, which no language translates
FOUND = {
    "file": lazy_gettext("from the file"),
    "stored values": lazy_gettext("stored values"),
    "estimated": lazy_gettext("estimated"),
    "assumed": lazy_gettext("assumed"),
    "editor": lazy_gettext("from an editor"),
}


@dataclass(frozen=True)
class GuessLine:
    """A guess in words."""

    run_text: str
    what_text: str
    value_text: str
    is_confirmed: bool


@dataclass(frozen=True)
class RunForm:
    """One run: what its file said, and what the fields of its form hold."""

    name: str
    title: str
    facts: tuple[str, ...]
    fields: dict[str, str]
    has_subtraction: bool
    all_frames: bool
    is_trimmed: bool
    overlays: bool
    has_overlays: bool


@dataclass(frozen=True)
class CineView:
    """A DICOM recording for a template."""

    url: str
    confirm_url: str
    guesses: tuple[GuessLine, ...]
    runs: tuple[RunForm, ...]

    @property
    def is_open(self) -> bool:
        """Whether something is still to be confirmed."""
        return any(not guess.is_confirmed for guess in self.guesses)


def make_cine_view(recording: Recording) -> CineView | None:
    """The runs of a recording and what was guessed; None for what is no DICOM cine, or not yet looked at."""
    names = run_names(recording)
    guesses = list_guesses(database_session(), recording)
    if not names and not guesses:
        return None
    corrections = find_corrections(database_session(), recording.id)
    return CineView(
        url=url_for("cines.edit", recording_id=recording.id),
        confirm_url=url_for("cines.confirm", recording_id=recording.id),
        guesses=tuple(_line(guess) for guess in guesses),
        runs=tuple(_run_form(recording, name, corrections.get(name, {})) for name in names),
    )


def guesses_json(recording: Recording) -> list[dict[str, Any]]:
    """The guesses for programs."""
    return [
        {
            "key": guess.key,
            "run": guess.run,
            "plane": guess.plane,
            "what": guess.what,
            "what_text": word(GUESSED, guess.what),
            "value": guess.value,
            "message": guess.message,
            "confirmed": guess.is_confirmed,
        }
        for guess in list_guesses(database_session(), recording)
    ]


def _line(guess: GuessState) -> GuessLine:
    return GuessLine(
        _run_text(f"{guess.run}{'b' if guess.plane == 'B' else ''}"),
        word(GUESSED, guess.what),
        _value_text(guess.value),
        guess.is_confirmed,
    )


def _run_text(name: str) -> str:
    if name.endswith("b"):
        return str(_("Run %(number)s, plane B", number=name.rstrip("b")))
    return str(_("Run %(number)s", number=name))


def _value_text(value: Any) -> str:
    """A guessed value as a person reads it."""
    if isinstance(value, dict):
        return f"{value.get('center'):g} / {value.get('width'):g}"
    if isinstance(value, list):
        return ", ".join(f"{number:g}" for number in value)
    return f"{value:g}" if isinstance(value, int | float) else "–"


def _run_form(recording: Recording, name: str, corrected: dict[str, Any]) -> RunForm:
    cine = (recording.source or {})["dicom"]
    runs = cine["second_planes" if name.endswith("b") else "runs"]
    run = next(run for run in runs if str(run["number"]) == name.rstrip("b"))
    window, shift = corrected.get("window") or {}, corrected.get("pixel_shift") or ("", "")
    return RunForm(
        name=name,
        title=_run_text(name),
        facts=tuple(_facts_of(run)),
        fields={
            "fps": _typed(corrected.get("fps")),
            "center": _typed(window.get("center")),
            "width": _typed(window.get("width")),
            "mask_frames": ", ".join(map(str, corrected.get("mask_frames") or ())),
            "shift_down": _typed(shift[0]),
            "shift_right": _typed(shift[1]),
            "subtracted_width": _typed(corrected.get("subtracted_width")),
        },
        has_subtraction=bool(run["has_mask_subtraction"]),
        all_frames=bool(corrected.get("all_frames")),
        is_trimmed=list(run["shown"]) != [1, run["frames"]] or bool(corrected.get("all_frames")),
        overlays=bool(corrected.get("overlays")),
        has_overlays=bool(run.get("has_overlays")),
    )


def _facts_of(run: dict[str, Any]) -> list[str]:
    rate = f"{run['fps']:g} /s ({word(FOUND, run['rate_source'])})"
    facts = [str(_("%(count)s pictures", count=run["frames"])), rate]
    window = run.get("window")
    if window:
        found = word(FOUND, window["source"])
        facts.append(" ".join((_("Window"), f"{window['center']:g} / {window['width']:g} ({found})")))
    return [*facts, *([run["angle"]] if run.get("angle") else [])]


def _typed(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else ""
