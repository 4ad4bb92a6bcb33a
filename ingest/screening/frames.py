"""The pictures of a recording as screening looks at them: three a second, at most 1080 high, in one decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.ffmpeg import Limits, Watch, run_ffmpeg
from ingest.inspection import Inspection
from ingest.screening.detail import Picture

# a picture that stands for a second is in two pictures that follow each other
PICTURES_A_SECOND = 3
TALLEST_PX, LEAST_TALL_PX, MOST_WIDE_PX = 1080, 720, 2560
# decoders that may leave out pictures that no other needs: most are left at any usual rate
_LEAVES_OUT = frozenset({"h264", "hevc"})
_LEAST_FPS_TO_LEAVE_OUT = 24


@dataclass(frozen=True)
class Shown:
    """A picture: its grey at full size, its colour at half."""

    grey: Picture
    blue_difference: Picture
    red_difference: Picture

    def in_colour(self, width: int, height: int) -> NDArray[np.uint8]:
        """Return it small, as blue, green and red."""
        planes = (self.grey, self.red_difference, self.blue_difference)
        small = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in planes]
        return np.asarray(cv2.cvtColor(cv2.merge(small), cv2.COLOR_YCrCb2BGR), np.uint8)


OnPicture = Callable[[float, Shown], None]


@dataclass(frozen=True)
class Stretch:
    """From when to when pictures are asked for, in seconds from the recording's first picture."""

    start_s: float
    end_s: float


def shown_size(inspection: Inspection) -> tuple[int, int]:
    """Return the width and height in which pictures are looked at: small ones are enlarged, at most twice."""
    width, height = inspection.video.display_width, inspection.video.display_height
    share = 1.0
    if height > TALLEST_PX:
        share = TALLEST_PX / height
    elif height < LEAST_TALL_PX:
        share = min(2.0, TALLEST_PX / height)
    share = min(share, MOST_WIDE_PX / width)
    return max(16, 2 * round(width * share / 2)), max(16, 2 * round(height * share / 2))


def look_through(
    source: Path,
    inspection: Inspection,
    stretch: Stretch,
    on_picture: OnPicture,
    *,
    cancelled: Callable[[], bool] | None = None,
    rate: int = PICTURES_A_SECOND,
) -> None:
    """Hand over the pictures of a stretch with their times, in order. Raises `ToolFailed`, `Cancelled`."""
    width, height = shown_size(inspection)
    pieces = _Pieces((height, width), stretch.start_s, rate, on_picture)
    length_s = stretch.end_s - stretch.start_s
    run_ffmpeg(
        _arguments(inspection, stretch, (width, height), rate),
        source=source,
        out=None,
        limits=Limits.for_duration(max(60.0, length_s)),
        watch=Watch(cancelled=cancelled, on_output=pieces.take, stall_s=120.0),
    )


def _arguments(inspection: Inspection, stretch: Stretch, size: tuple[int, int], rate: int) -> list[str]:
    video = inspection.video
    entry = ["-ss", f"{stretch.start_s:.3f}"] if stretch.start_s > 0 else []
    if video.codec in _LEAVES_OUT and video.fps >= _LEAST_FPS_TO_LEAVE_OUT:
        entry += ["-skip_frame", "noref"]
    steps = [
        f"fps={rate}:start_time=0:round=near",
        f"scale={size[0]}:{size[1]}:flags=bicubic",
        "format=yuvj420p",
    ]
    if video.interlaced:
        steps.insert(0, "yadif=deint=all")
    return [
        *("-threads", "1"),
        *entry,
        *("-i", "{source}", "-map", f"0:{video.index}", "-t", f"{stretch.end_s - stretch.start_s:.3f}"),
        *("-vf", ",".join(steps), "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"),
    ]


class _Pieces:
    """Cuts what comes out of a pipe into pictures."""

    def __init__(self, shape: tuple[int, int], start_s: float, rate: int, on_picture: OnPicture) -> None:
        self._shape, self._start_s, self._rate, self._on_picture = shape, start_s, rate, on_picture
        self._kept = bytearray()
        self._count = 0

    def take(self, piece: bytes) -> None:
        self._kept += piece
        height, width = self._shape
        size = height * width * 3 // 2
        while len(self._kept) >= size:
            values = np.frombuffer(bytes(self._kept[:size]), np.uint8)
            del self._kept[:size]
            grey, colours = values[: height * width].reshape(self._shape), values[height * width :]
            blue, red = colours.reshape(2, height // 2, width // 2)
            self._on_picture(self._start_s + self._count / self._rate, Shown(grey, blue, red))
            self._count += 1
