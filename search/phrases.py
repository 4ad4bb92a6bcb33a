"""Where a phrase stands in a text that is shown: the marks of the hits of a page, many texts for each search."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from search.analysis import Analyzer, is_chinese
from search.engine import Phrase
from search.languages import simplify

Place = tuple[int, int]  # [start, end) in a text
_BEGINNING = 3  # letters of a word in which all its spellings agree
_ACCENTED = re.compile("[\u00c0-\u036f\u1e00-\u1eff]")


class SoughtPhrase:
    """A phrase made ready to be found in many texts. needle: all its characters where it is all Chinese, else ""."""

    def __init__(self, phrase: Phrase, analyzer: Analyzer) -> None:
        self.tokens = phrase.tokens
        self._analyzer = analyzer
        self.needle = _chinese_of(phrase)
        self._beginnings = [token[:_BEGINNING] if token.isascii() else token for _, token in phrase.tokens]
        offset, token = phrase.tokens[-1] if phrase.tokens else (0, "")
        self._last = offset + (len(token) == 2 and not token.isascii())
        self._window = 60 + 3 * sum(len(token) for _, token in phrase.tokens)

    def places(self, text: str, *, is_plain: bool) -> Iterator[Place]:
        """Each place where it stands. is_plain: the text is as `is_plain` says."""
        if self.needle:
            if is_plain:
                yield from _standing_in(self.needle, text)
                return
            if unicodedata.is_normalized("NFKC", text):
                yield from _standing_in(self.needle, simplify(text))
                return
        plain = _plain(text, is_plain)
        if not all(beginning in plain for beginning in self._beginnings):
            return
        if len(plain) != len(text):
            yield from self._among(text, 0, first_only=False)
            return
        for start in self._starts(plain):
            yield from self._among(text[start : start + self._window], start, first_only=True)

    def may_stand_in(self, text: str, *, is_plain: bool) -> bool:
        """Cheap before dear: its words are there, but for case, width, script and spelling."""
        plain = _plain(text, is_plain)
        return all(beginning in plain for beginning in self._beginnings)

    def _starts(self, plain: str) -> Iterator[int]:
        """Where words begin of which the first may be one."""
        before = -1
        for at, _ in _standing_in(self._beginnings[0], plain):
            start = at
            while start and self._beginnings[0].isascii() and plain[start - 1].isalnum() and plain[start - 1].isascii():
                start -= 1
            if start != before:
                yield start
            before = start

    def _among(self, text: str, moved: int, *, first_only: bool) -> Iterator[Place]:
        places = self._analyzer.exact_places(text)
        for at in range(min(len(places) - self._last, 1 if first_only else len(places))):
            if all(token in places[at + offset][0] for offset, token in self.tokens):
                yield moved + places[at][1], moved + places[at + self._last][2]


def is_plain(text: str) -> bool:
    """Would NFKC and simplified characters leave every letter where and as it is? Most texts are so."""
    changed = simplify(unicodedata.normalize("NFKC", text))
    return len(changed) == len(text) and all(
        new == old or not (new.isalnum() or old.isalnum()) for new, old in zip(changed, text, strict=True)
    )


def _chinese_of(phrase: Phrase) -> str:
    """The characters of a phrase that is all Chinese, else nothing."""
    characters: dict[int, str] = {}
    for offset, token in phrase.tokens:
        if not is_chinese(token):
            return ""
        characters.update(enumerate(token, offset))
    return "".join(characters[at] for at in sorted(characters))


def _standing_in(needle: str, text: str) -> Iterator[Place]:
    at = text.find(needle)
    while at >= 0:
        yield at, at + len(needle)
        at = text.find(needle, at + 1)


@lru_cache(maxsize=512)
def _plain(text: str, is_plain: bool) -> str:
    if not (is_plain or text.isascii()):
        text = simplify(unicodedata.normalize("NFKC", text))
    text = text.lower()
    return _without_accents(text) if _ACCENTED.search(text) else text


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
