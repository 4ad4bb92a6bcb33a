"""The ladder of renditions: which sizes are made of a recording, how good they are, how many bits they take.

An operator may change these numbers; packages that exist keep theirs. A rung's height is that of the short
side of the picture, so that a portrait recording gets as many pixels as a landscape one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """One size: `height` in pixels of the short side, `cap_kbps` at 30 frames a second, `crf` of x264.

    `buffer_s`: how many seconds of its cap may come at once.
    """

    name: str
    height: int
    cap_kbps: int
    crf: int
    buffer_s: float = 2.0


# Ascending. The caps bite only in busy pictures; elsewhere the quality (crf) decides. The smallest plays on a link of
# 300 kbit/s, sound included: at the same bits 240p looks twice as good as 144p (VMAF 39 and 21, decision 017).
LADDER: tuple[Rung, ...] = (
    Rung("240p", 240, 150, 22, buffer_s=1.0),
    Rung("360p", 360, 600, 22),
    Rung("480p", 480, 1400, 22),
    Rung("720p", 720, 3500, 22),
    Rung("1080p", 1080, 6500, 22),
    Rung("1440p", 1440, 10_000, 22),
    Rung("2160p", 2160, 18_000, 22),
)

# A recording between two rungs keeps its own size on top; rungs above this share of it would look the same.
LARGEST_STEP = 0.75

# The recording's own size is never held below this, however small it is: the smallest rung's cap is for slow links.
LEAST_TOP_KBPS = 450

MAX_FPS = 60
MAX_SIDE_PX = 4096

# veryfast: 94 VMAF at 1.1 CPU seconds a second of 720p; slower presets cost more than they show
# (docs/benchmarks.md).
X264_PRESET = "veryfast"

# Of a recording a rung that looks less than this much better (VMAF) than the one below it is left out.
LEAST_GAIN = 2.0

# Angiography is thin dark lines in noise, which x264 at its usual settings takes for noise as well: of a wire 2 pixels
# wide 240p kept 30 % of the contrast, with these 66 % (decision 017).
GREY_BETTER_BY_CRF = 2
GREY_TUNE = "grain"

AUDIO_KBPS = 96
AUDIO_RATE_HZ = 48_000
MAX_AUDIO_TRACKS = 8

KEY_FRAME_S = 2
SEGMENT_S = 4

# A recording clearly longer than this is encoded in chunks, many at once; the first ones are short, so that it can be
# watched within seconds. Longer chunks waste less at their seams, of shorter ones less is lost when a worker dies.
CHUNK_S = 60

# In a library whatever is longer than this can be watched while it is made, so it is cut as well, however long chunks
# are; a shorter one is whole before anybody would see the difference.
WATCHED_EARLY_S = 24
FIRST_CHUNKS_S = (4, 8, 16, 32)

# What players can take as it is becomes the top rendition without being encoded, unless its key frames are further
# apart than this, or it takes more than so many times its rung's bits.
COPIED_KEY_FRAME_S = 10
COPIED_MOST_CAPS = 4
