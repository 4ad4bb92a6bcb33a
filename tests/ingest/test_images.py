"""Posters that show something and storyboards whose tiles show what their time says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from ingest.pipeline import Method, package_recording
from tests.samples import make_recording, run_tool


def grey(picture: Image.Image) -> float:
    return float(ImageStat.Stat(picture.convert("L")).mean[0])


def packaged(source: Path) -> Path:
    out = source.parent / "out"
    package_recording(source, out, method=Method(copy=False))
    return out


@pytest.fixture(scope="module")
def brightening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of 20 seconds whose picture brightens by one step every two seconds."""
    folder = tmp_path_factory.mktemp("brightening")
    steps = "geq=lum='40+20*floor(T/2)':cb=128:cr=128"
    source = make_recording(
        folder / "in.mp4", seconds=20, size="320x180", fps=10, pattern="color=gray", filters=steps, audio=False
    )
    return packaged(source)


def test_each_tile_shows_the_picture_of_its_time(brightening: Path) -> None:
    text = (brightening / "storyboard.vtt").read_text(encoding="utf-8")
    cue = r"(\d\d):(\d\d):(\d\d\.\d{3}) --> \S+\nstoryboard\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)"
    cues = re.findall(cue, text)

    assert text.startswith("WEBVTT\n\n")
    assert len(cues) == 10
    levels = []
    with Image.open(brightening / "storyboard.jpg") as sheet:
        for hours, minutes, seconds, *place in cues:
            x, y, width, height = map(int, place)
            assert x + width <= sheet.width
            assert y + height <= sheet.height
            levels.append((float(seconds) + 60 * int(minutes) + 3600 * int(hours), x, y, width, height))
        shades = [grey(sheet.crop((x, y, x + width, y + height))) for _, x, y, width, height in levels]
    assert [time for time, *_ in levels] == list(range(0, 20, 2))
    # limited-range luma 40 + 20 n, stretched to the full range of a JPEG
    assert shades == pytest.approx([(24 + 20 * step) * 255 / 219 for step in range(10)], abs=3)


def test_cues_cover_the_recording_without_a_gap(brightening: Path) -> None:
    text = (brightening / "storyboard.vtt").read_text(encoding="utf-8")

    times = re.findall(r"(\S+) --> (\S+)", text)

    assert times[0][0] == "00:00:00.000"
    assert times[-1][1] == "00:00:20.000"
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]


def test_the_poster_is_the_picture_near_a_tenth(brightening: Path) -> None:
    with Image.open(brightening / "poster.jpg") as poster:
        assert poster.size == (320, 180)
        assert poster.format == "JPEG"
        assert grey(poster) == pytest.approx((24 + 20) * 255 / 219, abs=3)


def test_a_poster_is_not_black_where_the_recording_begins_black(tmp_path: Path) -> None:
    late = "geq=lum='if(lt(T,9),16,200)':cb=128:cr=128"
    source = make_recording(
        tmp_path / "in.mp4", seconds=20, size="320x180", fps=5, pattern="color=black", filters=late, audio=False
    )

    with Image.open(packaged(source) / "poster.jpg") as poster:
        assert grey(poster) > 150


def test_a_poster_is_not_black_where_a_short_clip_fades_in(tmp_path: Path) -> None:
    fade = "geq=lum='if(lt(N,5),16,180)':cb=128:cr=128"
    source = make_recording(
        tmp_path / "in.mp4", seconds=1.6, size="320x180", pattern="color=black", filters=fade, audio=False
    )

    with Image.open(packaged(source) / "poster.jpg") as poster:
        assert grey(poster) > 150


def test_the_poster_is_the_sharpest_picture_near_a_tenth(tmp_path: Path) -> None:
    # all blurred but for the group of pictures that starts at 6 seconds; a tenth is at 8, a twentieth is 4
    blurred = "gblur=sigma=12:enable='not(between(t,5.9,7.9))'"
    source = make_recording(tmp_path / "in.mp4", seconds=80, size="320x180", fps=2, filters=blurred, audio=False)

    poster = packaged(source) / "poster.jpg"

    sharp = make_recording(tmp_path / "sharp.mp4", seconds=8, size="320x180", fps=2, audio=False)
    run_tool("-ss", "6", "-i", sharp, "-frames:v", "1", "-q:v", "2", tmp_path / "wanted.png")
    with Image.open(poster) as made, Image.open(tmp_path / "wanted.png") as wanted:
        difference = ImageChops.difference(made.convert("L"), wanted.convert("L"))
    assert ImageStat.Stat(difference).mean[0] < 8


def test_pictures_are_offered_from_all_over_the_recording(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=40, size="64x36", fps=2, audio=False)

    report = package_recording(source, tmp_path / "out", method=Method(copy=False, offers=True))

    offered = report.as_json()["package"]["posters"]
    assert [one["time_s"] for one in offered] == [2.0, 6.0, 12.0, 16.0, 22.0, 26.0, 32.0, 36.0]
    for one in offered:
        with Image.open(tmp_path / "out" / one["path"]) as picture:
            assert picture.size == (64, 36)


def test_a_recording_that_is_all_black_still_has_a_poster(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=3, size="320x180", pattern="color=black", audio=False)

    with Image.open(packaged(source) / "poster.jpg") as poster:
        assert poster.size == (320, 180)


def test_a_long_storyboard_has_rows_of_ten(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=50, size="64x48", fps=2, audio=False)

    with Image.open(packaged(source) / "storyboard.jpg") as sheet:
        assert sheet.size == (10 * 160, 3 * 120)
