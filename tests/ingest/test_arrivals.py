"""What has been uploaded becomes a recording: once, whatever dies between two steps, and nothing is left over."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from config.settings import load_settings
from ingest import arrivals
from ingest.arrivals import settle_next
from ingest.garbage import collect_garbage
from ingest.inspect import inspect
from ingest.intake import Item, take_in
from ingest.workshop import Workshop
from tests.dicom_samples import make_study_file, numbered_frames
from tests.libraries import add_person
from tests.samples import make_recording
from tests.servers import new_s3_store
from videolib.catalogue import receiving
from videolib.catalogue.entries import Entry, create_entry
from videolib.catalogue.entry_values import EntryValues
from videolib.catalogue.people import User
from videolib.catalogue.receiving import Piece
from videolib.catalogue.recordings import Recording, get_recording
from videolib.catalogue.uploads import Announced, Upload, list_parts
from videolib.db import Database
from videolib.digests import end_digest
from videolib.storage import open_store

MIB = 1024 * 1024


@pytest.fixture(params=["directory", "s3"])
def workshop(request: pytest.FixtureRequest, sqlite_database: Database) -> Workshop:
    """A worker's things, over each kind of store."""
    settings = load_settings()
    packages = open_store(settings.store_url)
    packages.prepare()
    if request.param == "s3":
        originals = new_s3_store(request.getfixturevalue("s3_server"))
        return Workshop(settings, sqlite_database, packages, originals)
    originals_folder = open_store(settings.originals_url)
    originals_folder.prepare()
    return Workshop(settings, sqlite_database, packages, originals_folder)


@pytest.fixture
def person(sqlite_database: Database) -> User:
    return add_person(sqlite_database)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("video") / "手术.mp4", seconds=1, audio=True)


def send(workshop: Workshop, person: User, content: bytes, **announced: str) -> Upload:
    """All of it, in pieces."""
    told = Announced(**{"name": "手术.mp4", **announced}, length=len(content))
    upload = receiving.expect(workshop.database, workshop.originals, told, by=person)
    for at in range(0, len(content), MIB):
        piece = Piece(at, content[at : at + MIB])
        upload = receiving.receive(workshop.database, workshop.originals, upload.id, piece, by=person)
    return upload


def look(workshop: Workshop, upload: Upload) -> Upload:
    with workshop.database.reading() as session:
        return session.get_one(Upload, upload.id)


def recording_of(workshop: Workshop, upload: Upload) -> Recording:
    with workshop.database.reading() as session:
        return get_recording(session, look(workshop, upload).recording_id or "")


def left_over(workshop: Workshop) -> list[str]:
    """What `gc` would still remove, of whatever age."""
    kinds = [finding.kind for finding in collect_garbage(workshop, grace_s=-3600, dry_run=True)]
    return kinds + ["growing"] * workshop.originals.sweep(older_than_s=-3600, growing=())


def tar_of(files: Sequence[Path], names: Sequence[str]) -> bytes:
    """What the upload page makes of several files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:", format=tarfile.GNU_FORMAT) as archive:
        for file, name in zip(files, names, strict=True):
            member = tarfile.TarInfo(name)
            member.size = file.stat().st_size
            with file.open("rb") as content:
                archive.addfile(member, content)
    return made.getvalue()


def test_an_upload_becomes_a_recording_whose_original_is_where_it_arrived(
    workshop: Workshop, person: User, video: Path
) -> None:
    content = video.read_bytes()
    upload = send(workshop, person, content)

    assert settle_next(workshop)

    done, recording = look(workshop, upload), recording_of(workshop, upload)
    assert (done.state, done.is_duplicate) == ("done", False)
    assert (recording.original_key, recording.source_name) == (upload.original_key, "手术.mp4")
    assert (recording.sha256, recording.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (recording.uploader_id, recording.state) == (person.id, "queued")
    assert workshop.originals.get_bytes(upload.original_key) == content
    assert not settle_next(workshop)
    assert left_over(workshop) == []


def test_the_same_bytes_again_are_kept_once_whichever_way_they_came(
    workshop: Workshop, person: User, video: Path
) -> None:
    taken = take_in(workshop.database, workshop.originals, Item(video, EntryValues()), by=None, publish=False)

    upload = send(workshop, person, video.read_bytes())
    settle_next(workshop)

    done = look(workshop, upload)
    assert (done.state, done.is_duplicate) == ("done", True)
    assert (done.recording_id, done.entry_id) == (taken.recording_id, taken.entry_id)
    assert not workshop.originals.exists(upload.original_key)
    assert left_over(workshop) == []


def test_the_draft_that_was_filled_meanwhile_gets_the_recording(workshop: Workshop, person: User, video: Path) -> None:
    upload = send(workshop, person, video.read_bytes())
    with workshop.database.writing() as session:
        draft = create_entry(session, EntryValues(title={"zh": "支架"}), by=person)
        session.get_one(Upload, upload.id).entry_id = draft.id

    settle_next(workshop)

    assert look(workshop, upload).entry_id == draft.id
    with workshop.database.reading() as session:
        entry = session.get_one(Entry, draft.id)
        assert (entry.title, entry.recording_id) == ({"zh": "支架"}, recording_of(workshop, upload).id)


def test_a_draft_that_is_begun_while_the_recording_is_made_gets_it(
    workshop: Workshop, person: User, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short file has all arrived before its title is typed."""
    upload, drafts = send(workshop, person, video.read_bytes()), list[str]()

    def described_meanwhile(state: bytes | None) -> str | None:
        with workshop.database.writing() as session:
            drafts.append(create_entry(session, EntryValues(title={"zh": "支架"}), by=person).id)
            session.get_one(Upload, upload.id).entry_id = drafts[0]
        return end_digest(state)

    monkeypatch.setattr(arrivals, "end_digest", described_meanwhile)

    settle_next(workshop)

    assert look(workshop, upload).entry_id == drafts[0]
    with workshop.database.reading() as session:
        assert session.get_one(Entry, drafts[0]).recording_id == recording_of(workshop, upload).id


def test_what_is_no_recording_is_refused_with_the_reason_and_removed(workshop: Workshop, person: User) -> None:
    upload = send(workshop, person, tar_of([], []), kind="study")

    settle_next(workshop)

    done = look(workshop, upload)
    assert (done.state, done.recording_id, done.reason_code) == ("refused", None, "empty")
    assert left_over(workshop) == []


def test_a_worker_that_died_after_any_step_is_followed_by_another(
    workshop: Workshop, person: User, video: Path
) -> None:
    content = video.read_bytes()
    upload = send(workshop, person, content)
    with workshop.database.reading() as session:
        parts = list_parts(session, upload.id)
    workshop.originals.finish(upload.original_key, upload.growth, parts)  # and then it died, holding the lease
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    with workshop.database.writing() as session:
        session.execute(update(Upload).values(attempt=1, lease_until=datetime.now(UTC) + timedelta(minutes=5)))

    waited = settle_next(workshop)
    with workshop.database.writing() as session:
        session.execute(update(Upload).values(lease_until=long_ago, digest_state=None))
    settle_next(workshop)

    assert not waited
    assert recording_of(workshop, upload).sha256 == hashlib.sha256(content).hexdigest(), "read through once more"
    assert left_over(workshop) == []


def test_what_was_begun_and_never_written_down_is_removed_by_gc(workshop: Workshop, person: User) -> None:
    announced = Announced("手术.mp4", 9 * MIB)
    kept = receiving.expect(workshop.database, workshop.originals, announced, by=person)
    receiving.receive(workshop.database, workshop.originals, kept.id, Piece(0, b"x" * MIB), by=person)
    lost = workshop.originals.begin("f" * 32, 9 * MIB)
    workshop.originals.grow("f" * 32, replace(lost, part=1), b"y" * MIB)
    workshop.originals.put_bytes("e" * 32, b"finished, and its row never written")

    for _finding in collect_garbage(workshop, grace_s=-3600):
        pass
    workshop.originals.sweep(older_than_s=-3600, growing={kept.store_token})

    stored = [item.key for item in workshop.originals.list("")]
    assert all(key.startswith(kept.original_key) for key in stored), stored
    again = receiving.receive(workshop.database, workshop.originals, kept.id, Piece(MIB, b"x" * MIB), by=person)
    assert again.arrived == 2 * MIB


def test_a_folder_of_dicom_becomes_one_recording_with_its_runs(
    sqlite_database: Database, person: User, tmp_path: Path
) -> None:
    settings = load_settings()
    stores = [open_store(url) for url in (settings.store_url, settings.originals_url)]
    for store in stores:
        store.prepare()
    workshop = Workshop(settings, sqlite_database, *stores)
    frames = numbered_frames(12, rows=120, columns=160)
    files = [
        make_study_file(tmp_path / name, frames, SOPInstanceUID=uid, AcquisitionTime=taken_at)
        for name, uid, taken_at in (("one", "1.1", "100000"), ("two", "1.2", "100500"))
    ]
    long_name = "很长的文件夹名" * 12
    names = [f"{long_name}/IM0001", f"../../{long_name}/IM0002"]

    upload = send(workshop, person, tar_of(files, names), kind="study", name=f"{long_name}.tar"[-200:])
    assert not settle_next(workshop, ("file",)), "what only takes whole files waits for nobody's study"
    assert settle_next(workshop)

    done = look(workshop, upload)
    assert done.state == "done", (done.reason_code, done.reason_message)
    with stores[1].open_range(recording_of(workshop, upload).original_key) as chunks:
        (tmp_path / "kept.tar").write_bytes(b"".join(chunks))
    found = inspect(tmp_path / "kept.tar")
    assert found.dicom is not None
    assert len(found.dicom.chapters()) == 2
    assert left_over(workshop) == []
    assert list((settings.home / "scratch").iterdir()) == []


def test_the_parts_of_a_recorder_become_one_recording(sqlite_database: Database, person: User, tmp_path: Path) -> None:
    settings = load_settings()
    stores = [open_store(url) for url in (settings.store_url, settings.originals_url)]
    for store in stores:
        store.prepare()
    workshop = Workshop(settings, sqlite_database, *stores)
    first = make_recording(tmp_path / "GX010123.MP4", seconds=1)
    second = shutil.copy(first, tmp_path / "GX020123.MP4")

    sent = tar_of([first, Path(second)], ["GX010123.MP4", "GX020123.MP4"])
    upload = send(workshop, person, sent, kind="parts", name="GX010123.MP4")
    settle_next(workshop)

    path = stores[1].local_path(recording_of(workshop, upload).original_key)
    assert path is not None
    assert inspect(path).duration_s == pytest.approx(2.0, abs=0.2)
    assert left_over(workshop) == []
