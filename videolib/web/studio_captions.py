"""Captions in the studio: a file for each language, from whatever program wrote it, and the editor that times them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.captions import (
    StaleCaptions,
    add_captions,
    cues_of,
    delete_captions,
    digest_of_cues,
    edit_cues,
    find_track,
    get_track,
    list_tracks,
    require_nobody,
    say_who_made,
)
from videolib.catalogue.entries import Entry
from videolib.cues import LAST_S, MAX_BYTES, Cue, write_subtitles, write_vtt
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, require_editor, require_words
from videolib.web.api.answers import sent_object
from videolib.web.context import commit, database_session
from videolib.web.entries import make_page
from videolib.web.error_texts import translated
from videolib.web.errors import Problem, answer, status_of
from videolib.web.texts import CAPTION_LABELS, caption_label, clock_text
from videolib.web.timeline_views import caption_words

blueprint = Blueprint("studio_captions", __name__)


LONGEST_TEXT = 2000
_MIME = {"vtt": "text/vtt", "srt": "application/x-subrip", "ass": "text/x-ssa"}


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


@blueprint.get("/studio/entries/<entry_id>/captions/<any('zh-Hans',en):lang>")
def edit(entry_id: str, lang: str) -> str:
    """The caption editor of one language; with nothing in it where there are no captions yet."""
    require_editor()
    entry = entry_to_edit(entry_id)
    require_words(entry)
    cues = _cues(entry, lang)
    return render_template(
        "studio/captions.html",
        entry=make_page(entry),
        lang=lang,
        languages=CAPTION_LABELS,
        kinds=tuple(_MIME) if cues else (),
        given={
            "url": url_for("studio_captions.save", entry_id=entry.id, lang=lang),
            "words": caption_words(),
            **_as_json(cues),
        },
    )


@blueprint.put("/studio/entries/<entry_id>/captions/<any('zh-Hans',en):lang>")
def save(entry_id: str, lang: str) -> Response:
    """Keep what the editor's script sends, if the track is still the one that was read (`If-Match`)."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    require_words(entry)
    digest = next(iter(request.if_match.as_set()), None)
    try:
        cues = _sent_cues()
        require_nobody(cues, _cues(entry, lang), is_confirmed=sent_object().get("confirmed") is True)
        kept = edit_cues(database_session(), entry, lang, cues, digest=digest, by=person)
    except StaleCaptions as error:
        current = _as_json(error.current)
        return answer(Problem(status_of(error), error.code, translated(error.message), more={"current": current}))
    commit()
    return jsonify(_as_json(kept))


@blueprint.get("/studio/entries/<entry_id>/captions/<any('zh-Hans',en):lang>.<any(vtt,srt,ass):kind>")
def download(entry_id: str, lang: str, kind: str) -> Response:
    """The captions as a file."""
    require_editor()
    entry = entry_to_edit(entry_id)
    require_words(entry)
    cues = cues_of(get_track(database_session(), entry.id, lang))
    text = write_vtt(cues) if kind == "vtt" else write_subtitles(cues, kind)
    response = Response(text, mimetype=_MIME[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{entry.code}-{lang}.{kind}"'
    return response


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
    require_words(entry)
    delete_captions(database_session(), entry, lang, by=person)
    commit()
    return _back(entry, (_("Deleted."), "success"))


def _cues(entry: Entry, lang: str) -> list[Cue]:
    track = find_track(database_session(), entry.id, lang)
    return cues_of(track) if track is not None else []


def _as_json(cues: list[Cue]) -> dict[str, Any]:
    return {"digest": digest_of_cues(cues), "cues": [[cue.start_s, cue.end_s, cue.text] for cue in cues]}


def _sent_cues() -> list[Cue]:
    sent = sent_object().get("cues")
    if not isinstance(sent, list) or not all(_is_cue(one) for one in sent):
        sentence = "Send captions as start, end and text."
        raise InvalidInput(sentence, fields={"cues": sentence}, code="captions_invalid")
    return [Cue(float(start), float(end), text) for start, end, text in sent]


def _is_cue(one: object) -> bool:
    if not isinstance(one, list) or len(one) != 3:
        return False
    *times, text = one
    numbers = all(isinstance(time, int | float) and not isinstance(time, bool) and abs(time) < LAST_S for time in times)
    return numbers and isinstance(text, str) and len(text) <= LONGEST_TEXT


def _take(entry: Entry) -> tuple[str, str]:
    """What to tell the editor, and in which manner."""
    session, person = database_session(), require_editor()
    file = request.files.get("file")
    try:
        content = file.read(MAX_BYTES + 1) if file else b""
        confirmed = request.form.get("confirmed") == "yes"
        track = add_captions(
            session, entry, request.form.get("language", ""), content, is_confirmed=confirmed, by=person
        )
        source, reviewed = request.form.get("source", "human"), request.form.get("reviewed") == "yes"
        say_who_made(session, entry, track, source=source, reviewed=reviewed, by=person)
    except InvalidInput as error:
        session.rollback()
        if error.code == "captions_too_large":
            raise  # what is too large is answered 413 everywhere
        at = error.fields.get("at", "")
        return f"{translated(error.message, error.code)}{f' ({at})' if at else ''}", "error"
    commit()
    return _("The captions are in: %(count)s lines.", count=len(track.cues)), "success"


def _back(entry: Entry, told: tuple[str, str]) -> Response:
    flash(*told)
    if request.form.get("back") == "editor" and (lang := request.form.get("language")) in CAPTION_LABELS:
        return redirect(url_for("studio_captions.edit", entry_id=entry.id, lang=lang), 303)
    return redirect(url_for("studio_moments.index", entry_id=entry.id, _anchor="captions"), 303)
