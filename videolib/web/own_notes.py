"""Notes and bookmarks of one's own, on the watch page and all together. No route here shows anybody else's."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import personal_notes
from videolib.catalogue.entry_lists import list_by_ids
from videolib.catalogue.media_time import parse_clock, to_seconds
from videolib.catalogue.people import User
from videolib.catalogue.personal_notes import PersonalNote
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_see, require_login
from videolib.web.cards import Text, first_text
from videolib.web.context import database_session
from videolib.web.languages import html_language
from videolib.web.texts import clock_text, minute_text

blueprint = Blueprint("own_notes", __name__)


@dataclass(frozen=True)
class NoteLine:
    """One note; without a text a bookmark."""

    id: str
    at_s: float
    at_text: str
    text: str
    url: str
    written_text: str


@dataclass(frozen=True)
class NotedEntry:
    """What a person has noted about one entry; without an address where they may not see it any more."""

    title: Text
    url: str | None
    notes: tuple[NoteLine, ...]


@blueprint.get("/me/notes")
def index() -> str:
    """All of them, by entry."""
    person = require_login()
    return render_template("record/notes.html", entries=_by_entry(person))


@blueprint.post("/entries/<entry_id>/notes")
def add(entry_id: str) -> Response | str:
    """Keep a note or a bookmark."""
    person = require_login()
    entry = entry_to_see(entry_id)
    at_s = read_time(request.form.get("at", ""))
    personal_notes.add_note(database_session(), entry, at_s, request.form.get("text", ""), by=person)
    database_session().commit()
    return _answer(entry.id, person)


@blueprint.post("/notes/<note_id>/<any(save,delete):deed>")
def change(note_id: str, deed: str) -> Response | str:
    """Write a note anew, or take it away."""
    person = require_login()
    if deed == "save":
        note = personal_notes.change_note(database_session(), note_id, request.form.get("text", ""), by=person)
    else:
        note = personal_notes.delete_note(database_session(), note_id, by=person)
    database_session().commit()
    return _answer(note.entry_id, person)


def make_notes(entry_id: str, person: User | None) -> tuple[NoteLine, ...]:
    """This person's notes on an entry."""
    return tuple(_line(note) for note in personal_notes.list_notes(database_session(), entry_id, by=person))


def read_time(text: str) -> float:
    """Seconds of `1:15.5`; nothing is the beginning. Raises `InvalidInput`."""
    try:
        return to_seconds(parse_clock(text)) if text.strip() else 0.0
    except ValueError as error:
        sentence = "Write a time in the recording, for example 1:15.5."
        raise InvalidInput(sentence, fields={"at": sentence}) from error


def _answer(entry_id: str, person: User) -> Response | str:
    """For the script of the page the list as it is now, for a plain form the page again."""
    if request.headers.get("X-Part") == "notes":
        return render_template("record/notes_part.html", notes=make_notes(entry_id, person))
    flash(_("Your notes are saved."), "success")
    if request.form.get("back") == "all":
        return redirect(url_for("own_notes.index"), 303)
    return redirect(url_for("entries.show", entry_id=entry_id, _anchor="notes"), 303)


def _by_entry(person: User) -> tuple[NotedEntry, ...]:
    found: dict[str, list[PersonalNote]] = {}
    for note in personal_notes.list_notes(database_session(), by=person):
        found.setdefault(note.entry_id, []).append(note)
    seen = list_by_ids(database_session(), found, by=person)
    hidden = Text(_("A recording that you may not see any more"), html_language())
    return tuple(
        NotedEntry(
            title=(first_text(seen[entry_id].title) or hidden) if entry_id in seen else hidden,
            url=url_for("entries.show", entry_id=entry_id) if entry_id in seen else None,
            notes=tuple(_line(note) for note in sorted(notes, key=lambda note: note.at_ms)),
        )
        for entry_id, notes in found.items()
    )


def _line(note: PersonalNote) -> NoteLine:
    at_s = note.at_ms / 1000
    return NoteLine(
        id=note.id,
        at_s=at_s,
        at_text=clock_text(int(at_s)),
        text=note.text,
        url=url_for("entries.show", entry_id=note.entry_id, t=f"{at_s:g}"),
        written_text=minute_text(note.updated_at),
    )
