"""The path of a recording: what comes out, what is left behind when nothing comes out, and sound in time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ingest.errors import Cancelled, Refused
from ingest.pipeline import inspect_report, package_recording, refused_report
from tests.samples import SMALL_H264, make_clapper, make_recording, moments_of, probe, run_tool
from videolib.errors import InvalidInput


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("in") / "in.mp4", seconds=3, size="320x240")


MPEG2 = ("-c:v", "mpeg2video", "-b:v", "2M")


@pytest.mark.parametrize(
    ("name", "fps", "sound_starts_s", "codec"),
    [
        ("a.mp4", "25", 0.0, SMALL_H264),
        ("b.ts", "25", 0.0, SMALL_H264),
        ("c.mkv", "25", 0.4, SMALL_H264),
        ("d.mov", "25", -0.4, SMALL_H264),
        ("e.mp4", "60", 0.25, SMALL_H264),
        ("f.mpg", "25", 0.0, MPEG2),
    ],
)
def test_sound_and_pictures_stay_together(
    name: str, fps: str, sound_starts_s: float, codec: tuple[str, ...], tmp_path: Path
) -> None:
    source = make_clapper(tmp_path / name, fps=fps, sound_starts_s=sound_starts_s, codec=codec)

    package_recording(source, tmp_path / "out")

    flashes, clicks = moments_of(tmp_path / "out" / "master.m3u8")
    assert len(flashes) == 4
    assert clicks == pytest.approx(flashes, abs=0.005)


def test_a_package_is_as_long_as_its_recording_to_a_picture(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=5.04, size="640x360")

    report = package_recording(source, tmp_path / "out")

    assert report.as_json()["package"]["duration_s"] == pytest.approx(5.04, abs=0.001)
    for playlist in (tmp_path / "out").rglob("index.m3u8"):
        if playlist.parent.name != "iframes":
            length_s = float(probe(playlist, "format=duration")["format"]["duration"])
            assert length_s == pytest.approx(5.04, abs=0.001)


def test_the_report_is_the_contracts_object(recording: Path, tmp_path: Path) -> None:
    told: list[tuple[str, float | None]] = []

    report = package_recording(recording, tmp_path / "out", on_progress=lambda *what: told.append(what))

    answer = json.loads(json.dumps(report.as_json()))
    assert answer["state"] == "ready"
    assert answer["reason"] is None
    assert answer["recording_id"] is None
    assert answer["source"]["video_codec"] == "h264"
    (rendition,) = answer["package"]["renditions"]
    assert {key: rendition[key] for key in ("name", "width", "height", "fps", "copied")} == {
        "name": "240p",
        "width": 320,
        "height": 240,
        "fps": 25.0,
        "copied": False,
    }
    assert rendition["codecs"].startswith("avc1.6400")
    assert rendition["bandwidth"] >= rendition["average_bandwidth"] > 0
    assert answer["package"]["multivariant"] == "master.m3u8"
    assert answer["timing"]["cpu_s"] > 0
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["inspect", "encode", "package", "images", "verify"]
    assert {file.path for file in report.files} >= {"master.m3u8", "video/240p/0000.m4s", "poster.jpg"}


def test_nothing_but_the_package_is_left(recording: Path, tmp_path: Path) -> None:
    package_recording(recording, tmp_path / "out")

    assert leftovers(tmp_path) == ["out"]


def test_an_empty_folder_is_filled(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    package_recording(recording, tmp_path / "out")

    assert (tmp_path / "out" / "master.m3u8").is_file()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_there_already_is_neither_overwritten_nor_removed(kind: str, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    elif kind == "folder":
        out.mkdir()
        (out / "mine").write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        out.symlink_to(tmp_path / "elsewhere")
    before = leftovers(tmp_path)

    with pytest.raises(InvalidInput):
        package_recording(recording, out)

    assert leftovers(tmp_path) == before


@pytest.mark.parametrize("is_there", [True, False])
def test_a_refusal_leaves_nothing(is_there: bool, tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(b"no video at all " * 100)
    if is_there:
        (tmp_path / "out").mkdir()

    answer = refused_report(source, lambda: package_recording(source, tmp_path / "out"))

    assert answer["state"] == "rejected"
    assert answer["reason"]["code"] == "not_media"
    assert answer["package"] is None
    assert leftovers(tmp_path) == ["in.mp4"]


def test_a_cancel_leaves_nothing(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=20, size="1280x720")
    told: list[float] = []

    def note(stage: str, fraction: float | None) -> None:
        if stage == "encode" and fraction:
            told.append(fraction)

    with pytest.raises(Cancelled):
        package_recording(source, tmp_path / "out", on_progress=note, cancelled=lambda: bool(told))

    assert leftovers(tmp_path) == ["in.mp4"]
    answer = refused_report(source, lambda: package_recording(source, tmp_path / "out", cancelled=lambda: True))
    assert answer["state"] == "cancelled"


def test_a_recording_whose_end_is_missing_is_refused_as_truncated(tmp_path: Path) -> None:
    whole = make_recording(tmp_path / "whole.mp4", seconds=20, extra=("-movflags", "+faststart"), size="640x360")
    source = tmp_path / "in.mp4"
    content = whole.read_bytes()
    source.write_bytes(content[: len(content) * 2 // 3])
    whole.unlink()

    with pytest.raises(Refused) as refused:
        package_recording(source, tmp_path / "out")

    assert refused.value.reason == "truncated"
    assert leftovers(tmp_path) == ["in.mp4"]


def test_a_recording_that_decodes_to_less_than_it_declares_is_refused(tmp_path: Path) -> None:
    whole = make_recording(tmp_path / "whole.mp4", seconds=10, extra=("-movflags", "+faststart", "-g", "25"))
    content = bytearray(whole.read_bytes())
    whole.unlink()
    # the packets are all there, but from the middle on they hold nothing that can be decoded
    middle = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2
    content[middle:] = bytes(len(content) - middle)
    source = tmp_path / "in.mp4"
    source.write_bytes(content)

    answer = refused_report(source, lambda: package_recording(source, tmp_path / "out"))

    assert answer["state"] == "rejected"
    assert answer["reason"]["code"] == "truncated"
    assert leftovers(tmp_path) == ["in.mp4"]


def test_sound_that_cannot_be_decoded_does_not_cost_the_pictures(tmp_path: Path) -> None:
    good = make_recording(tmp_path / "good.mkv", seconds=3, codec=(*SMALL_H264, "-c:a", "ac3"))
    source = tmp_path / "in.mkv"
    run_tool("-i", good, "-c", "copy", "-bsf:a", "noise=amount=1", source)

    answer = package_recording(source, tmp_path / "out").as_json()

    assert answer["state"] == "ready"
    assert answer["package"]["duration_s"] == pytest.approx(3.0, abs=0.05)


def test_pictures_that_cannot_be_decoded_are_refused(tmp_path: Path) -> None:
    good = make_recording(tmp_path / "good.mkv", seconds=3)
    source = tmp_path / "in.mkv"
    run_tool("-i", good, "-c", "copy", "-bsf:v", "noise=amount=1", source)
    good.unlink()

    answer = refused_report(source, lambda: package_recording(source, tmp_path / "out"))

    assert answer["state"] == "rejected"
    assert answer["reason"]["code"] == "corrupt"
    assert leftovers(tmp_path) == ["in.mkv"]


def test_pictures_do_not_wait_in_memory_for_sound_that_begins_late(tmp_path: Path) -> None:
    source = make_clapper(tmp_path / "in.mkv", seconds=30, fps=10, sound_starts_s=28.0)

    package_recording(source, tmp_path / "out")

    flashes, clicks = moments_of(tmp_path / "out" / "master.m3u8")
    assert len(flashes) == 29
    assert clicks == pytest.approx(flashes[-len(clicks) :], abs=0.005)


@pytest.mark.parametrize(
    "name",
    [
        "-i.mp4",
        "-y -f lavfi.mp4",
        "a;touch pwn.mp4",
        "$(touch pwn).mp4",
        "a'b\"c.mp4",
        "file%03d.mp4",
        "concat:a.mp4|b.mp4",
        "pipe:0.mp4",
        "name\nnewline.mp4",
        "\u202egpj.4pm",
        "手术" * 41 + ".mp4",
        "{source}{out}.mp4",
        "noextension",
    ],
)
def test_a_name_is_only_a_name(name: str, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.link(recording, tmp_path / name)

    report = package_recording(Path(name), Path("out " + name[:40]))

    assert report.as_json()["state"] == "ready"
    assert leftovers(tmp_path) == sorted([name, "out " + name[:40]])


def test_inspect_answers_the_same_source_without_a_package(recording: Path, tmp_path: Path) -> None:
    looked = inspect_report(recording, full=True)
    made = package_recording(recording, tmp_path / "out").as_json()

    assert looked["source"] == made["source"]
    assert looked["package"] is None
    assert looked["reason"] is None
