"""Narration is heard at -23 LUFS, room sound as it was and only when asked for, a voice on one side on both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ingest.inspect import inspect
from ingest.pipeline import package_recording
from ingest.plan import plan
from ingest.roles import role_of
from tests.samples import make_recording, moments_of, run_tool


def packaged(source: Path, out: Path) -> tuple[list[dict[str, Any]], str]:
    """Return what package.json says of the sound, and the multivariant playlist."""
    package_recording(source, out)
    said: list[dict[str, Any]] = json.loads((out / "package.json").read_text(encoding="utf-8"))["sound"]
    return said, (out / "master.m3u8").read_text(encoding="utf-8")


def loudness_of(playlist: Path) -> float:
    """Measure what comes out by a filter of its own."""
    told = run_tool(
        *("-i", playlist, "-map", "0:a:0", "-af", "ebur128=metadata=1,ametadata=mode=print:key=lavfi.r128.I:file=-"),
        *("-f", "null", "-"),
    )
    return float(told.decode().rpartition("=")[2])


def with_sound(path: Path, *sounds: str, extra: tuple[str, ...] = ()) -> Path:
    """Make a short recording with sound tracks of lavfi's `aevalsrc` expressions."""
    picture = make_recording(path.with_name("picture.mp4"), seconds=4, size="64x64", fps=5, audio=False)
    inputs = [part for sound in sounds for part in ("-f", "lavfi", "-i", f"aevalsrc={sound}:s=48000:d=4")]
    maps = [part for number in range(len(sounds) + 1) for part in ("-map", str(number))]
    run_tool("-i", picture, *inputs, *maps, "-c:v", "copy", "-c:a", "pcm_s16le", *extra, path)
    return path


@pytest.mark.parametrize("level", [0.004, 0.05, 0.9])
def test_narration_is_brought_to_23_below_by_one_gain(level: float, tmp_path: Path) -> None:
    source = with_sound(tmp_path / "in.mov", f"{level}*sin(2*PI*300*t)")

    ((said,), _) = packaged(source, tmp_path / "out")

    assert said["method"] == "linear"
    assert said["loudness_lufs"] + said["gain_db"] == pytest.approx(-23, abs=0.01)
    assert loudness_of(tmp_path / "out" / "audio" / "und" / "index.m3u8") == pytest.approx(-23, abs=0.5)


def test_peaks_that_the_gain_would_lift_too_high_are_limited_and_stay_in_time(tmp_path: Path) -> None:
    # a quiet voice and a loud click at every second
    click = "if(lt(mod(t,1),0.002)*gte(t,0.9),0.9*sin(2*PI*1000*t),0.004*sin(2*PI*300*t))"
    source = with_sound(tmp_path / "in.mov", f"'{click}'")

    ((said,), _) = packaged(source, tmp_path / "out")

    assert said["method"] == "limited"
    _, clicks = moments_of(tmp_path / "out" / "master.m3u8")
    assert clicks[:3] == pytest.approx([1.0, 2.0, 3.0], abs=0.005)


def test_room_sound_is_left_alone_and_off_until_chosen(tmp_path: Path) -> None:
    room = ("-metadata:s:a:0", "title=Room microphone", "-metadata:s:a:0", "language=eng")
    source = with_sound(tmp_path / "in.mkv", "0.02*sin(2*PI*300*t)", extra=room)

    said, master = packaged(source, tmp_path / "out")

    assert [(one["name"], one["role"], one["gain_db"]) for one in said] == [
        ("zxx", "silence", 0),
        ("en-room", "room", 0),
    ]
    lines = re.findall(r"#EXT-X-MEDIA:TYPE=AUDIO.*", master)
    assert ["DEFAULT=YES" in line for line in lines] == [True, False]
    assert "AUTOSELECT=NO" in lines[1]
    assert loudness_of(tmp_path / "out" / "audio" / "zxx" / "index.m3u8") == -70
    assert loudness_of(tmp_path / "out" / "audio" / "en-room" / "index.m3u8") > -45


def test_narration_comes_before_room_sound_of_the_same_language(tmp_path: Path) -> None:
    titles = ("-metadata:s:a:0", "title=现场声", "-metadata:s:a:1", "title=解说")
    languages = ("-metadata:s:a:0", "language=chi", "-metadata:s:a:1", "language=chi")
    source = with_sound(
        tmp_path / "in.mkv", "0.1*sin(2*PI*300*t)|0.1*sin(2*PI*300*t)", "0.1*sin(2*PI*900*t)", extra=titles + languages
    )

    made = plan(inspect(source)).audio

    assert [(track.name, track.language, track.role, track.stream_index) for track in made] == [
        ("zh", "zh", "narration", 2),
        ("zh-room", "zh", "room", 1),
    ]


def test_two_mono_tracks_become_the_two_sides_of_one(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "in.mov", "0.2*sin(2*PI*300*t)", "0.05*sin(2*PI*900*t)")

    said, master = packaged(source, tmp_path / "out")

    assert len(said) == 1
    assert master.count("TYPE=AUDIO") == 1
    sides = [volume_of(tmp_path / "out" / "audio" / "und" / "index.m3u8", side) for side in (0, 1)]
    assert sides[0] - sides[1] == pytest.approx(12.04, abs=0.7)


def test_three_mono_tracks_are_no_stereo(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "in.mov", *(f"0.1*sin(2*PI*{hertz}*t)" for hertz in (300, 600, 900)))

    assert [(one.channels, one.pair_index) for one in inspect(source).audio] == [(1, None)] * 3


@pytest.mark.parametrize("side", [0, 1])
def test_a_voice_on_one_side_alone_is_heard_on_both(side: int, tmp_path: Path) -> None:
    voice = ["0", "0"]
    voice[side] = "0.1*sin(2*PI*300*t)"
    source = with_sound(tmp_path / "in.mov", "|".join(voice))

    ((said,), _) = packaged(source, tmp_path / "out")

    made = tmp_path / "out" / "audio" / "und" / "index.m3u8"
    assert said["joined"] == ("left", "right")[side]
    assert volume_of(made, 0) == pytest.approx(volume_of(made, 1), abs=0.1)
    assert loudness_of(made) == pytest.approx(-23, abs=0.5)


def test_silence_stays_silence(tmp_path: Path) -> None:
    source = with_sound(tmp_path / "in.mov", "0")

    ((said,), _) = packaged(source, tmp_path / "out")

    assert (said["method"], said["gain_db"], said["why"]) == ("none", 0, "It is silent.")


def test_what_a_track_is_for_is_told_by_its_title_handler_or_disposition() -> None:
    assert role_of({}, {}) == "narration"
    assert role_of({"title": "OR ambience"}, {}) == "room"
    assert role_of({"handler_name": "手术室 现场声"}, {}) == "room"
    assert role_of({"title": "Live commentary"}, {}) == "narration"
    assert role_of({"title": "Room"}, {"comment": 1}) == "narration"
    assert role_of({"handler_name": "SoundHandler"}, {}) == "narration"
    assert role_of({}, {"clean_effects": 1}) == "room"


def volume_of(playlist: Path, side: int) -> float:
    """Return the mean level of one channel, in dB."""
    told = run_tool(
        *("-i", playlist, "-map", "0:a:0", "-af"),
        f"pan=mono|c0=c{side},astats=metadata=1:reset=0,ametadata=mode=print:key=lavfi.astats.Overall.RMS_level:file=-",
        *("-f", "null", "-"),
    )
    return float(told.decode().rpartition("=")[2])
