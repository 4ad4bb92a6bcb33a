"""Completions while typing, from a sorted list in memory: terms, titles, pinyin and initials.

A list holds what one group of readers may know of and nothing else: terms that some visible entry carries, titles of
visible entries.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator

from search.analysis import Analyzer, is_chinese
from search.concepts import NOT_IN_TEXTS
from search.documents import Concept, Vocabulary
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


class CompletionList:
    """What one group of readers may be offered."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer, cards: Iterable[Card]) -> None:
        rows: set[tuple[str, int, bool, str, str, str]] = set()
        uses: Counter[str] = Counter()
        for card in cards:
            uses.update({concept_id for _, concept_id in card.facets})
            for title in card.titles.values():
                rows.update((key, 0, False, title, "title", card.entry_id) for key in _title_keys(title, analyzer))
        for concept_id, count in uses.items():
            concept = vocabulary.concepts.get(concept_id)
            if concept is not None and concept.scheme not in NOT_IN_TEXTS:
                rows.update(
                    (key, -count, not label, name, "term", concept_id) for key, name, label in _term_keys(concept)
                )
        self._rows = sorted(rows)

    def complete(self, typed: str, lang: str, limit: int) -> tuple[Suggestion, ...]:
        """Terms before titles, terms of more entries first, one suggestion for a term or entry."""
        start = completion_key(typed)
        if not start:
            return ()
        at = bisect_left(self._rows, (start,))
        found: list[tuple[tuple[bool, bool, int, bool, bool, int], str, str, str]] = []
        for key, rarity, synonym, text, kind, id_ in self._rows[at : at + _LOOKED_AT]:
            if not key.startswith(start):
                break
            foreign = (lang == "zh") != any(is_chinese(character) for character in text)
            found.append(((kind == "title", key != start, rarity, foreign, synonym, len(text)), text, kind, id_))
        chosen: dict[tuple[str, str], Suggestion] = {}
        for _, text, kind, id_ in sorted(found):
            chosen.setdefault((kind, id_), _suggestion(text, kind, id_))
        return tuple(chosen.values())[: max(0, limit)]


def _suggestion(text: str, kind: str, id_: str) -> Suggestion:
    if kind == "term":
        return Suggestion(text, kind, concept_id=id_)
    return Suggestion(text, kind, entry_id=id_)


def _term_keys(concept: Concept) -> Iterator[tuple[str, str, bool]]:
    """(key, name, is it the label?) of each way a term may be typed."""
    synonyms = {name for names in concept.synonyms.values() for name in names}
    for name in {*concept.labels.values(), *synonyms}:
        label = name in concept.labels.values()
        yield completion_key(name), name, label
        if is_chinese(name):
            for key in keys(name):
                yield key, name, label


def _title_keys(title: str, analyzer: Analyzer) -> Iterator[str]:
    """The title from each of its words on; the whole also by sound."""
    for token in analyzer.cut(title):
        yield completion_key(title[token.start :])
    chinese = "".join(character for character in title if is_chinese(character))
    if len(chinese) > 1:
        yield from keys(chinese)
