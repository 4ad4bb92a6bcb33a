"""Enhanced XA: what each frame's functional groups say of its window, shutter, place in time and the C-arm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedXAImageStorage

from ingest.dicom import inspect_cine
from ingest.dicom_choices import RunChoices
from ingest.dicom_run import read_run, run_pictures, with_estimates
from tests.dicom_samples import make_cine

WINDOWS = ((1000, 800), (1500, 400), (1000, 800), (2600, 1200))
STARTS_S = (0.0, 0.1, 0.2, 0.5)


def item(**tags: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


def ramp(frames: int = 4) -> NDArray[np.int64]:
    return np.arange(4096).reshape(1, 64, 64).repeat(frames, axis=0)


def frame_groups(index: int) -> Dataset:
    center, width = WINDOWS[index]
    # the first two frames are looked at through a wide shutter, the others through a narrow one
    edges = (1, 64) if index < 2 else (17, 48)
    return item(
        FrameContentSequence=[item(FrameReferenceDateTime=f"20250102120000.{int(STARTS_S[index] * 1000):03}000")],
        FrameVOILUTSequence=[item(WindowCenter=str(center), WindowWidth=str(width))],
        FrameDisplayShutterSequence=[
            item(
                ShutterShape="RECTANGULAR",
                ShutterLeftVerticalEdge=edges[0],
                ShutterRightVerticalEdge=edges[1],
                ShutterUpperHorizontalEdge=1,
                ShutterLowerHorizontalEdge=64,
            )
        ],
    )


def make_enhanced(path: Path, **tags: Any) -> Path:
    shared = item(
        PositionerPositionSequence=[item(PositionerPrimaryAngle=-28.6, PositionerSecondaryAngle=19.7)],
        FramePixelDataPropertiesSequence=[item(ImagerPixelSpacing=["0.4", "0.2"])],
    )
    values: dict[str, Any] = {
        "SOPClassUID": EnhancedXAImageStorage,
        "FrameIncrementPointer": None,
        "FrameTime": None,
        "PixelIntensityRelationship": "LOG",
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": [frame_groups(index) for index in range(4)],
    }
    return make_cine(path, ramp(), **{**values, **tags})


def grey(center: int, width: int) -> NDArray[np.float64]:
    """The linear window by the formula of the standard, in double precision."""
    return np.clip(((ramp(1)[0] - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


def test_each_frame_has_its_own_window_and_shutter(tmp_path):
    run = read_run((make_enhanced(tmp_path / "xa.dcm"),), 1)

    pictures = list(run_pictures(run, subtracted=False))

    for index, (center, width) in enumerate(WINDOWS):
        expected = grey(center, width)
        if index >= 2:
            expected[:, :16] = expected[:, 48:] = 0
        assert np.abs(pictures[index] - expected).max() <= 0.51


def test_frames_come_when_their_groups_say_and_the_c_arm_is_where_they_say(tmp_path):
    found = inspect_cine(make_enhanced(tmp_path / "xa.dcm"))

    assert found.dicom is not None
    facts: Any = found.dicom.describe()
    assert facts["rate_source"] == "FrameReferenceDateTime"
    assert facts["frame_times_ms"] == [0, 100, 200, 500]
    assert facts["runs"][0]["angle"] == "RAO 29 CRAN 20"
    assert float(found.video.sar) == 0.5
    assert facts["guessed"] == []


def test_a_window_of_an_editor_holds_for_all_frames(tmp_path):
    source = make_enhanced(tmp_path / "xa.dcm", SharedFunctionalGroupsSequence=None)
    run = read_run((source,), 1, RunChoices(window=(2000.0, 1000.0)))

    pictures = list(run_pictures(run, subtracted=False))

    assert np.abs(pictures[0] - grey(2000, 1000)).max() <= 0.51
    assert run.facts.window is not None
    assert run.facts.window.source == "editor"


def test_exposures_are_a_guess_where_there_are_no_times(tmp_path):
    groups = [item(FrameContentSequence=[item(FrameAcquisitionDuration=40.0)]) for _ in range(4)]
    source = make_enhanced(tmp_path / "xa.dcm", PerFrameFunctionalGroupsSequence=groups)

    facts = with_estimates(read_run((source,), 1)).facts

    assert (facts.rate_source, facts.fps) == ("FrameAcquisitionDuration", 25.0)
    assert {guess.what for guess in facts.guesses} == {"rate", "window"}


@pytest.mark.parametrize("frames", [1500])
def test_groups_of_a_long_run_are_read_whole(tmp_path, frames):
    groups = [frame_groups(index % 4) for index in range(frames)]
    for index, group in enumerate(groups):
        minute, second = divmod(index // 10, 60)
        moment = f"2025010212{minute:02}{second:02}.{index % 10}00000"
        group.FrameContentSequence[0].FrameReferenceDateTime = moment
        group.FrameContentSequence[0].FrameComments = "x" * 600
    tiny = np.zeros((frames, 2, 2), np.int64)
    tiny[0, 0, 0] = 4095
    source = make_cine(
        tmp_path / "xa.dcm",
        tiny,
        SOPClassUID=EnhancedXAImageStorage,
        FrameIncrementPointer=None,
        FrameTime=None,
        PerFrameFunctionalGroupsSequence=groups,
    )

    run = read_run((source,), 1)

    assert run.facts.rate_source == "FrameReferenceDateTime"
    assert run.facts.fps == 10
