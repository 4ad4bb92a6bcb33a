"""How far a mask moves before it is taken away: for a whole picture, for one frame, or for regions of the picture.

Only `shift_of_mask` knows the sign of a pixel shift. Frames are numbered from 0 here, from 1 in the tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from ingest.dicom_header import READ_ERRORS, functional_group, value_of

Plane = NDArray[np.float32]
Shift = tuple[float, float]
_MOST_SHIFT_PX = 512.0


@dataclass(frozen=True)
class Region:
    """A part of the picture whose mask moves by itself; no vertices are the whole picture.

    `stated` is the shift as the tag gives it; `vertices` are rows and columns, counted from 0.
    """

    stated: Shift
    vertices: tuple[tuple[float, float], ...] = ()

    @property
    def moved(self) -> Shift:
        """How far the mask moves down and to the right."""
        return shift_of_mask(self.stated)


def shift_of_mask(vertical_horizontal: Sequence[float]) -> Shift:
    """Return how far the mask moves down and to the right for a Mask Sub-pixel Shift (0028,6114).

    The tag is vertical, horizontal. Positive is taken as down and right, as rows and columns are counted; the
    standard's text could not be confirmed, other programs read the horizontal the other way round (decision 019).
    Whoever knows better changes this line, and nothing else.
    """
    vertical, horizontal = vertical_horizontal
    return (float(vertical), float(horizontal))


def moved(picture: Plane, by: Shift) -> Plane:
    """Move a picture down and right by parts of a pixel, linear between neighbours; its border is continued."""
    for axis, amount in enumerate(by):
        whole = int(np.floor(amount))
        part = np.float32(amount - whole)
        if amount:
            near, far = _rolled(picture, axis, whole), _rolled(picture, axis, whole + 1)
            picture = near + part * (far - near)
    return picture


def moved_in_regions(picture: Plane, by: Shift, regions: Sequence[Region]) -> Plane:
    """Move a picture, and each region of it by its own shift; where regions overlap the last one counts."""
    whole = moved(picture, by)
    for region in regions:
        inside = _inside(region.vertices, picture.shape)
        whole = np.where(inside, moved(picture, region.moved), whole)
    return whole


def stated_shift(item: Dataset, header: Dataset, frame: int) -> Shift | None:
    """Return the shift for a whole frame as the file states it: the frame's own, else the item's."""
    return _frame_shift(item, header, frame) or _pair(value_of(item, "MaskSubPixelShift"))


def region_shifts(item: Dataset, header: Dataset, frame: int) -> tuple[Region, ...]:
    """Return the regions that a presentation state moves for a frame; of several items the last one counts."""
    name = value_of(item, "SubtractionItemID")
    found: tuple[Region, ...] = ()
    for shift in value_of(header, "PixelShiftSequence") or ():
        other = value_of(shift, "SubtractionItemID")
        if (name == other or None in (name, other)) and _holds_for(shift, frame):
            regions = (_region(one) for one in value_of(shift, "RegionPixelShiftSequence") or ())
            found = tuple(region for region in regions if region is not None)
    return found


def _holds_for(shift: Dataset, frame: int) -> bool:
    try:
        numbers = [int(number) - 1 for number in value_of(shift, "PixelShiftFrameRange") or ()]
    except READ_ERRORS:
        return False
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    return not pairs or any(first <= frame <= last for first, last in pairs)


def _region(item: Dataset) -> Region | None:
    stated = _pair(value_of(item, "MaskSubPixelShift"))
    if stated is None:
        return None
    try:
        numbers = [float(number) - 1 for number in value_of(item, "VerticesOfTheRegion") or ()]
    except READ_ERRORS:
        return None
    vertices = tuple(zip(numbers[::2], numbers[1::2], strict=False))
    return Region(stated, vertices) if len(vertices) != 1 else None


def _inside(vertices: Sequence[tuple[float, float]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return True inside a polygon of rows and columns, edges included; everywhere without vertices."""
    if len(vertices) < 2:
        return np.ones(shape, np.bool_)
    canvas = Image.new("1", (shape[1], shape[0]), 0)
    ImageDraw.Draw(canvas).polygon([(column, row) for row, column in vertices], fill=1)
    return np.array(canvas, np.bool_)


def _frame_shift(item: Dataset, header: Dataset, frame: int) -> Shift | None:
    """Return the shift that an enhanced file gives for one frame and this item (Frame Pixel Shift macro)."""
    own = functional_group(header, frame, "FramePixelShiftSequence")
    if own is None:
        return None
    names = (value_of(item, "SubtractionItemID"), value_of(own, "SubtractionItemID"))
    return _pair(value_of(own, "MaskSubPixelShift")) if names[0] == names[1] or None in names else None


def _pair(value: Any) -> Shift | None:
    try:
        first, second = (float(number) for number in value)
    except (TypeError, ValueError):
        return None
    is_sane = np.isfinite([first, second]).all() and max(abs(first), abs(second)) <= _MOST_SHIFT_PX
    return (first, second) if is_sane else None


def _rolled(picture: Plane, axis: int, by: int) -> Plane:
    length = picture.shape[axis]
    return np.take(picture, np.clip(np.arange(length) - by, 0, length - 1), axis=axis)
