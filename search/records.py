"""What is stored of an entry to show it as a hit: texts, moments, and which words stand where in them.

Read for every hit of a page, so only what is asked for is taken apart: a lecture of an hour has a thousand cues.
"""

import json
import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from search.documents import EntryDocument, Moment
from search.phrases import Place, is_plain

CONCEPT_MARK = "="  # before a concept's id, its own and those of wider concepts, among the words

_LENGTHS = struct.Struct("<II")  # of head, words of texts; the rest is their places
_SPOKEN = struct.Struct("<?II")  # are all plain; lengths of moments, their words; the rest is their numbers
_TRIPLE = 3


@dataclass(frozen=True)
class Spoken:
    """The moments of an entry, one a line, numbered as in the document, and the words in them.

    is_plain: their texts are.
    """

    rows: bytes
    is_plain: bool
    _words: bytes
    _numbers: memoryview

    @cached_property
    def moments(self) -> Sequence[Moment]:
        """All moments; taken apart when first asked for."""
        return _moments(self._lines)

    def some(self, numbers: Sequence[int]) -> Mapping[int, Moment]:
        """The moments with these numbers."""
        return dict(zip(numbers, _moments(self._lines[number] for number in numbers), strict=True))

    @cached_property
    def text(self) -> str:
        """All that is said, in one piece, for a quick look whether something is in it at all."""
        return self.rows.decode()

    def holding(self, characters: str) -> list[int]:
        """The moments with these Chinese characters side by side."""
        wanted = _utf8(characters)
        return [number for number, line in enumerate(self._lines) if wanted in line] if wanted in self.rows else []

    @cached_property
    def _lines(self) -> Sequence[bytes]:
        return self.rows.split(b"\n")

    def numbers(self, lines: Iterable[bytes]) -> set[int]:
        """The moments in which any of these words and marked concepts stand."""
        return {number for line in lines for number in _looked_up(self._words, self._numbers, line)}


@dataclass(frozen=True)
class Record:
    """An unpacked record; texts are numbered, the titles first, then the summaries. is_plain: all of them are."""

    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    is_plain: bool
    _text_words: bytes
    _places: memoryview
    _spoken: bytes

    @cached_property
    def spoken(self) -> Spoken | None:
        """The moments, None where there are none; taken apart when first asked for."""
        if not self._spoken:
            return None
        content = self._spoken
        is_plain, rows, words = _SPOKEN.unpack_from(content)
        at = _SPOKEN.size
        end = at + rows + words
        return Spoken(content[at : at + rows], is_plain, content[at + rows : end], memoryview(content)[end:].cast("I"))

    def places(self, lines: Iterable[bytes]) -> Mapping[int, list[Place]]:
        """Where any of these words and marked concepts stand, by the number of the text."""
        found: dict[int, list[Place]] = {}
        for line in lines:
            row = _looked_up(self._text_words, self._places, line)
            for at in range(0, len(row), _TRIPLE):
                found.setdefault(row[at], []).append((row[at + 1], row[at + 2]))
        return found

    def texts(self, lang: str) -> tuple[tuple[int, str], list[tuple[int, str]]]:
        """The title in a language, else any, and the summaries, that language first; each with its number."""
        titles, summaries = list(self.titles.items()), list(self.summaries.items())
        wanted = [(at, text) for at, (of, text) in enumerate(titles) if of == lang and text]
        any_title = [(at, text) for at, (_, text) in enumerate(titles)]
        told = [(at, of, text) for at, (of, text) in enumerate(summaries, len(titles)) if text]
        told.sort(key=lambda row: row[1] != lang)
        return (wanted or any_title or [(0, "")])[0], [(at, text) for at, _, text in told]


def pack(
    document: EntryDocument, tokens: Sequence[Iterable[str]], places: Iterable[tuple[str, int, int, int]]
) -> bytes:
    """The record of a document.

    tokens: words and marked concepts of each of its moments. places: (the same, text, start, end) of its texts.
    """
    in_texts: dict[str, list[int]] = {}
    for token, *place in places:
        in_texts.setdefault(token, []).extend(place)
    text_words, text_places = _listed(in_texts)
    spoken = _packed_moments(document.moments, tokens) if document.moments else b""
    plain = all(map(is_plain, (*document.titles.values(), *document.summaries.values())))
    head = _utf8(
        json.dumps([dict(document.titles), dict(document.summaries), plain, len(text_places)], ensure_ascii=False)
    )
    return b"".join((_LENGTHS.pack(len(head), len(text_words)), head, text_words, text_places, spoken))


def _packed_moments(moments: Sequence[Moment], tokens: Sequence[Iterable[str]]) -> bytes:
    in_moments: dict[str, list[int]] = {}
    for number, found in enumerate(tokens):
        for token in set(found):
            in_moments.setdefault(token, []).append(number)
    words, numbers = _listed(in_moments)
    told = (json.dumps([m.start_s, m.end_s, m.kind, m.text, m.lang], ensure_ascii=False) for m in moments)
    rows = _utf8("\n".join(told))
    plain = all(is_plain(moment.text) for moment in moments)
    return b"".join((_SPOKEN.pack(plain, len(rows), len(words)), rows, words, numbers))


def _moments(lines: Iterable[bytes]) -> Sequence[Moment]:
    return tuple(Moment(*row) for row in json.loads(b"[" + b",".join(lines) + b"]"))


def unpack(packed: bytes) -> Record:
    """The record as it was packed."""
    head, words = _LENGTHS.unpack_from(packed)
    at = _LENGTHS.size
    titles, summaries, is_plain, places = json.loads(packed[at : at + head])
    at += head
    end = at + words + places
    numbers = memoryview(packed)[at + words : end].cast("I")
    return Record(titles, summaries, is_plain, packed[at : at + words], numbers, packed[end:])


def _listed(found: Mapping[str, Sequence[int]]) -> tuple[bytes, bytes]:
    """Lines of (token, where its numbers begin, how many), and the numbers."""
    numbers = array("I")
    lines = [""]
    for token, of in found.items():
        lines.append(f"{token}\t{len(numbers)} {len(of)}")
        numbers.extend(of)
    return _utf8("\n".join([*lines, ""])), numbers.tobytes()


def line_of(token: str) -> bytes:
    """How a word's line begins, by which it is looked up: made once for all hits of a page."""
    return _utf8(f"\n{token}\t")


def _looked_up(lines: bytes, numbers: memoryview, line: bytes) -> Sequence[int]:
    found = lines.find(line)
    if found < 0:
        return ()
    start = found + len(line)
    first, count = lines[start : lines.index(b"\n", start)].split(b" ")
    return numbers[int(first) : int(first) + int(count)].tolist()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
