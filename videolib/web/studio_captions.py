"""Captions on the editors' page: a file for each language, from whatever program wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.captions import add_captions, delete_captions, list_tracks, say_who_made
from videolib.catalogue.entries import Entry
from videolib.cues import MAX_BYTES
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.context import commit, database_session
from videolib.web.error_texts import translated
from videolib.web.texts import caption_label, clock_text

blueprint = Blueprint("studio_captions", __name__)


@dataclass(frozen=True)
class Track:
    """One line of the list."""

    language: str
    label: str
    count: int
    end_text: str


def make_tracks(entry: Entry) -> tuple[Track, ...]:
    """What the entry has."""
    return tuple(
        Track(
            track.language,
            caption_label(track.language, is_unread=track.source == "auto" and not track.reviewed),
            len(track.cues),
            clock_text(float(str(track.cues[-1]["end_s"])) if track.cues else 0.0),
        )
        for track in list_tracks(database_session(), entry.id)
    )


@blueprint.post("/studio/entries/<entry_id>/captions")
def add(entry_id: str) -> Response:
    """Take a file; it replaces the captions of its language."""
    require_editor()
    entry = entry_to_edit(entry_id)
    return _back(entry, _take(entry))


@blueprint.post("/studio/entries/<entry_id>/captions/<lang>/delete")
def delete(entry_id: str, lang: str) -> Response:
    """Take a language away."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    delete_captions(database_session(), entry, lang, by=person)
    commit()
    return _back(entry, (_("Deleted."), "success"))


def _take(entry: Entry) -> tuple[str, str]:
    """What to tell the editor, and in which manner."""
    session, person = database_session(), require_editor()
    file = request.files.get("file")
    try:
        content = file.read(MAX_BYTES + 1) if file else b""
        track = add_captions(session, entry, request.form.get("language", ""), content, by=person)
        source, reviewed = request.form.get("source", "human"), request.form.get("reviewed") == "yes"
        say_who_made(session, entry, track, source=source, reviewed=reviewed, by=person)
    except InvalidInput as error:
        session.rollback()
        return translated(error.message, error.code), "error"
    commit()
    return _("The captions are in: %(count)s lines.", count=len(track.cues)), "success"


def _back(entry: Entry, told: tuple[str, str]) -> Response:
    flash(*told)
    return redirect(url_for("studio_moments.index", entry_id=entry.id, _anchor="captions"), 303)
