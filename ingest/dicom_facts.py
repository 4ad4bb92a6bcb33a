"""What a DICOM recording says about itself that is safe to show: nothing here names a patient or a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RateSource = Literal[
    "RecommendedDisplayFrameRate",
    "FrameTime",
    "FrameTimeVector",
    "FrameReferenceDateTime",
    "CineRate",
    "video stream",
    "assumed",
]
BurnedIn = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class Window:
    """A grey-scale window in modality units and where it was found ("file", "stored values", "estimated")."""

    center: float
    width: float
    source: str


@dataclass(frozen=True)
class DicomFacts:
    """The technical facts of a DICOM recording.

    `frame_times_ms` holds the start of every frame when the rate is not constant, else None: `fps` says all.
    `guesses` are sentences for the editor about what the file left open.
    """

    modality: str
    sop_class: str
    transfer_syntax: str
    frames: int
    fps: float
    frame_times_ms: tuple[float, ...] | None
    rate_source: RateSource
    window: Window | None
    burned_in: BurnedIn
    has_mask_subtraction: bool
    positioner_deg: tuple[float, float] | None = None
    guesses: tuple[str, ...] = ()

    def describe(self) -> dict[str, object]:
        """Answer the `dicom` object of the contract's `source` (JSON-ready)."""
        window = self.window
        return {
            "modality": self.modality,
            "sop_class": self.sop_class,
            "transfer_syntax": self.transfer_syntax,
            "frames": self.frames,
            "fps": round(self.fps, 4),
            "frame_times_ms": None if self.frame_times_ms is None else list(self.frame_times_ms),
            "rate_source": self.rate_source,
            "window": window and {"center": window.center, "width": window.width, "source": window.source},
            "burned_in_annotation": self.burned_in,
            "has_mask_subtraction": self.has_mask_subtraction,
            "positioner_deg": None if self.positioner_deg is None else list(self.positioner_deg),
            "guesses": list(self.guesses),
        }
