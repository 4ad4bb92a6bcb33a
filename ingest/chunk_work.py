"""The jobs that many workers share: one chunk of a recording's pictures, and its sound from end to end.

Everything that decides comes from the package's row; what is made goes into the store under the attempt's own names,
and is the package's once the unit of work that completes the job has been written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy.orm import Session

from ingest.chunks import Span
from ingest.encode import CopyUnsound, ways_in
from ingest.errors import Refused, ToolFailed
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
        stretch = folder / "stretch"
        bench = Bench(stretch, inspection, folder, lambda part: watch.on_progress("encode", part), watch.cancelled)
        try:
            pieces = _make_of_stretch(workshop, key, bench, plan, span)
            if not pieces:
                with open_source(workshop, key, watch) as source:
                    pieces = make_chunk(replace(bench, source=source), plan, span)
            _require_inits(pieces, described["inits"])
        except (CopyUnsound, SeamBroken) as error:
            begin_anew(workshop, job, finish, **{"copy" if isinstance(error, CopyUnsound) else "chunks": False})
            return
        shelf = Shelf(workshop.store, package_id, job.attempt, watch.cancelled)
        stored = [
            shelf.put_piece(folder / rendition.name, rendition.name, piece) for rendition, piece in pieces.items()
        ]
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


def _make_of_stretch(
    workshop: Workshop, key: str, bench: Bench, plan: EncodePlan, span: Span
) -> dict[RenditionPlan, Piece]:
    """The chunk made of its own bytes alone; empty where all of the recording is here or is needed."""
    earlier_s = ways_in(plan, span, bench.inspection.container)[0]
    cache = SourceCache(workshop.settings, workshop.originals)
    try:
        if earlier_s is None or not fetch_stretch(cache, key, bench, plan, span, earlier_s=earlier_s):
            return {}
        return make_chunk(bench, plan, span, earlier_s=earlier_s)
    except (CopyUnsound, Refused, SeamBroken, ToolFailed):
        return {}
    finally:
        bench.source.unlink(missing_ok=True)


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
