"""The worker of one host without a broker: takes jobs itself, as many at once as the host has places for.

Beside the work it follows the search index, mends what others left, and keeps its cache of sources small. A worker of
another version than the library refuses to work.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import structlog

from ingest.arrivals import remove_expired, taking_arrivals
from ingest.budget import count_places, place
from ingest.leases import LeaseKeeper
from ingest.posting import keeping_post
from ingest.reconcile import reconcile, reconcile_rows
from ingest.scratch import sweep
from ingest.sources import SourceCache
from ingest.surviving import beside, survive
from ingest.sweeping import sweep_narrations
from ingest.tasks import DEEDS, Deed, Hands, do_next
from ingest.workshop import Workshop
from videolib.catalogue.audit_chain import anchor_head, audit_key
from videolib.catalogue.consent_ends import withdraw_ended
from videolib.catalogue.indexing import HostIndex
from videolib.catalogue.job_log import prune_log
from videolib.catalogue.ledger import ledger_key, write_ledger
from videolib.catalogue.library import VersionDiffers, require_same_version
from videolib.db import utc_now

log = structlog.get_logger(__name__)

IDLE_S = 0.25
LOOK_AT_STOP_S = 0.1
HOUSE_S = 30.0
THOROUGH_S = 3600.0


@dataclass
class _Crew:
    """The threads of one worker, one for each place; the first that finds another version stops them all."""

    hands: Hands
    recording_ids: list[str] | None
    over: threading.Event
    refusal: list[VersionDiffers] = field(default_factory=list)

    def work(self, queue: str, places: int) -> None:
        while not self.over.is_set():
            try:
                if not survive(lambda: self._step(queue, places)):
                    self.over.wait(IDLE_S)
            except VersionDiffers as error:
                self.refusal.append(error)
                self.over.set()

    def _step(self, queue: str, places: int) -> bool:
        with place(self.hands.workshop.settings.home, queue, places) as is_free:
            return is_free and do_next(self.hands, {queue}, recording_ids=self.recording_ids) is not None


def run_worker(
    workshop: Workshop,
    *,
    index: HostIndex | None,
    stop: Callable[[], bool],
    recording_ids: list[str] | None = None,
    deeds: Mapping[str, Deed] = DEEDS,
) -> None:
    """Work until `stop` says so. `recording_ids` limits the work to those recordings; `index` is followed if given.

    Raises `VersionDiffers` as soon as the library belongs to another version of this program.
    """
    sweep(workshop.scratch)
    with workshop.database.reading() as session:
        require_same_version(session)
    over = threading.Event()
    places = count_places(workshop.settings)
    # who works on named recordings alone takes nothing else on
    arrivals = nullcontext() if recording_ids is not None else taking_arrivals(workshop)
    leases = LeaseKeeper(workshop.database, workshop.settings.lease_s)
    with arrivals, indexing(index), keeping_house(workshop), keeping_post(workshop), leases as keeper:
        crew = _Crew(Hands(workshop, owner_name(), keeper, over.is_set, deeds), recording_ids, over)
        threads = [
            threading.Thread(target=crew.work, args=(queue, count), name=f"{queue}-{number}")
            for queue, count in places.items()
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        try:
            while not (over.is_set() or stop()):
                over.wait(LOOK_AT_STOP_S)
        finally:
            over.set()
            for thread in threads:
                thread.join()
    if crew.refusal:
        raise crew.refusal[0]


def owner_name() -> str:
    """Who holds the leases of this process: host and process number."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def indexing(index: HostIndex | None) -> Iterator[None]:
    """Follow the order of changes in a thread of its own; once more at the end, so that what was done is found."""

    def follow(over: threading.Event) -> None:
        while index and not over.wait(IDLE_S):
            survive(index.follow)

    try:
        with beside("indexer", follow):
            yield
    finally:
        if index:
            index.follow()


@contextmanager
def keeping_house(workshop: Workshop, *, every_s: float = HOUSE_S) -> Iterator[None]:
    """Mend rows now and then, look through the store once an hour, keep this host's scratch and cache small."""
    looked_at = time.monotonic()

    def mend() -> bool:
        nonlocal looked_at
        is_thorough = time.monotonic() - looked_at >= THOROUGH_S
        looked_at = time.monotonic() if is_thorough else looked_at
        for finding in reconcile(workshop) if is_thorough else reconcile_rows(workshop):
            log.warning("mended", **finding.as_json())
        if is_thorough:
            with workshop.database.writing() as session:
                prune_log(session, utc_now())
        remove_expired(workshop)
        sweep_narrations(workshop)
        sweep(workshop.scratch)
        SourceCache(workshop.settings, workshop.originals).evict()
        return True

    def end_consents() -> bool:
        with workshop.database.writing() as session:
            for entry_id in withdraw_ended(session):
                log.warning("withdrawn: no consent covers it any more", entry=entry_id)
        return True

    def write_down() -> bool:
        anchor_head(workshop.database, workshop.store, audit_key(workshop.settings))
        write_ledger(workshop.database, workshop.ledger, ledger_key(workshop.settings))
        return True

    def keep(over: threading.Event) -> None:
        while not over.wait(every_s):
            # what one cannot do keeps the others from nothing
            for chore in (mend, end_consents, write_down):
                survive(chore)

    with beside("house", keep):
        yield
