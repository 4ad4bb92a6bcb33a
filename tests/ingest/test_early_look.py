"""The first seconds of a large recording in a bucket, seen before the rest of it has been fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import Settings
from ingest import preparing, sources
from ingest.intake import Item, take_in
from ingest.sources import SourceCache
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.samples import SMALL_H264, make_recording, numbers_in
from tests.servers import new_s3_store
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Package, find_playable, list_chunks, list_objects
from videolib.catalogue.recordings import SETTLED, Recording
from videolib.children import S3Server
from videolib.db import Database

SECONDS, FPS, SIZE = 30, 25, "640x360"
META = {"title": {"zh": "长手术", "en": "A long operation"}, "procedures": ["proc.stent_iliac"]}
# the sample is small, so its shares are what is fetched first; a fifth of it never is
HEAD, INDEX = 0.7, 0.1
CODEC = {
    "copied": (*SMALL_H264, "-g", "50"),
    "encoded": ("-c:v", "mpeg4", "-q:v", "6", "-g", "50"),
    "groups too long to copy": (*SMALL_H264, "-g", "300", "-sc_threshold", "0"),
}
LOOK_S = {"copied": 10, "encoded": 8, "groups too long to copy": 8}


@pytest.fixture
def workshop(sqlite_database: Database, settings: Settings, s3_server: S3Server) -> Workshop:
    store = new_s3_store(s3_server)
    changed = settings.model_copy(update={"chunk_s": 20.0, "lease_s": 60.0})
    return Workshop(changed, sqlite_database, store, store)


def take(workshop: Workshop, source: Path, monkeypatch: pytest.MonkeyPatch, *, head: float = HEAD) -> str:
    """Take a recording in; so much of it is fetched first."""
    size = source.stat().st_size
    for name, share in (("HEAD_BYTES", head), ("INDEX_BYTES", INDEX)):
        for module in (sources, preparing):
            monkeypatch.setattr(module, name, int(size * share))
    monkeypatch.setattr(preparing, "FETCHED_WHOLE_BYTES", size - 1)
    item = Item(source, parse_values(META), generated=True)
    return take_in(workshop.database, workshop.originals, item, by=None, publish=False).recording_id


def recording_of(workshop: Workshop, recording_id: str) -> Recording:
    with workshop.database.reading() as session:
        return session.get_one(Recording, recording_id)


def spy(workshop: Workshop, recording_id: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, bytes]]:
    """What of each rendition can be seen whenever the whole of the source begins to come."""
    seen: list[dict[str, bytes]] = []
    fetch = SourceCache._fetch

    def watched(self: SourceCache, *args: Any, **named: Any) -> None:
        with workshop.database.reading() as session:
            package = find_playable(session, recording_id)
            prefix, chunks = (package.prefix, list_chunks(session, package.id)) if package else ("", [])
        made: dict[str, bytes] = {}
        for path in (item["path"] for chunk in chunks for item in chunk.objects if item["path"].startswith("video/")):
            name = path.split("/")[1]
            made[name] = made.get(name, b"") + workshop.store.get_bytes(f"{prefix}/{path}")
        seen.append(made)
        fetch(self, *args, **named)

    monkeypatch.setattr(SourceCache, "_fetch", watched)
    return seen


@pytest.mark.parametrize("kind", ["copied", "encoded"])
def test_the_first_seconds_are_seen_before_the_rest_has_come_and_then_all_of_it(
    kind: str, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=SECONDS, size=SIZE, burn_frame_numbers=True, codec=CODEC[kind])
    recording_id = take(workshop, source, monkeypatch)
    seen = spy(workshop, recording_id, monkeypatch)

    run_worker(workshop, index=None, stop=lambda: recording_of(workshop, recording_id).state in SETTLED)

    [look] = seen
    expected = list(range(LOOK_S[kind] * FPS))
    assert numbers_of(look, tmp_path) == {"360p": expected, "240p": expected}
    recording = recording_of(workshop, recording_id)
    assert (recording.state, recording.reason_code, recording.warnings) == ("ready", None, [])
    with workshop.database.reading() as session:
        packages = {package.id: package.state for package in session.scalars(select(Package))}
        paths = [item["path"] for item in list_objects(session, str(recording.package_id))]
    assert packages.pop(str(recording.package_id)) == "complete"
    assert set(packages.values()) <= {"abandoned"}
    for path in paths:
        target = tmp_path / "out" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(workshop.store.get_bytes(f"packages/{recording.package_id}/{path}"))
    top = tmp_path / "out/video/360p"
    assert numbers_in(tmp_path / "out/video/240p/index.m3u8") == list(range(SECONDS * FPS))
    first = (top / "init.mp4").read_bytes() + min(top.glob("*.m4s")).read_bytes()
    is_copy_of_whole = look["360p"].startswith(first)
    assert is_copy_of_whole == (kind == "copied")


def numbers_of(look: dict[str, bytes], folder: Path) -> dict[str, list[int]]:
    """The numbers of each rendition's pictures."""
    for name, made in look.items():
        (folder / f"{name}.mp4").write_bytes(made)
    return {name: numbers_in(folder / f"{name}.mp4") for name in look}


def test_what_cannot_be_copied_after_all_is_encoded(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "groups too long to copy"
    source = make_recording(tmp_path / "in.mp4", seconds=SECONDS, size=SIZE, burn_frame_numbers=True, codec=CODEC[kind])
    recording_id = take(workshop, source, monkeypatch)
    seen = spy(workshop, recording_id, monkeypatch)

    run_worker(workshop, index=None, stop=lambda: bool(seen))

    expected = list(range(LOOK_S[kind] * FPS))
    assert numbers_of(seen[0], tmp_path) == {"360p": expected, "240p": expected}


@pytest.mark.parametrize("why", ["its packets lie far away", "no index says where they lie"])
def test_what_cannot_be_seen_by_its_ends_waits_for_all_of_it(
    why: str, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_far = why == "its packets lie far away"
    name, head = ("in.mp4", 0.2) if is_far else ("in.mkv", HEAD)
    source = make_recording(tmp_path / name, seconds=SECONDS, size=SIZE, codec=CODEC["encoded"])
    recording_id = take(workshop, source, monkeypatch, head=head)
    seen = spy(workshop, recording_id, monkeypatch)

    def is_begun() -> bool:
        with workshop.database.reading() as session:
            return session.scalars(select(Job.state).where(Job.kind == "prepare")).one() == "done"

    run_worker(workshop, index=None, stop=is_begun)

    assert seen == [{}]
    with workshop.database.reading() as session:
        assert find_playable(session, recording_id) is not None, "what begins then begins with all of it"
