"""Many annotations at once: taken as far as they can be, each with what of it could not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.annotation_rules import level_of
from videolib.catalogue.annotations import Annotation, add_annotations
from videolib.catalogue.elan import Spoken
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.web_annotations import Reading, read_annotation
from videolib.errors import InvalidInput

MOST = 1000


@dataclass
class Line:
    """What became of one annotation: the row's id where it was taken, else a sentence that says why not."""

    origin: str | None
    reading: Reading | None = None
    annotation_id: str | None = None
    reason: str | None = None


def import_annotations(
    session: Session, entry: Entry, items: Sequence[Mapping[str, Any]], *, size: tuple[int, int] | None, by: User | None
) -> list[Line]:
    """Add those that can be added; what was taken before (by its id there) is not taken again."""
    if len(items) > MOST:
        raise InvalidInput("Send at most 1000 annotations at once.", code="too_many_annotations")
    return _take(session, entry, [_read(session, item, size) for item in items], by=by)


def import_spoken(session: Session, entry: Entry, found: Sequence[Spoken], *, by: User | None) -> list[Line]:
    """Add what an ELAN file says, as far as it can be; what was taken before is not taken again."""
    if len(found) > MOST:
        raise InvalidInput("Send at most 1000 annotations at once.", code="too_many_annotations")
    lines = [Line(one.origin, Reading(replace(one.values, origin=one.origin), ())) for one in found]
    return _take(session, entry, lines, by=by)


def _take(session: Session, entry: Entry, lines: list[Line], *, by: User | None) -> list[Line]:
    _skip_known(session, entry, lines)
    # wider ones first: a step wants its phase to be there
    rest = sorted((line for line in lines if line.reading and not line.reason), key=_width)
    try:
        with session.begin_nested():
            _add(session, entry, rest, by)
    except InvalidInput:
        for line in rest:
            _try(session, entry, line, by)
    return lines


def _try(session: Session, entry: Entry, line: Line, by: User | None) -> None:
    try:
        with session.begin_nested():
            _add(session, entry, [line], by)
    except InvalidInput as error:
        line.reason = error.message


def _add(session: Session, entry: Entry, lines: Sequence[Line], by: User | None) -> None:
    values = [line.reading.values for line in lines if line.reading]
    if values:
        rows = add_annotations(session, entry, values, by=by, tool="import")
        for line, row in zip(lines, rows, strict=True):
            line.annotation_id = row.id


def _read(session: Session, item: Mapping[str, Any], size: tuple[int, int] | None) -> Line:
    origin = item.get("id") if isinstance(item.get("id"), str) else None
    try:
        return Line(origin, read_annotation(session, item, size=size))
    except InvalidInput as error:
        return Line(origin, reason=error.message)


def _skip_known(session: Session, entry: Entry, lines: Sequence[Line]) -> None:
    known = {
        (row.layer, name)
        for row in session.execute(
            select(Annotation.id, Annotation.layer, Annotation.origin).where(Annotation.entry_id == entry.id)
        )
        for name in (row.origin, row.id)
        if name
    }
    for line in lines:
        if line.reading is None or line.origin is None:
            continue
        layer = line.reading.values.layer
        if {(layer, line.origin), (layer, line.origin.rpartition("/")[2])} & known:
            line.reason = "It is there already."
        known.add((layer, line.origin))


def _width(line: Line) -> tuple[int, int]:
    values = line.reading.values if line.reading else None
    return (level_of(values.kind), values.start_ticks) if values else (0, 0)
