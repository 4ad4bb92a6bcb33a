"""Private notes and bookmarks at a time: read by the person who wrote them, and by nobody else whatever the role."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import LONGEST_S
from videolib.catalogue.people import User
from videolib.db import Base, new_id, utc_now
from videolib.errors import InvalidInput, NotFound

LONGEST_TEXT = 4000
MOST_NOTES = 2000  # of one person on one entry


class PersonalNote(Base):
    """A note; without a text it is a bookmark. No service of this module takes anybody else's."""

    __tablename__ = "personal_notes"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), index=True)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)

    entry: Mapped[Entry] = relationship(lazy="joined")

    __table_args__ = (Index("ix_personal_notes_user_entry", "user_id", "entry_id", "at_ms"),)


def add_note(session: Session, entry: Entry, at_s: float, text: str, *, by: User) -> PersonalNote:
    """Note something at a time, or with an empty text mark it. Raises `InvalidInput`."""
    if not 0 <= at_s <= LONGEST_S:
        raise InvalidInput("Write a time in the recording, for example 1:15.5.", fields={"at": "1:15.5"})
    own = list_notes(session, entry.id, by=by)
    if len(own) >= MOST_NOTES:
        raise InvalidInput("There are too many notes on this recording.", fields={"text": "2000"})
    note = PersonalNote(user_id=by.id, entry_id=entry.id, at_ms=round(at_s * 1000), text=_sound(text))
    session.add(note)
    session.flush()
    return note


def change_note(session: Session, note_id: str, text: str, *, by: User) -> PersonalNote:
    """Write something else. Raises `NotFound`, `InvalidInput`."""
    note = get_note(session, note_id, by=by)
    note.text, note.updated_at = _sound(text), utc_now()
    session.flush()
    return note


def delete_note(session: Session, note_id: str, *, by: User) -> PersonalNote:
    """Take it away. Raises `NotFound`."""
    note = get_note(session, note_id, by=by)
    session.delete(note)
    session.flush()
    return note


def get_note(session: Session, note_id: str, *, by: User) -> PersonalNote:
    """A note of this person's own. Raises `NotFound` for any other."""
    note = session.scalars(
        select(PersonalNote).where(PersonalNote.id == note_id, PersonalNote.user_id == by.id)
    ).one_or_none()
    if note is None:
        raise NotFound("There is no such note of yours.", code="note_not_found")
    return note


def list_notes(session: Session, entry_id: str | None = None, *, by: User | None) -> list[PersonalNote]:
    """This person's own: of one entry in the order of the recording, of all with the newest first."""
    if by is None:
        return []
    own = select(PersonalNote).where(PersonalNote.user_id == by.id)
    if entry_id is None:
        return list(session.scalars(own.order_by(PersonalNote.updated_at.desc(), PersonalNote.id).limit(MOST_NOTES)))
    own = own.where(PersonalNote.entry_id == entry_id)
    return list(session.scalars(own.order_by(PersonalNote.at_ms, PersonalNote.created_at, PersonalNote.id)))


def _sound(text: str) -> str:
    stripped = text.replace("\r\n", "\n").strip()
    if len(stripped) > LONGEST_TEXT:
        sentence = "A note is at most 4000 characters long."
        raise InvalidInput(sentence, fields={"text": sentence})
    return stripped
