"""Many workers on many hosts: Celery delivers messages that name a row, the rows decide.

A message is a nudge: whoever gets one takes the most urgent job of that queue, so priorities and turns are the rows'
whatever order a broker keeps. A message that is lost, doubled or late does no harm: a row is taken once, and the
sender counts now and then whether there are as many messages as rows that wait. Only workers talk to the broker; pages
and commands write rows.

Quorum queues survive the loss of a broker's node; `acks_late` and `reject_on_worker_lost` give the message of a killed
process to another; prefetch 1, so that nobody keeps what he does not work on.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from celery import Celery
from celery.signals import worker_process_init, worker_shutting_down
from kombu.entity import Queue
from kombu.exceptions import OperationalError

from config.settings import Settings
from ingest.budget import count_places, place
from ingest.leases import LeaseKeeper
from ingest.surviving import survive
from ingest.tasks import DEEDS, Deed, Hands, do_next
from ingest.workshop import Workshop
from videolib.catalogue import messages
from videolib.catalogue.library import VersionDiffers, require_same_version
from videolib.db import Database
from videolib.errors import Unavailable

log = structlog.get_logger(__name__)

# kombu wraps those after which it would connect again; a broker that fails inside (AMQP 541) is none of them
BROKER_ERRORS = (OperationalError, AMQPError, OSError)
QUEUES = ("quick", "long", "io")
PREFIX = "videolib."
# above the longest job; a Redis broker gives a message that nobody answered to another after this time
VISIBILITY_S = 12 * 3600
# a message may be on its way for this long before it is looked for
ON_THE_WAY_S = 5.0
SEND_AT_ONCE = 500
WAIT_S = 0.5
TASKS_A_PROCESS = 200
PR_SET_PDEATHSIG = 1


def make_app(broker_url: str) -> Celery:
    """The Celery application of a library; also what Flower shows."""
    app = Celery("videolib", broker=broker_url, set_as_current=False)
    is_redis = broker_url.startswith(("redis", "sentinel"))
    app.conf.update(
        task_queues=[_quorum_queue(PREFIX + name) for name in QUEUES],
        task_create_missing_queues=False,
        task_default_queue=PREFIX + "quick",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"visibility_timeout": VISIBILITY_S} if is_redis else {"confirm_publish": True},
        # what Flower shows
        worker_send_task_events=True,
        task_send_sent_event=True,
        worker_hijack_root_logger=False,
        worker_max_tasks_per_child=TASKS_A_PROCESS,
        # a process of the pool opens database and store first, which takes a busy host some seconds
        worker_proc_alive_timeout=60.0,
        enable_utc=True,
    )
    return app


def consume(
    settings: Settings,
    queues: Sequence[str],
    open_workshop: Callable[[], Workshop],
    *,
    owner: Callable[[], str],
    deeds: Mapping[str, Deed] = DEEDS,
) -> None:
    """Be a Celery worker for these queues until SIGTERM, with as many processes as the host has places for them."""
    app = make_app(settings.broker_url or "")
    places = count_places(settings)
    stopping = multiprocessing.Event()
    process: list[Hands] = []

    def open_hands(**_: Any) -> None:
        _die_with_parent()
        workshop = open_workshop()
        keeper = LeaseKeeper(workshop.database, settings.lease_s)
        keeper.__enter__()  # until this process ends
        process.append(Hands(workshop, owner(), keeper, stopping.is_set, deeds))

    def stop(**_: Any) -> None:
        stopping.set()

    def work(queue: str) -> Callable[[int], str]:
        def answer(row: int) -> str:
            return _answer(process[0], queue, places[queue], row)

        return answer

    worker_process_init.connect(open_hands, weak=False)
    worker_shutting_down.connect(stop, weak=False)
    for queue in queues:
        app.task(name=PREFIX + queue)(work(queue))
    app.worker_main(
        [
            *("worker", "--pool=prefork", f"--queues={','.join(PREFIX + queue for queue in queues)}"),
            *(f"--concurrency={sum(places[queue] for queue in queues)}", f"--hostname={'-'.join(queues)}@%h"),
            *("--without-gossip", "--without-mingle", f"--loglevel={settings.log_level}"),
        ]
    )


def _answer(hands: Hands, queue: str, places: int, row: int) -> str:
    """Do the most urgent job of a queue because of a message; gives what was done, for Flower."""
    while not hands.stopping():
        try:
            with place(hands.workshop.settings.home, queue, places) as is_free:
                if is_free:
                    job = do_next(hands, {queue})
                    return f"{job.kind} {job.id} of {job.recording_id}" if job else f"{row} is not waiting any more"
        except Unavailable:
            log.warning("the database does not answer; the message waits")
        except VersionDiffers:
            log.exception("this worker is of another version than the library")
            break
        time.sleep(WAIT_S)
    return "stopping"


class Sender:
    """Sends a message for every row that is due, and again for those whose message was lost."""

    def __init__(self, app: Celery, database: Database) -> None:
        self._app = app
        self._database = database

    def send(self) -> int:
        """Send what has not been sent; how many. Raises `Unavailable` where the broker does not answer."""
        with self._database.writing(durable=False) as session:
            require_same_version(session)
            rows = messages.take_unsent(session, limit=SEND_AT_ONCE)
        for number, (row, queue) in enumerate(rows):
            try:
                self._publish(row, queue)
            except BROKER_ERRORS as error:
                with self._database.writing(durable=False) as session:
                    messages.unsend(session, [left for left, _ in rows[number:]])
                raise _no_broker() from error
        return len(rows)

    def find_lost(self) -> int:
        """Let what was lost be sent again: where fewer messages wait than rows do. How many."""
        with self._database.reading() as session:
            waiting = messages.count_sent(session, older_than_s=ON_THE_WAY_S)
        lost = 0
        for queue, count in waiting.items():
            missing = count - self._depth(queue)
            if missing > 0:
                log.warning("messages were lost and are sent again", queue=queue, count=missing)
                with self._database.writing(durable=False) as session:
                    messages.unsend_oldest(session, queue, missing)
                lost += missing
        return lost

    def check(self) -> None:
        """Raise `Unavailable` unless the broker answers."""
        with _broker_errors(), self._app.connection_for_write(connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)

    def _publish(self, row: int, queue: str) -> None:
        policy = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 0.5}
        self._app.send_task(PREFIX + queue, args=[row], queue=PREFIX + queue, retry=True, retry_policy=policy)

    def _depth(self, queue: str) -> int:
        with (
            _broker_errors(),
            self._app.connection_for_write(connect_timeout=5) as connection,
            suppress(*connection.channel_errors),  # there is no such queue: it holds nothing
        ):
            return int(connection.default_channel.queue_declare(PREFIX + queue, passive=True).message_count)
        return 0


def keep_sending(sender: Sender, *, stop: Callable[[], bool], look_every_s: float) -> None:
    """Send until `stop`. Raises `VersionDiffers` when the library belongs to another version."""
    looked_at = time.monotonic()
    while not stop():
        if not survive(sender.send):
            time.sleep(WAIT_S / 2)
        if time.monotonic() - looked_at >= look_every_s:
            survive(sender.find_lost)
            looked_at = time.monotonic()


def _quorum_queue(name: str) -> Any:
    make: Any = Queue  # carries no types
    return make(name, durable=True, queue_arguments={"x-queue-type": "quorum"})


def _die_with_parent() -> None:
    """A process of the pool ends with its Celery worker, and the tools that it runs end with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


@contextmanager
def _broker_errors() -> Iterator[None]:
    try:
        yield
    except BROKER_ERRORS as error:
        raise _no_broker() from error


def _no_broker() -> Unavailable:
    return Unavailable("The broker does not answer; work waits until it does.", code="broker_unavailable")
