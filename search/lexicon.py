"""The words that one group of readers may be told of, to mend and complete what they type.

Vocabulary words are for everybody; words of titles only come from entries the group may know of, so that no private
title shows in a suggestion or a "did you mean".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from search.analysis import Analyzer, is_chinese
from search.concepts import NOT_IN_TEXTS, forms
from search.documents import Vocabulary
from search.engine import Card
from search.pinyin import SoundList
from search.query import QueryPlan
from search.spelling import WordList
from search.suggest import CompletionKeys, CompletionList

_LATIN_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Mended:
    """A query with its unknown words replaced. choices: words that may mean several things -> all of these.

    changes: (as typed, what instead, "spelling" or "pinyin").
    """

    text: str
    choices: dict[str, tuple[str, ...]]
    did_you_mean: str
    changes: tuple[tuple[str, tuple[str, ...], str], ...]


class VocabularyWords:
    """The words of one vocabulary, and those of titles as they come by; remembered from commit to commit."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self.completion_keys = CompletionKeys(vocabulary, analyzer)
        self.of_title = lru_cache(maxsize=50_000)(self._words)
        concepts = vocabulary.concepts.values()
        searched = [concept for concept in concepts if concept.scheme not in NOT_IN_TEXTS]
        written = [name for concept in searched for names in forms(concept).values() for name in sorted(names)]
        whole = sorted((name for name in written if is_chinese(name)), key=len)
        read = [self._words(name) for name in written]
        self.latin = tuple(dict.fromkeys(word for latin, _ in read for word in latin))
        self.chinese = tuple(dict.fromkeys([*whole, *(word for _, chinese in read for word in chinese)]))

    def _words(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(Latin words as written, Chinese words and the words inside them)."""
        latin = tuple(word for word in _LATIN_WORD.findall(text) if not is_chinese(word[0]))
        return latin, tuple(token.text for token in self._analyzer.words(text) if is_chinese(token.text))


class Lexicon:
    """Words, sounds and completions for one group of readers and one commit; each list is made when first needed."""

    def __init__(self, known: VocabularyWords, cards: Sequence[Card]) -> None:
        self._known = known
        self._cards = cards

    @cached_property
    def words(self) -> WordList:
        """Latin words of the vocabulary, then of titles."""
        return WordList([*self._known.latin, *(word for latin, _ in self._titles() for word in latin)])

    @cached_property
    def sounds(self) -> SoundList:
        """Chinese terms, then the words inside them, then those of titles."""
        return SoundList([*self._known.chinese, *(word for _, chinese in self._titles() for word in chinese)])

    @cached_property
    def completions(self) -> CompletionList:
        """What to offer while typing."""
        return CompletionList(self._known.completion_keys, self._cards)

    def _titles(self) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        return (self._known.of_title(title) for card in self._cards for title in card.titles.values())

    def mend(self, plan: QueryPlan, totals: Sequence[int]) -> Mended | None:
        """The query with each word that finds nothing replaced by what was probably meant; None if nothing helps."""
        text, shown = plan.text, plan.text
        choices: dict[str, tuple[str, ...]] = {}
        changes: list[tuple[str, tuple[str, ...], str]] = []
        # From the right, so that places on the left stay true.
        for start, end in reversed(list(self._stretches(plan, totals))):
            typed = plan.text[start:end]
            meant, how = self._meant(typed)
            if not meant:
                continue
            if len(meant) == 1:
                text = text[:start] + meant[0] + text[end:]
            else:
                choices[typed] = meant
            shown = shown[:start] + meant[0] + shown[end:]
            changes.append((typed, meant, how))
        return Mended(text, choices, shown, tuple(reversed(changes))) if changes else None

    def _stretches(self, plan: QueryPlan, totals: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Where the words that find nothing stand; those that together are pinyin are one."""
        unknown = [c for c, total in zip(plan.clauses, totals, strict=True) if not total and c.is_word]
        at = 0
        while at < len(unknown):
            row = 1
            while at + row < len(unknown) and plan.text[unknown[at + row - 1].end : unknown[at + row].start] == " ":
                row += 1
            joined = (n for n in range(row, 1, -1) if self.sounds.spelt("".join(c.typed for c in unknown[at : at + n])))
            count = next(joined, 1)
            yield unknown[at].start, unknown[at + count - 1].end
            at += count

    def _meant(self, typed: str) -> tuple[tuple[str, ...], str]:
        if is_chinese(typed):
            return self.sounds.same_sound(typed), "pinyin"
        if spelt := self.sounds.spelt(typed.replace(" ", "")):
            return spelt, "pinyin"
        if nearest := self.words.nearest(typed):
            return (nearest,), "spelling"
        return self.sounds.begun(typed), "pinyin"
