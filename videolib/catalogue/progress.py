"""How far the work on a recording is: stage, each rendition, speed, place in the queue, what it waits for.

Workers write down their own job's progress only; the whole is added up from the rows of jobs and chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.jobs import BESIDE, Job
from videolib.catalogue.packages import Chunk, Package, find_package_in_the_making, list_chunks
from videolib.catalogue.recordings import Recording, note_progress
from videolib.db import database_now

# share of the whole that lies before each stage of a recording made in one piece: percent before it, percent it takes
STAGE_SHARES = {
    "fetch": (0, 2),
    "inspect": (2, 1),
    "convert": (3, 5),
    "encode": (8, 82),
    "package": (90, 1),
    "images": (91, 2),
    "verify": (93, 2),
    "store": (95, 4),
    "attach": (99, 1),
}
# of one made in chunks: encoding begins and ends at these parts of the whole
CHUNKS_FROM, CHUNKS_UNTIL = 0.03, 0.95
# a rate measured over less is noise
MEASURED_OVER_S = 2.0


@dataclass(frozen=True)
class RenditionProgress:
    """How much of one rendition is in the store or under way, from 0 to 1."""

    name: str
    progress: float


@dataclass(frozen=True)
class WorkState:
    """The work on one recording now. `speed`: seconds of recording a second; `place`: 1 is next.

    `screened`: how much of it has been searched for patient data, from 0 to 1, while that goes on beside the rest.
    """

    renditions: tuple[RenditionProgress, ...] = ()
    chunks_done: int = 0
    chunks: int = 0
    place: int | None = None
    screened: float | None = None
    speed: float | None = None
    time_left_s: float | None = None
    hosts: tuple[str, ...] = ()
    waits_code: str | None = None
    waits_message: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def note_job_progress(session: Session, job: Job, stage: str, fraction: float | None) -> None:
    """Say how far one job is, and with it the recording; `fraction` of that stage."""
    part = min(1.0, fraction or 0.0)
    mine = (Job.id == job.id) & (Job.attempt == job.attempt)
    session.execute(update(Job).where(mine).values(progress=round(part, 4)))
    if job.kind in BESIDE:
        return
    if job.kind in {"chunk", "sound", "preview_sound"}:
        note_progress(session, job.recording_id, "encode", _chunks_progress(session, job.package_id or ""))
        return
    start, share = STAGE_SHARES.get(stage, (0, 0))
    whole = (start + share * part) / 100
    if job.kind == "finish":
        whole = CHUNKS_UNTIL + (1 - CHUNKS_UNTIL) * whole
    note_progress(session, job.recording_id, stage, whole)


def describe_work(session: Session, recording: Recording) -> WorkState:
    """Everything that a person who waits wants to know; empty where nothing is being done."""
    mine = (Job.recording_id == recording.id) & Job.state.in_(("queued", "running")) & Job.kind.not_in(BESIDE)
    found = list(session.scalars(select(Job).where(mine).order_by(Job.priority.desc(), Job.turn, Job.id)))
    if not found:
        return WorkState()
    now = database_now(session)
    running = [job for job in found if job.state == "running"]
    package = find_package_in_the_making(session, recording.id)
    chunks = [chunk for chunk in list_chunks(session, package.id) if chunk.position >= 0] if package else []
    speed, left_s = _pace(recording, chunks, running, now, _finished_rates(session, package))
    held_up = next((job for job in found if job.state == "queued" and job.error_code and job.not_before > now), None)
    return WorkState(
        renditions=_renditions(session, package, chunks, running) if package else (),
        chunks_done=sum(chunk.state == "done" for chunk in chunks),
        chunks=len(chunks),
        place=None if running else _place(session, found, now),
        screened=_screened(session, recording.id),
        speed=speed,
        time_left_s=left_s,
        hosts=tuple(sorted({(job.owner or "").partition(":")[0] for job in running})),
        waits_code=held_up.error_code if held_up else None,
        waits_message=held_up.error if held_up else None,
    )


def _screened(session: Session, recording_id: str) -> float | None:
    mine = (Job.recording_id == recording_id) & Job.kind.in_(BESIDE) & (Job.state == "running")
    return session.scalars(select(Job.progress).where(mine).order_by(Job.id).limit(1)).first()


def cpu_of(session: Session, package_id: str) -> float:
    """CPU seconds of all jobs that a package took so far."""
    done = select(Job.arguments).where(Job.package_id == package_id, Job.state == "done")
    return sum(float(arguments.get("cpu_s") or 0.0) for arguments in session.scalars(done))


def _chunks_progress(session: Session, package_id: str) -> float:
    """How much of the whole is done, while a package is made in chunks."""
    length = Chunk.end_s - Chunk.start_s
    planned = (Chunk.package_id == package_id) & (Chunk.position >= 0)
    total_s = session.scalars(select(func.coalesce(func.sum(length), 0.0)).where(planned)).one()
    done_s = session.scalars(select(func.coalesce(func.sum(length), 0.0)).where(planned, Chunk.state == "done")).one()
    under_way = (Job.package_id == package_id) & (Job.kind == "chunk") & (Job.state == "running")
    partly_s = session.scalars(
        select(func.coalesce(func.sum(length * Job.progress), 0.0))
        .select_from(Chunk)
        .join(Job, and_(Job.package_id == Chunk.package_id, Job.position == Chunk.position))
        .where(planned, under_way, Chunk.state != "done")
    ).one()
    return CHUNKS_FROM + (CHUNKS_UNTIL - CHUNKS_FROM) * min(1.0, (done_s + partly_s) / max(total_s, 0.001))


def _renditions(
    session: Session, package: Package, chunks: Sequence[Chunk], running: Sequence[Job]
) -> tuple[RenditionProgress, ...]:
    """Pictures of each size: what is kept of it, and what the chunks in hand have of it."""
    total_s = sum(chunk.end_s - chunk.start_s for chunk in chunks)
    if total_s <= 0:
        return ()
    lengths = {chunk.position: chunk.end_s - chunk.start_s for chunk in chunks if chunk.state != "done"}
    partly_s = sum(job.progress * lengths.get(job.position or 0, 0.0) for job in running if job.kind == "chunk")
    kept: dict[str, float] = {}
    for chunk in list_chunks(session, package.id):
        for folder, segments in (chunk.tracks if chunk.state == "done" else {}).items():
            kept[folder] = kept.get(folder, 0.0) + sum(float(segment["duration_s"]) for segment in segments)
    return tuple(
        RenditionProgress(
            track["name"],
            round(min(1.0, (kept.get(track["folder"], 0.0) + (0 if track.get("copied") else partly_s)) / total_s), 4),
        )
        for track in package.tracks
        if track.get("kind") == "video"
    )


def _finished_rates(session: Session, package: Package | None) -> list[float]:
    """Seconds of recording a second of the last chunks that were finished."""
    if package is None:
        return []
    done = (Job.package_id == package.id) & (Job.kind == "chunk") & (Job.state == "done")
    rows = session.execute(
        select(Chunk.start_s, Chunk.end_s, Job.started_at, Job.finished_at)
        .select_from(Chunk)
        .join(Job, and_(Job.package_id == Chunk.package_id, Job.position == Chunk.position))
        .where(done)
        .order_by(Job.finished_at.desc())
        .limit(8)
    ).all()
    return [
        (row.end_s - row.start_s) / took_s
        for row in rows
        if row.started_at and row.finished_at and (took_s := (row.finished_at - row.started_at).total_seconds()) > 0
    ]


def _pace(
    recording: Recording, chunks: Sequence[Chunk], running: Sequence[Job], now: datetime, finished: Sequence[float]
) -> tuple[float | None, float | None]:
    """Seconds of recording a second, and how long the rest will take; None where nobody can know yet."""
    busy = [(job, (now - job.started_at).total_seconds()) for job in running if job.started_at]
    if not chunks:
        duration_s = float((recording.source or {}).get("duration_s") or 0.0)
        longest_s = max((for_s for _, for_s in busy), default=0.0)
        if longest_s < MEASURED_OVER_S or recording.progress < CHUNKS_FROM:
            return None, None
        left_s = longest_s * (1 - recording.progress) / recording.progress
        return (round(duration_s * recording.progress / longest_s, 2) or None), round(left_s, 1)
    lengths = {chunk.position: chunk.end_s - chunk.start_s for chunk in chunks if chunk.state != "done"}
    usual = sum(finished) / len(finished) if finished else 0.0
    speed = partly_s = 0.0
    for job, for_s in busy:
        here_s = job.progress * lengths.get(job.position if job.position is not None else -1, 0.0)
        partly_s += here_s
        if job.kind == "chunk":
            speed += here_s / for_s if for_s >= MEASURED_OVER_S and here_s > 0 else usual
    if speed <= 0:
        return None, None
    return round(speed, 2), round(max(0.0, sum(lengths.values()) - partly_s) / speed, 1)


def _place(session: Session, found: Sequence[Job], now: datetime) -> int | None:
    """The place of the next of these jobs among all that wait in its queue."""
    mine = next((job for job in found if job.waits_for == 0 and job.not_before <= now), None)
    if mine is None:
        return None
    before = or_(
        Job.priority > mine.priority,
        and_(Job.priority == mine.priority, Job.turn < mine.turn),
        and_(Job.priority == mine.priority, Job.turn == mine.turn, Job.id < mine.id),
    )
    waiting = (Job.state == "queued") & (Job.queue == mine.queue) & (Job.waits_for == 0) & (Job.not_before <= now)
    return session.scalars(select(func.count()).select_from(Job).where(waiting, before)).one() + 1
