"""A mask goes with what it covers while that moves, and says when it has lost it."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.screening.detail import Picture
from ingest.tracking import Follower, straightened
from tests.ingest.test_screening_pictures import SIZE, tissue, written

TEXT = "MRN 00772319"


def place_of(x: int, y: int) -> tuple[float, float, float, float]:
    return (x / SIZE[0], y / SIZE[1], 170 / SIZE[0], 30 / SIZE[1])


def shown(number: int, x: int, y: int) -> Picture:
    return written(tissue(number // 6), TEXT, (x + 4, y + 2))


def test_it_goes_along_and_covers_all_of_the_writing() -> None:
    follower = Follower(place_of(40, 60))

    for number in range(24):
        follower.look(10 + number / 6, shown(number, 40 + 14 * number, 60 + 6 * number))

    assert follower.lost_s is None
    assert [round(time_s, 3) for time_s, _place in follower.keys] == [round(10 + number / 6, 3) for number in range(24)]
    for number, (_time_s, (x, y, width, height)) in enumerate(follower.keys):
        left, top = (40 + 14 * number) / SIZE[0], (60 + 6 * number) / SIZE[1]
        assert x <= left + 3 / SIZE[0]
        assert y <= top + 3 / SIZE[1]
        assert x + width >= left + (170 - 3) / SIZE[0]
        assert y + height >= top + (30 - 3) / SIZE[1]


def test_what_is_gone_is_lost_and_the_mask_stays_where_it_was() -> None:
    follower = Follower(place_of(40, 60))

    for number in range(20):
        follower.look(number / 6, shown(number, 40, 60) if number < 8 else tissue(40 + number))

    assert follower.lost_s == pytest.approx(7 / 6, abs=0.2)
    assert follower.keys[-1][1][0] == pytest.approx(40 / SIZE[0], abs=0.02)


def test_a_place_without_detail_is_not_guessed() -> None:
    follower = Follower(place_of(40, 60))

    follower.look(1.0, np.full((SIZE[1], SIZE[0]), 90, np.uint8))

    assert follower.lost_s == 1.0


def test_a_straight_way_needs_two_keys_and_a_corner_a_third() -> None:
    straight = [(number / 6, (0.1 + number / 100, 0.2, 0.1, 0.1)) for number in range(12)]
    corner = [*straight, *((2 + number / 6, (0.21 - number / 100, 0.2, 0.1, 0.1)) for number in range(6))]

    assert len(straightened(straight)) == 2
    assert len(straightened(corner)) in {3, 4}
