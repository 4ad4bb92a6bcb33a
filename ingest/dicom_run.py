"""One run of a DICOM recording: what its header says and an editor decided, then its pictures, native or subtracted.

A run is a cine file, or the slices of one series that are scrolled through. Nothing is decoded before pictures are
asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Literal

from ingest.dicom_choices import NO_CHOICES, RunChoices
from ingest.dicom_dsa import estimate_width, subtracted_frames, subtracted_width
from ingest.dicom_facts import BurnedIn, Guess, RunFacts, Sequencing, Window
from ingest.dicom_frames import FrameReader, ImageShape, check_decodable, read_shape
from ingest.dicom_header import (
    OpenRecording,
    first_value_of,
    functional_group,
    has_overlays,
    integer_of,
    value_of,
)
from ingest.dicom_kinds import burned_in, modality_of, standard_name
from ingest.dicom_overlays import draw_overlays, read_overlays
from ingest.dicom_pixels import Picture, Renderer, display_frames, estimate_window, find_window
from ingest.dicom_states import open_presented
from ingest.dicom_subtraction import Subtraction, read_subtraction, viewing_mode
from ingest.dicom_time import Timeline, read_timeline, same_step, trimmed
from ingest.errors import Refused

SLICES_A_SECOND = Fraction(10)
# PS3.3 C.7.6.5.1.1 (0018,1244)
SEQUENCINGS: Mapping[int, Sequencing] = {0: "loop", 1: "sweep"}
_DIFFERENT_SLICES = "The slices of a series differ in size or depth; it cannot be scrolled through."


@dataclass(frozen=True)
class Label:
    """What kind of file a run comes from, in names of the standard."""

    modality: str
    sop_class: str
    syntax: str
    transfer_syntax: str
    burned_in: BurnedIn
    viewing_mode: Literal["subtracted", "native"]


@dataclass(frozen=True)
class Run:
    """A run before its pictures are made. Frames from `first` to `last` (from 0, inclusive) are shown.

    `window` is the one that is forced on all of its frames (an editor's, a series'), `width` that of the subtracted
    picture where it is known; `timeline` holds the shown frames only. `states` are presentation states to be applied.
    With `overlays` the graphics over the pictures are drawn.
    """

    paths: tuple[Path, ...]
    states: tuple[Path, ...]
    shape: ImageShape
    timeline: Timeline
    first: int
    last: int
    aspect: Fraction
    window: Window | None
    subtraction: Subtraction | None
    width: float | None
    facts: RunFacts
    label: Label
    overlays: bool = False

    @property
    def is_series(self) -> bool:
        """Whether it is made of slices, one file each."""
        return len(self.paths) > 1

    @property
    def shown(self) -> int:
        """How many of its frames are shown."""
        return self.last - self.first + 1


def read_run(
    paths: Sequence[Path],
    number: int,
    choices: RunChoices = NO_CHOICES,
    *,
    plane: str = "",
    states: tuple[Path, ...] = (),
) -> Run:
    """Read a run from its file, or from its slices in their order; `states` are presentation states that it follows.

    Raises Refused for what cannot be shown.
    """
    with open_presented(paths[len(paths) // 2], states) as (recording, decided):
        shape = read_shape(recording)
        if len(paths) > 1:
            shape = replace(shape, frames=len(paths))
        elif shape.frames == 1:
            raise Refused("still_image", "This DICOM file holds one still picture, not a recording.")
        else:
            check_decodable(recording, shape)
        run = _read(recording, shape, tuple(paths), (number, plane), choices)
        return replace(run, states=states, facts=replace(run.facts, presented=decided))


def with_estimates(run: Run) -> Run:
    """Return the run with the windows that its file leaves open worked out from its pictures, and told as guesses."""
    guesses = {guess.what: guess for guess in run.facts.guesses}
    window, width = run.window, run.width
    with open_presented(run.paths[len(run.paths) // 2], run.states) as (recording, _decided):
        if "window" in guesses and guesses["window"].value is None:
            shape = run.shape if not run.is_series else replace(run.shape, frames=1)
            window = estimate_window(recording, shape)
            value = {"center": round(window.center, 1), "width": round(window.width, 1)}
            guesses["window"] = replace(guesses["window"], value=value)
        if run.subtraction is not None and width is None:
            width = estimate_width(recording, run.shape, run.subtraction)
            guesses["subtracted_window"] = replace(guesses["subtracted_window"], value=float(f"{width:.4g}"))
    facts = replace(run.facts, window=window or run.facts.window, guesses=tuple(guesses.values()))
    return replace(run, window=window, width=width, facts=facts)


def run_pictures(run: Run, *, subtracted: bool) -> Iterator[Picture]:
    """Yield the shown frames of a run as 8-bit pictures, grey or RGB, in order."""
    if run.is_series:
        yield from _slice_pictures(run)
        return
    with open_presented(run.paths[0], run.states) as (recording, _decided):
        if subtracted and run.subtraction is not None and run.width is not None:
            frames = subtracted_frames(recording, run.shape, run.subtraction, (run.window, run.width))
        else:
            frames = display_frames(recording, run.shape, run.window)
        planes = read_overlays(recording) if run.overlays else ()
        for index, picture in islice(enumerate(frames), run.first, run.last + 1):
            yield draw_overlays(picture, planes, index) if planes else picture


def pixel_aspect(recording: OpenRecording) -> Fraction:
    """Return width by height of a pixel; the tags give the vertical first (PS3.3 C.7.6.3.1.7)."""
    header = recording.header
    measured = [
        functional_group(header, 0, name) for name in ("PixelMeasuresSequence", "FramePixelDataPropertiesSequence")
    ]
    for tags in (header, *(group for group in measured if group is not None)):
        for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
            try:
                vertical, horizontal = (Fraction(str(number)) for number in value_of(tags, keyword))
                aspect = (horizontal / vertical).limit_denominator(1000)
            except (TypeError, ValueError, ArithmeticError):
                continue
            if Fraction(1, 8) <= aspect <= 8:
                # spacings are measured: a difference under one per cent is no shape of a pixel
                return aspect if abs(aspect - 1) > Fraction(1, 100) else Fraction(1)
    return Fraction(1)


def _read(
    recording: OpenRecording, shape: ImageShape, paths: tuple[Path, ...], name: tuple[int, str], choices: RunChoices
) -> Run:
    header = recording.header
    whole = _timeline(recording, shape, choices, is_series=len(paths) > 1)
    first, last = (0, shape.frames - 1) if choices.all_frames else _trims(recording, shape.frames)
    timeline = trimmed(whole, first, last)
    guesses = [Guess("rate", round(float(whole.mean_fps), 4), sentence) for sentence in whole.guesses]
    window, found = _window(recording, shape, choices, guesses)
    subtraction = read_subtraction(header, shape.frames, choices) if shape.is_grey and len(paths) == 1 else None
    width, width_guesses = (None, ()) if subtraction is None else subtracted_width(subtraction, found, choices)
    guesses += [*(subtraction.guesses if subtraction else ()), *width_guesses]
    shows_overlays = choices.overlays and has_overlays(header)
    # slices share the window of the middle one; a cine's frames may have their own
    forced = window if window is not None or len(paths) == 1 else found
    facts = RunFacts(
        number=name[0],
        plane=name[1],
        frames=shape.frames,
        shown=(first + 1, last + 1),
        fps=float(timeline.mean_fps),
        is_constant=timeline.fps is not None,
        times_ms=tuple(round(float(start), 3) for start in timeline.starts_ms),
        rate_source=whole.source,
        window=found,
        has_subtraction=subtraction is not None,
        positioner_deg=_positioner(recording),
        guesses=tuple(guesses),
        has_overlays=has_overlays(header),
        sequencing=SEQUENCINGS.get(integer_of(header, "PreferredPlaybackSequencing", -1)),
    )
    return Run(
        paths=paths,
        states=(),
        shape=shape,
        timeline=timeline,
        first=first,
        last=last,
        aspect=pixel_aspect(recording),
        window=forced,
        subtraction=subtraction,
        width=width,
        facts=facts,
        label=_label(recording, shows_overlays=shows_overlays),
        overlays=shows_overlays,
    )


def _label(recording: OpenRecording, *, shows_overlays: bool) -> Label:
    return Label(
        modality=modality_of(recording),
        sop_class=standard_name(value_of(recording.header, "SOPClassUID")),
        syntax=str(recording.syntax),
        transfer_syntax=standard_name(recording.syntax),
        # what is drawn over the pictures may name the patient, whatever the file says of the pictures themselves
        burned_in="yes" if shows_overlays else burned_in(recording),
        viewing_mode=viewing_mode(recording.header),
    )


def _timeline(recording: OpenRecording, shape: ImageShape, choices: RunChoices, *, is_series: bool) -> Timeline:
    if is_series:
        return same_step(shape.frames, choices.fps or SLICES_A_SECOND, "editor" if choices.fps else "slices")
    return read_timeline(recording.header, shape.frames, fps=choices.fps)


def _window(
    recording: OpenRecording, shape: ImageShape, choices: RunChoices, guesses: list[Guess]
) -> tuple[Window | None, Window | None]:
    """Return the window that an editor forces, if any, and the one that holds; what is guessed goes to `guesses`."""
    if choices.window is not None and shape.is_grey:
        forced = Window(*choices.window, "editor")
        return forced, forced
    found, sentences = find_window(recording, shape)
    value = {"center": found.center, "width": found.width} if found else None
    guesses += [Guess("window", value, sentence) for sentence in sentences]
    return None, found


def _trims(recording: OpenRecording, frames: int) -> tuple[int, int]:
    """Return the first and the last frame to show (from 0), as the file recommends; nonsense is all of them."""
    first = integer_of(recording.header, "StartTrim", 1)
    last = integer_of(recording.header, "StopTrim", frames)
    first, last = max(first, 1), last if 0 < last <= frames else frames
    return (first - 1, last - 1) if first < last else (0, frames - 1)


def _positioner(recording: OpenRecording) -> tuple[float, float] | None:
    """Return the primary (LAO positive) and secondary (CRA positive) angles in degrees."""
    group = functional_group(recording.header, 0, "PositionerPositionSequence")
    angles = []
    for keyword in ("PositionerPrimaryAngle", "PositionerSecondaryAngle"):
        value = first_value_of(recording.header, keyword)
        if value is None and group is not None:
            value = first_value_of(group, keyword)
        try:
            angles.append(float(value))
        except (TypeError, ValueError):
            return None
    return (angles[0], angles[1])


def _slice_pictures(run: Run) -> Iterator[Picture]:
    for path in run.paths[run.first : run.last + 1]:
        with open_presented(path, run.states) as (recording, _decided):
            shape = read_shape(recording)
            if (shape.rows, shape.columns, shape.is_grey) != (run.shape.rows, run.shape.columns, run.shape.is_grey):
                raise Refused("unsupported", _DIFFERENT_SLICES)
            check_decodable(recording, shape)
            frame = FrameReader(recording, shape).frame(0)
            yield Renderer(recording, shape, run.window).show(0, frame)
