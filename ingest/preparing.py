"""The first job on a recording: short ones are made whole, long ones are planned, begun, and left to many workers.

Whoever waits sees something at once: half a minute of provisional sound, and pictures copied as fast as they can be
read, listed piece by piece; where nothing can be copied, the first chunks are short. What every chunk's worker has to
know is kept in the package's row.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from ingest.chunks import Span, cut_at_keys
from ingest.copying import GrowingCopy, copy_pictures, reason_to_encode, with_copied_top
from ingest.encode import CopyUnsound
from ingest.inspect import inspect
from ingest.making import Bench, make_beginnings, make_sound
from ingest.package import Measured, Piece, cut
from ingest.pipeline import Method, make_plans
from ingest.plan import EncodePlan
from ingest.plan_text import to_json
from ingest.quality import choose_rungs, follow
from ingest.storing import Shelf, Stored
from ingest.subtitles import has_text
from ingest.workshop import Watch, Workshop, make_watchable, open_source, scratch_for
from videolib import hls
from videolib.catalogue import jobs
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Chunk, Package, begin_package, keep_chunk, plan_package
from videolib.catalogue.recordings import get_recording
from videolib.catalogue.tracks import (
    BEGINNINGS,
    COPIED_FROM,
    PROVISIONAL_SOUND,
    segments_as_json,
    track_as_json,
)

Finish = Callable[[Session], None]
# so much sound is made before anything else: the rest is there before it has been heard
PROVISIONAL_S = 30.0


def prepare(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Make a short recording watchable, or begin a long one and hand out its chunks.

    `job.arguments` may forbid what has failed before: `copy` or `chunks` false.
    Raises `Refused`, `ToolFailed`, `Unavailable`, `Cancelled`.
    """
    with workshop.database.reading() as session:
        recording = get_recording(session, job.recording_id)
        key, size = recording.original_key, recording.bytes
    watch.on_progress("fetch", None)
    may_copy = bool(job.arguments.get("copy", True))
    with open_source(workshop, key, watch) as source:
        watch.on_progress("inspect", None)
        inspection = inspect(source)
        plans = make_plans(inspection, Method(chunk_s=workshop.settings.chunk_s))
        if not plans[0].is_chunked or not job.arguments.get("chunks", True):
            make_watchable(workshop, job.recording_id, watch, finish=finish, method=Method(copy=may_copy))
            return
        with scratch_for(workshop, size) as folder:
            begun = _Beginning(workshop, job, watch, Bench(source, inspection, folder, _nobody, watch.cancelled))
            may_copy = may_copy and reason_to_encode(inspection, plans[0]) is None
            begun.hand_out(plans[0], finish, may_copy=may_copy)


@dataclass
class _Beginning:
    """The begun package of a long recording."""

    workshop: Workshop
    job: Job
    watch: Watch
    bench: Bench
    started: float = field(default_factory=time.monotonic)
    tracks: list[dict[str, Any]] = field(default_factory=list)
    inits: dict[str, str] = field(default_factory=dict)
    quality: dict[str, object] = field(default_factory=dict)
    first_playable_s: float | None = None

    def hand_out(self, plan: EncodePlan, finish: Finish, *, may_copy: bool) -> None:
        """Begin the package, and let workers make its chunks."""
        self.shelf = self._begin()
        self._keep_provisional_sound(plan)
        if may_copy:
            try:
                plan = self._copy(plan)
            except CopyUnsound:
                self.inits.clear()
                self.tracks.clear()
                self._abandon()
                self.hand_out(plan, finish, may_copy=False)
                return
        plan = self._choose_rungs(plan)
        self._keep_beginnings(plan)
        with self.workshop.database.writing() as session:
            finish(session)
            package = session.get_one(Package, self.shelf.package_id)
            ends = [plan.duration_s if span.end_s is None else span.end_s for span in plan.spans]
            plan_package(
                session,
                package,
                plan={
                    "encode": to_json(plan),
                    "inspection": to_json(replace(self.bench.inspection, dicom=None)),
                    "inits": self.inits,
                    "quality": self.quality,
                    "arguments": self.job.arguments,
                    "first_playable_s": self.first_playable_s,
                },
                tracks=self.tracks,
                cuts=[(span.start_s, end_s) for span, end_s in zip(plan.spans, ends, strict=True)],
            )
            positions = range(len(plan.spans))
            has_sound = bool(plan.audio) or has_text(self.bench.source, self.bench.inspection)
            jobs.split(session, self.job, package, positions=positions, has_sound=has_sound)

    def _begin(self) -> Shelf:
        with self.workshop.database.writing() as session:
            package = begin_package(session, self.job.recording_id)
            session.execute(update(Job).where(Job.id == self.job.id).values(package_id=package.id))
            return Shelf(self.workshop.store, package.id, self.job.attempt, self.watch.cancelled)

    def _abandon(self) -> None:
        with self.workshop.database.writing() as session:
            session.execute(update(Package).where(Package.id == self.shelf.package_id).values(state="abandoned"))
            session.execute(update(Job).where(Job.id == self.job.id).values(package_id=None))

    def _keep(self, position: int, start_s: float, made: Sequence[Stored]) -> None:
        """Note in the rows what has come into the store; it is listed from then on."""
        segments = {stored.folder: segments_as_json(stored.segments) for stored in made if stored.segments}
        ends = [stored.segments[-1].end_s for stored in made if stored.segments]
        with self.workshop.database.writing() as session:
            jobs.heartbeat(session, self.job, self.workshop.settings.lease_s)
            session.get_one(Package, self.shelf.package_id).tracks = list(self.tracks)
            row = Chunk(
                package_id=self.shelf.package_id,
                position=position,
                start_s=start_s,
                end_s=max(ends, default=start_s),
                attempt=self.job.attempt,
                objects=[item for stored in made for item in stored.objects],
                tracks=segments,
            )
            keep_chunk(session, row)

    def _keep_provisional_sound(self, plan: EncodePlan) -> None:
        folder = self.bench.work / "provisional"
        folder.mkdir(exist_ok=True)
        made = make_sound(self.bench, plan, folder, only_s=PROVISIONAL_S, one_file=True)
        if made:
            self.tracks += [track_as_json(track, "audio") for track in made]
            self._keep(PROVISIONAL_SOUND, 0.0, [self.shelf.put_track(folder, track, "first") for track in made])

    def _copy(self, plan: EncodePlan) -> EncodePlan:
        """Copy the pictures, and keep every piece as soon as it is whole; return the plan for the other renditions."""
        kept: list[Span] = []
        (self.bench.work / "copy").mkdir(exist_ok=True)

        def grown(copy: GrowingCopy, fraction: float) -> None:
            self.watch.on_progress("package", fraction)
            if copy.keys_s:
                spans = cut_at_keys(copy.keys_s, plan.chunk_s, end_s=None)
                for span in spans[len(kept) :]:
                    self._keep_copied(copy.measured, plan, span)
                    kept.append(span)

        size = self.bench.inspection.bytes
        copy = copy_pictures(
            self.bench.source,
            plan,
            self.bench.work / "copy",
            size=size,
            on_growth=grown,
            cancelled=self.watch.cancelled,
        )
        spans = cut_at_keys(copy.keys_s, plan.chunk_s, end_s=copy.end_s)
        for span in spans[len(kept) :]:
            self._keep_copied(copy.measured, plan, span)
        copy.measured.path.unlink()
        return with_copied_top(plan, self.bench.inspection, spans)

    def _keep_copied(self, copy: Measured, plan: EncodePlan, span: Span) -> None:
        name = plan.renditions[0].name
        folder = self.bench.work / "copy" / name
        piece = cut(copy, span, folder, one_file=True)
        if piece is None:
            raise CopyUnsound
        stored = []
        if span.position == 0:
            stored.append(self._keep_init(piece, name, copied=True, fps=float(plan.fps)))
        stored.append(self.shelf.put_piece(folder, name, piece))
        self._keep(COPIED_FROM - span.position, span.start_s, stored)
        (folder / piece.segments[0].uri).unlink()
        if self.first_playable_s is None:
            self.first_playable_s = round(time.monotonic() - self.started, 3)

    def _choose_rungs(self, plan: EncodePlan) -> EncodePlan:
        """Leave out the rungs that this recording does not need."""
        folder = self.bench.work / "probe"
        folder.mkdir(exist_ok=True)
        found = choose_rungs(self.bench.source, self.bench.inspection, plan, folder, cancelled=self.watch.cancelled)
        self.quality = found.describe()
        return follow(plan, found)

    def _keep_beginnings(self, plan: EncodePlan) -> None:
        """Keep the init segments of all that will be encoded: those of its first pictures are those of all chunks."""
        stored = [
            self._keep_init(piece, rendition.name, copied=False, fps=float(plan.fps))
            for rendition, piece in make_beginnings(self.bench, plan).items()
        ]
        self._keep(BEGINNINGS, 0.0, stored)

    def _keep_init(self, piece: Piece, name: str, *, copied: bool, fps: float) -> Stored:
        folder, header = f"video/{name}", piece.header
        track = hls.Track(name, folder, header.codec, (), header.width, header.height)
        self.tracks.append(track_as_json(track, "video", fps=fps, copied=copied))
        self.inits[folder] = hashlib.sha256(piece.init).hexdigest()
        return self.shelf.put_init(name, piece.init)


def _nobody(_fraction: float) -> None:
    pass
