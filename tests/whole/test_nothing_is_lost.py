"""Whatever dies, and whenever: the work ends without a person, nothing finished is done twice, nothing is left over.

Workers are killed with SIGKILL, the whole group, at thirty random moments in all: without a broker, with RabbitMQ and
with Redis. Then a broker, a database and a store go away and come back, and a disk is full.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.settings import load_settings
from ingest.intake import Item, take_in
from ingest.reconcile import reconcile
from ingest.workshop import Workshop
from tests.brokers import Broker
from tests.samples import make_recording, numbers_in
from tests.servers import PostgresServer, s3_url, until
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.jobs import Job, tries
from videolib.catalogue.packages import Package, list_chunks, list_objects
from videolib.catalogue.recordings import SETTLED, Recording
from videolib.children import S3Server, start_s3_server
from videolib.db import Database
from videolib.storage import open_store

FPS, SECONDS = 25, 24
# longer than anything takes on a busy machine; nothing here is a measurement
PATIENCE_S = 240.0
# a job that ends its worker five times is given up, which is another test's subject
MOST_TRIES = 3
KILLS = {"none": 14, "rabbitmq": 8, "redis": 8}

pytestmark = pytest.mark.timeout(900)


@dataclass
class Library:
    """A library under test, one recording in it, and what was seen to be finished on the way."""

    workshop: Workshop
    recording_id: str
    finished: dict[int, int]

    def recording(self) -> Recording:
        with self.workshop.database.reading() as session:
            return session.get_one(Recording, self.recording_id)

    def is_over(self) -> bool:
        return self.recording().state in SETTLED

    def jobs(self) -> list[Job]:
        with self.workshop.database.reading() as session:
            return list(session.query(Job).order_by(Job.id))

    def note_finished(self) -> None:
        """What is committed now is to be the same at the end."""
        for job in self.jobs():
            if job.state == "done":
                assert self.finished.setdefault(job.id, job.attempt) == job.attempt

    def claims(self) -> int:
        """How often a job was taken so far."""
        return sum(job.attempt for job in self.jobs())


@pytest.fixture(scope="session")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that players cannot take as it is, each picture with its number."""
    return make_recording(
        tmp_path_factory.mktemp("numbered") / "numbered.mkv",
        seconds=SECONDS,
        size="320x240",
        fps=FPS,
        burn_frame_numbers=True,
        codec=("-c:v", "mpeg4", "-q:v", "4"),
    )


@pytest.fixture(scope="session")
def both_kinds(tmp_path_factory: pytest.TempPathFactory, numbered: Path) -> Iterator[Path]:
    """In turn that one, and one whose pictures are copied as they are."""
    copied = make_recording(
        tmp_path_factory.mktemp("copied") / "copied.mkv",
        seconds=SECONDS,
        size="320x240",
        fps=FPS,
        burn_frame_numbers=True,
        codec=("-c:v", "libx264", "-g", str(2 * FPS)),
    )
    return itertools.cycle((numbered, copied))


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOLIB_LEASE_S", "2")
    monkeypatch.setenv("VIDEOLIB_CHUNK_S", "4")
    monkeypatch.setenv("VIDEOLIB_LOG_LEVEL", "WARNING")


@pytest.fixture
def shared_places(
    postgres_database: Database, s3_server: S3Server, short_leases: None, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """A database and a store that many hosts can share."""
    monkeypatch.setenv("VIDEOLIB_STORE_URL", s3_url(s3_server))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    return postgres_database


def take(database: Database, recording: Path, tmp_path: Path) -> Library:
    """Take a recording in; each time it has other bytes."""
    settings = load_settings()
    workshop = Workshop(settings, database, open_store(settings.store_url), open_store(settings.originals_url))
    workshop.store.prepare()
    copy = tmp_path / f"{secrets.token_hex(4)}.mkv"
    copy.write_bytes(recording.read_bytes() + b"\xec\x81\x00" * random.randrange(1, 200))  # empty void elements
    taken = take_in(database, workshop.originals, Item(copy, parse_values({}), generated=True), by=None, publish=False)
    return Library(workshop, taken.recording_id, {})


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a group of its own, killed at the end of the block with all that it started."""
    process = subprocess.Popen([sys.executable, "-m", "videolib", "worker"], start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def kill_again_and_again(library: Library, kills: int, next_one: Callable[[], Library]) -> list[Library]:
    """Kill workers at random moments; a new recording comes in when one is through. Gives all of them."""
    libraries = [library]
    for _ in range(kills):
        if libraries[-1].is_over():
            libraries.append(next_one())
        now = libraries[-1]
        with worker():
            before = now.claims()
            until(lambda: now.is_over() or now.claims() > before, PATIENCE_S)  # noqa: B023 - used at once
            time.sleep(random.uniform(0.0, 2.5))
            until(lambda: now.is_over() or not _is_tired(now), PATIENCE_S)  # noqa: B023 - the same
        now.note_finished()
    return libraries


def _is_tired(library: Library) -> bool:
    return any(job.state == "running" and tries(job) >= MOST_TRIES for job in library.jobs())


def assert_whole(library: Library, tmp_path: Path) -> None:
    """The recording is ready; its package is complete and plays each picture once; nothing else is in the store."""
    recording = library.recording()
    assert (recording.state, recording.reason_message) == ("ready", None)
    library.note_finished()
    until(lambda: not list(reconcile(library.workshop)), PATIENCE_S)
    with library.workshop.database.reading() as session:
        package = session.get_one(Package, recording.package_id)
        listed = {item["path"]: item for item in list_objects(session, package.id)}
        chunks = [chunk for chunk in list_chunks(session, package.id) if chunk.position >= 0]
        assert len(chunks) > 2, "the recording was not made in chunks"
        # the first chunk is made by the job that plans the others
        made_by = session.query(Job).filter(Job.package_id == package.id, Job.kind.in_(("prepare", "chunk")))
        attempts = {job.position or 0: job.attempt for job in made_by}
        assert {chunk.position: chunk.attempt for chunk in chunks} == attempts
    store, folder = library.workshop.store, tmp_path / package.id
    keys = {item.key.removeprefix(f"{package.prefix}/") for item in store.list(f"{package.prefix}/")}
    assert keys == set(listed)
    for path, item in listed.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        store.fetch_to(f"{package.prefix}/{path}", folder / path)
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == item["sha256"]
    assert numbers_in(folder / "master.m3u8") == list(range(SECONDS * FPS))


def assert_no_orphans(libraries: list[Library]) -> None:
    """The store holds the packages of these recordings, and no other object."""
    prefixes = {f"packages/{library.recording().package_id}/" for library in libraries}
    stored = libraries[0].workshop.store.list("packages/")
    assert [item.key for item in stored if not item.key.startswith(tuple(prefixes))] == []


def finish_and_check(libraries: list[Library], tmp_path: Path) -> None:
    with worker():
        until(lambda: all(library.is_over() for library in libraries), PATIENCE_S)
    for library in libraries:
        assert_whole(library, tmp_path)
    assert_no_orphans(libraries)


def test_workers_without_a_broker_may_be_killed_at_any_moment(
    sqlite_database: Database, short_leases: None, both_kinds: Iterator[Path], tmp_path: Path
) -> None:
    def next_one() -> Library:
        return take(sqlite_database, next(both_kinds), tmp_path)

    libraries = kill_again_and_again(next_one(), KILLS["none"], next_one)

    finish_and_check(libraries, tmp_path)


@pytest.mark.parametrize("kind", ["rabbitmq", "redis"])
def test_workers_behind_a_broker_may_be_killed_at_any_moment(
    kind: str,
    request: pytest.FixtureRequest,
    shared_places: Database,
    numbered: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker: Broker = request.getfixturevalue(kind)
    monkeypatch.setenv("VIDEOLIB_BROKER_URL", broker.url)

    def next_one() -> Library:
        return take(shared_places, numbered, tmp_path)

    libraries = kill_again_and_again(next_one(), KILLS[kind], next_one)

    finish_and_check(libraries, tmp_path)


def test_a_broker_that_is_restarted_loses_nothing(
    rabbitmq: Broker, shared_places: Database, numbered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOLIB_BROKER_URL", rabbitmq.url)
    library = take(shared_places, numbered, tmp_path)

    with worker():
        until(lambda: library.claims() > 1, PATIENCE_S)
        rabbitmq.kill()
        rabbitmq.start()
        until(library.is_over, PATIENCE_S)

    assert_whole(library, tmp_path)


def test_a_database_that_is_restarted_loses_nothing(
    postgres_server: PostgresServer, postgres_database: Database, short_leases: None, numbered: Path, tmp_path: Path
) -> None:
    library = take(postgres_database, numbered, tmp_path)

    with worker():
        until(lambda: library.claims() > 1, PATIENCE_S)
        library.note_finished()
        postgres_server.restart()
        until(library.is_over, PATIENCE_S)

    assert_whole(library, tmp_path)


def test_a_store_that_is_away_for_a_while_makes_the_work_wait_and_say_so(
    sqlite_database: Database,
    short_leases: None,
    numbered: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start_s3_server(tmp_path / "s3", access_key="key-of-test", secret_key=secrets.token_hex(20))
    try:
        monkeypatch.setenv("VIDEOLIB_STORE_URL", s3_url(server))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
        library = take(sqlite_database, numbered, tmp_path)
        with worker():
            until(lambda: library.claims() > 1, PATIENCE_S)
            server.stop()
            until(lambda: any(job.error_code == "store_unavailable" for job in library.jobs()), PATIENCE_S)
            assert not library.is_over()
            server = start_s3_server(
                tmp_path / "s3", access_key=server.access_key, secret_key=server.secret_key, port=server.port
            )
            until(library.is_over, PATIENCE_S)
        assert_whole(library, tmp_path)
    finally:
        server.stop()


def test_a_full_disk_makes_the_work_wait_and_say_so(
    sqlite_database: Database, short_leases: None, numbered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOLIB_RESERVE_GIB", "1000000")
    library = take(sqlite_database, numbered, tmp_path)
    with worker():
        until(lambda: any(job.error_code == "no_space" for job in library.jobs()), PATIENCE_S)
        assert not library.is_over()
        assert "are needed" in str(library.jobs()[0].error)
    monkeypatch.setenv("VIDEOLIB_RESERVE_GIB", "0")

    with worker():
        until(library.is_over, PATIENCE_S)

    assert_whole(library, tmp_path)
