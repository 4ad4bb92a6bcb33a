"""Stored DICOM values to the 8-bit pictures a viewer shows: modality, window, inversion, palette.

All steps become one table of every value that a pixel can hold, worked out once in double precision, so
that a frame costs one look-up and all frames of a run share one window. The formulas are those of PS3.3
C.11.1 and C.11.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from ingest.dicom_facts import Window
from ingest.dicom_frames import ImageShape, decode_frames
from ingest.dicom_header import READ_ERRORS, OpenRecording, first_value_of, functional_group, value_of
from ingest.dicom_shutter import Shutter
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


@dataclass(frozen=True)
class GreyScale:
    """How stored values become grey in one frame: the data sets that hold its modality and VOI tags."""

    modality: Dataset
    voi: Dataset
    window: Window | None
    function: str


def display_frames(recording: OpenRecording, shape: ImageShape, window: Window | None = None) -> Iterator[Picture]:
    """Yield every frame as it is to be seen: (rows, columns) grey or (rows, columns, 3) RGB, 8 bits.

    `window` is an editor's choice for the whole run; without one the file's own is used, or what `find_window` guesses.
    """
    renderer = Renderer(recording, shape, window)
    for index, frame in enumerate(decode_frames(recording, shape)):
        yield renderer.show(index, frame)


class Renderer:
    """Makes pictures of decoded frames; all frames of a run share one window, unless each has its own in the file."""

    def __init__(self, recording: OpenRecording, shape: ImageShape, window: Window | None = None) -> None:
        self._header, self._shape = recording.header, shape
        self._shutter = Shutter(recording.header, shape)
        self._forced = window
        self._palette = _palette_table(recording.header, shape) if shape.photometric == "PALETTE COLOR" else None
        self._fallback = None if window or not shape.is_grey else _fallback_window(recording, shape)
        self._varies = value_of(recording.header, "PerFrameFunctionalGroupsSequence") is not None
        self._tables: dict[tuple[Any, ...], Picture] = {}

    def show(self, index: int, frame: NDArray[np.generic]) -> Picture:
        """Return frame `index`, decoded, as it is to be seen."""
        return self._shutter.close_over(self._before_shutter(index, frame), index)

    def close_over(self, index: int, picture: Picture) -> Picture:
        """Return a picture made elsewhere of frame `index` behind the frame's shutter."""
        return self._shutter.close_over(picture, index)

    def _before_shutter(self, index: int, frame: NDArray[np.generic]) -> Picture:
        if self._palette is not None:
            return np.asarray(self._palette[raw_index(frame, self._shape)])
        if not self._shape.is_grey:
            return frame.astype(np.uint8, copy=False)
        scale = grey_scale(self._header, index if self._varies else 0, self._fallback)
        if self._forced is not None:
            scale = replace(scale, window=self._forced, function="LINEAR")
        key = (scale.window, scale.function, *_rescale_of(scale.modality), id(_voi_lut(scale.voi)))
        if key not in self._tables:
            self._tables[key] = _grey_table(scale, self._header, self._shape)
        return np.asarray(self._tables[key][raw_index(frame, self._shape)])


def _fallback_window(recording: OpenRecording, shape: ImageShape) -> Window | None:
    """Return the window for frames of which the file gives none."""
    window, guesses = find_window(recording, shape)
    return estimate_window(recording, shape) if _GUESS_WINDOW in guesses else window


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
        # no guess: without a VOI transformation the values are to be displayed as they are
        return Window(128.0, 256.0, "stored values"), ()
    return None, (_GUESS_WINDOW,)


def estimate_window(recording: OpenRecording, shape: ImageShape) -> Window:
    """Return a window over the middle 99 % of the values of all frames, without what the shutter covers."""
    counts = np.zeros(1 << shape.bits_allocated, np.int64)
    shutter = Shutter(recording.header, shape)
    for index, frame in enumerate(decode_frames(recording, shape)):
        stored, outside = raw_index(frame, shape), shutter.covers(index)
        inside = stored if outside is None else stored[~outside]
        counts += np.bincount(inside.ravel(), minlength=counts.size)
    values = modality_values(grey_scale(recording.header, 0, None), recording.header, shape)
    order = np.argsort(values, kind="stable")
    share = np.cumsum(counts[order]) / max(int(counts.sum()), 1) * 100
    low, high = (float(values[order][np.searchsorted(share, percent)]) for percent in _ESTIMATE_PERCENT)
    # LINEAR maps center - 0.5 -+ (width - 1) / 2 to black and white (PS3.3 C.11.2.1.2)
    return Window((low + high + 1) / 2, max(high - low, 1.0) + 1, "estimated")


def grey_scale(header: Dataset, index: int, fallback: Window | None) -> GreyScale:
    """Gather the grey-scale tags of one frame; an enhanced file keeps them in its functional groups."""
    modality = functional_group(header, index, "PixelValueTransformationSequence") or header
    voi = functional_group(header, index, "FrameVOILUTSequence") or header
    function = str(first_value_of(voi, "VOILUTFunction") or "LINEAR")
    window = _window_of(voi, function) or (None if _voi_lut(voi) else fallback)
    return GreyScale(modality, voi, window, function)


def _grey_table(scale: GreyScale, header: Dataset, shape: ImageShape) -> Picture:
    """Return the grey level of every value that the pixel's bits can hold."""
    values = modality_values(scale, header, shape)
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


def modality_values(scale: GreyScale, header: Dataset, shape: ImageShape) -> NDArray[np.float64]:
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


def raw_index(frame: NDArray[np.generic], shape: ImageShape) -> NDArray[np.unsignedinteger[Any]]:
    """Return a frame's bits as unsigned numbers, ready to index a table of all values."""
    return np.ascontiguousarray(frame).view(np.uint8 if shape.bits_allocated == 8 else np.uint16)


def _float(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
