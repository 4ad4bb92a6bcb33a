"""One job from its claim to its end: who does it, how far it is, and how its end is written down.

`DEEDS` says which function does a kind of job. A worker that dies costs at most the job in hand: its lease runs out
and another takes it. What a job lacks for now (disk space, the store, the database) makes it wait; only what went
wrong with the recording itself counts as a try.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog

from ingest.chunk_work import encode_all_sound, encode_one_chunk
from ingest.errors import Cancelled, IngestError, NoSpace, Refused
from ingest.ffmpeg import cpu_spent_s
from ingest.finishing import finish_package
from ingest.leases import Hold, LeaseKeeper
from ingest.montage import make_montage
from ingest.narrating import narrate
from ingest.preparing import make_in_one_piece, prepare
from ingest.preview_sound import encode_preview_sound
from ingest.screening.work import screen
from ingest.sweeping import sweep_abandoned
from ingest.tracking import track
from ingest.workshop import Watch, Workshop
from videolib.catalogue import jobs
from videolib.catalogue.jobs import Job, LeaseLost
from videolib.catalogue.library import require_same_version
from videolib.catalogue.narrations import fail_narration
from videolib.catalogue.packages import abandon_packages
from videolib.catalogue.progress import note_job_progress
from videolib.catalogue.recordings import TRANSITIONS, Reason, begin_work, get_recording, move, settle
from videolib.catalogue.screenings import fail_screening
from videolib.errors import Unavailable, VideolibError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

PROGRESS_EVERY_S = 1.0
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)
# what a job waits for, where it is not the store
_SAID_AS_IT_IS = frozenset({"no_space", "database_unavailable", "not_released"})
# while the database is away the end of a job is written again and again, then its lease decides
WRITE_AGAIN_S = 1.0


class Deed(Protocol):
    """Does one job; calls `finish` in the unit of work that keeps what was made, so that both happen or neither."""

    def __call__(self, workshop: Workshop, job: Job, watch: Watch, *, finish: Callable[[Session], None]) -> None:
        """Raises `Refused` for the recording's own fault, `ToolFailed`, `Unavailable`, `Cancelled`, `LeaseLost`."""


DEEDS: Mapping[str, Deed] = {
    "prepare": prepare,
    "whole": make_in_one_piece,
    "chunk": encode_one_chunk,
    "preview_sound": encode_preview_sound,
    "sound": encode_all_sound,
    "finish": finish_package,
    "screen": screen,
    "track": track,
    "narrate": narrate,
    "montage": make_montage,
}


@dataclass(frozen=True)
class Hands:
    """What a worker does jobs with."""

    workshop: Workshop
    owner: str
    keeper: LeaseKeeper
    stopping: Callable[[], bool]
    deeds: Mapping[str, Deed] = field(default_factory=lambda: DEEDS)


def do_next(hands: Hands, queues: Collection[str], *, recording_ids: list[str] | None = None) -> Job | None:
    """Take the next job of these queues and do it; None when none is due."""
    workshop = hands.workshop
    with workshop.database.reading() as session:
        require_same_version(session)
        if not jobs.is_any_due(session, queues):
            return None
    with workshop.database.writing() as session:
        job = jobs.claim(session, hands.owner, workshop.settings.lease_s, queues=queues, recording_ids=recording_ids)
    if job is not None:
        with hands.keeper.holding(Hold(job, hands.stopping)) as hold:
            _do(hands, hold)
    return job


def _do(hands: Hands, hold: Hold) -> None:
    """Do one job and write down how it ended; a lost lease writes nothing."""
    workshop, job = hands.workshop, hold.job
    try:
        _stop_if_cancelled(hold, is_cancelled=job.cancel)
        if jobs.tries(job) > jobs.MAX_ATTEMPTS:
            sentence = "The work on this recording ended its worker several times; it was given up."
            raise IngestError("tool_failed", sentence)
        _begin(workshop, job)
        watch, before_s = Watch(_progress_writer(workshop, job), hold.must_stop), cpu_spent_s()
        finish = partial(_finish, hold=hold, workshop=workshop, before_s=before_s)
        with _telling_a_full_disk():
            hands.deeds[job.kind](workshop, job, watch, finish=finish)
        log.info("job done", job=job.id, kind=job.kind, attempt=job.attempt)
    except LeaseLost:
        log.warning("lease lost", job=job.id)
    except Cancelled:
        if hold.cancelled.is_set():
            _write_end(workshop, hold, partial(_cancel, job=job))
            sweep_abandoned(workshop, job.recording_id)
        elif not hold.lost.is_set():
            _write_end(workshop, hold, partial(_give_back, job=job))
    except Refused as error:
        _write_end(workshop, hold, partial(_reject, job=job, error=error))
    except (NoSpace, Unavailable) as error:
        code = error.code if error.code in _SAID_AS_IT_IS else "store_unavailable"
        _write_end(workshop, hold, partial(_put_off, job=job, sentence=error.message, code=code))
    except VideolibError as error:
        _write_end(workshop, hold, partial(_fail, job=job, error=error))


@contextmanager
def _telling_a_full_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_IS_FULL:
            raise
        raise NoSpace from error


def _begin(workshop: Workshop, job: Job) -> None:
    """Say that somebody works on the recording, where the job is a part of making it watchable."""
    with workshop.database.writing() as session:
        if job.kind not in jobs.BESIDE:
            begin_work(session, get_recording(session, job.recording_id))
        if job.kind in {"prepare", "montage"}:  # what an earlier try left half made
            abandon_packages(session, job.recording_id)


def _finish(session: Session, hold: Hold, workshop: Workshop, before_s: float) -> None:
    """End the job in the unit of work that keeps what it made; a cancel that came at the last moment wins."""
    _stop_if_cancelled(hold, is_cancelled=jobs.heartbeat(session, hold.job, workshop.settings.lease_s))
    jobs.complete(session, hold.job, cpu_s=round(cpu_spent_s() - before_s, 3))


def _stop_if_cancelled(hold: Hold, *, is_cancelled: bool) -> None:
    if is_cancelled:
        hold.cancelled.set()
        raise Cancelled


def _write_end(workshop: Workshop, hold: Hold, end: Callable[[Session], str]) -> None:
    """Write down how a job ended, as soon as the database answers; not if the lease is lost by then."""
    while True:
        try:
            with workshop.database.writing() as session:
                how = end(session)
            log.info("job ended", job=hold.job.id, kind=hold.job.kind, attempt=hold.job.attempt, how=how)
        except LeaseLost:
            log.warning("lease lost", job=hold.job.id)
        except Unavailable:
            if not (hold.lost.is_set() or hold.stopping()):
                time.sleep(WRITE_AGAIN_S)
                continue
        return


def _cancel(session: Session, job: Job) -> str:
    jobs.cancelled(session, job)
    recording = get_recording(session, job.recording_id, for_update=True)
    if job.kind in jobs.BESIDE:
        return "cancelled"
    if not jobs.has_open_jobs(session, recording.id) and "cancel" in TRANSITIONS[recording.state]:
        settle(session, recording, "cancel", None)
        abandon_packages(session, recording.id)
    return "cancelled"


def _give_back(session: Session, job: Job) -> str:
    """This worker was told to stop: the job waits for the next one."""
    jobs.give_back(session, job)
    _release(session, job)
    return "given back"


def _put_off(session: Session, job: Job, sentence: str, code: str) -> str:
    jobs.put_off(session, job, sentence, code=code)
    _release(session, job)
    return f"waits: {code}"


def _reject(session: Session, job: Job, error: Refused) -> str:
    jobs.fail(session, job, error.message, code=error.reason, may_retry=False)
    return _settle_for_all(session, job, "reject", Reason(error.reason, error.message))


def _fail(session: Session, job: Job, error: VideolibError) -> str:
    """The job goes back to the queue where another try can help; else the recording has failed."""
    may_retry, code = (error.may_retry, error.reason) if isinstance(error, IngestError) else (False, "tool_failed")
    if jobs.fail(session, job, error.message, code=code, may_retry=may_retry):
        _release(session, job)
        return f"goes back: {code}"
    return _settle_for_all(session, job, "fail", Reason(code, error.message))


def _settle_for_all(session: Session, job: Job, event: str, reason: Reason) -> str:
    """The recording comes to its end by this job; the others on it need not go on."""
    if job.kind in jobs.BESIDE:
        if job.kind == "screen":
            fail_screening(session, str(job.arguments["screening_id"]), reason.message)
        elif job.kind == "narrate":
            fail_narration(session, str(job.arguments["narration_id"]), reason.message)
        return f"{event}: {reason.code}"
    recording = get_recording(session, job.recording_id, for_update=True)
    if event in TRANSITIONS[recording.state]:  # else it was settled meanwhile, and only the job was left to end
        settle(session, recording, event, reason)
        jobs.stop_siblings(session, job)
        if event == "reject":
            abandon_packages(session, recording.id)
    return f"{event}: {reason.code}"


def _release(session: Session, job: Job) -> None:
    """Nobody works on the recording any more, for now."""
    if job.kind in jobs.BESIDE:
        return
    recording = get_recording(session, job.recording_id, for_update=True)
    if recording.state == "processing" and not jobs.has_open_jobs(session, recording.id, states=("running",)):
        move(session, recording, "release")


def _progress_writer(workshop: Workshop, job: Job) -> Callable[[str, float | None], None]:
    """A listener that writes progress into the rows, at most once a second and at each new stage."""
    last_stage, last_at = "", 0.0

    def write(stage: str, fraction: float | None) -> None:
        nonlocal last_stage, last_at
        now = time.monotonic()
        if stage == last_stage and now - last_at < PROGRESS_EVERY_S:
            return
        last_stage, last_at = stage, now
        with workshop.database.writing(durable=False) as session:
            note_job_progress(session, job, stage, fraction)

    return write
