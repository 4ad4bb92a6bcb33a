"""Logins that have begun: a password was right and a code is awaited, or a passkey is to sign something.

What is to be signed and who has begun lie in a row, found by a secret in the cookie; each is used once, within minutes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.logins import digest_of
from videolib.catalogue.people import User
from videolib.db import Base, utc_now
from videolib.errors import InvalidInput

LASTS = timedelta(minutes=10)


class LoginStep(Base):
    """A login that has begun. `challenge`: what a passkey is to sign, in hexadecimal."""

    __tablename__ = "login_steps"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    challenge: Mapped[str]
    is_remembered: Mapped[bool]
    next_path: Mapped[str]
    expires_at: Mapped[datetime]


@dataclass(frozen=True)
class Begun:
    """What is to be remembered over the step."""

    person: User | None = None
    is_remembered: bool = False
    next_path: str = "/"


def begin_step(session: Session, begun: Begun) -> tuple[str, bytes]:
    """Remember it; gives the secret for the cookie, and the challenge."""
    session.execute(delete(LoginStep).where(LoginStep.expires_at < utc_now()))
    secret, challenge = secrets.token_urlsafe(32), secrets.token_bytes(32)
    session.add(
        LoginStep(
            digest=digest_of(secret),
            user_id=begun.person.id if begun.person else None,
            challenge=challenge.hex(),
            is_remembered=begun.is_remembered,
            next_path=begun.next_path,
            expires_at=utc_now() + LASTS,
        )
    )
    session.flush()
    return secret, challenge


def find_step(session: Session, secret: object) -> LoginStep | None:
    """The step of that secret, as long as it lasts."""
    if not isinstance(secret, str):
        return None
    mine = select(LoginStep).where(LoginStep.digest == digest_of(secret), LoginStep.expires_at > utc_now())
    return session.scalars(mine).first()


def take_step(session: Session, secret: object) -> LoginStep:
    """The step, which is used up with this. Raises `InvalidInput` for one that is over."""
    step = find_step(session, secret)
    gone = delete(LoginStep).where(LoginStep.digest == (step.digest if step else ""))
    if step is None or session.execute(gone.returning(LoginStep.digest)).first() is None:
        raise InvalidInput("This took too long; begin again.", code="step_over")
    session.expunge(step)
    return step


def drop_step(session: Session, secret: object) -> None:
    """Nobody waits for it any more."""
    if isinstance(secret, str):
        session.execute(delete(LoginStep).where(LoginStep.digest == digest_of(secret)))
