"""Presentation states in a study's folder decide how its runs are shown: window, polarity, mask, shutter, shifts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from ingest.description import asks_to_loop
from ingest.dicom import convert_views, inspect_cine
from ingest.dicom_choices import RunChoices
from ingest.dicom_run import read_run, run_pictures, with_estimates
from ingest.studies import StudyFolder, find_recordings, packed
from tests.dicom_samples import SECRET_NAME, make_study_file, numbered_frames
from tests.ingest.test_dicom import decode
from tests.ingest.test_dicom_subtraction import WIDTH, is_near, mask_item, noisy_run, reference

XA_STATE, GREY_STATE = "1.2.840.10008.5.1.4.1.1.11.5", "1.2.840.10008.5.1.4.1.1.11.1"


def item(**tags: Any) -> Dataset:
    made = Dataset()
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return made


def window(center: int, width: int, *images: str) -> Dataset:
    """An item of the softcopy VOI sequence, for some images or for all."""
    made = item(WindowCenter=str(center), WindowWidth=str(width))
    if images:
        made.ReferencedImageSequence = [item(ReferencedSOPInstanceUID=image) for image in images]
    return made


def make_state(path: Path, *images: str, sop_class: str = GREY_STATE, **tags: Any) -> Path:
    """Write a presentation state of these images, which draws the patient's name on them."""
    make_study_file(path, numbered_frames(1), SOPInstanceUID=f"9.{path.stem}", Modality="PR", FrameTime=None)
    state = dcmread(path)
    for keyword in ("PixelData", "NumberOfFrames", "WindowCenter", "WindowWidth", "FrameIncrementPointer"):
        delattr(state, keyword)
    state.SOPClassUID = sop_class
    state.ReferencedSeriesSequence = [
        item(ReferencedImageSequence=[item(ReferencedSOPInstanceUID=image) for image in images])
    ]
    text = item(UnformattedTextValue=SECRET_NAME)
    state.GraphicAnnotationSequence = [item(TextObjectSequence=[text])]
    for keyword, value in tags.items():
        setattr(state, keyword, value)
    state.save_as(path)
    return path


def run_of(folder: Path, frames: NDArray[Any] | None = None, **tags: Any) -> Path:
    return make_study_file(folder / "run.dcm", frames, SOPInstanceUID="1.7", **tags)


def shown(run: Path, *states: Path, subtracted: bool = False) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The pictures of a run by these states, and what these have decided."""
    read = with_estimates(read_run((run,), 1, states=states))
    return np.stack(list(run_pictures(read, subtracted=subtracted))), read.facts.presented


def test_the_window_of_a_state_takes_the_place_of_the_files(tmp_path):
    frames = numbered_frames(3)
    chosen, _ = shown(run_of(tmp_path / "chosen", frames, WindowCenter="600", WindowWidth="300"))
    run = run_of(tmp_path, frames)
    others = window(3000, 10, "1.99")
    state = make_state(tmp_path / "1.dcm", "1.7", SoftcopyVOILUTSequence=[others, window(600, 300, "1.7")])

    pictures, decided = shown(run, state)

    assert decided == ("window",)
    assert np.array_equal(pictures, chosen)
    assert not np.array_equal(pictures, shown(run)[0])


def test_an_inverse_presentation_shows_the_negative(tmp_path):
    run = run_of(tmp_path)
    state = make_state(tmp_path / "1.dcm", "1.7", PresentationLUTShape="INVERSE")

    pictures, decided = shown(run, state)

    assert decided == ("polarity",)
    assert np.abs(pictures.astype(int) - (255 - shown(run)[0].astype(int))).max() <= 1


def test_the_shutter_of_a_state_covers_what_is_outside(tmp_path):
    edges = {"ShutterLeftVerticalEdge": 11, "ShutterRightVerticalEdge": 90}
    rows = {"ShutterUpperHorizontalEdge": 21, "ShutterLowerHorizontalEdge": 60}
    tags: dict[str, Any] = {"ShutterShape": "RECTANGULAR", **edges, **rows}
    state = make_state(tmp_path / "1.dcm", "1.7", **tags)

    pictures, decided = shown(run_of(tmp_path, np.full((2, 64, 96), 3000)), state)

    assert decided == ("shutter",)
    assert not pictures[:, :20].any()
    assert not pictures[:, :, :10].any()
    assert pictures[:, 20:60, 10:90].all()


def test_the_mask_of_an_xray_state_is_taken_away_and_regions_move_by_themselves(tmp_path):
    frames = noisy_run(6)
    region = item(MaskSubPixelShift=[0.0, 2.0], VerticesOfTheRegion=[1, 1, 20, 1, 20, 14, 1, 14])
    whole = item(MaskSubPixelShift=[1.0, 0.5])
    shifts = [
        item(SubtractionItemID=7, PixelShiftFrameRange=[1, 6], RegionPixelShiftSequence=[whole]),
        item(SubtractionItemID=7, PixelShiftFrameRange=[5, 6], RegionPixelShiftSequence=[whole, region]),
        item(SubtractionItemID=8, RegionPixelShiftSequence=[item(MaskSubPixelShift=[9.0, 9.0])]),
    ]
    mask = mask_item(ApplicableFrameRange=[3, 6], MaskFrameNumbers=[1, 2], SubtractionItemID=7)
    state = make_state(
        tmp_path / "1.dcm", "1.7", sop_class=XA_STATE, MaskSubtractionSequence=[mask], PixelShiftSequence=shifts
    )

    pictures, decided = shown(run_of(tmp_path, frames), state, subtracted=True)

    assert decided == ("mask",)
    assert is_near(pictures[3], reference(frames, [3], [0, 1], (1.0, 0.5), width=WIDTH))
    moved = reference(frames, [5], [0, 1], (0.0, 2.0), width=WIDTH)
    around = reference(frames, [5], [0, 1], (1.0, 0.5), width=WIDTH)
    assert is_near(pictures[5][:, :14], moved[:, :14])
    assert is_near(pictures[5][:, 14:], around[:, 14:])
    # frames that the mask does not name stay as they are
    assert np.array_equal(pictures[1], shown(tmp_path / "run.dcm")[0][1])


def test_a_shift_of_a_state_has_to_be_confirmed(tmp_path):
    mask = mask_item(ApplicableFrameRange=[2, 6], MaskFrameNumbers=[1])
    shift = item(RegionPixelShiftSequence=[item(MaskSubPixelShift=[1.5, 0.0])])
    state = make_state(
        tmp_path / "1.dcm", "1.7", sop_class=XA_STATE, MaskSubtractionSequence=[mask], PixelShiftSequence=[shift]
    )

    facts = read_run((run_of(tmp_path, noisy_run(6)),), 1, states=(state,)).facts

    assert [(guess.what, guess.value) for guess in facts.guesses] == [("pixel_shift", [1.5, 0.0])]


def test_the_newest_state_in_a_folder_is_applied_and_the_others_are_told(tmp_path):
    folder = tmp_path / "study"
    make_study_file(folder / "a.dcm", numbered_frames(4), SOPInstanceUID="1.7", AcquisitionTime="101500")
    make_study_file(folder / "b.dcm", numbered_frames(4), SOPInstanceUID="1.8", AcquisitionTime="101600")
    when = {"PresentationCreationDate": "20250102"}
    for name, time, center in (("2", "120000", 600), ("3", "110000", 900)):
        voi = [window(center, 300)]
        make_state(folder / f"{name}.dcm", "1.7", SoftcopyVOILUTSequence=voi, PresentationCreationTime=time, **when)
    make_state(folder / "4.dcm", "1.55", SoftcopyVOILUTSequence=[window(1, 2)])
    (study,) = find_recordings(folder)
    assert isinstance(study, StudyFolder)

    with packed(study, tmp_path) as file:
        found = inspect_cine(file).dicom
        assert found is not None
        facts, warnings = found.describe(), found.warnings()
        (tmp_path / "made").mkdir()
        native = decode(convert_views(file, tmp_path / "made").videos["native"], tmp_path)

    runs: Any = facts["runs"]
    assert [run["presentation_state"] for run in runs] == [["window"], []]
    assert runs[0]["window"]["center"] == 600
    assert any("Run 1 is shown as a presentation state" in sentence for sentence in warnings)
    assert sorted(path.name for path, _sentence in study.left_out) == ["3.dcm", "4.dcm"]
    expected, _ = shown(folder / "a.dcm", folder / "2.dcm")
    assert np.array_equal(native[0], expected[0])
    assert SECRET_NAME not in str((facts, warnings))


def test_what_lies_over_the_pictures_is_not_shown_and_told(tmp_path):
    run = dcmread(run_of(tmp_path))
    for keyword, value, vr in ((0x0010, 64, "US"), (0x0011, 96, "US"), (0x0040, "G", "CS"), (0x3000, bytes(768), "OW")):
        run.add_new(0x60020000 | keyword, vr, value)
    run.save_as(tmp_path / "over.dcm")

    found, plain = (inspect_cine(tmp_path / name).dicom for name in ("over.dcm", "run.dcm"))

    assert found is not None
    assert plain is not None
    assert any("overlays" in sentence for sentence in found.warnings())
    assert not any("overlays" in sentence for sentence in plain.warnings())


def test_a_cine_says_how_it_wants_to_be_played_again(tmp_path):
    described: list[dict[str, Any]] = [
        facts.describe()
        for value in (None, 0, 1)
        if (facts := inspect_cine(run_of(tmp_path, PreferredPlaybackSequencing=value)).dicom) is not None
    ]

    assert [one["runs"][0]["sequencing"] for one in described] == [None, "loop", "sweep"]
    assert [asks_to_loop(one) for one in described] == [False, True, True]


@pytest.mark.parametrize("content", [b"", b"no DICOM at all" * 100])
def test_a_damaged_state_decides_nothing(content: bytes, tmp_path):
    run = run_of(tmp_path)
    (tmp_path / "broken.dcm").write_bytes(content)

    pictures, decided = shown(run, tmp_path / "broken.dcm")

    assert decided == ()
    assert np.array_equal(pictures, shown(run)[0])


def test_what_lies_over_the_pictures_is_drawn_where_an_editor_asks_and_then_a_second_person_looks(tmp_path):
    run = dcmread(run_of(tmp_path, np.full((3, 64, 96), 100), BurnedInAnnotation="NO"))
    bitmaps = np.zeros((2, 8, 16), np.bool_)
    bitmaps[0, 2, 3:9] = bitmaps[1, 5, :] = True
    packed_bits = np.packbits(bitmaps, bitorder="little").tobytes()
    # bitmaps for the second and the third frame, shifted; the first row of them lies above the picture
    values: tuple[tuple[int, str, Any], ...] = (
        *((0x0010, "US", 8), (0x0011, "US", 16), (0x0015, "IS", "2"), (0x0040, "CS", "G"), (0x0050, "SS", [0, 11])),
        *((0x0051, "US", 2), (0x0100, "US", 1), (0x3000, "OW", packed_bits)),
    )
    for element, vr, value in values:
        run.add_new(0x60000000 | element, vr, value)
    run.save_as(tmp_path / "over.dcm")

    read = with_estimates(read_run((tmp_path / "over.dcm",), 1, RunChoices(overlays=True)))
    pictures = np.stack(list(run_pictures(read, subtracted=False)))
    plain, _ = shown(tmp_path / "over.dcm")

    assert read.label.burned_in == "yes"
    assert read.facts.describe()["has_overlays"]
    drawn = pictures != plain
    assert [sorted({int(row) for row, _column in np.argwhere(one)}) for one in drawn] == [[], [1], [4]]
    assert pictures[1, 1, 13:19].tolist() == [255] * 6
    assert drawn[1].sum() == 6
    assert drawn[2].sum() == 16
