"""What an editor has decided about a DICOM recording where its files leave something open or are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class RunChoices:
    """The decisions about one run; None and empty leave it to the file.

    `mask_frames` count from 1; `pixel_shift` is vertical, horizontal in pixels; `subtracted_width` is the window's
    width of the subtracted picture; `all_frames` shows also what the file recommends to trim, `overlays` the
    graphics over the pictures.
    """

    fps: Fraction | None = None
    window: tuple[float, float] | None = None
    mask_frames: tuple[int, ...] = ()
    pixel_shift: tuple[float, float] | None = None
    subtracted_width: float | None = None
    all_frames: bool = False
    overlays: bool = False


NO_CHOICES = RunChoices()
NATIVE = "native"  # the view that is the recording itself
Choices = Mapping[str, RunChoices]


def read_choices(stored: Mapping[str, Any] | None) -> Choices:
    """Read what `videolib.catalogue.cines` has checked and keeps: by the name of a run, `1`, or `1b` for its pair."""
    return {name: _read(run) for name, run in (stored or {}).items()}


def _read(run: Mapping[str, Any]) -> RunChoices:
    window, shift = run.get("window"), run.get("pixel_shift")
    return RunChoices(
        fps=Fraction(str(run["fps"])) if run.get("fps") else None,
        window=(float(window["center"]), float(window["width"])) if window else None,
        mask_frames=tuple(run.get("mask_frames") or ()),
        pixel_shift=(float(shift[0]), float(shift[1])) if shift else None,
        subtracted_width=run.get("subtracted_width"),
        all_frames=bool(run.get("all_frames")),
        overlays=bool(run.get("overlays")),
    )
