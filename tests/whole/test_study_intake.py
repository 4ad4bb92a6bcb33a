"""A folder of one examination, from the command line to a page that plays native and subtracted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from tests.dicom_samples import make_study_file, numbered_frames
from tests.libraries import let_in
from tests.visitors import Site, make_site
from videolib.catalogue.recordings import list_recordings
from videolib.db import Database

ROOT = Path(__file__).resolve().parents[2]


def ingest(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-m", "videolib", "ingest", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def make_examination(folder: Path) -> Path:
    """Two runs, the second with a mask; neither leaves anything to be guessed. A still beside them."""
    frames = numbered_frames(12, rows=120, columns=160)
    make_study_file(folder / "IM2", frames, SOPInstanceUID="1.1", AcquisitionTime="100000", PositionerPrimaryAngle="30")
    item = Dataset()
    item.MaskOperation, item.ApplicableFrameRange, item.MaskFrameNumbers = "AVG_SUB", [4, 12], [1, 2, 3]
    make_study_file(
        folder / "IM1", frames, SOPInstanceUID="1.2", AcquisitionTime="100500", MaskSubtractionSequence=[item]
    )
    make_study_file(folder / "still", numbered_frames(1), NumberOfFrames=1, SOPInstanceUID="1.3")
    return folder


@pytest.fixture
def site(sqlite_database: Database) -> Site:
    return make_site(sqlite_database)


def test_a_folder_of_one_examination_is_one_recording_that_plays_in_two_views(site: Site, tmp_path: Path) -> None:
    folder = make_examination(tmp_path / "examination")

    status, (answer,) = ingest(folder)
    again_status, (again,) = ingest(folder)

    assert (status, answer["state"], answer["path"]) == (0, "awaiting_review", str(folder)), answer
    assert (again_status, again["duplicate_of"]) == (0, answer["recording_id"])
    assert any("still picture" in sentence for sentence in answer["warnings"])
    let_in(site.database, answer["recording_id"], site.add_person("editor"))
    editor = site.visitor("editor")
    playback = editor.get(f"/api/v1/entries/{answer['entry_id']}/playback").json
    assert playback is not None
    assert [view["name"] for view in playback["views"]] == ["native", "subtracted"]
    assert len(playback["chapters"]) == 2
    for view in playback["views"]:
        path = view["hls_url"].removeprefix("http://localhost")
        assert site.anonymous().get(path).status_code == 200
    page = editor.get(f"/entries/{answer['entry_id']}").text
    assert playback["chapters"][1]["title"] in page


def test_a_second_patient_stops_the_folder_and_nothing_is_kept(site: Site, tmp_path: Path) -> None:
    folder = make_examination(tmp_path / "examination")
    make_study_file(folder / "stray", SOPInstanceUID="1.9", PatientID="SOMEBODY ELSE")

    status, (answer,) = ingest(folder)

    assert (status, answer["state"], answer["recording_id"]) == (1, "rejected", None)
    assert "more than one patient" in answer["reason"]["message"]
    assert "SOMEBODY" not in json.dumps(answer)
    with site.database.reading() as session:
        assert list_recordings(session) == []
