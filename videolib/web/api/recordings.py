"""`/api/v1/recordings`: how far a recording is."""

from __future__ import annotations

from apiflask import APIBlueprint
from werkzeug.wrappers import Response

from videolib.catalogue.entries import find_entry_of
from videolib.web.access import recording_to_see
from videolib.web.api.answers import tagged
from videolib.web.api.schemas import RecordingOut
from videolib.web.context import database_session
from videolib.web.recording_views import recording_json

blueprint = APIBlueprint("recordings", __name__, url_prefix="/api/v1", tag="Recordings")


@blueprint.get("/recordings/<recording_id>")
@blueprint.output(RecordingOut)
def show(recording_id: str) -> Response:
    """See how far a recording is

    For its uploader and for editors. With `If-None-Match`, 304 while nothing has changed.
    """
    recording = recording_to_see(recording_id)
    return tagged(recording_json(recording, find_entry_of(database_session(), recording.id)))
