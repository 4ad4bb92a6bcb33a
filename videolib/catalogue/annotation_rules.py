"""The rules about times: phases in order and apart, steps in a phase, tasks in a step, all inside the recording.

Pure: spans in, problems out. What belongs to what follows from the times alone, since those of one level do not
overlap: a step's phase is the one that it lies in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from videolib.catalogue.media_time import TICKS_PER_S

# from the widest to the narrowest; what is not here stands beside the hierarchy
LEVELS = ("phase", "step", "task", "action")
PARENT = {"step": "phase", "task": "step"}
# these have a length, the others may be points
_INTERVALS = frozenset(LEVELS[:3])
_APART = ("phase", "step")
# the length of a package and that of its source differ by parts of a frame
SLACK_TICKS = TICKS_PER_S // 10

_OUTSIDE = {
    "step": "A step lies inside one phase: add or widen the phase first, or choose other times.",
    "task": "A task lies inside one step: add or widen the step first, or choose other times.",
}
_OVERLAP = {
    "phase": "Phases do not overlap: this one reaches into another.",
    "step": "Steps do not overlap: this one reaches into another.",
}


@dataclass(frozen=True)
class Span:
    """A stretch of time, in ticks; a point has no end."""

    id: str
    layer: str
    kind: str
    start: int
    end: int | None


@dataclass(frozen=True)
class Problem:
    """A broken rule: between which annotations, a sentence, and the field to correct."""

    code: str
    ids: tuple[str, ...]
    field: str
    sentence: str

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What makes it the same problem as another."""
        return self.code, self.ids


def level_of(kind: str) -> int:
    """0 for phases, up to 4 for what stands beside the hierarchy."""
    return LEVELS.index(kind) if kind in LEVELS else len(LEVELS)


def find_problems(spans: Iterable[Span], duration: int | None) -> list[Problem]:
    """Every broken rule, layer by layer; `duration` in ticks where it is known."""
    layers: dict[str, list[Span]] = {}
    for span in spans:
        layers.setdefault(span.layer, []).append(span)
    problems: list[Problem] = []
    for members in layers.values():
        for span in members:
            problems += _own_problems(span, duration)
        for kind in _APART:
            problems += _overlaps([span for span in members if span.kind == kind])
        for kind, parent in PARENT.items():
            parents = Parents(span for span in members if span.kind == parent)
            problems += [
                Problem("outside_parent", (span.id,), "start", _OUTSIDE[kind])
                for span in members
                if span.kind == kind and parents.find(span) is None
            ]
    return problems


class Parents:
    """Spans that do not overlap, to be asked which of them another lies in."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = sorted(spans, key=lambda span: span.start)
        self._starts = [span.start for span in self._spans]

    def find(self, span: Span) -> Span | None:
        """The one that it lies in, ends included."""
        at = bisect_right(self._starts, span.start) - 1
        if at < 0:
            return None
        parent = self._spans[at]
        end = span.start if span.end is None else span.end
        return parent if parent.end is not None and end <= parent.end else None


def _own_problems(span: Span, duration: int | None) -> list[Problem]:
    problems = []
    if span.end is None and span.kind in _INTERVALS:
        problems.append(Problem("no_end", (span.id,), "end", "Phases, steps and tasks have an end."))
    if span.end is not None and span.end <= span.start:
        problems.append(Problem("backwards", (span.id,), "end", "The end lies after the start."))
    last = span.start if span.end is None else span.end
    if duration is not None and last > duration + SLACK_TICKS:
        problems.append(Problem("too_late", (span.id,), "end", "It lies behind the end of the recording."))
    return problems


def _overlaps(spans: Sequence[Span]) -> list[Problem]:
    """Each with the furthest-reaching one before it."""
    problems = []
    reaching: Span | None = None
    for span in sorted(spans, key=lambda span: (span.start, span.end or span.start, span.id)):
        if reaching is not None and reaching.end is not None and span.start < reaching.end:
            ids = tuple(sorted((reaching.id, span.id)))
            problems.append(Problem("overlap", ids, "start", _OVERLAP[span.kind]))
        if reaching is None or (span.end or span.start) > (reaching.end or reaching.start):
            reaching = span
    return problems
