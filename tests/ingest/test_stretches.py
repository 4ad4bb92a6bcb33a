"""A chunk made of its own bytes alone, fetched from a bucket: the same to the byte as one made of the whole file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import Settings
from ingest import chunk_work, encode, stretches
from ingest.encode import ways_in
from ingest.errors import IngestError, ToolFailed
from ingest.inspect import inspect
from ingest.intake import Item, take_in
from ingest.making import Bench, make_chunk
from ingest.pipeline import Method, make_plans
from ingest.sources import SourceCache
from ingest.stretches import fetch_stretch
from ingest.worker import run_worker
from ingest.workshop import Watch, Workshop
from tests.samples import SMALL_H264, make_recording, numbers_in
from tests.servers import new_s3_store
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.jobs import Job
from videolib.catalogue.recordings import SETTLED, Recording
from videolib.children import S3Server
from videolib.db import Database
from videolib.errors import Unavailable
from videolib.storage import Store, open_store

META = {"title": {"zh": "长手术", "en": "A long operation"}, "procedures": ["proc.stent_iliac"]}
SECONDS, CHUNK_S = 28, 6.0
KINDS: dict[str, tuple[str, str | int, tuple[str, ...], tuple[str, ...]]] = {
    "pictures out of order, index at the end": ("mp4", 25, (*SMALL_H264, "-bf", "3", "-g", "60"), ()),
    "open groups": ("mp4", 25, (*SMALL_H264, "-bf", "3", "-g", "50", "-x264-params", "open-gop=1"), ()),
    "index at the beginning": ("mp4", 25, (*SMALL_H264, "-g", "100"), ("-movflags", "+faststart")),
    "QuickTime, 29.97 a second": ("mov", "30000/1001", ("-c:v", "mpeg4", "-q:v", "4", "-g", "30"), ()),
    "HEVC": ("mp4", 25, ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0:keyint=60"), ()),
    "a picture that lasts 7 s after the cut": (
        *("mp4", 25, (*SMALL_H264, "-bf", "3", "-g", "50")),
        ("-filter:v", "noise=alls=8:allf=t,select='not(between(t,8.1,15))'", "-fps_mode", "vfr"),
    ),
    "a clock that does not begin at zero": ("mp4", 25, (*SMALL_H264, "-g", "50"), ("-output_ts_offset", "7.3")),
}


@pytest.fixture
def bucket(s3_server: S3Server) -> Store:
    return new_s3_store(s3_server)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were fetched in parts."""
    counts: list[int] = []
    fetch = SourceCache.fetch_parts

    def counted(self: SourceCache, key: str, path: Path, parts: Any, **named: Any) -> None:
        counts.append(sum(end - start for start, end in parts))
        fetch(self, key, path, parts, **named)

    monkeypatch.setattr(SourceCache, "fetch_parts", counted)
    return counts


@pytest.fixture
def wholes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of which originals all was fetched."""
    keys: list[str] = []
    fetch = SourceCache._fetch

    def noted(self: SourceCache, key: str, *args: Any, **named: Any) -> None:
        keys.append(key)
        fetch(self, key, *args, **named)

    monkeypatch.setattr(SourceCache, "_fetch", noted)
    return keys


@pytest.fixture
def hosts(
    sqlite_database: Database, s3_server: S3Server, settings: Settings, tmp_path: Path
) -> tuple[Workshop, Workshop]:
    """Two that share nothing but the database and the bucket."""
    store = new_s3_store(s3_server)
    changed = settings.model_copy(update={"chunk_s": CHUNK_S, "lease_s": 60.0})
    other = changed.model_copy(update={"home": tmp_path / "other"})
    return Workshop(changed, sqlite_database, store, store), Workshop(other, sqlite_database, store, store)


@pytest.fixture
def repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder makes the same bytes of the same pictures, which many threads do not."""
    options = encode._video_options
    monkeypatch.setattr(encode, "_video_options", lambda *args: {**options(*args), "threads": 1})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are small here, and so is what is fetched around a chunk."""
    for name, value in {"SMALL_BYTES": 0, "LEARNT_BYTES": 2**17, "MOST": 0.7, "GAP_BYTES": 2**12}.items():
        monkeypatch.setattr(stretches, name, value)


def make_both(bucket: Store, settings: Settings, source: Path, folder: Path, position: int) -> tuple[Any, Any]:
    """What a chunk's pieces hold, and the digest of the largest, made of the whole and of its stretch."""
    bucket.put_file("original", source)
    inspection = inspect(source)
    plan = next(one for one in make_plans(inspection, Method(CHUNK_S)) if one.is_chunked)
    span = plan.spans[position]
    earlier_s = ways_in(plan, span, inspection.container)[0]
    assert earlier_s is not None
    made = []
    for name in ("whole", "stretch"):
        work = folder / name
        work.mkdir()
        bench = Bench(source if name == "whole" else work / "part", inspection, work, lambda _: None, lambda: False)
        if name == "stretch":
            cache = SourceCache(settings, bucket)
            assert fetch_stretch(cache, "original", bench, plan, span, earlier_s=earlier_s)
            bench.source.chmod(0o400)
        pieces = make_chunk(bench, plan, span, earlier_s=earlier_s)
        shapes = [(piece.start, piece.samples, piece.next_start) for piece in pieces.values()]
        # the smaller ones are scaled from the largest; x264 does not make the same bytes of them on a busy machine
        made.append((shapes, digest_of(work / plan.encoded[0].name)))
    return made[0], made[1]


def digest_of(folder: Path) -> str:
    [file] = folder.iterdir()
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.usefixtures("small", "repeatable")
@pytest.mark.parametrize(
    ("kind", "position"), [*((kind, 1) for kind in KINDS), ("pictures out of order, index at the end", -1)]
)
def test_a_chunk_of_its_own_bytes_is_that_of_the_whole(
    kind: str, position: int, bucket: Store, settings: Settings, fetched: list[int], tmp_path: Path
) -> None:
    suffix, fps, codec, extra = KINDS[kind]
    source = make_recording(
        tmp_path / f"in.{suffix}", seconds=SECONDS, fps=fps, codec=codec, extra=extra, filters="noise=alls=8:allf=t"
    )

    whole, stretch = make_both(bucket, settings, source, tmp_path, position)

    assert stretch == whole
    assert [next_start is None for _, _, next_start in whole[0]] == [position == -1] * 2
    assert sum(fetched) < 0.75 * source.stat().st_size


@pytest.mark.usefixtures("repeatable")
def test_with_the_real_margins_most_of_a_recording_stays_where_it_is(
    bucket: Store, settings: Settings, fetched: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stretches, "SMALL_BYTES", 0)
    noisy = ("-c:v", "mpeg4", "-q:v", "2", "-g", "25")
    source = make_recording(tmp_path / "in.mp4", seconds=90, filters="noise=alls=12:allf=t", codec=noisy)

    whole, stretch = make_both(bucket, settings, source, tmp_path, 3)

    assert stretch == whole
    assert sum(fetched) < 0.4 * source.stat().st_size


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("name", "extra"),
    [("in.mkv", ()), ("in.mp4", ("-movflags", "+frag_keyframe+empty_moov"))],
    ids=["Matroska", "CMAF"],
)
def test_what_does_not_say_where_its_packets_lie_is_fetched_whole(
    name: str, extra: tuple[str, ...], bucket: Store, settings: Settings, tmp_path: Path
) -> None:
    codec = (*SMALL_H264, "-g", "50")
    source = make_recording(tmp_path / name, seconds=SECONDS, filters="noise=alls=8:allf=t", codec=codec, extra=extra)
    bucket.put_file("original", source)
    inspection = inspect(source)
    plan = next(one for one in make_plans(inspection, Method(CHUNK_S)) if one.is_chunked)
    bench = Bench(tmp_path / "part", inspection, tmp_path, lambda _: None, lambda: False)

    assert not fetch_stretch(SourceCache(settings, bucket), "original", bench, plan, plan.spans[1], earlier_s=1.0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fault", [None, "it cannot be read", "pictures are missing"])
def test_a_host_that_only_makes_chunks_never_holds_the_recording(
    fault: str | None,
    hosts: tuple[Workshop, Workshop],
    fetched: list[int],
    wholes: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = make_recording(
        tmp_path / "in.mp4", seconds=SECONDS, audio=False, burn_frame_numbers=True, codec=(*SMALL_H264, "-g", "50")
    )
    planner, maker = hosts
    database, bucket = planner.database, planner.store
    item = Item(source, parse_values(META), generated=True)
    recording_id = take_in(database, planner.originals, item, by=None, publish=False).recording_id
    run_worker(planner, index=None, stop=lambda: "chunk" in kinds_of(database))
    assert fetched == []
    wholes.clear()
    # whatever goes wrong with a stretch, the whole is tried before anybody is told
    if fault == "it cannot be read":
        monkeypatch.setattr(chunk_work, "fetch_stretch", lambda _c, _k, bench, *_, **_n: not bench.source.touch())
    elif fault == "pictures are missing":
        monkeypatch.setattr(stretches, "AHEAD_PICTURES", -20)

    run_worker(maker, index=None, stop=lambda: recording_of(database, recording_id).state in SETTLED)

    recording = recording_of(database, recording_id)
    assert (recording.state, recording.reason_code, recording.warnings) == ("ready", None, [])
    assert len(wholes) == bool(fault)
    assert bool(fetched) == (fault != "it cannot be read")
    for stored in bucket.list(f"packages/{recording.package_id}/video/"):
        target = tmp_path / "out" / stored.key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bucket.get_bytes(stored.key))
    for name in ("360p", "240p"):
        index = tmp_path / f"out/packages/{recording.package_id}/video/{name}/index.m3u8"
        assert numbers_in(index) == list(range(SECONDS * 25))


@pytest.mark.parametrize("has_stretch", [True, False])
def test_where_the_whole_has_no_room_a_broken_stretch_counts_and_does_not_wait_for_ever(
    has_stretch: bool, hosts: tuple[Workshop, Workshop], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=SECONDS)
    inspection = inspect(source)
    plan = next(one for one in make_plans(inspection, Method(CHUNK_S)) if one.is_chunked)
    hosts[0].originals.put_file("original", source)
    no_disk = replace(hosts[0], settings=hosts[0].settings.model_copy(update={"reserve_gib": 1e6}))
    monkeypatch.setattr(
        chunk_work, "fetch_stretch", lambda _c, _k, bench, *_, **_n: has_stretch and not bench.source.touch()
    )
    watch = Watch(lambda *_: None, lambda: False)
    folder = tmp_path / "work"
    folder.mkdir()
    maker = chunk_work._Maker(no_disk, "original", watch, inspection, plan, {}, folder)

    with pytest.raises(ToolFailed if has_stretch else Unavailable, match=None if has_stretch else "disk space"):
        maker.make(plan.spans[1])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("kind", "is_late"), [("folder", False), ("bucket", False), ("bucket", True)])
def test_an_original_that_the_store_has_lost_is_told_as_that(
    kind: str, is_late: bool, bucket: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=SECONDS)
    inspection = inspect(source)
    plan = next(one for one in make_plans(inspection, Method(CHUNK_S)) if one.is_chunked)
    originals = bucket if kind == "bucket" else open_store(f"file://{tmp_path}/originals")
    originals.put_file("original", source)
    bench = Bench(tmp_path / "part", inspection, tmp_path, lambda _: None, lambda: False)
    size_of = SourceCache.size_of

    def lost_after(self: SourceCache, key: str) -> int:
        size = size_of(self, key)
        originals.delete([key])
        return size

    if is_late:
        monkeypatch.setattr(SourceCache, "size_of", lost_after)
    else:
        originals.delete(["original"])

    with pytest.raises(IngestError, match="not in the store") as gone:
        fetch_stretch(SourceCache(settings, originals), "original", bench, plan, plan.spans[1], earlier_s=1.0)
    assert gone.value.reason == "store_unavailable"


def kinds_of(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.scalars(select(Job.kind)))


def recording_of(database: Database, recording_id: str) -> Recording:
    with database.reading() as session:
        return session.get_one(Recording, recording_id)
