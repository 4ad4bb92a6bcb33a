"""What a DICOM recording says about itself that is safe to show: nothing here names a patient or a place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

RateSource = Literal[
    "RecommendedDisplayFrameRate",
    "FrameTime",
    "FrameTimeVector",
    "FrameReferenceDateTime",
    "FrameAcquisitionDuration",
    "CineRate",
    "video stream",
    "slices",
    "editor",
    "assumed",
]
BurnedIn = Literal["yes", "no", "unknown"]
Sequencing = Literal["loop", "sweep"]
Guessed = Literal["rate", "window", "mask_frames", "pixel_shift", "subtracted_window"]
_OVERLAYS = (
    "Graphics lie over the pictures (overlays). As they may name the patient, they are shown only if an editor asks."
)
_BURNED_IN = "The file says that text is burned into its pictures; they must be checked before publishing."


@dataclass(frozen=True)
class Window:
    """A grey-scale window in modality units and where it was found ("file", "stored values", "estimated", "editor")."""

    center: float
    width: float
    source: str

    def describe(self) -> dict[str, object]:
        """Answer it JSON-ready."""
        return {"center": self.center, "width": self.width, "source": self.source}


@dataclass(frozen=True)
class Guess:
    """Something the file leaves open: what it is, the value that was taken, and a sentence for the editor.

    It stands until an editor gives another value or says that this one is right.
    """

    what: Guessed
    value: object
    message: str


@dataclass(frozen=True)
class RunFacts:
    """One run: where it lies in the recording, how it was taken, and what of it was guessed.

    `times_ms` holds the start of every shown frame from the run's first; `frames` counts all that the file holds,
    of which `shown` (1-based, inclusive) are shown. `plane` is "A" or "B" of a biplane pair, else "".
    `presented` is what a presentation state decides, `sequencing` how the file wants the run to be played again.
    """

    number: int
    frames: int
    shown: tuple[int, int]
    fps: float
    is_constant: bool
    times_ms: tuple[float, ...]
    rate_source: RateSource
    window: Window | None
    has_subtraction: bool
    positioner_deg: tuple[float, float] | None
    guesses: tuple[Guess, ...] = ()
    plane: str = ""
    start_s: float = 0.0
    duration_s: float = 0.0
    presented: tuple[str, ...] = ()
    sequencing: Sequencing | None = None
    has_overlays: bool = False

    @property
    def angle(self) -> str | None:
        """The C-arm's position as the lab says it, such as "LAO 30 CRAN 15"."""
        return angle_text(self.positioner_deg)

    def describe(self) -> dict[str, object]:
        """Answer it JSON-ready, without the times of its frames."""
        return {
            "number": self.number,
            "plane": self.plane or None,
            "start_s": round(self.start_s, 6),
            "duration_s": round(self.duration_s, 6),
            "frames": self.frames,
            "shown": list(self.shown),
            "fps": round(self.fps, 4),
            "rate_source": self.rate_source,
            "window": self.window and self.window.describe(),
            "has_mask_subtraction": self.has_subtraction,
            "positioner_deg": None if self.positioner_deg is None else list(self.positioner_deg),
            "angle": self.angle,
            "presentation_state": list(self.presented),
            "sequencing": self.sequencing,
            "has_overlays": self.has_overlays,
        }


@dataclass(frozen=True)
class DicomFacts:
    """The technical facts of a DICOM recording: what holds for all of it, and its runs in order.

    `second_planes` are the other halves of biplane pairs. `frame_starts_s` says when each acquired frame comes in
    the package, in order. `left_out` counts files of a study by the sentence why they are no part of it.
    """

    modality: str
    sop_class: str
    transfer_syntax: str
    burned_in: BurnedIn
    runs: tuple[RunFacts, ...]
    second_planes: tuple[RunFacts, ...] = ()
    frame_starts_s: tuple[float, ...] = ()
    viewing_mode: Literal["subtracted", "native"] = "native"
    left_out: tuple[tuple[str, int], ...] = ()

    def describe(self) -> dict[str, object]:
        """Answer the `dicom` object of the contract's `source` (JSON-ready)."""
        first = self.runs[0]
        is_plain = len(self.runs) == 1 and first.is_constant
        return {
            "modality": self.modality,
            "sop_class": self.sop_class,
            "transfer_syntax": self.transfer_syntax,
            "frames": sum(run.frames for run in self.runs),
            "fps": round(first.fps, 4),
            "frame_times_ms": None if is_plain else list(self._acquired_ms()),
            "rate_source": first.rate_source,
            "window": first.window and first.window.describe(),
            "burned_in_annotation": self.burned_in,
            "has_mask_subtraction": any(run.has_subtraction for run in (*self.runs, *self.second_planes)),
            "recommended_view": self.viewing_mode,
            "positioner_deg": None if first.positioner_deg is None else list(first.positioner_deg),
            "guesses": [guess.message for _run, guess in self._guesses()],
            "guessed": [
                {
                    "key": guess_key(run, guess.what),
                    "run": run.number,
                    "plane": run.plane or None,
                    "what": guess.what,
                    "value": guess.value,
                    "message": guess.message,
                }
                for run, guess in self._guesses()
            ],
            "runs": [run.describe() for run in self.runs],
            "second_planes": [run.describe() for run in self.second_planes],
            "left_out": [{"reason": sentence, "files": count} for sentence, count in self.left_out],
        }

    def frame_map(self) -> list[list[float | int]]:
        """Answer when each acquired frame comes, as runs of equal steps: `[start_s, step_s, count]`."""
        return in_equal_steps(self.frame_starts_s)

    def timeline(self) -> dict[str, object]:
        """Answer the frame <-> time map that package.json keeps: of each run its frames, here and when acquired."""
        found, at = [], 0
        for run in self.runs:
            count = run.shown[1] - run.shown[0] + 1
            found.append(
                {
                    "run": run.number,
                    "first_frame": run.shown[0],
                    "acquired_ms": list(run.times_ms),
                    "shown_s": [round(start_s, 6) for start_s in self.frame_starts_s[at : at + count]],
                }
            )
            at += count
        return {"steps": self.frame_map(), "runs": found}

    def chapters(self) -> list[dict[str, object]]:
        """Answer the runs as a player needs them."""
        return [
            {
                "number": run.number,
                "start_s": round(run.start_s, 6),
                "end_s": round(run.start_s + run.duration_s, 6),
                "angle": run.angle,
            }
            for run in self.runs
        ]

    def warnings(self) -> tuple[str, ...]:
        """Answer what an editor has to know, a sentence each: guesses, what is not shown, files left out."""
        guesses = dict.fromkeys(guess.message for _run, guess in self._guesses())
        burned_in = [_BURNED_IN] if self.burned_in == "yes" else []
        trims = [
            f"Run {run.number}: of {run.frames} pictures {run.shown[0]} to {run.shown[1]} are shown, as its file says."
            for run in self.runs
            if run.shown != (1, run.frames)
        ]
        left_out = [f"Left out ({count} of the folder's files): {sentence}" for sentence, count in self.left_out]
        presented = [
            f"Run {run.number}{' (plane B)' if run.plane == 'B' else ''} is shown as a presentation state "
            f"in its folder says: {', '.join(run.presented)}."
            for run in (*self.runs, *self.second_planes)
            if run.presented
        ]
        overlays = [_OVERLAYS] if any(run.has_overlays for run in (*self.runs, *self.second_planes)) else []
        return (*guesses, *burned_in, *trims, *presented, *overlays, *left_out)

    def _acquired_ms(self) -> Iterable[float]:
        return (round(run.start_s * 1000 + time_ms, 3) for run in self.runs for time_ms in run.times_ms)

    def _guesses(self) -> Iterable[tuple[RunFacts, Guess]]:
        return ((run, guess) for run in (*self.runs, *self.second_planes) for guess in run.guesses)


def guess_key(run: RunFacts, what: Guessed) -> str:
    """Return how a guess is called in corrections and confirmations: `1.rate`, `2b.window`."""
    return f"{run.number}{'b' if run.plane == 'B' else ''}.{what}"


def angle_text(positioner_deg: tuple[float, float] | None) -> str | None:
    """Return the C-arm's angles in the lab's words: primary positive is LAO, secondary positive is CRAN."""
    if positioner_deg is None:
        return None
    primary, secondary = (round(angle) for angle in positioner_deg)
    words = [f"{'LAO' if primary > 0 else 'RAO'} {abs(primary)}" if primary else "AP"]
    if secondary:
        words.append(f"{'CRAN' if secondary > 0 else 'CAUD'} {abs(secondary)}")
    return " ".join(words)


def in_equal_steps(starts_s: Sequence[float]) -> list[list[float | int]]:
    """Return rising times as stretches `[start_s, step_s, count]`; a stretch ends where the step changes."""
    steps: list[list[float | int]] = []
    for start_s, next_s in pairwise(starts_s):
        step_s = round(next_s - start_s, 9)  # of thousands of equal steps not one is off by a hundredth of a ms
        if steps and abs(float(steps[-1][1]) - step_s) < 2e-6:
            steps[-1][2] += 1
        else:
            steps.append([round(start_s, 6), step_s, 1])
    if starts_s:
        if steps:
            steps[-1][2] += 1
        else:
            steps.append([round(starts_s[0], 6), 0.0, 1])
    return steps
