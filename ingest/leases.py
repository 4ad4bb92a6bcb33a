"""The leases that one process holds: renewed together, and each job told when it is cancelled or lost.

One thread looks at the rows once a second, so a cancel takes effect within two seconds however long a lease is, and
however many jobs this process does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ingest.surviving import survive
from videolib.catalogue import jobs
from videolib.catalogue.jobs import Job
from videolib.db import Database

LOOK_EVERY_S = 1.0
RENEWALS_A_LEASE = 4


@dataclass
class Hold:
    """The lease on a job in hand. `stopping` says whether this worker was told to end."""

    job: Job
    stopping: Callable[[], bool]
    cancelled: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)

    def must_stop(self) -> bool:
        """Whether the work is to be dropped now."""
        return self.cancelled.is_set() or self.lost.is_set() or self.stopping()


class LeaseKeeper:
    """Holds any number of leases; leaving its `with` block ends its thread."""

    def __init__(self, database: Database, lease_s: float) -> None:
        self._database = database
        self._lease_s = lease_s
        self._holds: dict[int, Hold] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def __enter__(self) -> LeaseKeeper:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    @contextmanager
    def holding(self, hold: Hold) -> Iterator[Hold]:
        """Keep the lease of that job while the block runs."""
        with self._lock:
            self._holds[hold.job.id] = hold
        try:
            yield hold
        finally:
            with self._lock:
                del self._holds[hold.job.id]

    def _run(self) -> None:
        renew_every_s = self._lease_s / RENEWALS_A_LEASE
        renewed_at = time.monotonic()
        while not self._over.wait(min(renew_every_s, LOOK_EVERY_S)):
            with self._lock:
                holds = dict(self._holds)
            if not holds:
                continue
            survive(lambda: self._look(holds))  # noqa: B023 - done before the next round
            if time.monotonic() - renewed_at >= renew_every_s - LOOK_EVERY_S / 2:
                survive(lambda: self._renew(holds))  # noqa: B023 - the same
                renewed_at = time.monotonic()

    def _look(self, holds: dict[int, Hold]) -> None:
        with self._database.reading() as session:
            found = jobs.look_at(session, holds)
        for job_id, hold in holds.items():
            attempt, cancel = found.get(job_id, (None, False))
            if attempt != hold.job.attempt:
                hold.lost.set()
            elif cancel:
                hold.cancelled.set()

    def _renew(self, holds: dict[int, Hold]) -> None:
        with self._database.writing(durable=False) as session:
            jobs.renew(session, [(job_id, hold.job.attempt) for job_id, hold in holds.items()], self._lease_s)
