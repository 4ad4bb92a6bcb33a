"""The display shutter of a DICOM recording: what it covers is filled, and with it whatever text stands there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from ingest.dicom_frames import ImageShape
from ingest.dicom_header import READ_ERRORS, functional_group, integer_of, value_of


class Shutter:
    """The shutter of every frame; an enhanced file may have another one for each."""

    def __init__(self, header: Dataset, shape: ImageShape) -> None:
        self._header, self._shape = header, shape
        self._varies = value_of(header, "PerFrameFunctionalGroupsSequence") is not None
        self._kept: dict[int, NDArray[np.bool_] | None] = {}

    def covers(self, index: int) -> NDArray[np.bool_] | None:
        """Return True where the shutter covers frame `index`, None without a shutter."""
        own = functional_group(self._header, index, "FrameDisplayShutterSequence") if self._varies else None
        tags = self._header if own is None else own
        if id(tags) not in self._kept:
            self._kept.clear()  # the same group comes again and again, or never: one is enough
            self._kept[id(tags)] = shutter_mask(tags, self._shape)
        return self._kept[id(tags)]

    def close_over(self, picture: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """Return the picture of frame `index` with what the shutter covers filled."""
        outside = self.covers(index)
        if outside is None:
            return picture
        covered = picture.copy()  # a frame may be a read-only view
        covered[outside] = integer_of(self._header, "ShutterPresentationValue", 0) >> 8
        return covered


def shutter_mask(header: Dataset, shape: ImageShape) -> NDArray[np.bool_] | None:
    """Return True where the display shutter covers the picture, None without a shutter; tags count from 1."""
    shapes = value_of(header, "ShutterShape")
    kinds = [shapes] if isinstance(shapes, str) else list(shapes or ())
    if not kinds:
        return None
    visible = np.ones((shape.rows, shape.columns), np.bool_)
    try:
        for kind in kinds:
            visible &= _visible_through(header, str(kind), shape)
    except READ_ERRORS:
        return None
    return ~visible if visible.any() else None


def _visible_through(header: Dataset, kind: str, shape: ImageShape) -> NDArray[np.bool_]:
    if kind == "CIRCULAR":
        row, column = (int(value) for value in header.CenterOfCircularShutter)
        y, x = np.ogrid[1 : shape.rows + 1, 1 : shape.columns + 1]
        return np.asarray((y - row) ** 2 + (x - column) ** 2 <= int(header.RadiusOfCircularShutter) ** 2)
    canvas = Image.new("1", (shape.columns, shape.rows), 0)
    draw = ImageDraw.Draw(canvas)
    if kind == "RECTANGULAR":
        left, right = int(header.ShutterLeftVerticalEdge), int(header.ShutterRightVerticalEdge)
        top, bottom = int(header.ShutterUpperHorizontalEdge), int(header.ShutterLowerHorizontalEdge)
        draw.rectangle((left - 1, top - 1, right - 1, bottom - 1), fill=1)
    elif kind == "POLYGONAL":
        numbers = [int(value) - 1 for value in header.VerticesOfThePolygonalShutter]
        draw.polygon(list(zip(numbers[1::2], numbers[0::2], strict=True)), fill=1)
    else:
        return np.ones((shape.rows, shape.columns), np.bool_)
    return np.array(canvas, np.bool_)
