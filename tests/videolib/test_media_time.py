"""Media times: no frame is lost between its number, its time and any text or float in between."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videolib.catalogue.media_time import (
    decimal_text,
    exact_clock,
    frame_at,
    frame_start,
    parse_clock,
    to_seconds,
    to_ticks,
)

NTSC = Fraction(30_000, 1001)
RATES = [NTSC, Fraction(24_000, 1001), Fraction(60_000, 1001), Fraction(25), Fraction(15), Fraction(2997, 100)]
FRAMES = st.integers(0, 3_000_000)
ANY_RATE = st.builds(Fraction, st.integers(1, 240_000), st.integers(1000, 1001))


@given(FRAMES)
def test_every_frame_of_29_97_has_a_whole_number_of_ticks(frame: int) -> None:
    assert frame_start(frame, NTSC) == Fraction(frame * 1001, 30_000) * 705_600_000


@given(FRAMES, st.one_of(st.sampled_from(RATES), ANY_RATE))
def test_a_frame_comes_back_from_its_time(frame: int, rate: Fraction) -> None:
    ticks = frame_start(frame, rate) if frame / rate < 1_000_000 else 0

    assert frame_at(ticks, rate) == (frame if ticks or not frame else 0)


@given(FRAMES, st.sampled_from(RATES))
def test_a_frame_comes_back_from_every_form_in_which_its_time_travels(frame: int, rate: Fraction) -> None:
    ticks = frame_start(frame, rate)

    assert to_ticks(to_seconds(ticks)) == ticks
    assert parse_clock(decimal_text(ticks)) == ticks
    assert parse_clock(exact_clock(ticks)) == ticks


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("75.5", 75.5), ("1:15.5", 75.5), ("0:01:15.5", 75.5), ("90:00", 5400), (" 2 ", 2), ("1:00:00", 3600)],
)
def test_times_are_written_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_clock(text) == to_ticks(seconds)


@pytest.mark.parametrize("text", ["", "x", "-1", "1:60", "1:60:00", "1:2:3:4", "1e3", "nan", "99999999"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time"):
        parse_clock(text)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -0.001, 1e9])
def test_no_odd_float_becomes_a_time(seconds: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        to_ticks(seconds)


def test_clocks_look_like_clocks() -> None:
    assert [exact_clock(to_ticks(second)) for second in (0, 65.25, 3723)] == ["0:00", "1:05.25", "1:02:03"]
