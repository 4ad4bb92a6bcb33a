"""What is known of a recording before anything is made of it: frozen records, made by `ingest.inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol


class CineFacts(Protocol):
    """What a DICOM file says beyond its pictures (`ingest.dicom.DicomFacts`)."""

    def describe(self) -> dict[str, object]:
        """Answer the `dicom` object of the contract's `source`: no identifying value in it."""
        ...

    def warnings(self) -> tuple[str, ...]:
        """Answer sentences for the editor."""
        ...

    def timeline(self) -> dict[str, object]:
        """Answer when each acquired frame comes, for package.json."""
        ...

    def frame_map(self) -> list[list[float | int]]:
        """Answer the same as stretches of equal steps: `[start_s, step_s, count]`."""
        ...

    def chapters(self) -> list[dict[str, object]]:
        """Answer the runs: number, start and end in seconds, the C-arm's angle."""
        ...


@dataclass(frozen=True)
class VideoStream:
    """The one video stream that is encoded; sizes in pixels, times in seconds on the file's own clock.

    `index` is ffmpeg's absolute stream index (`-map 0:<index>`). `width` and `height` are as coded;
    `display_*` are after sample aspect ratio and rotation, before evening. `rotation` is clockwise degrees
    to turn the coded picture, `mirrored` says that it is flipped as well (ffmpeg's autorotation does both).
    `fps` is the rate of the pictures that are there (of a field-coded stream: frames, not fields); of a
    variable rate that of its quick passages. `duration_s` is what the file declares of this stream. `matrix`
    is the colour matrix as ffmpeg names it, None where the file does not say.
    """

    index: int
    codec: str
    profile: str | None
    width: int
    height: int
    sar: Fraction
    display_width: int
    display_height: int
    fps: Fraction
    is_vfr: bool
    interlaced: bool
    rotation: Literal[0, 90, 180, 270]
    mirrored: bool
    pix_fmt: str
    bit_depth: int
    full_range: bool
    transfer: str | None
    hdr: Literal["pq", "hlg"] | None
    start_s: float
    duration_s: float
    frames: int | None
    matrix: str | None = None


@dataclass(frozen=True)
class AudioStream:
    """A sound track; `language` is BCP 47 or "und", `role` narration or room.

    `pair_index` is the stream that holds the right side where this mono one is the left.
    """

    index: int
    codec: str
    channels: int
    sample_rate: int
    language: str
    start_s: float
    role: str = "narration"
    pair_index: int | None = None


@dataclass(frozen=True)
class SubtitleStream:
    """A text track inside the file; `is_text` is false for pictures of text (DVD, PGS)."""

    index: int
    codec: str
    language: str
    is_text: bool


@dataclass(frozen=True)
class Chapter:
    """A chapter inside the file, on the file's own clock."""

    start_s: float
    end_s: float
    title: str


@dataclass(frozen=True)
class Inspection:
    """A recording that would be accepted.

    `duration_s` is the length of the video that we deliver; `container` is ffprobe's format name; `sha256`
    is set by who reads all bytes; `warnings` are sentences for the editor. `clock_start_s` is when the file's
    earliest stream of any kind starts: ffmpeg takes it off all times while it decodes.
    """

    container: str
    video: VideoStream
    audio: tuple[AudioStream, ...]
    subtitles: tuple[SubtitleStream, ...]
    duration_s: float
    bytes: int
    sha256: str | None = None
    dicom: CineFacts | None = None
    warnings: tuple[str, ...] = ()
    clock_start_s: float = 0.0
    chapters: tuple[Chapter, ...] = ()
