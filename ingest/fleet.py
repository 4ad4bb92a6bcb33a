"""A host's part in a fleet of workers: starts its Celery workers, sends messages, follows the index, keeps house.

The Celery workers are processes of their own: one for what is quick, one for sound and last steps, one for encoding, so
that nobody who waits for a first picture waits for an hour of video, nor who watches for another's first picture.
They end with this one, however it ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import structlog

from ingest.arrivals import taking_arrivals
from ingest.delivery import Sender, keep_sending, make_app
from ingest.posting import keeping_post
from ingest.scratch import sweep
from ingest.worker import indexing, keeping_house
from ingest.workshop import Workshop
from videolib.catalogue.indexing import HostIndex
from videolib.catalogue.library import VersionDiffers, require_same_version
from videolib.children import Child, start_worker

log = structlog.get_logger(__name__)

# a Celery worker for each: a message that waits for a place keeps its process
CREWS = (("quick",), ("io",), ("long",))
LOOK_S = 0.2
START_AGAIN_S = 5.0


def run_fleet(workshop: Workshop, queues: Sequence[str], *, stop: Callable[[], bool]) -> None:
    """Work until `stop` says so. Raises `VersionDiffers` when the library belongs to another version."""
    sweep(workshop.scratch)
    with workshop.database.reading() as session:
        require_same_version(session)
    settings = workshop.settings
    sender = Sender(make_app(settings.broker_url or ""), workshop.database)
    index = HostIndex(settings, workshop.database)
    with ExitStack() as stack:
        stack.enter_context(indexing(index))
        stack.enter_context(keeping_house(workshop))
        stack.enter_context(keeping_post(workshop))
        stack.enter_context(taking_arrivals(workshop))
        crews = [_Crew(stack, tuple(queue for queue in crew if queue in queues)) for crew in CREWS]
        with _sending(sender, look_every_s=min(10.0, settings.lease_s)) as refusal:
            while not (stop() or refusal):
                for crew in crews:
                    crew.keep_up()
                time.sleep(LOOK_S)
    if refusal:
        raise refusal[0]


class _Crew:
    """One Celery worker, started again when it ends by itself."""

    def __init__(self, stack: ExitStack, queues: tuple[str, ...]) -> None:
        self._stack = stack
        self._queues = queues
        self._child: Child | None = None
        self._started_at = 0.0

    def keep_up(self) -> None:
        if not self._queues or (self._child is not None and self._child.is_running()):
            return
        if time.monotonic() - self._started_at < START_AGAIN_S and self._child is not None:
            return
        if self._child is not None:
            log.error("a Celery worker ended by itself and is started again", queues=self._queues)
        self._started_at = time.monotonic()
        self._child = self._stack.enter_context(
            start_worker(["videolib", "worker", "--consume", ",".join(self._queues)])
        )


@contextmanager
def _sending(sender: Sender, *, look_every_s: float) -> Iterator[list[VersionDiffers]]:
    over, refusal = threading.Event(), list[VersionDiffers]()

    def send() -> None:
        try:
            keep_sending(sender, stop=over.is_set, look_every_s=look_every_s)
        except VersionDiffers as error:
            refusal.append(error)

    thread = threading.Thread(target=send, name="sender", daemon=True)
    thread.start()
    try:
        yield refusal
    finally:
        over.set()
        thread.join()
