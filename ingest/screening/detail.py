"""Find what in a stream of pictures looks like writing and has just appeared: it alone is worth reading.

Writing on a screen is thin strokes that stand still while tissue moves behind them. So of two pictures a third of a
second apart the strokes are kept that are in both, at the same place, equally bright; what was kept is known until it
goes away. All sizes are pixels of pictures at most 1080 high.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

# a stroke is thinner than this, and so much brighter or darker than what surrounds it; a known one may fade
STROKE_PX, CONTRAST, FADED = 9, 36, 16
# a standing stroke's brightness from one picture to the next
STANDS_STILL = 24
# the grid on which strokes are counted, and how many new ones in a field of it are writing
FIELD_PX, LEAST_STROKES, LEAST_IN_LINE = 16, 18, 80
# fields that belong to one line: so many columns may lie between
GAP_FIELDS = 3
# the mean difference of grey between two pictures of different scenes
OTHER_SCENE = 30.0


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, its right and bottom edge outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """Its pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


class DetailWatch:
    """Follows a stream of grey pictures of one size and answers where writing has appeared."""

    def __init__(self, *, contrast: int = CONTRAST, still: int = STANDS_STILL) -> None:
        self._contrast, self._still = contrast, still
        self._before: tuple[Picture, Picture] | None = None
        self._known: Picture | None = None
        self.is_new_scene = False

    def look(self, picture: Picture) -> list[Box]:
        """Take the next picture; return where it and the one before have strokes that were not known."""
        hats = _hats(picture)
        strokes = _above(hats, self._contrast)
        before, self._before = self._before, (picture, strokes)
        if before is None or before[0].shape != picture.shape:
            self._known, self.is_new_scene = np.zeros_like(picture), True
            return []
        known = self._known if self._known is not None else np.zeros_like(picture)
        known &= _widened(_above(hats, self._contrast // 2), 3)
        moved = _above(_picture(cv2.absdiff(picture, before[0])), self._still)
        standing = strokes & before[1] & ~moved
        new = standing & ~known
        counts = _count(new)
        self.is_new_scene = _is_other_scene(picture, before[0])
        boxes = _lines(counts, picture.shape)
        for box in boxes:
            place = np.s_[box.top : box.bottom, box.left : box.right]
            known[place] |= _widened(standing[place], 5)
        self._known = known
        return boxes


def strokes_in(picture: Picture, box: Box, *, faded: bool = False) -> Picture:
    """Return the strokes inside a box; `faded` ones may have half the contrast, and have moved by a pixel."""
    margin = STROKE_PX
    top, left = max(0, box.top - margin), max(0, box.left - margin)
    hats = _hats(picture[top : box.bottom + margin, left : box.right + margin])
    inside = hats[box.top - top : box.bottom - top, box.left - left : box.right - left]
    strokes = _above(inside, FADED if faded else CONTRAST // 2)
    return _widened(strokes, 3) if faded else strokes


def _hats(picture: Picture) -> Picture:
    """Answer how far each pixel stands out from what is wider than a stroke, be it brighter or darker."""
    kernel = np.ones((STROKE_PX, STROKE_PX), np.uint8)
    bright = cv2.morphologyEx(picture, cv2.MORPH_TOPHAT, kernel)
    dark = cv2.morphologyEx(picture, cv2.MORPH_BLACKHAT, kernel)
    return _picture(cv2.max(bright, dark))


def _above(picture: Picture, limit: int) -> Picture:
    """Answer 255 where a picture is above a limit, else 0."""
    return _picture(cv2.threshold(picture, limit, 255, cv2.THRESH_BINARY)[1])


def _widened(strokes: Picture, side_px: int) -> Picture:
    return _picture(cv2.dilate(strokes, np.ones((side_px, side_px), np.uint8)))


def _picture(made: object) -> Picture:
    """Name the type that OpenCV's answers have here."""
    return np.asarray(made, np.uint8)


def _count(strokes: Picture) -> NDArray[np.float32]:
    """Answer the stroke pixels in every field of the grid."""
    height, width = strokes.shape
    rows, columns = -(-height // FIELD_PX), -(-width // FIELD_PX)
    padded = cv2.copyMakeBorder(
        strokes, 0, rows * FIELD_PX - height, 0, columns * FIELD_PX - width, cv2.BORDER_CONSTANT, value=0
    )
    means = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
    return means.astype(np.float32) * (FIELD_PX * FIELD_PX / 255.0)


def _lines(counts: NDArray[np.float32], shape: tuple[int, ...]) -> list[Box]:
    """Join fields to lines of writing, as boxes with a margin."""
    fields = (counts >= LEAST_STROKES).astype(np.uint8)
    if not fields.any():
        return []
    joined = cv2.morphologyEx(fields, cv2.MORPH_CLOSE, np.ones((1, 2 * GAP_FIELDS + 1), np.uint8))
    count, _labels, stats, _centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for left, top, width, height, area in stats[1:count].tolist():
        strokes = float(counts[top : top + height, left : left + width].sum())
        if width >= 2 and area >= 2 and strokes >= LEAST_IN_LINE:
            margin = FIELD_PX // 2
            found.append(
                Box(
                    max(0, left * FIELD_PX - margin),
                    max(0, top * FIELD_PX - margin),
                    min(shape[1], (left + width) * FIELD_PX + margin),
                    min(shape[0], (top + height) * FIELD_PX + margin),
                )
            )
    return found


def _is_other_scene(picture: Picture, before: Picture) -> bool:
    small = [cv2.resize(one, (64, 36), interpolation=cv2.INTER_AREA) for one in (picture, before)]
    return float(cv2.absdiff(*small).mean()) > OTHER_SCENE
