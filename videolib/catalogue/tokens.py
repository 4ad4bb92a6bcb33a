"""Tokens for programs: what one may do with them, until when, and when it was last used.

A token never does more than its person; its scopes make that less. Only its digest is kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.logins import digest_of
from videolib.catalogue.people import SCOPES, TOKEN_PREFIX, ApiToken, User
from videolib.db import utc_now
from videolib.errors import InvalidInput, NotFound

MOST_DAYS, MOST_TOKENS = 3650, 50
_LONGEST_NAME = 100


def add_token(
    session: Session, person: User, name: str, scopes: Collection[str], days: int | None, *, by: User | None
) -> str:
    """A new token; shown once. `days`: how long it works, None: until it is revoked. Raises `InvalidInput`."""
    fields = {}
    if not name.strip() or len(name) > _LONGEST_NAME:
        fields["name"] = "Say in a few words what the token is for."
    if not scopes or set(scopes) - set(SCOPES):
        fields["scopes"] = "Choose what the token may do."
    if days is not None and not 1 <= days <= MOST_DAYS:
        fields["days"] = "A token works for 1 to 3650 days."
    if len(list_tokens(session, person)) >= MOST_TOKENS:
        fields["name"] = "There are too many tokens; revoke one first."
    if fields:
        raise InvalidInput(next(iter(fields.values())), fields=fields, code="token_invalid")
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=person.id,
        digest=digest_of(text),
        name=name.strip(),
        scopes=[scope for scope in SCOPES if scope in scopes],
        expires_at=utc_now() + timedelta(days=days) if days is not None else None,
    )
    session.add(row)
    record_event(session, "token", "user", str(person.id), by=by, name=row.name, scopes=row.scopes, days=days)
    session.flush()
    return text


def find_token(session: Session, text: str) -> tuple[ApiToken, User] | None:
    """The token and its person, while both hold."""
    now = utc_now()
    statement = (
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.digest == digest_of(text), User.active, *_holds(now))
    )
    found = session.execute(statement).first()
    return (found[0], found[1]) if found else None


def list_tokens(session: Session, person: User) -> list[ApiToken]:
    """The tokens of that person that work, the newest first."""
    mine = select(ApiToken).where(ApiToken.user_id == person.id, *_holds(utc_now()))
    return list(session.scalars(mine.order_by(ApiToken.created_at.desc(), ApiToken.id.desc())))


def revoke_token(session: Session, token_id: int, *, by: User) -> None:
    """End one of one's own. Raises `NotFound`."""
    row = session.get(ApiToken, token_id) if 0 < token_id < 2**31 else None
    if row is None or row.user_id != by.id or row.revoked_at is not None:
        raise NotFound("There is no such token.", code="token_not_found")
    row.revoked_at = utc_now()
    record_event(session, "revoke", "user", str(by.id), by=by, token=row.name, token_digest=row.digest)
    session.flush()


def touch_token(session: Session, token_id: int) -> None:
    """Write down that it is in use."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=utc_now()))


def _holds(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return ApiToken.revoked_at.is_(None), or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now)
