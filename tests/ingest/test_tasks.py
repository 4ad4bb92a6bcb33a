"""The worker: a job taken is done once, whoever dies on the way; nothing half-made is ever seen."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from config.settings import Settings
from ingest.errors import NoSpace
from ingest.intake import Intake, Item, take_in
from ingest.reconcile import reconcile
from ingest.worker import run_worker
from ingest.workshop import Watch, Workshop
from tests.libraries import release
from tests.samples import make_recording
from videolib.catalogue import jobs
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.indexing import HostIndex
from videolib.catalogue.job_lists import list_open_jobs
from videolib.catalogue.library import LibraryFact, VersionDiffers
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.recordings import SETTLED, Recording
from videolib.catalogue.screenings import find_screening
from videolib.db import Database
from videolib.storage import DirectoryStore, StoredObject, open_store

META = {
    "title": {"zh": "髂动脉支架", "en": "Iliac stenting"},
    "procedures": ["proc.stent_iliac"],
    "content_type": "ct.simulation",
}
PATIENCE_S = 90


@pytest.fixture
def workshop(database: Database, settings: Settings) -> Workshop:
    return Workshop(settings, database, open_store(settings.store_url), open_store(settings.originals_url))


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("short") / "张三_支架.mp4", seconds=2, size="320x240")


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One job, and large enough that a worker is still at it when the test has seen it start."""
    return make_recording(tmp_path_factory.mktemp("long") / "long.mp4", seconds=20, size="1280x720")


def take(workshop: Workshop, path: Path, *, publish: bool = True, generated: bool = True) -> Intake:
    return take_in(
        workshop.database,
        workshop.originals,
        Item(path, parse_values(META), generated=generated),
        by=None,
        publish=publish,
    )


def recording_of(workshop: Workshop, intake: Intake) -> Recording:
    with workshop.database.reading() as session:
        return session.get_one(Recording, intake.recording_id)


def work(workshop: Workshop, intake: Intake) -> Recording:
    run_worker(workshop, index=None, stop=lambda: recording_of(workshop, intake).state in SETTLED)
    return recording_of(workshop, intake)


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def stop(workshop: Workshop, intake: Intake) -> None:
    with workshop.database.writing() as session:
        jobs.stop_work(session, session.get_one(Recording, intake.recording_id), by=None)


class CancellingStore(DirectoryStore):
    """A store in whose last write of a package something happens."""

    at_last_file: Callable[[], None]

    def put_file(self, key: str, path: Path, *, content_type: str | None = None) -> StoredObject:
        """Keep the file; of the last one, let it happen."""
        stored = super().put_file(key, path, content_type=content_type)
        if path.name == "package.json":
            self.at_last_file()
        return stored


@pytest.fixture
def worker_process(workshop: Workshop) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start real workers in process groups of their own; the test may kill them as it likes."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        environment = {**os.environ, "VIDEOLIB_LEASE_S": "2"}
        command = [sys.executable, "-m", "videolib", "worker"]
        started.append(subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_recording_becomes_a_published_entry_that_search_finds(workshop: Workshop, short: Path) -> None:
    intake = take(workshop, short)
    index = HostIndex(workshop.settings, workshop.database)

    run_worker(workshop, index=index, stop=lambda: recording_of(workshop, intake).state in SETTLED)

    recording = recording_of(workshop, intake)
    assert (recording.state, recording.reason_code, recording.warnings) == ("ready", None, [])
    with workshop.database.reading() as session:
        entry = session.get_one(Entry, intake.entry_id)
        package = session.get_one(Package, entry.package_id)
        chunk = session.query(Chunk).filter_by(package_id=package.id).one()
    assert entry.status == "published"
    for item in chunk.objects:
        assert workshop.store.stat(f"{package.prefix}/{item['path']}").size == item["bytes"]
    described = json.loads(workshop.store.get_bytes(f"{package.prefix}/package.json"))
    assert described["source"]["sha256"] == recording.sha256
    assert "张三" not in json.dumps(described, ensure_ascii=False)
    assert index.sequence() == entry.index_sequence
    assert list(reconcile(workshop)) == []
    assert workshop.store.exists(f"{package.prefix}/package.json")


def test_the_same_bytes_again_give_the_same_ids_and_no_work(workshop: Workshop, short: Path, tmp_path: Path) -> None:
    first = take(workshop, short)
    copy = tmp_path / "another name.mp4"
    copy.write_bytes(short.read_bytes())

    second = take(workshop, copy)

    assert (second.recording_id, second.entry_id) == (first.recording_id, first.entry_id)
    assert second.duplicate_of == first.recording_id
    with workshop.database.reading() as session:
        assert len(list_open_jobs(session)) == 1
    assert len(list(workshop.originals.list(""))) == 1


def test_a_worker_killed_in_the_middle_costs_its_lease_and_nothing_else(
    workshop: Workshop, long: Path, worker_process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    intake = take(workshop, long)
    first = worker_process()
    wait_until(lambda: recording_of(workshop, intake).stage == "encode")

    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    worker_process()

    wait_until(lambda: recording_of(workshop, intake).state in SETTLED)
    assert recording_of(workshop, intake).state == "ready"
    with workshop.database.reading() as session:
        assert session.query(jobs.Job).one().attempt == 2
        assert session.get_one(Entry, intake.entry_id).status == "published"


def test_no_tool_outlives_a_killed_worker(
    workshop: Workshop, long: Path, worker_process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    intake = take(workshop, long)
    process = worker_process()
    wait_until(lambda: recording_of(workshop, intake).stage == "encode" and _tools_in(workshop.scratch))

    process.kill()  # the worker alone, not its group
    process.wait()

    wait_until(lambda: not _tools_in(workshop.scratch))


def test_a_worker_told_to_stop_gives_its_job_back_at_once(
    workshop: Workshop, long: Path, worker_process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    intake = take(workshop, long)
    process = worker_process()
    wait_until(lambda: recording_of(workshop, intake).stage == "encode")

    process.terminate()
    assert process.wait(PATIENCE_S) == 0

    with workshop.database.reading() as session:
        job = session.query(jobs.Job).one()
        assert (job.state, jobs.tries(job), job.attempt) == ("queued", 0, 1)
    assert recording_of(workshop, intake).state == "queued"
    assert list(workshop.scratch.iterdir()) == []


def _tools_in(folder: Path) -> list[str]:
    """Command lines of living processes that name `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and "ffmpeg" in line:
            found.append(line)
    return found


def test_cancel_stops_the_work_and_retry_does_it_after_all(workshop: Workshop, long: Path, short: Path) -> None:
    intake = take(workshop, long)
    thread = threading.Thread(target=lambda: work(workshop, intake))
    thread.start()
    wait_until(lambda: recording_of(workshop, intake).stage == "encode")
    with workshop.database.writing() as session:
        jobs.stop_work(session, session.get_one(Recording, intake.recording_id), by=None)

    thread.join(PATIENCE_S)

    assert recording_of(workshop, intake).state == "cancelled"
    assert list(workshop.scratch.iterdir()) == []
    assert list(workshop.store.list("packages")) == []
    with workshop.database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, intake.recording_id), by=None)
    assert recording_of(workshop, intake).state == "queued"


def test_a_cancel_at_the_last_moment_wins_over_the_package(workshop: Workshop, short: Path) -> None:
    intake = take(workshop, short)
    store = CancellingStore(Path(workshop.settings.home) / "store")
    store.at_last_file = lambda: stop(workshop, intake)
    # no heartbeat falls between the last file and the end
    slow = replace(workshop, store=store, settings=workshop.settings.model_copy(update={"lease_s": 60.0}))

    assert work(slow, intake).state == "cancelled"

    with workshop.database.reading() as session:
        assert session.get_one(Entry, intake.entry_id).status == "draft"
        assert session.query(Package).filter_by(state="complete").all() == []


def test_a_job_cancelled_while_its_worker_died_is_ended_not_worked(workshop: Workshop, short: Path) -> None:
    intake = take(workshop, short)
    with workshop.database.writing() as session:
        jobs.claim(session, "dead", 0.5)
    stop(workshop, intake)

    assert work(workshop, intake).state == "cancelled"

    assert recording_of(workshop, intake).stage is None
    assert workshop.scratch.exists() is False


def test_a_recording_that_proves_broken_is_rejected_with_its_reason(workshop: Workshop, shared: Path) -> None:
    original = shared / "testdata" / "surgical" / "lap_240p_mjpeg_noaudio.avi"
    intake = take(workshop, original)
    key = recording_of(workshop, intake).original_key
    stored = workshop.originals.local_path(key)
    assert stored is not None
    stored.chmod(0o600)
    stored.write_bytes(b"not a video any more" * 100)

    recording = work(workshop, intake)

    assert recording.state == "rejected"
    assert recording.reason_code == "not_media"
    assert recording.reason_message is not None
    assert "/" not in recording.reason_message


def test_an_original_that_is_gone_fails_with_a_sentence_and_the_worker_lives(workshop: Workshop, short: Path) -> None:
    intake = take(workshop, short)
    workshop.originals.delete([recording_of(workshop, intake).original_key])

    recording = work(workshop, intake)

    assert recording.state == "failed"
    assert recording.reason_message
    assert workshop.settings.home.as_posix() not in recording.reason_message


@pytest.mark.parametrize(
    "full", [NoSpace(), OSError(errno.ENOSPC, "No space left on device")], ids=["a tool", "ourselves"]
)
def test_a_disk_that_is_full_makes_the_work_wait_and_costs_no_try(
    full: Exception, workshop: Workshop, short: Path
) -> None:
    intake, times = take(workshop, short), 0

    def fill(workshop: Workshop, job: jobs.Job, watch: Watch, *, finish: Callable[[Session], None]) -> None:
        nonlocal times
        times += 1
        raise full

    def waits() -> bool:
        with workshop.database.reading() as session:
            return session.query(jobs.Job).one().error_code == "no_space"

    run_worker(workshop, index=None, stop=waits, deeds={"prepare": fill})

    with workshop.database.reading() as session:
        job = session.query(jobs.Job).one()
        assert (job.state, jobs.tries(job), times) == ("queued", 0, 1)
    assert recording_of(workshop, intake).state == "queued"


def test_a_job_whose_recording_has_settled_ends_and_is_not_tried_for_ever(workshop: Workshop, short: Path) -> None:
    intake = take(workshop, short)
    assert work(workshop, intake).state == "ready"
    with workshop.database.writing() as session:
        left_over = jobs.enqueue(session, "prepare", intake.recording_id)

    def ended() -> bool:
        with workshop.database.reading() as session:
            return session.get_one(jobs.Job, left_over.id).state not in {"queued", "running"}

    run_worker(workshop, index=None, stop=ended)

    assert ended()
    assert recording_of(workshop, intake).state == "ready"


def test_a_worker_of_another_version_refuses_to_work(workshop: Workshop, short: Path) -> None:
    intake = take(workshop, short)
    with workshop.database.writing() as session:
        session.execute(update(LibraryFact).where(LibraryFact.name == "software_version").values(text="99.0"))

    with pytest.raises(VersionDiffers, match=r"belongs to version 99\.0"):
        run_worker(workshop, index=None, stop=lambda: False)
    assert recording_of(workshop, intake).state == "queued"


def test_a_worker_stops_when_the_library_is_upgraded_under_it(workshop: Workshop) -> None:
    seen = 0

    def upgrade_under_it() -> bool:
        nonlocal seen
        seen += 1
        if seen == 2:
            with workshop.database.writing() as session:
                session.execute(update(LibraryFact).where(LibraryFact.name == "software_version").values(text="99.0"))
        return seen > 20

    with pytest.raises(VersionDiffers):
        run_worker(workshop, index=None, stop=upgrade_under_it)


def test_a_dicom_that_says_it_names_its_patient_is_held_for_a_person(workshop: Workshop, shared: Path) -> None:
    intake = take(workshop, shared / "testdata" / "dicom" / "us_burnedin_testpatient_8f_uncompressed.dcm")

    assert work(workshop, intake).state == "awaiting_review"
    with workshop.database.reading() as session:
        assert session.get_one(Entry, intake.entry_id).status == "draft"


def test_what_was_not_generated_waits_for_a_second_person_and_is_published_then(
    workshop: Workshop, short: Path
) -> None:
    intake = take(workshop, short, generated=False)

    assert work(workshop, intake).state == "awaiting_review"
    with workshop.database.reading() as session:
        assert session.get_one(Entry, intake.entry_id).status == "draft"
        screening = find_screening(session, intake.recording_id)
        assert screening is not None
    release(workshop.database, intake.recording_id)
    with workshop.database.reading() as session:
        assert session.get_one(Recording, intake.recording_id).state == "ready"
        assert session.get_one(Entry, intake.entry_id).status == "published"
