"""DICOM recordings: what they are, and their pictures as lossless videos that go the way of any other.

A cine's frames are rendered as a viewer would (`dicom_run`), laid on a constant rate (`dicom_reel`) and piped to
ffmpeg one at a time, so that memory holds some frames whatever the file claims; a packed study is its runs one after
another; a video inside DICOM is only unwrapped (`dicom_video`). Messages and outputs carry no text of the file: only
its numbers, and names of the standard.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from ingest.dicom_choices import NATIVE, Choices, RunChoices
from ingest.dicom_facts import DicomFacts, Guess, RunFacts
from ingest.dicom_header import OpenRecording, integer_of, is_dicom, open_recording, value_of
from ingest.dicom_kinds import burned_in, modality_of, refuse_other_kinds, standard_name
from ingest.dicom_reel import Canvas, Reel, lay_out, view_pictures
from ingest.dicom_study import open_study
from ingest.dicom_time import Timeline, read_timeline
from ingest.dicom_video import is_video, unwrap_video
from ingest.ffmpeg import Limits, Watch, run_ffmpeg
from ingest.inspect import inspect
from ingest.inspection import Inspection, VideoStream

__all__ = ["Converted", "DicomFacts", "convert_cine", "convert_views", "inspect_cine", "is_dicom"]

_CODEC_NAMES = {
    "1.2.840.10008.1.2.5": "rle",
    "1.2.840.10008.1.2.4.50": "jpeg",
    "1.2.840.10008.1.2.4.51": "jpeg",
    "1.2.840.10008.1.2.4.57": "jpeg_lossless",
    "1.2.840.10008.1.2.4.70": "jpeg_lossless",
    "1.2.840.10008.1.2.4.80": "jpeg_ls",
    "1.2.840.10008.1.2.4.81": "jpeg_ls",
    "1.2.840.10008.1.2.4.90": "jpeg2000",
    "1.2.840.10008.1.2.4.91": "jpeg2000",
}
_RATE_TOLERANCE = 0.02
_DISAGREE = "The header and the video inside disagree about the rate; the video's own is used."
_NO_CHOICES: Choices = {}


@dataclass(frozen=True)
class Converted:
    """A recording as videos, one for each view (the native one first), and its facts with what had to be estimated."""

    videos: Mapping[str, Path]
    facts: DicomFacts | None


def inspect_cine(path: Path, choices: Choices = _NO_CHOICES) -> Inspection:
    """Look at a DICOM file or a packed study without decoding pictures; raise Refused for what cannot be accepted."""
    study = open_study(path)
    if not study.is_packed:
        with open_recording(path) as recording:
            refuse_other_kinds(recording)
            if is_video(recording.syntax):
                return _inspect_video(recording, choices)
    reel = lay_out(study, choices)
    return _inspection(reel, path.stat().st_size)


def convert_views(
    path: Path, folder: Path, choices: Choices = _NO_CHOICES, *, cancelled: Callable[[], bool] | None = None
) -> Converted:
    """Write every view of a DICOM recording to `folder` as a video of constant rate.

    A cine becomes FFV1 (lossless), grey or RGB in full range, its pixel aspect stated; nothing is turned, cut
    or scaled unless the runs of a study differ in size. Raises Refused, ToolFailed, Cancelled.
    """
    study = open_study(path)
    if not study.is_packed:
        with open_recording(path) as recording:
            refuse_other_kinds(recording)
            if is_video(recording.syntax):
                fps = _video_timeline(recording, choices).mean_fps
                return Converted({NATIVE: unwrap_video(recording, fps, folder, watch=Watch(cancelled=cancelled))}, None)
    reel = lay_out(study, choices, folder, estimate=True)
    videos = {view: _write_view(reel, view, folder, cancelled) for view in reel.views}
    return Converted(videos, _facts(reel))


def convert_cine(path: Path, folder: Path, *, cancelled: Callable[[], bool] | None = None) -> Path:
    """Write the native view of a DICOM recording to `folder` and return it; as `convert_views` otherwise."""
    return convert_views(path, folder, cancelled=cancelled).videos[NATIVE]


def _write_view(reel: Reel, view: str, folder: Path, cancelled: Callable[[], bool] | None) -> Path:
    pictures = view_pictures(reel, view, folder, cancelled)
    # FFV1 of a frame takes a tenth of a second at the worst; the length says nothing of the size
    limits = Limits.for_duration(reel.duration_s + sum(map(sum, reel.repeats)) / 10)
    name = f"{view}.mkv"
    arguments = _encode_arguments(reel.canvas, reel.fps, name)
    run_ffmpeg(arguments, source=None, out=folder, limits=limits, watch=Watch(cancelled=cancelled), feed=pictures)
    return folder / name


def _encode_arguments(canvas: Canvas, rate: Fraction, name: str) -> list[str]:
    stored, coded = ("gray", "gray") if canvas.is_grey else ("rgb24", "bgr0")
    aspect = canvas.aspect
    return [
        *("-f", "rawvideo", "-pixel_format", stored, "-video_size", f"{canvas.columns}x{canvas.rows}"),
        *("-framerate", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0"),
        # full range is said in the file, so that whoever scales to limited range maps black to 16
        *("-vf", f"setsar={aspect.numerator}/{aspect.denominator},format={coded}", "-color_range", "pc"),
        *("-c:v", "ffv1", "-level", "3", "-slicecrc", "1", "-g", "1"),
        *("-map_metadata", "-1", "-fflags", "+bitexact", f"{{out}}/{name}"),
    ]


def _inspection(reel: Reel, size: int) -> Inspection:
    facts = _facts(reel)
    return Inspection(
        container="dicom",
        video=_video_stream(reel, facts),
        audio=(),
        subtitles=(),
        duration_s=reel.duration_s,
        bytes=size,
        dicom=facts,
        warnings=facts.warnings(),
    )


def _inspect_video(recording: OpenRecording, choices: Choices) -> Inspection:
    """Take the video out and look at it as at any other; the header's rate is checked against it."""
    timeline = _video_timeline(recording, choices)
    with tempfile.TemporaryDirectory() as folder:
        video = unwrap_video(recording, timeline.mean_fps, Path(folder))
        found = inspect(video)
    guesses: tuple[str, ...] = ()
    if timeline.source == "assumed":
        timeline = replace(timeline, source="video stream", fps=found.video.fps)
    elif timeline.source != "editor" and abs(float(found.video.fps / timeline.mean_fps) - 1) > _RATE_TOLERANCE:
        guesses = (_DISAGREE,)
        timeline = replace(timeline, source="video stream", fps=found.video.fps)
    facts = _video_facts(recording, timeline, guesses)
    return replace(
        found, container="dicom", bytes=recording.bytes, dicom=facts, warnings=(*found.warnings, *facts.warnings())
    )


def _video_timeline(recording: OpenRecording, choices: Choices) -> Timeline:
    frames = max(integer_of(recording.header, "NumberOfFrames", 1), 1)
    return read_timeline(recording.header, frames, fps=choices.get("1", RunChoices()).fps)


def _video_facts(recording: OpenRecording, timeline: Timeline, guesses: tuple[str, ...]) -> DicomFacts:
    frames, fps = len(timeline.starts_ms), float(timeline.mean_fps)
    run = RunFacts(
        number=1,
        frames=frames,
        shown=(1, frames),
        fps=fps,
        is_constant=True,
        times_ms=(),
        rate_source=timeline.source,
        window=None,
        has_subtraction=False,
        positioner_deg=None,
        guesses=tuple(Guess("rate", round(fps, 4), sentence) for sentence in guesses),
        duration_s=frames / fps,
    )
    return DicomFacts(
        modality=modality_of(recording),
        sop_class=standard_name(value_of(recording.header, "SOPClassUID")),
        transfer_syntax=standard_name(recording.syntax),
        burned_in=burned_in(recording),
        runs=(run,),
    )


def _facts(reel: Reel) -> DicomFacts:
    """Gather what the runs say of themselves, laid out in time."""
    placed = [
        replace(run.facts, start_s=start_s, duration_s=float(sum(repeats) / reel.fps))
        for run, start_s, repeats in zip(reel.runs, reel.run_starts_s, reel.repeats, strict=True)
    ]
    second = [
        replace(run.facts, start_s=placed[number - 1].start_s, duration_s=placed[number - 1].duration_s)
        for number, run in reel.second_planes.items()
    ]
    runs = [*reel.runs, *reel.second_planes.values()]
    first, burned = runs[0].label, {run.label.burned_in for run in runs}
    return DicomFacts(
        modality=first.modality,
        sop_class=first.sop_class,
        transfer_syntax=first.transfer_syntax,
        burned_in="yes" if "yes" in burned else "unknown" if "unknown" in burned else "no",
        runs=tuple(placed),
        second_planes=tuple(second),
        frame_starts_s=reel.frame_starts_s,
        viewing_mode=first.viewing_mode,
        left_out=reel.study.listed.left_out,
    )


def _video_stream(reel: Reel, facts: DicomFacts) -> VideoStream:
    canvas = reel.canvas
    return VideoStream(
        index=0,
        codec=_CODEC_NAMES.get(reel.runs[0].label.syntax, "rawvideo"),
        profile=None,
        width=canvas.columns,
        height=canvas.rows,
        sar=canvas.aspect,
        display_width=max(round(canvas.columns * canvas.aspect), 1),
        display_height=canvas.rows,
        fps=reel.fps,
        is_vfr=any(run.timeline.fps is None for run in reel.runs),
        interlaced=False,
        rotation=0,
        mirrored=False,
        pix_fmt="gray" if canvas.is_grey else "bgr0",
        bit_depth=8,
        full_range=True,
        transfer=None,
        hdr=None,
        start_s=0.0,
        duration_s=reel.duration_s,
        frames=sum(run.frames for run in facts.runs),
    )
