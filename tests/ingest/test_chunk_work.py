"""A long recording made by jobs: planned, begun, encoded chunk by chunk, joined, shown when all of it is there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from config.settings import Settings, load_settings
from ingest.inspect import inspect
from ingest.inspection import Inspection
from ingest.intake import Intake, Item, take_in
from ingest.plan import EncodePlan, plan
from ingest.plan_text import from_json, to_json
from ingest.sweeping import sweep_abandoned
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.samples import SMALL_H264, make_recording, numbers_in, probe
from tests.servers import s3_url
from videolib import hls
from videolib.catalogue import jobs
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Chunk, Package, list_chunks, list_objects
from videolib.catalogue.recordings import SETTLED, Recording
from videolib.catalogue.tracks import (
    COPIED_FROM,
    FIRST_LOOK,
    PREVIEW_SOUND_FROM,
    PROVISIONAL_SOUND,
    SOUND,
    is_provisional,
    made_so_far,
    segments_as_json,
)
from videolib.children import S3Server
from videolib.db import Database
from videolib.storage import open_store

META = {"title": {"zh": "长手术", "en": "A long operation"}, "procedures": ["proc.stent_iliac"]}
GROUPS = (*SMALL_H264, "-g", "75")


@pytest.fixture
def workshop(database: Database, settings: Settings) -> Workshop:
    changed = settings.model_copy(update={"chunk_s": 4.0, "lease_s": 60.0})
    return Workshop(changed, database, open_store(changed.store_url), open_store(changed.originals_url))


def take(workshop: Workshop, path: Path) -> Intake:
    return take_in(
        workshop.database, workshop.originals, Item(path, parse_values(META), generated=True), by=None, publish=False
    )


def recording_of(workshop: Workshop, intake: Intake) -> Recording:
    with workshop.database.reading() as session:
        return session.get_one(Recording, intake.recording_id)


def work(workshop: Workshop, intake: Intake, until: Callable[[], bool] | None = None) -> Recording:
    run_worker(workshop, index=None, stop=until or (lambda: recording_of(workshop, intake).state in SETTLED))
    return recording_of(workshop, intake)


def fetched(workshop: Workshop, package_id: str | None, folder: Path) -> Path:
    """Bring a package out of the store, object by object as the rows name them."""
    with workshop.database.reading() as session:
        objects = list_objects(session, str(package_id))
    for item in objects:
        content = workshop.store.get_bytes(f"packages/{package_id}/{item['path']}")
        assert (len(content), hashlib.sha256(content).hexdigest()) == (item["bytes"], item["sha256"])
        target = folder / item["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    stored = {item.key for item in workshop.store.list(f"packages/{package_id}/")}
    assert stored == {f"packages/{package_id}/{item['path']}" for item in objects}
    return folder


@pytest.mark.parametrize("is_copied", [True, False])
def test_a_long_recording_is_made_in_chunks_and_joined_to_the_picture(
    is_copied: bool, workshop: Workshop, tmp_path: Path
) -> None:
    codec = GROUPS if is_copied else ("-c:v", "mpeg4", "-q:v", "3")
    source = make_recording(tmp_path / "in.mp4", seconds=13, burn_frame_numbers=True, codec=codec)
    intake = take(workshop, source)

    recording = work(workshop, intake)

    assert (recording.state, recording.reason_code, recording.warnings) == ("ready", None, [])
    assert recording.timing["first_playable_s"] <= recording.timing["total_s"]
    assert recording.timing["cpu_s"] > 0
    out = fetched(workshop, recording.package_id, tmp_path / "out")
    for name in ("360p", "240p"):
        assert numbers_in(out / "video" / name / "index.m3u8") == list(range(325))
    length_s = float(probe(out / "audio/und/index.m3u8", "format=duration")["format"]["duration"])
    assert length_s == pytest.approx(13, abs=0.05)
    described = json.loads((out / "package.json").read_text(encoding="utf-8"))
    assert [one["copied"] for one in described["package"]["renditions"]] == [is_copied, False]
    assert described["source"]["sha256"] == recording.sha256
    paths = {item["path"] for item in described["files"]}
    assert paths | {"package.json"} == {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    with workshop.database.reading() as session:
        done = [(job.kind, job.state) for job in session.scalars(select(Job).order_by(Job.id))]
        chunks = list_chunks(session, str(recording.package_id))
    assert {state for _, state in done} == {"done"}
    # the first one is made before the others are handed out
    assert [kind for kind, _ in done].count("chunk") == len([chunk for chunk in chunks if chunk.position >= 0]) - 1 > 1
    assert not any(is_provisional(chunk.position) or chunk.position == FIRST_LOOK for chunk in chunks)


def test_pictures_that_only_decoding_shows_to_be_damaged_are_encoded_anew(workshop: Workshop, tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=13, codec=GROUPS, audio=False)
    content = bytearray(source.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    source.write_bytes(content)
    intake = take(workshop, source)

    recording = work(workshop, intake)

    assert recording.state == "ready"
    with workshop.database.reading() as session:
        package = session.get_one(Package, recording.package_id)
        states = sorted(row.state for row in session.scalars(select(Package)))
    assert [one["copied"] for one in package.description["renditions"]] == [False, False]
    assert set(states) - {"abandoned"} == {"complete"}


def test_workers_that_share_no_disk_make_it_with_postgresql_and_s3(
    postgres_database: Database, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOLIB_STORE_URL", s3_url(s3_server))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    settings = load_settings().model_copy(update={"chunk_s": 4.0, "lease_s": 60.0})
    workshop = Workshop(settings, postgres_database, open_store(settings.store_url), open_store(settings.originals_url))
    workshop.store.prepare()
    source = make_recording(tmp_path / "in.mp4", seconds=13, burn_frame_numbers=True, codec=GROUPS)
    intake = take(workshop, source)

    recording = work(workshop, intake)

    assert (recording.state, recording.reason_code) == ("ready", None)
    out = fetched(workshop, recording.package_id, tmp_path / "out")
    assert numbers_in(out / "video/240p/index.m3u8") == list(range(325))


def test_a_cancel_ends_the_tools_and_removes_what_was_stored(workshop: Workshop, tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=60, codec=("-c:v", "mpeg4", "-q:v", "3"), audio=False)
    intake = take(workshop, source)

    def is_over() -> bool:
        with workshop.database.reading() as session:
            running = session.scalars(select(Job).where(Job.kind == "chunk", Job.state == "running")).first()
            recording = session.get_one(Recording, intake.recording_id)
        if running is not None and not running.cancel and recording.state == "processing":
            with workshop.database.writing() as session:
                jobs.stop_work(session, session.get_one(Recording, intake.recording_id), by=None)
        return recording.state in SETTLED

    assert work(workshop, intake, until=is_over).state == "cancelled"

    sweep_abandoned(workshop, intake.recording_id)
    assert [item.key for item in workshop.store.list("packages/")] == []
    assert list(workshop.scratch.iterdir()) == []
    assert _tools_of_this_process() == []


def _tools_of_this_process() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            name, _, rest = path.read_text(encoding="utf-8", errors="replace").partition("(")[2].rpartition(") ")
            if int(rest.split()[1]) == os.getpid() and name in {"ffmpeg", "bwrap", "prlimit"}:
                found.append(name)
    return found


def test_a_plan_is_the_same_after_a_way_through_json(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mkv", seconds=9, fps="30000/1001")
    inspection = inspect(source)
    made = plan(inspection, chunk_s=4)
    assert made.is_chunked

    text = json.dumps([to_json(made), to_json(inspection)])

    read = json.loads(text)
    assert from_json(EncodePlan, read[0]) == made
    assert from_json(Inspection, read[1]) == inspection


def test_what_is_listed_ends_at_the_first_gap_whatever_the_order_of_the_rows() -> None:
    def row(position: int, start_s: float, folder: str = "video/360p") -> Chunk:
        segment = hls.Segment(f"{position}.m4s", start_s, 4.0, 100, 100, (hls.KeyFrame(start_s, 0, 50),), 0)
        return Chunk(position=position, start_s=start_s, end_s=0, tracks={folder: segments_as_json([segment])})

    track = {
        "name": "360p", "folder": "video/360p", "codec": "avc1.64001e", "width": 640, "height": 360, "channels": 0,
        "language": "und",
    }  # fmt: skip
    sound = {**track, "name": "und", "folder": "audio/und"}
    rows = [row(3, 12.0), row(1, 4.0), row(COPIED_FROM, 0.0), row(PROVISIONAL_SOUND, 0.0, "audio/und")]

    made = made_so_far([track, sound], rows)

    assert [[segment.start_s for segment in one.segments] for one in made] == [[0.0, 4.0], [0.0]]
    rows += [row(PREVIEW_SOUND_FROM, 4.0, "audio/und"), row(SOUND, 0.0, "audio/und")]
    growing, final = made_so_far([sound], rows), made_so_far([sound], rows, is_final=True)
    assert [segment.uri for segment in growing[0].segments] == [f"{PROVISIONAL_SOUND}.m4s", f"{PREVIEW_SOUND_FROM}.m4s"]
    assert [segment.uri for segment in final[0].segments] == [f"{SOUND}.m4s"]
    assert made_so_far([track], [row(1, 4.0)]) == []
