"""Work to be done: rows that workers take under a lease; the row decides, whoever delivers it.

`attempt` is the fencing token: every heartbeat and completion names it, so a worker that was given up for dead and
wakes again changes nothing. All times are the database's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, func, or_, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.job_log import note_job
from videolib.catalogue.packages import Package, abandon_packages, find_package_in_the_making
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording, move, settle
from videolib.db import Base, database_now, utc_now
from videolib.errors import Conflict

# kind -> the queue it waits in. quick: what somebody waits for; long: encoding; io: reading and writing the store
LONG = dict.fromkeys(("chunk", "sound", "whole", "montage", "screen"), "long")
QUEUES = {"prepare": "quick", "track": "quick", "narrate": "quick", "preview_sound": "io", "finish": "io", **LONG}
# done beside the making of a package, whatever the state of the recording; nobody waits for it with a picture
BESIDE = frozenset({"screen", "track", "narrate"})
BESIDE_PRIORITY = -10
# position of a chunk -> how urgent it is; later ones are not
FIRST_CHUNKS = {0: 20, 1: 20, 2: 10, 3: 10}
PREVIEW_SOUND_PRIORITY = 10
# who is told to go first goes before all of these
URGENCY_STEP = 1000
MAX_ATTEMPTS = 5
FIRST_RETRY_S, LONGEST_PAUSE_S = 2.0, 60.0


class LeaseLost(Conflict):
    """Another worker holds this job by now, or it was cancelled: stop and leave everything alone."""

    code = "lease_lost"


class Job(Base):
    """One unit of work."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]  # a key of QUEUES
    queue: Mapped[str] = mapped_column(default="quick", server_default="quick")
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id"), index=True)
    # the package it makes, and which of its chunks
    package_id: Mapped[str | None] = mapped_column(ForeignKey("packages.id", ondelete="SET NULL"), index=True)
    position: Mapped[int | None]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    state: Mapped[str] = mapped_column(default="queued")  # queued, running, done, failed, cancelled
    priority: Mapped[int] = mapped_column(default=0)
    # whose work it is, and its place in the common line: uploaders take turns
    uploader_id: Mapped[int | None]
    turn: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    attempt: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    # attempts that ended because the worker was told to stop: they do not count against the job
    given_back: Mapped[int] = mapped_column(default=0)
    waits_for: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(default=utc_now)
    cancel: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[float] = mapped_column(default=0.0, server_default="0")
    error: Mapped[str | None]
    error_code: Mapped[str | None]
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # when a broker was given a message about it that nobody has answered yet
    sent_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_jobs_claim", "state", "queue", "priority", "turn", "id"),)


def enqueue(session: Session, kind: str, recording_id: str, *, priority: int = 0, **arguments: object) -> Job:
    """Add a job, at the end of its uploader's own line."""
    asked = select(Recording.uploader_id, Recording.urgency).where(Recording.id == recording_id)
    row = session.execute(asked).one_or_none()
    uploader_id, urgency = (row.uploader_id, row.urgency) if row else (None, 0)
    queue = QUEUES.get(kind, "quick")
    job = Job(
        kind=kind,
        queue=queue,
        recording_id=recording_id,
        priority=priority + urgency * URGENCY_STEP,
        uploader_id=uploader_id,
        turn=_next_turn(session, queue, uploader_id),
        not_before=database_now(session),
        arguments=arguments,
    )
    session.add(job)
    session.flush()
    return job


def split(
    session: Session,
    job: Job,
    package: Package,
    *,
    positions: Sequence[int],
    has_sound: bool,
    has_preview_sound: bool = False,
) -> Job:
    """Let workers make the planned chunks of a package, and then finish it; gives the job that finishes.

    For the unit of work that completes `job`, the one that planned. The first chunks go before the later ones of all
    others: what was uploaded last can soon be looked at. Sound takes a while: its turn comes among the later chunks.
    """
    finish = enqueue(session, "finish", job.recording_id)
    finish.package_id = package.id
    work: list[tuple[str, int | None, int]] = [("chunk", one, FIRST_CHUNKS.get(one, 0)) for one in positions]
    if has_sound:
        work.insert(len(work) // 2, ("sound", None, 0))
    if has_preview_sound:
        work.insert(0, ("preview_sound", None, PREVIEW_SOUND_PRIORITY))
    for kind, position, priority in work:
        child = enqueue(session, kind, job.recording_id, priority=priority)
        child.position, child.package_id, child.parent_id = position, package.id, finish.id
    finish.waits_for = len(work)
    session.flush()
    return finish


def start_work(session: Session, recording: Recording, *, by: User | None) -> Job:
    """Let the workers make a recording watchable (again). Raises `Conflict` while they are at it.

    Work that failed goes on from what is finished; all other work starts anew. What came here in an entry's file has
    no original to start from: a `Conflict` too (code "no_original").
    """
    if not recording.original_key and not recording.is_montage:
        raise Conflict(
            "The original of this recording is in the library that it came from: have it made anew there, and bring "
            "the entry's file again.",
            code="no_original",
        )
    was_failed = recording.state == "failed"
    move(session, recording, "enqueue")
    recording.reason_code = recording.reason_message = recording.stage = None
    recording.progress = 0.0
    record_event(session, "enqueue", "recording", recording.id, by=by)
    package = find_package_in_the_making(session, recording.id)
    if package is not None and was_failed and (job := resume(session, package)) is not None:
        return job
    abandon_packages(session, recording.id)
    return begin(session, recording)


def begin(session: Session, recording: Recording) -> Job:
    """The first job on a recording."""
    return enqueue(session, "montage" if recording.is_montage else "prepare", recording.id)


def resume(session: Session, package: Package) -> Job | None:
    """Let the workers go on with a planned package: what is finished stays. None where it has no such jobs.

    A worker that still holds one of its jobs has lost it.
    """
    mine = (Job.package_id == package.id) & (Job.kind != "prepare")
    again = mine & (Job.state != "done")
    values = {"state": "queued", "cancel": False, "attempt": Job.attempt + 1, "given_back": Job.attempt + 1}
    session.execute(
        update(Job)
        .where(again)
        .values(**values, owner=None, lease_until=None, sent_at=None, not_before=database_now(session))
    )
    recount(session, package.id)
    return session.scalars(
        select(Job).where(again, Job.kind == "finish"), execution_options={"populate_existing": True}
    ).first()


def recount(session: Session, package_id: str) -> None:
    """Let the job that finishes a package wait for just those of its children that are not done."""
    children = aliased(Job)
    missing = select(func.count()).where(children.parent_id == Job.id, children.state != "done").scalar_subquery()
    parents = (Job.package_id == package_id) & (Job.kind == "finish")
    session.execute(
        update(Job).where(parents).values(waits_for=missing), execution_options={"synchronize_session": False}
    )


def stop_work(session: Session, recording: Recording, *, by: User | None) -> None:
    """Cancel the work on a recording: at once where it waits, within seconds where it runs.

    Raises `Conflict` where there is no work on it.
    """
    running = request_cancel(session, recording.id)
    record_event(session, "cancel", "recording", recording.id, by=by)
    if not running:
        settle(session, recording, "cancel", None)
        abandon_packages(session, recording.id)


def stop_siblings(session: Session, job: Job) -> None:
    """A job of this recording has failed for good: what waits need not be done, what runs is told to stop."""
    request_cancel(session, job.recording_id)


def has_open_jobs(session: Session, recording_id: str, *, states: Collection[str] = ("queued", "running")) -> bool:
    """Whether anything is still to be done to make a recording watchable."""
    mine = (Job.recording_id == recording_id) & Job.state.in_(states) & Job.kind.not_in(BESIDE)
    return session.scalars(select(Job.id).where(mine).limit(1)).first() is not None


def due(now: datetime) -> ColumnElement[bool]:
    """What a worker may take: what waits for nothing, and what a silent worker held."""
    return or_(
        (Job.state == "queued") & (Job.waits_for == 0) & (Job.not_before <= now),
        (Job.state == "running") & (Job.lease_until < now),
    )


def is_any_due(session: Session, queues: Collection[str]) -> bool:
    """Whether a claim from these queues would find something; looks only, where a claim would take the write lock."""
    found = select(Job.id).where(due(database_now(session)), Job.queue.in_(queues)).limit(1)
    return session.scalars(found).first() is not None


def claim(
    session: Session,
    owner: str,
    lease_s: float,
    *,
    queues: Collection[str] | None = None,
    recording_ids: list[str] | None = None,
) -> Job | None:
    """Take the next job that is due, or one whose worker is silent; None when there is none.

    `queues` and `recording_ids` limit the choice to those.
    """
    now = database_now(session)
    candidate = select(Job.id).where(due(now)).order_by(Job.priority.desc(), Job.turn, Job.id).limit(1)
    if queues is not None:
        candidate = candidate.where(Job.queue.in_(queues))
    if recording_ids is not None:
        # somebody waits for these to be watchable: what is done beside that is left to workers that go on
        candidate = candidate.where(Job.recording_id.in_(recording_ids), Job.kind.not_in(BESIDE))
    if session.get_bind().dialect.name == "postgresql":
        candidate = candidate.with_for_update(skip_locked=True)
    statement = (
        update(Job)
        .where(Job.id == candidate.scalar_subquery())
        .values(
            state="running",
            owner=owner,
            attempt=Job.attempt + 1,
            lease_until=now + timedelta(seconds=lease_s),
            started_at=now,
            progress=0.0,
            error=None,
            error_code=None,
            sent_at=None,
        )
        .returning(Job)
    )
    job = session.scalars(statement, execution_options={"populate_existing": True}).first()
    if job is not None:
        note_job(session, job, "started")
    return job


def heartbeat(session: Session, job: Job, lease_s: float) -> bool:
    """Hold the job for another `lease_s`; tells whether it is to be cancelled. Raises `LeaseLost`."""
    until = database_now(session) + timedelta(seconds=lease_s)
    cancel: bool | None = session.scalars(_held(job).values(lease_until=until).returning(Job.cancel)).one_or_none()
    if cancel is None:
        raise LeaseLost("Another worker has this job by now.")
    return cancel


def renew(session: Session, held: Collection[tuple[int, int]], lease_s: float) -> None:
    """Hold many jobs, each by its id and attempt, for another `lease_s`; those that are lost stay lost."""
    if held:
        until = database_now(session) + timedelta(seconds=lease_s)
        mine = tuple_(Job.id, Job.attempt).in_(held)
        session.execute(update(Job).where(mine, Job.state == "running").values(lease_until=until))


def look_at(session: Session, ids: Collection[int]) -> dict[int, tuple[int | None, bool]]:
    """Of each of these jobs: the attempt that may go on (None: nobody may), and whether it is to be cancelled."""
    rows = session.execute(select(Job.id, Job.attempt, Job.state, Job.cancel).where(Job.id.in_(ids)))
    return {row.id: (row.attempt if row.state == "running" else None, row.cancel) for row in rows}


def complete(session: Session, job: Job, *, cpu_s: float | None = None) -> None:
    """The job is done and took so much computing; what waited for it waits for one less. Raises `LeaseLost`."""
    _end(session, job, "done", None)
    if cpu_s is not None:
        spent = {**job.arguments, "cpu_s": cpu_s}
        session.execute(update(Job).where(Job.id == job.id).values(arguments=spent))
    if job.parent_id is not None:
        session.execute(update(Job).where(Job.id == job.parent_id).values(waits_for=Job.waits_for - 1))


def fail(session: Session, job: Job, sentence: str, *, code: str | None = None, may_retry: bool) -> bool:
    """The job did not work; put it back with a growing pause if it may be retried. Tells whether it will be.

    Raises `LeaseLost`.
    """
    if not may_retry or tries(job) >= MAX_ATTEMPTS:
        _end(session, job, "failed", sentence, code)
        return False
    pause = timedelta(seconds=FIRST_RETRY_S * 2 ** (tries(job) - 1))
    _put_back(session, job, not_before=database_now(session) + pause, error=sentence, error_code=code)
    return True


def put_off(session: Session, job: Job, sentence: str, *, code: str) -> None:
    """What the job needs is not there (disk space, the store): it waits and says so, and this attempt does not count.

    The pause grows to a minute and there is no end to the patience. Raises `LeaseLost`.
    """
    pause = timedelta(seconds=min(LONGEST_PAUSE_S, FIRST_RETRY_S * 2 ** min(10, job.given_back)))
    _put_back(
        session,
        job,
        not_before=database_now(session) + pause,
        error=sentence,
        error_code=code,
        given_back=Job.given_back + 1,
    )


def give_back(session: Session, job: Job) -> None:
    """The worker has to stop: another takes the job at once, and this attempt does not count. Raises `LeaseLost`."""
    _put_back(session, job, given_back=Job.given_back + 1)


def tries(job: Job) -> int:
    """How often the job was really tried."""
    return job.attempt - job.given_back


def cancelled(session: Session, job: Job) -> None:
    """The job was stopped because somebody asked for it. Raises `LeaseLost`."""
    _end(session, job, "cancelled", None)


def request_cancel(session: Session, recording_id: str) -> int:
    """Stop the work on a recording: what waits ends now, what runs is told. Gives the number of jobs still running.

    A job whose worker is silent waits for another worker: it ends now.
    """
    now, mine = database_now(session), (Job.recording_id == recording_id) & Job.kind.not_in(BESIDE)
    idle = or_(Job.state == "queued", (Job.state == "running") & (Job.lease_until < now))
    waiting = update(Job).where(mine & idle).values(state="cancelled", cancel=True, finished_at=now)
    running = update(Job).where(mine & (Job.state == "running")).values(cancel=True).returning(Job.id)
    session.execute(waiting)
    told = session.scalars(running).all()
    session.execute(waiting)  # once more: a job that ended just now may have handed out others
    return len(told)


def _next_turn(session: Session, queue: str, uploader_id: int | None) -> int:
    """The place in the common line of a queue: after this uploader's last job, and not before those waiting now.

    So uploaders take turns, however many jobs each has (start-time fair queueing, all jobs taken as equal).
    """
    waiting = (Job.queue == queue) & Job.state.in_(("queued", "running"))
    own = Job.uploader_id.is_not_distinct_from(uploader_id)
    first = session.scalars(select(func.coalesce(func.min(Job.turn), 0)).where(waiting)).one()
    after_own = session.scalars(select(func.coalesce(func.max(Job.turn) + 1, 0)).where(waiting, own)).one()
    return max(first, after_own)


def _put_back(session: Session, job: Job, **values: Any) -> None:
    changed = session.scalars(
        _held(job).values(state="queued", owner=None, lease_until=None, progress=0.0, **values).returning(Job.id)
    ).one_or_none()
    if changed is None:
        raise LeaseLost("Another worker has this job by now.")
    note_job(session, job, "put_back", values.get("error"), values.get("error_code"))


def _held(job: Job) -> Any:
    return update(Job).where(Job.id == job.id, Job.attempt == job.attempt, Job.state == "running")


def _end(session: Session, job: Job, state: str, error: str | None, code: str | None = None) -> None:
    ended = session.scalars(
        _held(job)
        .values(state=state, lease_until=None, error=error, error_code=code, finished_at=database_now(session))
        .returning(Job.id)
    ).one_or_none()
    if ended is None:
        raise LeaseLost("Another worker has this job by now.")
    note_job(session, job, state, error, code)
