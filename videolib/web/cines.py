"""The page where editors look at what was guessed about a DICOM recording, confirm or correct it."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.cines import NO_CINE, confirm_guesses, correct_cine, run_names
from videolib.catalogue.entries import find_entry_of
from videolib.catalogue.publishing import recording_is_ready
from videolib.catalogue.recordings import Recording
from videolib.errors import InvalidInput, NotFound
from videolib.web.access import recording_to_edit, require_editor
from videolib.web.cine_views import make_cine_view
from videolib.web.context import commit, database_session, services
from videolib.web.recording_views import make_recording_view

blueprint = Blueprint("cines", __name__)


@blueprint.get("/studio/recordings/<recording_id>/cine")
def edit(recording_id: str) -> str:
    """The runs and what was guessed."""
    require_editor()
    recording = recording_to_edit(recording_id)
    cine = make_cine_view(recording)
    if cine is None:
        raise NotFound(NO_CINE)
    entry = find_entry_of(database_session(), recording.id)
    return render_template("studio/cine.html", recording=make_recording_view(recording, entry), cine=cine)


@blueprint.post("/studio/recordings/<recording_id>/cine")
def save(recording_id: str) -> Response:
    """Keep what was typed and make the recording anew."""
    person = require_editor()
    recording = recording_to_edit(recording_id)
    correct_cine(database_session(), recording, _typed(recording), by=person)
    return _back(recording, _("Saved; the recording is made anew with these values."))


@blueprint.post("/studio/recordings/<recording_id>/cine/confirm")
def confirm(recording_id: str) -> Response:
    """Agree to all that was guessed."""
    person = require_editor()
    recording = recording_to_edit(recording_id)
    confirm_guesses(database_session(), recording, by=person)
    if recording.state == "ready":
        threshold = services().settings.review_threshold
        recording_is_ready(database_session(), recording, threshold=threshold, by=person)
    return _back(recording, _("Confirmed."))


def _back(recording: Recording, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("cines.edit", recording_id=recording.id), 303)


def _typed(recording: Recording) -> dict[str, Any]:
    """What was typed for each run; an empty field leaves it to the file."""
    return {name: _typed_run(name) for name in run_names(recording) if f"{name}.fps" in request.form}


def _typed_run(name: str) -> dict[str, Any]:
    numbers = {
        field: _number(f"{name}.{field}")
        for field in ("fps", "center", "width", "shift_down", "shift_right", "subtracted_width")
    }
    window = {"center": numbers["center"], "width": numbers["width"]}
    shift = (numbers["shift_down"], numbers["shift_right"])
    masks = re.findall(r"[^\s,;，；、]+", request.form.get(f"{name}.mask_frames", ""))
    return {
        "fps": numbers["fps"],
        "window": None if None in window.values() else window,
        "mask_frames": [_whole(name, number) for number in masks] or None,
        "pixel_shift": None if shift == (None, None) else [number or 0.0 for number in shift],
        "subtracted_width": numbers["subtracted_width"],
        "all_frames": request.form.get(f"{name}.all_frames") == "yes",
        "overlays": request.form.get(f"{name}.overlays") == "yes",
    }


def _number(field: str) -> float | None:
    text = request.form.get(field, "").strip().replace("，", ".").replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise _not_a_number(field) from None


def _whole(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise _not_a_number(f"{name}.mask_frames")
    return int(text)


def _not_a_number(field: str) -> InvalidInput:
    sentence = str(_("Write a number."))
    return InvalidInput(sentence, fields={field: sentence})
