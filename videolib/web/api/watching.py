"""What a person watches and writes for themselves: viewings and their reports, the record, notes of one's own."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import jsonify, url_for
from werkzeug.wrappers import Response

from videolib.catalogue import personal_notes
from videolib.catalogue.personal_notes import PersonalNote
from videolib.catalogue.statements import make_statements
from videolib.catalogue.watch_records import (
    WatchRecord,
    list_records,
    open_viewing,
    read_report,
    take_report,
)
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_see, require_login
from videolib.web.api.answers import sent_object, tagged
from videolib.web.api.spec import documents_body
from videolib.web.api.watching_schemas import (
    NewNote,
    NotePage,
    NoteText,
    ProgressPage,
    SentReport,
    Statements,
    ViewingMade,
    Watched,
    WrittenNote,
)
from videolib.web.context import database_session, services
from videolib.web.playback import outside_address

blueprint = APIBlueprint("watching_api", __name__, url_prefix="/api/v1", tag="Watching")


@blueprint.post("/entries/<entry_id>/viewings")
@blueprint.output(ViewingMade, status_code=201)
def begin(entry_id: str) -> Response:
    """Begin to watch

    A player asks for this when it first plays.
    """
    person = require_login()
    viewing = open_viewing(database_session(), entry_to_see(entry_id), by=person)
    # nobody else sees any of this: nothing that was remembered of others has to be asked anew
    database_session().commit()
    response = jsonify({"viewing": viewing.id, "reports_url": url_for("watching_api.report", viewing_id=viewing.id)})
    response.status_code = 201
    return response


@blueprint.post("/viewings/<viewing_id>/reports")
@documents_body(SentReport)
@blueprint.output(Watched)
def report(viewing_id: str) -> Response:
    """Say what was played

    Reports are numbered from 1 and sent in order; one that comes twice counts once. What is credited is bounded by the
    time that has passed.
    """
    person = require_login()
    said = read_report(sent_object())
    # like a heartbeat: the next one says it again if this one is lost with the power
    with services().database.writing(durable=False) as session:
        record = take_report(session, viewing_id, said, by=person)
        answer = {"report": said.number, **_watched(record)}
    return jsonify(answer)


@blueprint.get("/me/progress")
@blueprint.output(ProgressPage)
def progress() -> Response:
    """List what you have watched

    Last watched first; `spans_s` are the stretches really seen.
    """
    records = list_records(database_session(), by=require_login())
    items = [{"entry_id": record.entry_id, **_watched(record)} for record in records]
    return tagged({"items": items, "next_cursor": None})


@blueprint.get("/me/statements")
@blueprint.output(Statements)
def statements() -> Response:
    """Export what you have watched as xAPI statements

    Statements of the xAPI Video Profile 1.0; the same export twice has the same ids.
    """
    person = require_login()
    made = make_statements(list_records(database_session(), by=person), of=person, home=outside_address())
    response = tagged({"statements": made})
    response.headers["Content-Disposition"] = 'attachment; filename="watched-xapi.json"'
    return response


@blueprint.get("/me/notes")
@blueprint.output(NotePage)
def all_notes() -> Response:
    """List your own notes and bookmarks

    Of all entries, newest first.
    """
    return _notes(personal_notes.list_notes(database_session(), by=require_login()))


@blueprint.get("/entries/<entry_id>/notes")
@blueprint.output(NotePage)
def notes(entry_id: str) -> Response:
    """List your own notes on an entry"""
    person = require_login()
    return _notes(personal_notes.list_notes(database_session(), entry_to_see(entry_id).id, by=person))


@blueprint.post("/entries/<entry_id>/notes")
@documents_body(NewNote)
@blueprint.output(WrittenNote, status_code=201)
def add_note(entry_id: str) -> Response:
    """Write a note at a time

    Nobody but you reads it. Without a text it is a bookmark.
    """
    person = require_login()
    sent = sent_object()
    at_s, text = sent.get("at_s"), sent.get("text", "")
    if isinstance(at_s, bool) or not isinstance(at_s, int | float) or not isinstance(text, str):
        raise InvalidInput("Send `at_s`, a number, and `text`.", code="note_invalid")
    note = personal_notes.add_note(database_session(), entry_to_see(entry_id), at_s, text, by=person)
    database_session().commit()
    response = jsonify(_note(note))
    response.status_code = 201
    return response


@blueprint.patch("/notes/<note_id>")
@documents_body(NoteText)
@blueprint.output(WrittenNote)
def change_note(note_id: str) -> Response:
    """Change a note of yours"""
    person = require_login()
    text = sent_object().get("text")
    if not isinstance(text, str):
        raise InvalidInput("Send `text`.", code="note_invalid")
    note = personal_notes.change_note(database_session(), note_id, text, by=person)
    database_session().commit()
    return jsonify(_note(note))


@blueprint.delete("/notes/<note_id>")
@blueprint.output({}, status_code=204)
def delete_note(note_id: str) -> tuple[str, int]:
    """Delete a note of yours"""
    personal_notes.delete_note(database_session(), note_id, by=require_login())
    database_session().commit()
    return "", 204


def _watched(record: WatchRecord) -> dict[str, Any]:
    return {
        "watched_s": record.watched_ms / 1000,
        "share": round(record.share, 4),
        "place_s": record.place_ms / 1000,
        "duration_s": record.duration_ms / 1000,
        "spans_s": [[start / 1000, end / 1000] for start, end in record.spans],
        "done_at": record.done_at.isoformat() if record.done_at else None,
        "last_at": record.last_at.isoformat(),
    }


def _notes(found: list[PersonalNote]) -> Response:
    return tagged({"items": [_note(note) for note in found], "next_cursor": None})


def _note(note: PersonalNote) -> dict[str, Any]:
    return {
        "id": note.id,
        "entry_id": note.entry_id,
        "at_s": note.at_ms / 1000,
        "text": note.text,
        "created_at": note.created_at.isoformat(),
        "updated_at": note.updated_at.isoformat(),
    }
