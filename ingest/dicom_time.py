"""When each frame of a DICOM recording is shown, and how that is laid on a constant rate.

Order of belief: the editor, RecommendedDisplayFrameRate, then what the frame increment pointer names
(FrameTimeVector or FrameTime) or the FrameReferenceDateTime of enhanced files, then CineRate, and last an
assumption that is told to the editor. Times are milliseconds as fractions, so that nothing drifts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import accumulate, pairwise

from pydicom.dataset import Dataset

from ingest.dicom_facts import RateSource
from ingest.dicom_header import first_value_of, value_of

_ASSUMED_FPS = Fraction(15)
_SLOWEST_FPS, _FASTEST_FPS = Fraction(1, 20), Fraction(1000)
_USUAL_FPS = tuple(
    Fraction(rate) for rate in (1, 2, 3, 4, 6, 7, "7.5", 10, 12, "12.5", 15, 20, 24, 25, 30, 50, 60)
) + tuple(Fraction(rate, 1001) for rate in (24_000, 30_000, 60_000))
_GRID_FPS = tuple(map(Fraction, (10, 15, 20, 25, 30, 50, 60)))
_GUESS_TIMES = "The file gives times for some of its frames only; the last interval is used for the rest."
_GUESS_EXPOSURES = "The file gives no times, only how long each frame was exposed; frames follow each other at that."
# clocks write whole milliseconds: 66, 67, 67 is fifteen a second
_ROUNDING_MS = Fraction(1)


@dataclass(frozen=True)
class Timeline:
    """The start of every frame and the end of the last, in ms; `fps` is set when the rate is constant."""

    starts_ms: tuple[Fraction, ...]
    end_ms: Fraction
    fps: Fraction | None
    source: RateSource
    guesses: tuple[str, ...] = ()

    @property
    def mean_fps(self) -> Fraction:
        """Frames a second over the whole recording."""
        return self.fps or Fraction(len(self.starts_ms) * 1000) / self.end_ms


@dataclass(frozen=True)
class Grid:
    """A constant output rate and how many output frames each frame of the recording fills (never none)."""

    fps: Fraction
    repeats: tuple[int, ...]

    @property
    def duration_s(self) -> float:
        """Seconds that the output lasts."""
        return float(sum(self.repeats) / self.fps)


def read_timeline(header: Dataset, frames: int, *, fps: Fraction | None = None) -> Timeline:
    """Read when each of `frames` frames is shown; `fps` is an editor's word, which counts more than the file's."""
    if fps is not None:
        return _constant(fps, frames, "editor")
    rate = _usable_rate(_number(first_value_of(header, "RecommendedDisplayFrameRate")))
    if rate:
        return _constant(rate, frames, "RecommendedDisplayFrameRate")
    timeline = _by_vector(header, frames) if _prefers_vector(header) else None
    timeline = timeline or _by_frame_time(header, frames) or _by_vector(header, frames)
    timeline = timeline or _by_reference_time(header, frames)
    if timeline:
        return timeline
    rate = _usable_rate(_number(first_value_of(header, "CineRate")))
    if rate:
        return _constant(rate, frames, "CineRate")
    timeline = _by_exposure(header, frames)
    if timeline:
        return timeline
    guess = f"The file does not say how fast it was recorded; {_ASSUMED_FPS} pictures a second are assumed."
    return _constant(_ASSUMED_FPS, frames, "assumed", guess)


def trimmed(timeline: Timeline, first: int, last: int) -> Timeline:
    """Return the times of the frames from `first` to `last` (from 0, inclusive), the first of them at zero."""
    zero = timeline.starts_ms[first]
    edges = [*timeline.starts_ms, timeline.end_ms]
    starts = tuple(start - zero for start in timeline.starts_ms[first : last + 1])
    return replace(timeline, starts_ms=starts, end_ms=edges[last + 1] - zero)


def same_step(frames: int, fps: Fraction, source: RateSource) -> Timeline:
    """Return the times of frames that follow each other at one rate which no tag of a file gave."""
    return _constant(fps, frames, source)


def lay_on_grid(timeline: Timeline) -> Grid:
    """Choose a constant output rate and repeat frames on it so that each is shown when the file says.

    A constant recording keeps its own rate (slower than one a second: a multiple of it). For a varying one it
    is the slowest rate on which every frame starts exactly or, where none up to 60 does, the slowest on which
    no frame is off by more than a millisecond, else by more than a tenth of the shortest frame.
    """
    frames = len(timeline.starts_ms)
    if timeline.fps is not None:
        multiple = math.ceil(1 / timeline.fps)
        return Grid(timeline.fps * multiple, (multiple,) * frames)
    return lay_together([timeline])[0]


def lay_together(timelines: Sequence[Timeline]) -> list[Grid]:
    """Choose one constant rate for several runs, each of which begins on it, and lay each of them on it."""
    if len({timeline.fps for timeline in timelines}) == 1 and timelines[0].fps is not None:
        return [lay_on_grid(timeline) for timeline in timelines]
    runs = [[*timeline.starts_ms, timeline.end_ms] for timeline in timelines]
    fps = _common_fps(timelines, runs)
    return [_grid(fps, edges) for edges in runs]


def _common_fps(timelines: Sequence[Timeline], runs: Sequence[Sequence[Fraction]]) -> Fraction:
    """Return the rate on which the frames of all runs start exactly, or as nearly as a rate up to 60 lets them."""
    steps = [_exact_step_ms(timeline, edges) for timeline, edges in zip(timelines, runs, strict=True)]
    known = [step for step in steps if step is not None]
    if len(known) == len(steps):
        step_ms = _divisor(known)
        if Fraction(1000, 60) <= step_ms <= 1000:
            return 1000 / step_ms
    usual = sorted({*_GRID_FPS, *(fps for fps in _USUAL_FPS if fps >= 1)})
    shortest = min(end - start for edges in runs for start, end in pairwise(edges))
    for allowed_ms in (_ROUNDING_MS, shortest / 10):
        for fps in usual:
            if all(abs(_slot(edge, fps) / fps * 1000 - edge) <= allowed_ms for edges in runs for edge in edges):
                return fps
    return _GRID_FPS[-1]


def _exact_step_ms(timeline: Timeline, edges: Sequence[Fraction]) -> Fraction | None:
    """Return the longest step of which every frame's start is a multiple; None where the file's times have no such."""
    if timeline.fps is not None:
        return 1000 / timeline.fps
    if not all(edge.denominator == 1 for edge in edges):
        return None
    return Fraction(math.gcd(*(int(edge) for edge in edges)))


def _divisor(steps: Sequence[Fraction]) -> Fraction:
    """Return the greatest length that divides all of `steps`."""
    scale = math.lcm(*(step.denominator for step in steps))
    return Fraction(math.gcd(*(int(step * scale) for step in steps)), scale)


def _grid(fps: Fraction, edges: Sequence[Fraction]) -> Grid:
    slots = [_slot(edge, fps) for edge in edges]
    for index in range(1, len(slots)):
        # two frames closer than one output frame: keep both, the later one moves on
        slots[index] = max(slots[index], slots[index - 1] + 1)
    return Grid(fps, tuple(end - start for start, end in pairwise(slots)))


def _slot(time_ms: Fraction, fps: Fraction) -> int:
    return math.floor(time_ms * fps / 1000 + Fraction(1, 2))


def _prefers_vector(header: Dataset) -> bool:
    pointer = first_value_of(header, "FrameIncrementPointer")
    return pointer == 0x00181065 or (pointer is None and value_of(header, "FrameTime") is None)


def _by_frame_time(header: Dataset, frames: int) -> Timeline | None:
    frame_time = _number(first_value_of(header, "FrameTime"))
    rate = _usable_rate(1000 / frame_time) if frame_time else None
    return _constant(_snap(rate, frames), frames, "FrameTime") if rate else None


def _by_vector(header: Dataset, frames: int) -> Timeline | None:
    """Read FrameTimeVector: the increment before each frame, the first one 0 by definition."""
    raw = value_of(header, "FrameTimeVector")
    values = [raw] if isinstance(raw, (str, float, int)) else list(raw or ())
    numbers = [_number(value) for value in values]
    if len(numbers) == frames - 1:
        numbers.insert(0, Fraction(0))
    increments = [number for number in numbers[1:frames] if number is not None]
    if frames < 2 or not increments or any(step < 0 for step in increments) or not any(increments):
        return None
    guesses = []
    last = next(step for step in reversed(increments) if step > 0)
    if len(increments) < frames - 1:
        guesses.append(_GUESS_TIMES)
        increments += [last] * (frames - 1 - len(increments))
    starts = list(accumulate(increments, initial=Fraction(0)))
    return _from_starts(starts, last, "FrameTimeVector", tuple(guesses))


def _by_reference_time(header: Dataset, frames: int) -> Timeline | None:
    """Read the time of each frame of an enhanced multi-frame file."""
    items = value_of(header, "PerFrameFunctionalGroupsSequence") or ()
    if frames < 2 or len(items) != frames:
        return None
    times = [_reference_time(item) for item in items]
    known = [time for time in times if time is not None]
    if len(known) != frames:
        return None
    starts = [Fraction((time - known[0]).total_seconds()).limit_denominator(10**6) * 1000 for time in known]
    steps = [end - start for start, end in pairwise(starts)]
    if any(step <= 0 for step in steps):
        return None
    return _from_starts(starts, steps[-1], "FrameReferenceDateTime")


def _by_exposure(header: Dataset, frames: int) -> Timeline | None:
    """Read the exposure of each frame of an enhanced file that gives no times: a guess, but nearer than any rate."""
    items = value_of(header, "PerFrameFunctionalGroupsSequence") or ()
    contents = [value_of(item, "FrameContentSequence") for item in items]
    lasting = [_number(value_of(content[0], "FrameAcquisitionDuration")) if content else None for content in contents]
    steps = [step for step in lasting if step is not None and step > 0]
    if frames < 2 or len(steps) != frames:
        return None
    starts = list(accumulate(steps[:-1], initial=Fraction(0)))
    return _from_starts(starts, steps[-1], "FrameAcquisitionDuration", (_GUESS_EXPOSURES,))


def _reference_time(item: Dataset) -> datetime | None:
    content = value_of(item, "FrameContentSequence")
    for keyword in ("FrameReferenceDateTime", "FrameAcquisitionDateTime"):
        text = str((value_of(content[0], keyword) if content else None) or "").split("+")[0].split("-")[0]
        for form in ("%Y%m%d%H%M%S.%f", "%Y%m%d%H%M%S"):
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007  only differences are used
            except ValueError:
                continue
    return None


def _from_starts(
    starts: list[Fraction], last_ms: Fraction, source: RateSource, guesses: tuple[str, ...] = ()
) -> Timeline | None:
    """Build a timeline; the last frame lasts `last_ms`, as the one before it: no tag says how long."""
    end = starts[-1] + last_ms
    steps = {after - before for before, after in pairwise([*starts, end])}
    if not _SLOWEST_FPS <= Fraction(len(starts) * 1000) / end <= _FASTEST_FPS:
        return None
    if len(steps) == 1:
        return _constant(_snap(1000 / last_ms, len(starts)), len(starts), source, *guesses)
    rate = _meant_rate(starts)
    if rate is not None:
        return _constant(rate, len(starts), source, *guesses)
    return Timeline(tuple(starts), end, None, source, guesses)


def _meant_rate(starts: Sequence[Fraction]) -> Fraction | None:
    """Return the usual rate that a clock of whole milliseconds has rounded (66, 67, 67), None where there is none."""
    for usual in _USUAL_FPS:
        if all(abs(start - index * 1000 / usual) <= _ROUNDING_MS for index, start in enumerate(starts)):
            return usual
    return None


def _constant(fps: Fraction, frames: int, source: RateSource, *guesses: str) -> Timeline:
    starts = tuple(index * 1000 / fps for index in range(frames))
    return Timeline(starts, frames * 1000 / fps, fps, source, guesses)


def _snap(fps: Fraction, frames: int) -> Fraction:
    """Return the common rate that was meant (33.333 ms is 30/s) where no frame moves by over half a ms."""
    for usual in _USUAL_FPS:
        if abs(1000 / usual - 1000 / fps) * frames <= Fraction(1, 2):
            return usual
    return fps.limit_denominator(100_000)


def _usable_rate(fps: Fraction | None) -> Fraction | None:
    return fps if fps is not None and _SLOWEST_FPS <= fps <= _FASTEST_FPS else None


def _number(value: object) -> Fraction | None:
    """Return a decimal or integer string's exact value, None where it is none."""
    try:
        return None if value is None else Fraction(Decimal(str(value).strip()))
    except (InvalidOperation, ValueError, OverflowError):
        return None
