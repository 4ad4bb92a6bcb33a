"""Which messages are told by mail: one letter for a person with everything new, sent by a worker, again if need be.

Taking a letter writes down at once when it is tried again: a worker that dies with it in hand, and a mail server that
does not answer, cost a pause and no letter. What its person reads meanwhile is not told any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.inbox import Message
from videolib.catalogue.people import User

# what comes together is told in one letter
GATHER = timedelta(seconds=60)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=2)
# two minutes, four, eight … two hours: for a day
MAX_TRIES = 16


@dataclass(frozen=True)
class Letter:
    """What one person is told: how many messages of each kind. No titles, no names: mail is read by many."""

    user_id: int
    address: str
    language: str | None
    counts: dict[str, int]
    message_ids: tuple[int, ...]
    tries: int

    @property
    def name(self) -> str:
        """The same letter sent twice has one name, by which mail programs know it again."""
        return f"{self.user_id}-{min(self.message_ids)}-{max(self.message_ids)}"


def take_letter(session: Session, now: datetime) -> Letter | None:
    """Take the next letter that is due, None where there is none; it is tried again unless `note_sent` is called."""
    _drop_unwanted(session, now)
    due = select(Message.id, Message.user_id).where(Message.mail_after <= now, Message.read_at.is_(None))
    due = due.order_by(Message.mail_after, Message.id).limit(1)
    if session.get_bind().dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    found = session.execute(due).first()
    if found is None:
        return None
    mine = (Message.user_id == found.user_id) & Message.read_at.is_(None) & (Message.mail_after <= now)
    tries = session.scalars(select(func.max(Message.mail_tries)).where(mine)).one()
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries, 10))
    taken = update(Message).where(mine).values(mail_after=now + pause, mail_tries=tries + 1)
    rows = session.execute(taken.returning(Message.id, Message.kind)).all()
    person = session.get_one(User, found.user_id)
    counts = dict(Counter(str(row.kind) for row in rows))
    return Letter(person.id, person.email, person.language, counts, tuple(row.id for row in rows), tries + 1)


def note_sent(session: Session, letter: Letter) -> None:
    """It has left, or nobody will ever take it: what it told is not told again."""
    told = Message.id.in_(letter.message_ids) & (Message.mail_tries == letter.tries)
    session.execute(update(Message).where(told).values(mail_after=None))


def _drop_unwanted(session: Session, now: datetime) -> None:
    """What was read, is for somebody who wants no mail, or was tried for a day, is not told."""
    unwilling = select(User.id).where(User.active.is_(False) | User.inbox_by_mail.is_(False))
    over = Message.read_at.is_not(None) | Message.user_id.in_(unwilling) | (Message.mail_tries >= MAX_TRIES)
    session.execute(update(Message).where(Message.mail_after <= now, over).values(mail_after=None))
