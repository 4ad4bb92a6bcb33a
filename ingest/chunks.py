"""Where a long recording is cut into chunks that are encoded on their own: pure, on the package's clock.

A cut is a grid line of segments or, where the top rendition is copied, one of the recording's own key frames. A picture
belongs to the chunk in which it starts; `EARLY_S` early counts as on the line, for the encoder and for all who measure.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from config.ladder import FIRST_CHUNKS_S, KEY_FRAME_S, SEGMENT_S

# containers round to milliseconds: a key frame this much early is on its line
EARLY_S = 0.001


@dataclass(frozen=True)
class Span:
    """A chunk: from `start_s` to `end_s`, of the last one None: to wherever the recording ends.

    `keys_s` are the times of all its key frames and `segments_s` those that start a segment, where a copied rendition
    sets them; both are empty where the even grid does.
    """

    position: int
    start_s: float
    end_s: float | None
    keys_s: tuple[float, ...] = ()
    segments_s: tuple[float, ...] = ()

    def holds(self, time_s: float) -> bool:
        """Whether a picture that starts then is one of this chunk's."""
        return time_s + EARLY_S >= self.start_s and (self.end_s is None or time_s + EARLY_S < self.end_s)

    def length_s(self, duration_s: float) -> float:
        """How long it is in a recording of that length, at least a second."""
        return max(1.0, (duration_s if self.end_s is None else self.end_s) - self.start_s)

    def is_key(self, time_s: float) -> bool:
        """Whether a key frame of that time is one that all renditions have."""
        at = bisect.bisect_left(self.keys_s, time_s - EARLY_S)
        return not self.keys_s or (at < len(self.keys_s) and self.keys_s[at] <= time_s + EARLY_S)

    def segment_at(self, time_s: float, segment_s: int = SEGMENT_S) -> int:
        """Return the number of the segment in which a picture of that time lies; numbers rise with time."""
        if self.segments_s:
            return bisect.bisect_right(self.segments_s, time_s + EARLY_S)
        return int((time_s + EARLY_S) // segment_s)


WHOLE = Span(0, 0.0, None)


def cut_evenly(duration_s: float, chunk_s: float) -> tuple[Span, ...]:
    """Return the chunks of a recording that is encoded whole: short ones first, so that it can be watched soon."""
    starts = [0.0]
    for length_s in _lengths(chunk_s):
        start_s = starts[-1] + max(SEGMENT_S, SEGMENT_S * round(length_s / SEGMENT_S))
        # the last chunk takes what would be less than a segment
        if duration_s - start_s < SEGMENT_S:
            break
        starts.append(start_s)
    ends = [*starts[1:], None]
    return tuple(Span(number, *edges) for number, edges in enumerate(zip(starts, ends, strict=True)))


def cut_at_keys(keys_s: Sequence[float], chunk_s: float, *, end_s: float | None) -> tuple[Span, ...]:
    """Return the chunks that lie between a copied rendition's key frames, the first of which is at zero.

    Without `end_s`, where the recording ends, more key frames may follow: then only those chunks are returned that
    nothing can change any more. Key frames closer than the even grid's are left out: a camera may write one every
    picture.
    """
    keys = _thinned(keys_s)
    segments = _segment_starts(keys, end_s)
    known_s = keys[-1] if end_s is None else end_s
    spans: list[Span] = []
    start = 0
    for length_s in _lengths(chunk_s):
        end = bisect.bisect_left(segments, segments[start] + length_s - SEGMENT_S / 2, lo=start + 1)
        # the last chunk takes what would be less than a segment
        if end == len(segments) or known_s - segments[end] < SEGMENT_S:
            break
        spans.append(_span(len(spans), keys, segments[start:end], segments[end]))
        start = end
    if end_s is not None:
        spans.append(_span(len(spans), keys, segments[start:], None))
    return tuple(spans)


def whole_at_keys(keys_s: Sequence[float], end_s: float) -> Span:
    """Return the one chunk that is all of a recording whose copied rendition has these key frames."""
    keys = _thinned(keys_s)
    return _span(0, keys, _segment_starts(keys, end_s), None)


def first_at_keys(keys_s: Sequence[float], most_s: float) -> tuple[Span, Span]:
    """Return the beginning of a copied rendition, as many whole groups of pictures as end by `most_s`, and the rest.

    There have to be two key frames by then.
    """
    end_s = max(key_s for key_s in keys_s if key_s <= most_s + EARLY_S)
    keys = _thinned([key_s for key_s in keys_s if key_s < end_s])
    return _span(0, keys, _segment_starts(keys, end_s), end_s), Span(1, end_s, None)


def pictures_before(time_s: float, fps: Fraction) -> int:
    """Return how many pictures of a constant rate start before that time."""
    return max(0, math.ceil((Fraction(time_s).limit_denominator(1_000_000) - Fraction(EARLY_S)) * fps))


def _lengths(chunk_s: float) -> Iterator[float]:
    yield from (min(length_s, chunk_s) for length_s in FIRST_CHUNKS_S)
    while True:
        yield chunk_s


def _thinned(keys_s: Sequence[float]) -> list[float]:
    kept = [keys_s[0]]
    for key_s in keys_s[1:]:
        if key_s - kept[-1] >= KEY_FRAME_S - 0.1:
            kept.append(key_s)
    return kept


def _segment_starts(keys_s: Sequence[float], end_s: float | None) -> list[float]:
    """Return the key frames that start segments: as many groups in one as last no longer than a segment should.

    What the last group belongs to is not known without the end: it starts none.
    """
    following = keys_s[2:] if end_s is None else [*keys_s[2:], end_s]
    starts = [keys_s[0]]
    for key_s, following_s in zip(keys_s[1:], following, strict=False):
        if following_s - starts[-1] > SEGMENT_S + EARLY_S:
            starts.append(key_s)
    return starts


def _span(position: int, keys_s: Sequence[float], segments_s: Sequence[float], end_s: float | None) -> Span:
    first = bisect.bisect_left(keys_s, segments_s[0])
    last = len(keys_s) if end_s is None else bisect.bisect_left(keys_s, end_s)
    return Span(position, segments_s[0], end_s, tuple(keys_s[first:last]), tuple(segments_s))
