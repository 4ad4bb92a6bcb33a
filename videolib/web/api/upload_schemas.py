"""The shapes of uploads, for the documentation of the API."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Boolean, DateTime, Integer, List, Nested, String
from apiflask.validators import OneOf

from videolib.catalogue.uploads import KINDS
from videolib.web.api.schemas import Reason


class UploadOut(Schema):
    """One file on its way in, or what became of it."""

    id = String()
    state = String(validate=OneOf(("receiving", "received", "done", "refused")))
    kind = String(validate=OneOf(KINDS))
    name = String()
    length = Integer()
    offset = Integer(metadata={"description": "bytes that have arrived and are kept"})
    fingerprint = String()
    expires_at = DateTime(metadata={"description": "kept until then unless more arrives"})
    entry_id = String(allow_none=True)
    edit_url = String(allow_none=True)
    recording_id = String(allow_none=True)
    is_duplicate = Boolean(metadata={"description": "the library had these bytes already"})
    reason = Nested(Reason, allow_none=True)


class ListedUpload(UploadOut):
    """An upload in a list."""


class UploadsOut(Schema):
    """The caller's uploads."""

    items = List(Nested(ListedUpload))
    next_cursor = String(allow_none=True)


class UploadEntry(Schema):
    """The draft of an upload."""

    entry_id = String()
    edit_url = String()


class FileToCheck(Schema):
    """What is known of a file before it is sent."""

    name = String(required=True)
    size = Integer(required=True)
    kind = String(validate=OneOf(KINDS))
    fingerprint = String(metadata={"description": "size, a hyphen, and the CRC-32 of samples of it; see docs/api.md"})
    head = String(metadata={"description": "its first bytes in base64, up to 4096"})


class FilesToCheck(Schema):
    """Files that somebody wants to send, at most 500."""

    files = List(Nested(FileToCheck), required=True)


class SameRecording(Schema):
    """A recording that seems to have the same bytes."""

    recording_id = String()
    entry_url = String(allow_none=True)


class CheckedFile(Schema):
    """What would become of a file."""

    refusal = Nested(Reason, allow_none=True)
    resume = String(allow_none=True, metadata={"description": "id of the unfinished upload of the same file"})
    same = Nested(SameRecording, allow_none=True)


class CheckedFiles(Schema):
    """The answer: for each file, and which of them look like parts of one recording, by their numbers from 0."""

    files = List(Nested(CheckedFile))
    groups = List(List(Integer()))
