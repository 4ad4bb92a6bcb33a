"""The page where an entry's narrations are sent or spoken, listened to, accepted by a second person, and removed."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from videolib.catalogue.access import can
from videolib.catalogue.entries import Entry
from videolib.catalogue.narrations import (
    LANGUAGES,
    Narration,
    accept_narration,
    add_narration,
    get_narration,
    list_narrations,
    may_accept,
    refuse_narration,
    remove_narration,
    require_narratable,
)
from videolib.catalogue.people import User, get_names
from videolib.errors import InvalidInput, NotAllowed
from videolib.web.access import entry_to_edit, entry_to_watch, find_person, require_editor, require_login
from videolib.web.context import commit, database_session, services
from videolib.web.entries import make_page
from videolib.web.error_texts import translated
from videolib.web.languages import language
from videolib.web.playback import find_package, media_path
from videolib.web.texts import caption_label, minute_text

blueprint = Blueprint("narrations", __name__)

# half an hour of uncompressed stereo
LARGEST_BYTES = 350 * 2**20
STATES = {
    "queued": lazy_gettext("Is being made ready"),
    "made": lazy_gettext("Waits for a second person"),
    "failed": lazy_gettext("Could not be read"),
    "refused": lazy_gettext("Refused"),
    "accepted": lazy_gettext("Heard by viewers"),
}


@dataclass(frozen=True)
class NarrationLine:
    """One narration for the page; `listen_url` is empty until it can be heard."""

    id: str
    language: str
    state: str
    state_text: str
    said_text: str
    reason: str
    listen_url: str
    can_accept: bool


@blueprint.url_value_preprocessor
def _let_files_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before anything looks at the body: the check of a form's token would refuse it for its size."""
    if endpoint == "narrations.add" and can(find_person(), "edit", "catalogue"):
        request.max_content_length = LARGEST_BYTES


@blueprint.get("/studio/entries/<entry_id>/narrations")
def index(entry_id: str) -> str:
    """What there is, and how more is added."""
    person, entry = _entry_to_hear(entry_id)
    rows = list_narrations(database_session(), entry.id)
    names = get_names(database_session(), [row.uploader_id for row in rows])
    package = find_package(entry)
    return render_template(
        "studio/narrations.html",
        entry=make_page(entry),
        lines=tuple(_line(row, entry, person, names, package.id if package else None) for row in rows),
        languages={tag: caption_label(tag, is_unread=False) for tag in LANGUAGES},
        chosen="zh-Hans" if language() == "zh" else "en",
        can_add=can(person, "edit", "catalogue") and package is not None,
    )


@blueprint.post("/studio/entries/<entry_id>/narrations")
def add(entry_id: str) -> Response:
    """Take a file in."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    spoken = request.form.get("language", "")
    require_narratable(entry, spoken, by=person)
    add_narration(database_session(), entry, spoken, _keep_file(), by=person)
    return _back(entry, _("Received. It can be listened to here in a moment; viewers hear it once it is accepted."))


@blueprint.post("/studio/entries/<entry_id>/narrations/<narration_id>/accept")
def accept(entry_id: str, narration_id: str) -> Response:
    """A second person has listened to it."""
    person, entry = _entry_to_hear(entry_id)
    accept_narration(database_session(), entry, get_narration(database_session(), entry.id, narration_id), by=person)
    return _back(entry, _("Accepted: viewers can choose this narration now."))


@blueprint.post("/studio/entries/<entry_id>/narrations/<narration_id>/refuse")
def refuse(entry_id: str, narration_id: str) -> Response:
    """A second person has listened to it, and says why nobody else may."""
    person, entry = _entry_to_hear(entry_id)
    found = get_narration(database_session(), entry.id, narration_id)
    refuse_narration(database_session(), entry, found, request.form.get("reason", ""), by=person)
    return _back(entry, _("Refused. Who sent it is told why."))


@blueprint.post("/studio/entries/<entry_id>/narrations/<narration_id>/remove")
def remove(entry_id: str, narration_id: str) -> Response:
    """Take it away, from viewers at once."""
    person, entry = _entry_to_hear(entry_id)
    found = get_narration(database_session(), entry.id, narration_id)
    if not can(person, "edit", entry) and not may_accept(person, entry, found):
        raise NotAllowed("Only editors may do this; an administrator can give you that role.", code="editors_only")
    remove_narration(database_session(), found, by=person)
    return _back(entry, _("The narration is removed."))


def _entry_to_hear(entry_id: str) -> tuple[User, Entry]:
    """Who asks and that entry, for those who look into its recording before all others do."""
    person = require_login()
    entry = entry_to_watch(entry_id)
    if not can(person, "preview", entry):
        raise NotAllowed("Only those who may look into the recording may do this.", code="quarantined")
    return person, entry


def _line(row: Narration, entry: Entry, person: User, names: dict[int, str], package_id: str | None) -> NarrationLine:
    state = "accepted" if row.accepted_at is not None else row.state
    can_be_heard = row.state == "made" and package_id is not None
    return NarrationLine(
        id=row.id,
        language=row.language,
        state=state,
        state_text=str(STATES[state]),
        said_text=" · ".join(
            part for part in (names.get(row.uploader_id or 0, ""), minute_text(row.uploaded_at)) if part
        ),
        reason=translated(row.reason) if row.reason else "",
        listen_url=media_path(entry.id, package_id, row.path) if can_be_heard and package_id else "",
        can_accept=state == "made" and may_accept(person, entry, row),
    )


def _keep_file() -> str:
    """Put what was sent into the restricted store, under a name of its own; gives that."""
    sent = request.files.get("file")
    key = secrets.token_hex(16)
    with tempfile.NamedTemporaryFile() as file:
        if sent is not None:
            sent.save(file)
        file.flush()
        if file.tell() == 0:
            sentence = "Choose a sound file, or record one."
            raise InvalidInput(sentence, fields={"file": sentence}, code="no_file")
        services().originals.put_file(key, Path(file.name))
    return key


def _back(entry: Entry, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("narrations.index", entry_id=entry.id), 303)
