"""From ffprobe's rows to the streams of an `Inspection`: pure, no file is touched."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal, cast

from ingest.errors import Refused
from ingest.inspection import AudioStream, Chapter, SubtitleStream, VideoStream
from ingest.languages import language_tag
from ingest.probe import Probe, ratio, seconds, steps_of, times_of
from ingest.roles import role_of
from ingest.signature import SIDE_MAX
from ingest.tools import VIDEO_DECODERS

Row = Mapping[str, Any]

SIDE_MIN = 16
MAX_CHAPTERS, LONGEST_TITLE = 500, 200
# a pixel wider or higher than that is a wrong number in the header
SAR_RANGE = (Fraction(1, 4), Fraction(4))
COMMON_RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")
)
DEFAULT_RATE = Fraction(25)
INTERLACED_ORDERS = frozenset({"tt", "bb", "tb", "bt"})
# codecs whose name differs from their decoder's
_CODECS = frozenset({*VIDEO_DECODERS.split(","), "flv1", "msmpeg4v3"})
_TEXT_CODECS = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"})
_HDR: dict[str, Literal["pq", "hlg"]] = {"smpte2084": "pq", "arib-std-b67": "hlg"}
_TOO_SMALL = "The picture is smaller than 16 pixels on a side. Export the recording in its full size."


def choose_video(probe: Probe) -> Row:
    """Answer the row of the first video track that holds pictures; covers and empty tracks do not count."""
    videos = [row for row in probe.streams if row.get("codec_type") == "video"]
    moving = [row for row in videos if not _is_cover(row)]
    if not probe.streams:
        raise Refused("corrupt")
    if not moving:
        raise Refused("still_image" if videos and not _has_audio(probe) else "no_video")
    filled = [row for row in moving if times_of((*probe.first, *probe.last), row["index"])]
    if not filled:
        raise Refused("too_short")
    return filled[0]


def check_video(row: Row) -> None:
    """Raise `Refused` for a stream that this program does not decode: its codec, its size, a still picture."""
    if row.get("codec_name") not in _CODECS:
        raise Refused("unsupported")
    if "Still Picture" in str(row.get("profile", "")):
        raise Refused("still_image")
    sides = int(row.get("width", 0)), int(row.get("height", 0))
    if min(sides) <= 0:
        raise Refused("corrupt")
    if max(sides) > SIDE_MAX:
        raise Refused("too_large")
    if min(sides) < SIDE_MIN:
        raise Refused("unsupported", _TOO_SMALL)


def video_stream(row: Row, probe: Probe, duration_s: float) -> VideoStream:
    """Answer the stream record; `interlaced` by the header alone."""
    times = times_of(probe.first, row["index"])
    declared_frames = int(row["nb_frames"]) if str(row.get("nb_frames", "")).isdigit() else None
    is_cut = row["index"] in probe.cut
    fps, is_vfr = find_rate(row, times, None if is_cut else declared_frames)
    rotation, mirrored = find_turn(row)
    sar = find_sar(row)
    turned = round(row["width"] * sar), int(row["height"])
    display = turned if rotation in {0, 180} else turned[::-1]
    pix_fmt = str(row.get("pix_fmt", "unknown"))
    transfer, matrix = row.get("color_transfer"), row.get("color_space")
    return VideoStream(
        index=row["index"],
        codec=row["codec_name"],
        profile=row.get("profile"),
        width=row["width"],
        height=row["height"],
        sar=sar,
        display_width=max(1, display[0]),
        display_height=max(1, display[1]),
        fps=fps,
        is_vfr=is_vfr,
        interlaced=row.get("field_order") in INTERLACED_ORDERS,
        rotation=rotation,
        mirrored=mirrored,
        pix_fmt=pix_fmt,
        bit_depth=find_depth(row),
        full_range=row.get("color_range") == "pc" or pix_fmt.startswith("yuvj"),
        transfer=None if transfer in {None, "unknown", "unspecified"} else str(transfer),
        hdr=_HDR.get(str(transfer)),
        start_s=start_of(row, times),
        duration_s=duration_s,
        frames=None if is_cut else declared_frames,
        matrix=None if matrix in {None, "unknown", "unspecified"} else str(matrix),
    )


def start_of(row: Row, times: Sequence[float]) -> float:
    """Answer when the first picture is shown, on the file's clock."""
    stated = seconds(row.get("start_time"))
    return stated if stated is not None else max(0.0, times[0]) if times else 0.0


def find_rate(row: Row, times: Sequence[float], frames: int | None) -> tuple[Fraction, bool]:
    """Answer pictures a second, and whether the rate varies, from the times of the first pictures.

    Headers lie (90000/1, 1000/1, twice the rate of fields), so a stated rate counts where the pictures bear it out
    within 3 %. `frames` over the declared duration shows a rate that varies later on.
    """
    stated = [rate for rate in (ratio(row.get("r_frame_rate")), ratio(row.get("avg_frame_rate"))) if rate]
    steps = [step for step in steps_of(times) if step > 0]
    if not steps:
        return next((snap_rate(rate) for rate in reversed(stated) if rate <= 240), DEFAULT_RATE), False
    usual = statistics.median(steps)
    # containers that count in milliseconds alternate 33, 34: that is a constant rate
    regular = [step for step in steps if abs(step - usual) <= max(0.15 * usual, 0.002)]
    duration_s = seconds(row.get("duration"))
    overall = frames / duration_s if frames and duration_s else 1 / usual
    if len(regular) < 0.9 * len(steps) or not 0.9 < overall * usual < 1.1:
        quick = sorted(steps)[len(steps) // 10]
        return snap_rate(Fraction(1 / quick).limit_denominator(1001)), True
    measured = 1 / statistics.fmean(regular)
    for rate in stated:
        if abs(float(rate) - measured) <= 0.03 * measured:
            return snap_rate(rate), False
    return snap_rate(Fraction(measured).limit_denominator(1001)), False


def snap_rate(rate: Fraction) -> Fraction:
    """Answer the usual rate that this one means: 2997/100 is 30000/1001, 24.99 is 25."""
    nearest = min(COMMON_RATES, key=lambda usual: abs(usual - rate))
    # half the distance between 30 and 30000/1001, so that neither becomes the other
    return nearest if abs(nearest - rate) <= nearest / 2002 else rate


def find_sar(row: Row) -> Fraction:
    """Answer the width of a pixel over its height; 1 when none is stated or it cannot be."""
    sar = ratio(row.get("sample_aspect_ratio")) or Fraction(1)
    return sar if SAR_RANGE[0] <= sar <= SAR_RANGE[1] else Fraction(1)


def find_turn(row: Row) -> tuple[Literal[0, 90, 180, 270], bool]:
    """Answer clockwise degrees to turn, and whether the display matrix mirrors (its determinant is negative)."""
    for side in row.get("side_data_list", []):
        if side.get("side_data_type") == "Display Matrix":
            degrees = seconds(side.get("rotation"))
            if degrees is None:
                continue
            numbers = [int(number) for number in re.findall(r"-?\d+(?!\d*:)", side.get("displaymatrix", ""))]
            mirrored = len(numbers) == 9 and numbers[0] * numbers[4] - numbers[1] * numbers[3] < 0
            # ffprobe counts against the clock
            return cast("Literal[0, 90, 180, 270]", round(-degrees / 90) * 90 % 360), mirrored
    return 0, False


def find_depth(row: Row) -> int:
    """Answer bits of a sample, by the pixel format's name (`yuv420p10le`), else by what the codec says."""
    named = re.search(r"(?:p|gray|gbrp|p0)(9|10|12|14|16)(?:le|be)$", str(row.get("pix_fmt", "")))
    if named:
        return int(named[1])
    raw = str(row.get("bits_per_raw_sample", ""))
    return int(raw) if raw.isdigit() and 8 <= int(raw) <= 16 else 8


def audio_streams(probe: Probe) -> tuple[AudioStream, ...]:
    """Answer the sound tracks that can be decoded; two mono ones that are the sides of one come as one."""
    return _joined_pairs(
        AudioStream(
            index=row["index"],
            codec=row["codec_name"],
            channels=int(row["channels"]),
            sample_rate=int(row["sample_rate"]),
            language=language_tag(row.get("tags", {}).get("language")),
            start_s=seconds(row.get("start_time")) or 0.0,
            role=role_of(row.get("tags", {}), row.get("disposition", {})),
        )
        for row in probe.streams
        if row.get("codec_type") == "audio" and is_readable_sound(row)
    )


def chapters_of(probe: Probe) -> tuple[Chapter, ...]:
    """Answer the file's chapters that have a title, in order."""
    found = []
    for row in probe.chapters[:MAX_CHAPTERS]:
        start_s, end_s = seconds(row.get("start_time")), seconds(row.get("end_time"))
        title = "".join(ch for ch in str(row.get("tags", {}).get("title", "")) if ch.isprintable()).strip()
        if title and start_s is not None and end_s is not None and end_s > start_s:
            found.append(Chapter(start_s, end_s, title[:LONGEST_TITLE]))
    return tuple(sorted(found, key=lambda chapter: chapter.start_s))


def _joined_pairs(found: Iterable[AudioStream]) -> tuple[AudioStream, ...]:
    """Join mono tracks, two by two, as professional recorders write stereo; an odd number of them is no stereo."""
    joined: list[AudioStream] = []
    for key, group in itertools.groupby(
        found, lambda one: (one.channels, one.codec, one.sample_rate, one.language, one.role)
    ):
        tracks = list(group)
        if key[0] == 1 and len(tracks) % 2 == 0:
            sides = zip(tracks[::2], tracks[1::2], strict=True)
            tracks = [replace(left, channels=2, pair_index=right.index) for left, right in sides]
        joined += tracks
    return tuple(joined)


def is_readable_sound(row: Row) -> bool:
    """Whether a sound track says what it is."""
    known = row.get("codec_name") not in {None, "none", "unknown"}
    return known and int(row.get("channels", 0)) > 0 and int(row.get("sample_rate", 0)) > 0


def subtitle_streams(probe: Probe) -> tuple[SubtitleStream, ...]:
    """Answer the text tracks and tracks of pictures of text."""
    return tuple(
        SubtitleStream(
            index=row["index"],
            codec=row["codec_name"],
            language=language_tag(row.get("tags", {}).get("language")),
            is_text=row["codec_name"] in _TEXT_CODECS,
        )
        for row in probe.streams
        if row.get("codec_type") == "subtitle" and row.get("codec_name")
    )


def _is_cover(row: Row) -> bool:
    disposition = row.get("disposition", {})
    return any(disposition.get(kind) for kind in ("attached_pic", "still_image", "timed_thumbnails"))


def _has_audio(probe: Probe) -> bool:
    return any(row.get("codec_type") == "audio" for row in probe.streams)
