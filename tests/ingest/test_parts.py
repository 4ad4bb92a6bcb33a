"""Recordings in parts: recognised by their names, joined in order on one clock, and only where somebody says so."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from ingest.errors import Refused
from ingest.inspect import inspect
from ingest.parts import joined, split_by_clock
from tests.samples import make_recording, run_tool
from videolib.catalogue.part_names import find_groups

NAMES = [
    ("GOPR0042.MP4", "GP010042.MP4", "GP020042.MP4"),
    ("GX010123.MP4", "GX020123.MP4"),
    ("GH010007.MP4",),
    ("VTS_01_1.VOB", "VTS_01_2.VOB"),
    ("VTS_02_1.VOB",),
    ("00000.MTS", "00001.MTS", "00002.MTS"),
    ("00007.MTS",),
    ("手术 第1段.mp4", "手术 第2段.mp4"),
    ("case_part1.mov", "case_part2.mov"),
    ("notes1.txt",),
    ("notes2.txt",),
    ("TACE.mp4",),
]


def test_files_that_a_camera_cut_are_recognised_in_their_order() -> None:
    folder = Path("/card")
    mixed = sorted((folder / name for group in NAMES for name in group), reverse=True)

    found = {tuple(path.name for path in group) for group in find_groups(mixed)}

    assert found == set(NAMES)


def test_the_same_numbers_in_two_folders_are_two_recordings() -> None:
    files = [Path("/a/00000.MTS"), Path("/b/00001.MTS")]

    assert find_groups(files) == [(files[0],), (files[1],)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("clip") / "one.mp4", seconds=2, size="320x240")


def test_parts_become_one_file_on_one_clock_and_the_same_every_time(clip: Path, tmp_path: Path) -> None:
    parts = [tmp_path / name for name in ("GX010001.MP4", "GX020001.MP4", "GX030001.MP4")]
    for part in parts:
        shutil.copy(clip, part)

    with joined(parts) as whole:
        found = inspect(whole, full=True)
        first = hashlib.sha256(whole.read_bytes()).hexdigest()
        name = whole.name
    with joined(parts) as whole:
        again = hashlib.sha256(whole.read_bytes()).hexdigest()

    assert name == "GX010001.ts"
    assert found.duration_s == pytest.approx(6.0, abs=0.1)
    assert found.audio or not inspect(clip).audio
    assert again == first
    assert not whole.exists()


def test_files_that_a_camera_only_counted_are_one_recording_while_its_clock_goes_on(clip: Path, tmp_path: Path) -> None:
    group = [tmp_path / f"0000{number}.MTS" for number in range(4)]
    # two files of one recording, a recording that begins anew, and a file that is none
    for file, start_s in zip(group, (10, 12, 10), strict=False):
        run_tool("-i", clip, "-c", "copy", "-output_ts_offset", str(start_s), "-f", "mpegts", file)
    group[3].write_text("no video at all\n" * 100, encoding="utf-8")

    assert split_by_clock(group) == [(group[0], group[1]), (group[2],), (group[3],)]
    assert split_by_clock([Path("VTS_01_1.VOB"), Path("VTS_01_2.VOB")]) == [
        (Path("VTS_01_1.VOB"), Path("VTS_01_2.VOB"))
    ]


def test_parts_that_do_not_fit_are_refused_with_a_sentence(clip: Path, tmp_path: Path) -> None:
    other = make_recording(tmp_path / "GX020001.MP4", seconds=1, size="160x120")
    text = tmp_path / "GX030001.MP4"
    text.write_text("no video at all\n" * 100, encoding="utf-8")

    for parts in ([clip, other], [clip, text], [clip, tmp_path / "gone.MP4"], [clip, tmp_path / "x.MTS"]):
        with pytest.raises(Refused) as caught, joined(parts):
            pass
        assert str(caught.value).endswith(".")
