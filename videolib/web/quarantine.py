"""Who opens a recording before it is signed off, as its desk shows and changes it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import quarantine
from videolib.catalogue.access import can
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_lists import entries_of_recordings
from videolib.catalogue.groups import Group, list_groups
from videolib.catalogue.login_names import find_by_name
from videolib.catalogue.people import User, get_names
from videolib.catalogue.recordings import Recording
from videolib.web.access import recording_to_open
from videolib.web.context import commit, database_session
from videolib.web.languages import language
from videolib.web.recording_views import make_recording_view

blueprint = Blueprint("quarantine", __name__)


@dataclass(frozen=True)
class Openers:
    """Who opens a recording: `assigned` are (name, address of the form that ends it)."""

    uploader: str
    hospital: str
    hospital_id: str
    hospitals: tuple[tuple[str, str], ...]
    assigned: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WaitingLine:
    """A recording that a person may open and that nobody has signed off."""

    name: str
    url: str
    uploaded_text: str


@blueprint.post("/studio/recordings/<recording_id>/editors")
def assign(recording_id: str) -> Response:
    """Let an editor in."""
    person, recording = recording_to_open(recording_id)
    found = find_by_name(database_session(), request.form.get("who", ""))
    if found is None:
        flash(_("Nobody signs in by this name."), "error")
        return _back(recording)
    quarantine.assign_editor(database_session(), recording, found, by=person)
    commit()
    flash(_("Saved."), "success")
    return _back(recording)


@blueprint.post("/studio/recordings/<recording_id>/editors/<int:user_id>/end")
def release(recording_id: str, user_id: int) -> Response:
    """Shut an editor out again; whoever leaves goes back to the studio."""
    person, recording = recording_to_open(recording_id)
    quarantine.release_editor(database_session(), recording, user_id, by=person)
    commit()
    flash(_("Saved."), "success")
    return _back(recording) if can(person, "open", recording) else redirect(url_for("studio.index"), 303)


@blueprint.post("/studio/recordings/<recording_id>/hospital")
def move(recording_id: str) -> Response:
    """Say of which hospital it is."""
    person, recording = recording_to_open(recording_id)
    quarantine.set_hospital(database_session(), recording, request.form.get("hospital", ""), by=person)
    commit()
    flash(_("Saved."), "success")
    return _back(recording) if can(person, "open", recording) else redirect(url_for("studio.index"), 303)


def make_openers(recording: Recording) -> Openers:
    """Who opens this recording, in words."""
    session = database_session()
    names = get_names(session, [recording.uploader_id, *(one.user_id for one in recording.editors)])
    hospitals = {group.id: _label(group) for group in list_groups(session, "hospital")}
    return Openers(
        uploader=names.get(recording.uploader_id or 0, ""),
        hospital=hospitals.get(recording.hospital_id or "", ""),
        hospital_id=recording.hospital_id or "",
        hospitals=tuple(hospitals.items()),
        assigned=tuple(
            (
                names.get(one.user_id, ""),
                url_for("quarantine.release", recording_id=recording.id, user_id=one.user_id),
            )
            for one in recording.editors
        ),
    )


def list_waiting(person: User) -> tuple[WaitingLine, ...]:
    """What waits for this person's look, the oldest first."""
    rows = quarantine.list_waiting(database_session(), by=person)
    entries = entries_of_recordings(database_session(), (row.id for row in rows))
    return tuple(_line(row, entries[row.id]) for row in rows if row.id in entries)


def _line(recording: Recording, entry: Entry) -> WaitingLine:
    view = make_recording_view(recording, entry)
    return WaitingLine(view.name, url_for("desk.show", recording_id=recording.id), view.uploaded_text)


def _label(group: Group) -> str:
    return group.name.get(language()) or next(iter(group.name.values()), group.id)


def _back(recording: Recording) -> Response:
    return redirect(url_for("desk.show", recording_id=recording.id, _anchor="desk-openers"), 303)
