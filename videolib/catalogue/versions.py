"""The published versions of an entry: each publish leaves an immutable copy of the whole document, with who and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import snapshot as annotations_now
from videolib.catalogue.captions import snapshot as captions_now
from videolib.catalogue.cursors import make_cursor, read_cursor
from videolib.catalogue.documents import Change, digest_of, document_of, find_changes
from videolib.catalogue.entries import Entry
from videolib.catalogue.narrations import snapshot as narrations_now
from videolib.catalogue.people import User
from videolib.catalogue.second_sources import find_second, why_not_shown
from videolib.db import Base, utc_now
from videolib.errors import InvalidInput, NotFound

MOST_REASON = 2000
# where an annotation came from and who says so is not what it says
_UNSAID = frozenset({"layer", "confidence", "origin", "author_name"})
_HIGHEST = 2**31 - 1  # what the column can hold


class EntryVersion(Base):
    """One published version. No code changes such a row; `document` is JSON of every field that said something."""

    __tablename__ = "entry_versions"
    __table_args__ = (Index("uq_entry_versions_entry_number", "entry_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id"))
    number: Mapped[int]
    document: Mapped[dict[str, Any]]
    # phases, steps, events and marks as they were
    annotations: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    # the caption tracks by language; None: kept by a release that did not keep them
    captions: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    # what viewers were shown and told beside the recording: "second" and "narrations.<language>"; None: as above
    beside: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    digest: Mapped[str]
    recording_id: Mapped[str | None]
    package_id: Mapped[str | None]
    review_id: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    # kept beside the id: a version says who made it even when that person is gone
    author_name: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


def add_version(session: Session, entry: Entry, *, reason: str, by: User | None) -> EntryVersion:
    """Count the entry's version up and keep what it says now: columns, annotations, captions, what is beside."""
    entry.version += 1
    document, annotations = document_of(entry), annotations_now(session, entry.id)
    captions, beside = captions_now(session, entry.id), _beside_now(session, entry)
    version = EntryVersion(
        entry_id=entry.id,
        number=entry.version,
        document=document,
        annotations=annotations,
        captions=captions,
        beside=beside,
        digest=digest_of({"document": document, "annotations": annotations, "captions": captions, "beside": beside}),
        recording_id=entry.recording_id,
        package_id=entry.package_id,
        author_id=by.id if by else None,
        author_name=(by.display_name or by.email.partition("@")[0]) if by else "",
        reason=reason.strip()[:MOST_REASON],
    )
    session.add(version)
    session.flush()
    return version


def find_reviewed(session: Session, entries: Iterable[Entry]) -> frozenset[str]:
    """The ids of those whose present version a colleague has reviewed."""
    numbers = {entry.id: entry.version for entry in entries if entry.version}
    if not numbers:
        return frozenset()
    reviewed = select(EntryVersion.entry_id, EntryVersion.number).where(
        EntryVersion.entry_id.in_(numbers), EntryVersion.review_id.is_not(None)
    )
    return frozenset(str(row[0]) for row in session.execute(reviewed) if numbers[str(row[0])] == row[1])


def list_versions(session: Session, entry_id: str) -> list[EntryVersion]:
    """All of them, the newest first."""
    return page_of_versions(session, entry_id)[0]


def page_of_versions(
    session: Session, entry_id: str, *, limit: int | None = None, cursor: str | None = None
) -> tuple[list[EntryVersion], str | None]:
    """A page of them, the newest first, and the cursor of the next one."""
    mine = select(EntryVersion).where(EntryVersion.entry_id == entry_id).order_by(EntryVersion.number.desc())
    if cursor:
        mine = mine.where(EntryVersion.number < read_cursor(cursor, int)[0])
    rows = list(session.scalars(mine.limit(limit + 1) if limit else mine))
    more = limit is not None and len(rows) > limit
    return rows[:limit], make_cursor(rows[limit - 1].number) if limit and more else None


def get_version(session: Session, entry_id: str, number: int) -> EntryVersion:
    """That version. Raises `NotFound`."""
    mine = select(EntryVersion).where(EntryVersion.entry_id == entry_id, EntryVersion.number == number)
    version = session.scalars(mine).first() if number <= _HIGHEST else None
    if version is None:
        raise NotFound("There is no such version of this entry.", code="version_not_found")
    return version


def diff(before: EntryVersion, after: EntryVersion) -> list[Change]:
    """What differs between two versions of one entry, part by part."""
    changes = find_changes(before.document, after.document)
    old, new = ([_said(item) for item in version.annotations] for version in (before, after))
    if old != new:
        changes.append(
            Change("segments", [item for item in old if item not in new], [item for item in new if item not in old])
        )
    for language in sorted({*(before.captions or {}), *(after.captions or {})}):
        was, now = ((version.captions or {}).get(language) for version in (before, after))
        if was != now and before.captions is not None:
            changes.append(Change(f"captions.{language}", was, now))
    if before.recording_id != after.recording_id:
        changes.append(Change("recording", before.recording_id, after.recording_id))
    return [*changes, *changes_beside(before, after)]


def changes_beside(before: EntryVersion | None, after: EntryVersion) -> list[Change]:
    """What differs beside the recording; without `before` all that was there."""
    then, now = before.beside if before else {}, after.beside
    if then is None or now is None:
        return []
    paths = sorted(path for path in {*then, *now} if then.get(path) != now.get(path))
    return [Change(path, then.get(path), now.get(path)) for path in paths]


def kept_annotations(version: EntryVersion) -> list[dict[str, Any]] | None:
    """The annotations of that version; None where the release that made it did not keep them."""
    return version.annotations if version.digest else None


def citation_of(entry: Entry, number: int | None = None) -> str:
    """The id to cite by, `VL-7K3QF9XM.2`; without a number that of the version that is published."""
    version = entry.version if number is None else number
    return f"VL-{entry.code}.{version}" if version else f"VL-{entry.code}"


def read_citation(text: str) -> tuple[str, int | None]:
    """The code and the version that a citation names, however it is typed. Raises `NotFound`."""
    code, _, number = text.strip().upper().removeprefix("VL-").partition(".")
    if number and not (number.isascii() and number.isdigit() and len(number) < 7):
        raise NotFound("There is no such version of this entry.", code="version_not_found")
    # letters that are read as digits
    return code.translate(str.maketrans("OIL", "011")), int(number) if number else None


def find_by_code(session: Session, code: str) -> Entry | None:
    """The entry that is cited by that code."""
    return session.scalars(select(Entry).where(Entry.code == code)).first()


def _beside_now(session: Session, entry: Entry) -> dict[str, Any]:
    second = find_second(session, entry.id)
    is_shown = second is not None and why_not_shown(session, entry, second.recording) is None
    found = (
        {"second": {"recording_id": second.recording_id, "offset_s": second.offset_s}} if second and is_shown else {}
    )
    return found | {f"narrations.{language}": told for language, told in narrations_now(session, entry.id).items()}


def _said(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """What an annotation says, without who wrote it and what it is called."""
    names = AnnotationValues.__dataclass_fields__
    return {name: annotation[name] for name in names if name not in _UNSAID and annotation.get(name) not in (None, {})}


def require_reason(reason: str) -> str:
    """The reason that was given. Raises `InvalidInput` without one."""
    if not reason.strip():
        raise InvalidInput("Say why.", fields={"reason": "Say why."})
    return reason.strip()[:MOST_REASON]
