"""A recording's tracks made in a folder: all at once, or chunk by chunk, its own pictures copied where they can be.

The same steps serve one worker that makes a short recording from end to end (`make_tracks`) and many that make the
chunks of a long one (`make_chunk`, `copy_top`, `make_sound`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from config.ladder import KEY_FRAME_S
from ingest.chunks import EARLY_S, Span, cut_at_keys, pictures_before, whole_at_keys
from ingest.copying import copy_pictures, with_copied_top
from ingest.encode import CopyUnsound, encode, encode_chunk, encode_sound, watch_for, ways_in
from ingest.errors import Refused, ToolFailed
from ingest.inspection import Inspection
from ingest.package import Piece, SeamBroken, cut, join, measure
from ingest.plan import EncodePlan, RenditionPlan
from ingest.verify import verify_chunk
from videolib import hls

# a sound this much longer than the pictures is cut: the recording broke off before its declared end
SOUND_OVERHANG_S = 0.5
# a beginning of sound is encoded so much further than it is kept, so that its last segment is whole
SOUND_FURTHER_S = 2 * KEY_FRAME_S


@dataclass(frozen=True)
class Bench:
    """What one piece of work has: the recording, an empty folder, who is told how far it is, who says stop."""

    source: Path
    inspection: Inspection
    work: Path
    tell: Callable[[float], None]
    stop: Callable[[], bool]

    def part(self, first: float, share: float) -> Bench:
        """The same bench for a part of the work: told from `first` on, of so large a share."""
        return replace(self, tell=lambda fraction: self.tell(first + share * fraction))


@dataclass(frozen=True)
class Tracks:
    """The tracks that were made in a folder, largest rendition first, and the plan that they follow in the end."""

    plan: EncodePlan
    video: tuple[hls.Track, ...]
    audio: tuple[hls.Track, ...]


def make_tracks(bench: Bench, plans: Sequence[EncodePlan], folder: Path, *, copied: bool) -> Tracks:
    """Make all tracks of a recording in `folder` by the first of the plans that can be carried out.

    `copied` says that its own pictures are to be the top rendition. Raises `Refused`, `ToolFailed`, `Cancelled`.
    """
    if copied:
        try:
            return _make(bench, *_copied(bench, plans[0], folder), folder)
        except (CopyUnsound, SeamBroken):
            _clear(bench.work, folder)
    for plan in plans[:-1]:
        try:
            return _make(bench, plan, [], folder)
        except SeamBroken:
            _clear(bench.work, folder)
    return _make(bench, plans[-1], [], folder)


def make_chunk(
    bench: Bench, plan: EncodePlan, span: Span, *, earlier_s: float | None = None
) -> dict[RenditionPlan, Piece]:
    """Encode one chunk and verify it: its files come to lie in `work / <rendition> /`, named by its position.

    The file is entered so much before the chunk; without that, in all ways that there are, one after the other.
    Empty where the recording has no picture left. Raises `CopyUnsound`, `Refused`, `ToolFailed`, `Cancelled`.
    """
    watch = watch_for(span.length_s(plan.duration_s), bench.tell, bench.stop, start_s=span.start_s)
    made: dict[RenditionPlan, Piece] = {}
    for early_s in ways_in(plan, span, bench.inspection.container) if earlier_s is None else (earlier_s,):
        try:
            files = encode_chunk(bench.source, plan, span, bench.work, watch, earlier_s=early_s)
        except Refused:
            if span.start_s == 0:
                raise
            continue  # not one picture can be decoded from there on
        measured = [measure(file) for file in files]
        pieces = {
            rendition: cut(one, span, bench.work / rendition.name, one_file=True)
            for rendition, one in zip(plan.encoded, measured, strict=True)
            if one is not None
        }
        for file in files:
            file.unlink(missing_ok=True)
        made = {rendition: piece for rendition, piece in pieces.items() if piece is not None}
        if len(made) == len(plan.encoded) and _begins_in_time(next(iter(made.values())), plan, span):
            verify_chunk(bench.work, made, plan, span)
            return made
        for rendition in plan.encoded:
            shutil.rmtree(bench.work / rendition.name, ignore_errors=True)
    if made:
        raise SeamBroken
    return {}


def make_sound(
    bench: Bench,
    plan: EncodePlan,
    folder: Path,
    *,
    pictures_s: float | None = None,
    only_s: float | None = None,
    one_file: bool = False,
) -> list[hls.Track]:
    """Encode the sound from end to end into `folder / audio`; tracks that cannot be read are left out.

    It ends with the pictures, where their length is known; with `only_s` it is the beginning alone, in whole segments.
    """
    if not plan.audio:
        return []
    encoded_s = only_s + SOUND_FURTHER_S if only_s is not None else None
    try:
        files = encode_sound(
            bench.source, plan, bench.work, on_progress=bench.tell, cancelled=bench.stop, only_s=encoded_s
        )
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
        return []
    end_s = pictures_s + SOUND_OVERHANG_S if pictures_s is not None else only_s
    return _cut_sound(files, plan, folder, end_s, one_file=one_file)


def _make(bench: Bench, plan: EncodePlan, copied: Sequence[Piece | None], folder: Path) -> Tracks:
    """Make the tracks of a plan; `copied` are the pieces of the copied rendition, which lie in `folder` already."""
    made: dict[RenditionPlan, list[Piece | None]] = {rendition: [] for rendition in plan.renditions}
    if plan.copies:
        made[plan.renditions[0]] = list(copied)
    if plan.is_chunked:
        for rendition, pieces in _chunks(bench.part(0.0, 0.9), plan, folder).items():
            made[rendition] = pieces
        files: Sequence[Path] = ()
    else:
        encoded = encode(bench.source, plan, bench.work, on_progress=bench.tell, cancelled=bench.stop)
        files = encoded.audio
        for rendition, file in zip(plan.encoded, encoded.video, strict=True):
            made[rendition] = [_cut_whole(file, plan, folder / "video" / rendition.name)]
    video = [join(pieces, folder, f"video/{rendition.name}", name=rendition.name) for rendition, pieces in made.items()]
    if plan.is_chunked:
        audio = make_sound(bench.part(0.9, 0.1), plan, folder, pictures_s=video[0].duration_s)
    else:
        audio = _cut_sound(files, plan, folder, video[0].duration_s + SOUND_OVERHANG_S)
    return Tracks(plan, tuple(video), tuple(audio))


def _chunks(bench: Bench, plan: EncodePlan, folder: Path) -> dict[RenditionPlan, list[Piece | None]]:
    """Make all chunks one after the other, and bring their files to `folder`."""
    made: dict[RenditionPlan, list[Piece | None]] = {rendition: [] for rendition in plan.encoded}
    for span in plan.spans:
        end_s = span.end_s if span.end_s is not None else max(plan.duration_s, span.start_s)
        first, last = (min(1.0, edge_s / plan.duration_s) for edge_s in (span.start_s, end_s))
        pieces = make_chunk(bench.part(first, last - first), plan, span)
        for rendition in plan.encoded:
            made[rendition].append(pieces.get(rendition))
            target = folder / "video" / rendition.name
            target.mkdir(parents=True, exist_ok=True)
            for segment in pieces[rendition].segments[:1] if pieces else ():
                (bench.work / rendition.name / segment.uri).rename(target / segment.uri)
    return made


def _copied(bench: Bench, plan: EncodePlan, folder: Path) -> tuple[EncodePlan, list[Piece | None]]:
    """Copy the pictures, and plan the other renditions by their key frames."""
    copy = copy_pictures(bench.source, plan, bench.work, cancelled=bench.stop)
    if plan.is_chunked:
        spans = cut_at_keys(copy.keys_s, plan.chunk_s, end_s=copy.end_s)
    else:
        spans = (whole_at_keys(copy.keys_s, copy.end_s),)
    planned = with_copied_top(plan, bench.inspection, spans)
    top = folder / "video" / planned.renditions[0].name
    pieces = [cut(copy.measured, span, top, one_file=planned.is_chunked) for span in spans]
    copy.measured.path.unlink()
    return planned, pieces


def _begins_in_time(piece: Piece, plan: EncodePlan, span: Span) -> bool:
    """Whether a chunk's first picture is the one that a constant rate has there; of a variable one it may be late."""
    if plan.own_clock:
        return not span.keys_s or abs(piece.segments[0].start_s - span.keys_s[0]) <= 2 * EARLY_S
    ticks = piece.header.timescale / plan.fps
    return piece.start == pictures_before(span.start_s, plan.fps) * ticks


def _cut_whole(file: Path, plan: EncodePlan, folder: Path) -> Piece | None:
    measured = measure(file)
    piece = cut(measured, plan.spans[0], folder) if measured is not None else None
    file.unlink(missing_ok=True)
    return piece


def _cut_sound(
    files: Sequence[Path], plan: EncodePlan, folder: Path, end_s: float | None, *, one_file: bool = False
) -> list[hls.Track]:
    span = Span(0, 0.0, end_s)
    tracks = []
    for file, track in zip(files, plan.audio, strict=True):
        path = f"audio/{track.name}"
        measured = measure(file)
        piece = cut(measured, span, folder / path, one_file=one_file) if measured is not None else None
        file.unlink(missing_ok=True)
        if piece is not None:
            made = join([piece], folder, path, name=track.name, language=track.language)
            tracks.append(replace(made, offered=track.role != "room"))
    return tracks


def _clear(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
