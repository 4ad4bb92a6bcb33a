"""Chunks fit together to the picture: whoever watches the package cannot tell that it was made in parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ingest.inspect import inspect
from ingest.pipeline import Method, package_recording
from tests.samples import SMALL_H264, make_clapper, make_recording, moments_of, numbers_in, pictures_of, probe

PAUSED = "if(lt(N,95),N/25,if(lt(N,150),3.8+(N-95)/7,20+(N-150)/25))"


def chunked(source: Path) -> Path:
    """Package a recording in chunks of four seconds beside it."""
    out = source.parent / "chunked"
    package_recording(source, out, method=Method(chunk_s=4, copy=False))
    settings = json.loads((out / "package.json").read_text(encoding="utf-8"))["settings"]
    assert len(settings["chunks_s"]) > 1
    return out


def picture_times_s(playlist: Path) -> list[float]:
    packets = probe(playlist, "packet=pts_time", stream="v")["packets"]
    return sorted(float(packet["pts_time"]) for packet in packets)


@pytest.mark.parametrize(
    ("name", "fps", "seconds"),
    [("a.mp4", "25", 10), ("b.mkv", "30000/1001", 9), ("c.ts", "25", 15), ("d.mov", "1", 16)],
)
def test_no_picture_is_lost_or_repeated_at_a_seam(name: str, fps: str, seconds: int, tmp_path: Path) -> None:
    source = make_recording(
        tmp_path / name, seconds=seconds, fps=fps, size="320x240", burn_frame_numbers=True, audio=False
    )

    out = chunked(source)

    numbers = numbers_in(out / "video/240p/index.m3u8")
    assert numbers == numbers_in(source)
    assert numbers == list(range(len(numbers)))
    times = picture_times_s(out / "video/240p/index.m3u8")
    rate = float(inspect(source).video.fps)
    assert times == pytest.approx([number / rate for number in numbers], abs=1e-5)


def test_a_variable_rate_keeps_its_times_also_where_it_stands_still_over_a_seam(tmp_path: Path) -> None:
    source = make_recording(
        tmp_path / "in.mkv",
        seconds=8,
        size="320x240",
        filters=f"setpts='({PAUSED})/TB'",
        burn_frame_numbers=True,
        extra=("-fps_mode", "passthrough", "-enc_time_base", "1:1000"),
        audio=False,
    )
    assert inspect(source).video.is_vfr

    out = chunked(source)

    playlist = out / "video/240p/index.m3u8"
    assert numbers_in(playlist) == numbers_in(source)
    assert picture_times_s(playlist) == pytest.approx(picture_times_s(source), abs=0.0006)


def test_interlaced_pictures_are_the_same_with_and_without_seams(tmp_path: Path) -> None:
    source = make_recording(
        tmp_path / "in.mpg",
        seconds=10,
        size="320x240",
        fps=50,
        filters="interlace",
        codec=("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-b:v", "3M", "-bf", "2"),
        audio=False,
    )
    assert inspect(source).video.interlaced

    out = chunked(source)

    package_recording(source, tmp_path / "whole")
    pictures = [
        pictures_of(folder / "video/240p/index.m3u8", width=64, height=48).astype(np.int16)
        for folder in (out, tmp_path / "whole")
    ]
    assert len(pictures[0]) == len(pictures[1]) == 250
    assert np.abs(pictures[0] - pictures[1]).mean(axis=(1, 2)).max() < 3


def test_sound_is_the_same_to_the_byte_with_and_without_chunks(tmp_path: Path) -> None:
    source = make_clapper(tmp_path / "in.mov", seconds=9, sound_starts_s=-0.4)

    out = chunked(source)

    package_recording(source, tmp_path / "whole", method=Method(copy=False))
    sounds = [sorted((folder / "audio/und").glob("*")) for folder in (out, tmp_path / "whole")]
    assert len(sounds[0]) > 3
    assert [path.read_bytes() for path in sounds[0]] == [path.read_bytes() for path in sounds[1]]
    flashes, clicks = moments_of(out / "master.m3u8")
    assert len(flashes) == 8
    assert clicks == pytest.approx(flashes, abs=0.005)


def test_chunks_share_one_init_segment_and_each_is_one_file(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=13, audio=False)

    out = chunked(source)

    for folder in (out / "video/360p", out / "video/240p"):
        names = {path.name for path in folder.iterdir()}
        assert names == {"index.m3u8", "init.mp4", "0000.m4s", "0001.m4s", "0002.m4s"}
        text = (folder / "index.m3u8").read_text(encoding="utf-8")
        assert text.count("#EXT-X-MAP") == 1
        assert "#EXT-X-DISCONTINUITY" not in text
        assert text.count("#EXT-X-BYTERANGE") == text.count("#EXTINF") == 4


def test_a_container_that_cannot_be_entered_is_encoded_in_one_piece(tmp_path: Path) -> None:
    source = make_recording(
        tmp_path / "in.avi", seconds=13, size="320x240", codec=("-c:v", "mpeg4", "-bf", "2"), audio=False
    )

    package_recording(source, tmp_path / "out", method=Method(chunk_s=4))

    settings = json.loads((tmp_path / "out/package.json").read_text(encoding="utf-8"))["settings"]
    assert settings["chunks_s"] == [0.0]


def test_damage_in_the_middle_stays_where_it_is(tmp_path: Path) -> None:
    source = make_recording(
        tmp_path / "in.ts", seconds=12, size="320x240", burn_frame_numbers=True, audio=False,
        codec=(*SMALL_H264, "-g", "50"),
    )  # fmt: skip
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 30] = bytes(len(content) // 30)
    source.write_bytes(content)

    out = chunked(source)

    numbers = numbers_in(out / "video/240p/index.m3u8")
    assert len(numbers) == pytest.approx(300, abs=1)
    assert numbers[:100] == list(range(100))
    assert numbers[-100:] == list(range(200, 300))
