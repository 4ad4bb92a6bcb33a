"""A DICOM cine all the way to its package: every frame, in order, at its time, in the grey levels it was rendered."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ingest.dicom import convert_views
from ingest.dicom_choices import RunChoices
from ingest.ffmpeg import find_tools
from ingest.pipeline import package_recording
from tests.dicom_samples import SECRET_ID, SECRET_NAME, make_cine, numbered_frames, read_number
from tests.samples import probe, run_tool

ROWS, COLUMNS = 240, 320
SLOWING: dict[str, Any] = {
    "FrameIncrementPointer": 0x00181065,
    "FrameTime": None,
    "FrameTimeVector": ["0", *["100"] * 19, *["200"] * 10],
}


def decode_package(out: Path, folder: Path) -> tuple[NDArray[np.uint8], list[float]]:
    """Return luma as it is stored (limited range) and times of the best rendition's pictures."""
    playlist = max(out.glob("video/*/index.m3u8"), key=lambda path: int(path.parent.name.removesuffix("p")))
    tools, raw = find_tools(), folder / "luma.raw"
    arguments = ["-y", "-v", "error", "-i", str(playlist), "-map", "0:v", "-fps_mode", "passthrough"]
    arguments += ["-vf", "extractplanes=y", "-f", "rawvideo", str(raw)]
    subprocess.run([tools.ffmpeg, *arguments], check=True)
    probe = [str(tools.ffprobe), "-v", "error", "-show_entries", "frame=pts_time", "-of", "json", str(playlist)]
    frames: list[dict[str, Any]] = json.loads(subprocess.run(probe, check=True, capture_output=True).stdout)["frames"]
    times = [float(frame["pts_time"]) for frame in frames]
    return np.fromfile(raw, np.uint8).reshape(len(frames), ROWS, COLUMNS), times


@pytest.mark.parametrize(
    ("tags", "expected", "step_s"),
    [
        pytest.param({"FrameTime": "66.667"}, list(range(30)), 1 / 15, id="frame_time"),
        pytest.param({"FrameTime": "33"}, list(range(30)), 0.033, id="frame_time_33"),
        # frame 19 begins at 1.9 s and lasts 0.2 s, as all after it
        pytest.param(SLOWING, [*range(19), *(number for number in range(19, 30) for _ in range(2))], 0.1, id="vector"),
    ],
)
def test_every_frame_is_in_the_package_in_order_at_its_time(tmp_path, tags, expected, step_s):
    frames = numbered_frames(30, rows=ROWS, columns=COLUMNS)
    source = make_cine(tmp_path / "cine.dcm", frames, WindowCenter="2048", WindowWidth="4096", **tags)

    report = package_recording(source, tmp_path / "out")

    pictures, times = decode_package(tmp_path / "out", tmp_path)
    assert [read_number(picture) for picture in pictures] == expected
    assert np.allclose(np.array(times) - times[0], np.arange(len(times)) * step_s, atol=0.0015)
    assert report.source["dicom"] is not None


def test_black_is_16_and_white_235_in_the_package(tmp_path):
    frames = numbered_frames(20, rows=ROWS, columns=COLUMNS)
    frames[:, 100:140, 100:140], frames[:, 100:140, 200:240] = 0, 4095
    source = make_cine(tmp_path / "cine.dcm", frames, WindowCenter="2048", WindowWidth="4096")

    package_recording(source, tmp_path / "out")

    pictures, _ = decode_package(tmp_path / "out", tmp_path)
    assert abs(float(pictures[:, 110:130, 110:130].mean()) - 16) < 1.5
    assert abs(float(pictures[:, 110:130, 210:230].mean()) - 235) < 1.5


def test_no_file_of_the_package_names_the_patient(tmp_path):
    source = make_cine(tmp_path / "cine.dcm", numbered_frames(20, rows=ROWS, columns=COLUMNS))

    report = package_recording(source, tmp_path / "out")

    written = b"".join(file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file())
    for secret in (SECRET_NAME, SECRET_ID):
        assert secret.encode() not in written
        assert secret not in json.dumps(report.as_json(), default=str)


def test_the_subtracted_view_is_a_whole_tree_on_the_same_clock(tmp_path):
    frames = numbered_frames(60, rows=ROWS, columns=COLUMNS)
    frames[20:, 100:140] //= 2
    item = Dataset()
    item.MaskOperation, item.ApplicableFrameRange, item.MaskFrameNumbers = "AVG_SUB", [11, 60], [8, 9, 10]
    source = make_cine(
        tmp_path / "cine.dcm", frames, MaskSubtractionSequence=[item], WindowCenter="2048", WindowWidth="4096"
    )

    report = package_recording(source, tmp_path / "out")

    made = tmp_path / "out"
    (view,) = report.as_json()["package"]["views"]
    assert (view["name"], view["multivariant"]) == ("subtracted", "views/subtracted/master.m3u8")
    for name in ("master.m3u8", "iframes/index.m3u8", "poster.jpg", "storyboard.vtt"):
        assert (made / "views" / "subtracted" / name).is_file()
    native, times = decode_package(made, tmp_path)
    subtracted, same_times = decode_package(made / "views" / "subtracted", tmp_path)
    assert times == same_times
    assert [read_number(picture) for picture in native] == list(range(60))
    # before the range both are alike; after it the bones are gone and what was halved is darker than mid-grey
    # (but for their noise, which is encoded as it is)
    assert np.abs(native[5].astype(int) - subtracted[5]).mean() < 6
    assert abs(float(subtracted[40, 160:200].mean()) - 125.5) < 3
    assert float(subtracted[40, 110:130].mean()) < 100
    listed = {file["path"] for file in json.loads((made / "package.json").read_text("utf-8"))["files"]}
    assert "views/subtracted/master.m3u8" in listed


def test_the_package_keeps_which_frame_comes_when(tmp_path):
    source = make_cine(tmp_path / "cine.dcm", numbered_frames(30, rows=ROWS, columns=COLUMNS), **SLOWING)

    report = package_recording(source, tmp_path / "out")

    kept = json.loads((tmp_path / "out" / "package.json").read_text("utf-8"))["frames"]
    pictures, times = decode_package(tmp_path / "out", tmp_path)
    numbers = [read_number(picture) for picture in pictures]
    first_shown = [times[numbers.index(number)] - times[0] for number in range(30)]
    (run,) = kept["runs"]
    assert run["acquired_ms"] == [0, *np.cumsum([100] * 19 + [200] * 10).tolist()]
    assert np.allclose(run["shown_s"], np.array(run["acquired_ms"]) / 1000, atol=0.001)
    assert np.allclose(run["shown_s"], first_shown, atol=0.001)
    assert report.as_json()["package"]["frame_steps"] == kept["steps"] == [[0.0, 0.1, 19], [1.9, 0.2, 11]]


def test_what_the_file_trims_is_not_shown_but_may_serve_as_mask(tmp_path):
    frames = numbered_frames(30, rows=ROWS, columns=COLUMNS)
    item = Dataset()
    item.MaskOperation, item.ApplicableFrameRange, item.MaskFrameNumbers = "AVG_SUB", [8, 30], [1]
    tags: dict[str, Any] = {"StartTrim": 11, "StopTrim": 25, "MaskSubtractionSequence": [item]}
    source = make_cine(tmp_path / "cine.dcm", frames, WindowCenter="2048", WindowWidth="4096", **tags)

    report = package_recording(source, tmp_path / "out")
    everything = package_recording(source, tmp_path / "all", choices={"1": RunChoices(all_frames=True)})

    pictures, _times = decode_package(tmp_path / "out", tmp_path)
    assert [read_number(picture) for picture in pictures] == list(range(10, 25))
    assert any("11 to 25" in sentence for sentence in report.warnings)
    assert everything.as_json()["package"]["duration_s"] == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    "name",
    ["xa_coronary_12f_rle.dcm", "xa_coronary_96f_jpegbaseline_masksub.dcm", "us_echo_30f_ybr422_jpeg.dcm"],
)
def test_what_is_seen_after_the_encode_is_what_was_rendered(name: str, shared: Path, tmp_path: Path) -> None:
    """The acceptance of the domain: SSIM of at least 0.98, of every frame of angiograms, of ultrasound overall."""
    source = shared / "testdata" / "dicom" / name
    (tmp_path / "rendered").mkdir()
    rendered = convert_views(source, tmp_path / "rendered").videos["native"]

    package_recording(source, tmp_path / "out")

    playlist = max((tmp_path / "out").glob("video/*/index.m3u8"), key=lambda path: int(path.parent.name[:-1]))
    # the rendered frames the way that all RGB and full range goes; the encode alone is judged
    graph = (
        "[1:v]scale=out_range=limited:out_color_matrix=bt709,format=yuv420p,settb=1/25,setpts=N[a];"
        "[0:v]settb=1/25,setpts=N[b];[a][b]ssim,metadata=print:key=lavfi.ssim.Y:file=-"
    )
    told = run_tool("-i", playlist, "-i", rendered, "-lavfi", graph, "-f", "null", "-").decode()
    scores = [float(line.rpartition("=")[2]) for line in told.splitlines() if "ssim.Y" in line]
    assert len(scores) == len(probe(rendered, "packet=pts_time", stream="v")["packets"])
    assert sum(scores) / len(scores) >= 0.98
    assert min(scores) >= (0.98 if name.startswith("xa") else 0.97)
