"""Check a finished package against itself before anybody sees it: boxes, playlists, pictures.

Nothing is believed that packaging remembered: playlists and segments are read again from the folder. Key
frames have been decoded by then (`images`); decoding everything would cost as much as a tenth of the encode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from PIL import Image

from ingest import cmaf
from ingest.errors import ToolFailed
from ingest.images import POSTER, SHEET, TILES
from ingest.package import MULTIVARIANT
from ingest.plan import EncodePlan

# EXTINF has six decimals
ROUNDING_S = 0.0001
# sound may end this much away from the pictures: its fragments are two seconds long
SOUND_TOLERANCE_S = 3.0


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
        rendition = _read_rendition(folder / uri)
        _check_attributes(uri, attributes, rendition.header)
        video.append(rendition)
    if len({_milliseconds(rendition.keys_s) for rendition in video}) != 1:
        raise _fault("key frames differ between renditions")
    _check_grid(video[0], plan)
    _check_sound(folder, video[0].duration_s)
    _check_images(folder, video[0].duration_s)


def _variants(folder: Path) -> Iterator[tuple[str, str]]:
    lines = (folder / MULTIVARIANT).read_text(encoding="utf-8").splitlines()
    for line, following in pairwise(lines):
        if line.startswith("#EXT-X-STREAM-INF:"):
            yield following, line


def _read_rendition(playlist: Path) -> _Rendition:
    """Read a media playlist and every segment it names; the durations must be those of the samples."""
    header = cmaf.read_header((playlist.parent / "init.mp4").read_bytes())
    text = playlist.read_text(encoding="utf-8")
    target_s = int(re.search(r"#EXT-X-TARGETDURATION:(\d+)", text)[1])  # type: ignore[index]
    entries = re.findall(r"#EXTINF:([0-9.]+),\n(\S+)", text)
    if not entries or not text.endswith("#EXT-X-ENDLIST\n"):
        raise _fault(f"{playlist.parent.name}: the playlist has no end")
    keys: list[float] = []
    clock = 0.0
    for duration, uri in entries:
        fragments = _read_segment(playlist.parent / uri, header)
        start_s, end_s = fragments[0].start / header.timescale, fragments[-1].end / header.timescale
        if header.kind == "video" and not all(fragment.starts_with_key for fragment in fragments):
            raise _fault(f"{playlist.parent.name}/{uri} does not start with a key frame")
        if abs(start_s - clock) > 0.001 or end_s - clock - float(duration) > 0.001:
            raise _fault(f"{playlist.parent.name}/{uri} is not as long as its playlist says")
        if int(float(duration) + 0.5) > target_s:
            raise _fault(f"{playlist.parent.name}/{uri} is longer than the target duration")
        keys += [key / header.timescale for fragment in fragments for key in fragment.keys]
        clock += float(duration)
    if abs(end_s - clock) > ROUNDING_S * len(entries):
        raise _fault(f"{playlist.parent.name}: durations do not add up")
    return _Rendition(header, tuple(keys), clock)


def _read_segment(path: Path, header: cmaf.Header) -> list[cmaf.Fragment]:
    fragments = list(cmaf.read_fragments(BytesIO(path.read_bytes()), header))
    if not fragments:
        raise _fault(f"{path.name} is empty")
    return fragments


def _check_attributes(uri: str, attributes: str, header: cmaf.Header) -> None:
    """Hold CODECS and RESOLUTION of a variant against its init segment."""
    if f"RESOLUTION={header.width}x{header.height}," not in attributes:
        raise _fault(f"{uri} is not of its RESOLUTION")
    if not re.search(rf'CODECS="{re.escape(header.codec)}[",]', attributes):
        raise _fault(f"{uri} is not of its CODECS")


def _check_grid(rendition: _Rendition, plan: EncodePlan) -> None:
    """Hold the key frames against the grid: each within one picture after its line, one a line at most."""
    if rendition.keys_s[0] != 0:
        raise _fault("the first picture is not at zero")
    cells = [int((key_s + 0.001) // plan.key_frame_s) for key_s in rendition.keys_s]
    if len(set(cells)) != len(cells):
        raise _fault("key frames are closer than the grid")
    late_s = max(key_s - cell * plan.key_frame_s for key_s, cell in zip(rendition.keys_s, cells, strict=True))
    if not plan.own_clock and late_s > 1 / plan.fps + 0.001:
        raise _fault("key frames are off the grid")


def _check_sound(folder: Path, video_s: float) -> None:
    text = (folder / MULTIVARIANT).read_text(encoding="utf-8")
    for uri in re.findall(r'#EXT-X-MEDIA:TYPE=AUDIO,.*URI="([^"]+)"', text):
        sound = _read_rendition(folder / uri)
        if f',{sound.header.codec}"' not in text:
            raise _fault(f"{uri} is not in CODECS")
        if abs(sound.duration_s - video_s) > max(SOUND_TOLERANCE_S, 0.05 * video_s):
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


def _milliseconds(times_s: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(round(time_s * 1000) for time_s in times_s)


def _fault(what: str) -> ToolFailed:
    return ToolFailed(stderr_tail=f"package: {what}")
