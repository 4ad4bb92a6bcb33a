"""How often somebody may try to log in: attempts are counted in rows, for all processes and over restarts.

An attempt is counted before it is looked at, so that a hundred at once are not a hundred guesses, and forgotten when it
worked. What is refused is not counted: who hammers a door does not keep it shut. A browser that has been let in before
has a count of its own for that account (its device cookie says so), so nobody can lock others out of their browsers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.db import Base, utc_now
from videolib.errors import TooOften

WINDOW = timedelta(minutes=15)
# a lecture hall behind one address may mistype now and then
PER_ADDRESS, PER_ACCOUNT, PER_DEVICE = 100, 10, 10
# one in turn on PostgreSQL: two at once would not see each other's
_TURN = 0x766C7472  # "vltr"


class LoginAttempt(Base):
    """An attempt to log in that did not work, or is being looked at. `key` is a digest of whom or where."""

    __tablename__ = "login_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)


def begin_attempt(session: Session, limits: Mapping[str, int]) -> list[int]:
    """Count an attempt under each key of `limits`; gives what `forget_attempt` takes.

    Raises `TooOften` where one of them is used up; then nothing is counted.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_TURN)))
    now = utc_now()
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - WINDOW))
    keys = {_digest(name): limit for name, limit in limits.items()}
    for key, limit in keys.items():
        times = list(session.scalars(select(LoginAttempt.at).where(LoginAttempt.key == key).order_by(LoginAttempt.at)))
        if len(times) >= limit:
            wait = times[len(times) - limit] + WINDOW - now
            raise TooOften(
                "Too many attempts; wait some minutes, then try again.", retry_after_s=int(wait.total_seconds()) + 1
            )
    rows = [LoginAttempt(key=key, at=now) for key in keys]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def forget_attempt(session: Session, ids: list[int]) -> None:
    """It worked: nothing is counted."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(ids)))


def _digest(name: str) -> str:
    # addresses and names are nobody's business here
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
