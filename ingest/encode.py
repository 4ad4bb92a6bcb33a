"""Encode a recording into one fragmented MP4 for each rendition and sound track: one process, one decode.

Each rendition is scaled from the one above it. A fragment is a group of pictures, so that packaging can cut
segments anywhere on the grid of key frames. The command is described by ffmpeg-python and run by our runner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from config.ladder import AUDIO_RATE_HZ
from ingest.errors import Refused, ToolFailed
from ingest.ffmpeg import Limits, Progress, Watch, run_ffmpeg
from ingest.plan import OWN_CLOCK_HZ, AudioPlan, EncodePlan, Filter, RenditionPlan


@dataclass(frozen=True)
class Encoded:
    """The files of a finished encode, in the order of the plan's renditions and sound tracks."""

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
    """Encode `source` into the folder `out`; `on_progress` is told the fraction done.

    Raises `Refused` when not one picture can be decoded, `ToolFailed`, `Cancelled`.
    """

    def tell(progress: Progress) -> None:
        if on_progress is not None:
            on_progress(min(1.0, progress.out_time_s / plan.duration_s))

    watch = Watch(on_progress=tell, cancelled=cancelled)
    limits = Limits.for_duration(plan.duration_s)
    made = Encoded(
        video=tuple(out / f"{rendition.name}.mp4" for rendition in plan.renditions),
        audio=tuple(out / f"audio-{track.name}.mp4" for track in plan.audio),
    )
    try:
        run_ffmpeg(encode_arguments(plan), source=source, out=out, limits=limits, watch=watch)
    except ToolFailed as failure:
        largest = made.video[0]
        if failure.is_inputs_fault and not (largest.is_file() and largest.stat().st_size):
            raise Refused("corrupt") from failure
        raise
    return made


def encode_arguments(plan: EncodePlan) -> list[str]:
    """Return the ffmpeg command (without the program) that makes all of a plan's files."""
    source = ffmpeg.input("{source}")
    outputs = [*_video_outputs(source, plan), *(_audio_output(source, track, plan) for track in plan.audio)]
    # damaged pictures show in the length that is measured, and a sound that cannot be decoded is left out;
    # ffmpeg's own threshold would fail the whole recording for the sound
    arguments: list[str] = ffmpeg.merge_outputs(*outputs).global_args("-max_error_rate", "1").compile()[1:]
    return arguments


def _video_outputs(source: Any, plan: EncodePlan) -> Iterable[Any]:
    """Answer the outputs of the cascade: filtered once, then each rendition scaled from the one above."""
    picture = _through(source[str(plan.video_index)], plan.filters)
    for above, rendition in zip((None, *plan.renditions), plan.renditions, strict=False):
        if above is not None:
            picture = picture.filter("scale", w=rendition.width, h=rendition.height, flags="bicubic")
        shown = picture
        if rendition is not plan.renditions[-1]:
            split = picture.split()
            shown, picture = split[0], split[1]
        yield ffmpeg.output(shown, f"{{out}}/{rendition.name}.mp4", **_video_options(plan, rendition))


def _video_options(plan: EncodePlan, rendition: RenditionPlan) -> dict[str, str | int]:
    grid = plan.key_frame_s
    options: dict[str, str | int] = {
        **_muxing(),
        "c:v": "libx264",
        "preset": plan.preset,
        "profile:v": "high",
        "crf": rendition.crf,
        "maxrate": f"{rendition.cap_kbps}k",
        # a second or two of the cap: no group of pictures can exceed it by much
        "bufsize": f"{rendition.buffer_kbit}k",
        "bf": plan.b_frames,
        # key frames where the grid says and nowhere else, the same in all renditions: the first picture at or
        # after each grid line (1 ms early is on it), one only where a recording stands still over several
        "force_key_frames": f"expr:isnan(prev_forced_t)"
        f"+gt(floor((t+0.001)/{grid}),floor((prev_forced_t+0.001)/{grid}))",
        "forced-idr": 1,
        "g": 9999,
        "sc_threshold": 0,
        "flags": "+cgop",
        # captions inside the pictures would be in no playlist and could name a patient
        "a53cc": 0,
        # delay_moov: the edit list takes the B-frame delay back, so that the first picture is at zero
        "movflags": "+empty_moov+default_base_moof+delay_moov+frag_keyframe+skip_trailer",
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


def _audio_output(source: Any, track: AudioPlan, plan: EncodePlan) -> Any:
    options: dict[str, str | int] = {
        **_muxing(),
        "c:a": "aac",
        "b:a": f"{track.kbps}k",
        "ar": AUDIO_RATE_HZ,
        # the encoder's first packet is 1024 samples of nothing from before zero: without it sound starts at
        # zero for every player, also for those that read no edit list
        "bsf:a": r"noise=drop=eq(n\,0)",
        "use_editlist": 0,
        "movflags": "+cmaf+skip_trailer",
        "frag_duration": plan.key_frame_s * 1_000_000,
        # a graph of its own: in one graph with the pictures these would be held in memory until sound comes
        "af": ",".join(_spelled(step) for step in track.filters),
    }
    return ffmpeg.output(source[str(track.stream_index)], f"{{out}}/audio-{track.name}.mp4", **options)


def _muxing() -> dict[str, str | int]:
    """Return what all outputs share: nothing of the recording's own tags, chapters or dates is copied."""
    return {"f": "mp4", "map_metadata": -1, "map_chapters": -1, "fflags": "+bitexact", "brand": "cmfc"}


def _spelled(step: Filter) -> str:
    """Return a filter as one chain writes it; no option of ours holds a character that is special there."""
    return f"{step.name}=" + ":".join(f"{key}={value}" for key, value in step.options)


def _through(stream: Any, filters: Iterable[Filter]) -> Any:
    for step in filters:
        stream = stream.filter(step.name, **dict(step.options))
    return stream
