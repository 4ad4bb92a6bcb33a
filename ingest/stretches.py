"""The bytes of one chunk: of a large MP4 in a bucket, a worker fetches what its chunk is decoded from, and no more.

The file that it reads is as long as the original and has holes: its index is there, the beginning by which a decoder is
chosen, and the packets of the chunk with those before it to the key frame and a margin after it. So a host needs
neither the time nor the disk for all of a recording of hours to encode a minute of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ingest.chunks import Span
from ingest.errors import ToolFailed
from ingest.making import Bench
from ingest.plan import EncodePlan
from ingest.probe import places_of
from ingest.room import require_room
from ingest.signature import boxes_of, is_base_media
from ingest.sources import INDEX_BYTES, SourceCache

# what is no larger comes in seconds, and then serves all of its chunks
SMALL_BYTES = 256 * 2**20
BOXES_MAX = 64
# what ffmpeg may read to learn of what kind the streams are (its own limit is 5 MB), and the first pictures, wherever
LEARNT_BYTES, LEARNT_PICTURES = 6 * 2**20, 64
# the place where ffmpeg enters is asked for this much before
BEFORE_S = 1.0
# so many pictures after a chunk are taken by decoders and by the queues between ffmpeg's threads
AHEAD_PICTURES = 128
# where a chunk takes more than this share of the file (key frames are rare), all of it is fetched once
MOST = 0.5
# packets of sound between those of pictures are fetched with them: another request would take longer
GAP_BYTES = 2**20


def fetch_stretch(
    cache: SourceCache, key: str, bench: Bench, plan: EncodePlan, span: Span, *, earlier_s: float
) -> bool:
    """Write what a chunk is decoded from, entered so much earlier, to the bench's source.

    False where all of the recording is here or as quickly fetched, or where it is not known what belongs to the chunk.
    Raises as `SourceCache.opened`.
    """
    if not cache.has_to_come(key):
        return False
    size = cache.size_of(key)
    index = _index_of(cache, key, size) if size > SMALL_BYTES else None
    if index is None:
        return False
    _fetch(cache, key, bench, index)
    first_s = plan.zero_s + span.start_s - earlier_s - BEFORE_S
    last_s = plan.zero_s + span.end_s if span.end_s is not None else None
    try:
        first = places_of(bench.source, plan.video_index, more=LEARNT_PICTURES)
        own = places_of(bench.source, plan.video_index, first_s, last_s, more=AHEAD_PICTURES)
    except ToolFailed:  # the look at all of it says why
        return False
    parts = _joined([*first, *own])
    if not own or sum(end - start for start, end in parts) > size * MOST:
        return False
    _fetch(cache, key, bench, parts)
    return True


def _fetch(cache: SourceCache, key: str, bench: Bench, parts: Sequence[tuple[int, int]]) -> None:
    require_room(cache.settings, bench.work, sum(end - start for start, end in parts))
    cache.fetch_parts(key, bench.source, parts, cancelled=bench.stop)


def _index_of(cache: SourceCache, key: str, size: int) -> list[tuple[int, int]] | None:
    """Where all of an MP4 lies but its media; None for what is none, or has an index in pieces or of unlikely size."""
    parts, at, index_bytes = [], 0, 0
    for kind, _start, end in itertools.islice(boxes_of(_Bytes(cache, key), 0, size), BOXES_MAX):
        if kind == b"moof" or (at == 0 and not is_base_media(bytes(4) + kind)):
            return None
        is_media = kind == b"mdat"
        index_bytes += 0 if is_media else end - at
        if index_bytes > INDEX_BYTES:
            return None
        parts.append((at, min(end, size, at + LEARNT_BYTES) if is_media else min(end, size)))
        at = end
    return parts if at >= size else None


class _Bytes:
    """A few bytes of an object at a time, as of a file."""

    def __init__(self, cache: SourceCache, key: str) -> None:
        self._cache, self._key, self._at = cache, key, 0

    def seek(self, at: int) -> int:
        self._at = at
        return at

    def read(self, count: int) -> bytes:
        return self._cache.read(self._key, self._at, count)


def _joined(packets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The packets' bytes (from, to) in order, near ones as one."""
    parts: list[tuple[int, int]] = []
    for start, end in sorted(packets):
        if parts and start - parts[-1][1] <= GAP_BYTES:
            parts[-1] = parts[-1][0], max(parts[-1][1], end)
        else:
            parts.append((start, end))
    return parts
