"""DICOM recordings: what they are, and their pictures as a lossless video that goes the way of any other.

A cine's frames are rendered as a viewer would (`dicom_pixels`), laid on a constant rate (`dicom_time`) and
piped to ffmpeg one at a time, so that memory holds one frame whatever the file claims; a video inside DICOM
is only unwrapped (`dicom_video`). Messages and outputs carry no text of the file: only its numbers, and
names of the standard.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from pydicom.uid import UID

from ingest.dicom_facts import BurnedIn, DicomFacts
from ingest.dicom_frames import ImageShape, check_decodable, read_shape
from ingest.dicom_header import (
    OpenRecording,
    first_value_of,
    integer_of,
    is_dicom,
    open_recording,
    value_of,
)
from ingest.dicom_pixels import display_frames, find_window
from ingest.dicom_time import Grid, Timeline, lay_on_grid, read_timeline
from ingest.dicom_video import is_video, unwrap_video
from ingest.errors import Cancelled, Refused
from ingest.ffmpeg import Limits, Watch, run_ffmpeg
from ingest.inspect import inspect
from ingest.inspection import Inspection, VideoStream

__all__ = ["DicomFacts", "convert_cine", "inspect_cine", "is_dicom"]

# Storage classes and modalities that hold no recording in time, with what to tell the person who sent one.
_SLICES = "This DICOM file holds slices or a volume (CT, MR, PET and the like), not a recording in time."
_OTHER_CLASSES = {
    "1.2.840.10008.1.3.10": "This is the index of a DICOM disc (DICOMDIR). Upload the recordings it lists.",
    "1.2.840.10008.5.1.4.1.1.104.": "This DICOM file holds a document, not a recording.",
    "1.2.840.10008.5.1.4.1.1.88.": "This DICOM file is a report (dose, measurements), not a recording.",
    "1.2.840.10008.5.1.4.1.1.11.": "This DICOM file tells how to show pictures but holds none.",
    "1.2.840.10008.5.1.4.1.1.9.": "This DICOM file holds curves (ECG, pressure), not a recording.",
    "1.2.840.10008.5.1.4.1.1.13.1.": _SLICES,
    "1.2.840.10008.5.1.4.1.1.2": _SLICES,
    "1.2.840.10008.5.1.4.1.1.4": _SLICES,
    "1.2.840.10008.5.1.4.1.1.128": _SLICES,
    "1.2.840.10008.5.1.4.1.1.130": _SLICES,
    "1.2.840.10008.5.1.4.1.1.20": _SLICES,
    "1.2.840.10008.5.1.4.1.1.481.": "This DICOM file belongs to a radiotherapy plan; it holds no recording.",
    "1.2.840.10008.5.1.4.1.1.66": "This DICOM file holds a segmentation or a surface, not a recording.",
    "1.2.840.10008.5.1.4.1.1.77.1.6": "This DICOM file is a slide of a microscope, not a recording.",
}
_SLICE_MODALITIES = {"CT", "MR", "PT", "NM"}
_REPORT_MODALITIES = {"SR", "PR", "KO", "DOC", "PLAN", "RTDOSE", "RTPLAN", "RTSTRUCT", "SEG", "REG", "ECG"}
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
_BURNED_IN = "The file says that text is burned into its pictures; they must be checked before publishing."


@dataclass(frozen=True)
class _Cine:
    """An accepted cine: its frames' shape, their times and the constant rate they are laid on."""

    shape: ImageShape
    timeline: Timeline
    grid: Grid


def inspect_cine(path: Path) -> Inspection:
    """Look at a DICOM file without decoding its pictures; raise Refused for what cannot be accepted."""
    with open_recording(path) as recording:
        _refuse_other_kinds(recording)
        if is_video(recording.syntax):
            return _inspect_video(recording)
        cine = _accept_cine(recording)
        return Inspection(
            container="dicom",
            video=_video_stream(recording, cine),
            audio=(),
            subtitles=(),
            duration_s=cine.grid.duration_s,
            bytes=path.stat().st_size,
            dicom=_read_facts(recording, cine.timeline, cine.shape),
            warnings=_warnings(recording, cine.timeline.guesses),
        )


def convert_cine(path: Path, folder: Path, *, cancelled: Callable[[], bool] | None = None) -> Path:
    """Write the recording inside a DICOM file to `folder` as a video of constant rate and return it.

    A cine becomes FFV1 (lossless), grey or RGB in full range, its pixel aspect stated; nothing is turned, cut
    or scaled. Raises Refused, ToolFailed, Cancelled.
    """
    watch = Watch(cancelled=cancelled)
    with open_recording(path) as recording:
        _refuse_other_kinds(recording)
        if is_video(recording.syntax):
            return unwrap_video(recording, _video_timeline(recording).mean_fps, folder, watch=watch)
        cine = _accept_cine(recording)
        arguments = _encode_arguments(cine, _pixel_aspect(recording))
        pictures = _output_pictures(recording, cine, cancelled)
        # FFV1 of a frame takes a tenth of a second at the worst; the length says nothing of the size
        limits = Limits.for_duration(cine.grid.duration_s + sum(cine.grid.repeats) / 10)
        run_ffmpeg(arguments, source=None, out=folder, limits=limits, watch=watch, feed=pictures)
    return folder / "cine.mkv"


def _output_pictures(recording: OpenRecording, cine: _Cine, cancelled: Callable[[], bool] | None) -> Iterator[bytes]:
    """Yield every output frame's bytes: each picture as often as the constant rate needs it."""
    frames = display_frames(recording, cine.shape)
    for picture, repeats in zip(frames, cine.grid.repeats, strict=True):
        if cancelled is not None and cancelled():
            raise Cancelled
        encoded = picture.tobytes()
        for _ in range(repeats):
            yield encoded


def _encode_arguments(cine: _Cine, aspect: Fraction) -> list[str]:
    shape, fps = cine.shape, f"{cine.grid.fps.numerator}/{cine.grid.fps.denominator}"
    stored, coded = ("gray", "gray") if shape.is_grey else ("rgb24", "bgr0")
    return [
        *("-f", "rawvideo", "-pixel_format", stored, "-video_size", f"{shape.columns}x{shape.rows}"),
        *("-framerate", fps, "-i", "pipe:0"),
        # full range is said in the file, so that whoever scales to limited range maps black to 16
        *("-vf", f"setsar={aspect.numerator}/{aspect.denominator},format={coded}", "-color_range", "pc"),
        *("-c:v", "ffv1", "-level", "3", "-slicecrc", "1", "-g", "1"),
        *("-map_metadata", "-1", "-fflags", "+bitexact", "{out}/cine.mkv"),
    ]


def _accept_cine(recording: OpenRecording) -> _Cine:
    shape = read_shape(recording)
    if shape.frames == 1:
        raise Refused("still_image", "This DICOM file holds one still picture, not a recording.")
    check_decodable(recording, shape)
    timeline = read_timeline(recording.header, shape.frames)
    return _Cine(shape, timeline, lay_on_grid(timeline))


def _refuse_other_kinds(recording: OpenRecording) -> None:
    sop_class = str(value_of(recording.header, "SOPClassUID") or "")
    for prefix, sentence in _OTHER_CLASSES.items():
        if sop_class == prefix or sop_class.startswith(prefix.removesuffix(".") + "."):
            raise Refused("unsupported", sentence)
    modality = _modality(recording)
    if modality in _SLICE_MODALITIES:
        raise Refused("unsupported", _SLICES)
    if recording.pixels is None or modality in _REPORT_MODALITIES:
        raise Refused("unsupported", "This DICOM file holds no pictures: it is a report or another document.")


def _inspect_video(recording: OpenRecording) -> Inspection:
    """Take the video out and look at it as at any other; the header's rate is checked against it."""
    timeline = _video_timeline(recording)
    with tempfile.TemporaryDirectory() as folder:
        video = unwrap_video(recording, timeline.mean_fps, Path(folder))
        found = inspect(video)
    guesses = timeline.guesses
    if timeline.source == "assumed":
        timeline = replace(timeline, source="video stream", fps=found.video.fps)
        guesses = ()
    elif abs(float(found.video.fps / timeline.mean_fps) - 1) > _RATE_TOLERANCE:
        guesses = ("The header and the video inside disagree about the rate; the video's own is used.",)
        timeline = replace(timeline, source="video stream", fps=found.video.fps)
    facts = _read_facts(recording, replace(timeline, guesses=guesses), None)
    warnings = (*found.warnings, *_warnings(recording, guesses))
    return replace(found, container="dicom", bytes=recording.bytes, dicom=facts, warnings=warnings)


def _video_timeline(recording: OpenRecording) -> Timeline:
    return read_timeline(recording.header, max(integer_of(recording.header, "NumberOfFrames", 1), 1))


def _video_stream(recording: OpenRecording, cine: _Cine) -> VideoStream:
    shape, aspect = cine.shape, _pixel_aspect(recording)
    return VideoStream(
        index=0,
        codec=_CODEC_NAMES.get(recording.syntax, "rawvideo"),
        profile=None,
        width=shape.columns,
        height=shape.rows,
        sar=aspect,
        display_width=max(round(shape.columns * aspect), 1),
        display_height=shape.rows,
        fps=cine.grid.fps,
        is_vfr=cine.timeline.fps is None,
        interlaced=False,
        rotation=0,
        mirrored=False,
        pix_fmt="gray" if shape.is_grey else "bgr0",
        bit_depth=8,
        full_range=True,
        transfer=None,
        hdr=None,
        start_s=0.0,
        duration_s=cine.grid.duration_s,
        frames=shape.frames,
    )


def _read_facts(recording: OpenRecording, timeline: Timeline, shape: ImageShape | None) -> DicomFacts:
    window, window_guesses = find_window(recording, shape) if shape else (None, ())
    is_constant = timeline.fps is not None
    return DicomFacts(
        modality=_modality(recording),
        sop_class=_standard_name(value_of(recording.header, "SOPClassUID")),
        transfer_syntax=_standard_name(recording.syntax),
        frames=len(timeline.starts_ms),
        fps=float(timeline.mean_fps),
        frame_times_ms=None if is_constant else tuple(round(float(start), 3) for start in timeline.starts_ms),
        rate_source=timeline.source,
        window=window,
        burned_in=_burned_in(recording),
        has_mask_subtraction=_has_mask_subtraction(recording),
        positioner_deg=_positioner(recording),
        guesses=(*timeline.guesses, *window_guesses),
    )


def _warnings(recording: OpenRecording, guesses: tuple[str, ...]) -> tuple[str, ...]:
    notes = list(guesses)
    if _burned_in(recording) == "yes":
        notes.append(_BURNED_IN)
    first, last = (integer_of(recording.header, tag, 0) for tag in ("StartTrim", "StopTrim"))
    frames = integer_of(recording.header, "NumberOfFrames", 1)
    if first > 1 or 0 < last < frames:
        notes.append(f"The file recommends to show pictures {max(first, 1)} to {last or frames}; all are kept.")
    return tuple(notes)


def _modality(recording: OpenRecording) -> str:
    """Return the modality code; a value that has not the form of a code may be anything: it is dropped."""
    text = str(value_of(recording.header, "Modality") or "")
    return text if re.fullmatch(r"[A-Z]{2,8}", text) else ""


def _standard_name(uid: object) -> str:
    """Return the standard's name of a UID; a private one stays unnamed, since it can name a site."""
    known = UID(str(uid or ""))
    return known.name if known.name != known else "private"


def _burned_in(recording: OpenRecording) -> BurnedIn:
    match str(value_of(recording.header, "BurnedInAnnotation") or "").upper():
        case "YES":
            return "yes"
        case "NO":
            return "no"
        case _:
            return "unknown"


def _has_mask_subtraction(recording: OpenRecording) -> bool:
    items = value_of(recording.header, "MaskSubtractionSequence") or ()
    return any(value_of(item, "MaskOperation") in ("AVG_SUB", "TID", "REV_TID") for item in items)


def _positioner(recording: OpenRecording) -> tuple[float, float] | None:
    """Return the primary (LAO positive) and secondary (CRA positive) angles in degrees."""
    angles = []
    for keyword in ("PositionerPrimaryAngle", "PositionerSecondaryAngle"):
        try:
            angles.append(float(first_value_of(recording.header, keyword)))
        except (TypeError, ValueError):
            return None
    return (angles[0], angles[1])


def _pixel_aspect(recording: OpenRecording) -> Fraction:
    """Return width by height of a pixel; the tags give the vertical first (PS3.3 C.7.6.3.1.7)."""
    for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        try:
            vertical, horizontal = (Fraction(str(number)) for number in value_of(recording.header, keyword))
            aspect = (horizontal / vertical).limit_denominator(1000)
        except (TypeError, ValueError, ArithmeticError):
            continue
        if Fraction(1, 8) <= aspect <= 8:
            # spacings are measured: a difference under one per cent is no shape of a pixel
            return aspect if abs(aspect - 1) > Fraction(1, 100) else Fraction(1)
    return Fraction(1)
