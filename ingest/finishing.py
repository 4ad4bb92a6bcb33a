"""The last job on a long recording: see that all of it is there and fits, write its playlists, show it.

No media is copied: the package is the objects that the chunks' workers have stored. Key frames for the pictures of the
storyboard are the only media that are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ingest.chunk_work import begin_anew
from ingest.description import describe_package, settings_of, tools_in_use
from ingest.ffmpeg import cpu_spent_s
from ingest.images import OFFERS, POSTER, SHEET, TILES, make_images
from ingest.inspect import check_decoded_length, describe
from ingest.inspection import Inspection
from ingest.making import SOUND_OVERHANG_S
from ingest.package import (
    DESCRIPTION,
    MULTIVARIANT,
    HlsPackage,
    PackageFile,
    SeamBroken,
    package,
    write_description,
)
from ingest.plan import EncodePlan
from ingest.plan_text import from_json
from ingest.redaction import Redaction, chapters_left, read_redactions, texts_left
from ingest.stored import require_stored
from ingest.storing import Shelf
from ingest.subtitles import Texts, add_texts, chapters_in, describe_text
from ingest.verify import verify_pages
from ingest.workshop import Watch, Workshop, attach, scratch_for
from videolib import hls
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Chunk, Package, keep_chunk, list_chunks
from videolib.catalogue.progress import cpu_of
from videolib.catalogue.recordings import get_recording
from videolib.catalogue.tracks import PAGES, is_provisional, made_so_far

Finish = Callable[[Session], None]
# playlists, pictures, and key frames to make these from
ROOM_BYTES = 512 * 1024**2
SILENT = "A sound track could not be read and was left out."


@dataclass(frozen=True)
class _Made:
    """A package whose chunks are done, as its rows tell."""

    package: Package
    plan: EncodePlan
    inspection: Inspection
    tracks: tuple[hls.Track, ...]
    chunks: tuple[Chunk, ...]
    sha256: str
    cpu_s: float

    @property
    def texts(self) -> Texts:
        """The text that was read with the sound."""
        texts = from_json(Texts, self.package.plan.get("texts", {}))
        return replace(texts, tracks=texts_left(texts.tracks, self.redactions))

    @property
    def redactions(self) -> tuple[Redaction, ...]:
        """What was taken out of it."""
        return read_redactions(self.package.redactions)

    def of_kind(self, kind: str) -> list[hls.Track]:
        folders = [track["folder"] for track in self.package.tracks if track["kind"] == kind]
        return sorted(
            (track for track in self.tracks if track.folder in folders),
            key=lambda track: (-track.height, folders.index(track.folder)),
        )


def finish_package(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Verify and complete the package of which all chunks are done, and point the recording at it.

    Raises `Refused` where too little could be decoded, `ToolFailed`, `Unavailable`, `Cancelled`.
    """
    made, before_s = _read(workshop, job), cpu_spent_s()
    watch.on_progress("verify", None)
    try:
        video = _joined(made)
    except SeamBroken:
        begin_anew(workshop, job, finish, chunks=False)
        return
    check_decoded_length(made.inspection, video[0].duration_s - made.plan.lead_s)
    audio = [_until(track, video[0].duration_s + SOUND_OVERHANG_S) for track in made.of_kind("audio")]
    _require_objects(workshop, made, watch)
    with scratch_for(workshop, ROOM_BYTES) as scratch:
        folder = scratch / "package"
        pages = replace(package(video, audio, folder), fetch=_fetcher(workshop, made.package.prefix, folder))
        watch.on_progress("images", None)
        (scratch / "images").mkdir()
        make_images(pages, made.plan, scratch / "images", offers=True, cancelled=watch.cancelled)
        verify_pages(pages, made.plan)
        add_texts(made.texts.tracks, pages)
        description = {
            **describe_package(pages, copied=[one.name for one in made.plan.renditions if one.copied]),
            **describe_text(made.texts, chapters_left(chapters_in(made.inspection, made.plan), made.redactions)),
        }
        watch.on_progress("store", 0.0)
        objects = _put_pages(workshop, job, watch, made, pages, description)
    timing = _timing(made, datetime.now(UTC), cpu_s=made.cpu_s + cpu_spent_s() - before_s)
    warnings = (*made.plan.warnings, *made.texts.warnings, *([SILENT] if len(audio) < len(made.plan.audio) else []))
    answer = {"source": describe(made.inspection), "timing": timing, "warnings": list(warnings)}
    watch.on_progress("attach", None)
    provisional = [item["path"] for chunk in made.chunks for item in _dropped(chunk)]
    with workshop.database.writing() as session:
        finish(session)
        _complete(session, made, description, objects)
        row = session.get_one(Package, made.package.id)
        attach(session, row, answer, workshop.settings, texts=made.texts.tracks)
    workshop.store.delete([f"{made.package.prefix}/{path}" for path in provisional])


def _read(workshop: Workshop, job: Job) -> _Made:
    with workshop.database.reading() as session:
        row = session.get_one(Package, str(job.package_id))
        chunks = list_chunks(session, row.id)
        sha256, cpu_s = get_recording(session, job.recording_id).sha256, cpu_of(session, row.id)
        session.expunge_all()
    plan, inspection = from_json(EncodePlan, row.plan["encode"]), from_json(Inspection, row.plan["inspection"])
    return _Made(
        row, plan, inspection, tuple(made_so_far(row.tracks, chunks, is_final=True)), tuple(chunks), sha256, cpu_s
    )


def _joined(made: _Made) -> list[hls.Track]:
    """Return the renditions, the largest first. Raises `SeamBroken` where one has a hole or is not as the others."""
    video = made.of_kind("video")
    if [track.name for track in video] != [rendition.name for rendition in made.plan.renditions]:
        raise SeamBroken(stderr_tail="a rendition is missing")
    for track in video:
        stored = sum(len(chunk.tracks.get(track.folder, [])) for chunk in made.chunks)
        if stored != len(track.segments):
            raise SeamBroken(stderr_tail=f"{track.name}: {len(track.segments)} of {stored} segments follow each other")
        if abs(track.duration_s - video[0].duration_s) > 2 / made.plan.fps:
            raise SeamBroken(stderr_tail=f"{track.name} is {track.duration_s} s long, not {video[0].duration_s}")
    return video


def _until(track: hls.Track, end_s: float) -> hls.Track:
    return replace(track, segments=tuple(one for one in track.segments if one.start_s < end_s))


def _require_objects(workshop: Workshop, made: _Made, watch: Watch) -> None:
    """Raise `ToolFailed` unless everything that the rows name is in the store as it was put there."""
    named = [item for chunk in made.chunks for item in chunk.objects]
    require_stored(workshop.store, made.package.prefix, named, lambda fraction: watch.on_progress("verify", fraction))


def _fetcher(workshop: Workshop, prefix: str, folder: Path) -> Callable[[Path], None]:
    """Return what brings a file of the package to `folder` when it is first read."""

    def fetch(path: Path) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        key = f"{prefix}/{path.relative_to(folder).as_posix()}"
        own = workshop.store.local_path(key)
        if own is None:
            workshop.store.fetch_to(key, path)
        else:
            path.symlink_to(own)

    return fetch


def _put_pages(
    workshop: Workshop, job: Job, watch: Watch, made: _Made, pages: HlsPackage, description: Mapping[str, object]
) -> list[dict[str, Any]]:
    """Put pictures, then playlists, then package.json into the store, under names that are written once."""
    folder = pages.folder
    playlists = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("index.m3u8"))
    shelf = Shelf(workshop.store, made.package.id, job.attempt, watch.cancelled)
    further = [path for pattern in (f"{OFFERS}/*.jpg", "subtitles/*/*.vtt") for path in folder.glob(pattern)]
    names = sorted(path.relative_to(folder).as_posix() for path in further)
    pages_in_order = (POSTER, SHEET, TILES, *names, *playlists, MULTIVARIANT)
    written = [shelf.put_page(folder / path, path) for path in pages_in_order]
    kept = [item for chunk in made.chunks if not is_provisional(chunk.position) for item in chunk.objects]
    everything = {item["path"]: PackageFile(**item) for item in (*kept, *written)}
    write_description(
        folder,
        [everything[path] for path in sorted(everything)],
        source={"sha256": made.sha256, "bytes": made.inspection.bytes, **describe(made.inspection)},
        package=description,
        settings=settings_of(made.plan),
        quality=made.package.plan.get("quality"),
        sound=made.package.plan.get("sound", []),
        tools=tools_in_use(),
    )
    return [*written, shelf.put_page(folder / DESCRIPTION, DESCRIPTION)]


def _dropped(chunk: Chunk) -> Sequence[dict[str, Any]]:
    """Return the objects of provisional sound that nothing else shares."""
    if not is_provisional(chunk.position):
        return []
    return [item for item in chunk.objects if not item["path"].endswith("/init.mp4")]


def _complete(session: Session, made: _Made, description: Mapping[str, object], objects: list[dict[str, Any]]) -> None:
    row = session.get_one(Package, made.package.id)
    row.state, row.description = "complete", dict(description)
    row.duration_s = float(str(description["duration_s"]))
    for chunk in list_chunks(session, row.id):
        if is_provisional(chunk.position):
            session.delete(chunk)
    keep_chunk(session, Chunk(package_id=row.id, position=PAGES, start_s=0.0, end_s=row.duration_s, objects=objects))


def _timing(made: _Made, now: datetime, *, cpu_s: float) -> dict[str, float | None]:
    return {
        "first_playable_s": made.package.plan.get("first_playable_s"),
        "total_s": round((now - made.package.made_at).total_seconds(), 3),
        "cpu_s": round(cpu_s, 3),
    }
