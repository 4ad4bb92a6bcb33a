"""The words of tus 1.0.0, the protocol of resumable uploads: what its headers say, and what ours answer.

https://tus.io/protocols/resumable-upload: core, creation, expiration, checksum, termination.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from flask import request
from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from videolib.catalogue.uploads import Announced, Upload
from videolib.errors import Conflict, InvalidInput

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
CONTENT_TYPE = "application/offset+octet-stream"
# what one request may carry; behind waitress 16 MiB, as that keeps whole bodies aside
LARGEST_PIECE_BYTES = 64 * 1024 * 1024
# what the pages send at once, and programs should
PIECE_BYTES = 16 * 1024 * 1024
MAX_TOLD_CHARACTERS = 4096
ALGORITHMS: dict[str, Callable[[bytes], Any]] = {
    "sha256": hashlib.sha256,
    "sha1": lambda content: hashlib.sha1(content, usedforsecurity=False),
    "md5": lambda content: hashlib.md5(content, usedforsecurity=False),
}


class ChecksumMismatch(InvalidInput):
    """The bytes that arrived are not those that were sent."""

    code = "checksum_mismatch"


def require_version() -> None:
    """Raise `Conflict` (code "tus_version") unless the client speaks this version."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Conflict("Send the header Tus-Resumable: 1.0.0.", code="tus_version")


def announce(headers: Headers, largest: int) -> None:
    """Say what is spoken here."""
    headers["Tus-Version"] = VERSION
    headers["Tus-Extension"] = EXTENSIONS
    headers["Tus-Max-Size"] = str(largest)
    headers["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)


def tell(headers: Headers, upload: Upload) -> None:
    """Say how far an upload is, and until when it is kept."""
    headers["Upload-Offset"] = str(upload.arrived)
    if upload.state == "receiving":
        headers["Upload-Expires"] = http_date(upload.expires_at)


def read_announced() -> Announced:
    """What the client says of its file. Raises `InvalidInput`."""
    if "Upload-Defer-Length" in request.headers:
        raise InvalidInput("Say the length at once: Upload-Length in bytes.", code="no_length")
    told = request.headers.get("Upload-Metadata", "")
    if len(told) > MAX_TOLD_CHARACTERS:
        raise InvalidInput("Upload-Metadata is too long.", code="bad_metadata")
    said = _read_metadata(told)
    return Announced(
        name=(said.get("filename") or said.get("name") or "").replace("\\", "/").rpartition("/")[2].strip(),
        length=read_count("Upload-Length", "no_length"),
        kind=said.get("kind") or "file",
        fingerprint=said.get("fingerprint", "")[:64],
        told=told,
    )


def read_count(name: str, code: str) -> int:
    """A header that holds a number of bytes. Raises `InvalidInput`."""
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise InvalidInput(f"Send the header {name}, a number of bytes.", code=code)
    return int(value)


def require_checksum(content: bytes) -> None:
    """Raise `ChecksumMismatch` for other bytes than the client has sent, `InvalidInput` for an unknown algorithm."""
    given = request.headers.get("Upload-Checksum")
    if given is None:
        return
    algorithm, _space, value = given.partition(" ")
    if algorithm not in ALGORITHMS:
        raise InvalidInput(f"Checksums are {', '.join(ALGORITHMS)}.", code="bad_checksum")
    if base64.b64encode(ALGORITHMS[algorithm](content).digest()).decode("ascii") != value.strip():
        raise ChecksumMismatch("The bytes were changed on the way; send them again.")


def _read_metadata(told: str) -> dict[str, str]:
    """`key base64, key base64`: what tus calls metadata."""
    said = {}
    for pair in filter(None, (pair.strip() for pair in told.split(","))):
        key, _space, value = pair.partition(" ")
        try:
            said[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except ValueError:  # no base64, or no UTF-8 in it
            raise InvalidInput("Upload-Metadata is pairs of a word and base64.", code="bad_metadata") from None
        if "\x00" in said[key]:
            raise InvalidInput("A text holds characters that cannot be kept.", code="bad_metadata")
    return said
