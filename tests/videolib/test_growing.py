"""A package in the making: what is finished from the beginning on can be played by those who may, and only grows."""

from __future__ import annotations

from typing import Any

import m3u8
import pytest

from tests.libraries import add_entry, add_person, add_recording, let_in
from tests.visitors import Site
from videolib.catalogue import jobs, packages
from videolib.catalogue.audit import list_events
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.progress import describe_work, note_job_progress
from videolib.catalogue.recordings import Recording
from videolib.db import Database
from videolib.web.growing import write_playlists


def track(kind: str, name: str, codec: str, width: int = 0, height: int = 0) -> dict[str, Any]:
    sizes = {"width": width, "height": height, "channels": 2 if kind == "audio" else 0}
    return {"kind": kind, "name": name, "folder": f"{kind}/{name}", "codec": codec, "language": "und", **sizes}


TRACKS = [
    track("video", "360p", "avc1.64001e", 640, 360),
    track("video", "240p", "avc1.640015", 426, 240),
    track("audio", "und", "mp4a.40.2"),
]


def segments(position: int, count: int = 2) -> list[dict[str, Any]]:
    """Segments of 2 s of a chunk of 4 s, byte ranges of one file."""
    return [
        {
            "uri": f"{position:04}-a1.m4s",
            "start_s": 4.0 * position + 2.0 * number,
            "duration_s": 2.0,
            "bytes": 1000,
            "samples": 50,
            "offset": 1000 * number,
            "keys": [],
        }
        for number in range(count)
    ]


def chunk(package: Package, position: int, *names: str) -> Chunk:
    objects = [{"path": f"video/{name}/{position:04}-a1.m4s", "bytes": 2000, "sha256": "s"} for name in names]
    made = {f"{'audio' if name == 'und' else 'video'}/{name}": segments(max(0, position)) for name in names}
    start_s = 4.0 * max(0, position)
    return Chunk(
        package_id=package.id,
        position=position,
        start_s=start_s,
        end_s=start_s + 4.0,
        attempt=1,
        state="done",
        objects=objects,
        tracks=made,
    )


def texts(package: Package, chunks: list[Chunk]) -> dict[str, Any]:
    return {path: m3u8.loads(text) for path, text in write_playlists(package, chunks).playlists.items()}


def test_nothing_is_listed_before_the_first_pictures_are_there() -> None:
    package = Package(id="p", tracks=TRACKS)

    assert write_playlists(package, []).playlists == {}
    assert write_playlists(package, [chunk(package, 1, "360p")]).playlists == {}
    assert write_playlists(package, [chunk(package, -1, "und")]).playlists == {}


def test_a_playlist_grows_by_whole_chunks_and_ends_at_the_first_gap() -> None:
    package = Package(id="p", tracks=TRACKS)
    chunks = [chunk(package, 0, "360p", "240p"), chunk(package, 2, "360p", "240p")]

    early = texts(package, chunks)["video/360p/index.m3u8"]
    late = texts(package, [*chunks, chunk(package, 1, "360p", "240p")])["video/360p/index.m3u8"]

    assert (early.playlist_type, early.is_endlist) == ("event", False)
    assert [one.uri for one in early.segments] == ["0000-a1.m4s"] * 2
    assert [one.uri for one in late.segments] == ["0000-a1.m4s"] * 2 + ["0001-a1.m4s"] * 2 + ["0002-a1.m4s"] * 2
    assert [one.byterange for one in late.segments][:2] == ["1000@0", "1000@1000"]
    assert early.target_duration == late.target_duration >= 2


def test_a_copied_rendition_is_listed_before_the_others_and_sound_as_soon_as_it_is_there() -> None:
    package = Package(id="p", tracks=TRACKS)

    first = texts(package, [chunk(package, -2, "360p")])["master.m3u8"]
    later = texts(package, [chunk(package, -2, "360p"), chunk(package, -1, "und"), chunk(package, 0, "240p")])

    assert [(one.uri, one.stream_info.resolution) for one in first.playlists] == [("video/360p/index.m3u8", (640, 360))]
    assert first.media == []
    assert [one.uri for one in later["master.m3u8"].playlists] == ["video/360p/index.m3u8", "video/240p/index.m3u8"]
    assert [one.uri for one in later["master.m3u8"].media] == ["audio/und/index.m3u8"]


@pytest.fixture
def in_work(database: Database) -> tuple[Recording, Package]:
    """A recording of three chunks, planned by a worker, and nothing made yet."""
    recording = add_recording(database, by=add_person(database))
    with database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)
        job = jobs.claim(session, "host-a:1", 60)
        assert job is not None
        package = packages.begin_package(session, recording.id)
        packages.plan_package(session, package, plan={"n": 3}, tracks=TRACKS, cuts=[(0, 4), (4, 8), (8, 12)])
        jobs.split(session, job, package, positions=range(3), has_sound=True)
        jobs.complete(session, job)
    return recording, package


def finish(database: Database, package: Package, job: jobs.Job, *names: str) -> None:
    with database.writing() as session:
        position = job.position if job.position is not None else -1
        packages.keep_chunk(session, chunk(package, position, *names))
        jobs.complete(session, job)


def claimed(database: Database) -> jobs.Job:
    with database.writing() as session:
        job = jobs.claim(session, "host-a:1", 60)
        assert job is not None
        return job


def test_the_work_says_how_much_of_each_rendition_is_made_where_and_what_is_next(
    database: Database, in_work: tuple[Recording, Package]
) -> None:
    recording, package = in_work
    with database.reading() as session:
        waiting = describe_work(session, session.get_one(Recording, recording.id))
    assert (waiting.place, waiting.chunks_done, waiting.chunks, waiting.hosts) == (1, 0, 3, ())

    finish(database, package, claimed(database), "360p", "240p")
    job = claimed(database)
    with database.writing() as session:
        note_job_progress(session, job, "encode", 0.5)

    with database.reading() as session:
        row = session.get_one(Recording, recording.id)
        state = describe_work(session, row)
        assert row.progress == pytest.approx(0.03 + 0.92 * 0.5, abs=0.001)
    assert {one.name: one.progress for one in state.renditions} == {"360p": 0.5, "240p": 0.5}
    assert (state.chunks_done, state.chunks, state.place, state.hosts) == (1, 3, None, ("host-a",))
    assert state.time_left_s is not None


def test_work_that_lacks_something_says_what_it_waits_for_and_no_try_is_counted(
    database: Database, in_work: tuple[Recording, Package]
) -> None:
    recording, _ = in_work
    for _round in range(8):
        job = claimed(database)
        assert jobs.tries(job) == 1
        with database.writing() as session:
            jobs.put_off(session, job, "Waiting for disk space on a: 2.0 GB are needed.", code="no_space")
            state = describe_work(session, session.get_one(Recording, recording.id))
            assert (state.waits_code, state.waits_message) == ("no_space", job_error(job))
            session.get_one(jobs.Job, job.id).not_before = job.created_at


def job_error(_job: jobs.Job) -> str:
    return "Waiting for disk space on a: 2.0 GB are needed."


def test_failed_work_goes_on_from_what_is_finished_and_the_late_lose(
    database: Database, in_work: tuple[Recording, Package]
) -> None:
    recording, package = in_work
    finish(database, package, claimed(database), "360p", "240p")
    broken, late = claimed(database), claimed(database)
    with database.writing() as session:
        row = session.get_one(Recording, recording.id)
        row.state = "processing"
        jobs.fail(session, broken, "No.", code="tool_failed", may_retry=False)
        jobs.stop_siblings(session, broken)
        row.state = "failed"

    with database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)

    with pytest.raises(jobs.LeaseLost), database.writing() as session:
        jobs.complete(session, late)
    again: list[tuple[str, int | None]] = []
    while not again or again[-1][0] != "finish":
        job = claimed(database)
        again.append((job.kind, job.position))
        assert jobs.tries(job) == 1
        with database.writing() as session:
            jobs.complete(session, job)
    assert sorted(again, key=str) == [("chunk", 1), ("chunk", 2), ("finish", None), ("sound", None)]


def test_cancelled_work_is_given_up_and_starts_anew(database: Database, in_work: tuple[Recording, Package]) -> None:
    recording, package = in_work
    with database.writing() as session:
        jobs.stop_work(session, session.get_one(Recording, recording.id), by=None)
        assert session.get_one(Package, package.id).state == "abandoned"

    with database.writing() as session:
        jobs.start_work(session, session.get_one(Recording, recording.id), by=None)

    assert claimed(database).kind == "prepare"


def test_a_growing_package_plays_for_whom_it_is_open_to_only(
    site: Site, database: Database, in_work: tuple[Recording, Package]
) -> None:
    recording, package = in_work
    entry = add_entry(database, recording)
    address = "assigned@hospital.example"
    let_in(database, recording.id, site.add_person("editor", email=address))
    editor, other, admin = site.visitor("editor", email=address), site.visitor("trainee"), site.visitor("admin")
    playback = f"/api/v1/entries/{entry.id}/playback"
    assert editor.get(playback).status_code == 404

    finish(database, package, claimed(database), "360p", "240p")

    answer = editor.get(playback).get_json()
    assert answer["duration_s"] == 12.0
    with database.reading() as session:
        seen = [event for event in list_events(session, object_id=entry.id) if event.action == "preview"]
    assert [(event.detail["package"], event.actor_id is not None) for event in seen] == [(package.id, True)]
    path = "/media/" + answer["hls_url"].partition("/media/")[2]
    master = editor.get(path)
    assert "video/240p/index.m3u8" in master.text
    assert "no-cache" in master.headers["Cache-Control"]
    media = path.replace("master.m3u8", "video/360p/index.m3u8")
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in editor.get(media).text
    etag = editor.get(media).headers["ETag"]
    assert editor.get(media, headers={"If-None-Match": etag}).status_code == 304
    assert [one.get(playback).status_code for one in (other, admin)] == [404, 404]
