"""The published versions of an entry: each publish leaves an immutable copy of the whole document, with who and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.documents import Change, digest_of, document_of, find_changes
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.db import Base, utc_now
from videolib.errors import InvalidInput, NotFound

MOST_REASON = 2000
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
    digest: Mapped[str]
    recording_id: Mapped[str | None]
    package_id: Mapped[str | None]
    review_id: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    # kept beside the id: a version says who made it even when that person is gone
    author_name: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


def add_version(
    session: Session, entry: Entry, annotations: list[dict[str, Any]], *, reason: str, by: User | None
) -> EntryVersion:
    """Count the entry's version up and keep what its columns say now."""
    entry.version += 1
    document = document_of(entry)
    version = EntryVersion(
        entry_id=entry.id,
        number=entry.version,
        document=document,
        annotations=annotations,
        digest=digest_of({"document": document, "annotations": annotations}),
        recording_id=entry.recording_id,
        package_id=entry.package_id,
        author_id=by.id if by else None,
        author_name=(by.display_name or by.email.partition("@")[0]) if by else "",
        reason=reason.strip()[:MOST_REASON],
    )
    session.add(version)
    session.flush()
    return version


def list_versions(session: Session, entry_id: str) -> list[EntryVersion]:
    """All of them, the newest first."""
    mine = select(EntryVersion).where(EntryVersion.entry_id == entry_id).order_by(EntryVersion.number.desc())
    return list(session.scalars(mine))


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
    if before.annotations != after.annotations:
        changes.append(Change("segments", before.annotations, after.annotations))
    if before.recording_id != after.recording_id:
        changes.append(Change("recording", before.recording_id, after.recording_id))
    return changes


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


def require_reason(reason: str) -> str:
    """The reason that was given. Raises `InvalidInput` without one."""
    if not reason.strip():
        raise InvalidInput("Say why.", fields={"reason": "Say why."})
    return reason.strip()[:MOST_REASON]
