"""Subtraction by the mask sequence, against a reference in double precision that is written another way."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ingest.dicom import convert_views, inspect_cine
from ingest.dicom_choices import NO_CHOICES, RunChoices
from ingest.dicom_run import read_run, run_pictures, with_estimates
from ingest.dicom_subtraction import Subtraction, read_subtraction
from tests.dicom_samples import make_cine, numbered_frames, read_number
from tests.ingest.test_dicom import decode

WINDOW: dict[str, Any] = {"WindowCenter": "2048", "WindowWidth": "4096"}
WIDTH = 2048.0  # of the subtracted picture: half of the native window's
ROWS, COLUMNS = 20, 28


def mask_item(operation: str = "AVG_SUB", **tags: Any) -> Dataset:
    item = Dataset()
    item.MaskOperation = operation
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    return item


def noisy_run(frames: int = 10, *, rows: int = ROWS, columns: int = COLUMNS) -> NDArray[np.int64]:
    """Frames whose every pixel differs, as 12-bit stored values."""
    return np.random.default_rng(3).integers(200, 4000, (frames, rows, columns))


def subtracted(path: Path, choices: RunChoices = NO_CHOICES) -> NDArray[np.uint8]:
    run = with_estimates(read_run((path,), 1, choices))
    return np.stack(list(run_pictures(run, subtracted=True)))


def native(path: Path) -> NDArray[np.uint8]:
    return np.stack(list(run_pictures(read_run((path,), 1), subtracted=False)))


def reference(
    frames: NDArray[np.int64],
    contrast: list[int],
    masks: list[int],
    shift: tuple[float, float] = (0.0, 0.0),
    *,
    logarithm: bool = False,
    width: float = WIDTH,
) -> NDArray[np.float64]:
    """The grey levels by the words of the standard, pixel by pixel: where does what is seen here come from?"""
    rows, columns = frames.shape[1:]
    grey = np.empty((rows, columns))
    for y in range(rows):
        for x in range(columns):
            live = sum(int(frames[index, y, x]) for index in contrast) / len(contrast)
            mask = sum(bilinear(frames[index], y - shift[0], x - shift[1]) for index in masks) / len(masks)
            difference = math.log(live) - math.log(mask) if logarithm else live - mask
            grey[y, x] = min(max(255 * (0.5 + difference / width), 0), 255)
    return grey


def bilinear(frame: NDArray[np.int64], y: float, x: float) -> float:
    """The value between four neighbours; beyond the border it is the border's."""
    y, x = min(max(y, 0), frame.shape[0] - 1), min(max(x, 0), frame.shape[1] - 1)
    top, left = min(int(y), frame.shape[0] - 2), min(int(x), frame.shape[1] - 2)
    down, right = y - top, x - left
    square = frame[top : top + 2, left : left + 2]
    upper = square[0, 0] * (1 - right) + square[0, 1] * right
    lower = square[1, 0] * (1 - right) + square[1, 1] * right
    return float(upper * (1 - down) + lower * down)


def is_near(ours: NDArray[np.uint8], expected: NDArray[np.float64]) -> bool:
    return bool(np.abs(ours - expected).max() <= 0.51)


def steps_of(frames: int, *items: Dataset, **tags: Any) -> Subtraction:
    header = Dataset()
    header.MaskSubtractionSequence = list(items)
    for keyword, value in tags.items():
        setattr(header, keyword, value)
    found = read_subtraction(header, frames)
    assert found is not None
    return found


@pytest.mark.parametrize("shift", [(0.0, 0.0), (2.0, -3.0), (0.25, -0.6), (-1.4, 2.5)])
def test_an_averaged_moved_mask_is_subtracted_as_the_reference_does(tmp_path, shift):
    frames = noisy_run()
    item = mask_item(ApplicableFrameRange=[4, 10], MaskFrameNumbers=[1, 2, 3], MaskSubPixelShift=list(shift))
    source = make_cine(tmp_path / "run.dcm", frames, MaskSubtractionSequence=[item], **WINDOW)

    pictures = subtracted(source)

    for index in (3, 6, 9):
        assert is_near(pictures[index], reference(frames, [index], [0, 1, 2], shift))


def test_a_background_that_moved_by_a_known_shift_vanishes_only_when_the_mask_is_moved_so(tmp_path):
    y, x = np.mgrid[0:64, 0:64]

    def bones(down: float, right: float) -> NDArray[np.int64]:
        pattern = np.sin((y - down) / 3.1) * np.cos((x - right) / 2.7)
        return np.rint(2000 + 900 * pattern).astype(np.int64)

    frames = np.stack([bones(0, 0), bones(1.5, -0.75)])
    moved, unmoved = (
        mask_item(ApplicableFrameRange=[2, 2], MaskFrameNumbers=1, MaskSubPixelShift=shift)
        for shift in ([1.5, -0.75], [-0.75, 1.5])
    )
    right = make_cine(tmp_path / "right.dcm", frames, MaskSubtractionSequence=[moved], **WINDOW)
    swapped = make_cine(tmp_path / "swapped.dcm", frames, MaskSubtractionSequence=[unmoved], **WINDOW)

    inside = (slice(4, -4), slice(4, -4))
    assert np.abs(subtracted(right)[1][inside] - 127.5).max() < 6
    assert np.abs(subtracted(swapped)[1][inside] - 127.5).max() > 60


def test_contrast_frames_are_averaged_from_the_current_one_on(tmp_path):
    frames = noisy_run()
    item = mask_item(MaskFrameNumbers=1, ContrastFrameAveraging=3)
    source = make_cine(tmp_path / "run.dcm", frames, MaskSubtractionSequence=[item], **WINDOW)

    pictures = subtracted(source)

    assert is_near(pictures[4], reference(frames, [4, 5, 6], [0]))
    # without a range it holds to the last frame that can be averaged: the two after it stay native
    assert is_near(pictures[7], reference(frames, [7, 8, 9], [0]))
    assert np.array_equal(pictures[8:], native(source)[8:])


def test_linear_data_are_subtracted_as_logarithms_and_logarithmic_ones_directly(tmp_path):
    frames = noisy_run()
    item = mask_item(ApplicableFrameRange=[2, 10], MaskFrameNumbers=1)
    linear = make_cine(
        tmp_path / "lin.dcm", frames, PixelIntensityRelationship="LIN", MaskSubtractionSequence=[item], **WINDOW
    )
    logarithmic = make_cine(
        tmp_path / "log.dcm", frames, PixelIntensityRelationship="LOG", MaskSubtractionSequence=[item], **WINDOW
    )

    pictures = subtracted(linear, RunChoices(subtracted_width=4.0))

    assert is_near(pictures[5], reference(frames, [5], [0], logarithm=True, width=4.0))
    assert is_near(subtracted(logarithmic)[5], reference(frames, [5], [0]))


def test_a_vessel_in_linear_data_is_as_dark_over_bone_as_beside_it(tmp_path):
    beam = np.full((40, 40), 3000.0)
    beam[:, 20:] *= 0.3  # bone
    filled = beam.copy()
    filled[10:20] *= 0.5  # a vessel across both
    frames = np.rint(np.stack([beam, filled])).astype(np.int64)
    item = mask_item(ApplicableFrameRange=[2, 2], MaskFrameNumbers=1)
    source = make_cine(
        tmp_path / "run.dcm", frames, PixelIntensityRelationship="LIN", MaskSubtractionSequence=[item], **WINDOW
    )

    picture = subtracted(source)[1].astype(int)

    assert abs(picture[15, 5] - picture[15, 35]) <= 1
    assert picture[15, 5] < 60
    assert abs(picture[30, 5] - 128) <= 1


def test_inverted_data_show_vessels_dark_all_the_same(tmp_path):
    frames = np.full((2, 16, 16), 1000)
    frames[1, 4:8] += 600  # MONOCHROME1: more is darker
    item = mask_item(ApplicableFrameRange=[2, 2], MaskFrameNumbers=1)
    tags: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1", "MaskSubtractionSequence": [item], **WINDOW}
    source = make_cine(tmp_path / "run.dcm", frames, **tags)

    picture = subtracted(source)[1]

    assert int(picture[5, 5]) == round(255 * (0.5 - 600 / WIDTH))


def test_frames_outside_of_every_item_stay_native_and_the_last_item_wins(tmp_path):
    frames = noisy_run()
    first = mask_item(ApplicableFrameRange=[3, 4, 7, 8], MaskFrameNumbers=1)
    second = mask_item(ApplicableFrameRange=[8, 9], MaskFrameNumbers=2)
    source = make_cine(tmp_path / "run.dcm", frames, MaskSubtractionSequence=[first, second], **WINDOW)

    pictures = subtracted(source)

    outside = [0, 1, 4, 5, 9]
    assert np.array_equal(pictures[outside], native(source)[outside])
    assert is_near(pictures[3], reference(frames, [3], [0]))
    for index in (7, 8):
        assert is_near(pictures[index], reference(frames, [index], [1]))


def test_time_interval_differences_take_an_earlier_frame(tmp_path):
    frames = noisy_run()
    item = mask_item("TID", TIDOffset=3)
    source = make_cine(tmp_path / "run.dcm", frames, MaskSubtractionSequence=[item], **WINDOW)

    pictures = subtracted(source)

    assert np.array_equal(pictures[:3], native(source)[:3])
    for index in (3, 9):
        assert is_near(pictures[index], reference(frames, [index], [index - 3]))


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (mask_item("TID"), {index: index - 1 for index in range(1, 8)}),
        (mask_item("TID", TIDOffset=-2), {index: index + 2 for index in range(6)}),
        (mask_item("TID", TIDOffset=2, ApplicableFrameRange=[1, 4]), {2: 0, 3: 1}),
        # each range begins anew, going back from the frame before its first
        (mask_item("REV_TID", ApplicableFrameRange=[4, 6, 8, 8]), {3: 2, 4: 1, 5: 0, 7: 6}),
        (mask_item("REV_TID", TIDOffset=2, ApplicableFrameRange=[5, 8]), {4: 2, 5: 1, 6: 0}),
    ],
)
def test_the_mask_of_each_frame_follows_the_operation(item, expected):
    steps = steps_of(8, item).steps

    assert {frame: step.masks for frame, step in steps.items()} == {frame: (mask,) for frame, mask in expected.items()}


def test_a_landmark_leaves_part_of_the_mask_visible(tmp_path):
    frames = np.full((2, 8, 8), 1000)
    frames[:, :2] = 1400  # a bone in mask and run
    item = mask_item(ApplicableFrameRange=[2, 2], MaskFrameNumbers=1, MaskVisibilityPercentage=25.0)
    source = make_cine(tmp_path / "run.dcm", frames, MaskSubtractionSequence=[item], **WINDOW)

    picture = subtracted(source)[1]

    assert int(picture[5, 5]) == 128
    assert int(picture[0, 5]) == round(255 * (0.5 + 0.25 * 400 / WIDTH))


@pytest.mark.parametrize(
    "nonsense",
    [
        mask_item(ApplicableFrameRange=[0, 900], MaskFrameNumbers=[0, 77]),
        mask_item(ApplicableFrameRange=[9, 2], MaskFrameNumbers=[1]),
        mask_item(ApplicableFrameRange=[5], MaskFrameNumbers=[1], MaskSubPixelShift=[float("nan"), 1.0]),
        mask_item("NONE"),
        mask_item("TID", TIDOffset=500),
    ],
)
def test_nonsense_in_the_sequence_does_no_harm(tmp_path, nonsense):
    source = make_cine(tmp_path / "run.dcm", noisy_run(), MaskSubtractionSequence=[nonsense], **WINDOW)

    assert len(subtracted(source)) == 10


def test_an_enhanced_file_may_move_the_mask_for_each_frame(tmp_path):
    frames = noisy_run(4)
    groups = []
    for number in range(4):
        pixel_shift, group = Dataset(), Dataset()
        pixel_shift.SubtractionItemID, pixel_shift.MaskSubPixelShift = 1, [float(number), 0.5]
        group.FramePixelShiftSequence = [pixel_shift]
        groups.append(group)
    item = mask_item(ApplicableFrameRange=[2, 4], MaskFrameNumbers=1, SubtractionItemID=1)
    tags: dict[str, Any] = {"MaskSubtractionSequence": [item], "PerFrameFunctionalGroupsSequence": groups, **WINDOW}
    source = make_cine(tmp_path / "run.dcm", frames, **tags)

    pictures = subtracted(source)

    for index in (1, 2, 3):
        assert is_near(pictures[index], reference(frames, [index], [0], (float(index), 0.5)))


def test_what_is_guessed_is_told_and_an_editor_decides(tmp_path):
    frames = noisy_run()
    item = mask_item(ApplicableFrameRange=[4, 10], MaskSubPixelShift=[0.0, 1.0])
    tags: dict[str, Any] = {"MaskSubtractionSequence": [item], "PixelIntensityRelationship": "LIN", **WINDOW}
    source = make_cine(tmp_path / "run.dcm", frames, **tags)
    choices = RunChoices(mask_frames=(2, 3), pixel_shift=(0.0, 0.0), subtracted_width=4.0)

    left_open = {guess.what: guess.value for guess in with_estimates(read_run((source,), 1)).facts.guesses}
    decided = read_run((source,), 1, choices)

    assert left_open["mask_frames"] == [3]
    assert left_open["pixel_shift"] == [0.0, 1.0]
    assert isinstance(left_open["subtracted_window"], float)
    assert decided.facts.guesses == ()
    assert is_near(subtracted(source, choices)[5], reference(frames, [5], [1, 2], logarithm=True, width=4.0))


def test_an_editor_may_ask_for_subtraction_of_a_run_that_names_no_mask(tmp_path):
    frames = noisy_run()
    source = make_cine(tmp_path / "run.dcm", frames, **WINDOW)

    pictures = subtracted(source, RunChoices(mask_frames=(1, 2)))

    assert read_run((source,), 1).subtraction is None
    assert np.array_equal(pictures[:2], native(source)[:2])
    assert is_near(pictures[6], reference(frames, [6], [0, 1]))


def test_a_run_that_recommends_subtraction_without_a_mask_gets_a_guess(tmp_path):
    source = make_cine(tmp_path / "run.dcm", noisy_run(), RecommendedViewingMode="SUB", **WINDOW)

    facts = inspect_cine(source).dicom
    assert facts is not None
    described: Any = facts.describe()

    assert described["recommended_view"] == "subtracted"
    assert [(item["key"], item["value"]) for item in described["guessed"]] == [("1.mask_frames", [1])]


def test_the_estimated_window_shows_vessels_not_noise(tmp_path):
    random = np.random.default_rng(5)
    frames = np.rint(2000 + random.normal(0, 12, (8, 96, 96))).astype(np.int64)
    frames[3:, 40:56, :] -= 900
    item = mask_item(ApplicableFrameRange=[3, 8], MaskFrameNumbers=[1, 2])
    source = make_cine(tmp_path / "run.dcm", frames, MaskSubtractionSequence=[item])  # no window in the file

    pictures = subtracted(source)

    assert pictures[5, 48, 48] < 40
    assert float(pictures[5, :30].std()) < 8


def test_both_views_are_made_with_every_frame_at_the_same_time(tmp_path):
    frames = numbered_frames(12)
    item = mask_item(ApplicableFrameRange=[5, 12], MaskFrameNumbers=[1])
    source = make_cine(tmp_path / "run.dcm", frames, MaskSubtractionSequence=[item], **WINDOW)
    (tmp_path / "made").mkdir()

    converted = convert_views(source, tmp_path / "made")

    assert list(converted.videos) == ["native", "subtracted"]
    shown = decode(converted.videos["subtracted"], tmp_path)
    assert [read_number(picture) for picture in shown[:4]] == [0, 1, 2, 3]
    assert np.array_equal(shown, subtracted(source))
    assert converted.facts is not None
    assert converted.facts.runs[0].guesses == ()
