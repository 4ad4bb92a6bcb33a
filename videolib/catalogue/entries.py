"""Entries: the teaching pages of the catalogue, from draft to published, and who may see them."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, and_, or_, select, true, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.catalogue.audit import record_event
from videolib.catalogue.entry_terms import require_terms, with_term_ids
from videolib.catalogue.entry_values import (
    DETAIL_FIELDS,
    LANG_FIELDS,
    SINGLE_TERM_FIELDS,
    TERM_FIELDS,
    EntryValues,
    plain,
)
from videolib.catalogue.library import next_sequence
from videolib.catalogue.lifecycle import STATES as STATUSES
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.vocabulary import Term
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

__all__ = ["STATUSES"]
EDITING_ROLES = frozenset({"editor", "admin"})
DEFAULT_LIMIT, MAX_LIMIT = 20, 100
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
    status: Mapped[str] = mapped_column(default="draft", index=True)
    audience: Mapped[str] = mapped_column(default="signed_in")
    recording_id: Mapped[str | None] = mapped_column(ForeignKey("recordings.id"), index=True)
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
    # position in the order of all changes, which every host's index follows
    index_sequence: Mapped[int] = mapped_column(BigInteger, default=0, index=True)

    terms: Mapped[list[EntryTerm]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="EntryTerm.field, EntryTerm.position"
    )
    recording: Mapped[Recording | None] = relationship(lazy="joined")
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


def may_edit(user: User | None) -> bool:
    """Whether this person may see drafts and change entries."""
    return user is not None and user.active and bool(user.role_names & EDITING_ROLES)


def may_preview(user: User | None, entry: Entry) -> bool:
    """Whether this person may watch what is not published: editors, the uploader, the named reviewer."""
    if user is None or not user.active:
        return False
    uploader_id = entry.recording.uploader_id if entry.recording else None
    return may_edit(user) or user.id in {entry.reviewer_id, uploader_id}


def audiences_of(user: User | None) -> frozenset[str]:
    """The audiences to which this person belongs."""
    return frozenset({"public", "signed_in"} if user is not None and user.active else {"public"})


def visible_to(user: User | None) -> ColumnElement[bool]:
    """The condition under which this person may see an entry."""
    watchable = and_(Entry.status == "published", Entry.package_id.is_not(None), Entry.audience.in_(audiences_of(user)))
    if may_edit(user):
        return true()
    return or_(watchable, Entry.reviewer_id == user.id) if user is not None and user.active else watchable


def get_entry(session: Session, entry_id: str, *, by: User | None) -> Entry:
    """That entry, if this person may see it. Raises `NotFound` in both other cases."""
    entry = session.scalars(select(Entry).where(Entry.id == entry_id, visible_to(by))).first()
    if entry is None:
        raise NotFound("There is no such entry, or you may not see it.", code="entry_not_found")
    return entry


def find_entry_of(session: Session, recording_id: str) -> Entry | None:
    """The first entry made of that recording."""
    return session.scalars(select(Entry).where(Entry.recording_id == recording_id).order_by(Entry.created_at)).first()


def list_entries(
    session: Session,
    *,
    by: User | None,
    status: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> tuple[list[Entry], str | None]:
    """A page of what this person may see, newest first, and the cursor of the next one."""
    order = (Entry.created_at.desc(), Entry.id)
    statement = select(Entry).where(visible_to(by)).order_by(*order).limit(limit + 1)
    if status is not None:
        statement = statement.where(Entry.status == status)
    if cursor is not None:
        at, entry_id = _read_cursor(cursor)
        statement = statement.where(or_(Entry.created_at < at, and_(Entry.created_at == at, Entry.id > entry_id)))
    rows = list(session.scalars(statement))
    more = len(rows) > limit
    return rows[:limit], _make_cursor(rows[limit - 1]) if more else None


def apply_values(session: Session, entry: Entry, values: EntryValues) -> None:
    """Set the fields that were given; the terms among them must exist. Raises `InvalidInput`."""
    given = values.model_fields_set
    for name in given & set(LANG_FIELDS):
        setattr(entry, name, plain(getattr(values, name)) or {})
    if "learning_objectives" in given:
        entry.learning_objectives = [text for text in plain(values.learning_objectives) or [] if text]
    if "year_of_procedure" in given:
        entry.year_of_procedure = values.year_of_procedure
    if values.audience:
        entry.audience = values.audience
    changed = {name: plain(getattr(values, name)) for name in DETAIL_FIELDS if name in given}
    if changed:
        details = {**entry.details, **with_term_ids(session, changed)}
        entry.details = {name: value for name, value in details.items() if value not in (None, {}, [], "")}
    _apply_terms(session, entry, values)
    count_write(session, entry)


def _apply_terms(session: Session, entry: Entry, values: EntryValues) -> None:
    given = values.model_fields_set
    for name, scheme in SINGLE_TERM_FIELDS.items():
        if name in given:
            asked, kept = getattr(values, name), getattr(entry, name)
            chosen = require_terms(session, name, scheme, [asked] if asked else [], kept=[kept] if kept else [])
            setattr(entry, name, next(iter(chosen), None))
    for name, scheme in TERM_FIELDS.items():
        if name in given:
            kept_ids = [link.term_id for link in entry.terms if link.field == name]
            chosen = require_terms(session, name, scheme, getattr(values, name) or [], kept=kept_ids)
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


def _make_cursor(entry: Entry) -> str:
    return base64.urlsafe_b64encode(f"{entry.created_at.isoformat()}|{entry.id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, entry_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        moment = datetime.fromisoformat(at)
    except (ValueError, binascii.Error, UnicodeDecodeError) as error:
        raise InvalidInput("This page address is damaged; start again at the first page.", code="bad_cursor") from error
    if moment.tzinfo is None:
        raise InvalidInput("This page address is damaged; start again at the first page.", code="bad_cursor")
    return moment, entry_id
