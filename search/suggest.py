"""By what keys terms, titles and names are found while they are typed: letters, characters, pinyin and initials.

Terms are completed from a sorted list in memory, titles and names from search/lists.py; what a reader is offered is
decided in search/lexicon.py.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from search.analysis import CHINESE, Analyzer, is_chinese
from search.concepts import NOT_IN_TEXTS
from search.documents import Vocabulary
from search.engine import Offer
from search.languages import simplify, syllables
from search.pinyin import keys, read_aloud, readings

_LONGEST_TYPED = 60
_FOLDED_AWAY = 4  # characters by which a text and its key may differ
_MOST_STARTS = 10  # words of a title from which it may be typed
_SPACE = re.compile(r"\s+")
_CHINESE = re.compile(f"[{CHINESE}]")
_LATIN_WORD = re.compile(r"[^\W\d_]+")


def completion_key(text: str) -> str:
    """Typed text and known text alike: width, script, case and spaces do not count."""
    return _SPACE.sub(" ", simplify(unicodedata.normalize("NFKC", text[:_LONGEST_TYPED]))).strip().casefold()


def is_typed_in_full(text: str, key: str) -> bool:
    """Is that the key of the whole text? Asked of hundreds of titles for one letter, so lengths come first."""
    return abs(len(text) - len(key)) <= _FOLDED_AWAY and completion_key(text) == key


class TermRow(NamedTuple):
    """One way to type a term."""

    key: str
    concept_id: str
    name: str
    is_synonym: bool
    is_chinese: bool


class TypedKeys:
    """The keys of one vocabulary's terms, and of the titles and names of its entries."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer) -> None:
        self._vocabulary = vocabulary
        self._analyzer = analyzer
        self._term_rows = sorted({row for concept_id in vocabulary.concepts for row in self._of_term(concept_id)})
        self.offer = lru_cache(maxsize=20_000)(self._offer)
        self.words_of = lru_cache(maxsize=20_000)(self._words_of)

    def terms_from(self, start: str) -> Iterator[TermRow]:
        """The terms of which a key begins so."""
        at = bisect_left(self._term_rows, (start,))
        while at < len(self._term_rows) and self._term_rows[at].key.startswith(start):
            yield self._term_rows[at]
            at += 1

    def _of_term(self, concept_id: str) -> Iterator[TermRow]:
        concept = self._vocabulary.concepts[concept_id]
        if concept.scheme in NOT_IN_TEXTS:
            return
        synonyms = {name for names in concept.synonyms.values() for name in names}
        for name in {*concept.labels.values(), *synonyms}:
            about = (concept_id, name, name not in concept.labels.values(), has_chinese(name))
            yield TermRow(completion_key(name), *about)
            if is_chinese(name):
                for key in (*readings(name), keys(name)[1]):
                    yield TermRow(key, *about)

    def _offer(self, text: str, kind: str) -> Offer:
        """The text from each of its words on, by letters and by sound."""
        found: dict[str, None] = {completion_key(text): None}
        chinese = "".join(character for character in text if is_chinese(character))
        sounds = syllables(chinese)
        before = list(accumulate((is_chinese(character) for character in text), initial=0))
        for token in self._analyzer.cut(text)[:_MOST_STARTS]:
            found[completion_key(text[token.start :])] = None
            at = before[token.start]
            if is_chinese(token.text) and len(sounds) == len(chinese):
                found.update(dict.fromkeys(read_aloud(chinese[at:], sounds[at:])))
                found["".join(sound[0] for sound in sounds[at:])] = None
        return Offer(text, kind, tuple(key for key in found if key))

    def _words_of(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(Latin words as written, Chinese words and the words inside them)."""
        latin = tuple(word for word in _LATIN_WORD.findall(text) if not is_chinese(word[0]))
        return latin, tuple(token.text for token in self._analyzer.words(text) if is_chinese(token.text))


def has_chinese(text: str) -> bool:
    """Is any character of it Chinese?"""
    return _CHINESE.search(text) is not None
