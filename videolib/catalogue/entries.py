"""Entries: the teaching pages of the catalogue, from draft to published, and who may see them."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, and_, false, or_, select, true, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.catalogue import recordings
from videolib.catalogue.audit import record_event
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS, EntryValues
from videolib.catalogue.library import next_sequence
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.vocabulary import Term, choose_terms
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

STATUSES = ("draft", "published", "withdrawn")
EDITING_ROLES = frozenset({"editor", "admin"})
DEFAULT_LIMIT, MAX_LIMIT = 20, 100
_LANG_FIELDS = ("title", "summary", "key_points")
_DETAIL_FIELDS = (
    "keywords",
    "contributors",
    "case",
    "operator",
    "outcomes",
    "coi",
    "consent",
    "deid",
    "rights",
    "edit",
    "references",
)


class EntryTerm(Base):
    """A term that an entry carries, in one of its fields."""

    __tablename__ = "entry_terms"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    term_id: Mapped[str] = mapped_column(ForeignKey("terms.id"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)

    term: Mapped[Term] = relationship(lazy="joined")


class Entry(Base):
    """A teaching page. `revision` grows with each write, `version` with each publish."""

    __tablename__ = "entries"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
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
    _apply(session, entry, values)
    record_event(session, "create", "entry", entry.id, by=by)
    return entry


def update_entry(
    session: Session, entry: Entry, values: EntryValues, *, revision: int | None, by: User | None
) -> Entry:
    """Change what `values` gives. Raises `Conflict` where `revision` is not the entry's any more."""
    _require_revision(entry, revision)
    _apply(session, entry, values)
    record_event(session, "update", "entry", entry.id, by=by, fields=sorted(values.model_fields_set))
    return entry


def find_missing(entry: Entry) -> dict[str, str]:
    """What still stands between this entry and publishing: a sentence for each field."""
    missing: dict[str, str] = {}
    for language, name in (("zh", "Chinese"), ("en", "English")):
        if not entry.title.get(language):
            missing[f"title.{language}"] = f"Give it a title in {name}."
    if not entry.terms_of("procedures"):
        missing["procedures"] = "Name at least one procedure."
    recording = entry.recording
    if recording is None:
        missing["recording"] = "Add a recording."
    elif recording.state == "awaiting_review":
        missing["recording"] = "A second person has to look at the recording and sign it off."
    elif recording.state != "ready" or recording.package_id is None:
        missing["recording"] = "Wait until the recording is ready to be watched."
    return missing


def publish_entry(session: Session, entry: Entry, *, revision: int | None = None, by: User | None) -> Entry:
    """Let everyone of its audience see the entry as it is now. Raises `InvalidInput` naming what is missing."""
    _require_revision(entry, revision)
    if missing := find_missing(entry):
        raise InvalidInput(
            "The entry cannot be published yet. " + " ".join(missing.values()),
            fields=missing,
            code="not_publishable",
        )
    entry.status = "published"
    entry.publish_requested = False
    entry.package_id = entry.recording.package_id if entry.recording else None
    entry.version += 1
    entry.published_at = entry.published_at or utc_now()
    count_write(session, entry)
    record_event(session, "publish", "entry", entry.id, by=by, version=entry.version, package=entry.package_id)
    return entry


def publish_if_asked(session: Session, entry: Entry, *, by: User | None) -> list[str]:
    """Publish an entry whose uploader asked for it; gives what is still missing, a sentence each."""
    if not entry.publish_requested:
        return []
    try:
        publish_entry(session, entry, by=by)
    except InvalidInput as error:
        return list(error.fields.values())
    return []


def recording_is_ready(session: Session, recording: Recording, *, by: User | None) -> list[str]:
    """A recording has a new package that may be seen: published entries turn to it, those that wait are published.

    Gives what still keeps a waiting entry from being published, a sentence each.
    """
    missing: list[str] = []
    # locked and read anew, in one order: an editor who saves at this moment waits, and nobody waits in a circle
    mine = select(Entry).where(Entry.recording_id == recording.id).order_by(Entry.id).with_for_update(of=Entry)
    for entry in session.scalars(mine, execution_options={"populate_existing": True}).all():
        if entry.status == "published" and entry.package_id != recording.package_id:
            entry.package_id = recording.package_id
            count_write(session, entry)
        elif entry.status == "draft":
            missing += publish_if_asked(session, entry, by=by)
    return missing


def sign_off(session: Session, recording: Recording, *, by: User) -> list[str]:
    """Let a held recording be seen: a second person found nothing in it that identifies a patient.

    Raises `NotAllowed` for its uploader. Gives what still keeps a waiting entry from being published.
    """
    recordings.sign_off(session, recording, by=by)
    return recording_is_ready(session, recording, by=by)


def withdraw_entry(
    session: Session, entry: Entry, reason: str, *, revision: int | None = None, by: User | None
) -> Entry:
    """Take the entry away from all viewers. Raises `InvalidInput` without a reason."""
    _require_revision(entry, revision)
    if not reason.strip():
        raise InvalidInput("Say why the entry is withdrawn.", fields={"reason": "Say why the entry is withdrawn."})
    if entry.status != "published":
        raise Conflict("Only a published entry can be withdrawn.", code="wrong_state")
    entry.status = "withdrawn"
    entry.withdrawn_reason = reason.strip()[:2000]
    count_write(session, entry)
    record_event(session, "withdraw", "entry", entry.id, by=by, reason=entry.withdrawn_reason)
    return entry


def delete_entry(session: Session, entry: Entry, *, revision: int | None = None, by: User | None) -> None:
    """Delete a draft. Raises `Conflict` for what was published once: it is withdrawn instead."""
    _require_revision(entry, revision)
    if entry.version:
        raise Conflict("An entry that was published once is withdrawn, not deleted.", code="wrong_state")
    record_event(session, "delete", "entry", entry.id, by=by)
    next_sequence(session)
    session.delete(entry)
    session.flush()


def may_edit(user: User | None) -> bool:
    """Whether this person may see drafts and change entries."""
    return user is not None and user.active and bool(user.role_names & EDITING_ROLES)


def audiences_of(user: User | None) -> frozenset[str]:
    """The audiences to which this person belongs."""
    return frozenset({"public", "signed_in"} if user is not None and user.active else {"public"})


def visible_to(user: User | None) -> ColumnElement[bool]:
    """The condition under which this person may see an entry."""
    watchable = and_(Entry.status == "published", Entry.package_id.is_not(None), Entry.audience.in_(audiences_of(user)))
    return or_(watchable, true() if may_edit(user) else false())


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


def _apply(session: Session, entry: Entry, values: EntryValues) -> None:
    """Set the fields that were given; the terms among them must exist."""
    given = values.model_fields_set
    for name in given & set(_LANG_FIELDS):
        text = getattr(values, name)
        setattr(entry, name, text.filled() if text else {})
    if "learning_objectives" in given:
        entry.learning_objectives = [text.filled() for text in values.learning_objectives or []]
    if "year_of_procedure" in given:
        entry.year_of_procedure = values.year_of_procedure
    if values.audience:
        entry.audience = values.audience
    details = {name: getattr(values, name) for name in _DETAIL_FIELDS if name in given}
    if details:
        entry.details = {**entry.details, **details}
    _apply_terms(session, entry, values)
    count_write(session, entry)


def _apply_terms(session: Session, entry: Entry, values: EntryValues) -> None:
    given = values.model_fields_set
    for name, scheme in SINGLE_TERM_FIELDS.items():
        if name in given:
            asked, kept = getattr(values, name), getattr(entry, name)
            chosen = choose_terms(session, name, scheme, [asked] if asked else [], [kept] if kept else [])
            setattr(entry, name, chosen[0] if chosen else None)
    for name, scheme in TERM_FIELDS.items():
        if name in given:
            _replace_terms(session, entry, name, scheme, getattr(values, name) or [])


def _replace_terms(session: Session, entry: Entry, field: str, scheme: str, identifiers: list[str]) -> None:
    kept = {link.term_id: link for link in entry.terms if link.field == field}
    identifiers = choose_terms(session, field, scheme, identifiers, kept)
    for term_id, link in kept.items():
        if term_id not in identifiers:
            entry.terms.remove(link)
    for position, identifier in enumerate(identifiers):
        link = kept.get(identifier) or EntryTerm(field=field, term_id=identifier)
        link.position = position
        if identifier not in kept:
            entry.terms.append(link)


def _require_revision(entry: Entry, revision: int | None) -> None:
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
