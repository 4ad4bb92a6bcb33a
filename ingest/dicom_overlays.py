"""Graphics that lie over the pictures in planes of their own (60xx, PS3.3 C.9.2): drawn only where an editor asks.

They may be measurements, or the patient's name: so nobody sees them by itself, and a recording that shows them is held
for a second person.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from ingest.dicom_header import READ_ERRORS, OpenRecording

_GROUPS = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FIRST_FRAME, _BITS, _BITMAP = 0x10, 0x11, 0x15, 0x50, 0x51, 0x100, 0x3000
_MOST_SIDE = 8192
_WHITE = 255


@dataclass(frozen=True)
class Plane:
    """One overlay: its bitmaps, where its first row and column lie in the picture, the frame that it begins with.

    With `is_for_all` the one bitmap lies over every frame.
    """

    bitmaps: NDArray[np.bool_]
    row: int
    column: int
    first_frame: int
    is_for_all: bool


def read_overlays(recording: OpenRecording) -> tuple[Plane, ...]:
    """Read the overlays of a file; what cannot be read, or lies in unused bits of the pixels, is left out."""
    elements = (_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FIRST_FRAME, _BITS, _BITMAP)
    tags = [group << 16 | element for group in _GROUPS for element in elements]
    try:
        recording.file.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = dcmread(recording.file, force=True, stop_before_pixels=True, specific_tags=tags)
    except READ_ERRORS:
        return ()
    found = (_plane(header, group) for group in _GROUPS)
    return tuple(plane for plane in found if plane is not None)


def draw_overlays(picture: NDArray[np.uint8], planes: tuple[Plane, ...], index: int) -> NDArray[np.uint8]:
    """Return the picture of frame `index` (from 0) with its overlays in white."""
    drawn = picture.copy()
    for plane in planes:
        at = 0 if plane.is_for_all else index - plane.first_frame
        if not 0 <= at < len(plane.bitmaps):
            continue
        bitmap = plane.bitmaps[at]
        top, left = max(plane.row, 0), max(plane.column, 0)
        bottom = min(plane.row + bitmap.shape[0], drawn.shape[0])
        right = min(plane.column + bitmap.shape[1], drawn.shape[1])
        if top < bottom and left < right:
            part = bitmap[top - plane.row : bottom - plane.row, left - plane.column : right - plane.column]
            drawn[top:bottom, left:right][part] = _WHITE
    return drawn


def _plane(header: Dataset, group: int) -> Plane | None:
    """Read one overlay: its bits are packed from the lowest on, frame after frame without a gap."""
    try:
        rows, columns = _number(header, group, _ROWS, 0), _number(header, group, _COLUMNS, 0)
        frames = _number(header, group, _FRAMES, 1)
        content = header[group << 16 | _BITMAP].value if (group << 16 | _BITMAP) in header else b""
        bits = rows * columns * frames
        is_sane = 0 < rows <= _MOST_SIDE and 0 < columns <= _MOST_SIDE and 0 < bits <= len(content) * 8
        if not is_sane or _number(header, group, _BITS, 1) != 1:
            return None
        bitmaps = np.unpackbits(np.frombuffer(content, np.uint8), count=bits, bitorder="little").astype(np.bool_)
        origin = header[group << 16 | _ORIGIN].value if (group << 16 | _ORIGIN) in header else (1, 1)
        return Plane(
            bitmaps=bitmaps.reshape(frames, rows, columns),
            row=int(origin[0]) - 1,
            column=int(origin[1]) - 1,
            first_frame=_number(header, group, _FIRST_FRAME, 1) - 1,
            is_for_all=(group << 16 | _FRAMES) not in header,
        )
    except READ_ERRORS:
        return None


def _number(header: Dataset, group: int, element: int, default: int) -> int:
    tag = group << 16 | element
    value = header[tag].value if tag in header else None
    return default if value in (None, "") else int(value)
