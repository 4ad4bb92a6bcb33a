"""What was done, by whom, when: rows that are only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.people import User
from videolib.db import Base, utc_now


class AuditEvent(Base):
    """One deed. `detail` never holds patient data; the actor is kept by id, and by name when the person is gone."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    actor_id: Mapped[int | None] = mapped_column(index=True)
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def record_event(
    session: Session, action: str, kind: str, object_id: str, *, by: User | None, **detail: object
) -> AuditEvent:
    """Add an event to the unit of work that does the deed: both are committed, or neither."""
    event = AuditEvent(
        actor_id=by.id if by else None, action=action, object_kind=kind, object_id=object_id, detail=detail
    )
    session.add(event)
    return event


def list_events(session: Session, *, object_id: str | None = None, limit: int = 100) -> list[AuditEvent]:
    """The latest events, newest first."""
    statement = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
    if object_id is not None:
        statement = statement.where(AuditEvent.object_id == object_id)
    return list(session.scalars(statement))
