"""Where people are logged in: a row for each browser, so that a session can be listed and ended from anywhere.

A session is found by a secret that its cookie carries; the row keeps a digest of it. It ends when nobody has used it
for a while, when its person is disabled or changes the password, and when somebody ends it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.inbox import unread_of
from videolib.catalogue.people import LoginSession, User
from videolib.db import utc_now
from videolib.errors import NotFound

# unused for so long, a session is over: a working day, or two weeks in a browser that one calls one's own
IDLE = {False: timedelta(hours=12), True: timedelta(days=14)}
# a look at the row says that the session is in use; written down at most this often
TOUCHED_AFTER = timedelta(minutes=5)
# who proved so lately who they are may change how they log in
FRESH_FOR = timedelta(minutes=30)
_LONGEST_AGENT = 300


@dataclass(frozen=True)
class Visit:
    """From where somebody logs in, and how they proved who they are: password, code, passkey, single_sign_on.

    `proved_at`: when they did, None: just now; `former`: the secret of this browser's session before, which ends.
    """

    method: str
    address: str = ""
    agent: str = ""
    is_remembered: bool = False
    proved_at: datetime | None = None
    former: str = ""


def begin_session(session: Session, person: User, visit: Visit) -> str:
    """Log that person in; gives the secret for the cookie, which is kept nowhere."""
    secret, now = secrets.token_urlsafe(32), utc_now()
    over = or_(LoginSession.expires_at < now, LoginSession.digest == digest_of(visit.former))
    session.execute(delete(LoginSession).where(over))
    session.add(
        LoginSession(
            user_id=person.id,
            digest=digest_of(secret),
            method=visit.method,
            is_remembered=visit.is_remembered,
            address=visit.address,
            agent=visit.agent[:_LONGEST_AGENT],
            created_at=now,
            proved_at=min(now, visit.proved_at or now),
            seen_at=now,
            expires_at=now + IDLE[visit.is_remembered],
        )
    )
    counted = {"last_login_at": User.current_login_at, "current_login_at": now, "login_count": User.login_count + 1}
    session.execute(update(User).where(User.id == person.id).values(**counted))
    record_event(session, "login", "user", str(person.id), by=person, address=visit.address, method=visit.method)
    session.flush()
    return secret


def find_session(session: Session, secret: str) -> tuple[LoginSession, User, int] | None:
    """The session of that secret, its person, and how many messages wait unread, as long as both hold."""
    statement = (
        select(LoginSession, User, unread_of(LoginSession.user_id))
        .join(User, User.id == LoginSession.user_id)
        .where(LoginSession.digest == digest_of(secret), LoginSession.expires_at > utc_now(), User.active)
    )
    found = session.execute(statement).first()
    return (found[0], found[1], found[2]) if found else None


def is_stale(row: LoginSession, now: datetime) -> bool:
    """Whether that it is in use ought to be written down again."""
    return now - row.seen_at > TOUCHED_AFTER


def touch_session(session: Session, session_id: str) -> None:
    """Write down that it is in use; from now on it lasts its whole time again."""
    now = utc_now()
    for is_remembered, lasts in IDLE.items():  # nothing happens to one that has been ended meanwhile
        mine = (LoginSession.id == session_id, LoginSession.is_remembered == is_remembered)
        session.execute(update(LoginSession).where(*mine).values(seen_at=now, expires_at=now + lasts))


def is_fresh(row: LoginSession) -> bool:
    """Whether its person proved lately who they are."""
    return utc_now() - row.proved_at < FRESH_FOR


def list_sessions(session: Session, person: User) -> list[LoginSession]:
    """Where that person is logged in, the latest used first."""
    mine = select(LoginSession).where(LoginSession.user_id == person.id, LoginSession.expires_at > utc_now())
    return list(session.scalars(mine.order_by(LoginSession.seen_at.desc())))


def end_session(session: Session, session_id: str, *, by: User) -> None:
    """End one of one's own sessions. Raises `NotFound`."""
    row = session.get(LoginSession, session_id)
    if row is None or row.user_id != by.id:
        raise NotFound("This session has ended already.", code="session_not_found")
    session.delete(row)
    record_event(session, "logout", "user", str(by.id), by=by, address=row.address)
    session.flush()


def end_sessions(session: Session, person: User, *, by: User | None, keep: str = "") -> int:
    """End all sessions of that person but the one with the id `keep`; gives how many ended."""
    doomed = delete(LoginSession).where(LoginSession.user_id == person.id, LoginSession.id != keep)
    count = len(session.scalars(doomed.returning(LoginSession.id)).all())
    if count:
        record_event(session, "logout", "user", str(person.id), by=by, sessions=count)
    return count


def digest_of(secret: str) -> str:
    """What is kept of a secret: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
