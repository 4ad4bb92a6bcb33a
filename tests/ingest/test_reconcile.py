"""Mending: each contradiction between rows and store is found, said and mended; a dry run touches nothing."""

from __future__ import annotations

import os
import time

import pytest
from sqlalchemy import update

from config.settings import Settings
from ingest.garbage import collect_garbage
from ingest.reconcile import Finding, reconcile
from ingest.workshop import Workshop
from tests.libraries import add_entry, add_recording
from videolib.catalogue import jobs, packages
from videolib.catalogue.entries import Entry
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import begin_screening
from videolib.db import Database
from videolib.storage import open_store


@pytest.fixture
def workshop(database: Database, settings: Settings) -> Workshop:
    made = Workshop(
        settings.model_copy(update={"lease_s": 0.05}),
        database,
        open_store(settings.store_url),
        open_store(settings.originals_url),
    )
    made.store.prepare()
    made.originals.prepare()
    return made


def kinds(workshop: Workshop, *, dry_run: bool = False) -> list[str]:
    return [finding.kind for finding in reconcile(workshop, dry_run=dry_run)]


def seen_and_mended(workshop: Workshop) -> list[str]:
    """A dry run says what the real one does; after it there is nothing more to say."""
    told = kinds(workshop, dry_run=True)
    assert kinds(workshop, dry_run=True) == told, "a dry run has changed something"
    assert kinds(workshop) == told
    assert kinds(workshop) == []
    return told


def ready(workshop: Workshop, *paths: str) -> tuple[Recording, Package]:
    """A recording with a whole package of these objects, and its original."""
    workshop.originals.put_bytes("original", b"movie")
    recording = add_recording(workshop.database, original_key="original", state="processing")
    with workshop.database.writing() as session:
        package = packages.begin_package(session, recording.id)
        objects = [{"path": path, "bytes": 4, "sha256": "s"} for path in paths]
        packages.complete_package(session, package, description={}, duration_s=4.0, objects=objects)
        row = session.get_one(Recording, recording.id)
        row.state, row.package_id = "ready", package.id
    for path in paths:
        workshop.store.put_bytes(f"{package.prefix}/{path}", b"abcd")
    return recording, package


def begun(workshop: Workshop) -> tuple[Recording, Package]:
    """A recording whose package of two chunks is being made, the first of them done."""
    recording = add_recording(workshop.database, original_key="original")
    with workshop.database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)
        job = jobs.claim(session, "a:1", 60)
        assert job is not None
        package = packages.begin_package(session, recording.id)
        packages.plan_package(session, package, plan={"n": 2}, tracks=[], cuts=[(0, 2), (2, 4)])
        jobs.split(session, job, package, positions=range(2), has_sound=False)
        jobs.complete(session, job)
        first = jobs.claim(session, "a:1", 60)
        assert first is not None
        made = {"path": "video/0000-a1.m4s", "bytes": 4, "sha256": "s"}
        row = Chunk(package_id=package.id, position=0, start_s=0, end_s=2, attempt=1, objects=[made])
        packages.keep_chunk(session, row)
        jobs.complete(session, first)
        session.get_one(Recording, recording.id).state = "processing"
    workshop.store.put_bytes(f"{package.prefix}/video/0000-a1.m4s", b"abcd")
    return recording, package


def job_of(workshop: Workshop, kind: str, position: int | None = None) -> Job:
    with workshop.database.reading() as session:
        return session.query(Job).filter_by(kind=kind, position=position).one()


def test_a_library_in_order_has_nothing_to_mend(workshop: Workshop) -> None:
    ready(workshop, "master.m3u8", "video/0000-a1.m4s")

    assert kinds(workshop) == []


def test_the_job_of_a_silent_worker_goes_back(workshop: Workshop) -> None:
    begun(workshop)
    with workshop.database.writing() as session:
        taken = jobs.claim(session, "dead:1", 0.01)
        assert taken is not None
    time.sleep(0.2)

    assert seen_and_mended(workshop) == ["expired_lease"]
    assert job_of(workshop, "chunk", 1).state == "queued"


def test_a_job_that_counts_its_children_wrong_counts_again(workshop: Workshop) -> None:
    begun(workshop)
    with workshop.database.writing() as session:
        session.execute(update(Job).where(Job.kind == "finish").values(waits_for=7))

    assert seen_and_mended(workshop) == ["wrong_count"]
    assert job_of(workshop, "finish").waits_for == 1


def test_a_recording_that_nobody_works_on_is_taken_up_from_what_is_finished(workshop: Workshop) -> None:
    begun(workshop)
    with workshop.database.writing() as session:
        session.execute(update(Job).where(Job.state == "queued").values(state="failed"))

    assert seen_and_mended(workshop) == ["forgotten_recording"]
    assert job_of(workshop, "chunk", 0).state == "done"
    assert job_of(workshop, "chunk", 1).state == "queued"


def test_objects_of_dead_attempts_and_of_no_package_go_and_living_ones_stay(workshop: Workshop) -> None:
    _, package = begun(workshop)
    with workshop.database.writing() as session:
        alive = jobs.claim(session, "a:1", 60)
        assert alive is not None
        session.get_one(Job, alive.id).attempt = 5
    for path in ("video/0001-a4.m4s", "video/0001-a5.m4s"):
        workshop.store.put_bytes(f"{package.prefix}/{path}", b"x")
    workshop.store.put_bytes("packages/nobodys/video/0000-a1.m4s", b"x")

    assert sorted(seen_and_mended(workshop)) == ["orphaned_objects", "orphaned_package"]
    left = {item.key.rpartition("/")[2] for item in workshop.store.list("packages/")}
    assert left == {"0000-a1.m4s", "0001-a5.m4s"}


def test_a_shown_package_that_has_lost_an_object_is_made_again(workshop: Workshop) -> None:
    recording, package = ready(workshop, "master.m3u8", "video/0000-a1.m4s")
    workshop.store.delete([f"{package.prefix}/video/0000-a1.m4s"])

    assert kinds(workshop, dry_run=True) == ["damaged_package"]
    assert kinds(workshop) == ["damaged_package"]
    with workshop.database.reading() as session:
        row = session.get_one(Recording, recording.id)
        assert (row.state, row.package_id) == ("queued", package.id), "the old package stays until there is a new one"
        assert session.query(Job).one().kind == "prepare"


def test_a_shown_package_with_a_loss_waits_for_the_newer_one_that_is_made_already(workshop: Workshop) -> None:
    recording, package = ready(workshop, "master.m3u8", "poster.jpg")
    entry = add_entry(workshop.database, recording)
    with workshop.database.writing() as session:
        session.get_one(Entry, entry.id).package_id = package.id
        new = packages.begin_package(session, recording.id)
        packages.complete_package(session, new, description={}, duration_s=4.0, objects=[])
        session.get_one(Recording, recording.id).package_id = new.id
    workshop.store.delete([f"{package.prefix}/master.m3u8"])

    for _hour in range(2):
        told = [(finding.kind, finding.mended, finding.message) for finding in reconcile(workshop)]
        assert told == [
            ("damaged_package", False, "1 of 2 objects are missing or cut; a newer package waits to be released.")
        ]
    with workshop.database.reading() as session:
        assert session.get_one(Recording, recording.id).state == "ready"
        assert session.query(Job).count() == 0


def test_a_lost_object_whose_original_is_gone_too_is_said_and_left(workshop: Workshop) -> None:
    _, package = ready(workshop, "master.m3u8")
    workshop.store.delete([f"{package.prefix}/master.m3u8"])
    workshop.originals.delete(["original"])

    (finding,) = reconcile(workshop)

    assert (finding.kind, finding.mended) == ("lost_recording", False)
    assert "backup" in finding.message


def test_an_empty_store_is_taken_for_the_wrong_one_and_nothing_is_made_again(workshop: Workshop) -> None:
    recording, package = ready(workshop, "master.m3u8")
    with workshop.database.writing() as session:
        other = packages.begin_package(session, recording.id)
        objects = [{"path": "master.m3u8", "bytes": 4, "sha256": "s"}]
        packages.complete_package(session, other, description={}, duration_s=4.0, objects=objects)
    workshop.store.delete([f"{package.prefix}/master.m3u8"])

    (finding,) = reconcile(workshop)

    assert (finding.kind, finding.mended) == ("empty_store", False)


def test_a_finished_chunk_whose_object_is_gone_is_made_again(workshop: Workshop) -> None:
    _, package = begun(workshop)
    workshop.store.delete([f"{package.prefix}/video/0000-a1.m4s"])

    assert seen_and_mended(workshop) == ["damaged_chunk"]
    assert job_of(workshop, "chunk", 0).state == "queued"
    assert job_of(workshop, "finish").waits_for == 2


def test_what_was_given_up_is_removed_from_store_and_rows(workshop: Workshop) -> None:
    recording, package = begun(workshop)
    workshop.originals.put_bytes(f"work/{package.id}/unwrapped.mp4", b"x")
    with workshop.database.writing() as session:
        jobs.stop_work(session, session.get_one(Recording, recording.id), by=None)

    assert seen_and_mended(workshop) == ["abandoned_package"]
    assert list(workshop.store.list("packages/")) == list(workshop.originals.list("work/")) == []
    with workshop.database.reading() as session:
        assert session.get(Package, package.id) is None


def test_garbage_is_what_nothing_refers_to_after_its_time(workshop: Workshop) -> None:
    recording, old = ready(workshop, "master.m3u8")
    with workshop.database.writing() as session:
        new = packages.begin_package(session, recording.id)
        packages.complete_package(session, new, description={}, duration_s=4.0, objects=[])
        session.get_one(Recording, recording.id).package_id = new.id
        begin_screening(session, session.get_one(Recording, recording.id), package_id=old.id)  # shows it to nobody
    workshop.originals.put_bytes("0" * 32, b"no recording came of it")
    workshop.originals.put_bytes("somebody-elses.txt", b"not ours to judge")

    assert collected(workshop, grace_s=3600) == []
    assert collected(workshop, grace_s=0, dry_run=True) == [("unused_package", old.id), ("unused_original", "0" * 32)]
    assert collected(workshop, grace_s=0) == [("unused_package", old.id), ("unused_original", "0" * 32)]
    assert collected(workshop, grace_s=0) == []
    assert sorted(item.key for item in workshop.originals.list("")) == ["original", "somebody-elses.txt"]
    assert list(workshop.store.list(f"packages/{old.id}/")) == []


def collected(workshop: Workshop, *, grace_s: float, dry_run: bool = False) -> list[tuple[str, str]]:
    time.sleep(0.05)
    found: list[Finding] = list(collect_garbage(workshop, grace_s=grace_s, dry_run=dry_run))
    return [(finding.kind, finding.subject) for finding in found]


def test_the_commands_say_each_thing_on_a_line(workshop: Workshop) -> None:
    from click.testing import CliRunner  # noqa: PLC0415

    from videolib.cli import main  # noqa: PLC0415

    workshop.store.put_bytes("packages/nobodys/0000-a1.m4s", b"x")

    dry = CliRunner().invoke(main, ["reconcile", "--dry-run"])
    done = CliRunner().invoke(main, ["reconcile", "--json"])
    again = CliRunner().invoke(main, ["reconcile"])

    assert os.environ["VIDEOLIB_HOME"]
    assert (dry.exit_code, done.exit_code, again.exit_code) == (0, 0, 0), done.output
    assert "orphaned_package nobodys: 1 objects belong to no package and go." in dry.output
    assert '"kind": "orphaned_package"' in done.output
    assert "Nothing to do." in again.output
