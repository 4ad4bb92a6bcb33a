"""Digital subtraction angiography by a file's Mask Subtraction Sequence (PS3.3 C.7.6.10): what is taken from what.

Frames are numbered from 0 here, from 1 in the tags. Of several items that hold for a frame the last one counts;
a frame outside of all of them stays as it is. How far a mask moves `dicom_shift` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydicom.dataset import Dataset

from ingest.dicom_choices import NO_CHOICES, RunChoices
from ingest.dicom_facts import Guess
from ingest.dicom_header import READ_ERRORS, first_value_of, integer_of, value_of
from ingest.dicom_shift import Region, Shift, region_shifts, shift_of_mask, stated_shift

_OPERATIONS = ("AVG_SUB", "TID", "REV_TID")
_GUESS_MASK = "The file asks for subtraction but names no mask; frame {} was taken."
_GUESS_SHIFT = (
    "The mask is moved by {:g} pixels down and {:g} to the right, as we read the file; "
    "readings of the sign differ: see whether the bones vanish."
)


@dataclass(frozen=True)
class Step:
    """What is taken from what for one frame: the mean of `masks`, moved, from the mean of `contrast`.

    `moved` is down, right in pixels, of `regions` their own; `visible` is how much of the mask is left as a landmark,
    from 0 to 1.
    """

    masks: tuple[int, ...]
    contrast: tuple[int, ...]
    moved: Shift
    visible: float = 0.0
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True)
class Subtraction:
    """How a run is subtracted: a step for each frame that is; `domain` says whether logarithms are taken first."""

    steps: Mapping[int, Step]
    domain: Literal["stored", "logarithm"]
    guesses: tuple[Guess, ...] = ()


def read_subtraction(header: Dataset, frames: int, choices: RunChoices = NO_CHOICES) -> Subtraction | None:
    """Read how a run of `frames` frames is to be subtracted; None where neither file nor editor asks for it."""
    items = [item for item in value_of(header, "MaskSubtractionSequence") or () if _operation(item)]
    steps: dict[int, Step] = {}
    guesses: dict[str, Guess] = {}
    for item in items:
        steps |= _steps_of(item, header, frames, choices, guesses)
    if not items and choices.mask_frames:
        steps = _by_editor(frames, choices)
    elif not items and _asks_for_subtraction(header) and frames > 1:
        guesses["mask_frames"] = Guess("mask_frames", [1], _GUESS_MASK.format(1))
        steps = {frame: Step((0,), (frame,), choices.pixel_shift or (0.0, 0.0)) for frame in range(1, frames)}
    if not steps:
        return None
    is_linear = str(value_of(header, "PixelIntensityRelationship") or "").upper() == "LIN"
    return Subtraction(steps, "logarithm" if is_linear else "stored", tuple(guesses.values()))


def viewing_mode(header: Dataset) -> Literal["subtracted", "native"]:
    """Return which view the file recommends to begin with."""
    return "subtracted" if _asks_for_subtraction(header) else "native"


def _asks_for_subtraction(header: Dataset) -> bool:
    return str(value_of(header, "RecommendedViewingMode") or "").upper() == "SUB"


def _operation(item: Dataset) -> str | None:
    name = str(value_of(item, "MaskOperation") or "").upper()
    return name if name in _OPERATIONS else None


def _by_editor(frames: int, choices: RunChoices) -> dict[int, Step]:
    masks = tuple(number - 1 for number in choices.mask_frames if 1 <= number <= frames)
    shift = shift_of_mask(choices.pixel_shift or (0.0, 0.0))
    after = max(masks, default=frames)
    return {frame: Step(masks, (frame,), shift) for frame in range(after + 1, frames)}


def _steps_of(
    item: Dataset, header: Dataset, frames: int, choices: RunChoices, guesses: dict[str, Guess]
) -> dict[int, Step]:
    averaged = max(integer_of(item, "ContrastFrameAveraging", 1), 1)
    offset = integer_of(item, "TIDOffset", 1) or 1
    operation = _operation(item)
    pairs = _ranges(item, frames, operation, averaged, offset)
    masks = _mask_frames(item, frames, choices) if operation == "AVG_SUB" else ()
    if operation == "AVG_SUB" and not masks:
        before = min((first for first, _last in pairs), default=1) - 1
        masks = (max(before, 0),)
        guesses["mask_frames"] = Guess("mask_frames", [masks[0] + 1], _GUESS_MASK.format(masks[0] + 1))
    visible = min(max(_number(first_value_of(item, "MaskVisibilityPercentage")) / 100, 0.0), 1.0)
    steps = {}
    for first, last in pairs:
        for frame in range(first, last + 1):
            taken = masks
            if operation != "AVG_SUB":
                at = frame - offset if operation == "TID" else first - offset - (frame - first)
                if not 0 <= at < frames:
                    continue
                taken = (at,)
            contrast = tuple(range(frame, min(frame + averaged, frames)))
            shift, regions = _shifts(item, header, frame, choices, guesses)
            steps[frame] = Step(taken, contrast, shift, visible, regions)
    return steps


def _ranges(item: Dataset, frames: int, operation: str | None, averaged: int, offset: int) -> list[tuple[int, int]]:
    """Return the frames that an item holds for, as pairs from 0, both ends included.

    Without a range it is all that the operation can be done with (C.7.6.10.1.1).
    """
    raw = value_of(item, "ApplicableFrameRange")
    numbers = [integer - 1 for integer in _integers(raw)]
    pairs = [(max(first, 0), min(last, frames - 1)) for first, last in zip(numbers[::2], numbers[1::2], strict=False)]
    if pairs:
        return [(first, last) for first, last in pairs if first <= last]
    first = max(offset, 0) if operation != "AVG_SUB" else 0
    last = frames - 1 + min(offset, 0) if operation == "TID" else frames - averaged
    return [(first, last)] if first <= last else []


def _mask_frames(item: Dataset, frames: int, choices: RunChoices) -> tuple[int, ...]:
    numbers = choices.mask_frames or tuple(_integers(value_of(item, "MaskFrameNumbers")))
    return tuple(number - 1 for number in numbers if 1 <= number <= frames)


def _shifts(
    item: Dataset, header: Dataset, frame: int, choices: RunChoices, guesses: dict[str, Guess]
) -> tuple[Shift, tuple[Region, ...]]:
    """Return how far the mask moves for a frame, and its regions: as the editor says, else as the file does."""
    if choices.pixel_shift is not None:
        return shift_of_mask(choices.pixel_shift), ()
    stated, regions = stated_shift(item, header, frame), region_shifts(item, header, frame)
    given = [*([stated] if stated is not None else []), *(region.stated for region in regions)]
    seen = next((one for one in given if one != (0.0, 0.0)), None)
    if seen is not None:
        sentence = _GUESS_SHIFT.format(*shift_of_mask(seen))
        guesses.setdefault("pixel_shift", Guess("pixel_shift", list(seen), sentence))
    return (shift_of_mask(stated) if stated is not None else (0.0, 0.0)), regions


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if np.isfinite(number) else 0.0


def _integers(value: Any) -> Iterator[int]:
    """Yield the whole numbers of a tag with one value or many; US is written as text by some."""
    values = [value] if isinstance(value, (int, float)) else value or ()
    values = re.findall(r"-?\d+", values) if isinstance(values, str) else values
    try:
        yield from (int(number) for number in values)
    except READ_ERRORS:
        return
