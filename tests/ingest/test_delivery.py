"""Delivery by real brokers: what is due is sent once, what was lost is sent again, and a fleet does the work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from amqp.exceptions import InternalError

from config.settings import Settings, load_settings
from ingest.delivery import Sender, make_app
from ingest.intake import Item, take_in
from ingest.workshop import Workshop
from tests.brokers import Broker
from tests.libraries import add_recording
from tests.samples import make_recording
from tests.servers import s3_url, until
from videolib.catalogue import jobs
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.jobs import Job
from videolib.catalogue.recordings import Recording
from videolib.children import S3Server
from videolib.db import Database
from videolib.errors import Unavailable
from videolib.storage import open_store

PATIENCE_S = 180


@pytest.fixture(params=["rabbitmq", "redis"])
def broker(request: pytest.FixtureRequest) -> Broker:
    running: Broker = request.getfixturevalue(request.param)
    return running


@pytest.fixture
def settings_of_fleet(
    broker: Broker, postgres_database: Database, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """A library that many hosts can share."""
    monkeypatch.setenv("VIDEOLIB_STORE_URL", s3_url(s3_server))
    monkeypatch.setenv("VIDEOLIB_BROKER_URL", broker.url)
    monkeypatch.setenv("VIDEOLIB_LEASE_S", "2")
    monkeypatch.setenv("VIDEOLIB_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    return load_settings()


@pytest.fixture
def sender(settings_of_fleet: Settings, postgres_database: Database) -> Sender:
    app = make_app(settings_of_fleet.broker_url or "")
    with app.connection_for_write() as connection:  # what an earlier test left in the queues
        for queue in app.conf.task_queues:
            queue(connection.default_channel).declare()
            queue(connection.default_channel).purge()
    return Sender(app, postgres_database)


def enqueue(database: Database, count: int) -> list[int]:
    recording = add_recording(database)
    with database.writing() as session:
        return [jobs.enqueue(session, "prepare", recording.id).id for _ in range(count)]


def test_every_row_that_is_due_is_sent_once(sender: Sender, postgres_database: Database) -> None:
    enqueue(postgres_database, 3)

    assert sender.send() == 3
    assert sender.send() == 0
    assert sender._depth("quick") == 3
    assert sender._depth("long") == 0


def test_a_row_whose_message_was_lost_is_sent_again(
    sender: Sender, postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(postgres_database, 3)
    sender.send()
    monkeypatch.setattr("ingest.delivery.ON_THE_WAY_S", 0.0)
    assert sender.find_lost() == 0
    with sender._app.connection_for_write() as connection:
        queue = sender._app.conf.task_queues[0](connection.default_channel)
        assert queue.get(no_ack=True) is not None

    assert sender.find_lost() == 1
    assert sender.send() == 1
    assert sender._depth("quick") == 3


def test_a_broker_that_is_away_costs_no_row_its_message(
    broker: Broker, sender: Sender, postgres_database: Database
) -> None:
    enqueue(postgres_database, 2)
    broker.kill()

    with pytest.raises(Unavailable, match="broker"):
        sender.send()
    with pytest.raises(Unavailable, match="broker"):
        sender.check()
    broker.start()

    until(lambda: _sent(sender) == 2, 30)
    assert sender._depth("quick") == 2


def test_a_broker_that_fails_inside_costs_no_row_its_message(
    sender: Sender, postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise InternalError(541, "INTERNAL_ERROR")

    enqueue(postgres_database, 2)
    with monkeypatch.context() as broken:
        broken.setattr(sender._app, "send_task", fail)
        with pytest.raises(Unavailable, match="broker"):
            sender.send()

    assert sender.send() == 2


def _sent(sender: Sender) -> int:
    try:
        return sender.send()
    except Unavailable:
        return 0


@pytest.fixture
def fleet() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "videolib", "worker"]
        started.append(subprocess.Popen(command, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_fleet_makes_a_recording_watchable_and_stops_when_told(
    settings_of_fleet: Settings,
    sender: Sender,
    postgres_database: Database,
    tmp_path: Path,
    fleet: Callable[[], subprocess.Popen[bytes]],
) -> None:
    settings = settings_of_fleet
    workshop = Workshop(settings, postgres_database, open_store(settings.store_url), open_store(settings.originals_url))
    workshop.store.prepare()
    item = Item(make_recording(tmp_path / "one.mp4", seconds=2, size="320x240"), parse_values({}), generated=True)
    taken = take_in(postgres_database, workshop.originals, item, by=None, publish=False)
    process = fleet()

    def recording() -> Recording:
        with postgres_database.reading() as session:
            return session.get_one(Recording, taken.recording_id)

    until(lambda: recording().state == "ready", PATIENCE_S)

    with postgres_database.reading() as session:
        assert [(job.state, job.attempt) for job in session.query(Job)] == [("done", 1)]
    assert [path for path in (settings.home / "sources").iterdir() if not path.suffix]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
