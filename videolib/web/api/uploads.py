"""`/api/v1/uploads`: files arrive piece by piece by tus 1.0.0, and say what became of them.

No unit of work is open while a body is read: whoever is slow holds nothing but a thread.
"""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request, url_for
from werkzeug.exceptions import BadRequest, MethodNotAllowed, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wrappers import Response as WerkzeugResponse

from videolib.catalogue import receiving, uploads
from videolib.catalogue.entries import create_entry
from videolib.catalogue.entry_values import EntryValues
from videolib.catalogue.receiving import Piece
from videolib.catalogue.upload_checks import limits_of, require_acceptable
from videolib.errors import InvalidInput
from videolib.web.access import require_uploader
from videolib.web.api import tus
from videolib.web.api.answers import sent_object, tagged
from videolib.web.api.spec import documents_body
from videolib.web.api.upload_schemas import CheckedFiles, FilesToCheck, UploadEntry, UploadOut, UploadsOut
from videolib.web.context import commit, database_session, services
from videolib.web.upload_views import check_files, upload_json

blueprint = APIBlueprint("uploads", __name__, url_prefix="/api/v1", tag="Uploads")


@blueprint.url_value_preprocessor
def _let_pieces_in(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before anything looks at the body: the check of a form's token would refuse it for its size."""
    if request.mimetype == tus.CONTENT_TYPE:
        request.max_content_length = tus.LARGEST_PIECE_BYTES


@blueprint.after_request
def _speak_tus(response: WerkzeugResponse) -> WerkzeugResponse:
    response.headers["Tus-Resumable"] = tus.VERSION
    if response.status_code == 412:
        response.headers["Tus-Version"] = tus.VERSION
    return response


@blueprint.route("/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/uploads/<upload_id>", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.doc(hide=True)
def options(upload_id: str | None = None) -> WerkzeugResponse:  # noqa: ARG001
    """What is spoken here."""
    response = Response(status=204)
    tus.announce(response.headers, limits_of(services().settings, services().originals).largest)
    return response


@blueprint.post("/uploads")
@blueprint.doc(responses={201: "Begun; `Location` is where its bytes go."})
def create() -> WerkzeugResponse:
    """Begin an upload (tus creation)

    Headers: `Tus-Resumable: 1.0.0`, `Upload-Length`, `Upload-Metadata` with `filename`, and `kind` where it is not a
    single file: `study` (a tar of a folder of DICOM) or `parts` (a tar of a recorder's numbered files, in order).
    """
    person = require_uploader()
    tus.require_version()
    announced = tus.read_announced()
    limits = limits_of(services().settings, services().originals)
    with services().database.reading() as session:
        require_acceptable(session, announced, limits, by=person)
    upload = receiving.expect(services().database, services().originals, announced, by=person)
    response = Response(status=201)
    response.headers["Location"] = url_for("uploads.show", upload_id=upload.id, _external=True)
    tus.tell(response.headers, upload)
    return response


@blueprint.get("/uploads")
@blueprint.output(UploadsOut)
def index() -> WerkzeugResponse:
    """List your uploads

    What is unfinished can be gone on with until `expires_at`; what was finished of late says what became of it.
    """
    found = uploads.list_uploads(database_session(), by=require_uploader())
    return tagged({"items": [upload_json(upload) for upload in found], "next_cursor": None})


@blueprint.get("/uploads/<upload_id>")
@blueprint.output(UploadOut)
def show(upload_id: str) -> WerkzeugResponse:
    """See how far an upload is

    `HEAD` is the question of tus: `Upload-Offset` says from which byte to go on.
    """
    person = require_uploader()
    upload = uploads.get_upload(database_session(), upload_id, by=person)
    if request.method == "GET":
        return tagged(upload_json(upload))
    tus.require_version()
    response = Response(status=200)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Upload-Length"] = str(upload.length)
    if upload.told:
        response.headers["Upload-Metadata"] = upload.told
    tus.tell(response.headers, upload)
    return response


@blueprint.patch("/uploads/<upload_id>")
@blueprint.doc(responses={204: "Kept: `Upload-Offset` says how far it is."})
def append(upload_id: str) -> WerkzeugResponse:
    """Send the next bytes (tus)

    At most 16 MiB at once. What is answered is on the disk. With `Upload-Checksum`, bytes that were changed on the way
    are refused (460).
    """
    person = require_uploader()
    tus.require_version()
    if request.mimetype != tus.CONTENT_TYPE:
        raise UnsupportedMediaType
    offset = tus.read_count("Upload-Offset", "no_offset")
    content = _read_body()
    tus.require_checksum(content)
    piece = Piece(offset, content)
    upload = receiving.receive(services().database, services().originals, upload_id, piece, by=person)
    response = Response(status=204)
    tus.tell(response.headers, upload)
    return response


@blueprint.delete("/uploads/<upload_id>")
@blueprint.doc(responses={204: "Gone."})
def terminate(upload_id: str) -> WerkzeugResponse:
    """Give an upload up (tus termination)"""
    person = require_uploader()
    tus.require_version()
    receiving.give_up(services().database, services().originals, upload_id, by=person)
    return Response(status=204)


@blueprint.post("/uploads/<upload_id>")
@blueprint.doc(responses={204: "Done as `PATCH` or `DELETE` would."})
def override(upload_id: str) -> WerkzeugResponse:
    """Send bytes or give up by POST (tus)

    For clients whose network lets neither `PATCH` nor `DELETE` through: `X-HTTP-Method-Override` names the one.
    """
    require_uploader()
    deed = {"PATCH": append, "DELETE": terminate}.get(request.headers.get("X-HTTP-Method-Override", "").upper())
    if deed is None:
        raise MethodNotAllowed(["GET", "HEAD", "PATCH", "DELETE", "OPTIONS"])
    answer: WerkzeugResponse = deed(upload_id)
    return answer


@blueprint.post("/uploads/<upload_id>/entry")
@blueprint.output(UploadEntry)
def describe(upload_id: str) -> WerkzeugResponse:
    """Begin the entry of an upload

    A draft that can be filled while bytes travel; the recording is added to it. The same draft at each call. None is
    begun while a folder or parts of a recording are taken in that have all arrived: 409 until that is done.
    """
    person = require_uploader()
    session = database_session()
    uploads.lock_upload(session, uploads.get_upload(session, upload_id, by=person).id)
    upload = uploads.get_upload(session, upload_id, by=person)  # as it is now that nobody else writes to it
    if upload.entry_id is None:
        uploads.require_describable(upload)
        upload.entry_id = create_entry(session, EntryValues(), by=person).id
        commit()
    edit_url = url_for("studio.edit", entry_id=upload.entry_id)
    return tagged({"entry_id": upload.entry_id, "edit_url": edit_url})


@blueprint.post("/uploads/check")
@documents_body(FilesToCheck)
@blueprint.output(CheckedFiles)
def check() -> WerkzeugResponse:
    """Ask about files before they are sent

    Whether each would be refused and why, is in the library already, or can be gone on with; and which look like parts
    of one recording.
    """
    person = require_uploader()
    answer: dict[str, Any] = check_files(sent_object(), by=person)
    return tagged(answer)


def _read_body() -> bytes:
    """The bytes of one piece, all of them. Raises werkzeug's 413 and 400."""
    declared = request.content_length
    if declared is not None and declared > tus.LARGEST_PIECE_BYTES:
        raise RequestEntityTooLarge
    try:
        content = request.get_data(cache=False)
    except OSError as error:  # the connection broke: nothing of this piece is kept, it is sent again
        raise BadRequest from error
    if declared is not None and len(content) != declared:
        raise InvalidInput("The connection broke in the middle of a piece; send it again.", code="piece_cut")
    return content
