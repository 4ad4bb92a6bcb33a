"""What happened to each job, attempt by attempt, for who keeps the library going; nothing of a patient.

Written in the unit of work that changes the job, so that the log says neither more nor less than what came to pass. It
holds our own sentences and codes: what a tool said goes to the worker's log on its host alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.db import Base, utc_now

if TYPE_CHECKING:
    from videolib.catalogue.jobs import Job

KEPT = timedelta(days=90)
# started; done, failed, cancelled: its ends; put_back: it is tried again, or waits for what it lacks
EVENTS = ("started", "done", "failed", "cancelled", "put_back")


class JobEvent(Base):
    """One line of the log. `code` and `sentence`: why, where it did not work."""

    __tablename__ = "job_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    position: Mapped[int | None]
    attempt: Mapped[int]
    event: Mapped[str]
    host: Mapped[str | None]
    code: Mapped[str | None]
    sentence: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


def note_job(session: Session, job: Job, event: str, sentence: str | None = None, code: str | None = None) -> None:
    """Write down what happened to a job now."""
    session.add(
        JobEvent(
            job_id=job.id,
            recording_id=job.recording_id,
            kind=job.kind,
            position=job.position,
            attempt=job.attempt,
            event=event,
            host=host_of(job.owner),
            code=code,
            sentence=sentence,
        )
    )


def host_of(owner: str | None) -> str | None:
    """The host of a worker's name."""
    return owner.partition(":")[0] if owner else None


def list_log(session: Session, recording_id: str, *, limit: int) -> list[JobEvent]:
    """What happened to the work on a recording, the newest first."""
    mine = select(JobEvent).where(JobEvent.recording_id == recording_id)
    return list(session.scalars(mine.order_by(JobEvent.id.desc()).limit(limit)))


def prune_log(session: Session, now: datetime) -> None:
    """Forget what happened long ago."""
    session.execute(delete(JobEvent).where(JobEvent.at < now - KEPT))
