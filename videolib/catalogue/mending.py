"""Rows that contradict each other, as a death at a bad moment or a person with a database shell leaves them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session, aliased

from videolib.catalogue.jobs import BESIDE, Job, begin, recount, request_cancel, resume
from videolib.catalogue.packages import Chunk, Package, abandon_packages, find_package_in_the_making
from videolib.catalogue.recordings import Recording, move
from videolib.db import Base, database_now

# states in which somebody is to be at work, and those in which nothing half made is of use any more
_IN_WORK = ("queued", "processing")
_DONE_WITH = ("ready", "awaiting_review", "rejected", "cancelled")


def list_silent(session: Session, *, for_s: float) -> list[Job]:
    """Jobs whose worker has been silent for so long after its lease ran out."""
    before = database_now(session) - timedelta(seconds=for_s)
    return list(session.scalars(select(Job).where(Job.state == "running", Job.lease_until < before).order_by(Job.id)))


def take_from_silent(session: Session, job: Job) -> bool:
    """Put the job of a silent worker back into its queue; False if somebody else did meanwhile."""
    same = (Job.id == job.id) & (Job.attempt == job.attempt) & (Job.state == "running")
    changed = session.scalars(
        update(Job)
        .where(same, Job.lease_until < database_now(session))
        .values(state="queued", owner=None, lease_until=None, progress=0.0, sent_at=None)
        .returning(Job.id)
    ).one_or_none()
    return changed is not None


def list_miscounted(session: Session) -> list[Job]:
    """Jobs that wait for another number of children than are to be done."""
    child = aliased(Job)
    missing = select(func.count()).where(child.parent_id == Job.id, child.state != "done").scalar_subquery()
    finishing = (Job.kind == "finish") & (Job.state == "queued")
    return list(session.scalars(select(Job).where(finishing, Job.waits_for != missing).order_by(Job.id)))


def count_again(session: Session, job: Job) -> None:
    """Let it wait for those that are not done."""
    recount(session, job.package_id or "")


def list_forgotten(session: Session) -> list[Recording]:
    """Recordings on which somebody should be at work, without a job."""
    mine = (Job.recording_id == Recording.id) & Job.kind.not_in(BESIDE)
    open_jobs = select(Job.id).where(mine, Job.state.in_(("queued", "running")))
    return list(session.scalars(select(Recording).where(Recording.state.in_(_IN_WORK), ~open_jobs.exists())))


def take_up(session: Session, recording: Recording) -> None:
    """Go on with a recording that was forgotten, from what is finished where that can be."""
    if recording.state == "processing":
        move(session, recording, "release")
    package = find_package_in_the_making(session, recording.id)
    if package is None or resume(session, package) is None:
        abandon_packages(session, recording.id)
        begin(session, recording)


def list_needless(session: Session) -> list[Job]:
    """Jobs that wait though their recording has settled."""
    settled = (*_DONE_WITH, "failed")
    waiting = select(Job).join(Recording, Recording.id == Job.recording_id)
    needless = Recording.state.in_(settled) & (Job.state == "queued") & Job.kind.not_in(BESIDE)
    return list(session.scalars(waiting.where(needless).order_by(Job.id)))


def end_needless(session: Session, job: Job) -> None:
    """Nobody needs to do it."""
    request_cancel(session, job.recording_id)


def list_useless(session: Session) -> list[Package]:
    """Packages half made of recordings that have settled; what failed may still go on and is kept."""
    half = select(Package).join(Recording, Recording.id == Package.recording_id).where(Package.state == "making")
    at_work = select(Job.id).where(Job.package_id == Package.id, Job.state == "running")
    return list(session.scalars(half.where(Recording.state.in_(_DONE_WITH), ~at_work.exists())))


def list_unmade(session: Session) -> list[Recording]:
    """Recordings that are said to be ready and have no package."""
    whole = select(Package.id).where(Package.state == "complete")
    ready = Recording.state.in_(("ready", "awaiting_review"))
    missing = or_(Recording.package_id.is_(None), Recording.package_id.not_in(whole))
    return list(session.scalars(select(Recording).where(ready, missing)))


def begin_anew(session: Session, recording: Recording) -> None:
    """What was prepared of a recording in work is gone: prepare it again."""
    request_cancel(session, recording.id)
    abandon_packages(session, recording.id)
    begin(session, recording)


# rows that name a package without showing it to anybody
SHOWS_NOTHING = ("chunks", "jobs", "screenings")


def named_by_any_row(session: Session, column_name: str, *, but: Collection[str] = ()) -> set[str]:
    """Every value in the columns of that name, of whatever table: what a row names is not to be removed."""
    found: set[str] = set()
    for table in Base.metadata.sorted_tables:
        if column_name in table.columns and table.name not in but:
            found.update(str(value) for value in session.scalars(select(table.columns[column_name])) if value)
    return found


def list_superseded(session: Session, *, older_than_s: float) -> list[Package]:
    """Whole packages that nothing shows any more, and half made ones of recordings that failed long ago."""
    before = database_now(session) - timedelta(seconds=older_than_s)
    shown = named_by_any_row(session, "package_id", but=SHOWS_NOTHING)
    old = session.scalars(select(Package).where(Package.made_at < before, Package.state != "abandoned"))
    failed = select(Recording.id).where(Recording.state == "failed", Recording.updated_at < before)
    dead = set(session.scalars(failed))
    return [
        package
        for package in old
        if (package.state == "complete" and package.id not in shown)
        or (package.state == "making" and package.recording_id in dead)
    ]


def is_shown(session: Session, package_id: str) -> bool:
    """Whether a recording, an entry or a version of one plays it."""
    return package_id in named_by_any_row(session, "package_id", but=SHOWS_NOTHING)


def list_all_packages(session: Session) -> list[Package]:
    """Every package, by its id."""
    return list(session.scalars(select(Package).order_by(Package.id)))


def running_attempts(session: Session, package_id: str) -> set[int]:
    """The attempts of those who work on a package now."""
    return set(session.scalars(select(Job.attempt).where(Job.package_id == package_id, Job.state == "running")))


def make_chunk_again(session: Session, chunk: Chunk) -> bool:
    """What a chunk of a package in the making consists of is gone: make it again. False where no job can do that."""
    package = session.get_one(Package, chunk.package_id)
    mine = (Job.package_id == package.id) & (Job.kind == "chunk") & (Job.position == chunk.position)
    job = session.scalars(select(Job).where(mine, Job.state == "done")).first()
    if job is None:
        return False
    chunk.state, chunk.objects, chunk.tracks = "queued", [], {}
    job.state, job.attempt, job.given_back, job.sent_at = "queued", job.attempt + 1, job.attempt + 1, None
    session.flush()
    recount(session, package.id)
    return True
