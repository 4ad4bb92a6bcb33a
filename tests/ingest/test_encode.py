"""What comes out of the encoder: the same key frames in all renditions, times kept, pictures as they were shown."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ingest import cmaf
from ingest.encode import Encoded, encode
from ingest.errors import Cancelled
from ingest.inspect import inspect
from ingest.package import measure
from ingest.plan import EncodePlan, plan
from tests.samples import make_recording, moments_of, numbers_in, pictures_of, probe, run_tool

VFR_TIMES = "if(lt(N,20),N/25,0.8+(N-20)/7)"


def encoded(source: Path, folder: Path) -> tuple[EncodePlan, Encoded]:
    folder.mkdir()
    made = plan(inspect(source))
    return made, encode(source, made, folder)


def fragments_of(path: Path) -> tuple[cmaf.Header, list[cmaf.Fragment]]:
    measured = measure(path)
    assert measured is not None
    return measured.header, list(measured.fragments)


def key_times_s(path: Path) -> list[float]:
    header, fragments = fragments_of(path)
    return [round(key / header.timescale, 4) for fragment in fragments for key in fragment.keys]


def picture_times_s(path: Path) -> list[float]:
    frames = probe(path, "packet=pts_time", stream="v")["packets"]
    return sorted(float(frame["pts_time"]) for frame in frames)


@pytest.mark.parametrize("fps", ["25", "30000/1001", "24", "1", "12.5"])
def test_key_frames_stand_on_the_two_second_grid_in_all_renditions(fps: str, tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=9, size="640x480", fps=fps, audio=False)

    _, made = encoded(source, tmp_path / "out")

    times = [key_times_s(path) for path in made.video]
    assert len(times) == 3
    assert times[0] == times[1] == times[2]
    assert times[0][0] == 0
    picture_s = 1 / inspect(source).video.fps
    assert all(line <= time < line + picture_s + 0.001 for time, line in zip(times[0], (0, 2, 4, 6, 8), strict=True))


def test_no_picture_is_lost_or_doubled(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=5, burn_frame_numbers=True)

    _, made = encoded(source, tmp_path / "out")

    for path in made.video:
        assert numbers_in(path) == list(range(125))


def test_a_variable_rate_keeps_every_timestamp(tmp_path: Path) -> None:
    source = make_recording(
        tmp_path / "in.mkv",
        seconds=4,
        filters=f"setpts='({VFR_TIMES})/TB'",
        burn_frame_numbers=True,
        extra=("-fps_mode", "passthrough", "-enc_time_base", "1:1000"),
        audio=False,
    )
    assert inspect(source).video.is_vfr

    made_plan, made = encoded(source, tmp_path / "out")

    assert made_plan.own_clock
    assert numbers_in(made.video[0]) == numbers_in(source)
    for path in made.video:
        assert picture_times_s(path) == pytest.approx(picture_times_s(source), abs=0.0006)
        cells = [int(time // 2) for time in key_times_s(path)]
        assert cells == sorted(set(cells))


def test_a_recording_that_stands_still_has_one_key_frame_after_the_pause(tmp_path: Path) -> None:
    paused = "if(lt(N,25),N/25,9+(N-25)/25)"
    source = make_recording(
        tmp_path / "in.mkv",
        seconds=3,
        filters=f"setpts='({paused})/TB'",
        extra=("-fps_mode", "passthrough", "-enc_time_base", "1:1000"),
        audio=False,
    )

    _, made = encoded(source, tmp_path / "out")

    assert key_times_s(made.video[0]) == pytest.approx([0.0, 9.0, 10.0], abs=0.001)


def test_times_are_counted_from_zero_without_a_gap(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.ts", seconds=5)
    assert inspect(source).video.start_s > 1

    _, made = encoded(source, tmp_path / "out")

    for path in (*made.video, *made.audio):
        header, fragments = fragments_of(path)
        assert fragments[0].start == 0
        assert all(earlier.end == later.start for earlier, later in pairwise(fragments))
        assert fragments[-1].end / header.timescale == pytest.approx(5.0, abs=0.001)
        assert float(probe(path, "format=start_time")["format"]["start_time"]) == 0


def test_interlaced_pictures_come_out_progressive_at_the_rate_of_whole_pictures(tmp_path: Path) -> None:
    source = make_recording(
        tmp_path / "in.mpg",
        seconds=2,
        size="720x576",
        fps=50,
        filters="interlace",
        codec=("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-b:v", "6M", "-c:a", "mp2"),
    )
    assert inspect(source).video.interlaced

    made_plan, made = encoded(source, tmp_path / "out")

    assert made_plan.fps == 25
    stream = probe(made.video[0], "stream=field_order,avg_frame_rate", stream="v")["streams"][0]
    assert stream == {"field_order": "progressive", "avg_frame_rate": "25/1"}


def test_a_turned_and_mirrored_recording_is_shown_upright(tmp_path: Path) -> None:
    # a bright field at the top left, turned a quarter clockwise by the player: it is seen at the top right
    corner = "drawbox=w=80:h=60:c=white:t=fill"
    plain = make_recording(
        tmp_path / "plain.mp4", seconds=1, size="320x240", pattern="color=black", filters=corner, audio=False
    )
    turned, mirrored = tmp_path / "turned.mp4", tmp_path / "mirrored.mp4"
    run_tool("-display_rotation", "-90", "-i", plain, "-c", "copy", turned)
    run_tool("-display_hflip", "-i", plain, "-c", "copy", mirrored)

    _, upright = encoded(turned, tmp_path / "a")
    _, flipped = encoded(mirrored, tmp_path / "b")

    seen = pictures_of(upright.video[0], width=12, height=16)[0]
    assert seen[1, 10] > 200
    assert seen[1, 1] < 50
    assert seen[14, 1] < 50
    seen = pictures_of(flipped.video[0], width=16, height=12)[0]
    assert seen[1, 14] > 200
    assert seen[1, 1] < 50


def test_ten_bit_422_becomes_eight_bit_420_in_high_profile(tmp_path: Path) -> None:
    codec = ("-c:v", "prores_ks", "-profile:v", "2", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s24le")
    source = make_recording(tmp_path / "in.mov", seconds=1, codec=codec)

    _, made = encoded(source, tmp_path / "out")

    stream = probe(made.video[0], "stream=pix_fmt,profile", stream="v")["streams"][0]
    assert stream == {"pix_fmt": "yuv420p", "profile": "High"}


def test_full_range_black_and_white_become_limited(tmp_path: Path) -> None:
    halves = "drawbox=w=160:t=fill:c=white,scale=out_range=full,format=yuvj420p"
    codec = ("-c:v", "mjpeg", "-q:v", "2")
    source = make_recording(
        tmp_path / "in.avi", seconds=1, size="320x240", pattern="color=black", filters=halves, codec=codec, audio=False
    )
    assert inspect(source).video.full_range

    _, made = encoded(source, tmp_path / "out")

    assert probe(made.video[0], "stream=color_range", stream="v")["streams"][0]["color_range"] == "tv"
    luma = run_tool("-i", made.video[0], "-frames:v", "1", "-vf", "extractplanes=y", "-f", "rawvideo", "-")
    assert min(luma) == pytest.approx(16, abs=2)
    assert max(luma) == pytest.approx(235, abs=2)


def test_nothing_of_the_recordings_tags_or_chapters_is_in_the_files(tmp_path: Path) -> None:
    source = make_recording(
        tmp_path / "in.mp4", seconds=2, extra=("-metadata", "title=ZHANG SAN 1961", "-metadata", "comment=ZHANG SAN")
    )

    _, made = encoded(source, tmp_path / "out")

    for path in (*made.video, *made.audio):
        assert b"ZHANG" not in path.read_bytes()


def test_clicks_stay_where_they_were_without_an_edit_list(tmp_path: Path) -> None:
    click = "aevalsrc='if(gte(t,1)*lt(t,1.02),0.8*sin(6283*t),0)':s=44100:d=3"
    source = tmp_path / "in.mp4"
    run_tool("-f", "lavfi", "-i", "color=black:size=320x240:duration=3", "-f", "lavfi", "-i", click, source)

    _, made = encoded(source, tmp_path / "out")

    assert b"elst" not in made.audio[0].read_bytes()[:2000]
    both = tmp_path / "both.mkv"
    run_tool("-i", made.video[0], "-i", made.audio[0], "-c", "copy", both)
    assert moments_of(both)[1] == pytest.approx([1.0], abs=0.005)


def test_progress_is_told_and_a_cancel_stops_the_work(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=30, size="1280x720")
    told: list[float] = []
    (tmp_path / "out").mkdir()

    with pytest.raises(Cancelled):
        encode(source, plan(inspect(source)), tmp_path / "out", on_progress=told.append, cancelled=lambda: bool(told))

    assert told
    assert all(0 <= fraction <= 1 for fraction in told)
