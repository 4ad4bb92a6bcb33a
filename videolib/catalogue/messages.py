"""Which rows a broker was told of: for every row that is due there is to be a message, and for no row two."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.jobs import Job, due
from videolib.db import database_now


def take_unsent(session: Session, *, limit: int) -> list[tuple[int, str]]:
    """Mark what is due and was not told to a broker as told; gives rows and their queues, the most urgent first."""
    now = database_now(session)
    chosen = select(Job.id).where(due(now), Job.sent_at.is_(None)).order_by(Job.priority.desc(), Job.turn, Job.id)
    if session.get_bind().dialect.name == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True)
    ids = list(session.scalars(chosen.limit(limit)))
    rows = session.execute(update(Job).where(Job.id.in_(ids)).values(sent_at=now).returning(Job.id, Job.queue))
    queues = {row.id: row.queue for row in rows}
    return [(job_id, queues[job_id]) for job_id in ids if job_id in queues]


def unsend(session: Session, ids: Collection[int]) -> None:
    """Their messages did not reach the broker."""
    session.execute(update(Job).where(Job.id.in_(ids)).values(sent_at=None))


def count_sent(session: Session, *, older_than_s: float) -> dict[str, int]:
    """How many rows of each queue are due and were told to the broker some time ago."""
    now = database_now(session)
    told = Job.sent_at < now - timedelta(seconds=older_than_s)
    rows = session.execute(select(Job.queue, func.count()).where(due(now), told).group_by(Job.queue))
    return {row[0]: row[1] for row in rows}


def unsend_oldest(session: Session, queue: str, count: int) -> None:
    """So many messages of a queue were lost: those sent longest ago."""
    told = due(database_now(session)) & Job.sent_at.is_not(None) & (Job.queue == queue)
    unsend(session, list(session.scalars(select(Job.id).where(told).order_by(Job.sent_at).limit(count))))
