"""Rungs that bring nothing are left out, thin wires are not, and the smallest rung plays on a slow link."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import ffmpeg
from ingest.encode import encode
from ingest.inspect import inspect
from ingest.pipeline import package_recording
from ingest.plan import EncodePlan, plan
from ingest.quality import QualityRecord, can_compare, choose_rungs, follow, judge, looks_grey
from ingest.tools import candidates
from tests.conftest import need
from tests.samples import make_recording
from tests.wires import contrast_of, make_wire

needs_vmaf = pytest.mark.usefixtures("vmaf")


@pytest.fixture
def vmaf() -> None:
    need(can_compare(), "an ffmpeg with libvmaf")


def kept(*scores: float) -> list[bool]:
    return [one.kept for one in judge([str(index) for index in range(len(scores))], scores)]


def test_a_rung_stays_when_it_looks_two_points_better_than_the_one_kept_below_it() -> None:
    assert kept(85.0, 75.0, 35.0) == [True, True, True]
    assert kept(97.0, 96.9, 96.8) == [False, False, True]
    # each is less than two points from the next, but not from the last one kept
    assert kept(93.0, 91.5, 90.0) == [True, False, True]
    # worse than the smaller one: possible where a cap bites
    assert kept(80.0, 90.0, 70.0) == [False, True, True]


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording whose pictures hold no more than 160 x 120 pixels can show."""
    folder = tmp_path_factory.mktemp("soft")
    return make_recording(
        folder / "soft.mp4",
        seconds=9,
        size="160x120",
        fps=10,
        audio=False,
        filters="gblur=2,scale=960:720:flags=bicubic",
    )


@needs_vmaf
def test_rungs_that_bring_nothing_are_left_out_and_it_is_recorded(soft: Path, tmp_path: Path) -> None:
    report = package_recording(soft, tmp_path / "out")

    names = [rung["name"] for rung in report.as_json()["package"]["renditions"]]
    said = json.loads((tmp_path / "out" / "package.json").read_text(encoding="utf-8"))["quality"]
    assert names[0] == "720p"
    assert names[-1] == "240p"
    assert len(names) < 4
    assert said["measured"] is True
    assert {"480p", "360p"} - set(names) == set(said["left_out"])
    scores = {rung["name"]: rung["vmaf"] for rung in said["rungs"]}
    assert all(0 <= score <= 100 for score in scores.values())


@needs_vmaf
def test_what_is_rich_in_detail_keeps_its_rungs(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=9, size="640x480", fps=30, audio=False)
    inspection = inspect(source)

    record = probed(source, tmp_path)

    assert record.measured
    assert record.left_out == ()
    assert not record.greyscale
    assert not looks_grey(source, inspection, plan(inspection))
    assert follow(plan(inspection), record) == plan(inspection)


@pytest.fixture
def _without_vmaf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use the packaging tool's ffmpeg, which has no libvmaf, as the machine's own."""
    (tmp_path / "bin").mkdir()
    _, ffprobe = list(candidates())[-1]
    for name in ("ffmpeg", "ffprobe"):
        (tmp_path / "bin" / name).symlink_to(ffprobe.with_name(ffprobe.name.replace("ffprobe", name)))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    for cached in (ffmpeg.find_tools, can_compare):
        cached.cache_clear()
    yield
    for cached in (ffmpeg.find_tools, can_compare):
        cached.cache_clear()


@pytest.mark.usefixtures("_without_vmaf")
def test_without_libvmaf_all_rungs_are_made_and_the_record_says_why(soft: Path, tmp_path: Path) -> None:
    record = probed(soft, tmp_path)

    assert record == QualityRecord(measured=False, why="This ffmpeg has no libvmaf.")
    assert follow(plan(inspect(soft)), record).renditions == plan(inspect(soft)).renditions


def test_a_damaged_recording_is_left_to_the_encoder_to_refuse(tmp_path: Path) -> None:
    whole = make_recording(tmp_path / "whole.ts", seconds=9, size="640x480", fps=10, audio=False)
    inspection = inspect(whole)
    (tmp_path / "broken.ts").write_bytes(bytes(200_000))
    (tmp_path / "probe").mkdir()

    record = choose_rungs(tmp_path / "broken.ts", inspection, plan(inspection), tmp_path / "probe")

    assert not record.measured
    assert record.left_out == ()


def test_grey_pictures_in_a_colour_format_are_known_as_grey(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=9, size="320x240", fps=5, audio=False, filters="hue=s=0")

    record = probed(source, tmp_path)
    made = follow(plan(inspect(source)), record)

    assert record.greyscale
    assert looks_grey(source, inspect(source), plan(inspect(source)))
    assert made.tune == "grain"
    assert made.renditions[0].crf < plan(inspect(source)).renditions[0].crf


@pytest.mark.parametrize(("width_px", "share"), [(2.0, 0.6), (1.0, 0.33)])
def test_a_guide_wire_survives_in_the_smallest_rung(width_px: float, share: float, tmp_path: Path) -> None:
    source = make_wire(tmp_path / "wire.mkv", width_px=width_px)
    there = contrast_of(source)

    seen = contrast_of(smallest(source, follow(plan(inspect(source)), probed(source, tmp_path)), tmp_path / "grey"))
    without = contrast_of(smallest(source, plan(inspect(source)), tmp_path / "plain"))

    assert seen > share * there
    # the measure tells: with the settings for colour pictures much of it is gone
    assert without < 0.75 * seen


def test_the_smallest_rung_and_the_sound_fit_a_link_of_300_kbit_a_second(tmp_path: Path) -> None:
    busy = make_recording(tmp_path / "in.mp4", seconds=9, size="640x360", filters="noise=alls=40:allf=t")

    package_recording(busy, tmp_path / "out")

    text = (tmp_path / "out" / "master.m3u8").read_text(encoding="utf-8")
    bandwidths = [int(value) for value in re.findall(r"STREAM-INF:BANDWIDTH=(\d+),AVERAGE", text)]
    assert min(bandwidths) <= 300_000


def probed(source: Path, folder: Path) -> QualityRecord:
    (folder / "probe").mkdir()
    inspection = inspect(source)
    record = choose_rungs(source, inspection, plan(inspection), folder / "probe")
    assert list((folder / "probe").iterdir()) == []
    return record


def smallest(source: Path, made: EncodePlan, folder: Path) -> Path:
    """Encode all rungs and return the smallest."""
    folder.mkdir()
    return encode(source, made, folder).video[-1]
