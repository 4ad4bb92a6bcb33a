"""Stretches of a recording in whole milliseconds: what was watched is their union, what may be credited is bounded.

Pure: no rows and no clock. A stretch is `(start_ms, end_ms)`; lists of them are in order and do not touch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Span = tuple[int, int]
SLOWEST, FASTEST = 0.25, 2.0
# between two reports of one player a rounded millisecond or two may be missing; nobody skips that on purpose
_TOUCHING_MS = 120


@dataclass(frozen=True)
class Played:
    """A stretch as a player reports it: from where to where, and at which speed."""

    start_ms: int
    end_ms: int
    rate: float

    @property
    def lasted_ms(self) -> float:
        """How long playing it takes by the clock on the wall."""
        return (self.end_ms - self.start_ms) / self.rate


def unite(*lists: Iterable[Sequence[int]]) -> list[Span]:
    """All that lies in any of them, each moment once."""
    united: list[Span] = []
    for start, end in sorted((int(span[0]), int(span[1])) for spans in lists for span in spans):
        if end <= start:
            continue
        if united and start <= united[-1][1] + _TOUCHING_MS:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united


def length_ms(spans: Iterable[Sequence[int]]) -> int:
    """How long they are together."""
    return sum(int(span[1]) - int(span[0]) for span in spans)


def within(played: Iterable[Played], longest_ms: float, duration_ms: int) -> tuple[list[Span], float]:
    """Those stretches, inside the recording, for as long as `longest_ms` of wall clock last; and what they lasted."""
    credited: list[Span] = []
    lasted_ms = 0.0
    for one in played:
        start, end = max(0, one.start_ms), min(one.end_ms, duration_ms)
        rate = min(max(one.rate, SLOWEST), FASTEST)
        end = min(end, start + int((longest_ms - lasted_ms) * rate))
        if end > start:
            credited.append((start, end))
            lasted_ms += (end - start) / rate
    return credited, lasted_ms


def gaps_of(spans: Iterable[Sequence[int]], duration_ms: int) -> list[Span]:
    """What has not been watched."""
    gaps, at = [], 0
    for start, end in unite(spans):
        if start > at:
            gaps.append((at, start))
        at = max(at, end)
    return [*gaps, (at, duration_ms)] if at < duration_ms else gaps


def add_plays(plays: Iterable[Sequence[int]], played: Iterable[Sequence[int]]) -> list[tuple[int, int, int]]:
    """How often each moment was played: `(start_s, end_s, times)` in whole seconds, with the stretches in ms added.

    Whole seconds keep it short however often somebody goes back; what was never played is left out.
    """
    changes: Counter[int] = Counter()
    for start, end, times in plays:
        changes[start] += times
        changes[end] -= times
    for start_ms, end_ms in played:
        changes[round(start_ms / 1000)] += 1
        changes[round(end_ms / 1000)] -= 1
    counted: list[tuple[int, int, int]] = []
    times, since = 0, 0
    for at in sorted(at for at, change in changes.items() if change):
        if times:
            counted.append((since, at, times))
        times, since = times + changes[at], at
    return counted
