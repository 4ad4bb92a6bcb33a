"""What is stored of an entry to show it as a hit: texts, moments, and which words stand where in them.

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

CONCEPT_MARK = "="  # before a concept's id, its own and those of wider concepts, among the words

_LENGTHS = struct.Struct("<IIIII")  # of head, moments, words of moments, their numbers, words of texts
Place = tuple[int, int]  # [start, end) in a text


@dataclass(frozen=True)
class Record:
    """An unpacked record. Moments are numbered as in the document; texts are the titles, then the summaries."""

    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    count: int
    _rows: bytes
    _words: bytes
    _numbers: bytes
    _text_words: bytes
    _places: bytes

    @cached_property
    def moments(self) -> Sequence[Moment]:
        """All moments; taken apart when first asked for."""
        return tuple(Moment(*row) for row in json.loads(self._rows)) if self.count else ()

    @cached_property
    def spoken(self) -> str:
        """All that is said in moments, in one piece, for a quick look whether something is in it at all."""
        return self._rows.decode() if self.count else ""

    def numbers(self, token: str) -> Sequence[int]:
        """The moments in which a word, or "=" and a concept's id, stands."""
        return _looked_up(self._words, self._numbers, token)

    def places(self, token: str, text: int) -> Sequence[Place]:
        """Where it stands in the text of that number."""
        found = _looked_up(self._text_words, self._places, token)
        return [(found[at + 1], found[at + 2]) for at in range(0, len(found), 3) if found[at] == text]

    def number_of(self, text: str) -> int:
        """The number of a title or summary."""
        return [*self.titles.values(), *self.summaries.values()].index(text)


def pack(
    document: EntryDocument, tokens: Sequence[Iterable[str]], places: Iterable[tuple[str, int, int, int]]
) -> bytes:
    """The record of a document.

    tokens: words and marked concepts of each of its moments. places: (the same, text, start, end) of its texts.
    """
    in_moments: dict[str, list[int]] = {}
    for number, found in enumerate(tokens):
        for token in set(found):
            in_moments.setdefault(token, []).append(number)
    in_texts: dict[str, list[int]] = {}
    for token, *place in places:
        in_texts.setdefault(token, []).extend(place)
    words, numbers = _listed(in_moments)
    text_words, text_places = _listed(in_texts)
    head = json.dumps([dict(document.titles), dict(document.summaries), len(document.moments)], ensure_ascii=False)
    moments = [[m.start_s, m.end_s, m.kind, m.text, m.lang] for m in document.moments]
    parts = [_utf8(head), _utf8(json.dumps(moments, ensure_ascii=False)), words, numbers, text_words]
    lengths = _LENGTHS.pack(*(len(part) for part in parts))
    return zlib.compress(b"".join((lengths, *parts, text_places)), 1)


def unpack(packed: bytes) -> Record:
    """The record as it was packed."""
    content = zlib.decompress(packed)
    at = _LENGTHS.size
    parts: list[bytes] = []
    for length in _LENGTHS.unpack_from(content):
        parts.append(content[at : at + length])
        at += length
    titles, summaries, count = json.loads(parts[0])
    return Record(titles, summaries, count, parts[1], parts[2], parts[3], parts[4], content[at:])


def _listed(found: Mapping[str, Sequence[int]]) -> tuple[bytes, bytes]:
    """Lines of (token, where its numbers begin, how many), and the numbers."""
    numbers = array("I")
    lines = [""]
    for token, of in found.items():
        lines.append(f"{token}\t{len(numbers)} {len(of)}")
        numbers.extend(of)
    return _utf8("\n".join([*lines, ""])), numbers.tobytes()


def _looked_up(lines: bytes, numbers: bytes, token: str) -> Sequence[int]:
    line = _utf8(f"\n{token}\t")
    found = lines.find(line)
    if found < 0:
        return ()
    start = found + len(line)
    first, count = lines[start : lines.index(b"\n", start)].split(b" ")
    wanted = array("I")
    wanted.frombytes(numbers[int(first) * wanted.itemsize : (int(first) + int(count)) * wanted.itemsize])
    return wanted


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
