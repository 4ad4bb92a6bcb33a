"""A folder of DICOM files: one recording for an examination, with every odd file sorted out and told."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from ingest.dicom import convert_views, inspect_cine
from ingest.errors import Refused
from ingest.inspect import inspect
from ingest.pipeline import package_recording
from ingest.studies import SECOND_PATIENT, StudyFolder, find_recordings, pack, packed
from tests.dicom_samples import SECRET_ID, SECRET_NAME, make_slice, make_study_file, numbered_frames, read_number
from tests.ingest.test_dicom import decode


def numbered_from(first: int, count: int, *, rows: int = 64, columns: int = 96) -> NDArray[np.int64]:
    """Frames that carry the numbers from `first` on, so that a study's pictures can be counted through."""
    return numbered_frames(first + count, rows=rows, columns=columns)[first:]


def make_study(folder: Path) -> Path:
    """Three runs, a CT series and everything that a disc holds beside; the names say nothing of the order."""
    run: dict[str, Any] = {"AcquisitionDate": "20250102"}
    make_study_file(folder / "A" / "IM9", numbered_from(0, 6), SOPInstanceUID="1.1", AcquisitionTime="101500", **run)
    make_study_file(
        folder / "B" / "IM1",
        numbered_from(6, 4),
        SOPInstanceUID="1.2",
        AcquisitionTime="102000.5",
        PositionerPrimaryAngle="-30",
        PositionerSecondaryAngle="20",
        **run,
    )
    make_study_file(folder / "A" / "IM0", numbered_from(10, 5), SOPInstanceUID="1.3", AcquisitionTime="102100", **run)
    for number, level in ((10, 1024), (30, 2048), (20, 1536)):
        make_slice(folder / "CT" / f"S{number}.dcm", number, level, **run)
    make_slice(folder / "CT" / "scout.dcm", 1, 900, SeriesInstanceUID="1.2.3.5.8", **run)
    make_study_file(folder / "still.dcm", numbered_frames(1), NumberOfFrames=1, SOPInstanceUID="1.4", **run)
    report = dcmread(make_study_file(folder / "dose.dcm", SOPInstanceUID="1.5", Modality="SR", **run))
    del report.PixelData
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.67"
    report.save_as(folder / "dose.dcm")
    index = dcmread(folder / "dose.dcm")
    index.SOPClassUID = "1.2.840.10008.1.3.10"
    index.save_as(folder / "DICOMDIR")
    (folder / "autorun.inf").write_text("[autorun]\nopen=viewer.exe\n", encoding="ascii")
    (folder / "viewer.exe").write_bytes(b"MZ" + bytes(500))
    return folder


def the_study(folder: Path) -> StudyFolder:
    (found,) = find_recordings(folder)
    assert isinstance(found, StudyFolder)
    return found


def refusal_of(folder: Path) -> Refused:
    (found,) = find_recordings(folder)
    assert isinstance(found, tuple)
    return found[1]


def facts_of(path: Path) -> dict[str, Any]:
    found = inspect_cine(path).dicom
    assert found is not None
    return found.describe()


def test_an_examination_becomes_one_recording_with_its_runs_in_the_order_they_were_taken(tmp_path):
    study = the_study(make_study(tmp_path / "disc"))

    names = [[path.name for path in run.paths] for run in study.runs]

    assert names == [["IM9"], ["IM1"], ["IM0"], ["S10.dcm", "S20.dcm", "S30.dcm"]]


def test_what_is_no_run_is_left_out_with_a_reason(tmp_path):
    left_out = {path.name: sentence for path, sentence in the_study(make_study(tmp_path / "disc")).left_out}

    assert set(left_out) == {"scout.dcm", "still.dcm", "dose.dcm", "DICOMDIR", "autorun.inf", "viewer.exe"}
    assert "still picture" in left_out["still.dcm"]
    assert "report" in left_out["dose.dcm"]
    assert "DICOMDIR" in left_out["DICOMDIR"]
    assert "single slices" in left_out["scout.dcm"]
    assert "neither DICOM nor video" in left_out["viewer.exe"]


def test_the_runs_are_shown_one_after_another_each_at_its_own_time(tmp_path):
    study = make_study(tmp_path / "disc")
    (tmp_path / "made").mkdir()

    with packed(the_study(study)) as file:
        converted = convert_views(file, tmp_path / "made")
        facts = facts_of(file)

    runs = facts["runs"]
    assert [run["frames"] for run in runs] == [6, 4, 5, 3]
    assert [run["angle"] for run in runs] == [None, "RAO 30 CRAN 20", None, None]
    assert [run["rate_source"] for run in runs] == ["FrameTime", "FrameTime", "FrameTime", "slices"]
    assert [round(run["start_s"], 3) for run in runs] == [0, 0.4, 0.667, 1.0]
    assert {left["files"] for left in facts["left_out"]} == {1, 2}
    pictures = decode(converted.videos["native"], tmp_path)
    shown = [read_number(picture) for picture in pictures]
    # 15 and 10 a second meet at 30: each frame of a run twice, each slice three times
    assert shown[:30] == [number for number in range(15) for _ in range(2)]
    slices = [int(picture[32, 48]) for picture in pictures[30:]]
    assert slices == [level for level in (128, 191, 255) for _ in range(3)]


def test_the_same_study_gives_the_same_bytes_whatever_its_files_are_called(tmp_path):
    first = make_study(tmp_path / "disc")
    second = tmp_path / "other"
    for number, path in enumerate(sorted(first.rglob("*"), reverse=True)):
        if path.is_file():
            second.mkdir(exist_ok=True)
            shutil.copy(path, second / f"{number:03}")

    pack(the_study(first), tmp_path / "first.tar")
    pack(the_study(second), tmp_path / "second.tar")

    digests = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("first.tar", "second.tar")}
    assert len(digests) == 1


def test_a_packed_study_names_nobody_but_inside_its_originals(tmp_path):
    study = make_study(tmp_path / SECRET_NAME)

    with packed(the_study(study)) as file:
        told = repr(inspect(file))
        with tarfile.open(file) as archive:
            listed = archive.extractfile("study.json")
            assert listed is not None
            told += listed.read().decode() + " ".join(archive.getnames())

    for secret in (SECRET_NAME, SECRET_ID):
        assert secret not in told


@pytest.mark.parametrize(
    "other",
    [
        {"PatientID": "SOMEBODY"},
        {"PatientBirthDate": "19500101"},
        {"PatientID": None, "PatientName": "Other^Name"},
        {"PatientID": "SOMEBODY", "StudyInstanceUID": "1.2.9"},
    ],
)
def test_a_second_patient_stops_the_folder_with_a_sentence(tmp_path, other):
    folder = tmp_path / "disc"
    for number in (1, 2):
        make_study_file(folder / f"{number}", SOPInstanceUID=f"1.{number}", PatientBirthDate="19400101")
    make_study_file(folder / "3", **{"SOPInstanceUID": "1.3", "PatientBirthDate": "19400101", **other})

    refusal = refusal_of(folder)

    assert str(refusal) == SECOND_PATIENT
    # whose files are whose, for who has the folder: by names of files and nothing else
    assert refusal.hints == ("Patient 1 of 2: 1, 2", "Patient 2 of 2: 3")
    assert "SOMEBODY" not in str(refusal)


def test_patients_in_folders_of_their_own_are_examinations_of_their_own(tmp_path):
    for patient in ("A", "B"):
        for number in (1, 2):
            make_study_file(
                tmp_path / "all" / patient / f"{number}",
                SOPInstanceUID=f"1.{number}",
                PatientID=patient,
                StudyInstanceUID=f"1.2.{ord(patient)}",
            )

    found = find_recordings(tmp_path / "all")

    assert [isinstance(one, StudyFolder) and one.folder.name for one in found] == ["A", "B"]


def test_a_disc_with_two_patients_is_stopped_even_where_they_lie_apart(tmp_path):
    folder = make_study(tmp_path / "disc")
    make_study_file(folder / "C" / "IM1", PatientID="SOMEBODY", StudyInstanceUID="1.2.9", SOPInstanceUID="2.1")

    assert str(refusal_of(folder)) == SECOND_PATIENT


def test_files_without_dicom_are_taken_one_by_one_as_before(tmp_path):
    for name in ("b.mp4", "a.mp4", ".hidden"):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypmp42")

    assert [path.name for path in find_recordings(tmp_path) if isinstance(path, Path)] == ["a.mp4", "b.mp4"]


def test_a_video_beside_a_study_is_a_recording_of_its_own(tmp_path):
    folder = make_study(tmp_path / "disc")
    (folder / "room.mp4").write_bytes(b"\0\0\0\x18ftypmp42")

    study, video = find_recordings(folder)

    assert isinstance(study, StudyFolder)
    assert video == folder / "room.mp4"


def test_a_folder_of_reports_alone_says_why_there_is_nothing_to_show(tmp_path):
    folder = tmp_path / "disc"
    for number in (1, 2):
        make_study_file(folder / f"{number}.dcm", numbered_frames(1), NumberOfFrames=1, SOPInstanceUID=f"1.{number}")

    refusal = refusal_of(folder)

    assert refusal.reason == "no_video"
    assert "still picture" in str(refusal)


def test_the_same_run_twice_is_one_run(tmp_path):
    folder = tmp_path / "disc"
    make_study_file(folder / "1", SOPInstanceUID="1.1", AcquisitionTime="100000")
    make_study_file(folder / "2", numbered_from(3, 4), SOPInstanceUID="1.2", AcquisitionTime="100100")
    shutil.copy(folder / "1", folder / "copy")

    assert len(the_study(folder).runs) == 2


@pytest.mark.parametrize("bond", ["number", "moment", "reference"])
def test_the_planes_of_a_biplane_acquisition_are_views_on_one_clock(tmp_path, bond):
    folder, tags = tmp_path / "disc", {}
    reference = Dataset()
    reference.ReferencedSOPInstanceUID = "1.2"
    bonds: dict[str, Any] = {
        "number": {"AcquisitionNumber": 4, "SeriesNumber": 2},
        "moment": {"AcquisitionTime": "101500"},
        "reference": {"ReferencedImageSequence": [reference]},
    }
    tags = bonds[bond]
    plane_a, plane_b = ["ORIGINAL", "PRIMARY", "BIPLANE A"], ["ORIGINAL", "PRIMARY", "BIPLANE B"]
    make_study_file(folder / "x", numbered_from(0, 5), SOPInstanceUID="1.1", ImageType=plane_a, **tags)
    make_study_file(folder / "a", numbered_from(40, 5), SOPInstanceUID="1.2", ImageType=plane_b, **tags)
    make_study_file(folder / "k", numbered_from(5, 3), SOPInstanceUID="1.3", AcquisitionTime="111500", SeriesNumber=9)
    (tmp_path / "made").mkdir()

    study = the_study(folder)
    with packed(study) as file:
        converted = convert_views(file, tmp_path / "made")
        facts = facts_of(file)

    assert list(converted.videos) == ["native", "plane-b"]
    native = [read_number(picture) for picture in decode(converted.videos["native"], tmp_path)]
    other = [read_number(picture) for picture in decode(converted.videos["plane-b"], tmp_path / "made")]
    assert native == [0, 1, 2, 3, 4, 5, 6, 7]
    # the run without a second plane is shown as it is, so that both views keep one clock
    assert other == [40, 41, 42, 43, 44, 5, 6, 7]
    assert [run["plane"] for run in facts["second_planes"]] == ["B"]


def test_runs_of_different_sizes_share_a_canvas(tmp_path):
    folder = tmp_path / "disc"
    make_study_file(folder / "1", np.full((4, 64, 64), 4095), SOPInstanceUID="1.1", AcquisitionTime="100000")
    make_study_file(folder / "2", np.full((4, 128, 96), 4095), SOPInstanceUID="1.2", AcquisitionTime="100100")
    (tmp_path / "made").mkdir()

    with packed(the_study(folder)) as file:
        pictures = decode(convert_views(file, tmp_path / "made").videos["native"], tmp_path)

    assert pictures.shape[1:] == (128, 96)
    # as large as it goes: 96 x 96 in the middle
    assert [int(pictures[0, row, 48]) for row in (8, 20, 64, 108, 120)] == [0, 255, 255, 255, 0]
    assert int(pictures[5].min()) == 255


@pytest.mark.parametrize("damage", ["cut", "list", "names"])
def test_a_damaged_pack_is_refused(tmp_path, damage):
    pack(the_study(make_study(tmp_path / "disc")), tmp_path / "study.tar")
    content = (tmp_path / "study.tar").read_bytes()
    damaged = {
        "cut": content[: len(content) // 3],
        "list": content.replace(b'"runs"', b'"walk"', 1),
        "names": content.replace(b'"0001.dcm"', b'"../a.dcm"', 1),
    }
    (tmp_path / "damaged.tar").write_bytes(damaged[damage])

    with pytest.raises(Refused) as refusal:
        inspect(tmp_path / "damaged.tar")

    assert refusal.value.reason in {"corrupt", "truncated"}


def test_a_study_goes_all_the_way_to_its_package(tmp_path):
    folder = tmp_path / "disc"
    for number in range(2):
        frames = numbered_from(number * 8, 8, rows=240, columns=320)
        make_study_file(
            folder / f"{9 - number}",
            frames,
            SOPInstanceUID=f"1.{number}",
            AcquisitionTime=f"10{number}000",
            PositionerPrimaryAngle="25",
            PositionerSecondaryAngle="-10",
        )

    with packed(the_study(folder)) as file:
        report = package_recording(file, tmp_path / "out").as_json()

    assert report["source"]["container"] == "dicom"
    assert [run["angle"] for run in report["package"]["runs"]] == ["LAO 25 CAUD 10"] * 2
    assert report["package"]["runs"][1]["start_s"] == pytest.approx(8 / 15, abs=0.001)
    assert report["package"]["duration_s"] == pytest.approx(16 / 15, abs=0.01)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE])
def test_a_pack_whose_members_are_no_plain_files_is_refused(tmp_path, kind):
    listed = b'{"format": 1, "runs": [{"files": ["0001.dcm"], "second_plane": []}], "left_out": []}'
    with tarfile.open(tmp_path / "study.tar", "w:", format=tarfile.GNU_FORMAT) as archive:
        first, second = tarfile.TarInfo("study.json"), tarfile.TarInfo("0001.dcm")
        first.size, second.type, second.linkname = len(listed), kind, "study.json"
        archive.addfile(first, io.BytesIO(listed))
        archive.addfile(second)

    with pytest.raises(Refused) as refusal:
        inspect(tmp_path / "study.tar")

    assert refusal.value.reason == "corrupt"
