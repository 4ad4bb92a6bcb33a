"""What will be made of a recording, decided from its inspection alone: no files, no processes, no clock.

The picture keeps its own size on top (never larger), its own rate up to 60 frames a second, and its shape:
pixels become square, odd sizes gain one row or column, nothing is stretched. A recording of variable rate
keeps its timestamps. Everything starts at zero, which is the first picture, or the sound where that begins
earlier: the first picture then stands until the second comes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from config.ladder import (
    AUDIO_KBPS,
    AUDIO_RATE_HZ,
    CHUNK_S,
    KEY_FRAME_S,
    LADDER,
    LARGEST_STEP,
    LEAST_TOP_KBPS,
    MAX_AUDIO_TRACKS,
    MAX_FPS,
    MAX_SIDE_PX,
    SEGMENT_S,
    X264_PRESET,
    Rung,
)
from ingest.chunks import WHOLE, Span, cut_evenly
from ingest.filters import Filter, even_up, filter_of, picture_filters
from ingest.inspection import AudioStream, Inspection, VideoStream

# Below this rate a B-frame would delay decoding by seconds.
SLOW_FPS = 10
# ffprobe's names of MPEG transport and program streams
JUMPING_FORMATS = frozenset({"mpegts", "mpeg"})
# containers (as ffprobe names them) and codecs of which a chunk can be decoded alone
ENTERED_FORMATS = ("mov,", "matroska,", "mpegts", "mpeg", "asf", "flv", "mxf", "dv")
INTRA_CODECS = frozenset({"mjpeg", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "v210", "prores"})
# BCP 47: no language
SILENCE = "zxx"
POSTER_AT = 0.10
TILE_PX = 160
SHEET_COLUMNS = 10
MOST_TILES = 200


@dataclass(frozen=True)
class RenditionPlan:
    """One level; `name` is `<height>p`, `cap_kbps` its ceiling, `crf` its quality, unless it is `copied`.

    `buffer_kbit` is how far the ceiling may be exceeded for a moment.
    """

    name: str
    width: int
    height: int
    fps: Fraction
    cap_kbps: int
    crf: int
    buffer_kbit: int
    copied: bool = False


@dataclass(frozen=True)
class AudioPlan:
    """One sound track: `name` is its folder, `filters` bring it onto the video's clock and length.

    `pair_index` is the stream of its right side, where each side is a stream of its own. Of its `role` narration is
    made to be heard, room sound is there to be chosen, silence is what is heard by itself where all else is room sound.
    """

    name: str
    language: str
    stream_index: int
    kbps: int
    filters: tuple[Filter, ...]
    role: str = "narration"
    pair_index: int | None = None


@dataclass(frozen=True)
class StoryboardPlan:
    """The grid of small pictures: tile size in pixels, tiles a row, at most one tile every `interval_s`."""

    tile_width: int
    tile_height: int
    columns: int
    interval_s: int


@dataclass(frozen=True)
class EncodePlan:
    """Everything that encoding, packaging and pictures need to know.

    `renditions` has the largest first; each is scaled from the one before it. `filters` make the largest and do not
    touch its times (`timing` does). With `own_clock` the pictures keep the timestamps they came with; else they are at
    exactly `fps`; `thinned` says that there are more than a player takes. Our zero is at `zero_s` on the clock that
    ffmpeg reads: the file's own with `file_clock`, else shifted to start at zero. Of `duration_s` the first `lead_s`
    are sound that begins before the pictures. `spans` are the chunks; one means that all is made at once.
    """

    video_index: int
    filters: tuple[Filter, ...]
    renditions: tuple[RenditionPlan, ...]
    audio: tuple[AudioPlan, ...]
    fps: Fraction
    own_clock: bool
    b_frames: int
    preset: str
    key_frame_s: int
    segment_s: int
    duration_s: float
    lead_s: float
    poster_s: float
    storyboard: StoryboardPlan
    tune: str | None = None
    thinned: bool = False
    zero_s: float = 0.0
    file_clock: bool = False
    spans: tuple[Span, ...] = (WHOLE,)
    chunk_s: float = CHUNK_S
    warnings: tuple[str, ...] = ()

    @property
    def copies(self) -> bool:
        """Whether the largest rendition is the recording's own stream, copied."""
        return self.renditions[0].copied

    @property
    def encoded(self) -> tuple[RenditionPlan, ...]:
        """The renditions that are encoded."""
        return self.renditions[1:] if self.copies else self.renditions

    @property
    def is_chunked(self) -> bool:
        """Whether its chunks are made one by one."""
        return len(self.spans) > 1


def plan(
    inspection: Inspection,
    ladder: Sequence[Rung] = LADDER,
    *,
    can_tone_map: bool = True,
    chunk_s: float = math.inf,
    cut_over_s: float = math.inf,
    file_clock: bool = False,
) -> EncodePlan:
    """Decide what is made of a recording; `can_tone_map` is false where ffmpeg lacks zscale and tonemap.

    With `file_clock` times are the file's own even where it is not cut.
    What is clearly longer than `chunk_s`, or longer than `cut_over_s`, is cut into chunks of that length at most, if
    its container can be entered.
    """
    video = inspection.video
    fps = capped_fps(video.fps)
    renditions = _renditions(video, fps, sorted(ladder, key=lambda rung: rung.height))
    top = renditions[0]
    sounds = _choose_sounds(inspection)
    lead_s = _lead_s(inspection, sounds.values(), fps)
    duration_s = inspection.duration_s + lead_s
    is_cut = duration_s > min(1.5 * chunk_s, cut_over_s) and can_be_entered(inspection)
    spans = cut_evenly(duration_s, chunk_s) if is_cut else (WHOLE,)
    has_file_clock = file_clock or len(spans) > 1
    taken_off_s = 0.0 if has_file_clock else _clock_start_s(inspection, sounds.values())
    zero_s = round(video.start_s - lead_s - taken_off_s, 6)
    return EncodePlan(
        video_index=video.index,
        filters=tuple(picture_filters(video, (top.width, top.height), can_tone_map=can_tone_map)),
        renditions=renditions,
        audio=_audio(sounds, zero_s, duration_s),
        fps=fps,
        own_clock=video.is_vfr,
        b_frames=0 if video.is_vfr or fps < SLOW_FPS else 3,
        preset=X264_PRESET,
        key_frame_s=KEY_FRAME_S,
        segment_s=SEGMENT_S,
        duration_s=duration_s,
        lead_s=lead_s,
        poster_s=duration_s * POSTER_AT,
        storyboard=_storyboard(top, duration_s),
        thinned=video.is_vfr and video.fps > MAX_FPS,
        zero_s=zero_s,
        file_clock=has_file_clock,
        spans=spans,
        chunk_s=chunk_s,
        warnings=_warnings(inspection, can_tone_map=can_tone_map),
    )


def can_be_entered(inspection: Inspection) -> bool:
    """Whether decoding can start in the middle: the container has times for its pictures and can be searched."""
    container, codec = inspection.container, inspection.video.codec
    if container == "avi":  # which has no times: they are counted from the start, and reordered pictures miscounted
        return codec in INTRA_CODECS
    return any(container.startswith(name) for name in ENTERED_FORMATS)


def capped_fps(fps: Fraction) -> Fraction:
    """Return the rate to encode: the recording's own; above 60 an even part of it (100 -> 50), else 60."""
    if fps <= MAX_FPS:
        return fps
    part = fps / math.ceil(fps / MAX_FPS)
    return part if part >= 40 else Fraction(MAX_FPS)


def _renditions(video: VideoStream, fps: Fraction, ladder: Sequence[Rung]) -> tuple[RenditionPlan, ...]:
    """Return the recording's own size (padded to even), then every rung that is clearly smaller."""
    width, height = _top_size(video, ladder[-1].height)
    width, height = even_up(width), even_up(height)
    short = min(width, height)
    above = next((rung for rung in ladder if rung.height >= short), ladder[-1])
    # a size between two rungs takes the bits of the rung above by its share of the pixels
    cap_kbps = round(above.cap_kbps * min(1.0, short / above.height) ** 2)
    sizes = [(width, height, replace(above, cap_kbps=max(cap_kbps, LEAST_TOP_KBPS), buffer_s=2.0))]
    for rung in reversed(ladder):
        if rung.height <= short * LARGEST_STEP:
            share = Fraction(rung.height, short)
            sizes.append((_even(width * share), _even(height * share), rung))
    return tuple(_rendition(*size, fps) for size in sizes)


def _rendition(width: int, height: int, rung: Rung, fps: Fraction) -> RenditionPlan:
    """Return a rung at that size; above 31 pictures a second it may take half as much again, but for the smallest."""
    cap_kbps = int(rung.cap_kbps * (Fraction(3, 2) if fps > 31 and rung.buffer_s > 1 else 1))
    return RenditionPlan(f"{height}p", width, height, fps, cap_kbps, rung.crf, round(cap_kbps * rung.buffer_s))


def _top_size(video: VideoStream, tallest_px: int) -> tuple[int, int]:
    """Return the displayed size, brought down to the tallest rung and to what browsers' decoders take."""
    width, height = video.display_width, video.display_height
    share = min(Fraction(1), Fraction(tallest_px, min(width, height)), Fraction(MAX_SIDE_PX, max(width, height)))
    if share == 1:
        return width, height
    return _even(width * share), _even(height * share)


def _even(length_px: Fraction) -> int:
    """Return the nearest even number of pixels, at least 2."""
    return max(2, 2 * round(length_px / 2))


def _clock_start_s(inspection: Inspection, sounds: Iterable[AudioStream]) -> float:
    """Return what ffmpeg takes off all times: the start of the earliest stream, be it one that nobody asked for.

    In formats whose clock may jump it counts the streams in use alone (`ffmpeg_demux.c`, TS_DISCONT).
    """
    if inspection.container in JUMPING_FORMATS:
        return min(inspection.video.start_s, *(sound.start_s for sound in sounds), math.inf)
    return inspection.clock_start_s


def _lead_s(inspection: Inspection, sounds: Iterable[AudioStream], fps: Fraction) -> float:
    """Return how long sound is heard before the pictures start, in whole pictures, so that none of it is lost.

    A lead longer than the recording is a broken clock, not sound.
    """
    start_s = inspection.video.start_s
    lead_s = start_s - min(start_s, *(sound.start_s for sound in sounds), math.inf)
    if lead_s > inspection.duration_s:
        return 0.0
    return lead_s if inspection.video.is_vfr else float(math.floor(lead_s * fps + 0.01) / fps)


def _choose_sounds(inspection: Inspection) -> dict[str, AudioStream]:
    """Return one track for each language and role by the name of its folder, narration first.

    Tracks that name no language are all kept.
    """
    chosen: dict[str, AudioStream] = {}
    for stream in sorted(inspection.audio, key=lambda one: one.role != "narration"):
        language = re.sub(r"[^A-Za-z0-9-]", "", stream.language) or "und"
        first = language if stream.role == "narration" else f"{language}-{stream.role}"
        name, twin = first, 2
        while language == "und" and name in chosen:
            name, twin = f"{first}-{twin}", twin + 1
        if name not in chosen and len(chosen) < MAX_AUDIO_TRACKS:
            chosen[name] = stream
    return chosen


def _audio(sounds: Mapping[str, AudioStream], zero_s: float, duration_s: float) -> tuple[AudioPlan, ...]:
    filters = _audio_filters(zero_s, duration_s)
    tracks = [
        AudioPlan(
            name,
            "und" if name.startswith("und") else name.removesuffix("-room"),
            stream.index,
            AUDIO_KBPS,
            filters,
            role=stream.role,
            pair_index=stream.pair_index,
        )
        for name, stream in sounds.items()
    ]
    if tracks and tracks[0].role == "room":
        silence = replace(tracks[0], name=SILENCE, language=SILENCE, role="silence", pair_index=None)
        tracks.insert(0, replace(silence, filters=(filter_of("volume", volume=0), *filters)))
    return tuple(tracks)


def _audio_filters(zero_s: float, duration_s: float) -> tuple[Filter, ...]:
    """Return what brings sound onto the video's clock: cut before its start, silence in gaps, its length."""
    shift = [filter_of("asetpts", expr=f"round(PTS-{zero_s:.6f}/TB)"), filter_of("atrim", start="0")] if zero_s else []
    return (
        *shift,
        # async=1 fills gaps and cuts overlaps by the timestamps, but never stretches sound
        filter_of("aresample", osr=AUDIO_RATE_HZ, **{"async": 1, "first_pts": 0}),
        filter_of("aformat", sample_fmts="fltp", channel_layouts="stereo"),
        filter_of("apad", whole_dur=f"{duration_s:.6f}"),
        filter_of("atrim", end=f"{duration_s:.6f}"),
    )


def _storyboard(top: RenditionPlan, duration_s: float) -> StoryboardPlan:
    """Return a grid of at most 200 tiles at key frames, each fitting 160 x 160 pixels."""
    share = Fraction(TILE_PX, max(top.width, top.height))
    key_frames = max(1, math.ceil(duration_s / KEY_FRAME_S))
    return StoryboardPlan(
        tile_width=_even(top.width * share),
        tile_height=_even(top.height * share),
        columns=min(SHEET_COLUMNS, key_frames),
        interval_s=KEY_FRAME_S * math.ceil(key_frames / MOST_TILES),
    )


def _warnings(inspection: Inspection, *, can_tone_map: bool) -> tuple[str, ...]:
    found = list(inspection.warnings)
    if inspection.video.hdr and not can_tone_map:
        found.append("The recording is HDR and this ffmpeg cannot tone-map: its colours will look pale.")
    if len(inspection.audio) > MAX_AUDIO_TRACKS:
        found.append(f"Of {len(inspection.audio)} sound tracks the first {MAX_AUDIO_TRACKS} are kept.")
    return tuple(found)
