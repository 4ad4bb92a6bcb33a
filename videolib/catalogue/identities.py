"""People of the hospital's single sign-on: linked by an e-mail address that it vouches for, then by its own number.

Nobody is made here by signing in elsewhere: whoever was not invited stays outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.people import User, find_user
from videolib.db import Base, utc_now
from videolib.errors import NotAllowed


class Identity(Base):
    """Who somebody is for an issuer: `subject` never changes hands there, an e-mail address may."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("user_id", "issuer"),)

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    linked_at: Mapped[datetime] = mapped_column(default=utc_now)


def recognise(session: Session, issuer: str, claims: Mapping[str, Any]) -> User:
    """Who has signed in there. `claims` are those of a verified ID token. Raises `NotAllowed`."""
    subject = str(claims.get("sub") or "")
    row = session.get(Identity, (issuer, subject)) if subject else None
    person = session.get(User, row.user_id) if row else _by_address(session, claims)
    if not subject or person is None or not person.active:
        raise NotAllowed(
            "Nobody here has this e-mail address; ask the administrator to invite you.", code="sso_unknown"
        )
    if row is None:
        _link(session, issuer, subject, person)
    return person


def _by_address(session: Session, claims: Mapping[str, Any]) -> User | None:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise NotAllowed(
            "Your hospital's sign-in does not vouch for your e-mail address; ask its administrator.",
            code="sso_unverified",
        )
    person = find_user(session, email)
    # another letter that is taken for ours would be another address there
    return person if person is not None and (email.isascii() or email == person.email) else None


def _link(session: Session, issuer: str, subject: str, person: User) -> None:
    mine = select(Identity).where(Identity.user_id == person.id, Identity.issuer == issuer)
    if session.scalars(mine).first() is not None:
        # the address was given to another person there: they are not the one whom we know
        raise NotAllowed(
            "This e-mail address belongs to somebody else here; ask the administrator of this library.",
            code="sso_other",
        )
    session.add(Identity(issuer=issuer, subject=subject, user_id=person.id))
    record_event(session, "permission", "user", str(person.id), by=person, linked=issuer)
    session.flush()
