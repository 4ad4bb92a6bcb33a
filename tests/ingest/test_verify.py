"""A package with a fault is not let through: each test breaks one thing of a good one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.errors import ToolFailed
from ingest.inspect import inspect
from ingest.package import HlsPackage
from ingest.pipeline import Method, package_recording
from ingest.plan import EncodePlan, plan
from ingest.verify import verify, verify_pages
from tests.samples import make_recording
from videolib import hls


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EncodePlan]:
    folder = tmp_path_factory.mktemp("good")
    source = make_recording(folder / "in.mp4", seconds=9, size="640x360", fps=10)
    package_recording(source, folder / "out", method=Method(copy=False))
    return folder / "out", plan(inspect(source))


def edit(file: Path, pattern: str, replacement: str) -> None:
    text = file.read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    file.write_text(changed, encoding="utf-8")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def swap(folder: Path) -> None:
    first, second = folder / "0000.m4s", folder / "0001.m4s"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


FAULTS: dict[str, Callable[[Path], object]] = {
    "a variant is missing": lambda out: edit(out / "master.m3u8", r"#EXT-X-STREAM-INF:.*\n.*\n", ""),
    "the codec is another": lambda out: edit(out / "master.m3u8", r"avc1\.\w+", "avc1.42c00a"),
    "the resolution is another": lambda out: edit(out / "master.m3u8", r"RESOLUTION=640x360", "RESOLUTION=640x480"),
    "a duration is wrong": lambda out: edit(out / "video/360p/index.m3u8", r"EXTINF:4\.000000", "EXTINF:3.900000"),
    "a segment is not named": lambda out: edit(out / "video/240p/index.m3u8", r"#EXTINF.*\n0001.m4s\n", ""),
    "the end is missing": lambda out: edit(out / "video/240p/index.m3u8", r"#EXT-X-ENDLIST\n", ""),
    "the target is too short": lambda out: edit(out / "video/240p/index.m3u8", r"DURATION:4", "DURATION:3"),
    "a segment is cut off": lambda out: cut(out / "video/360p/0001.m4s"),
    "two segments are swapped": lambda out: swap(out / "video/240p"),
    "sound is cut off": lambda out: cut(out / "audio/und/0001.m4s"),
    "a cue is outside the sheet": lambda out: edit(out / "storyboard.vtt", r"xywh=160,", "xywh=9160,"),
    "the cues end early": lambda out: edit(out / "storyboard.vtt", r"--> 00:00:09\.000", "--> 00:00:08.500"),
    "the storyboard has no tile": lambda out: (out / "storyboard.vtt").write_text("WEBVTT\n"),
}


def test_a_good_package_is_let_through(good: tuple[Path, EncodePlan]) -> None:
    verify(*good)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, good: tuple[Path, EncodePlan], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(good[0], out)
    FAULTS[fault](out)

    with pytest.raises(ToolFailed):
        verify(out, good[1])


def shorten_sound(folder: Path) -> None:
    """The playlist of the sound tells of its first segment alone."""
    playlist = folder / "audio/und/index.m3u8"
    head, first, *_rest = re.split(r"(?=#EXTINF)", playlist.read_text(encoding="utf-8"))
    playlist.write_text(f"{head}{first}#EXT-X-ENDLIST\n", encoding="utf-8")


PAGE_FAULTS = {
    "the sound is short": shorten_sound,
    **{
        name: FAULTS[name]
        for name in (
            "a variant is missing",
            "the codec is another",
            "the resolution is another",
            "a segment is not named",
            "the cues end early",
        )
    },
}


@pytest.mark.parametrize("fault", PAGE_FAULTS)
def test_pages_are_held_against_media_that_lie_in_the_store(
    fault: str, good: tuple[Path, EncodePlan], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(good[0], out)
    video = hls.Track("360p", "video/360p", "avc1", (hls.Segment("0000.m4s", 0.0, 9.0, bytes=1, samples=90),))
    pages = HlsPackage(out, (video,), ())
    verify_pages(pages, good[1])

    PAGE_FAULTS[fault](out)

    with pytest.raises(ToolFailed):
        verify_pages(pages, good[1])


def test_key_frames_that_differ_between_renditions_are_found(good: tuple[Path, EncodePlan], tmp_path: Path) -> None:
    other_plan = replace(good[1], renditions=good[1].renditions[:1])
    source = make_recording(tmp_path / "in.mp4", seconds=9, size="426x240", fps="30000/1001", audio=False)
    package_recording(source, tmp_path / "other", method=Method(copy=False))
    out = tmp_path / "out"
    shutil.copytree(good[0], out)
    shutil.rmtree(out / "video/240p")
    shutil.copytree(tmp_path / "other/video/240p", out / "video/240p")

    with pytest.raises(ToolFailed):
        verify(out, good[1])
    with pytest.raises(ToolFailed):
        verify(good[0], other_plan)
