"""Stored DICOM values to the 8-bit pictures a viewer shows: modality, window, inversion, palette, shutter.

All steps become one table of every value that a pixel can hold, worked out once in double precision, so
that a frame costs one look-up and all frames of a run share one window. The formulas are those of PS3.3
C.11.1 and C.11.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from ingest.dicom_facts import Window
from ingest.dicom_frames import ImageShape, decode_frames
from ingest.dicom_header import READ_ERRORS, OpenRecording, first_value_of, integer_of, value_of
from ingest.errors import Refused

Picture = NDArray[np.uint8]

# In these modality LUT and rescale lead back to the X-ray beam: not meant for display (PS3.3 C.8.7.1).
_XRAY_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.12.1",
    "1.2.840.10008.5.1.4.1.1.12.2",
    "1.2.840.10008.5.1.4.1.1.12.1.1",
    "1.2.840.10008.5.1.4.1.1.12.2.1",
}
_ESTIMATE_PERCENT = (0.5, 99.5)
_GUESS_WINDOW = "The file has no grey-scale window; one was estimated from all pictures of the run."
_GUESS_STORED = "The file has no grey-scale window; its 8-bit values are shown as they are stored."


@dataclass(frozen=True)
class GreyScale:
    """How stored values become grey in one frame: the data sets that hold its modality and VOI tags."""

    modality: Dataset
    voi: Dataset
    window: Window | None
    function: str


def display_frames(recording: OpenRecording, shape: ImageShape) -> Iterator[Picture]:
    """Yield every frame as it is to be seen: (rows, columns) grey or (rows, columns, 3) RGB, 8 bits."""
    outside = shutter_mask(recording.header, shape)
    fill = integer_of(recording.header, "ShutterPresentationValue", 0) >> 8
    for picture in _frames_before_shutter(recording, shape):
        if outside is not None:
            picture = picture.copy()  # noqa: PLW2901  a frame may be a read-only view
            picture[outside] = fill
        yield picture


def find_window(recording: OpenRecording, shape: ImageShape) -> tuple[Window | None, tuple[str, ...]]:
    """Return the window of a grey recording and what had to be guessed, without decoding a picture.

    None stands for one that the file leaves to be estimated, or for a look-up table in place of a window.
    """
    if not shape.is_grey:
        return None, ()
    scale = grey_scale(recording.header, 0, None)
    if scale.window or _voi_lut(scale.voi):
        return scale.window, ()
    if shape.bits_stored == 8:
        return Window(128.0, 256.0, "stored values"), (_GUESS_STORED,)
    return None, (_GUESS_WINDOW,)


def estimate_window(recording: OpenRecording, shape: ImageShape) -> Window:
    """Return a window over the middle 99 % of the values of all frames, without what the shutter covers."""
    counts = np.zeros(1 << shape.bits_allocated, np.int64)
    outside = shutter_mask(recording.header, shape)
    for frame in decode_frames(recording, shape):
        stored = _raw_index(frame, shape)
        inside = stored if outside is None else stored[~outside]
        counts += np.bincount(inside.ravel(), minlength=counts.size)
    values = _modality_values(grey_scale(recording.header, 0, None), recording.header, shape)
    order = np.argsort(values, kind="stable")
    share = np.cumsum(counts[order]) / max(int(counts.sum()), 1) * 100
    low, high = (float(values[order][np.searchsorted(share, percent)]) for percent in _ESTIMATE_PERCENT)
    # LINEAR maps center - 0.5 -+ (width - 1) / 2 to black and white (PS3.3 C.11.2.1.2)
    return Window((low + high + 1) / 2, max(high - low, 1.0) + 1, "estimated")


def grey_scale(header: Dataset, index: int, fallback: Window | None) -> GreyScale:
    """Gather the grey-scale tags of one frame; an enhanced file keeps them in its functional groups."""
    modality = _functional_group(header, index, "PixelValueTransformationSequence") or header
    voi = _functional_group(header, index, "FrameVOILUTSequence") or header
    function = str(first_value_of(voi, "VOILUTFunction") or "LINEAR")
    window = _window_of(voi, function) or (None if _voi_lut(voi) else fallback)
    return GreyScale(modality, voi, window, function)


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


def _frames_before_shutter(recording: OpenRecording, shape: ImageShape) -> Iterator[Picture]:
    if shape.photometric == "PALETTE COLOR":
        palette = _palette_table(recording.header, shape)
        for frame in decode_frames(recording, shape):
            yield palette[_raw_index(frame, shape)]
    elif shape.is_grey:
        yield from _grey_frames(recording, shape)
    else:
        for frame in decode_frames(recording, shape):
            yield frame.astype(np.uint8, copy=False)


def _grey_frames(recording: OpenRecording, shape: ImageShape) -> Iterator[Picture]:
    header = recording.header
    fallback, guesses = find_window(recording, shape)
    if _GUESS_WINDOW in guesses:
        fallback = estimate_window(recording, shape)
    varies = value_of(header, "PerFrameFunctionalGroupsSequence") is not None
    tables: dict[tuple[Any, ...], Picture] = {}
    for index, frame in enumerate(decode_frames(recording, shape)):
        scale = grey_scale(header, index if varies else 0, fallback)
        key = (scale.window, scale.function, *_rescale_of(scale.modality), id(_voi_lut(scale.voi)))
        if key not in tables:
            tables[key] = _grey_table(scale, header, shape)
        yield tables[key][_raw_index(frame, shape)]


def _grey_table(scale: GreyScale, header: Dataset, shape: ImageShape) -> Picture:
    """Return the grey level of every value that the pixel's bits can hold."""
    values = _modality_values(scale, header, shape)
    if scale.window is not None:
        grey = _through_window(values, scale.window, scale.function)
    else:
        grey = _through_voi_table(values, _voi_lut(scale.voi), shape)
    if shape.photometric == "MONOCHROME1":
        grey = 1.0 - grey
    return np.rint(np.clip(grey, 0.0, 1.0) * 255.0).astype(np.uint8)


def _through_window(values: NDArray[np.float64], window: Window, function: str) -> NDArray[np.float64]:
    """Return grey from 0 to 1 and beyond, by the functions of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    center, width = window.center, window.width
    if function == "SIGMOID":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - center) / width, -700.0, 700.0))))
    if function == "LINEAR_EXACT":
        return np.asarray((values - center) / width + 0.5)
    if width == 1.0:
        return (values > center - 0.5).astype(np.float64)
    return np.asarray((values - (center - 0.5)) / (width - 1.0) + 0.5)


def _through_voi_table(values: NDArray[np.float64], item: Dataset | None, shape: ImageShape) -> NDArray[np.float64]:
    if item is None:
        return values / ((1 << shape.bits_stored) - 1)
    mapped, bits = _look_up(values, item)
    return mapped / ((1 << bits) - 1)


def _modality_values(scale: GreyScale, header: Dataset, shape: ImageShape) -> NDArray[np.float64]:
    """Return the modality value of every raw pixel value: unused bits masked, sign extended, rescaled."""
    raw = np.arange(1 << shape.bits_allocated, dtype=np.int64) >> (shape.high_bit + 1 - shape.bits_stored)
    stored = raw & ((1 << shape.bits_stored) - 1)
    if shape.is_signed:
        stored = np.where(stored >> (shape.bits_stored - 1), stored - (1 << shape.bits_stored), stored)
    values = stored.astype(np.float64)
    if str(value_of(header, "SOPClassUID")) in _XRAY_CLASSES:
        return values
    tables = value_of(scale.modality, "ModalityLUTSequence")
    if tables:
        return _look_up(values, tables[0])[0]
    slope, intercept = _rescale_of(scale.modality)
    return values * slope + intercept


def _look_up(values: NDArray[np.float64], item: Dataset) -> tuple[NDArray[np.float64], int]:
    """Map values through a LUT item (PS3.3 C.11.1.1), clamped to it; also return its bits an entry."""
    try:
        count, first, bits = (int(number) for number in item.LUTDescriptor)
        entries = _entries_of(item.LUTData, count or 1 << 16)
        indices = np.clip(np.rint(values) - first, 0, len(entries) - 1).astype(np.int64)
        return entries[indices].astype(np.float64), bits
    except READ_ERRORS:
        raise Refused("corrupt", "The grey-scale table of the DICOM file is damaged.") from None


def _entries_of(stored: object, count: int) -> NDArray[np.int64]:
    """Return a table's entries, which are stored as numbers, as 16-bit words or, by some, packed in bytes."""
    if isinstance(stored, bytes):
        return np.frombuffer(stored, "<u2" if len(stored) >= 2 * count else "u1")[:count].astype(np.int64)
    return np.asarray(stored, np.int64)[:count]


def _rescale_of(dataset: Dataset) -> tuple[float, float]:
    slope = _float(first_value_of(dataset, "RescaleSlope"))
    return (slope or 1.0, _float(first_value_of(dataset, "RescaleIntercept")) or 0.0)


def _window_of(voi: Dataset, function: str) -> Window | None:
    """Return the first window of the file: the others are alternatives that a reader may choose."""
    center, width = _float(first_value_of(voi, "WindowCenter")), _float(first_value_of(voi, "WindowWidth"))
    smallest = 1.0 if function == "LINEAR" else 1e-9
    if center is None or width is None or width < smallest:
        return None
    return Window(center, width, "file")


def _voi_lut(voi: Dataset) -> Dataset | None:
    items = value_of(voi, "VOILUTSequence")
    return items[0] if items else None


def _functional_group(header: Dataset, index: int, keyword: str) -> Dataset | None:
    """Return the item of a functional group macro that holds for a frame: its own, else the shared one."""
    per_frame = value_of(header, "PerFrameFunctionalGroupsSequence") or ()
    shared = value_of(header, "SharedFunctionalGroupsSequence") or ()
    for groups in (per_frame[index : index + 1], shared[:1]):
        items = value_of(groups[0], keyword) if groups else None
        if items:
            found: Dataset = items[0]
            return found
    return None


def _palette_table(header: Dataset, shape: ImageShape) -> Picture:
    """Return the RGB colour of every raw pixel value."""
    raw = np.arange(1 << shape.bits_allocated, dtype=np.uint32) >> (shape.high_bit + 1 - shape.bits_stored)
    stored = (raw & ((1 << shape.bits_stored) - 1)).astype(f"uint{shape.bits_allocated}")
    try:
        colours = apply_color_lut(stored.reshape(1, -1), header)[0]
    except READ_ERRORS:
        raise Refused("corrupt", "The colour table of the DICOM file is damaged.") from None
    # some writers declare 16 bits and fill 8
    is_wide = colours.dtype.itemsize > 1 and int(colours.max()) > 255
    return np.asarray(colours >> 8 if is_wide else colours).astype(np.uint8)


def _raw_index(frame: NDArray[np.generic], shape: ImageShape) -> NDArray[np.unsignedinteger[Any]]:
    """Return a frame's bits as unsigned numbers, ready to index a table of all values."""
    return np.ascontiguousarray(frame).view(np.uint8 if shape.bits_allocated == 8 else np.uint16)


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


def _float(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
