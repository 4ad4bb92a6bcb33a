"""When DICOM frames are shown: which tag is believed, and what a constant rate makes of it."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from ingest.dicom_time import lay_on_grid, lay_together, read_timeline, trimmed


def header(**tags: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


def test_the_recommended_rate_is_believed_first():
    timeline = read_timeline(header(RecommendedDisplayFrameRate="15", FrameTime="33.3", CineRate="25"), 10)

    assert timeline.fps == 15
    assert timeline.source == "RecommendedDisplayFrameRate"


def test_the_frame_time_is_believed_before_the_cine_rate():
    timeline = read_timeline(header(FrameIncrementPointer=0x00181063, FrameTime="40", CineRate="30"), 10)

    assert timeline.fps == 25
    assert timeline.source == "FrameTime"


def test_a_rounded_frame_time_becomes_the_rate_that_was_meant():
    assert read_timeline(header(FrameTime="33.333"), 30).fps == 30
    assert read_timeline(header(FrameTime="33.3667"), 300).fps == Fraction(30000, 1001)


def test_a_frame_time_of_33_stays_33_since_a_long_run_would_drift():
    timeline = read_timeline(header(FrameTime="33"), 96)

    assert timeline.fps == Fraction(1000, 33)
    assert timeline.starts_ms[95] == 95 * 33


def test_the_pointer_decides_between_vector_and_frame_time():
    both = {"FrameTime": "40", "FrameTimeVector": ["0", "100", "300"]}

    assert read_timeline(header(FrameIncrementPointer=0x00181065, **both), 3).source == "FrameTimeVector"
    assert read_timeline(header(FrameIncrementPointer=0x00181063, **both), 3).source == "FrameTime"


def test_the_vector_gives_each_frame_its_moment_and_the_first_element_is_zero():
    vector = ["0", "250", "250", "1000", "1000"]

    timeline = read_timeline(header(FrameIncrementPointer=0x00181065, FrameTimeVector=vector), 5)

    assert [int(start) for start in timeline.starts_ms] == [0, 250, 500, 1500, 2500]
    assert timeline.fps is None


def test_a_vector_without_its_zero_or_too_short_is_still_of_use():
    without_zero = read_timeline(header(FrameTimeVector=["100", "100", "400"]), 4)
    too_short = read_timeline(header(FrameTimeVector=["0", "100", "300"]), 5)

    assert [int(start) for start in without_zero.starts_ms] == [0, 100, 200, 600]
    assert [int(start) for start in too_short.starts_ms] == [0, 100, 400, 700, 1000]
    assert too_short.guesses


def test_a_vector_of_equal_steps_is_a_constant_rate():
    timeline = read_timeline(header(FrameTimeVector=["0", *["66.667"] * 29]), 30)

    assert timeline.fps == 15


def test_an_enhanced_file_is_timed_by_its_frames():
    items = []
    for second in ("10.000000", "10.500000", "12.000000"):
        content = header(FrameReferenceDateTime=f"202001011200{second}+0800")
        items.append(header(FrameContentSequence=[content]))

    timeline = read_timeline(header(PerFrameFunctionalGroupsSequence=items), 3)

    assert [float(start) for start in timeline.starts_ms] == [0, 500, 2000]
    assert timeline.source == "FrameReferenceDateTime"


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"FrameTime": "0"},
        {"FrameTime": "-40", "CineRate": "0"},
        {"FrameTimeVector": ["0", "-5", "7"]},
        {"FrameTimeVector": ["0", "0", "0"]},
        {"FrameTime": "nan"},
        {"RecommendedDisplayFrameRate": "100000"},
    ],
)
def test_without_a_usable_tag_the_rate_is_an_assumption_that_is_told(tags):
    timeline = read_timeline(header(**tags), 3)

    assert timeline.source == "assumed"
    assert "15" in timeline.guesses[0]


def test_a_constant_run_keeps_its_own_rate_and_every_frame_once():
    grid = lay_on_grid(read_timeline(header(FrameTime="33"), 5))

    assert (grid.fps, grid.repeats) == (Fraction(1000, 33), (1, 1, 1, 1, 1))


def test_a_frame_every_four_seconds_is_repeated_to_one_a_second():
    grid = lay_on_grid(read_timeline(header(FrameTime="4000"), 3))

    assert (int(grid.fps), grid.repeats) == (1, (4, 4, 4))


def test_a_varying_run_is_exact_where_a_rate_divides_its_steps():
    grid = lay_on_grid(read_timeline(header(FrameTimeVector=["0", "250", "500", "1000"]), 4))

    assert (int(grid.fps), grid.repeats) == (4, (1, 2, 4, 4))


@settings(deadline=None)  # exact fractions take their time on a busy machine
@given(st.lists(st.integers(min_value=5, max_value=3000), min_size=2, max_size=60))
def test_every_frame_of_any_vector_is_kept_in_order_near_its_moment(steps):
    grid = lay_on_grid(read_timeline(header(FrameTimeVector=["0", *map(str, steps)]), len(steps) + 1))

    shown_at = [float(slot / grid.fps * 1000) for slot in accumulate(grid.repeats, initial=0)]
    assert min(grid.repeats) >= 1
    assert len(grid.repeats) == len(steps) + 1
    if min(steps) >= 17:
        wanted = list(accumulate(steps, initial=0))
        assert all(abs(got - want) < 8.5 for got, want in zip(shown_at, wanted, strict=False)) or grid.fps < 60
        assert all(abs(got - want) <= min(steps) / 2 for got, want in zip(shown_at, wanted, strict=False))


def test_times_that_a_clock_rounded_to_milliseconds_are_the_constant_rate_that_was_meant():
    steps = ["67", "66", "67"] * 20

    timeline = read_timeline(header(FrameIncrementPointer=0x00181065, FrameTimeVector=["0", *steps]), 61)

    assert timeline.fps == 15


def test_runs_of_different_rates_meet_on_one_that_both_divide():
    quick, slow = (read_timeline(header(FrameTime=time), frames) for time, frames in (("66.6667", 30), ("100", 20)))

    first, second = lay_together([quick, slow])

    assert first.fps == second.fps == 30
    assert (set(first.repeats), set(second.repeats)) == ({2}, {3})


def test_what_is_trimmed_takes_its_times_along():
    vector = ["0", "250", "250", "1000", "1000"]
    timeline = read_timeline(header(FrameIncrementPointer=0x00181065, FrameTimeVector=vector), 5)

    shown = trimmed(timeline, 1, 3)

    assert [int(start) for start in shown.starts_ms] == [0, 250, 1250]
    assert int(shown.end_ms) == 2250
