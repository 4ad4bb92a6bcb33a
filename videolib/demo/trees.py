"""Vessel trees grown by rule: trunks as an atlas draws them, branches by Murray's law, blood that takes its time.

Coordinates are pixels of a 512-pixel picture, (x, y) with y downwards; times are seconds after the injection starts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_STEP = 1.5
_SMALLEST_RADIUS = 0.5
_MURRAY = 3.0  # parent radius cubed is the sum of its children's cubed
_SPEED = 210.0  # pixels a second in a vessel of the radius below; slower in thinner ones
_SPEED_RADIUS = 7.0


@dataclass(frozen=True)
class Branch:
    """One vessel between two forks: its axis, its radius along it and when the contrast arrives."""

    axis: Points
    radius: NDArray[np.float64]
    arrival_s: NDArray[np.float64]


@dataclass(frozen=True)
class Organ:
    """An ellipse that its vessels grow in: centre, half axes, and how much they like to stay inside."""

    x: float
    y: float
    half_width: float
    half_height: float
    pull: float = 0.25

    def outside(self, x: float, y: float) -> float:
        """Return how far outside a point is: 0 at the centre, 1 at the rim."""
        return math.hypot((x - self.x) / self.half_width, (y - self.y) / self.half_height)


@dataclass
class Tree:
    """A growing tree: the random numbers it grows by, the organ it stays in, the branches it has."""

    random: np.random.Generator
    organ: Organ
    branches: list[Branch] = field(default_factory=list)

    def add_trunk(
        self,
        controls: Sequence[tuple[float, float]],
        radii: tuple[float, float],
        start_s: float,
        *,
        narrowing: tuple[float, float] | None = None,
    ) -> Branch:
        """Add a vessel through given points; `narrowing` is (place along it 0..1, share of the radius left)."""
        axis = smooth_curve(controls)
        along = np.linspace(0.0, 1.0, len(axis))
        radius = radii[0] + (radii[1] - radii[0]) * along
        if narrowing is not None:
            place, left = narrowing
            radius *= 1 - (1 - left) * np.exp(-(((along - place) / 0.07) ** 2))
            radius *= 1 + 0.06 * np.sin(along * 60) * np.exp(-(((along - place) / 0.2) ** 2))
        branch = Branch(axis, radius, start_s + travel_s(axis, radius))
        self.branches.append(branch)
        return branch

    def grow_from(self, parent: Branch, place: float, angle: float, radius: float, *, length: float = 70.0) -> None:
        """Let a subtree leave `parent` at `place` (0..1) by `angle` degrees to its direction there."""
        index = min(int(place * (len(parent.axis) - 1)), len(parent.axis) - 2)
        ahead = parent.axis[index + 1] - parent.axis[index]
        heading = math.atan2(ahead[1], ahead[0]) + math.radians(angle)
        x, y = parent.axis[index]
        self._grow((float(x), float(y)), heading, radius, length, float(parent.arrival_s[index]))

    def _grow(self, start: tuple[float, float], heading: float, radius: float, length: float, start_s: float) -> None:
        if radius < _SMALLEST_RADIUS or length < 6 or self.organ.outside(*start) > 1.04:
            return
        branch, heading = self._walk(start, heading, radius, length, start_s)
        self.branches.append(branch)
        end = (float(branch.axis[-1, 0]), float(branch.axis[-1, 1]))
        share = self.random.uniform(0.35, 0.65)
        left = radius * 0.93 * share ** (1 / _MURRAY)
        right = radius * 0.93 * (1 - share) ** (1 / _MURRAY)
        side = 1 if self.random.random() < 0.5 else -1
        for child, sign in ((left, side), (right, -side)):
            # the thinner child turns away more
            turn = math.radians(self.random.uniform(22, 40)) * (radius / child) ** 1.5 / 1.3
            self._grow(
                end, heading + sign * turn, child, length * self.random.uniform(0.66, 0.92), branch.arrival_s[-1]
            )

    def _walk(
        self, start: tuple[float, float], heading: float, radius: float, length: float, start_s: float
    ) -> tuple[Branch, float]:
        """Walk one vessel: a heading that wavers, and turns back where it would leave the organ."""
        x, y = start
        points, turn = [(x, y)], 0.0
        for _ in range(max(int(length / _STEP), 3)):
            turn = 0.86 * turn + self.random.normal(0, 0.028)
            outside = self.organ.outside(x, y)
            if outside > 0.85:
                home = math.atan2(self.organ.y - y, self.organ.x - x)
                swing = math.remainder(home - heading, 2 * math.pi)
                turn += self.organ.pull * (outside - 0.85) * swing * 0.4
            heading += turn
            x, y = x + _STEP * math.cos(heading), y + _STEP * math.sin(heading)
            points.append((x, y))
        axis = np.array(points)
        radii = np.linspace(radius, radius * 0.88, len(axis))
        return Branch(axis, radii, start_s + travel_s(axis, radii)), heading


def smooth_curve(controls: Sequence[tuple[float, float]]) -> Points:
    """Return a Catmull-Rom curve through points, sampled evenly about every one and a half pixels."""
    given = np.array(controls, np.float64)
    padded = np.vstack([2 * given[0] - given[1], given, 2 * given[-1] - given[-2]])
    t = np.linspace(0, 1, 60, endpoint=False)[:, None]
    pieces = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        slope, bend = end - before, 2 * before - 5 * start + 4 * end - after
        pieces.append(0.5 * (2 * start + slope * t + bend * t**2 + (3 * start - before - 3 * end + after) * t**3))
    dense = np.vstack([*pieces, given[-1:]])
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(dense, axis=0).T))])
    even = np.linspace(0, travelled[-1], max(int(travelled[-1] / _STEP), 4))
    return np.column_stack([np.interp(even, travelled, dense[:, axis]) for axis in (0, 1)])


def travel_s(axis: Points, radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return when the contrast reaches each point of a vessel, in seconds after it entered."""
    steps = np.concatenate([[0.0], np.hypot(*np.diff(axis, axis=0).T)])
    return np.asarray(np.cumsum(steps / (_SPEED * np.sqrt(radius / _SPEED_RADIUS))))
