"""The work as who keeps the library going sees it: queues, what runs where, recording by recording; and its urgency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.jobs import URGENCY_STEP, Job, due
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import database_now
from videolib.errors import InvalidInput

# what a list of recordings is about -> their states
VIEWS: dict[str, tuple[str, ...]] = {
    "open": ("uploaded", "queued", "processing"),
    "failed": ("failed", "rejected"),
    "done": ("ready", "awaiting_review"),
    "cancelled": ("cancelled",),
}
# before all others; in its turn; after all others
URGENCIES = {"first": 1, "normal": 0, "last": -1}
MOST_RUNNING, MOST_JOBS = 100, 300


@dataclass(frozen=True)
class QueueLine:
    """A queue: jobs that run, that could be taken now, and that wait for something (others, disk space, a pause)."""

    queue: str
    running: int
    due: int
    held: int


@dataclass(frozen=True)
class RunningLine:
    """A job in hand. `speed`: seconds of recording a second, where that can be told."""

    job: Job
    recording: Recording
    since_s: float
    speed: float | None


@dataclass(frozen=True)
class WorkLine:
    """A recording and how many of its jobs there are by state."""

    recording: Recording
    counts: dict[str, int]


def count_queues(session: Session) -> list[QueueLine]:
    """Every queue in which there is anything."""
    now = database_now(session)
    is_running = (Job.state == "running") & (Job.lease_until >= now)
    rows = session.execute(
        select(
            Job.queue,
            func.sum(case((is_running, 1), else_=0)),
            func.sum(case((due(now), 1), else_=0)),
            func.count(),
        )
        .where(Job.state.in_(("queued", "running")))
        .group_by(Job.queue)
        .order_by(Job.queue)
    )
    return [QueueLine(row[0], int(row[1]), int(row[2]), int(row[3]) - int(row[1]) - int(row[2])) for row in rows]


def list_running(session: Session) -> list[RunningLine]:
    """What runs where, the longest first."""
    now = database_now(session)
    rows = session.execute(
        select(Job, Recording, Chunk.end_s - Chunk.start_s)
        .join(Recording, Recording.id == Job.recording_id)
        .outerjoin(Chunk, and_(Chunk.package_id == Job.package_id, Chunk.position == Job.position))
        .where(Job.state == "running", Job.lease_until >= now)
        .order_by(Job.started_at, Job.id)
        .limit(MOST_RUNNING)
    )
    return [_running(job, recording, length_s, now) for job, recording, length_s in rows]


def list_work(session: Session, view: str, *, offset: int, limit: int) -> tuple[list[WorkLine], int]:
    """A page of the recordings of a view, and how many there are: what is urgent first, then what came first."""
    mine = Recording.state.in_(VIEWS[view])
    by_turn = (Recording.state != "processing", -Recording.urgency, Recording.created_at, Recording.id)
    order = by_turn if view == "open" else (Recording.updated_at.desc(), Recording.id)
    rows = list(session.scalars(select(Recording).where(mine).order_by(*order).offset(offset).limit(limit)))
    total = session.scalars(select(func.count()).select_from(Recording).where(mine)).one()
    counted = (
        select(Job.recording_id, Job.state, func.count())
        .where(Job.recording_id.in_([row.id for row in rows]))
        .group_by(Job.recording_id, Job.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for recording_id, state, count in session.execute(counted):
        counts.setdefault(recording_id, {})[state] = int(count)
    return [WorkLine(row, counts.get(row.id, {})) for row in rows], total


def list_jobs_of(session: Session, recording_id: str) -> Sequence[Job]:
    """The jobs of a recording: what runs and waits in the order in which it is taken, then what ended last."""
    is_open = Job.state.in_(("queued", "running"))
    order = (~is_open, Job.finished_at.desc(), Job.priority.desc(), Job.turn, Job.id)
    return session.scalars(select(Job).where(Job.recording_id == recording_id).order_by(*order).limit(MOST_JOBS)).all()


def set_urgency(session: Session, recording: Recording, name: str, *, by: User | None) -> None:
    """Let the work on a recording go before or after all other, or in its turn: what waits, and what comes of it.

    Raises `InvalidInput` for no such word.
    """
    if name not in URGENCIES:
        sentence = "Its turn is first, normal or last."
        raise InvalidInput(sentence, fields={"urgency": sentence})
    change = (URGENCIES[name] - recording.urgency) * URGENCY_STEP
    recording.urgency = URGENCIES[name]
    open_jobs = (Job.recording_id == recording.id) & Job.state.in_(("queued", "running"))
    session.execute(update(Job).where(open_jobs).values(priority=Job.priority + change))
    record_event(session, "urgency", "recording", recording.id, by=by, urgency=name)


def list_sweepable(session: Session, recording_id: str | None = None) -> list[Package]:
    """Abandoned packages (of one recording) on which nobody works any more."""
    at_work = select(Job.id).where(
        Job.package_id == Package.id, Job.state == "running", Job.lease_until >= database_now(session)
    )
    return [
        package
        for package in session.scalars(select(Package).where(Package.state == "abandoned", ~at_work.exists()))
        if recording_id in {None, package.recording_id}
    ]


def list_open_jobs(session: Session) -> list[Job]:
    """What waits or runs, in the order in which it will be taken."""
    is_open = Job.state.in_(("queued", "running"))
    return list(session.scalars(select(Job).where(is_open).order_by(Job.priority.desc(), Job.id)))


def _running(job: Job, recording: Recording, length_s: float | None, now: datetime) -> RunningLine:
    since_s = max(0.0, (now - job.started_at).total_seconds()) if job.started_at else 0.0
    if length_s is None and job.kind == "whole":
        length_s = float((recording.source or {}).get("duration_s") or 0.0)
    done_s = (length_s or 0.0) * job.progress
    return RunningLine(job, recording, since_s, round(done_s / since_s, 2) if done_s > 0 and since_s >= 1 else None)
