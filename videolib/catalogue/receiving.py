"""A piece of an upload arrives: kept by the store first, then written down; only then is it acknowledged.

Order is safety. A death before the row is written costs this piece and no other: it is sent again to the same place.
Two that send at once cannot both be written down, as each says from which byte it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from videolib.catalogue.people import User
from videolib.catalogue.storage_use import require_within_quota
from videolib.catalogue.upload_checks import refuse_head
from videolib.catalogue.uploads import (
    Announced,
    Upload,
    acknowledge,
    add_upload,
    get_upload,
    mark_removed,
    new_original_key,
    next_part,
    wrong_offset,
)
from videolib.db import Database
from videolib.digests import feed_digest
from videolib.errors import InvalidInput
from videolib.storage import GrowingStore


@dataclass(frozen=True)
class Piece:
    """Some bytes of an upload and where they begin."""

    offset: int
    content: bytes


def expect(database: Database, originals: GrowingStore, announced: Announced, *, by: User) -> Upload:
    """Begin an upload. An object that was begun and whose row was not written is removed by `gc`.

    Raises `InvalidInput` where their hospital has no room left: looked at here again, as others begin at the same time.
    """
    key = new_original_key()
    growth = originals.begin(key, announced.length)
    try:
        with database.writing() as session:
            require_within_quota(session, announced.length, by=by)
            return add_upload(session, announced, key, growth, by=by)
    except InvalidInput:
        originals.give_up(key, growth)
        raise


def receive(database: Database, originals: GrowingStore, upload_id: str, piece: Piece, *, by: User) -> Upload:
    """Keep a piece; the upload as it is then.

    Raises `NotFound`, `Conflict` (codes "wrong_offset", "upload_busy"), `InvalidInput` for what is no recording or
    longer than was announced, `Unavailable`.
    """
    with database.reading() as session:
        found = get_upload(session, upload_id, by=by)
    _require_next(found, piece)
    if not piece.content:
        return found
    with originals.held(found.growth):
        with database.writing(durable=False) as session:
            upload = get_upload(session, upload_id, by=by)
            _require_next(upload, piece)
            if originals.makes_part(upload.growth, len(piece.content)):
                next_part(session, upload)
        growth, part = originals.grow(upload.original_key, upload.growth, piece.content)
        digest_state = feed_digest(upload.digest_state, piece.content)
        with database.writing() as session:
            return acknowledge(session, upload, growth, part, digest_state=digest_state)


def give_up(database: Database, originals: GrowingStore, upload_id: str, *, by: User) -> None:
    """Remove an upload and what has arrived of it. Raises `NotFound`, `Conflict` where a recording is being made."""
    with database.writing() as session:
        upload = get_upload(session, upload_id, by=by)
        mark_removed(session, upload)
    if upload.recording_id is None:  # else its bytes are the recording's
        originals.give_up(upload.original_key, replace(upload.growth))


def _require_next(upload: Upload, piece: Piece) -> None:
    if upload.arrived != piece.offset or (upload.state != "receiving" and piece.content):
        raise wrong_offset()
    if piece.offset + len(piece.content) > upload.length:
        raise InvalidInput("More was sent than was announced: the file has grown; upload it anew.", code="too_long")
    if piece.offset == 0 and upload.kind == "file":
        refuse_head(piece.content[:4096])
