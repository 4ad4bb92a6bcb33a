"""Cursors of lists: an opaque text that says after which row the next page begins, and the condition it stands for."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from videolib.errors import InvalidInput

_MOST = 1000  # characters
Step = tuple[ColumnElement[Any] | InstrumentedAttribute[Any], Any, bool]
_HIGHEST = 2**63  # what a column can be compared with


def make_cursor(*parts: datetime | int | str) -> str:
    """The place of a row in its order: what it is sorted by, and an id where that is not enough."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in parts]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The parts of a cursor, of these kinds (datetime, int, str). Raises `InvalidInput` (code "bad_cursor")."""
    parts = _parts(cursor) if len(cursor) <= _MOST else None
    if parts is None or len(parts) != len(kinds):
        raise _damaged()
    try:
        return tuple(_part(part, kind) for part, kind in zip(parts, kinds, strict=True))
    except (ValueError, TypeError) as error:
        raise _damaged() from error


def after(*steps: Step) -> ColumnElement[bool]:
    """What comes after a row: each step is what the list is sorted by, the row's value, and whether it falls."""
    return or_(
        *(and_(*(column == value for column, value, _ in steps[:at]), _beyond(steps[at])) for at in range(len(steps)))
    )


def _parts(cursor: str) -> list[Any] | None:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return parts if isinstance(parts, list) else None


def _beyond(step: Step) -> ColumnElement[bool]:
    column, value, falls = step
    found: ColumnElement[bool] = column < value if falls else column > value
    return found


def _part(part: Any, kind: type) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if not isinstance(part, kind) or isinstance(part, bool):
        raise TypeError
    if isinstance(part, str) and ("\x00" in part or any("\ud800" <= letter <= "\udfff" for letter in part)):
        raise ValueError
    if isinstance(part, int) and not -_HIGHEST < part < _HIGHEST:
        raise ValueError
    return part


def _damaged() -> InvalidInput:
    return InvalidInput("This page address is damaged; start again at the first page.", code="bad_cursor")
