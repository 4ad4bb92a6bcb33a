"""The recording's own pictures as the top rendition: only where it is true, and nothing else of the file with them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ingest.copying import reason_to_encode
from ingest.inspect import inspect
from ingest.pipeline import Method, package_recording
from ingest.plan import plan
from tests.ingest.test_plan import SOUND, inspected
from tests.samples import SMALL_H264, make_recording, numbers_in, probe, run_tool

# what a recorder's software may leave between the pictures
UUID = "086f3693-b7b3-4f2c-9653-21492feee5b8"
PLANTED = "ZHANG SAN 1961"
OPEN_GROUPS = ("-c:v", "libx264", "-preset", "superfast", "-pix_fmt", "yuv420p")
GROUPS = (*SMALL_H264, "-g", "75")


def is_copied(out: Path) -> bool:
    package = json.loads((out / "package.json").read_text(encoding="utf-8"))["package"]
    assert not any(rendition["copied"] for rendition in package["renditions"][1:])
    return bool(package["renditions"][0]["copied"])


def packet_times(path: Path, *, keys: bool = False) -> list[float]:
    packets = probe(path, "packet=pts_time,flags", stream="v:0")["packets"]
    return sorted(float(packet["pts_time"]) for packet in packets if not keys or "K" in packet["flags"])


@pytest.mark.parametrize("chunk_s", [60, 4])
def test_the_top_rendition_is_the_recordings_own_stream(chunk_s: float, tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=10, codec=GROUPS, burn_frame_numbers=True)

    report = package_recording(source, tmp_path / "out", method=Method(chunk_s=chunk_s))

    assert [one["copied"] for one in report.package["renditions"]] == [True, False]  # type: ignore[attr-defined]
    top, low = (tmp_path / "out/video" / name / "index.m3u8" for name in ("360p", "240p"))
    assert packet_times(top) == pytest.approx(packet_times(source), abs=1e-4)
    assert packet_times(low) == pytest.approx(packet_times(source), abs=1e-4)
    # the copied key frames are the cut points of all
    assert packet_times(low, keys=True) == pytest.approx(packet_times(source, keys=True), abs=1e-4)
    lines = [re.findall(r"#EXTINF:([0-9.]+)", path.read_text(encoding="utf-8")) for path in (top, low)]
    assert list(map(float, lines[0])) == pytest.approx(list(map(float, lines[1])), abs=1e-4)
    assert all(float(length_s) <= 10 for length_s in lines[0])
    assert numbers_in(top) == numbers_in(low) == list(range(250))


def test_joined_clips_with_a_jump_in_their_times_stay_together(tmp_path: Path) -> None:
    clip = make_recording(tmp_path / "clip.mp4", seconds=3, codec=GROUPS)
    source = tmp_path / "in.mp4"
    run_tool("-stream_loop", "3", "-i", clip, "-c", "copy", source)

    package_recording(source, tmp_path / "out", method=Method(chunk_s=4))

    assert is_copied(tmp_path / "out")
    for name in ("360p", "240p"):
        assert packet_times(tmp_path / "out/video" / name / "index.m3u8") == pytest.approx(
            packet_times(source), abs=1e-3
        )


def test_user_data_timecode_captions_and_tags_are_not_copied(tmp_path: Path) -> None:
    plain = make_recording(tmp_path / "plain.mp4", seconds=6, codec=GROUPS)
    source = tmp_path / "in.mov"
    run_tool(
        *("-i", plain, "-c", "copy", "-bsf:v", f"h264_metadata=sei_user_data={UUID}+{PLANTED}"),
        *("-metadata", f"title={PLANTED}", "-metadata:s:v", f"handler_name={PLANTED}"),
        *("-metadata:s:v", "reel_name=TAPE77", "-timecode", "10:11:12:13", source),
    )
    assert source.read_bytes().count(PLANTED.encode()) > 2

    package_recording(source, tmp_path / "out")

    assert is_copied(tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(word in content for word in (PLANTED.encode(), b"TAPE77", b"tmcd")), path.name
        assert path.parent.name != "360p" or b"x264" not in content


@pytest.mark.parametrize(
    ("codec", "seconds"),
    [
        ((*OPEN_GROUPS, "-x264-params", "open-gop=1:keyint=50:min-keyint=50:scenecut=0:bframes=2"), 12),
        ((*SMALL_H264, "-g", "9999", "-sc_threshold", "0"), 12),
        (("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv422p"), 3),
        (("-c:v", "mpeg4"), 3),
    ],
    ids=["open groups", "twelve seconds without a key frame", "4:2:2", "not H.264"],
)
def test_what_players_could_not_take_is_encoded(codec: Sequence[str], seconds: int, tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=seconds, codec=codec, audio=False)

    package_recording(source, tmp_path / "out")

    assert not is_copied(tmp_path / "out")
    assert len(packet_times(tmp_path / "out/video/360p/index.m3u8")) == seconds * 25


def test_damaged_pictures_are_not_copied(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=8, codec=GROUPS, audio=False)
    content = bytearray(source.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    source.write_bytes(content)

    package_recording(source, tmp_path / "out")

    assert not is_copied(tmp_path / "out")


def test_colours_that_a_recording_does_not_name_are_named_in_the_copy_too(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=3, audio=False)
    assert inspect(source).video.matrix is None

    package_recording(source, tmp_path / "out")

    assert is_copied(tmp_path / "out")
    spaces = {
        probe(tmp_path / "out/video" / name / "index.m3u8", "stream=color_space", stream="v")["streams"][0][
            "color_space"
        ]
        for name in ("360p", "240p")
    }
    assert spaces == {"smpte170m"}


@pytest.mark.parametrize(
    "video",
    [
        {"codec": "hevc"},
        {"profile": "High 10"},
        {"pix_fmt": "yuvj420p", "full_range": True},
        {"interlaced": True},
        {"rotation": 180},
        {"mirrored": True},
        {"sar": Fraction(16, 15)},
        {"fps": Fraction(120)},
        {"width": 1279, "display_width": 1279},
        {"width": 320, "height": 240, "display_width": 320, "display_height": 240},
        {"start_s": 1.0},
    ],
)
def test_a_header_that_forbids_copying_is_believed(video: dict[str, Any]) -> None:
    assert reason_to_encode(inspected_mp4(), plan(inspected_mp4())) is None
    made = inspected_mp4(**video)

    assert reason_to_encode(made, plan(made)) is not None


def test_more_bits_than_four_times_the_rungs_are_encoded() -> None:
    heavy = replace(inspected_mp4(), bytes=20_000_000)

    assert reason_to_encode(heavy, plan(heavy)) == "more bits than anybody can receive"


def inspected_mp4(**video: Any) -> Any:
    return inspected(container="mov,mp4,m4a,3gp,3g2,mj2", audio=(SOUND,), **video)
