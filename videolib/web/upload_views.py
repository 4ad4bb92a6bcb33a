"""What pages and the API show of uploads, and of files before they are sent."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from flask import url_for

from videolib.catalogue.access import can
from videolib.catalogue.entries import find_entry_of
from videolib.catalogue.part_names import find_groups
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.upload_checks import find_same, limits_of, refuse_head, require_acceptable
from videolib.catalogue.uploads import Announced, Upload, find_unfinished
from videolib.errors import InvalidInput
from videolib.web.context import database_session, services
from videolib.web.error_texts import REASONS, translated
from videolib.web.languages import language

MOST_FILES = 500


@dataclass(frozen=True)
class _Asked:
    """A file that somebody wants to send."""

    announced: Announced
    head: bytes


def upload_json(upload: Upload) -> dict[str, Any]:
    """The upload for programs and for the page."""
    reason = None
    if upload.reason_message:
        message = translated(upload.reason_message)
        if language() == "zh" and message == upload.reason_message and upload.reason_code in REASONS:
            message = str(REASONS[upload.reason_code])
        reason = {"code": upload.reason_code, "message": message}
    return {
        "id": upload.id,
        "state": upload.state,
        "kind": upload.kind,
        "name": upload.name,
        "length": upload.length,
        "offset": upload.arrived,
        "fingerprint": upload.fingerprint,
        "expires_at": upload.expires_at.isoformat(),
        "entry_id": upload.entry_id,
        "edit_url": url_for("studio.edit", entry_id=upload.entry_id) if upload.entry_id else None,
        "recording_id": upload.recording_id,
        "is_duplicate": upload.is_duplicate,
        "reason": reason,
    }


def check_files(sent: dict[str, Any], *, by: User) -> dict[str, Any]:
    """What would become of these files. Raises `InvalidInput` where the question cannot be understood."""
    asked = _read_files(sent)
    fingerprints = [(one.announced.length, one.announced.fingerprint) for one in asked]
    same = find_same(database_session(), services().originals, fingerprints)
    unfinished = find_unfinished(database_session(), [text for _size, text in fingerprints], by=by)
    return {
        "files": [_answer(one, same, unfinished, by=by) for one in asked],
        "groups": _groups([one.announced.name for one in asked]),
    }


def _answer(one: _Asked, same: dict[str, Recording], unfinished: dict[str, Upload], *, by: User) -> dict[str, Any]:
    fingerprint = one.announced.fingerprint
    known = same.get(fingerprint)
    resume = unfinished.get(fingerprint)
    refusal = None if resume else _refusal(one, by=by)
    return {
        "refusal": refusal,
        "resume": resume.id if resume else None,
        "same": _same_json(known) if known is not None and can(by, "know", known) else None,
    }


def _refusal(one: _Asked, *, by: User) -> dict[str, str] | None:
    limits = limits_of(services().settings, services().originals)
    try:
        require_acceptable(database_session(), one.announced, limits, by=by)
        if one.announced.kind == "file":
            refuse_head(one.head)
    except InvalidInput as error:
        return {"code": error.code, "message": translated(error.message, error.code)}
    return None


def _same_json(recording: Recording) -> dict[str, str | None]:
    entry = find_entry_of(database_session(), recording.id)
    url = url_for("entries.show", entry_id=entry.id) if entry else None
    return {"recording_id": recording.id, "entry_url": url}


def _groups(names: Sequence[str]) -> list[list[int]]:
    """Files that look like parts of one recording: their numbers, in the order of the parts."""
    places = {name: number for number, name in enumerate(names)}
    groups = find_groups(PurePosixPath(name) for name in sorted(places))
    return [[places[str(file)] for file in group] for group in groups if len(group) > 1]


def _read_files(sent: dict[str, Any]) -> list[_Asked]:
    files = sent.get("files")
    if not isinstance(files, list) or len(files) > MOST_FILES or not all(isinstance(file, dict) for file in files):
        sentence = f"Send a list of at most {MOST_FILES} files."
        raise InvalidInput(sentence, fields={"files": sentence})
    return [_read_file(file) for file in files]


def _read_file(file: dict[str, Any]) -> _Asked:
    size = file.get("size")
    texts = [file.get(*given) for given in (("name", ""), ("kind", "file"), ("fingerprint", ""), ("head", ""))]
    is_size = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**62
    if size is None or not is_size or not all(isinstance(text, str) and len(text) < 8192 for text in texts):
        sentence = "A file has a name, a size in bytes, and where it is known a kind, a fingerprint and a head."
        raise InvalidInput(sentence, fields={"files": sentence})
    name, kind, fingerprint, head = texts
    try:
        beginning = base64.b64decode(head, validate=True)
    except (binascii.Error, ValueError):
        beginning = b""
    # a file's name may hold characters that no path has
    return _Asked(Announced(name.replace("/", "_"), size, kind, fingerprint), beginning)
