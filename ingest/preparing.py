"""The first job on a recording: short ones are made whole, long ones are planned, begun, and left to many workers.

Of long ones that cannot be cut the beginning is made here, to look at, and the whole by one worker.

Whoever waits sees something at once: half a minute of provisional sound, and pictures copied as fast as they can be
read, listed piece by piece; where nothing can be copied, the first chunk is made here, before anything is probed. What
every chunk's worker has to know is kept in the package's row. Of a large recording in a bucket the first seconds are
shown before the rest of it has been fetched, in a package of their own, until the one that grows begins.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from config.ladder import COPIED_KEY_FRAME_S, WATCHED_EARLY_S
from ingest.chunks import Span, cut_at_keys, first_at_keys
from ingest.copying import GrowingCopy, copy_pictures, reason_to_encode, with_copied_top
from ingest.encode import CopyUnsound
from ingest.errors import Refused, ToolFailed
from ingest.inspect import inspect
from ingest.making import Bench, make_chunk, make_sound
from ingest.package import Measured, Piece, SeamBroken, cut
from ingest.pipeline import Method, make_plans
from ingest.plan import EncodePlan, RenditionPlan
from ingest.plan_text import to_json
from ingest.probe import reach_of
from ingest.quality import QualityRecord, choose_rungs, follow, looks_grey
from ingest.redaction import read_redactions
from ingest.signature import is_base_media, read_head
from ingest.sources import HEAD_BYTES, INDEX_BYTES, SourceCache
from ingest.storing import Shelf, Stored
from ingest.subtitles import has_text
from ingest.workshop import Watch, Workshop, make_watchable, open_source, scratch_for
from videolib import hls
from videolib.catalogue import jobs
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Chunk, Package, begin_package, forget_chunk, keep_chunk, plan_package
from videolib.catalogue.recordings import Recording, get_recording
from videolib.catalogue.redactions import stored_redactions
from videolib.catalogue.tracks import (
    COPIED_FROM,
    FIRST_LOOK,
    PROVISIONAL_SOUND,
    segments_as_json,
    track_as_json,
)

Finish = Callable[[Session], None]
# so much sound is made before anything else, in whole segments: the rest is there before it has been heard
PROVISIONAL_S = 32.0
# of what can only be made in one piece so much is shown while it is made
FIRST_LOOK_S = 8.0
# or copied: the longest group of pictures, and enough more to see that it has ended
COPIED_LOOK_S = COPIED_KEY_FRAME_S + 2.0
FIRST_LOOK_BYTES = 256 * 1024**2
# what is no larger is fetched as quickly as its two ends
FETCHED_WHOLE_BYTES = 2 * (HEAD_BYTES + INDEX_BYTES)
# the packets of so many seconds are read for that, with what is encoded further and what decoders have to read ahead
LOOKED_AT_S = FIRST_LOOK_S + 12.0


def prepare(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Make a short recording watchable, or begin a long one and hand out its chunks.

    `job.arguments` may forbid what has failed before: `copy` or `chunks` false.
    Raises `Refused`, `ToolFailed`, `Unavailable`, `Cancelled`.
    """
    with workshop.database.reading() as session:
        recording = get_recording(session, job.recording_id)
        key, size = recording.original_key, recording.bytes
        redactions = read_redactions(stored_redactions(session, recording.id))
    watch.on_progress("fetch", None)
    may_copy = bool(job.arguments.get("copy", True)) and not redactions
    look = _show_early(workshop, job, watch, recording, Method(copy=may_copy, redactions=redactions))

    def end_with_look(session: Session) -> None:
        finish(session)
        _take_away(session, look)

    with open_source(workshop, key, watch) as source:
        watch.on_progress("inspect", None)
        inspection = inspect(source)
        chunks_s = workshop.settings.chunk_s
        plans = make_plans(inspection, Method(chunks_s, WATCHED_EARLY_S, redactions=redactions))
        if not plans[0].is_chunked or not job.arguments.get("chunks", True):
            if plans[-1].duration_s > WATCHED_EARLY_S:
                bench = Bench(source, inspection, workshop.scratch, _nobody, watch.cancelled)
                look = look or _show_beginning(workshop, job, watch, bench, plans[-1], may_copy=may_copy)
                with workshop.database.writing() as session:
                    finish(session)
                    jobs.enqueue(session, "whole", job.recording_id, **{**job.arguments, "look": look})
            else:
                make_watchable(workshop, job.recording_id, watch, finish=end_with_look, method=Method(copy=may_copy))
            return
        with scratch_for(workshop, size) as folder:
            bench = Bench(source, inspection, folder, _nobody, watch.cancelled)
            begun = _Beginning(workshop, job, watch, bench, look=look)
            try:
                is_copied = may_copy and reason_to_encode(inspection, plans[0]) is None
                begun.hand_out(plans[0], finish, may_copy=is_copied)
            except SeamBroken:
                begun.abandon()
                make_watchable(workshop, job.recording_id, watch, finish=end_with_look, method=Method(copy=may_copy))


def make_in_one_piece(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Make all of a long recording that cannot be cut, among the long work; then its first look goes.

    Raises `Refused`, `ToolFailed`, `Unavailable`, `Cancelled`.
    """

    def take_away(session: Session) -> None:
        finish(session)
        _take_away(session, job.arguments.get("look"))

    with workshop.database.reading() as session:
        may_copy = bool(job.arguments.get("copy", True)) and not stored_redactions(session, job.recording_id)
    make_watchable(workshop, job.recording_id, watch, finish=take_away, method=Method(copy=may_copy))


def _show_early(workshop: Workshop, job: Job, watch: Watch, recording: Recording, method: Method) -> str | None:
    """Show the beginning of a large recording before all of it has been fetched; gives the package that does.

    Only where all that has to be read for it lies in what is fetched first.
    """
    cache, key, size = SourceCache(workshop.settings, workshop.originals), recording.original_key, recording.bytes
    if size <= FETCHED_WHOLE_BYTES or not cache.has_to_come(key):
        return None
    with scratch_for(workshop, HEAD_BYTES + INDEX_BYTES) as folder:
        ends = folder / "ends"
        cache.fetch_parts(key, ends, [(0, INDEX_BYTES), (size - INDEX_BYTES, size)], cancelled=watch.cancelled)
        if not is_base_media(read_head(ends)):
            return None
        try:
            inspection = inspect(ends)
            plan = make_plans(inspection, method)[-1]
            reach = reach_of(ends, LOOKED_AT_S)
            if plan.duration_s <= WATCHED_EARLY_S or reach > HEAD_BYTES:
                return None
        except (Refused, ToolFailed):  # the look at all of it says why
            return None
        if reach > INDEX_BYTES:
            cache.fetch_parts(key, ends, [(INDEX_BYTES, int(reach))], cancelled=watch.cancelled)
        bench = Bench(ends, inspection, folder, _nobody, watch.cancelled)
        return _show_beginning(workshop, job, watch, bench, plan, may_copy=method.copy)


def _show_beginning(
    workshop: Workshop,
    job: Job,
    watch: Watch,
    bench: Bench,
    plan: EncodePlan,
    *,
    may_copy: bool,
) -> str | None:
    """Show the first seconds of what takes long to make; gives the package that does, None where that cannot be."""
    if bench.inspection.dicom is not None:
        return None
    with scratch_for(workshop, FIRST_LOOK_BYTES) as folder:
        begun = _Beginning(workshop, job, watch, replace(bench, work=folder))
        try:
            begun.show(plan, may_copy=may_copy and reason_to_encode(bench.inspection, plan) is None)
        except (Refused, ToolFailed):  # the making of the whole says why
            begun.abandon()
            return None
        return begun.shelf.package_id


def _take_away(session: Session, look: str | None) -> None:
    session.execute(update(Package).where(Package.id == look).values(state="abandoned"))


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
    look: str | None = None

    def hand_out(self, plan: EncodePlan, finish: Finish, *, may_copy: bool) -> None:
        """Begin the package, and let workers make the rest of it."""
        self.shelf = self._begin()
        self._keep_provisional_sound(plan, PROVISIONAL_S)
        try:
            plan, first = self._make_first_chunk(self._copy(plan) if may_copy else plan)
        except CopyUnsound:
            self.abandon()
            self.hand_out(plan, finish, may_copy=False)
            return
        ends = [plan.duration_s if span.end_s is None else span.end_s for span in plan.spans]
        has_text_inside = has_text(self.bench.source, self.bench.inspection)
        with self.workshop.database.writing() as session:
            finish(session)
            package = session.get_one(Package, self.shelf.package_id)
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
            forget_chunk(session, package, FIRST_LOOK)
            keep_chunk(session, self._row(0, (0.0, ends[0]), first))
            jobs.split(
                session,
                self.job,
                package,
                positions=range(1, len(plan.spans)),
                has_sound=bool(plan.audio) or has_text_inside,
                has_preview_sound=bool(plan.audio) and plan.duration_s > PROVISIONAL_S,
            )

    def show(self, plan: EncodePlan, *, may_copy: bool) -> None:
        """List the first seconds, in the two renditions that there are in any case, in a package of their own."""
        self.shelf = self._begin()
        sizes = tuple(dict.fromkeys((plan.renditions[0], plan.renditions[-1])))
        spans = (Span(0, 0.0, FIRST_LOOK_S), Span(1, FIRST_LOOK_S, None))
        chosen = replace(plan, renditions=sizes, spans=spans)
        try:
            if may_copy:
                chosen = self._show_copied(chosen)
            else:
                self._keep_provisional_sound(chosen, FIRST_LOOK_S)
            pieces = make_chunk(self.bench, chosen, chosen.spans[0])
        except (CopyUnsound, SeamBroken):
            if not may_copy:
                raise
            self.abandon()
            self.show(plan, may_copy=False)
            return
        self._keep(FIRST_LOOK, 0.0, self._put_pieces(pieces.items()))

    def _begin(self) -> Shelf:
        with self.workshop.database.writing() as session:
            redactions = stored_redactions(session, self.job.recording_id)
            package = begin_package(session, self.job.recording_id, redactions=redactions)
            session.execute(update(Job).where(Job.id == self.job.id).values(package_id=package.id))
            return Shelf(self.workshop.store, package.id, self.job.attempt, self.watch.cancelled)

    def abandon(self) -> None:
        """Give up what was begun."""
        self.inits.clear()
        self.tracks.clear()
        with self.workshop.database.writing() as session:
            session.execute(update(Package).where(Package.id == self.shelf.package_id).values(state="abandoned"))
            session.execute(update(Job).where(Job.id == self.job.id).values(package_id=None))

    def _keep(self, position: int, start_s: float, made: Sequence[Stored]) -> None:
        """Note in the rows what has come into the store; it is listed from then on."""
        with self.workshop.database.writing() as session:
            jobs.heartbeat(session, self.job, self.workshop.settings.lease_s)
            session.get_one(Package, self.shelf.package_id).tracks = list(self.tracks)
            keep_chunk(session, self._row(position, (start_s, _end_s(made, start_s)), made))
            is_seen = any(track["kind"] == "video" for track in self.tracks)
            if is_seen:
                _take_away(session, self.look)
        if self.first_playable_s is None and is_seen:
            self.first_playable_s = round(time.monotonic() - self.started, 3)

    def _row(self, position: int, edges_s: tuple[float, float], made: Sequence[Stored]) -> Chunk:
        return Chunk(
            package_id=self.shelf.package_id,
            position=position,
            start_s=edges_s[0],
            end_s=edges_s[1],
            attempt=self.job.attempt,
            objects=[item for stored in made for item in stored.objects],
            tracks={stored.folder: segments_as_json(stored.segments) for stored in made if stored.segments},
        )

    def _keep_provisional_sound(self, plan: EncodePlan, sound_s: float) -> None:
        folder = self.bench.work / self.shelf.package_id
        folder.mkdir()
        made = make_sound(self.bench, plan, folder, only_s=sound_s, one_file=True)
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

        copy = copy_pictures(
            self.bench.source,
            plan,
            self.bench.work / "copy",
            on_growth=grown,
            cancelled=self.watch.cancelled,
        )
        spans = cut_at_keys(copy.keys_s, plan.chunk_s, end_s=copy.end_s)
        for span in spans[len(kept) :]:
            self._keep_copied(copy.measured, plan, span)
        copy.measured.path.unlink()
        return with_copied_top(plan, self.bench.inspection, spans)

    def _show_copied(self, plan: EncodePlan) -> EncodePlan:
        """Copy the first pictures in whole groups, and list them; return the plan for the other rendition of them."""
        folder = self.bench.work / "copy"
        folder.mkdir(exist_ok=True)
        stop = self.watch.cancelled
        copy = copy_pictures(self.bench.source, plan, folder, cancelled=stop, only_s=COPIED_LOOK_S)
        if len(copy.keys_s) == 1:
            raise CopyUnsound
        spans = first_at_keys(copy.keys_s, COPIED_KEY_FRAME_S)
        self._keep_provisional_sound(plan, spans[1].start_s)
        self._keep_copied(copy.measured, plan, spans[0])
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

    def _make_first_chunk(self, plan: EncodePlan) -> tuple[EncodePlan, list[Stored]]:
        """Encode the first chunk and choose the rungs; return the plan for all the others, and what was stored.

        What is kept in any case, the largest and the smallest rendition, can be seen at once; of the others only the
        probe tells whether they are worth it. All chunks' init segments have to be as this one's.
        """
        source, inspection, stop = self.bench.source, self.bench.inspection, self.watch.cancelled
        is_grey = looks_grey(source, inspection, plan, cancelled=stop)
        guessed = follow(plan, QualityRecord(measured=False, greyscale=is_grey))
        pieces = make_chunk(self.bench, guessed, guessed.spans[0])
        if not pieces:
            raise Refused("too_short")
        sure = {guessed.encoded[-1].name, guessed.renditions[0].name}
        stored = self._put_pieces((one, piece) for one, piece in pieces.items() if one.name in sure)
        self._keep(FIRST_LOOK, 0.0, stored)
        folder = self.bench.work / "probe"
        folder.mkdir(exist_ok=True)
        found = choose_rungs(source, inspection, plan, folder, cancelled=stop)
        found = replace(found, greyscale=is_grey)
        self.quality = found.describe()
        plan = follow(plan, found)
        rest = self._put_pieces((one, pieces[one]) for one in plan.encoded if one.name not in sure)
        return plan, [*stored, *rest]

    def _put_pieces(self, pieces: Iterable[tuple[RenditionPlan, Piece]]) -> list[Stored]:
        """Bring a chunk and its init segments into the store."""
        stored = []
        for rendition, piece in pieces:
            stored.append(self._keep_init(piece, rendition.name, copied=False, fps=float(rendition.fps)))
            stored.append(self.shelf.put_piece(self.bench.work / rendition.name, rendition.name, piece))
        return stored

    def _keep_init(self, piece: Piece, name: str, *, copied: bool, fps: float) -> Stored:
        folder, header = f"video/{name}", piece.header
        track = hls.Track(name, folder, header.codec, (), header.width, header.height)
        self.tracks.append(track_as_json(track, "video", fps=fps, copied=copied))
        self.inits[folder] = hashlib.sha256(piece.init).hexdigest()
        return self.shelf.put_init(name, piece.init)


def _end_s(made: Sequence[Stored], start_s: float) -> float:
    return max((stored.segments[-1].end_s for stored in made if stored.segments), default=start_s)


def _nobody(_fraction: float) -> None:
    pass
