"""Where recordings are cut: pure, so every case costs microseconds."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.ladder import SEGMENT_S
from ingest.chunks import Span, cut_at_keys, cut_evenly, first_at_keys, pictures_before, whole_at_keys

# distances of key frames as cameras write them, from every picture to every ten seconds
DISTANCES_S = st.lists(st.integers(1, 250).map(lambda pictures: pictures / 25), min_size=1, max_size=200)


def edges(spans: tuple[Span, ...]) -> list[tuple[float, float | None]]:
    return [(span.start_s, span.end_s) for span in spans]


def test_the_first_chunks_are_short_and_the_others_a_minute() -> None:
    assert edges(cut_evenly(190, 60)) == [(0, 4), (4, 12), (12, 28), (28, 60), (60, 120), (120, 180), (180, None)]


def test_no_chunk_is_shorter_than_a_segment() -> None:
    assert edges(cut_evenly(183, 60))[-1] == (120, None)
    assert edges(cut_evenly(3, 60)) == [(0, None)]


@settings(deadline=None)
@given(duration_s=st.floats(0.04, 4_000), chunk_s=st.floats(4, 3600))
def test_even_chunks_follow_each_other_on_the_grid_of_segments(duration_s: float, chunk_s: float) -> None:
    spans = cut_evenly(duration_s, chunk_s)

    assert spans[0].start_s == 0
    assert spans[-1].end_s is None
    assert all(earlier.end_s == later.start_s for earlier, later in pairwise(spans))
    assert all(span.start_s % SEGMENT_S == 0 for span in spans)
    assert [span.position for span in spans] == list(range(len(spans)))


@settings(deadline=None)
@given(distances_s=DISTANCES_S, chunk_s=st.sampled_from([4.0, 60.0, 3600.0]))
def test_chunks_at_key_frames_have_all_of_them_once(distances_s: list[float], chunk_s: float) -> None:
    keys_s = [0.0, *accumulate(distances_s[:-1])]
    end_s = sum(distances_s)

    spans = cut_at_keys(keys_s, chunk_s, end_s=end_s)

    assert spans[0].start_s == 0
    assert all(earlier.end_s == later.start_s for earlier, later in pairwise(spans))
    found = [key_s for span in spans for key_s in span.keys_s]
    assert found == sorted(set(found) & set(keys_s))
    assert all(later - earlier > 1.8 for earlier, later in pairwise(found))
    assert all(span.segments_s[0] == span.start_s == span.keys_s[0] for span in spans)
    segments = [start_s for span in spans for start_s in span.segments_s]
    assert set(segments) <= set(found)
    # a segment is no longer than one should be, unless it is one group of pictures
    for start_s, following_s in pairwise([*segments, end_s]):
        groups = sum(start_s <= key_s < following_s for key_s in found)
        assert following_s - start_s <= SEGMENT_S + 0.01 or groups == 1


@settings(deadline=None)
@given(distances_s=DISTANCES_S, known=st.integers(1, 200))
def test_what_is_cut_while_a_copy_grows_stays_as_it_is(distances_s: list[float], known: int) -> None:
    keys_s = [0.0, *accumulate(distances_s[:-1])]

    early = cut_at_keys(keys_s[:known], 8, end_s=None)

    whole = cut_at_keys(keys_s, 8, end_s=sum(distances_s))
    assert early == whole[: len(early)]


@pytest.mark.parametrize(
    ("keys_s", "end_s", "segments_s"),
    [
        ([0, 2, 4, 6, 8, 10, 12], 10, (0, 4, 8)),
        ([0, 4.1, 8.2, 11.9], 8.2, (0, 4.1)),
        ([0, 10.0004, 11], 10.0004, (0,)),
        ([picture / 25 for picture in range(290)], 10, (0, 3.84, 7.68)),
    ],
)
def test_a_beginning_that_is_copied_ends_with_a_group_of_pictures(
    keys_s: list[float], end_s: float, segments_s: tuple[float, ...]
) -> None:
    first, rest = first_at_keys(keys_s, 10)

    assert edges((first, rest)) == [(0, end_s), (end_s, None)]
    assert first.segments_s == pytest.approx(segments_s)


def test_a_camera_that_writes_only_key_frames_sets_one_every_two_seconds() -> None:
    span = whole_at_keys([picture / 25 for picture in range(250)], 10.0)

    assert span.keys_s == pytest.approx((0, 1.92, 3.84, 5.76, 7.68, 9.6))


def test_a_picture_a_millisecond_early_is_on_the_line() -> None:
    span = Span(1, 4.0, 8.0)

    assert [span.holds(time_s) for time_s in (3.998, 3.9995, 7.998, 7.9995)] == [False, True, True, False]
    assert pictures_before(4.0, Fraction(25)) == 100
    assert pictures_before(4.0, Fraction(30000, 1001)) == 120
