"""JSON answers with their tags, and what a program said about the version that it read."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import json, jsonify, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.wrappers import Response

from videolib.catalogue.entries import Entry
from videolib.errors import Conflict, InvalidInput

DEEPEST = 40


def tagged(body: dict[str, Any], tag: str | None = None, *, status: int = 200) -> Response:
    """The JSON answer with an ETag: `tag`, or one of the content. A GET of what the caller has is answered 304."""
    response = jsonify(body)
    response.status_code = status
    response.set_etag(tag or hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("Cookie", "Authorization", "Accept-Language"))
    return response.make_conditional(request) if status == 200 and request.method == "GET" else response


def expected_revision(entry: Entry) -> int | None:
    """The revision to fence a write with: None where the program did not say which one it read.

    Raises `Conflict` (code "stale") where it read another one than there is now.
    """
    tags = request.if_match
    if not tags or tags.star_tag:
        return None
    if not tags.contains(str(entry.revision)):
        raise Conflict("Somebody else has changed this entry since you opened it.", code="stale")
    return entry.revision


def sent_object() -> dict[str, Any]:
    """The JSON object that was sent; {} for an empty body. Raises `InvalidInput`, or werkzeug's 400 and 415."""
    if not request.get_data():
        return {}
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        found = json.loads(request.get_data(as_text=False).decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest from error
    if not isinstance(found, dict):
        raise InvalidInput("Send one JSON object.", code="not_an_object")
    _require_plain(found)
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _require_plain(value: Any, depth: int = 0) -> None:
    """Raise `InvalidInput` for what no database keeps: NUL, half characters, endless nesting."""
    if depth > DEEPEST:
        raise InvalidInput("The JSON is nested too deeply.", code="too_deep")
    if isinstance(value, str):
        require_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            require_text(key)
            _require_plain(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _require_plain(inner, depth + 1)


def require_text(text: str) -> None:
    """Raise `InvalidInput` for a text with characters that no database keeps."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("A text holds characters that cannot be kept.", code="bad_characters")
