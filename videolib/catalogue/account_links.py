"""One-time links: who is invited, or has lost the password, chooses one behind it. Nobody registers by themselves.

A link works once, for some days; a new one puts the earlier ones of that person out of use. Its secret is shown to who
made it and kept nowhere.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.grants import require_no_guard
from videolib.catalogue.logins import digest_of, end_sessions
from videolib.catalogue.people import User
from videolib.db import Base, utc_now
from videolib.errors import Conflict, NotFound

LinkKind = Literal["invite", "reset"]
LASTS: dict[LinkKind, timedelta] = {"invite": timedelta(days=7), "reset": timedelta(days=1)}


class AccountLink(Base):
    """A link that was made and not used yet."""

    __tablename__ = "account_links"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


def make_link(session: Session, person: User, *, by: User | None) -> tuple[str, AccountLink]:
    """A new link: an invitation for who never had a password, else a reset. Gives its secret, and the row.

    Raises `Conflict` for who is disabled, `NotAllowed` where that would take over a guard of privacy.
    """
    require_no_guard(person, by=by)
    if not person.active:
        raise Conflict("This person may not log in; let them in again first.", code="person_disabled")
    kind: LinkKind = "reset" if person.password else "invite"
    session.execute(delete(AccountLink).where(AccountLink.user_id == person.id))
    secret, now = secrets.token_urlsafe(32), utc_now()
    row = AccountLink(
        digest=digest_of(secret),
        user_id=person.id,
        kind=kind,
        made_by_id=by.id if by else None,
        created_at=now,
        expires_at=now + LASTS[kind],
    )
    session.add(row)
    record_event(session, kind, "user", str(person.id), by=by)
    session.flush()
    return secret, row


def get_link(session: Session, secret: str) -> tuple[AccountLink, User]:
    """The link of that secret and whom it is for. Raises `NotFound`."""
    statement = (
        select(AccountLink, User)
        .join(User, User.id == AccountLink.user_id)
        .where(AccountLink.digest == digest_of(secret), AccountLink.expires_at > utc_now(), User.active)
    )
    found = session.execute(statement).first()
    if found is None:
        raise NotFound("This link was used already, or is too old; ask for a new one.", code="link_gone")
    return found[0], found[1]


def use_link(session: Session, secret: str, password_hash: str) -> User:
    """Set the password that was chosen behind the link; whoever was logged in before is not any more.

    Raises `NotFound`; of two at once one.
    """
    link, person = get_link(session, secret)
    used = session.execute(delete(AccountLink).where(AccountLink.digest == link.digest).returning(AccountLink.user_id))
    if used.first() is None:
        raise NotFound("This link was used already, or is too old; ask for a new one.", code="link_gone")
    set_password(session, person, password_hash)
    return person


def set_password(session: Session, person: User, password_hash: str, *, keep: str = "") -> None:
    """A new password of one's own: sessions other than `keep` end, and links that were made do not work any more."""
    person.password = password_hash
    session.execute(delete(AccountLink).where(AccountLink.user_id == person.id))
    record_event(session, "password", "user", str(person.id), by=person)
    end_sessions(session, person, by=person, keep=keep)
    session.flush()


def find_open_link(session: Session, person: User) -> AccountLink | None:
    """The link of that person that would still work."""
    mine = select(AccountLink).where(AccountLink.user_id == person.id, AccountLink.expires_at > utc_now())
    return session.scalars(mine).first()
