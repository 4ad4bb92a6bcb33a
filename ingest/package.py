"""Cut encoded files into segments, join chunks, write the package: playlists from what was measured, package.json.

The folder is as the contract's section 4: `master.m3u8`, `video/<height>p/`, `audio/<language>/`, `iframes/`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from ingest import cmaf
from ingest.chunks import Span
from ingest.errors import Refused, ToolFailed
from videolib import hls

MULTIVARIANT = "master.m3u8"
DESCRIPTION = "package.json"
# a sound this much longer than the pictures is cut: the recording broke off before its declared end
SOUND_OVERHANG_S = 0.5


class SeamBroken(ToolFailed):
    """Chunks do not follow each other to the picture: the recording has to be encoded in one piece."""

    may_retry = False


def _is_there(_path: Path) -> None:
    pass


@dataclass(frozen=True)
class HlsPackage:
    """A package in a folder: its renditions (largest first) and its sound tracks, as measured.

    `fetch` is called with a media file before it is read: it may be elsewhere until then.
    """

    folder: Path
    video: tuple[hls.Track, ...]
    audio: tuple[hls.Track, ...]
    fetch: Callable[[Path], None] = _is_there

    @property
    def duration_s(self) -> float:
        """Length of the pictures."""
        return self.video[0].duration_s


@dataclass(frozen=True)
class PackageFile:
    """One file of a package, its path relative to the package."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Measured:
    """A fragmented file as its boxes describe it."""

    path: Path
    init: bytes
    header: cmaf.Header
    fragments: tuple[cmaf.Fragment, ...]


@dataclass(frozen=True)
class Piece:
    """What one chunk gave of a rendition, as measured: its first picture, and the next chunk's, in ticks of `header`.

    `next_start` is None where the recording ended.
    """

    init: bytes
    header: cmaf.Header
    segments: tuple[hls.Segment, ...]
    start: int
    next_start: int | None

    @property
    def samples(self) -> int:
        """How many pictures or blocks of sound it holds."""
        return sum(segment.samples for segment in self.segments)


def package(video: Sequence[hls.Track], audio: Sequence[hls.Track], folder: Path) -> HlsPackage:
    """Write the playlists of the tracks that lie in `folder`."""
    for track in (*video, *audio):
        (folder / track.folder).mkdir(parents=True, exist_ok=True)
        _write(folder / track.folder / "index.m3u8", hls.media_playlist(track))
    smallest = video[-1]
    (folder / "iframes").mkdir()
    _write(folder / "iframes" / "index.m3u8", hls.i_frame_playlist(smallest))
    _write(folder / MULTIVARIANT, hls.multivariant_playlist(video, audio, smallest))
    return HlsPackage(folder, tuple(video), tuple(audio))


def cut(encoded: Measured, span: Span, folder: Path, *, one_file: bool = False) -> Piece | None:
    """Write the segments of an encoded file into `folder`, each a file of its own, or as one file for the chunk.

    What lies outside the chunk is left out; None when nothing is left.
    """
    scale = encoded.header.timescale
    kept = [one for one in encoded.fragments if span.holds(one.start / scale)]
    if not kept:
        return None
    later = [one.start for one in encoded.fragments if one.offset > kept[-1].offset]
    folder.mkdir(parents=True, exist_ok=True)
    segments = []
    with encoded.path.open("rb") as file:
        for number, run in enumerate(_runs(kept, scale, span)):
            name = f"{span.position if one_file else number:04}.m4s"
            segments.append(_write_segment(file, run, encoded.header, span, folder / name, one_file=one_file))
    next_start = later[0] if later else None
    made = _without_gaps(segments, None if next_start is None else next_start / scale)
    return Piece(encoded.init, encoded.header, made, kept[0].start, next_start)


def join(pieces: Sequence[Piece | None], folder: Path, path: str, *, name: str, language: str = "und") -> hls.Track:
    """Write the one init segment of a track whose segments lie in `folder / path`, and return the track.

    Raises `SeamBroken` where the pieces do not follow each other without a gap, or want another init segment.
    """
    filled = [piece for piece in pieces if piece is not None]
    if not filled:
        raise Refused("too_short")
    for earlier, later in pairwise(filled):
        if later.start != earlier.next_start or later.init != earlier.init:
            raise SeamBroken
    (folder / path / "init.mp4").write_bytes(filled[0].init)
    header = filled[0].header
    return hls.Track(
        name=name,
        folder=path,
        codec=header.codec,
        segments=_without_gaps([segment for piece in filled for segment in piece.segments]),
        width=header.width,
        height=header.height,
        channels=header.channels,
        language=language,
    )


def measure(path: Path) -> Measured | None:
    """Read the boxes of a fragmented file; None where the encoder had nothing to write.

    Raises `ToolFailed` where the file is broken.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return None
    with path.open("rb") as file:
        if not cmaf.has_media(file):
            return None
        header, init = cmaf.read_init(file)
        return Measured(path, init, header, tuple(cmaf.read_fragments(file, header)))


def list_files(folder: Path) -> tuple[PackageFile, ...]:
    """Return every file of a package but package.json, with size and digest."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != DESCRIPTION)
    return tuple(
        PackageFile(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path)) for path in paths
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_description(folder: Path, files: Sequence[PackageFile], **facts: object) -> None:
    """Write package.json: the facts given, and every other file's size and digest."""
    content = {"format": 1, **facts, "files": [asdict(file) for file in files]}
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def _runs(fragments: Iterable[cmaf.Fragment], timescale: int, span: Span) -> Iterator[list[cmaf.Fragment]]:
    """Answer the fragments of each segment, which starts at the first key frame on or after its line."""
    run: list[cmaf.Fragment] = []
    for fragment in fragments:
        line = span.segment_at(fragment.start / timescale)
        if run and line != span.segment_at(run[0].start / timescale):
            yield run
            run = []
        run.append(fragment)
    if run:
        yield run


def _write_segment(
    file: BinaryIO, run: Sequence[cmaf.Fragment], header: cmaf.Header, span: Span, path: Path, *, one_file: bool
) -> hls.Segment:
    """Add the bytes of some fragments to a file, and note where they and their key frames came to lie."""
    first, last = run[0], run[-1]
    with path.open("ab") as segment:
        offset = segment.tell()
        for fragment in run:
            file.seek(fragment.offset)
            segment.write(file.read(fragment.size))
    keys = tuple(
        hls.KeyFrame(fragment.start / header.timescale, fragment.offset - first.offset, fragment.key_bytes)
        for fragment in run
        if header.kind == "video" and fragment.starts_with_key and span.is_key(fragment.start / header.timescale)
    )
    return hls.Segment(
        uri=path.name,
        start_s=first.start / header.timescale,
        duration_s=(last.end - first.start) / header.timescale,
        bytes=last.offset + last.size - first.offset,
        samples=sum(fragment.samples for fragment in run),
        keys=keys,
        offset=offset if one_file else None,
    )


def _without_gaps(segments: Sequence[hls.Segment], next_s: float | None = None) -> tuple[hls.Segment, ...]:
    """Let every segment last until the next begins, the last one until `next_s`, so that durations add up."""
    starts = [*(segment.start_s for segment in segments[1:]), segments[-1].end_s if next_s is None else next_s]
    return tuple(
        replace(segment, duration_s=start_s - segment.start_s)
        for segment, start_s in zip(segments, starts, strict=True)
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
