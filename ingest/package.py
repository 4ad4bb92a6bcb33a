"""Cut encoded files into segments and write the package: playlists from measured fragments, and package.json.

The folder is as the contract's section 4: `master.m3u8`, `video/<height>p/`, `audio/<language>/`, `iframes/`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ingest import cmaf
from ingest.encode import Encoded
from ingest.errors import Refused
from ingest.plan import EncodePlan
from videolib import hls

MULTIVARIANT = "master.m3u8"
DESCRIPTION = "package.json"
# a sound this much longer than the pictures is cut: the recording broke off before its declared end
SOUND_OVERHANG_S = 0.5


@dataclass(frozen=True)
class HlsPackage:
    """A package in a folder: its renditions (largest first) and its sound tracks, as measured."""

    folder: Path
    video: tuple[hls.Track, ...]
    audio: tuple[hls.Track, ...]

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


def package(encoded: Encoded, plan: EncodePlan, out: Path) -> HlsPackage:
    """Write segments and playlists into the folder `out`; the encoded files are used up.

    Raises `Refused` where the recording gave no picture at all, `ToolFailed` where a file is broken.
    """
    out.mkdir(parents=True, exist_ok=True)
    video = [
        replace(_cut(file, plan.segment_s, out, f"video/{rendition.name}"), name=rendition.name)
        for file, rendition in zip(encoded.video, plan.renditions, strict=True)
    ]
    end_s = video[0].duration_s + SOUND_OVERHANG_S
    audio = [
        replace(
            _cut(file, plan.segment_s, out, f"audio/{track.name}", end_s=end_s),
            name=track.name,
            language=track.language,
        )
        for file, track in zip(encoded.audio, plan.audio, strict=True)
        if _has_fragments(file)
    ]
    _write_playlists(video, audio, out)
    return HlsPackage(out, tuple(video), tuple(audio))


def measure(file: BinaryIO) -> tuple[cmaf.Header, list[cmaf.Fragment]]:
    """Read a fragmented file's header and all its fragments; `Refused` when there is not one picture."""
    if file.seek(0, 2) == 0:
        raise Refused("too_short")
    size = cmaf.header_size(file)
    file.seek(0)
    header = cmaf.read_header(file.read(size))
    return header, list(cmaf.read_fragments(file, header))


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


def _cut(path: Path, segment_s: int, out: Path, folder: str, *, end_s: float | None = None) -> hls.Track:
    """Write one encoded file as init.mp4 and numbered segments into `out/folder`, then remove it."""
    target = out / folder
    target.mkdir(parents=True)
    with path.open("rb") as file:
        header, fragments = measure(file)
        kept = [one for one in fragments if end_s is None or one.start / header.timescale < end_s]
        file.seek(0)
        (target / "init.mp4").write_bytes(file.read(fragments[0].offset))
        segments = [
            _write_segment(file, run, header, target / f"{number:04}.m4s")
            for number, run in enumerate(_runs(kept, header.timescale, segment_s))
        ]
    path.unlink()
    return hls.Track(
        name="",
        folder=folder,
        codec=header.codec,
        segments=_without_gaps(segments),
        width=header.width,
        height=header.height,
        channels=header.channels,
    )


def _has_fragments(path: Path) -> bool:
    """Say whether a sound track gave any sound; one that cannot be decoded leaves a file without."""
    with path.open("rb") as file:
        return any(box == b"moof" for box in cmaf.top_level(file))


def _runs(fragments: Iterable[cmaf.Fragment], timescale: int, segment_s: int) -> Iterator[list[cmaf.Fragment]]:
    """Answer the fragments of each segment, which starts at the first key frame on or after a grid line."""
    run: list[cmaf.Fragment] = []
    for fragment in fragments:
        # a key frame 1 ms early is on the line, as for the encoder
        if run and _cell(fragment, timescale, segment_s) != _cell(run[0], timescale, segment_s):
            yield run
            run = []
        run.append(fragment)
    if run:
        yield run


def _cell(fragment: cmaf.Fragment, timescale: int, segment_s: int) -> int:
    return int((fragment.start / timescale + 0.001) // segment_s)


def _write_segment(file: BinaryIO, run: Sequence[cmaf.Fragment], header: cmaf.Header, path: Path) -> hls.Segment:
    """Copy the bytes of some fragments, and note where their key frames came to lie."""
    first, last = run[0], run[-1]
    file.seek(first.offset)
    with path.open("wb") as segment:
        for fragment in run:
            segment.write(file.read(fragment.size))
    keys = tuple(
        hls.KeyFrame(fragment.start / header.timescale, fragment.offset - first.offset, fragment.key_bytes)
        for fragment in run
        if header.kind == "video" and fragment.starts_with_key
    )
    return hls.Segment(
        uri=path.name,
        start_s=first.start / header.timescale,
        duration_s=(last.end - first.start) / header.timescale,
        bytes=last.offset + last.size - first.offset,
        samples=sum(fragment.samples for fragment in run),
        keys=keys,
    )


def _without_gaps(segments: Sequence[hls.Segment]) -> tuple[hls.Segment, ...]:
    """Let every segment last until the next begins, so that durations add up to the track's."""
    starts = [segment.start_s for segment in segments[1:]]
    lasting = [
        replace(segment, duration_s=start_s - segment.start_s)
        for segment, start_s in zip(segments, starts, strict=False)
    ]
    return (*lasting, segments[-1])


def _write_playlists(video: Sequence[hls.Track], audio: Sequence[hls.Track], out: Path) -> None:
    for track in (*video, *audio):
        _write(out / track.folder / "index.m3u8", hls.media_playlist(track))
    smallest = video[-1]
    (out / "iframes").mkdir()
    _write(out / "iframes" / "index.m3u8", hls.i_frame_playlist(smallest))
    _write(out / MULTIVARIANT, hls.multivariant_playlist(video, audio, smallest))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
