"""The recording's own pictures as the top rendition: whether they can be copied as they are, and the copy.

Copied is only what every player takes and what needs no change: H.264 of 8 bits 4:2:0, upright, progressive, square
pixels, from zero on, with closed groups of pictures of at most ten seconds. What the header says is asked before; what
only the stream shows is looked at in the copy (`GrowingCopy`), and faults in the pictures are found by the one decode
that makes the smaller renditions. Nothing but slices and parameter sets is kept: no user data, captions or timecode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import ffmpeg

from config.ladder import COPIED_KEY_FRAME_S, COPIED_MOST_CAPS, MAX_FPS
from ingest import cmaf
from ingest.chunks import EARLY_S, Span
from ingest.encode import CopyUnsound
from ingest.errors import ToolFailed
from ingest.ffmpeg import Limits, Progress, Watch, run_ffmpeg
from ingest.inspection import Inspection
from ingest.levels import fits_level
from ingest.package import Measured
from ingest.plan import SLOW_FPS, EncodePlan

COPIED_FORMATS = ("mov,", "matroska,", "mpegts", "flv")
COPIED_PROFILES = frozenset({"Constrained Baseline", "Main", "High"})
# slices (1-5) and parameter sets (7, 8): all that a decoder needs (H.264, table 7-1)
KEPT_UNITS = "1-5|7|8"
_IDR, _SLICES, _PARAMETER_SETS = 5, frozenset({1, 2, 5}), frozenset({7, 8})
# H.264 table E-3: what ffmpeg calls these colours
_COLOUR_CODES = {"bt709": 1, "smpte170m": 6}
# the first sample of a group is looked at so far for the kind of its first slice
_LOOKED_AT = 64 * 1024


def reason_to_encode(inspection: Inspection, plan: EncodePlan) -> str | None:
    """Return why the pictures cannot be copied, as far as the header tells; None if they can."""
    video, top = inspection.video, plan.renditions[0]
    zero_s = plan.zero_s - (inspection.clock_start_s if plan.file_clock else 0.0)
    kbps = inspection.bytes * 8 / 1000 / inspection.duration_s
    faults = {
        "not H.264 in 8 bits 4:2:0": (video.codec, video.pix_fmt, video.bit_depth) != ("h264", "yuv420p", 8),
        "a profile that not every player has": video.profile not in COPIED_PROFILES,
        "interlaced": video.interlaced,
        "turned or mirrored": bool(video.rotation) or video.mirrored,
        "pixels that are not square": video.sar != 1,
        "another size": (video.width, video.height) != (top.width, top.height),
        "more pictures a second than players take": video.fps > MAX_FPS,
        "does not start at zero": plan.lead_s != 0 or abs(zero_s) > EARLY_S,
        "a container that may lose times": not inspection.container.startswith(COPIED_FORMATS),
        "more bits than anybody can receive": kbps > COPIED_MOST_CAPS * top.cap_kbps,
        # nothing would decode it here, and faults would reach the players
        "too small for a second rendition": len(plan.renditions) < 2,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def with_copied_top(plan: EncodePlan, inspection: Inspection, spans: Sequence[Span]) -> EncodePlan:
    """Return the plan in which the copied rendition sets all times: the others keep its timestamps and key frames."""
    top = replace(plan.renditions[0], copied=True)
    return replace(
        plan,
        renditions=(top, *plan.renditions[1:]),
        spans=tuple(spans),
        own_clock=True,
        b_frames=0 if inspection.video.is_vfr or plan.fps < SLOW_FPS else plan.b_frames,
    )


def copy_pictures(
    source: Path,
    plan: EncodePlan,
    out: Path,
    *,
    on_growth: Callable[[GrowingCopy, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    only_s: float | None = None,
) -> GrowingCopy:
    """Copy the pictures of a recording into one fragmented file in `out`, as fast as it can be read.

    `on_growth` is told twice a second of what there is so far, and of the share done; with `only_s` the beginning alone
    is copied, and its last group of pictures is seldom whole. Raises `CopyUnsound` where the stream cannot be taken as
    it is, `ToolFailed`, `Cancelled`.
    """
    path = out / "copied.mp4"
    copy = GrowingCopy(path, plan)

    def tell(progress: Progress) -> None:
        if path.is_file():
            copy.read_on(is_whole=False)
            if on_growth is not None:
                on_growth(copy, min(1.0, progress.out_time_s / plan.duration_s))

    size = source.stat().st_size
    limits = Limits(cpu_s=120 + size // 2**20, wall_s=300 + size / 2**20, file_bytes=size + 2**26)
    try:
        run_ffmpeg(copy_arguments(plan, only_s), source=source, out=out, limits=limits, watch=Watch(tell, cancelled))
    except ToolFailed as failure:
        if failure.is_inputs_fault:
            raise CopyUnsound from failure
        raise
    copy.read_on(is_whole=True)
    if only_s is None and abs(copy.end_s - plan.duration_s) > 2 / plan.fps + 0.1:
        # an edit list hid a part of it, or the header's length is not the stream's
        raise CopyUnsound
    return copy


def copy_arguments(plan: EncodePlan, only_s: float | None = None) -> list[str]:
    """Return the ffmpeg command that copies the pictures, or their beginning alone."""
    source = ffmpeg.input("{source}")
    options = {
        **({} if only_s is None else {"t": f"{only_s:.3f}"}),
        "f": "mp4",
        "c:v": "copy",
        "bsf:v": ",".join([*_colours(plan), f"filter_units=pass_types={KEPT_UNITS}"]),
        "map_metadata": -1,
        "map_chapters": -1,
        "fflags": "+bitexact",
        "brand": "cmfc",
        "write_btrt": 0,
        "movflags": "+empty_moov+default_base_moof+delay_moov+frag_keyframe+skip_trailer",
    }
    copied = ffmpeg.output(source[str(plan.video_index)], "{out}/copied.mp4", **options)
    arguments: list[str] = copied.global_args("-xerror").compile()[1:]
    return arguments


class GrowingCopy:
    """A copy as far as it is written: its fragments, and when its closed groups of pictures start."""

    def __init__(self, path: Path, plan: EncodePlan) -> None:
        self._path, self._plan = path, plan
        self._read_to = 0
        self._header: cmaf.Header | None = None
        self._init = b""
        self._fragments: list[cmaf.Fragment] = []
        self.keys_s: list[float] = []

    @property
    def measured(self) -> Measured:
        """What has been read so far. Raises `CopyUnsound` when there is nothing."""
        if self._header is None or not self._fragments:
            raise CopyUnsound
        return Measured(self._path, self._init, self._header, tuple(self._fragments))

    @property
    def end_s(self) -> float:
        """When the last group ends that has been read."""
        return self._fragments[-1].end / self.measured.header.timescale if self._fragments else 0.0

    def read_on(self, *, is_whole: bool) -> None:
        """Read what was added. Unless `is_whole` the file may end inside a fragment.

        Raises `CopyUnsound` where a player could not start at a key frame, or would wait too long for one.
        """
        with self._path.open("rb") as file:
            if self._header is None:
                if not cmaf.has_media(file, is_whole=is_whole):
                    return
                self._header, self._init = cmaf.read_init(file)
                self._read_to = len(self._init)
                if not fits_level(self._header.codec, self._header.width, self._header.height, self._plan.fps):
                    raise CopyUnsound
            for fragment in cmaf.read_fragments(file, self._header, start=self._read_to, is_whole=is_whole):
                self._add(file, fragment, self._header)

    def _add(self, file: BinaryIO, fragment: cmaf.Fragment, header: cmaf.Header) -> None:
        start_s = fragment.start / header.timescale
        is_closed = fragment.starts_with_key and _starts_with_idr(file, fragment, self._init)
        if not self._fragments and not (is_closed and fragment.start == 0):
            raise CopyUnsound
        if fragment.end / header.timescale - (start_s if is_closed else self.keys_s[-1]) > COPIED_KEY_FRAME_S + EARLY_S:
            raise CopyUnsound
        if is_closed:
            self.keys_s.append(start_s)
        self._fragments.append(fragment)
        self._read_to = fragment.offset + fragment.size


def _starts_with_idr(file: BinaryIO, fragment: cmaf.Fragment, init: bytes) -> bool:
    """Say whether a fragment starts with an IDR picture; raise `CopyUnsound` for parameter sets of its own."""
    file.seek(fragment.media_offset)
    sample = file.read(min(fragment.first_bytes, _LOOKED_AT))
    at = 0
    while at + 5 <= len(sample):
        size, kind = int.from_bytes(sample[at : at + 4], "big"), sample[at + 4] & 31
        if kind in _PARAMETER_SETS and sample[at + 4 : at + 4 + size] not in init:
            raise CopyUnsound
        if kind in _SLICES:
            return kind == _IDR
        at += 4 + size
    return False


def _colours(plan: EncodePlan) -> list[str]:
    """Return what names the colours of a recording that does not, as the other renditions name them."""
    for step in plan.filters:
        if step.name == "setparams":
            code = _COLOUR_CODES[dict(step.options)["colorspace"]]
            names = ("colour_primaries", "transfer_characteristics", "matrix_coefficients")
            return ["h264_metadata=" + ":".join(f"{name}={code}" for name in names) + ":video_full_range_flag=0"]
    return []
