"""Completions while typing, from a sorted list in memory: terms, titles, pinyin and initials.

A list holds what one group of readers may know of and nothing else: terms that some visible entry carries, titles of
visible entries.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from search.analysis import Analyzer, is_chinese
from search.concepts import NOT_IN_TEXTS
from search.documents import Vocabulary
from search.engine import Card
from search.languages import simplify
from search.pages import Suggestion
from search.pinyin import keys

_LOOKED_AT = 400  # of the completions of one letter nobody needs more
_LONGEST_TYPED = 60
_SPACE = re.compile(r"\s+")


def completion_key(text: str) -> str:
    """Typed text and known text alike: width, script, case and spaces do not count."""
    return _SPACE.sub(" ", simplify(unicodedata.normalize("NFKC", text[:_LONGEST_TYPED]))).strip().casefold()


class CompletionKeys:
    """By what keys the terms and titles of one vocabulary are found; remembered from commit to commit."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer) -> None:
        self._vocabulary = vocabulary
        self._analyzer = analyzer
        self.of_term = lru_cache(maxsize=None)(self._of_term)
        self.of_title = lru_cache(maxsize=50_000)(self._of_title)

    def _of_term(self, concept_id: str) -> tuple[tuple[str, str, bool, bool], ...]:
        """(key, name, is it a synonym?, is it Chinese?) of each way a term may be typed."""
        concept = self._vocabulary.concepts.get(concept_id)
        if concept is None or concept.scheme in NOT_IN_TEXTS:
            return ()
        synonyms = {name for names in concept.synonyms.values() for name in names}
        rows: set[tuple[str, str, bool, bool]] = set()
        for name in {*concept.labels.values(), *synonyms}:
            about = (name, name not in concept.labels.values(), _has_chinese(name))
            rows.add((completion_key(name), *about))
            if is_chinese(name):
                rows.update((key, *about) for key in keys(name))
        return tuple(rows)

    def _of_title(self, title: str) -> tuple[str, ...]:
        """The title from each of its words on; the whole also by sound."""
        found = {completion_key(title[token.start :]) for token in self._analyzer.cut(title)}
        chinese = "".join(character for character in title if is_chinese(character))
        if len(chinese) > 1:
            found.update(keys(chinese))
        return tuple(found)


class CompletionList:
    """What one group of readers may be offered."""

    def __init__(self, known: CompletionKeys, cards: Iterable[Card]) -> None:
        rows: list[_Row] = []
        uses: Counter[str] = Counter()
        for card in cards:
            uses.update({concept_id for _, concept_id in card.facets})
            for title in card.titles.values():
                about = (0, False, len(title), title, card.entry_id, True, _has_chinese(title))
                rows += (_Row(key, *about) for key in known.of_title(title))
        for concept_id, count in uses.items():
            for key, name, synonym, chinese in known.of_term(concept_id):
                rows.append(_Row(key, -count, synonym, len(name), name, concept_id, False, chinese))
        self._rows = sorted(rows)

    def complete(self, typed: str, lang: str, limit: int) -> tuple[Suggestion, ...]:
        """Terms before titles, terms of more entries first, one suggestion for a term or entry."""
        start = completion_key(typed)
        if not start:
            return ()
        at = bisect_left(self._rows, (start,))
        found: list[tuple[bool, bool, bool, _Row]] = []
        for row in self._rows[at : at + _LOOKED_AT]:
            if not row.key.startswith(start):
                break
            found.append((row.is_title, row.key != start, (lang == "zh") != row.chinese, row))
        found.sort(key=lambda ranked: (*ranked[:3], ranked[3][1:]))
        chosen: dict[tuple[bool, str], Suggestion] = {}
        for *_, row in found:
            if len(chosen) >= limit:
                break
            chosen.setdefault((row.is_title, row.id), _suggestion(row))
        return tuple(chosen.values())


class _Row(NamedTuple):
    key: str
    rarity: int
    synonym: bool
    length: int
    text: str
    id: str
    is_title: bool
    chinese: bool


def _suggestion(row: _Row) -> Suggestion:
    if row.is_title:
        return Suggestion(row.text, "title", entry_id=row.id)
    return Suggestion(row.text, "term", concept_id=row.id)


def _has_chinese(text: str) -> bool:
    return any(is_chinese(character) for character in text)
