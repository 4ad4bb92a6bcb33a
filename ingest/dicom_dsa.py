"""The pictures of a subtracted run: contrast minus mask in floating point, around mid-grey, through one window."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ingest.dicom_choices import RunChoices
from ingest.dicom_facts import Guess, Window
from ingest.dicom_frames import FrameReader, ImageShape
from ingest.dicom_header import OpenRecording, integer_of
from ingest.dicom_pixels import Picture, Renderer, grey_scale, modality_values, raw_index
from ingest.dicom_shift import Plane, moved_in_regions
from ingest.dicom_subtraction import Step, Subtraction

# decoded frames that are kept because the next ones need them again
_KEPT_BYTES = 128 << 20
_MOST_SAMPLES = 24
# the densest vessels of the run reach this share of the way from mid-grey to black
_DENSEST_AT = 0.9
_DENSEST_PERCENT = 0.2
# noise may fill this part of the window at most, or a run without contrast would be all noise
_NOISE_DEVIATIONS = 12.0
_GUESS_WIDTH = "No window is given for the subtracted picture; one was estimated from the contrast of the run."
# a subtracted picture has lost its anatomy: twice the contrast of the native one is what reading rooms use
_GAIN = 2.0


class Subtractor:
    """Makes the subtracted pictures of a run; frames that no step names are shown as they are.

    Stored values are averaged, moved and then subtracted (PS3.3 C.7.6.10.1.1); of linear data the logarithm is
    taken before the difference, so that a vessel is as dark over bone as beside it.
    """

    def __init__(self, recording: OpenRecording, shape: ImageShape, subtraction: Subtraction) -> None:
        self._shape, self._subtraction = shape, subtraction
        self._reader = FrameReader(recording, shape)
        self._values = modality_values(grey_scale(recording.header, 0, None), recording.header, shape).astype(
            np.float32
        )
        self._is_inverse = integer_of(recording.header, "PixelIntensityRelationshipSign", 1) == -1
        self._most = float(self._values.max())
        self._frames: OrderedDict[int, Plane] = OrderedDict()
        self._masks: OrderedDict[tuple[object, ...], Plane] = OrderedDict()

    def difference(self, step: Step) -> Plane:
        """Return contrast minus mask in modality units, or their logarithms' difference."""
        contrast = self._in_domain(self._mean(step.contrast))
        mask = self._mask(step)
        difference = contrast - mask
        if step.visible:
            difference = difference + np.float32(step.visible) * (mask - np.float32(np.median(mask)))
        return difference

    def stored(self, index: int) -> NDArray[np.generic]:
        """Return a frame as it is stored."""
        return self._reader.frame(index)

    def _mask(self, step: Step) -> Plane:
        key = (step.masks, step.moved, step.regions)
        if key not in self._masks:
            self._masks[key] = self._in_domain(moved_in_regions(self._mean(step.masks), step.moved, step.regions))
            while len(self._masks) > 2:
                self._masks.popitem(last=False)
        return self._masks[key]

    def _mean(self, indices: tuple[int, ...]) -> Plane:
        total = self._frame(indices[0])
        for index in indices[1:]:
            total = total + self._frame(index)
        return total / np.float32(len(indices)) if len(indices) > 1 else total

    def _frame(self, index: int) -> Plane:
        if index not in self._frames:
            self._frames[index] = self._values[raw_index(self._reader.frame(index), self._shape)]
            while len(self._frames) > 1 and len(self._frames) * self._frames[index].nbytes > _KEPT_BYTES:
                self._frames.popitem(last=False)
        self._frames.move_to_end(index)
        return self._frames[index]

    def _in_domain(self, values: Plane) -> Plane:
        if self._subtraction.domain == "stored":
            return values
        if self._is_inverse:
            # stored values fall where more rays arrive; the picture keeps the polarity of the native one
            return np.asarray(-np.log(np.maximum(np.float32(self._most + 1) - values, np.float32(1))), np.float32)
        return np.asarray(np.log(np.maximum(values, np.float32(1))), np.float32)


def subtracted_frames(
    recording: OpenRecording, shape: ImageShape, subtraction: Subtraction, windows: tuple[Window | None, float]
) -> Iterator[Picture]:
    """Yield every frame of a run: subtracted where a step says so, else as `display_frames` shows it.

    `windows` are the run's own (None: the file's) and the width of the subtracted one. Mid-grey is no difference; grey
    is inverted as in the native picture.
    """
    native, width = windows
    renderer = Renderer(recording, shape, native)
    subtractor = Subtractor(recording, shape, subtraction)
    sign = -1.0 if shape.photometric == "MONOCHROME1" else 1.0
    for index in range(shape.frames):
        step = subtraction.steps.get(index)
        if step is None:
            yield renderer.show(index, subtractor.stored(index))
            continue
        grey = 0.5 + subtractor.difference(step) * np.float32(sign / width)
        picture = np.rint(np.clip(grey, 0.0, 1.0) * 255.0).astype(np.uint8)
        yield renderer.close_over(index, picture)


def subtracted_width(
    subtraction: Subtraction, native: Window | None, choices: RunChoices
) -> tuple[float | None, tuple[Guess, ...]]:
    """Return the window's width for the subtracted picture and what of it is a guess, without decoding.

    It is the editor's, else half of the native one (in logarithmic data a step means the same in both); None stands
    for one that has to be estimated.
    """
    if choices.subtracted_width:
        return choices.subtracted_width, ()
    is_known = native is not None and native.source != "estimated"
    if native is not None and is_known and subtraction.domain == "stored":
        return native.width / _GAIN, ()
    return None, (Guess("subtracted_window", None, _GUESS_WIDTH),)


def estimate_width(recording: OpenRecording, shape: ImageShape, subtraction: Subtraction) -> float:
    """Return a width in which the densest contrast of the run is nearly black and noise stays grey.

    Looked at through blocks of 4 x 4 pixels, in which noise averages out and vessels do not.
    """
    subtractor = Subtractor(recording, shape, subtraction)
    frames = sorted(subtraction.steps)
    sampled = frames[:: -(-len(frames) // _MOST_SAMPLES)]
    densest, deviation = 0.0, 0.0
    for frame in sampled:
        difference = subtractor.difference(subtraction.steps[frame])
        middle = np.median(difference)
        deviation = max(deviation, 1.4826 * float(np.median(np.abs(difference - middle))))
        coarse = np.abs(_in_blocks(difference) - middle)
        densest = max(densest, float(np.percentile(coarse, 100 - _DENSEST_PERCENT)))
    return max(2 * densest / _DENSEST_AT, _NOISE_DEVIATIONS * deviation, 1e-3)


def _in_blocks(picture: Plane, size: int = 4) -> Plane:
    rows, columns = (length // size * size for length in picture.shape)
    if not rows or not columns:
        return picture
    blocks = picture[:rows, :columns].reshape(rows // size, size, columns // size, size)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)
