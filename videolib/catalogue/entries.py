"""Entries: the teaching pages of the catalogue, from draft to published; who may see them stands in `access`."""

from __future__ import annotations

import secrets
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.catalogue.audit import record_event
from videolib.catalogue.entry_structures import Sharing
from videolib.catalogue.entry_terms import require_terms, with_term_ids
from videolib.catalogue.entry_values import (
    DETAIL_FIELDS,
    LANG_FIELDS,
    SINGLE_TERM_FIELDS,
    TERM_FIELDS,
    EntryValues,
    plain,
)
from videolib.catalogue.groups import find_tokens
from videolib.catalogue.library import next_sequence
from videolib.catalogue.lifecycle import STATES as STATUSES
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.vocabulary import Term
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict

__all__ = ["STATUSES"]
# no letter that is read as another or as a digit
_CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_code() -> str:
    """A short id to cite an entry by: eight characters that can be read out on the telephone."""
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(8))


class EntryTerm(Base):
    """A term that an entry carries, in one of its fields."""

    __tablename__ = "entry_terms"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    term_id: Mapped[str] = mapped_column(ForeignKey("terms.id"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)

    term: Mapped[Term] = relationship(lazy="joined")


class EntryAudience(Base):
    """Whom a narrow audience names: `group:<id>` or `person:<id>`."""

    __tablename__ = "entry_audiences"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[str] = mapped_column(primary_key=True, index=True)


class Entry(Base):
    """A teaching page. `revision` grows with each write, `version` with each publish.

    The columns say what viewers see. What is being changed of a published entry waits in `pending` (fields of a
    document that differ, see `documents`) with a state of its own, until it is published too.
    """

    __tablename__ = "entries"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    # never used again for another; with a version behind it, it names exactly one text
    code: Mapped[str] = mapped_column(unique=True, default=new_code)
    revision: Mapped[int] = mapped_column(default=1)
    version: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="draft")
    # a word of `EntryValues.audience`; whom a narrow one names stands in `named`, its days in the two columns below
    audience: Mapped[str] = mapped_column(default="signed_in")
    visible_from: Mapped[datetime | None]
    visible_until: Mapped[datetime | None]
    recording_id: Mapped[str | None] = mapped_column(ForeignKey("recordings.id"), index=True)
    # the montage that takes the recording's place as soon as it is made, see `ranges`
    next_recording_id: Mapped[str | None] = mapped_column(ForeignKey("recordings.id"), index=True)
    # annotations and cues on material that the ranges leave out, on its recording's clock: they come back with it
    unplaced: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    # what viewers see; moved by one update when a new package is published
    package_id: Mapped[str | None] = mapped_column(ForeignKey("packages.id"))
    title: Mapped[dict[str, str]] = mapped_column(default=dict)
    summary: Mapped[dict[str, str]] = mapped_column(default=dict)
    key_points: Mapped[dict[str, str]] = mapped_column(default=dict)
    learning_objectives: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    content_type: Mapped[str | None] = mapped_column(ForeignKey("terms.id"))
    difficulty: Mapped[str | None] = mapped_column(ForeignKey("terms.id"))
    cn_grade: Mapped[str | None] = mapped_column(ForeignKey("terms.id"))
    year_of_procedure: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    pending: Mapped[dict[str, Any]] = mapped_column(default=dict)
    pending_state: Mapped[str | None]
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    submitted_at: Mapped[datetime | None]
    publish_requested: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    withdrawn_reason: Mapped[str | None]
    # hidden by a viewer's report at this revision: it returns as it was, if it still is so, see `holding`
    held_revision: Mapped[int | None]
    # position in the order of all changes, which every host's index follows
    index_sequence: Mapped[int] = mapped_column(BigInteger, default=0, index=True)

    __table_args__ = (Index("ix_entries_status_created_at", "status", "created_at"),)

    terms: Mapped[list[EntryTerm]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="EntryTerm.field, EntryTerm.position"
    )
    named: Mapped[list[EntryAudience]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by=EntryAudience.token
    )
    recording: Mapped[Recording | None] = relationship(lazy="joined", foreign_keys=recording_id)
    next_recording: Mapped[Recording | None] = relationship(foreign_keys=next_recording_id)
    package: Mapped[Package | None] = relationship(lazy="joined")

    @property
    def work_state(self) -> str:
        """The state of what editors work on: of the entry itself, or of the changes to a published one."""
        return (self.pending_state or "draft") if self.status == "published" and self.pending else self.status

    def terms_of(self, field: str) -> list[Term]:
        """The terms in one of `TERM_FIELDS`, in their order."""
        return [link.term for link in self.terms if link.field == field]


def create_entry(
    session: Session, values: EntryValues, *, recording: Recording | None = None, by: User | None
) -> Entry:
    """A draft. Raises `InvalidInput` for terms that do not exist."""
    entry = Entry(created_by_id=by.id if by else None, recording_id=recording.id if recording else None)
    session.add(entry)
    session.flush()
    apply_values(session, entry, values)
    record_event(session, "create", "entry", entry.id, by=by)
    return entry


def update_entry(
    session: Session, entry: Entry, values: EntryValues, *, revision: int | None, by: User | None
) -> Entry:
    """Change what `values` gives, of an entry that nobody sees. Raises `Conflict` where `revision` is old.

    What is published is changed by `publishing.change_entry`, through the gate.
    """
    require_revision(entry, revision)
    apply_values(session, entry, values)
    record_event(session, "update", "entry", entry.id, by=by, fields=sorted(values.model_fields_set))
    return entry


def find_entry_of(session: Session, recording_id: str) -> Entry | None:
    """The first entry made of that recording."""
    return session.scalars(select(Entry).where(Entry.recording_id == recording_id).order_by(Entry.created_at)).first()


def apply_values(session: Session, entry: Entry, values: EntryValues, *, with_retired: bool = False) -> None:
    """Set the fields that were given; the terms among them must exist. Raises `InvalidInput`.

    with_retired: terms that are retired may be given too: the entry carried them before.
    """
    given = values.model_fields_set
    for name in given & set(LANG_FIELDS):
        setattr(entry, name, plain(getattr(values, name)) or {})
    if "learning_objectives" in given:
        entry.learning_objectives = [text for text in plain(values.learning_objectives) or [] if text]
    if "year_of_procedure" in given:
        entry.year_of_procedure = values.year_of_procedure
    if values.audience:
        entry.audience = values.audience
    if given & {"audience", "sharing"}:
        sharing = values.sharing if "sharing" in given else Sharing(**(entry.details.get("sharing") or {}))
        _apply_sharing(session, entry, sharing or Sharing())
    changed = {name: plain(getattr(values, name)) for name in DETAIL_FIELDS if name in given}
    if changed:
        details = {**entry.details, **with_term_ids(session, changed, with_retired=with_retired)}
        entry.details = {name: value for name, value in details.items() if value not in (None, {}, [], "")}
    _apply_terms(session, entry, values, with_retired=with_retired)
    count_write(session, entry)


def _apply_sharing(session: Session, entry: Entry, sharing: Sharing) -> None:
    tokens = find_tokens(session, entry.audience, sharing.names or [])
    kept = {row.token: row for row in entry.named}
    entry.named = [kept.get(token) or EntryAudience(token=token) for token in tokens]
    # days of this host's clock
    entry.visible_from = _midnight(sharing.starts_on) if sharing.starts_on else None
    entry.visible_until = _midnight(sharing.ends_on + timedelta(days=1)) if sharing.ends_on else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()


def _apply_terms(session: Session, entry: Entry, values: EntryValues, *, with_retired: bool) -> None:
    given = values.model_fields_set
    for name, scheme in SINGLE_TERM_FIELDS.items():
        if name in given:
            asked = [getattr(values, name)] if getattr(values, name) else []
            kept = asked if with_retired else [getattr(entry, name)]
            chosen = require_terms(session, name, scheme, asked, kept=kept)
            setattr(entry, name, next(iter(chosen), None))
    for name, scheme in TERM_FIELDS.items():
        if name in given:
            asked = getattr(values, name) or []
            kept = asked if with_retired else [link.term_id for link in entry.terms if link.field == name]
            chosen = require_terms(session, name, scheme, asked, kept=kept)
            _replace_terms(entry, name, chosen)


def _replace_terms(entry: Entry, field: str, identifiers: list[str]) -> None:
    kept = {link.term_id: link for link in entry.terms if link.field == field}
    for term_id, link in kept.items():
        if term_id not in identifiers:
            entry.terms.remove(link)
    for position, identifier in enumerate(identifiers):
        link = kept.get(identifier) or EntryTerm(field=field, term_id=identifier)
        link.position = position
        if identifier not in kept:
            entry.terms.append(link)


def require_revision(entry: Entry, revision: int | None) -> None:
    """Raise `Conflict` (code "stale") where the entry has been changed since that revision; None asks nothing."""
    if revision is not None and revision != entry.revision:
        raise Conflict("Somebody else has changed this entry since you opened it.", code="stale")


def count_write(session: Session, entry: Entry) -> None:
    """Count the write, fenced by the revision that was read, and give it its place in the order of changes."""
    session.flush()
    read = entry.revision
    changed = session.execute(
        update(Entry)
        .where(Entry.id == entry.id, Entry.revision == read)
        .values(revision=read + 1, updated_at=utc_now(), index_sequence=next_sequence(session))
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        raise Conflict("Somebody else has changed this entry since you opened it.", code="stale")
    session.refresh(entry)


def give_place(session: Session, entry: Entry) -> None:
    """Give the entry its place in the order of changes: something beside its own fields was written.

    Its revision stays, so that nobody who fills in its form is called stale for it.
    """
    entry.index_sequence = next_sequence(session)
    session.flush()
