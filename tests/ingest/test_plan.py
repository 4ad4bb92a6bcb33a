"""What is planned for a recording: pure, so every case costs microseconds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.ladder import LADDER, MAX_SIDE_PX, Rung
from ingest.inspection import AudioStream, Inspection, VideoStream
from ingest.plan import EncodePlan, capped_fps, plan
from ingest.timing import time_filters

VIDEO = VideoStream(
    index=0,
    codec="h264",
    profile="High",
    width=1280,
    height=720,
    sar=Fraction(1),
    display_width=1280,
    display_height=720,
    fps=Fraction(25),
    is_vfr=False,
    interlaced=False,
    rotation=0,
    mirrored=False,
    pix_fmt="yuv420p",
    bit_depth=8,
    full_range=False,
    transfer="bt709",
    hdr=None,
    start_s=0.0,
    duration_s=10.0,
    frames=250,
    matrix="bt709",
)
SOUND = AudioStream(index=1, codec="aac", channels=2, sample_rate=48000, language="zh", start_s=0.0)


def inspected(
    *, audio: tuple[AudioStream, ...] = (SOUND,), container: str = "mov", clock_start_s: float = 0.0, **video: Any
) -> Inspection:
    """A 720p25 recording of ten seconds with one sound track, with changes of its video."""
    stream = replace(VIDEO, **video)
    return Inspection(container, stream, audio, (), stream.duration_s, 1_000_000, clock_start_s=clock_start_s)


def sized(width: int, height: int) -> Inspection:
    return inspected(width=width, height=height, display_width=width, display_height=height)


def sizes(made: EncodePlan) -> list[tuple[str, int, int]]:
    return [(rendition.name, rendition.width, rendition.height) for rendition in made.renditions]


def filter_text(made: EncodePlan) -> str:
    return ",".join(
        f"{step.name}=" + ":".join(f"{key}={value}" for key, value in step.options)
        for step in (*made.filters, *time_filters(made, made.spans[0]))
    )


def test_a_720p_recording_gets_its_own_size_and_all_rungs_below() -> None:
    made = plan(inspected())

    assert sizes(made) == [("720p", 1280, 720), ("480p", 854, 480), ("360p", 640, 360), ("240p", 426, 240)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((320, 180), ["180p"]),
        ((640, 360), ["360p", "240p"]),
        ((640, 512), ["512p", "360p", "240p"]),
        ((768, 576), ["576p", "360p", "240p"]),
        ((1280, 960), ["960p", "720p", "480p", "360p", "240p"]),
        ((3840, 2160), ["2160p", "1440p", "1080p", "720p", "480p", "360p", "240p"]),
        ((720, 1280), ["1280p", "854p", "640p", "426p"]),
    ],
)
def test_rungs_too_near_to_the_own_size_are_left_out(size: tuple[int, int], expected: list[str]) -> None:
    assert [rendition.name for rendition in plan(sized(*size)).renditions] == expected


@given(width=st.integers(16, 8192), height=st.integers(16, 8192))
def test_no_size_is_ever_odd_or_larger_than_the_recording(width: int, height: int) -> None:
    made = plan(sized(width, height)).renditions

    for rendition in made:
        assert rendition.width % 2 == 0
        assert rendition.height % 2 == 0
        assert rendition.width <= width + width % 2
        assert rendition.height <= height + height % 2
        assert max(rendition.width, rendition.height) <= MAX_SIDE_PX
    areas = [rendition.width * rendition.height for rendition in made]
    assert areas == sorted(areas, reverse=True)
    assert len({rendition.name for rendition in made}) == len(made)


@given(width=st.integers(240, 4096), height=st.integers(240, 2160))
def test_no_rendition_is_stretched_by_more_than_the_pixel_that_evens_it(width: int, height: int) -> None:
    for rendition in plan(sized(width, height)).renditions:
        exact_width = rendition.height * (width + width % 2) / (height + height % 2)
        # a size is rounded to two pixels in each direction
        assert abs(rendition.width - exact_width) <= 1 + exact_width / rendition.height


def test_a_ladder_of_the_operators_own_is_followed() -> None:
    ladder = [Rung("600p", 600, 1500, 20), Rung("300p", 300, 500, 21)]

    made = plan(inspected(), ladder)

    assert [(one.name, one.cap_kbps, one.crf) for one in made.renditions] == [
        ("600p", 1500, 20),
        ("300p", 500, 21),
    ]


def test_the_ladder_ascends_and_no_step_is_nearer_than_the_rule_allows() -> None:
    heights = [rung.height for rung in LADDER]

    assert heights == sorted(heights)
    assert all(small <= 0.75 * large for small, large in pairwise(heights))
    assert [rung.cap_kbps for rung in LADDER] == sorted(rung.cap_kbps for rung in LADDER)


def test_an_odd_size_gains_a_row_and_a_column_and_is_not_scaled() -> None:
    made = plan(sized(161, 121))

    assert sizes(made) == [("122p", 162, 122)]
    assert "pad=w=162:h=122:x=0:y=0" in filter_text(made)
    assert "scale=" not in filter_text(made)


def test_wide_pixels_become_square_by_scaling_to_the_shown_size() -> None:
    made = plan(inspected(width=720, height=576, sar=Fraction(16, 15), display_width=768, display_height=576))

    assert sizes(made)[0] == ("576p", 768, 576)
    assert "scale=w=768:h=576" in filter_text(made)
    assert "setsar=sar=1" in filter_text(made)


def test_a_shown_width_that_is_odd_is_padded_after_scaling() -> None:
    made = plan(inspected(width=800, height=640, display_width=1137, display_height=640))

    assert "scale=w=1137:h=640" in filter_text(made)
    assert "pad=w=1138:h=640" in filter_text(made)


def test_a_recording_turned_by_ninety_degrees_is_not_scaled_after_ffmpeg_has_turned_it() -> None:
    made = plan(inspected(rotation=90, display_width=720, display_height=1280))

    assert sizes(made)[0] == ("1280p", 720, 1280)
    assert "scale=" not in filter_text(made)


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        ("25", "25"),
        ("30000/1001", "30000/1001"),
        ("1", "1"),
        ("60", "60"),
        ("120", "60"),
        ("100", "50"),
        ("120000/1001", "60000/1001"),
        ("240", "60"),
        ("61", "60"),
        ("72", "60"),
    ],
)
def test_the_rate_is_kept_up_to_sixty(fps: str, expected: str) -> None:
    assert capped_fps(Fraction(fps)) == Fraction(expected)


def test_interlaced_pictures_become_one_progressive_picture_for_every_two_fields() -> None:
    made = plan(inspected(interlaced=True))

    assert made.filters[0].name == "bwdif"
    assert ("mode", "send_frame") in made.filters[0].options
    assert made.fps == 25


def test_a_constant_rate_is_laid_on_an_exact_grid() -> None:
    made = plan(inspected(fps=Fraction(30000, 1001)))

    assert filter_text(made).endswith("fps=fps=30000/1001:start_time=0")
    assert not made.own_clock


def test_a_variable_rate_keeps_its_timestamps_and_has_no_b_frames() -> None:
    made = plan(inspected(is_vfr=True, fps=Fraction(30)))

    assert made.own_clock
    assert made.b_frames == 0
    assert "fps=" not in filter_text(made)


def test_a_variable_rate_above_sixty_loses_the_pictures_between() -> None:
    made = plan(inspected(is_vfr=True, fps=Fraction(120)))

    assert "select=" in filter_text(made)


def test_a_picture_a_second_has_no_b_frames_that_would_delay_it_by_seconds() -> None:
    assert plan(inspected(fps=Fraction(1))).b_frames == 0


@pytest.mark.parametrize("kind", ["pq", "hlg"])
def test_hdr_is_tone_mapped_to_bt709(kind: str) -> None:
    made = filter_text(plan(inspected(hdr=kind, pix_fmt="yuv420p10le", bit_depth=10)))

    assert "tonemap=tonemap=hable" in made
    assert "zscale=t=709:m=709:r=limited" in made


def test_hdr_without_the_filters_for_it_is_kept_and_says_so() -> None:
    made = plan(inspected(hdr="pq", pix_fmt="yuv420p10le"), can_tone_map=False)

    assert "tonemap" not in filter_text(made)
    assert any("HDR" in warning for warning in made.warnings)


def test_every_recording_ends_in_eight_bits_of_420() -> None:
    for pix_fmt in ("yuv422p10le", "yuvj444p", "gbrp", "gray16le", "yuv420p"):
        made = plan(inspected(pix_fmt=pix_fmt, full_range=pix_fmt == "yuvj444p"))

        assert "format=pix_fmts=yuv420p" in filter_text(made)


def test_full_range_becomes_limited() -> None:
    assert "out_range=limited" in filter_text(plan(inspected(full_range=True, pix_fmt="yuvj420p")))


@pytest.mark.parametrize("pix_fmt", ["gray", "gbrp", "rgb24"])
def test_grey_and_rgb_become_bt709_and_say_so(pix_fmt: str) -> None:
    made = filter_text(plan(inspected(pix_fmt=pix_fmt, full_range=True, transfer=None, matrix=None)))

    assert "out_color_matrix=bt709" in made
    assert "colorspace=bt709" in made


def test_colours_that_a_recording_does_not_name_are_named_once_for_all_renditions() -> None:
    small = inspected(width=640, height=480, display_width=640, display_height=480, transfer=None, matrix=None)

    assert "colorspace=smpte170m" in filter_text(plan(small))
    assert "colorspace=bt709" in filter_text(plan(inspected(transfer=None, matrix=None)))
    assert "setparams" not in filter_text(plan(inspected()))


def test_pictures_that_start_late_in_the_file_start_at_zero() -> None:
    made = plan(inspected(start_s=10.0, audio=(), clock_start_s=4.0))

    # ffmpeg has taken the four seconds off by itself
    assert "setpts=expr=round(PTS-6.000000/TB)" in filter_text(made)
    assert made.duration_s == 10.0


def test_a_format_whose_clock_jumps_counts_only_the_streams_in_use() -> None:
    made = plan(inspected(start_s=10.0, audio=(), clock_start_s=4.0, container="mpegts"))

    assert "setpts" not in filter_text(made)


def test_sound_before_the_pictures_is_kept_in_whole_pictures() -> None:
    early = replace(SOUND, start_s=0.0)

    made = plan(inspected(start_s=1.01, audio=(early,)))

    assert made.lead_s == 1.0
    assert made.duration_s == 11.0
    assert "setpts=expr=round(PTS-0.010000/TB)" in filter_text(made)
    assert ("expr", "round(PTS-0.010000/TB)") in made.audio[0].filters[0].options


def test_sound_earlier_than_the_recording_is_long_is_a_broken_clock() -> None:
    made = plan(inspected(start_s=5000.0, audio=(replace(SOUND, start_s=0.0),)))

    assert made.lead_s == 0.0
    assert made.duration_s == 10.0


def test_sound_becomes_stereo_at_48_khz_of_the_length_of_the_pictures() -> None:
    (track,) = plan(inspected()).audio
    options = {f"{step.name}.{key}": value for step in track.filters for key, value in step.options}

    assert options["aresample.osr"] == "48000"
    assert options["aformat.channel_layouts"] == "stereo"
    assert options["apad.whole_dur"] == options["atrim.end"] == "10.000000"


def test_each_language_is_one_track_and_unnamed_ones_are_all_kept() -> None:
    tracks = tuple(
        replace(SOUND, index=index, language=language)
        for index, language in enumerate(["zh", "und", "en", "zh", "und"], start=1)
    )

    made = plan(inspected(audio=tracks))

    assert [(track.name, track.language, track.stream_index) for track in made.audio] == [
        ("zh", "zh", 1),
        ("und", "und", 2),
        ("en", "en", 3),
        ("und-2", "und", 5),
    ]


def test_a_file_of_hundreds_of_tracks_gets_eight_and_a_warning() -> None:
    tracks = tuple(replace(SOUND, index=index, language="und") for index in range(1, 201))

    made = plan(inspected(audio=tracks))

    assert len(made.audio) == 8
    assert any("200 sound tracks" in warning for warning in made.warnings)


def test_a_language_can_not_name_another_folder() -> None:
    made = plan(inspected(audio=(replace(SOUND, language="../../etc"),)))

    assert made.audio[0].name == "etc"


@pytest.mark.parametrize(("duration_s", "interval_s"), [(0.04, 2), (10, 2), (400, 2), (401, 4), (36_000, 180)])
def test_a_storyboard_never_has_more_than_two_hundred_tiles(duration_s: float, interval_s: int) -> None:
    made = plan(inspected(duration_s=duration_s)).storyboard

    assert made.interval_s == interval_s
    assert duration_s / made.interval_s <= 200


def test_storyboard_tiles_have_the_shape_of_the_picture() -> None:
    landscape, portrait = plan(inspected()).storyboard, plan(sized(720, 1280)).storyboard

    assert (landscape.tile_width, landscape.tile_height) == (160, 90)
    assert (portrait.tile_width, portrait.tile_height) == (90, 160)


def test_the_poster_is_wanted_near_a_tenth() -> None:
    assert plan(inspected()).poster_s == pytest.approx(1.0)
