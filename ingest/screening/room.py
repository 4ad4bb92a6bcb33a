"""Whether a picture looks like the room rather than the operation: the camera is outside, and may show people.

No weights for this are in any package we may use, so it is a rule on colour, for a person to look at, never a verdict:
tissue is red and warm, X-ray and ultrasound are grey; a room has blue and green drapes, white walls, and all of them at
once. A grey recording is never flagged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

# a colour counts when it is this far from grey, and neither black nor burnt out (of 255)
LEAST_SATURATION, DARK, BURNT = 40, 40, 250
# hues (OpenCV's, half degrees): tissue from magenta over red to yellow, drapes and gowns from green to blue
TISSUE_HUES, DRAPE_HUES = (160, 28), (38, 135)
# a recording without colour, and how much of a picture is drapes or pale walls
COLOURED_SHARE, DRAPE_SHARE, TISSUE_MOST = 0.08, 0.22, 0.30
# a glance outside shorter than this is seen in the samples beside it
LEAST_SAMPLES = 2


@dataclass
class RoomWatch:
    """Follows samples of a recording, in colour, and answers the stretches that look like a room."""

    every_s: float
    stretches: list[tuple[float, float]] = field(default_factory=list)
    _since_s: float | None = None
    _count: int = 0

    def look(self, time_s: float, picture: NDArray[np.uint8]) -> None:
        """Take the next sample (blue, green, red)."""
        if is_room(picture):
            self._since_s = time_s if self._since_s is None else self._since_s
            self._count += 1
        else:
            self.finish(time_s)

    def finish(self, time_s: float) -> None:
        """End a stretch that still goes on."""
        if self._since_s is not None and self._count >= LEAST_SAMPLES:
            self.stretches.append((max(0.0, self._since_s - self.every_s), time_s))
        self._since_s, self._count = None, 0


def is_room(picture: NDArray[np.uint8]) -> bool:
    """Whether a small picture (blue, green, red) has the colours of a room and not those of tissue."""
    hue, saturation, value = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV))
    lit = (value > DARK) & (value < BURNT)
    coloured = lit & (saturation > LEAST_SATURATION)
    if coloured.mean() < COLOURED_SHARE:
        return False
    tissue = coloured & ((hue >= TISSUE_HUES[0]) | (hue <= TISSUE_HUES[1]))
    drapes = coloured & (hue >= DRAPE_HUES[0]) & (hue <= DRAPE_HUES[1])
    return bool(drapes.mean() >= DRAPE_SHARE and tissue.mean() <= TISSUE_MOST)
