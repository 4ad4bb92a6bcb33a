"""The ladder of renditions: which sizes are made of a recording, how good they are, how many bits they take.

An operator may change these numbers; packages that exist keep theirs. A rung's height is that of the short
side of the picture, so that a portrait recording gets as many pixels as a landscape one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """One size: `height` in pixels of the short side, `cap_kbps` at 30 frames a second, `crf` of x264."""

    name: str
    height: int
    cap_kbps: int
    crf: int


# Ascending. The caps bite only in busy pictures; elsewhere the quality (crf) decides.
LADDER: tuple[Rung, ...] = (
    Rung("240p", 240, 450, 22),
    Rung("360p", 360, 900, 22),
    Rung("480p", 480, 1600, 22),
    Rung("720p", 720, 3500, 22),
    Rung("1080p", 1080, 6500, 22),
    Rung("1440p", 1440, 10_000, 22),
    Rung("2160p", 2160, 18_000, 22),
)

# A recording between two rungs keeps its own size on top; rungs above this share of it would look the same.
LARGEST_STEP = 0.75

MAX_FPS = 60
MAX_SIDE_PX = 4096

# veryfast: 94 VMAF at 1.1 CPU seconds a second of 720p; slower presets cost more than they show
# (docs/benchmarks.md).
X264_PRESET = "veryfast"

AUDIO_KBPS = 128
AUDIO_RATE_HZ = 48_000
MAX_AUDIO_TRACKS = 8

KEY_FRAME_S = 2
SEGMENT_S = 4
