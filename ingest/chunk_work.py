"""The jobs that many workers share: one chunk of a recording's pictures, and its sound from end to end.

Everything that decides comes from the package's row; what is made goes into the store under the attempt's own names,
and is the package's once the unit of work that completes the job has been written.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from ingest.chunks import Span
from ingest.encode import CopyUnsound, ways_in
from ingest.errors import IngestError, NoSpace, ToolFailed
from ingest.inspection import Inspection
from ingest.making import Bench, make_chunk, make_sound
from ingest.package import Piece, SeamBroken
from ingest.plan import EncodePlan, RenditionPlan
from ingest.plan_text import from_json, to_json
from ingest.refine import listen
from ingest.sound import with_loudness
from ingest.sources import SourceCache
from ingest.storing import Shelf, Stored
from ingest.stretches import fetch_stretch
from ingest.workshop import Watch, Workshop, open_source, scratch_for
from videolib.catalogue import jobs
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Chunk, Package, abandon_packages, keep_chunk
from videolib.catalogue.recordings import get_recording, move
from videolib.catalogue.tracks import SOUND, segments_as_json, track_as_json
from videolib.errors import Unavailable

Finish = Callable[[Session], None]
# room for a chunk: what its renditions take at their caps, twice
ROOM_FACTOR = 2.0


def encode_one_chunk(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Encode, verify and keep the chunk at `job.position`.

    Where the recording turns out to be such that it cannot be made like this, the work begins anew, the plainer way.
    Raises `Refused`, `ToolFailed`, `Unavailable`, `Cancelled`.
    """
    package_id, position = str(job.package_id), int(job.position or 0)
    with workshop.database.reading() as session:
        package = session.get_one(Package, package_id)
        described = package.plan
        key = get_recording(session, job.recording_id).original_key
    plan, inspection = from_json(EncodePlan, described["encode"]), from_json(Inspection, described["inspection"])
    span = plan.spans[position]
    room = ROOM_FACTOR * span.length_s(plan.duration_s) * sum(one.cap_kbps for one in plan.encoded) * 125
    with scratch_for(workshop, int(room)) as folder:
        try:
            work, pieces = _Maker(workshop, key, watch, inspection, plan, described["inits"], folder).make(span)
        except (CopyUnsound, SeamBroken) as error:
            begin_anew(workshop, job, finish, **{"copy" if isinstance(error, CopyUnsound) else "chunks": False})
            return
        shelf = Shelf(workshop.store, package_id, job.attempt, watch.cancelled)
        stored = [shelf.put_piece(work / rendition.name, rendition.name, piece) for rendition, piece in pieces.items()]
    end_s = plan.duration_s if span.end_s is None else span.end_s
    with workshop.database.writing() as session:
        finish(session)
        keep_chunk(session, _row(job, position, (span.start_s, end_s), stored))


def encode_all_sound(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Encode and keep the sound of a whole recording, and read its text. Raises as `encode_one_chunk` does."""
    package_id = str(job.package_id)
    with workshop.database.reading() as session:
        described = session.get_one(Package, package_id).plan
        key = get_recording(session, job.recording_id).original_key
    plan, inspection = from_json(EncodePlan, described["encode"]), from_json(Inspection, described["inspection"])
    room = ROOM_FACTOR * plan.duration_s * sum(track.kbps for track in plan.audio) * 125
    with scratch_for(workshop, int(room)) as folder, open_source(workshop, key, watch) as source:
        bench = Bench(source, inspection, folder, lambda part: watch.on_progress("encode", part), watch.cancelled)
        (folder / "listen").mkdir()
        loudness, sounds, texts = listen(source, inspection, plan, folder / "listen", cancelled=watch.cancelled)
        made = make_sound(bench, with_loudness(plan, loudness)[0], folder / "sound", one_file=True)
        shelf = Shelf(workshop.store, package_id, job.attempt, watch.cancelled)
        stored = [shelf.put_track(folder / "sound", track, "whole") for track in made]
    with workshop.database.writing() as session:
        finish(session)
        package = session.get_one(Package, package_id)
        package.plan = {**package.plan, "sound": to_json(sounds), "texts": to_json(texts)}
        pictures = [track for track in package.tracks if track["kind"] == "video"]
        package.tracks = [*pictures, *(track_as_json(track, "audio") for track in made)]
        keep_chunk(session, _row(job, SOUND, (0.0, plan.duration_s), stored))


def begin_anew(workshop: Workshop, job: Job, finish: Finish, **arguments: bool) -> None:
    """Give up the package in hand and begin another, with what must not be tried again."""
    with workshop.database.writing() as session:
        finish(session)
        jobs.stop_siblings(session, job)
        abandon_packages(session, job.recording_id)
        earlier = session.get_one(Package, str(job.package_id)).plan.get("arguments", {})
        recording = get_recording(session, job.recording_id)
        move(session, recording, "release")
        jobs.enqueue(session, "prepare", recording.id, **{**earlier, **arguments})


@dataclass(frozen=True)
class _Maker:
    """Makes chunks of one recording: of their own bytes where not all of it is on this host, else of all of it."""

    workshop: Workshop
    key: str
    watch: Watch
    inspection: Inspection
    plan: EncodePlan
    inits: Mapping[str, str]
    folder: Path

    def make(self, span: Span) -> tuple[Path, dict[RenditionPlan, Piece]]:
        """Give the pieces of a chunk and the folder in which their files lie, each try in one of its own.

        What fails of a stretch is tried with all of the recording; where that has no room here, the failure counts.
        """
        failure: IngestError | None = None
        try:
            pieces = self._of_stretch(span, self._empty("stretch"))
        except NoSpace:
            raise
        except (CopyUnsound, SeamBroken, ToolFailed) as error:
            pieces, failure = {}, error
        if pieces:
            return self.folder / "stretch", pieces
        shutil.rmtree(self.folder / "stretch")
        try:
            with open_source(self.workshop, self.key, self.watch) as source:
                return self.folder / "whole", self._made(self._bench(source, self._empty("whole")), span)
        except Unavailable as error:
            if failure is None or error.code != "no_space":
                raise
            raise failure from error

    def _of_stretch(self, span: Span, work: Path) -> dict[RenditionPlan, Piece]:
        """Empty where there is no stretch of the chunk."""
        earlier_s = ways_in(self.plan, span, self.inspection.container)[0]
        cache = SourceCache(self.workshop.settings, self.workshop.originals)
        bench = self._bench(work / "source", work)
        if earlier_s is None or not fetch_stretch(cache, self.key, bench, self.plan, span, earlier_s=earlier_s):
            return {}
        pieces = self._made(bench, span, earlier_s)
        if not pieces:
            raise ToolFailed(stderr_tail="no picture of the chunk can be decoded")
        if span.end_s is not None and any(piece.next_start is None for piece in pieces.values()):
            raise SeamBroken(stderr_tail="the picture after the chunk is not there")
        return pieces

    def _made(self, bench: Bench, span: Span, earlier_s: float | None = None) -> dict[RenditionPlan, Piece]:
        pieces = make_chunk(bench, self.plan, span, earlier_s=earlier_s)
        _require_inits(pieces, self.inits)
        return pieces

    def _bench(self, source: Path, work: Path) -> Bench:
        tell = self.watch.on_progress
        return Bench(source, self.inspection, work, lambda part: tell("encode", part), self.watch.cancelled)

    def _empty(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder


def _require_inits(pieces: Mapping[RenditionPlan, Piece], digests: Mapping[str, str]) -> None:
    for rendition, piece in pieces.items():
        if hashlib.sha256(piece.init).hexdigest() != digests[f"video/{rendition.name}"]:
            raise SeamBroken(stderr_tail=f"{rendition.name} wants another init segment")


def _row(job: Job, position: int, edges_s: tuple[float, float], made: list[Stored]) -> Chunk:
    return Chunk(
        package_id=str(job.package_id),
        position=position,
        start_s=edges_s[0],
        end_s=edges_s[1],
        attempt=job.attempt,
        objects=[item for stored in made for item in stored.objects],
        tracks={stored.folder: segments_as_json(stored.segments) for stored in made},
    )
