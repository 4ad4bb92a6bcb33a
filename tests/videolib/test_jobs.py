"""Leases: one worker a job, the dead are found, the late change nothing, a pause grows before each further try."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from tests.libraries import add_person, add_recording
from videolib.catalogue import jobs, packages
from videolib.catalogue.jobs import MAX_ATTEMPTS, Job, LeaseLost
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.recordings import Recording, move
from videolib.db import Database, database_now
from videolib.errors import Conflict


@pytest.fixture
def recording(database: Database) -> Recording:
    return add_recording(database)


def enqueue(database: Database, recording: Recording, **values: int) -> Job:
    with database.writing() as session:
        return jobs.enqueue(session, "prepare", recording.id, **values)


def claim(database: Database, owner: str, lease_s: float = 60.0) -> Job | None:
    with database.writing() as session:
        return jobs.claim(session, owner, lease_s)


def claimed_after(database: Database, recording: Recording) -> Job:
    enqueue(database, recording)
    return claimed(database, "a")


def made(package: Package, job: Job, path: str) -> Chunk:
    """What a worker has made of the job's stretch."""
    start_s = float(2 * (job.position or 0))
    return Chunk(
        package_id=package.id,
        position=job.position or 0,
        start_s=start_s,
        end_s=min(start_s + 2, 7),
        attempt=job.attempt,
        objects=[{"path": path, "bytes": 1, "sha256": "s"}],
        tracks={},
    )


def claimed(database: Database, owner: str, lease_s: float = 60.0) -> Job:
    job = claim(database, owner, lease_s)
    assert job is not None
    return job


def test_the_most_urgent_job_is_taken_first_and_then_the_oldest(database: Database, recording: Recording) -> None:
    first, second, urgent = (enqueue(database, recording, priority=priority) for priority in (0, 0, 5))

    taken = [claimed(database, "a").id for _ in range(3)]

    assert taken == [urgent.id, first.id, second.id]
    assert claim(database, "a") is None


def test_eight_workers_never_take_the_same_job(database: Database, recording: Recording) -> None:
    for _ in range(40):
        enqueue(database, recording)
    taken: list[int] = []

    def work(owner: str) -> None:
        while (job := claim(database, owner)) is not None:
            taken.append(job.id)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 40
    assert len(set(taken)) == 40


def test_a_job_of_a_silent_worker_is_given_to_another(database: Database, recording: Recording) -> None:
    enqueue(database, recording)
    dead = claimed(database, "dead", lease_s=0.05)
    time.sleep(0.1)

    alive = claimed(database, "alive")

    assert alive.id == dead.id
    assert alive.attempt == dead.attempt + 1
    assert alive.owner == "alive"


def test_a_worker_that_was_given_up_changes_nothing_when_it_wakes(database: Database, recording: Recording) -> None:
    enqueue(database, recording)
    late = claimed(database, "late", lease_s=0.05)
    time.sleep(0.1)
    claimed(database, "other")

    for deed in (
        lambda session: jobs.heartbeat(session, late, 60),
        lambda session: jobs.complete(session, late),
        lambda session: jobs.fail(session, late, "no", may_retry=True),
        lambda session: jobs.cancelled(session, late),
    ):
        with pytest.raises(LeaseLost), database.writing() as session:
            deed(session)
    with database.reading() as session:
        assert session.get_one(Job, late.id).state == "running"
        assert session.get_one(Job, late.id).owner == "other"


def test_a_heartbeat_holds_the_lease(database: Database, recording: Recording) -> None:
    enqueue(database, recording)
    job = claimed(database, "a", lease_s=1.5)
    for _ in range(3):
        time.sleep(0.6)
        with database.writing() as session:
            assert jobs.heartbeat(session, job, 1.5) is False

    assert claim(database, "b") is None


def test_completion_lets_the_parent_wait_for_one_less(database: Database, recording: Recording) -> None:
    parent, child = enqueue(database, recording), enqueue(database, recording, priority=1)
    with database.writing() as session:
        session.get_one(Job, parent.id).waits_for = 1
        session.get_one(Job, child.id).parent_id = parent.id
    job = claimed(database, "a")
    assert job.id == child.id
    assert claim(database, "a") is None

    with database.writing() as session:
        jobs.complete(session, job)

    assert claimed(database, "a").id == parent.id


def test_chunks_are_made_before_the_package_is_finished_the_first_chunk_first(
    database: Database, recording: Recording
) -> None:
    planning = claimed_after(database, recording)
    with database.writing() as session:
        package = packages.begin_package(session, recording.id)
        packages.plan_package(session, package, plan={"cuts": [2]}, tracks=[], cuts=[(0, 2), (2, 4), (4, 6), (6, 7)])
        jobs.split(session, planning, package, positions=range(4), has_sound=True, has_preview_sound=True)
        jobs.complete(session, planning)

    taken = []
    while (job := claim(database, "a")) is not None:
        taken.append((job.kind, job.queue, job.position))
        with database.writing() as session:
            if job.position is not None:
                packages.keep_chunk(session, made(package, job, f"{job.position}-a{job.attempt}"))
            jobs.complete(session, job)

    assert taken == [
        ("chunk", "long", 0),
        ("chunk", "long", 1),
        ("preview_sound", "io", None),
        ("chunk", "long", 2),
        ("chunk", "long", 3),
        ("sound", "long", None),
        ("finish", "io", None),
    ]
    with database.reading() as session:
        assert [item["path"] for item in packages.list_objects(session, package.id)] == ["0-a1", "1-a1", "2-a1", "3-a1"]
        assert [chunk.end_s for chunk in packages.list_chunks(session, package.id)] == [2, 4, 6, 7]


def test_a_chunk_that_was_kept_is_not_replaced_by_a_later_one(database: Database, recording: Recording) -> None:
    job = claimed_after(database, recording)
    with database.writing() as session:
        package = packages.begin_package(session, recording.id)
        packages.keep_chunk(session, made(package, job, "first"))

    with database.writing() as session:
        packages.keep_chunk(session, made(package, job, "second"))

    with database.reading() as session:
        assert [item["path"] for item in packages.list_objects(session, package.id)] == ["first"]


def test_uploaders_take_turns_however_much_each_has_sent(database: Database) -> None:
    busy, other = (add_person(database, email=f"{name}@hospital.example") for name in ("busy", "other"))
    many = [add_recording(database, by=busy, sha256=f"{number:064d}") for number in range(10, 16)]
    for recording in many:
        enqueue(database, recording)
    assert [claimed(database, "a").recording_id for _ in range(2)] == [many[0].id, many[1].id]

    late = [add_recording(database, by=other, sha256=f"{number:064d}") for number in range(20, 22)]
    for recording in late:
        enqueue(database, recording)

    order = [claimed(database, "a").recording_id for _ in range(6)]
    assert sorted(order[:2]) == sorted([many[2].id, late[0].id]) or order[0] == late[0].id
    assert {late[0].id, late[1].id} <= set(order[:4])
    assert order[-1] == many[5].id


def test_a_failed_try_waits_longer_each_time_and_at_last_is_given_up(database: Database, recording: Recording) -> None:
    row = enqueue(database, recording)
    pauses = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = claimed(database, "a")
        with database.writing() as session:
            goes_on = jobs.fail(session, job, "The store does not answer.", may_retry=True)
            assert goes_on is (attempt < MAX_ATTEMPTS)
        with database.writing() as session:
            waiting = session.get_one(Job, row.id)
            pauses.append(waiting.not_before - database_now(session))
            waiting.not_before = database_now(session) - timedelta(seconds=1)

    assert pauses[1] > pauses[0] > timedelta(seconds=0)
    with database.reading() as session:
        ended = session.get_one(Job, row.id)
        assert (ended.state, ended.error) == ("failed", "The store does not answer.")


def test_what_cannot_be_helped_is_not_tried_again(database: Database, recording: Recording) -> None:
    enqueue(database, recording)
    job = claimed(database, "a")

    with database.writing() as session:
        assert jobs.fail(session, job, "No.", may_retry=False) is False

    assert claim(database, "a") is None


def test_cancel_ends_what_waits_and_tells_what_runs(database: Database, recording: Recording) -> None:
    with database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)
    job = claimed(database, "a")
    with database.writing() as session:
        jobs.stop_work(session, session.get_one(Recording, recording.id), by=None)

    with database.writing() as session:
        assert jobs.heartbeat(session, job, 60) is True


def test_cancel_of_waiting_work_settles_the_recording_and_retry_starts_it_again(
    database: Database, recording: Recording
) -> None:
    with database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)
    with database.writing() as session:
        jobs.stop_work(session, session.get_one(Recording, recording.id), by=None)

    with database.reading() as session:
        assert session.get_one(Recording, recording.id).state == "cancelled"
    assert claim(database, "a") is None
    with database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)
    assert claimed(database, "a").recording_id == recording.id


def test_cancel_of_work_whose_worker_is_silent_needs_no_other_worker(database: Database, recording: Recording) -> None:
    with database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)
    dead = claimed(database, "dead", lease_s=0.05)
    with database.writing() as session:
        move(session, session.get_one(Recording, recording.id), "start")
    time.sleep(0.1)

    with database.writing() as session:
        jobs.stop_work(session, session.get_one(Recording, recording.id), by=None)

    with database.reading() as session:
        assert session.get_one(Recording, recording.id).state == "cancelled"
    assert claim(database, "a") is None
    with pytest.raises(LeaseLost), database.writing() as session:
        jobs.complete(session, dead)


def test_work_that_is_under_way_is_not_started_twice(database: Database, recording: Recording) -> None:
    with database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)

    with pytest.raises(Conflict), database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)
