"""Check a finished package against itself before anybody sees it: boxes, playlists, pictures.

Nothing is believed that packaging remembered: playlists and segments are read again from the folder. Key
frames have been decoded by then (`images`); decoding everything would cost as much as a tenth of the encode.
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path, PurePosixPath

import ffmpeg
from PIL import Image

from ingest import cmaf
from ingest.chunks import Span
from ingest.errors import ToolFailed
from ingest.ffmpeg import Limits, run_ffmpeg
from ingest.images import POSTER, SHEET, TILES
from ingest.levels import fits_level
from ingest.package import MULTIVARIANT, HlsPackage, Piece
from ingest.plan import EncodePlan, RenditionPlan

# EXTINF has six decimals
ROUNDING_S = 0.0001
# sound may end this much away from the pictures: its fragments are two seconds long
SOUND_TOLERANCE_S = 3.0
# a copied rendition's times are those of its container, which may round to milliseconds
KEY_NEAR_S = 0.002
_SOUND = re.compile(r'#EXT-X-MEDIA:TYPE=AUDIO,.*URI="([^"]+)"')
_DECODING = Limits(cpu_s=600, wall_s=600, file_bytes=0)


@dataclass(frozen=True)
class _Part:
    """A segment as a playlist names it: its file, the bytes in it (all without `size`), and how long it is to last."""

    path: Path
    duration_s: float
    offset: int = 0
    size: int | None = None

    def read(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read() if self.size is None else file.read(self.size)


@dataclass(frozen=True)
class _Rendition:
    """A rendition as read back: what its init segment says, when its key frames come and how long it is."""

    header: cmaf.Header
    keys_s: tuple[float, ...]
    duration_s: float


def verify(folder: Path, plan: EncodePlan) -> None:
    """Raise `ToolFailed` when the package in `folder` is not what its playlists say it is."""
    variants = list(_variants(folder))
    if len(variants) != len(plan.renditions):
        raise _fault(f"{len(variants)} variants of {len(plan.renditions)}")
    video = []
    for uri, attributes in variants:
        rendition = _read_rendition(folder / uri, plan)
        _check_attributes(uri, attributes, rendition.header)
        video.append(rendition)
    _check_keys([rendition.keys_s for rendition in video], plan, plan.spans)
    _check_sound(folder, video[0].duration_s, plan)
    _check_images(folder, video[0].duration_s)


def verify_chunk(folder: Path, made: Mapping[RenditionPlan, Piece], plan: EncodePlan, span: Span) -> None:
    """Raise `ToolFailed` when what lies in `folder / <name>` is not what was measured of one chunk's renditions.

    `made` has the largest rendition first. The pictures are looked at as well: every key frame is decoded.
    """
    keys = []
    for rendition, piece in made.items():
        header = cmaf.read_header(piece.init)
        if (header.width, header.height) != (rendition.width, rendition.height):
            raise _fault(f"{rendition.name} is not of its size")
        if not fits_level(header.codec, header.width, header.height, plan.fps):
            raise _fault(f"{rendition.name} is above its level")
        parts = [
            _Part(folder / rendition.name / segment.uri, segment.duration_s, segment.offset or 0, segment.bytes)
            for segment in piece.segments
        ]
        keys.append(_read_parts(rendition.name, parts, header, plan, start_s=piece.segments[0].start_s)[0])
        if not plan.own_clock and piece.next_start is not None:
            pictures = (piece.next_start - piece.start) * plan.fps / header.timescale
            if piece.samples != pictures:
                raise _fault(f"{rendition.name} has {piece.samples} pictures of {pictures}")
    _check_keys(keys, plan, [span])
    _decode_key_frames(folder, made)


def verify_pages(pages: HlsPackage, plan: EncodePlan) -> None:
    """Raise `ToolFailed` when playlists and pictures of a package whose media lie in the store are not of that plan.

    Its chunks and its sound were read when they were made; here it is seen that the playlists tell the same.
    """
    folder, duration_s = pages.folder, pages.duration_s
    variants = list(_variants(folder))
    if len(variants) != len(plan.renditions):
        raise _fault("a variant is missing")
    for uri, attributes in variants:
        _check_attributes(uri, attributes, _fetched_header(pages, uri))
        length_s, segments = _told_length(folder / uri)
        if abs(length_s - duration_s) > max(2 / float(plan.fps), ROUNDING_S * segments):
            raise _fault(f"{uri}: durations do not add up")
    text = (folder / MULTIVARIANT).read_text(encoding="utf-8")
    for uri in _SOUND.findall(text):
        if f',{_fetched_header(pages, uri).codec}"' not in text:
            raise _fault(f"{uri} is not in CODECS")
        _check_sound_length(uri, _told_length(folder / uri)[0], duration_s)
    _check_images(folder, duration_s)


def _fetched_header(pages: HlsPackage, uri: str) -> cmaf.Header:
    init = pages.folder / PurePosixPath(uri).parent / "init.mp4"
    pages.fetch(init)
    return cmaf.read_header(init.read_bytes())


def _told_length(playlist: Path) -> tuple[float, int]:
    """The length in seconds that a playlist tells, and of how many segments."""
    lengths = re.findall(r"#EXTINF:([0-9.]+),", playlist.read_text(encoding="utf-8"))
    return sum(map(float, lengths)), len(lengths)


def _decode_key_frames(folder: Path, made: Mapping[RenditionPlan, Piece]) -> None:
    """Decode the key frames of all renditions of a chunk; the first fault ends it."""
    outputs = []
    for rendition, piece in made.items():
        path = folder / f"{rendition.name}.check.mp4"
        with path.open("wb") as whole:
            whole.write(piece.init)
            for name in dict.fromkeys(segment.uri for segment in piece.segments):
                whole.write((folder / rendition.name / name).read_bytes())
        source = ffmpeg.input(f"{{out}}/{path.name}", skip_frame="nokey")
        outputs.append(ffmpeg.output(source.video, "-", f="null", fps_mode="passthrough"))
    arguments = ffmpeg.merge_outputs(*outputs).global_args("-xerror").compile()[1:]
    run_ffmpeg(arguments, source=None, out=folder, limits=_DECODING)
    for rendition in made:
        (folder / f"{rendition.name}.check.mp4").unlink()


def _variants(folder: Path) -> Iterator[tuple[str, str]]:
    lines = (folder / MULTIVARIANT).read_text(encoding="utf-8").splitlines()
    for line, following in pairwise(lines):
        if line.startswith("#EXT-X-STREAM-INF:"):
            yield following, line


def _read_rendition(playlist: Path, plan: EncodePlan) -> _Rendition:
    """Read a media playlist and every segment it names; the durations must be those of the samples."""
    name = playlist.parent.name
    header = cmaf.read_header((playlist.parent / "init.mp4").read_bytes())
    text = playlist.read_text(encoding="utf-8")
    target_s = int(re.search(r"#EXT-X-TARGETDURATION:(\d+)", text)[1])  # type: ignore[index]
    entries = re.findall(r"#EXTINF:([0-9.]+),\n(?:#EXT-X-BYTERANGE:(\d+)@(\d+)\n)?([^#\s]+)", text)
    if not entries or not text.endswith("#EXT-X-ENDLIST\n"):
        raise _fault(f"{name}: the playlist has no end")
    parts = [
        _Part(playlist.parent / uri, float(duration), int(offset or 0), int(size) if size else None)
        for duration, size, offset, uri in entries
    ]
    if any(int(part.duration_s + 0.5) > target_s for part in parts):
        raise _fault(f"{name}: a segment is longer than the target duration")
    return _Rendition(header, *_read_parts(name, parts, header, plan))


def _read_parts(
    name: str, parts: Sequence[_Part], header: cmaf.Header, plan: EncodePlan, *, start_s: float = 0.0
) -> tuple[tuple[float, ...], float]:
    """Read segments that follow each other from `start_s` on; return their key frames' times and where they end."""
    keys: list[float] = []
    clock, end_s = start_s, start_s
    # where decoding order is not that of times, the last picture shown may be given another one's length
    late_s = float(1 / plan.fps) if plan.own_clock and header.kind == "video" else 0.001
    for part in parts:
        fragments = list(cmaf.read_fragments(BytesIO(part.read()), header))
        if not fragments:
            raise _fault(f"{name}/{part.path.name} is empty")
        begins_s, end_s = fragments[0].start / header.timescale, fragments[-1].end / header.timescale
        if header.kind == "video" and not fragments[0].starts_with_key:
            raise _fault(f"{name}/{part.path.name} does not start with a key frame")
        if abs(begins_s - clock) > 0.001 or end_s - clock - part.duration_s > late_s:
            raise _fault(f"{name}/{part.path.name} is not as long as its playlist says")
        keys += [key / header.timescale for fragment in fragments for key in fragment.keys]
        clock += part.duration_s
    if abs(end_s - clock) > max(late_s, ROUNDING_S * len(parts)):
        raise _fault(f"{name}: durations do not add up")
    return tuple(keys), clock


def _check_attributes(uri: str, attributes: str, header: cmaf.Header) -> None:
    """Hold CODECS and RESOLUTION of a variant against its init segment."""
    if f"RESOLUTION={header.width}x{header.height}," not in attributes:
        raise _fault(f"{uri} is not of its RESOLUTION")
    if not re.search(rf'CODECS="{re.escape(header.codec)}[",]', attributes):
        raise _fault(f"{uri} is not of its CODECS")


def _check_keys(renditions: Sequence[Sequence[float]], plan: EncodePlan, spans: Sequence[Span]) -> None:
    """Hold the key frames of all renditions against each other and against the grid that the plan has set."""
    wanted = [key_s for span in spans for key_s in span.keys_s]
    encoded = renditions[1:] if plan.copies and len(renditions) > len(plan.encoded) else renditions
    if len({_milliseconds(keys_s) for keys_s in encoded}) != 1:
        raise _fault("key frames differ between renditions")
    if wanted:
        if any(not _are_near(keys_s, wanted) for keys_s in encoded):
            raise _fault("key frames are not those of the copied rendition")
        if any(_nearest_s(renditions[0], key_s) > KEY_NEAR_S for key_s in wanted):
            raise _fault("the copied rendition lacks a key frame")
    else:
        _check_grid(encoded[0], plan, spans[0].start_s)


def _are_near(keys_s: Sequence[float], wanted: Sequence[float]) -> bool:
    return len(keys_s) == len(wanted) and all(
        abs(key_s - wanted_s) <= KEY_NEAR_S for key_s, wanted_s in zip(keys_s, wanted, strict=True)
    )


def _nearest_s(sorted_s: Sequence[float], time_s: float) -> float:
    at = bisect.bisect_left(sorted_s, time_s)
    return min((abs(near_s - time_s) for near_s in sorted_s[max(0, at - 1) : at + 1]), default=math.inf)


def _check_grid(keys_s: Sequence[float], plan: EncodePlan, start_s: float) -> None:
    """Hold the key frames against the even grid: each within one picture after its line, one a line at most."""
    if start_s == 0 and keys_s[0] != 0:
        raise _fault("the first picture is not at zero")
    cells = [int((key_s + 0.001) // plan.key_frame_s) for key_s in keys_s]
    if len(set(cells)) != len(cells):
        raise _fault("key frames are closer than the grid")
    late_s = max(key_s - cell * plan.key_frame_s for key_s, cell in zip(keys_s, cells, strict=True))
    if not plan.own_clock and late_s > 1 / plan.fps + 0.001:
        raise _fault("key frames are off the grid")


def _check_sound(folder: Path, video_s: float, plan: EncodePlan) -> None:
    text = (folder / MULTIVARIANT).read_text(encoding="utf-8")
    for uri in _SOUND.findall(text):
        sound = _read_rendition(folder / uri, plan)
        if f',{sound.header.codec}"' not in text:
            raise _fault(f"{uri} is not in CODECS")
        _check_sound_length(uri, sound.duration_s, video_s)


def _check_sound_length(uri: str, sound_s: float, video_s: float) -> None:
    if abs(sound_s - video_s) > max(SOUND_TOLERANCE_S, 0.05 * video_s):
        raise _fault(f"{uri} is not as long as the pictures")


def _check_images(folder: Path, duration_s: float) -> None:
    """Hold the storyboard's cues against the sheet and the length, and see that the poster is a picture."""
    with Image.open(folder / SHEET) as sheet:
        width, height = sheet.size
    with Image.open(folder / POSTER) as poster:
        if poster.format != "JPEG" or min(poster.size) < 2:
            raise _fault("the poster is no picture")
    text = (folder / TILES).read_text(encoding="utf-8")
    tiles = [tuple(map(int, found)) for found in re.findall(r"#xywh=(\d+),(\d+),(\d+),(\d+)", text)]
    if not tiles or any(x + w > width or y + h > height for x, y, w, h in tiles):
        raise _fault("the storyboard has tiles that its sheet has not")
    hours, minutes, seconds = re.findall(r"--> (\d+):(\d+):([0-9.]+)", text)[-1]
    if abs(int(hours) * 3600 + int(minutes) * 60 + float(seconds) - duration_s) > 0.002:
        raise _fault("the storyboard does not cover the recording")


def _milliseconds(times_s: Sequence[float]) -> tuple[int, ...]:
    return tuple(round(time_s * 1000) for time_s in times_s)


def _fault(what: str) -> ToolFailed:
    return ToolFailed(stderr_tail=f"package: {what}")
