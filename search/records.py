"""What is stored of an entry to show it as a hit: texts, moments, and which words stand in which moment.

Read for every hit of a page, so only what is asked for is taken apart: a lecture of an hour has a thousand cues.
"""

import json
import struct
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from search.documents import EntryDocument, Moment

CONCEPT_MARK = "="  # before a concept's id, its own and those of wider concepts, among the words of moments

_LENGTHS = struct.Struct("<III")  # of the head, of the moments, of the words


@dataclass(frozen=True)
class Record:
    """An unpacked record. Moments are numbered as in the document."""

    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    count: int
    _rows: bytes
    _words: bytes
    _numbers: bytes

    @cached_property
    def moments(self) -> Sequence[Moment]:
        """All moments; taken apart when first asked for."""
        return tuple(Moment(*row) for row in json.loads(self._rows)) if self.count else ()

    def numbers(self, token: str) -> Sequence[int]:
        """The moments in which a word, or "=" and a concept's id, stands."""
        found = self._words.find(f"\n{token}\t".encode())
        if found < 0:
            return ()
        start = found + len(token.encode()) + 2
        first, count = self._words[start : self._words.index(b"\n", start)].split(b" ")
        numbers = array("H" if self.count < 65536 else "I")
        size = numbers.itemsize
        numbers.frombytes(self._numbers[int(first) * size : (int(first) + int(count)) * size])
        return numbers


def pack(document: EntryDocument, tokens: Sequence[Iterable[str]]) -> bytes:
    """The record of a document. tokens: words and marked concepts of each of its moments."""
    places: dict[str, list[int]] = {}
    for number, found in enumerate(tokens):
        for token in set(found):
            places.setdefault(token, []).append(number)
    numbers = array("H" if len(document.moments) < 65536 else "I")
    words = ["\n"]
    for token, of in sorted(places.items()):
        words.append(f"{token}\t{len(numbers)} {len(of)}\n")
        numbers.extend(of)
    head = json.dumps([dict(document.titles), dict(document.summaries), len(document.moments)], ensure_ascii=False)
    moments = [[m.start_s, m.end_s, m.kind, m.text, m.lang] for m in document.moments]
    parts = [head.encode(), json.dumps(moments, ensure_ascii=False).encode(), "".join(words).encode()]
    lengths = _LENGTHS.pack(*(len(part) for part in parts))
    return zlib.compress(b"".join((lengths, *parts, numbers.tobytes())), 1)


def unpack(packed: bytes) -> Record:
    """The record as it was packed."""
    content = zlib.decompress(packed)
    ends = [_LENGTHS.size]
    for length in _LENGTHS.unpack_from(content):
        ends.append(ends[-1] + length)
    titles, summaries, count = json.loads(content[ends[0] : ends[1]])
    return Record(titles, summaries, count, content[ends[1] : ends[2]], content[ends[2] : ends[3]], content[ends[3] :])
