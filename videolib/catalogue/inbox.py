"""The inbox: what waits for a person, a message for each cause, read or not.

Messages are derived from the state of the library (`inbox_causes`) and from nothing else: a worker compares what there
is cause for with what is written, adds what is missing and removes what nobody need do any more. So nothing is lost
when a process dies between a change and its message, and doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, ScalarSelect, UniqueConstraint, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from videolib.catalogue.inbox_causes import Cause, find_causes
from videolib.catalogue.people import User
from videolib.db import Base, utc_now
from videolib.errors import NotFound

ON_A_PAGE = 50
# rows that one statement writes or removes
_AT_ONCE = 500


class Message(Base):
    """One message. `key` names its cause: the same cause has the same key; `thing_id` is what it is about.

    `mail_after`: when it is to be told by mail, the next time; None: it is not, or was. No text is kept: what a message
    says is written when it is shown, of what its reader may see then.
    """

    __tablename__ = "inbox_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    key: Mapped[str]
    thing_id: Mapped[str]
    came_at: Mapped[datetime] = mapped_column(default=utc_now)
    read_at: Mapped[datetime | None]
    mail_after: Mapped[datetime | None] = mapped_column(index=True)
    mail_tries: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_inbox_messages_unread", "user_id", "read_at"),
    )


@dataclass(frozen=True)
class News:
    """What is to be written: messages that are missing, and the ids of those without a cause."""

    added: tuple[Cause, ...]
    gone: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.gone)


def find_news(session: Session, now: datetime) -> News:
    """Compare what there is cause for with what is written; only looks."""
    causes = {(cause.user_id, cause.key): cause for cause in find_causes(session, now)}
    rows = session.execute(select(Message.user_id, Message.key, Message.id))
    written = {(int(row[0]), str(row[1])): int(row[2]) for row in rows}
    added = (cause for place, cause in causes.items() if place not in written)
    gone = (number for place, number in written.items() if place not in causes)
    return News(tuple(sorted(added)), tuple(sorted(gone)))


def take_in(session: Session, news: News, *, mail_after: datetime | None = None) -> None:
    """Write what `find_news` found; what another worker has written meanwhile stays as it is."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    now = utc_now()
    for some in _portions(news.added):
        rows = [
            {
                "user_id": cause.user_id,
                "kind": cause.kind,
                "key": cause.key,
                "thing_id": cause.thing_id,
                "came_at": now,
                "mail_after": mail_after,
            }
            for cause in some
        ]
        session.execute(insert(Message).on_conflict_do_nothing(), rows)
    for some in _portions(news.gone):
        session.execute(delete(Message).where(Message.id.in_(some)))


def unread_of(user_id: InstrumentedAttribute[int]) -> ScalarSelect[int]:
    """How many messages somebody has not read, as a part of another question."""
    unread = select(func.count(Message.id)).where(Message.user_id == user_id, Message.read_at.is_(None))
    return unread.scalar_subquery()


def list_messages(session: Session, *, by: User, is_unread: bool, before: int = 0) -> tuple[list[Message], int | None]:
    """A page of one's messages, the newest first, all or the unread ones; and where the next page begins."""
    mine = select(Message).where(Message.user_id == by.id).order_by(Message.id.desc())
    if is_unread:
        mine = mine.where(Message.read_at.is_(None))
    if before:
        mine = mine.where(Message.id < before)
    rows = list(session.scalars(mine.limit(ON_A_PAGE + 1)))
    return rows[:ON_A_PAGE], rows[ON_A_PAGE - 1].id if len(rows) > ON_A_PAGE else None


def mark(session: Session, message_id: int, *, is_read: bool, by: User) -> None:
    """Say that one of one's messages was read, or was not. Raises `NotFound`."""
    mine = (Message.id == message_id) & (Message.user_id == by.id)
    changed = update(Message).where(mine).values(read_at=utc_now() if is_read else None)
    if session.scalars(changed.returning(Message.id)).first() is None:
        raise NotFound("This message is not there any more: nothing is left to do about it.", code="message_not_found")


def mark_all_read(session: Session, *, by: User, until: int) -> None:
    """Say that all were read that were there when the page was made: up to the id `until`."""
    mine = (Message.user_id == by.id) & Message.read_at.is_(None) & (Message.id <= until)
    session.execute(update(Message).where(mine).values(read_at=utc_now()))


def want_mail(session: Session, person: User, *, is_wanted: bool, language: str) -> None:
    """Whether somebody is told by mail, too, where the library sends any, and in which language."""
    session.execute(update(User).where(User.id == person.id).values(inbox_by_mail=is_wanted, language=language))


def _portions(items: Collection[Any]) -> Iterable[list[Any]]:
    listed = list(items)
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))
