"""Sound to hear until a package is whole: kept piece by piece while it is encoded, far ahead of who watches.

The final sound has to be listened to from end to end before (`chunk_work.encode_all_sound`). `prepare` has kept the
first half minute; the same command gives the same blocks of sound, so this goes on where that ended. Finishing a
package drops all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from ingest import cmaf
from ingest.chunks import EARLY_S, Span
from ingest.encode import encode_sound
from ingest.errors import ToolFailed
from ingest.package import Measured, cut
from ingest.plan import EncodePlan
from ingest.plan_text import from_json
from ingest.storing import Shelf, Stored
from ingest.workshop import Watch, Workshop, open_source, scratch_for
from videolib.catalogue import jobs
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Chunk, Package, keep_chunk, list_chunks
from videolib.catalogue.recordings import get_recording
from videolib.catalogue.tracks import PREVIEW_SOUND_FROM, made_so_far, segments_as_json

Finish = Callable[[Session], None]
# whole segments, which take about a second to encode
PIECE_S = 60


def encode_preview_sound(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Encode the sound that is heard until the package is whole; where there is none it is not missed.

    Raises `ToolFailed`, `Unavailable`, `Cancelled`.
    """
    with workshop.database.reading() as session:
        package = session.get_one(Package, str(job.package_id))
        described, chunks = package.plan, list_chunks(session, package.id)
        key = get_recording(session, job.recording_id).original_key
        heard = made_so_far([track for track in package.tracks if track["kind"] == "audio"], chunks)
    plan = from_json(EncodePlan, described["encode"])
    if heard:
        room = 2 * plan.duration_s * sum(track.kbps for track in plan.audio) * 125
        with scratch_for(workshop, int(room)) as folder, open_source(workshop, key, watch) as source:
            growing = [_Growing(folder / f"audio-{track.name}.mp4", track.folder) for track in heard]
            _Preview(workshop, job, watch, growing, heard[0].duration_s).make(source, plan, folder)
    with workshop.database.writing() as session:
        finish(session)


@dataclass
class _Growing:
    """One track's file while it is written, and its folder in the package."""

    path: Path
    folder: str
    header: cmaf.Header | None = None
    init: bytes = b""
    read_to: int = 0
    fragments: list[cmaf.Fragment] = field(default_factory=list)

    def read_on(self) -> None:
        """Read what was added since."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            if self.header is None:
                if not cmaf.has_media(file, is_whole=False):
                    return
                self.header, self.init = cmaf.read_init(file)
                self.read_to = len(self.init)
            for fragment in cmaf.read_fragments(file, self.header, start=self.read_to, is_whole=False):
                self.fragments.append(fragment)
                self.read_to = fragment.offset + fragment.size

    def is_past(self, time_s: float) -> bool:
        """Whether a block is there that starts then or later, so that all before it is whole."""
        return bool(self.header and self.fragments) and self._start_s() >= time_s

    def cut(self, span: Span, folder: Path, shelf: Shelf) -> Stored | None:
        """Bring a stretch into the store."""
        if self.header is None:
            return None
        piece = cut(Measured(self.path, self.init, self.header, tuple(self.fragments)), span, folder, one_file=True)
        if piece is None:
            return None
        stored = shelf.put_sound(folder, self.folder, piece)
        (folder / piece.segments[0].uri).unlink()
        return stored

    def _start_s(self) -> float:
        return self.fragments[-1].start / self.header.timescale if self.header else 0.0


@dataclass
class _Preview:
    """The sound of one recording on its way; `heard_s` is how far it has been kept."""

    workshop: Workshop
    job: Job
    watch: Watch
    growing: Sequence[_Growing]
    heard_s: float

    def make(self, source: Path, plan: EncodePlan, folder: Path) -> None:
        """Encode it in `folder`, and keep each piece as soon as it is whole."""

        def grown(fraction: float) -> None:
            self.watch.on_progress("encode", fraction)
            self._keep_pieces(folder)

        try:
            encode_sound(source, plan, folder, on_progress=grown, cancelled=self.watch.cancelled)
        except ToolFailed as failure:
            if not failure.is_inputs_fault:
                raise
            return
        self._keep_pieces(folder)
        self._keep(folder, None)

    def _keep_pieces(self, folder: Path) -> None:
        for track in self.growing:
            track.read_on()
        while all(track.is_past(self._edge_s()) for track in self.growing):
            self._keep(folder, self._edge_s())

    def _number(self) -> int:
        return int((self.heard_s + EARLY_S) // PIECE_S)

    def _edge_s(self) -> float:
        return PIECE_S * (self._number() + 1.0)

    def _keep(self, folder: Path, end_s: float | None) -> None:
        number = self._number()
        shelf = Shelf(self.workshop.store, str(self.job.package_id), self.job.attempt, self.watch.cancelled)
        span = Span(number, self.heard_s, end_s)
        found = [track.cut(span, folder / track.folder, shelf) for track in self.growing]
        stored = [one for one in found if one is not None]
        if not stored:  # the end fell on an edge
            self.heard_s = end_s or self.heard_s
            return
        row = Chunk(
            package_id=str(self.job.package_id),
            position=PREVIEW_SOUND_FROM - number,
            start_s=self.heard_s,
            end_s=stored[0].segments[-1].end_s,
            attempt=self.job.attempt,
            objects=[item for one in stored for item in one.objects],
            tracks={one.folder: segments_as_json(one.segments) for one in stored},
        )
        with self.workshop.database.writing() as session:
            jobs.heartbeat(session, self.job, self.workshop.settings.lease_s)
            keep_chunk(session, row)
        self.heard_s = row.end_s
