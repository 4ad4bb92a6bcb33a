"""`/api/v1/entries`: the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint
from flask import request, url_for
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.wrappers import Response

from videolib.catalogue import publishing
from videolib.catalogue.captions import add_captions, say_who_made
from videolib.catalogue.entries import Entry, create_entry
from videolib.catalogue.entry_lists import list_entries
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.exchange import export_entries, import_rows, read_rows
from videolib.catalogue.people import User
from videolib.catalogue.posters import choose_poster, list_posters
from videolib.catalogue.recordings import get_recording
from videolib.cues import MAX_BYTES
from videolib.errors import InvalidInput, NotFound
from videolib.web.access import current_person, entry_to_edit, entry_to_see, entry_to_watch, require_editor
from videolib.web.api.answers import expected_revision, sent_object, tagged
from videolib.web.api.entry_json import entries_json, entry_json
from videolib.web.api.poster_schemas import PosterChoice, PosterOut
from videolib.web.api.schemas import (
    CaptionsOut,
    EntriesQuery,
    EntryFields,
    EntryOut,
    EntryPage,
    ExportQuery,
    ImportOut,
    ImportQuery,
    NewCaptions,
    NewEntry,
    Playback,
    Withdrawal,
)
from videolib.web.api.spec import documents_body
from videolib.web.auditing import note
from videolib.web.context import commit, database_session, services
from videolib.web.playback import find_package, make_playback

# what browsers and programs call the files they send; what a file is, it says itself
CAPTION_TYPES = frozenset(
    {"text/vtt", "text/plain", "text/srt", "text/x-ssa", "application/x-subrip", "application/octet-stream"}
)

FILE_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
blueprint = APIBlueprint("entries_api", __name__, url_prefix="/api/v1", tag="Entries")


@blueprint.get("/entries")
@blueprint.input(EntriesQuery, location="query", arg_name="query")
@blueprint.output(EntryPage)
def index(query: dict[str, Any]) -> Response:
    """List entries

    What the caller may see, newest first.
    """
    rows, next_cursor = list_entries(
        database_session(),
        by=current_person(),
        status=query.get("status"),
        limit=query["limit"],
        cursor=query.get("cursor") or None,
    )
    return tagged({"items": entries_json(rows), "next_cursor": next_cursor})


@blueprint.get("/entries/export")
@blueprint.input(ExportQuery, location="query", arg_name="query")
def export(query: dict[str, Any]) -> Response:
    """Take all entries as a file

    Everything that the caller may see, as CSV, XLSX or JSON; rows of it can be sent back to `/entries/import`.
    """
    form, person = query["form"], current_person()
    note("export", "entries", form)
    response = Response(export_entries(database_session(), form, by=person), content_type=FILE_TYPES[form])
    response.headers.set("Content-Disposition", "attachment", filename=f"entries.{form}")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/entries/import")
@blueprint.input(ImportQuery, location="query", arg_name="query")
@blueprint.output(ImportOut)
def take_in(query: dict[str, Any]) -> Response:
    """Take in rows

    The body is the file. A row with an `id` changes that entry, one without adds a draft; each has a report of its
    own. With `dry_run` nothing is written.
    """
    person = require_editor()
    rows = read_rows(request.get_data(), query["form"], f"entries.{query['form']}")
    reports = import_rows(database_session(), rows, threshold=services().settings.review_threshold, by=person)
    database_session().rollback() if query["dry_run"] else commit()
    return tagged({"dry_run": query["dry_run"], "items": [vars(report) for report in reports]})


@blueprint.post("/entries")
@documents_body(NewEntry)
@blueprint.output(EntryOut, status_code=201)
def create() -> Response:
    """Add a draft

    Of a recording, where `recording_id` names one.
    """
    person = require_editor()
    sent = sent_object()
    recording_id = sent.pop("recording_id", None)
    recording = get_recording(database_session(), str(recording_id)) if recording_id else None
    entry = create_entry(database_session(), parse_values(sent), recording=recording, by=person)
    response = _written(entry, status=201)
    response.headers["Location"] = url_for("entries_api.show", entry_id=entry.id)
    return response


@blueprint.get("/entries/<entry_id>")
@blueprint.output(EntryOut)
def show(entry_id: str) -> Response:
    """Read an entry"""
    entry = entry_to_see(entry_id)
    return _answered(entry)


@blueprint.patch("/entries/<entry_id>")
@documents_body(EntryFields)
@blueprint.output(EntryOut)
def change(entry_id: str) -> Response:
    """Change fields of an entry

    What is not given stays. With `If-Match`, 412 where somebody else was first.
    """
    person, entry = require_editor_of(entry_id)
    values = parse_values(sent_object())
    publishing.change_entry(
        database_session(),
        entry,
        values,
        revision=expected_revision(entry),
        threshold=services().settings.review_threshold,
        by=person,
    )
    return _written(entry)


@blueprint.delete("/entries/<entry_id>")
@blueprint.output({}, status_code=204)
def delete(entry_id: str) -> tuple[str, int]:
    """Delete a draft

    What was published once is withdrawn instead.
    """
    person, entry = require_editor_of(entry_id)
    publishing.delete_entry(database_session(), entry, revision=expected_revision(entry), by=person)
    commit()
    return "", 204


@blueprint.post("/entries/<entry_id>/publish")
@blueprint.output(EntryOut)
def publish(entry_id: str) -> Response:
    """Publish an entry

    422 with a sentence for each thing that is missing.
    """
    person, entry = require_editor_of(entry_id)
    publishing.publish_entry(
        database_session(),
        entry,
        revision=expected_revision(entry),
        reason=str(sent_object().get("reason") or ""),
        threshold=services().settings.review_threshold,
        by=person,
    )
    return _written(entry)


@blueprint.post("/entries/<entry_id>/withdraw")
@documents_body(Withdrawal)
@blueprint.output(EntryOut)
def withdraw(entry_id: str) -> Response:
    """Withdraw an entry

    Playback stops at once.
    """
    person, entry = require_editor_of(entry_id)
    reason = str(sent_object().get("reason") or "")
    publishing.withdraw_entry(database_session(), entry, reason, revision=expected_revision(entry), by=person)
    return _written(entry)


@blueprint.post("/entries/<entry_id>/captions")
@documents_body(NewCaptions)
@blueprint.output(CaptionsOut, status_code=201)
def captions(entry_id: str) -> Response:
    """Set the captions in a language

    WebVTT, SubRip or ASS, in UTF-8, UTF-16 or GB18030: as JSON, as the body itself with `?language=`, or as
    `file` of a form with `language`.
    """
    person, entry = require_editor_of(entry_id)
    expected_revision(entry)
    language, content = _sent_captions()
    track = add_captions(
        database_session(), entry, language, content, is_confirmed=_said_in_captions("confirmed"), by=person
    )
    told = _told_of_captions()
    if told is not None:
        source, reviewed = told
        say_who_made(database_session(), entry, track, source=source, reviewed=reviewed, by=person)
    commit()
    return tagged({"language": track.language, "cues": len(track.cues)}, str(entry.revision), status=201)


@blueprint.put("/entries/<entry_id>/poster")
@documents_body(PosterChoice)
@blueprint.output(PosterOut)
def poster(entry_id: str) -> Response:
    """Choose the poster

    The picture nearest to `time_s` of those that the recording offers; null is the one that was picked by itself.
    """
    person, entry = require_editor_of(entry_id)
    expected_revision(entry)
    package = find_package(entry)
    if package is None:
        raise NotFound("There is nothing to play yet.", code="not_playable")
    taken = choose_poster(database_session(), entry, package, _time_in(sent_object()), by=person)
    commit()
    offered = [{"time_s": one.time_s, "chosen": one.is_chosen} for one in list_posters(package)]
    return tagged({"time_s": taken.time_s if taken else None, "offered": offered}, str(entry.revision))


@blueprint.get("/entries/<entry_id>/playback")
@blueprint.output(Playback)
def playback(entry_id: str) -> Response:
    """Get addresses to play

    Signed and short-lived; ask again when they expire.
    """
    response = tagged(make_playback(entry_to_watch(entry_id)))
    response.headers["Cache-Control"] = "private, no-store"
    return response


def require_editor_of(entry_id: str) -> tuple[User, Entry]:
    """Who asks and the entry, for a change. Raises what `entry_to_edit` raises."""
    entry = entry_to_edit(entry_id)
    return require_editor(), entry


def _answered(entry: Entry) -> Response:
    return tagged(entry_json(entry), str(entry.revision))


def _written(entry: Entry, *, status: int = 200) -> Response:
    commit()
    return tagged(entry_json(entry), str(entry.revision), status=status)


def _sent_captions() -> tuple[str, bytes | str]:
    """Language and caption file: from a JSON object, a form, or a body that is the file."""
    if request.is_json:
        sent = sent_object()
        return _text_in(sent, "language"), _text_in(sent, "vtt")
    if request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        return request.form.get("language", ""), file.read(MAX_BYTES + 1) if file else b""
    if request.mimetype in CAPTION_TYPES:
        return request.args.get("language", ""), request.get_data()
    raise UnsupportedMediaType


def _told_of_captions() -> tuple[str, bool] | None:
    """Who made them and whether they were read, where that was said."""
    sent: Mapping[str, Any] = sent_object() if request.is_json else request.form or request.args
    if "source" not in sent and "reviewed" not in sent:
        return None
    return str(sent.get("source", "human")), _said_in_captions("reviewed")


def _said_in_captions(name: str) -> bool:
    sent: Mapping[str, Any] = sent_object() if request.is_json else request.form or request.args
    return sent.get(name) in {True, "true", "yes", "1"}


def _time_in(sent: dict[str, Any]) -> float | None:
    value = sent.get("time_s")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("Choose one of the pictures.", fields={"time_s": "Choose one of the pictures."})
    return float(value)


def _text_in(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name, "")
    if not isinstance(value, str):
        raise InvalidInput("Send language and vtt as texts.", fields={name: "Send a text."}, code="captions_invalid")
    return value
