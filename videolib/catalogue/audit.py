"""What was done, by whom, when: events that are only ever added, each sealed to the one before by its digest.

`record_event` adds to the unit of work that does the deed: both are committed, or neither. As the last act of that unit
`seal_events` gives its events their places in the chain, under a lock that is held for these statements alone; as it is
always the last lock that a unit takes, no two units wait for each other. Changing, removing or inserting a row breaks
the chain (`audit_chain`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Select, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.library import Counter
from videolib.catalogue.people import User
from videolib.db import Base, before_commit, utc_now

# what the digest of the first event refers to
BEGINNING = "0" * 64
# what people look for; every other action is work on the catalogue
KINDS_OF_ACTION: dict[str, frozenset[str]] = {
    "login": frozenset({"login", "logout", "refuse_login"}),
    "view": frozenset({"view", "preview"}),
    "download": frozenset({"download"}),
    "permission": frozenset({"permission", "grant", "revoke", "token", "invite", "reset", "password", "second_factor"}),
    "consent": frozenset({"consent", "withdraw_consent", "erase", "look_up"}),
    "redaction": frozenset(
        {
            *("redact", "unredact", "follow", "followed", "machine_mask", "screening_decision"),
            *("review_signed", "sign_off", "output_refused", "hold"),
        }
    ),
    "publish": frozenset({"publish", "withdraw", "roll_back", "hold", "give_back", "unpublish"}),
    "export": frozenset({"export"}),
    "admin": frozenset(
        {"add", "change", "disable", "enable", "prune", "settings", "backup", "restore_backup", "urgency"}
    ),
}


class AuditEvent(Base):
    """One deed. `detail` never holds patient data; the actor is kept by id, and by name when the person is gone.

    sequence, previous, digest: the place in the chain; empty only inside the unit of work that adds the event.
    """

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    actor_id: Mapped[int | None] = mapped_column(index=True)
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sequence: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    previous: Mapped[str | None]
    digest: Mapped[str | None]


class AuditCheckpoint(Base):
    """Events up to `sequence` were removed by the rule of retention; `digest` was that of the last of them."""

    __tablename__ = "audit_checkpoints"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[str]
    count: Mapped[int]
    before: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(default=utc_now)
    signature: Mapped[str]


@dataclass(frozen=True)
class AuditQuery:
    """What to look for; an empty member asks nothing. `kind` is a key of `KINDS_OF_ACTION`."""

    kind: str = ""
    object_id: str = ""
    actor_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def record_event(
    session: Session, action: str, kind: str, object_id: str, *, by: User | None, **detail: object
) -> AuditEvent:
    """Add an event to the unit of work that does the deed: both are committed, or neither."""
    event = AuditEvent(
        actor_id=by.id if by else None,
        action=action,
        object_kind=kind,
        object_id=object_id,
        detail=detail,
        at=utc_now(),
    )
    session.add(event)
    before_commit(session, seal_events)
    return event


def seal_events(session: Session) -> None:
    """Give events that have none their place in the chain. The last act of a unit of work."""
    session.flush()
    # the row's lock is held from here to the commit: the chain grows in the order in which units commit
    session.execute(update(Counter).where(Counter.name == "audit").values(value=Counter.value))
    last = session.scalars(select(Counter.value).where(Counter.name == "audit")).one_or_none()
    if last is None:
        return  # a library of an older schema, in the middle of its upgrade
    number = first = int(last)
    previous = _digest_at(session, number)
    loose = select(AuditEvent).where(AuditEvent.sequence.is_(None)).order_by(AuditEvent.id)
    for event in session.scalars(loose).all():
        number += 1
        event.sequence, event.previous = number, previous
        event.digest = previous = digest_of_event(event)
    if number > first:
        session.execute(update(Counter).where(Counter.name == "audit").values(value=number))
        session.flush()


def digest_of_event(event: AuditEvent) -> str:
    """SHA-256 over everything that the event says and the digest before it."""
    said = [
        event.sequence,
        event.previous,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor_id,
        event.action,
        event.object_kind,
        event.object_id,
        event.detail,
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def list_events(
    session: Session,
    *,
    object_id: str | None = None,
    limit: int = 100,
    query: AuditQuery | None = None,
    before: int = 0,
) -> list[AuditEvent]:
    """The latest events, newest first; `before`: only those with a smaller id, for the next page."""
    statement = _matching(query or AuditQuery(object_id=object_id or "")).order_by(AuditEvent.id.desc()).limit(limit)
    return list(session.scalars(statement.where(AuditEvent.id < before) if before else statement))


def actions_of(kind: str) -> Collection[str]:
    """The actions of that kind; none for an unknown kind."""
    return KINDS_OF_ACTION.get(kind, frozenset())


def _matching(query: AuditQuery) -> Select[AuditEvent]:
    statement = select(AuditEvent)
    if query.kind:
        statement = statement.where(AuditEvent.action.in_(actions_of(query.kind)))
    if query.object_id:
        statement = statement.where(AuditEvent.object_id == query.object_id)
    if query.actor_id is not None:
        statement = statement.where(AuditEvent.actor_id == query.actor_id)
    if query.since is not None:
        statement = statement.where(AuditEvent.at >= query.since)
    if query.until is not None:
        statement = statement.where(AuditEvent.at < query.until)
    return statement


def _digest_at(session: Session, sequence: int) -> str:
    """The digest of the event with that place, or of the checkpoint that stands for it."""
    if sequence == 0:
        return BEGINNING
    for table in (AuditEvent, AuditCheckpoint):
        found = session.scalars(select(table.digest).where(table.sequence == sequence)).one_or_none()
        if found is not None:
            return str(found)
    # the last row was taken away: the chain goes on, and `audit verify` shows the gap
    return BEGINNING
