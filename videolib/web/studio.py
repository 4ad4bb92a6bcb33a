"""The editors' room: what came in, what it still needs, and the form of an entry."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.entries import Entry, list_entries
from videolib.catalogue.entry_lists import entries_of_recordings
from videolib.catalogue.jobs import start_work, stop_work
from videolib.catalogue.publishing import sign_off
from videolib.catalogue.recordings import STATES, list_recordings
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, recording_to_edit, require_editor
from videolib.web.cards import EntryCard, make_card
from videolib.web.context import commit, database_session
from videolib.web.preferences import local_path
from videolib.web.recording_views import RecordingView, make_recording_view
from videolib.web.studio_form import publish_from_form, render_form, save_form, withdraw_from_form

blueprint = Blueprint("studio", __name__)

ENTRIES_ON_A_PAGE = 50
_IN_WORK = STATES - {"ready"}


@dataclass(frozen=True)
class StudioEntry:
    """One line of the entries."""

    card: EntryCard
    edit_url: str
    recording: RecordingView | None


@blueprint.get("/studio")
def index() -> str:
    """What came in, and every entry by its status."""
    require_editor()
    recordings = list_recordings(database_session(), states=_IN_WORK)
    entries = entries_of_recordings(database_session(), (recording.id for recording in recordings))
    cursor = request.args.get("cursor") or None
    published, next_cursor = _entries("published", cursor)
    return render_template(
        "studio/index.html",
        recordings=tuple(make_recording_view(recording, entries.get(recording.id)) for recording in recordings),
        drafts=_entries("draft")[0],
        published=published,
        withdrawn=_entries("withdrawn")[0],
        previous_url=url_for("studio.index") if cursor else None,
        next_url=url_for("studio.index", cursor=next_cursor) if next_cursor else None,
    )


@blueprint.get("/studio/entries/<entry_id>")
def edit(entry_id: str) -> Response:
    """The form."""
    require_editor()
    return render_form(entry_to_edit(entry_id))


@blueprint.post("/studio/entries/<entry_id>")
def save(entry_id: str) -> Response:
    """Keep what was typed."""
    require_editor()
    entry = entry_to_edit(entry_id)
    refusal = save_form(entry)
    return refusal or _back_to(entry, _("Saved."))


@blueprint.post("/studio/entries/<entry_id>/publish")
def publish(entry_id: str) -> Response:
    """Let everyone of its audience see it."""
    require_editor()
    entry = entry_to_edit(entry_id)
    refusal = publish_from_form(entry)
    return refusal or _back_to(entry, _("Published: everyone of its audience can find and watch it now."))


@blueprint.post("/studio/entries/<entry_id>/withdraw")
def withdraw(entry_id: str) -> Response:
    """Take it away from all viewers."""
    require_editor()
    entry = entry_to_edit(entry_id)
    refusal = withdraw_from_form(entry)
    return refusal or _back_to(entry, _("Withdrawn: nobody but editors can see it any more."))


@blueprint.post("/studio/recordings/<recording_id>/sign-off", endpoint="sign_off")
def sign_off_recording(recording_id: str) -> Response:
    """A second person found nothing that identifies a patient."""
    person = require_editor()
    recording = recording_to_edit(recording_id)
    if request.form.get("checked") != "yes":
        raise InvalidInput(_("Watch the preview first and tick the box."), fields={"checked": _("Tick the box.")})
    sign_off(database_session(), recording, by=person)
    return _back(_("Signed off."))


@blueprint.post("/studio/recordings/<recording_id>/retry")
def retry(recording_id: str) -> Response:
    """Start the work anew."""
    person = require_editor()
    start_work(database_session(), recording_to_edit(recording_id), by=person)
    return _back(_("It is in the queue again."))


@blueprint.post("/studio/recordings/<recording_id>/cancel")
def cancel(recording_id: str) -> Response:
    """Stop the work."""
    person = require_editor()
    stop_work(database_session(), recording_to_edit(recording_id), by=person)
    return _back(_("Cancelled; what runs stops within seconds."))


def _entries(status: str, cursor: str | None = None) -> tuple[tuple[StudioEntry, ...], str | None]:
    person = require_editor()
    rows, next_cursor = list_entries(
        database_session(), by=person, status=status, limit=ENTRIES_ON_A_PAGE, cursor=cursor
    )
    return tuple(
        StudioEntry(
            make_card(entry),
            url_for("studio.edit", entry_id=entry.id),
            make_recording_view(entry.recording, entry) if entry.recording else None,
        )
        for entry in rows
    ), next_cursor


def _back_to(entry: Entry, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("studio.edit", entry_id=entry.id), 303)


def _back(message: str) -> Response:
    commit()
    flash(message, "success")
    wanted = local_path(request.form.get("next", ""))
    return redirect(url_for("studio.index") if wanted == "/" else wanted, 303)
