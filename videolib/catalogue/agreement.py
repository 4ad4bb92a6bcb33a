"""How far two annotators agree on when the phases and steps of a recording are; pure: stretches in, figures out.

Two measures, as annotation studies report them: the overlap of what both call by one name (intersection over union,
averaged over the names by their length), and F1 of the boundaries, where a boundary counts as found if the other has
one of the same name within the tolerance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

TOLERANCE_S = 2.0


@dataclass(frozen=True)
class Stretch:
    """A phase or step: its term, and where it is."""

    term_id: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class TermAgreement:
    """One term: how long either has it, and how much of both together they share."""

    term_id: str
    first_s: float
    second_s: float
    iou: float


@dataclass(frozen=True)
class Agreement:
    """From 0 to 1. `iou` is weighted by length; `boundary_f1` over all starts and ends."""

    iou: float
    boundary_f1: float
    terms: tuple[TermAgreement, ...]


def measure(first: Sequence[Stretch], second: Sequence[Stretch], *, tolerance_s: float = TOLERANCE_S) -> Agreement:
    """Compare two readings of one level; two empty ones agree on nothing to compare: both figures are 1."""
    if not first and not second:
        return Agreement(1.0, 1.0, ())
    mine, theirs = _by_term(first), _by_term(second)
    terms = [_of_term(term, mine.get(term, []), theirs.get(term, [])) for term in sorted({*mine, *theirs})]
    weights = [term.first_s + term.second_s for term in terms]
    total = sum(weights)
    iou = sum(term.iou * weight for term, weight in zip(terms, weights, strict=True)) / total if total else 0.0
    return Agreement(round(iou, 4), round(_boundary_f1(first, second, tolerance_s), 4), tuple(terms))


def _by_term(stretches: Iterable[Stretch]) -> Mapping[str, list[Stretch]]:
    found: dict[str, list[Stretch]] = defaultdict(list)
    for stretch in stretches:
        found[stretch.term_id].append(stretch)
    return found


def _of_term(term_id: str, first: Sequence[Stretch], second: Sequence[Stretch]) -> TermAgreement:
    mine, theirs = _length(first), _length(second)
    shared = sum(max(0.0, min(a.end_s, b.end_s) - max(a.start_s, b.start_s)) for a in first for b in second)
    whole = mine + theirs - shared
    return TermAgreement(term_id, mine, theirs, round(shared / whole, 4) if whole else 0.0)


def _length(stretches: Iterable[Stretch]) -> float:
    return sum(stretch.end_s - stretch.start_s for stretch in stretches)


def _boundary_f1(first: Sequence[Stretch], second: Sequence[Stretch], tolerance_s: float) -> float:
    """2 hits / (boundaries of both); each boundary is paired once, the nearest pairs first."""
    mine, theirs = _boundaries(first), _boundaries(second)
    near = sorted(
        (abs(a[2] - b[2]), at, other)
        for at, a in enumerate(mine)
        for other, b in enumerate(theirs)
        if a[:2] == b[:2] and abs(a[2] - b[2]) <= tolerance_s
    )
    used_mine: set[int] = set()
    used_theirs: set[int] = set()
    for _, at, other in near:
        if at not in used_mine and other not in used_theirs:
            used_mine.add(at)
            used_theirs.add(other)
    return 2 * len(used_mine) / (len(mine) + len(theirs))


def _boundaries(stretches: Iterable[Stretch]) -> list[tuple[str, str, float]]:
    return [
        boundary
        for stretch in stretches
        for boundary in ((stretch.term_id, "start", stretch.start_s), (stretch.term_id, "end", stretch.end_s))
    ]
