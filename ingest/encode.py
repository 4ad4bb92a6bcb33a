"""Encode a recording into one fragmented MP4 for each rendition and sound track: one process, one decode.

Each rendition is scaled from the one above it. A fragment is a group of pictures, so that packaging can cut
segments anywhere on the grid of key frames. The command is described by ffmpeg-python and run by our runner.
A chunk is entered at a key frame well before it, on the file's own clock; sound is encoded in one run from end to end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from config.ladder import AUDIO_RATE_HZ
from ingest.chunks import EARLY_S, Span
from ingest.errors import IngestError, Refused, ToolFailed
from ingest.ffmpeg import Limits, Progress, Watch, run_ffmpeg
from ingest.filters import Filter, spelled
from ingest.plan import AudioPlan, EncodePlan, RenditionPlan
from ingest.timing import OWN_CLOCK_HZ, entry_filters, time_filters

# How much earlier than a chunk's start decoding begins: where an index leads to key frames, and where it does not
# (transport streams are searched by time, and decode from the next key frame on).
ENTER_EARLIER_S, ENTER_UNLED_EARLIER_S = 2.0, 12.0
UNLED_FORMATS = frozenset({"mpegts", "mpeg", "asf", "mxf"})


class CopyUnsound(IngestError):
    """Pictures that were to be copied cannot be decoded without a fault: this recording has to be encoded whole."""

    may_retry = False

    def __init__(self) -> None:
        super().__init__("tool_failed", "The recording has damaged pictures, which cannot be copied.")


@dataclass(frozen=True)
class Encoded:
    """The files of a finished encode, in the order of the plan's encoded renditions and sound tracks."""

    video: tuple[Path, ...]
    audio: tuple[Path, ...]


def encode(
    source: Path,
    plan: EncodePlan,
    out: Path,
    *,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Encoded:
    """Encode all of `source` into the folder `out`; `on_progress` is told the fraction done.

    Raises `Refused` when not one picture can be decoded, `CopyUnsound`, `ToolFailed`, `Cancelled`.
    """
    made = Encoded(
        video=tuple(out / f"{rendition.name}.mp4" for rendition in plan.encoded),
        audio=tuple(out / f"audio-{track.name}.mp4" for track in plan.audio),
    )
    watch = watch_for(plan.duration_s, on_progress, cancelled)
    limits = Limits.for_duration(plan.duration_s, kbps=_most_kbps(plan))
    _run(encode_arguments(plan), source, plan, out, limits, watch)
    return made


def encode_chunk(
    source: Path,
    plan: EncodePlan,
    span: Span,
    out: Path,
    watch: Watch,
    *,
    earlier_s: float | None,
) -> tuple[Path, ...]:
    """Encode the pictures of one chunk, decoding from `earlier_s` before it on, or from the very start.

    Raises as `encode` does; a chunk without any picture leaves files without any.
    """
    length_s = span.length_s(plan.duration_s)
    entered_s = plan.zero_s + span.start_s - earlier_s if earlier_s is not None else None
    decoded_s = length_s + (earlier_s if earlier_s is not None else span.start_s)
    limits = Limits.for_duration(decoded_s, kbps=_most_kbps(plan))
    _run(chunk_arguments(plan, span, entered_s), source, plan, out, limits, watch)
    return tuple(out / f"{rendition.name}.mp4" for rendition in plan.encoded)


def encode_sound(
    source: Path,
    plan: EncodePlan,
    out: Path,
    *,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    only_s: float | None = None,
) -> tuple[Path, ...]:
    """Encode every sound track from end to end, or its beginning alone. Raises `ToolFailed`, `Cancelled`."""
    watch = watch_for(plan.duration_s, on_progress, cancelled)
    run_ffmpeg(
        sound_arguments(plan, only_s), source=source, out=out, limits=Limits.for_duration(plan.duration_s), watch=watch
    )
    return tuple(out / f"audio-{track.name}.mp4" for track in plan.audio)


def ways_in(plan: EncodePlan, span: Span, container: str) -> tuple[float | None, ...]:
    """Return how much before a chunk to enter the file, the cheapest first; None is the file's start."""
    if span.start_s == 0:
        return (None,)
    # pictures that are shown in another order than decoded are up to this many apart
    shuffled_s = float(20 / plan.fps)
    first_s = ENTER_UNLED_EARLIER_S if container in UNLED_FORMATS else ENTER_EARLIER_S
    found = (max(first_s, shuffled_s), max(5 * first_s, 2 * shuffled_s))
    return (*(early_s for early_s in found if early_s < span.start_s), None)


def encode_arguments(plan: EncodePlan) -> list[str]:
    """Return the ffmpeg command (without the program) that makes all of a plan's files."""
    source = ffmpeg.input("{source}")
    outputs = [
        *_video_outputs(source, plan, plan.spans[0]),
        *(_audio_output(source, track, plan) for track in plan.audio),
    ]
    return _compiled(outputs, is_strict=plan.copies)


def chunk_arguments(plan: EncodePlan, span: Span, entered_s: float | None) -> list[str]:
    """Return the command that encodes the pictures of one chunk, entering the file at that time of its clock."""
    entry: dict[str, str | int | None] = {}
    if entered_s is not None:
        # to the last key frame before; what is decoded too early is dropped by its time (entry_filters)
        entry = {"seek_timestamp": 1, "noaccurate_seek": None, "ss": f"{entered_s:.6f}"}
    source = ffmpeg.input("{source}", **entry)
    return [
        "-copyts",
        *_compiled(_video_outputs(source, plan, span, is_entered=entered_s is not None), is_strict=plan.copies),
    ]


def sound_arguments(plan: EncodePlan, only_s: float | None = None) -> list[str]:
    """Return the command that encodes all sound tracks of a recording whose pictures are made in chunks."""
    source = ffmpeg.input("{source}")
    return ["-copyts", *_compiled([_audio_output(source, track, plan, only_s) for track in plan.audio])]


def muxing() -> dict[str, str | int]:
    """Return what all outputs share: nothing of the recording's own tags, chapters or dates is copied."""
    return {"f": "mp4", "map_metadata": -1, "map_chapters": -1, "fflags": "+bitexact", "brand": "cmfc"}


def sound_options(kbps: int, fragment_s: int) -> dict[str, str | int]:
    """Return how a track of sound is encoded, in fragments of that length."""
    return {
        "c:a": "aac",
        "b:a": f"{kbps}k",
        "ar": AUDIO_RATE_HZ,
        # the encoder's first packet is 1024 samples of nothing from before zero: without it sound starts at
        # zero for every player, also for those that read no edit list
        "bsf:a": r"noise=drop=eq(n\,0)",
        "use_editlist": 0,
        "movflags": "+cmaf+skip_trailer",
        "frag_duration": fragment_s * 1_000_000,
    }


def _most_kbps(plan: EncodePlan) -> int:
    return max(one.cap_kbps for one in plan.renditions)


def _compiled(outputs: Iterable[Any], *, is_strict: bool = False) -> list[str]:
    # damaged pictures show in the length that is measured, and a sound that cannot be decoded is left out;
    # ffmpeg's own threshold would fail the whole recording for the sound
    strictness = ["-max_error_rate", "1"]
    if is_strict:
        # what is wrong with the pictures would reach every player: then they are not copied
        strictness = ["-xerror"]
    arguments: list[str] = ffmpeg.merge_outputs(*outputs).global_args(*strictness).compile()[1:]
    return arguments


def _run(arguments: list[str], source: Path, plan: EncodePlan, out: Path, limits: Limits, watch: Watch) -> None:
    try:
        run_ffmpeg(arguments, source=source, out=out, limits=limits, watch=watch)
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
        if plan.copies:
            raise CopyUnsound from failure
        largest = out / f"{plan.encoded[0].name}.mp4"
        if not (largest.is_file() and largest.stat().st_size):
            raise Refused("corrupt") from failure
        raise


def watch_for(
    length_s: float,
    on_progress: Callable[[float], None] | None,
    cancelled: Callable[[], bool] | None,
    *,
    start_s: float = 0.0,
) -> Watch:
    """Return a watch that tells which share of `length_s` from `start_s` on is done."""

    def tell(progress: Progress) -> None:
        if on_progress is not None:
            on_progress(min(1.0, max(0.0, progress.out_time_s - start_s) / length_s))

    return Watch(on_progress=tell, cancelled=cancelled)


def _video_outputs(source: Any, plan: EncodePlan, span: Span, *, is_entered: bool = False) -> Iterable[Any]:
    """Answer the outputs of the cascade: filtered once, then each rendition scaled from the one above."""
    steps = (*(entry_filters(plan, span) if is_entered else ()), *plan.filters, *time_filters(plan, span))
    picture = through(source[str(plan.video_index)], steps)
    top = plan.renditions[0]
    for rendition in plan.encoded:
        if rendition is not top:
            picture = picture.filter("scale", w=rendition.width, h=rendition.height, flags="bicubic")
        shown = picture
        if rendition is not plan.encoded[-1]:
            split = picture.split()
            shown, picture = split[0], split[1]
        yield ffmpeg.output(shown, f"{{out}}/{rendition.name}.mp4", **_video_options(plan, rendition, span))


def _video_options(plan: EncodePlan, rendition: RenditionPlan, span: Span) -> dict[str, str | int]:
    options: dict[str, str | int] = {
        **muxing(),
        "c:v": "libx264",
        "preset": plan.preset,
        "profile:v": "high",
        "crf": rendition.crf,
        "maxrate": f"{rendition.cap_kbps}k",
        # a second or two of the cap: no group of pictures can exceed it by much
        "bufsize": f"{rendition.buffer_kbit}k",
        "bf": plan.b_frames,
        # key frames where the grid says and nowhere else, the same in all renditions
        "force_key_frames": _key_frames(plan, span),
        "forced-idr": 1,
        "g": 9999,
        "sc_threshold": 0,
        "flags": "+cgop",
        # captions inside the pictures would be in no playlist and could name a patient
        "a53cc": 0,
        # delay_moov: the edit list takes the B-frame delay back, so that the first picture is at zero;
        # frag_discont: a chunk's times count from the package's zero
        "movflags": "+empty_moov+default_base_moof+delay_moov+frag_keyframe+skip_trailer+frag_discont",
        # the bit rate of the first fragment would make each chunk's init segment another one
        "write_btrt": 0,
        # the filters have decided which picture is shown when
        "fps_mode": "vfr" if plan.own_clock else "passthrough",
    }
    if plan.tune is not None:
        options["tune"] = plan.tune
    if plan.own_clock:
        # without these x264 counts in a guessed constant rate and moves pictures onto it
        options["enc_time_base"] = f"1:{OWN_CLOCK_HZ}"
        options["video_track_timescale"] = OWN_CLOCK_HZ
        options["x264-params"] = f"fps={plan.fps.numerator}/{plan.fps.denominator}"
    return options


def _key_frames(plan: EncodePlan, span: Span) -> str:
    """Return the times of key frames: of the copied rendition, else the first picture at or after each grid line.

    A picture 1 ms early is on it; one key frame only where a recording stands still over several.
    """
    if span.keys_s:
        ends = [span.end_s] if span.end_s is not None else []
        return ",".join(f"{max(0.0, key_s - EARLY_S):.6f}" for key_s in (*span.keys_s, *ends))
    grid = plan.key_frame_s
    return f"expr:isnan(prev_forced_t)+gt(floor((t+{EARLY_S})/{grid}),floor((prev_forced_t+{EARLY_S})/{grid}))"


def _audio_output(source: Any, track: AudioPlan, plan: EncodePlan, only_s: float | None = None) -> Any:
    options = {**muxing(), **sound_options(track.kbps, plan.key_frame_s)}
    if only_s is not None:
        options["t"] = f"{only_s:.3f}"
    path = f"{{out}}/audio-{track.name}.mp4"
    if track.pair_index is not None:
        sides = [source[str(track.stream_index)], source[str(track.pair_index)]]
        return ffmpeg.output(
            through(ffmpeg.filter(sides, "join", inputs=2, channel_layout="stereo"), track.filters), path, **options
        )
    # a graph of its own: in one graph with the pictures these would be held in memory until sound comes
    options["af"] = ",".join(spelled(step) for step in track.filters)
    return ffmpeg.output(source[str(track.stream_index)], path, **options)


def through(stream: Any, filters: Iterable[Filter]) -> Any:
    """Send a stream of ffmpeg-python through these filters."""
    for step in filters:
        stream = stream.filter(step.name, **dict(step.options))
    return stream
