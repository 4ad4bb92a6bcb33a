"""The worker: takes jobs under a lease, does them, follows the index; many may run, on any host.

A worker that dies costs at most the job in hand: its lease runs out and another takes it. A worker of another version
than the library refuses to work.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from ingest.errors import Cancelled, IngestError, Refused
from ingest.workshop import Watch, Workshop, make_watchable
from videolib.catalogue import jobs
from videolib.catalogue.indexing import HostIndex
from videolib.catalogue.jobs import Job, LeaseLost
from videolib.catalogue.library import VersionDiffers, require_same_version
from videolib.catalogue.recordings import TRANSITIONS, Reason, get_recording, move, note_progress, settle
from videolib.errors import Unavailable, VideolibError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

IDLE_S = 0.5
PROGRESS_EVERY_S = 1.0
BEATS_A_LEASE = 4
# a cancel is learnt of at a heartbeat, and takes effect within seconds however long the lease is
LONGEST_BEAT_S = 3.0
# share of the whole that lies before each stage, as measured on laparoscopies of a few minutes
_STAGE_SHARES = {
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


@dataclass
class _Hold:
    """The lease on the job in hand, as the heartbeat thread sees it."""

    job: Job
    stopping: Callable[[], bool]
    cancelled: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)

    def must_stop(self) -> bool:
        """Whether the work is to be dropped now."""
        return self.cancelled.is_set() or self.lost.is_set() or self.stopping()


def run_worker(
    workshop: Workshop,
    *,
    index: HostIndex | None,
    stop: Callable[[], bool],
    recording_ids: list[str] | None = None,
) -> None:
    """Work until `stop` says so. `recording_ids` limits the work to those recordings; `index` is followed if given.

    Raises `VersionDiffers` as soon as the library belongs to another version of this program.
    """
    owner = f"{socket.gethostname()}:{os.getpid()}"
    _sweep_scratch(workshop)
    with workshop.database.reading() as session:
        require_same_version(session)
    with _indexing(index):
        while not stop():
            if not _survive(lambda: _step(workshop, owner, stop, recording_ids)):
                time.sleep(IDLE_S)


def _step(workshop: Workshop, owner: str, stop: Callable[[], bool], recording_ids: list[str] | None) -> bool:
    """Take and do one job; tells whether there was one."""
    with workshop.database.writing() as session:
        require_same_version(session)
        job = jobs.claim(session, owner, workshop.settings.lease_s, recording_ids=recording_ids)
    if job is None:
        return False
    with _heartbeat(workshop, _Hold(job, stop)) as hold:
        _do(workshop, job, hold)
    return True


def _do(workshop: Workshop, job: Job, hold: _Hold) -> None:
    """Do one job and write down how it ended; a lost lease writes nothing."""
    try:
        _stop_if_cancelled(hold, is_cancelled=job.cancel)
        _require_another_try(job)
        with workshop.database.writing() as session:
            move(session, get_recording(session, job.recording_id), "start")
        watch = Watch(_progress_writer(workshop, job.recording_id), hold.must_stop)
        make_watchable(workshop, job.recording_id, watch, finish=lambda session: _finish(session, hold, workshop))
    except LeaseLost:
        log.warning("lease lost", job=job.id)
    except Cancelled:
        if hold.cancelled.is_set():
            _end(workshop, job, "cancel", None, may_retry=False)
        elif not hold.lost.is_set():
            _give_back(workshop, job)
    except Refused as error:
        _end(workshop, job, "reject", Reason(error.reason, error.message), may_retry=False)
    except Unavailable as error:
        _end(
            workshop,
            job,
            "fail",
            Reason("no_space" if error.code == "no_space" else "store_unavailable", error.message),
            may_retry=True,
        )
    except IngestError as error:
        _end(workshop, job, "fail", Reason(error.reason, error.message), may_retry=error.may_retry)
    except VideolibError as error:
        _end(workshop, job, "fail", Reason("tool_failed", error.message), may_retry=False)


def _finish(session: Session, hold: _Hold, workshop: Workshop) -> None:
    """End the job in the unit of work that attaches its package; a cancel that came at the last moment wins."""
    _stop_if_cancelled(hold, is_cancelled=jobs.heartbeat(session, hold.job, workshop.settings.lease_s))
    jobs.complete(session, hold.job)


def _stop_if_cancelled(hold: _Hold, *, is_cancelled: bool) -> None:
    if is_cancelled:
        hold.cancelled.set()
        raise Cancelled


def _give_back(workshop: Workshop, job: Job) -> None:
    """This worker was told to stop: the job waits for the next one."""
    with workshop.database.writing() as session:
        jobs.give_back(session, job)
        move(session, get_recording(session, job.recording_id), "release")
    log.info("job given back", job=job.id)


def _require_another_try(job: Job) -> None:
    if jobs.tries(job) > jobs.MAX_ATTEMPTS:
        raise IngestError("tool_failed", "The work on this recording ended its worker several times; it was given up.")


def _end(workshop: Workshop, job: Job, event: str, reason: Reason | None, *, may_retry: bool) -> None:
    """Write down that a job did not end in a package; it goes back to the queue where another try can help."""
    with workshop.database.writing() as session:
        recording = get_recording(session, job.recording_id)
        if event == "cancel":
            jobs.cancelled(session, job)
        elif jobs.fail(session, job, reason.message if reason else "", may_retry=may_retry):
            move(session, recording, "release")
            log.warning("job goes back", job=job.id, attempt=job.attempt, code=reason.code if reason else None)
            return
        if event in TRANSITIONS[recording.state]:  # else it was settled meanwhile, and only the job is left to end
            settle(session, recording, event, reason)
    log.info("job ended", job=job.id, how=event, code=reason.code if reason else None)


@contextmanager
def _heartbeat(workshop: Workshop, hold: _Hold) -> Iterator[_Hold]:
    """Hold the lease while the work goes on, and learn of a cancel."""
    job, over = hold.job, threading.Event()

    def beat() -> None:
        while not over.wait(min(workshop.settings.lease_s / BEATS_A_LEASE, LONGEST_BEAT_S)):
            _survive(one_beat)

    def one_beat() -> bool:
        try:
            with workshop.database.writing(durable=False) as session:
                if jobs.heartbeat(session, job, workshop.settings.lease_s):
                    hold.cancelled.set()
        except LeaseLost:
            hold.lost.set()
        return True

    thread = threading.Thread(target=beat, name=f"heartbeat-{job.id}", daemon=True)
    thread.start()
    try:
        yield hold
    finally:
        over.set()
        thread.join()


@contextmanager
def _indexing(index: HostIndex | None) -> Iterator[None]:
    """Follow the order of changes in a thread of its own; once more at the end, so that what was done is found."""
    over = threading.Event()

    def follow() -> None:
        while index and not over.wait(IDLE_S):
            _survive(lambda: bool(index.follow()))

    thread = threading.Thread(target=follow, name="indexer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if index:
            index.follow()


def _progress_writer(workshop: Workshop, recording_id: str) -> Callable[[str, float | None], None]:
    """A listener that writes progress into the row, at most once a second and at each new stage."""
    last_stage, last_at = "", 0.0

    def write(stage: str, fraction: float | None) -> None:
        nonlocal last_stage, last_at
        now = time.monotonic()
        if stage == last_stage and now - last_at < PROGRESS_EVERY_S:
            return
        last_stage, last_at = stage, now
        start, share = _STAGE_SHARES.get(stage, (0, 0))
        with workshop.database.writing(durable=False) as session:
            note_progress(session, recording_id, stage, (start + share * min(1.0, fraction or 0.0)) / 100)

    return write


def _survive(work: Callable[[], bool]) -> bool:
    """One of the two places that catch broadly: whatever goes wrong in a step, the worker lives on and says so."""
    try:
        return work()
    except VersionDiffers:
        raise
    except Exception:
        log.exception("worker step failed")
        time.sleep(IDLE_S)
        return False


def _sweep_scratch(workshop: Workshop) -> None:
    """Remove what dead workers of this host left: folders whose last change is older than any lease can be."""
    if not workshop.scratch.is_dir():
        return
    oldest = time.time() - max(3600.0, 10 * workshop.settings.lease_s)
    for folder in workshop.scratch.glob("job-*"):
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
