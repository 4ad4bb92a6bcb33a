"""`/api/v1/recordings`: how far a recording is."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from werkzeug.wrappers import Response

from videolib.catalogue.cines import confirm_guesses, correct_cine
from videolib.catalogue.entries import find_entry_of
from videolib.catalogue.publishing import recording_is_ready
from videolib.catalogue.recordings import Recording
from videolib.errors import InvalidInput
from videolib.web.access import current_person, recording_to_edit, recording_to_see, require_editor
from videolib.web.api.answers import sent_object, tagged
from videolib.web.api.schemas import CineConfirmation, CineCorrections, RecordingOut
from videolib.web.api.spec import documents_body
from videolib.web.context import commit, database_session, services
from videolib.web.languages import language
from videolib.web.recording_views import recording_json
from videolib.web.watching import ALLOWED_S

NEXT_LOOK = "Videolib-Next-Look"
blueprint = APIBlueprint("recordings", __name__, url_prefix="/api/v1", tag="Recordings")


@blueprint.get("/recordings/<recording_id>")
@blueprint.output(RecordingOut)
def show(recording_id: str) -> Response:
    """See how far a recording is

    For editors, and for who may open it before it is signed off. With `If-None-Match`, 304 while nothing has changed;
    the header `Videolib-Next-Look` says after how many seconds to look again.
    """
    watching, person = services().watching, current_person()
    who = person.id if person else None
    watching.remember(("who", who, recording_id), lambda: recording_to_see(recording_id).id, for_s=ALLOWED_S)
    described = watching.remember(
        ("what", recording_id, language()), lambda: _describe(recording_id), for_s=watching.freshness_s()
    )
    response = tagged(described)
    sees_nothing = described["work"] is not None and not described["work"]["is_playable"]
    response.headers[NEXT_LOOK] = str(watching.look((who, recording_id), sees_nothing=sees_nothing))
    return response


def _describe(recording_id: str) -> dict[str, Any]:
    recording = recording_to_see(recording_id)
    return recording_json(recording, find_entry_of(database_session(), recording.id))


@blueprint.patch("/recordings/<recording_id>/cine")
@documents_body(CineCorrections)
@blueprint.output(RecordingOut)
def correct(recording_id: str) -> Response:
    """Correct what a DICOM recording shows

    By run: rate, window, mask frames, pixel shift. The package is made anew; what is not given stays.
    """
    person = require_editor()
    recording = recording_to_edit(recording_id)
    correct_cine(database_session(), recording, _object_in(sent_object(), "corrections"), by=person)
    return _answered(recording)


@blueprint.post("/recordings/<recording_id>/cine/confirm")
@documents_body(CineConfirmation)
@blueprint.output(RecordingOut)
def confirm(recording_id: str) -> Response:
    """Agree to what was guessed

    Before that, its entry is not published.
    """
    person = require_editor()
    recording = recording_to_edit(recording_id)
    confirm_guesses(database_session(), recording, _keys_in(sent_object()), by=person)
    if recording.state == "ready":
        threshold = services().settings.review_threshold
        recording_is_ready(database_session(), recording, threshold=threshold, by=person)
    return _answered(recording)


def _answered(recording: Recording) -> Response:
    commit()
    return tagged(recording_json(recording, find_entry_of(database_session(), recording.id)))


def _object_in(sent: dict[str, Any], name: str) -> dict[str, Any]:
    value = sent.get(name)
    if not isinstance(value, dict) or not all(isinstance(run, dict) for run in value.values()):
        sentence = "Send an object for each run."
        raise InvalidInput(sentence, fields={name: sentence})
    return value


def _keys_in(sent: dict[str, Any]) -> list[str] | None:
    keys = sent.get("keys")
    if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        sentence = "Send a list of keys, or none for all."
        raise InvalidInput(sentence, fields={"keys": sentence})
    return keys
