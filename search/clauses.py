"""Words of a query as clauses: vocabulary terms first, longest match, then the words between them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from search.analysis import Analyzer, Token, acronym, fold, is_chinese, latin_token, split_digits
from search.concepts import ConceptFinder, Found
from search.documents import Vocabulary
from search.engine import CONCEPTS, WIDER, WORDS, AllOf, Clause, Leaf, Phrase, Term
from search.languages import stem

_NARROWER = 0.5  # an entry about a narrower term, against one about the term itself
_APART = 0.4  # an entry with all the words of a term, but not the term
_PHRASE = 2.0
_SUBSTRING = 0.6  # a Chinese word found only by its characters

# Words that say nothing here; they are dropped while anything else is left.
_IDLE = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "how",
        "in",
        "into",
        "is",
        "it",
        "me",
        "of",
        "on",
        "or",
        "show",
        "that",
        "the",
        "their",
        "this",
        "to",
        "using",
        "via",
        "what",
        "when",
        "where",
        "which",
        "why",
        "with",
        "without",
        "video",
        "videos",
        "clip",
        "的",
        "了",
        "和",
        "与",
        "及",
        "或",
        "在",
        "是",
        "有",
        "我",
        "要",
        "想",
        "看",
        "怎么",
        "怎样",
        "如何",
        "什么",
        "哪些",
        "为什么",
        "吗",
        "呢",
        "视频",
        "录像",
        "教学",
        "演示",
        "一个",
        "进行",
        "以及",
        "术",
    ]
)


@dataclass(frozen=True)
class Built:
    """Clauses, and which stretches were taken for which concepts."""

    clauses: tuple[Clause, ...]
    concepts: tuple[tuple[str, tuple[str, ...]], ...]


class Inside(NamedTuple):
    """The term whose words are read, apart from each other, and how many units a term among them may have."""

    concept_ids: frozenset[str]
    at_most: int


class ClauseBuilder:
    """Builds clauses with one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer, finder: ConceptFinder) -> None:
        self._vocabulary = vocabulary
        self._analyzer = analyzer
        self._finder = finder

    def build(self, text: str, offset: int, choices: Mapping[str, tuple[str, ...]]) -> Built:
        """The clauses of a run of words that begins at `offset` of the query.

        choices: words as typed -> what may have been meant; any of these is looked for instead.
        """
        clauses, concepts = self._read(text, choices)
        placed = (replace(c, start=c.start + offset, end=c.end + offset) for c in _without_idle(clauses))
        return Built(tuple(placed), tuple(concepts))

    def phrase(self, text: str, offset: int) -> Clause:
        """The words side by side, exactly as typed but for case, width and script."""
        tokens = self._analyzer.phrase(text)
        leaves = (Phrase(tokens, _PHRASE),) if tokens else ()
        return Clause(leaves, text, start=offset, end=offset + len(text))

    def together(self, clauses: Sequence[Clause], typed: str) -> Clause:
        """All of some clauses as one."""
        return clauses[0] if len(clauses) == 1 else Clause((AllOf(tuple(clauses)),), typed)

    def _read(
        self, text: str, choices: Mapping[str, tuple[str, ...]], *, inside: Inside | None = None
    ) -> tuple[list[Clause], list[tuple[str, tuple[str, ...]]]]:
        """Terms from the left, longest first, and the words between; inside: a term is read, which does not count."""
        units = self._analyzer.units(text, loose=True)
        clauses: list[Clause] = []
        concepts: list[tuple[str, tuple[str, ...]]] = []
        done = 0
        for found in self._finder.longest_in(units, at_most=inside.at_most if inside else None):
            start, end = units[found.first].start, units[found.last].end
            typed, length = text[start:end], found.last - found.first + 1
            clauses += self._words(text, (done, start), choices, in_term=inside is not None)
            if inside and inside.concept_ids.issuperset(found.concept_ids):  # the same in fewer words
                clauses += self._read(typed, choices, inside=Inside(inside.concept_ids, length - 1))[0]
            else:
                clauses.append(self._concept(typed, start, found, in_term=inside is not None))
            concepts.append((typed, found.concept_ids))
            done = end
        clauses += self._words(text, (done, len(text)), choices, in_term=inside is not None)
        return clauses, concepts

    def _concept(self, typed: str, start: int, found: Found, *, in_term: bool) -> Clause:
        """A term in any form, or a narrower term, or its words apart; scored as the best of these.

        in_term: it is one of those words, and is not taken apart once more.
        """
        leaves: list[Leaf] = []
        for concept_id in found.concept_ids:
            leaves += [Term(CONCEPTS, concept_id, 1.0), Term(CONCEPTS, WIDER + concept_id, _NARROWER)]
        parts: list[Clause] = []
        if not in_term:
            inside = Inside(frozenset(found.concept_ids), found.last - found.first)
            parts = _without_idle(self._read(typed, {}, inside=inside)[0])
        if parts:
            leaves.append(AllOf(tuple(_weakened(part, _APART) for part in parts)))
        return Clause(tuple(leaves), typed, start=start, end=start + len(typed))

    def _words(
        self, text: str, place: tuple[int, int], choices: Mapping[str, tuple[str, ...]], *, in_term: bool
    ) -> Iterator[Clause]:
        start, end = place
        tokens = self._analyzer.cut(text[start:end])
        for group in _compounds(tokens, text[start:end]):
            first, last = start + group[0].start, start + group[-1].end
            typed = text[first:last]
            if typed in choices:
                meant = [clause for choice in choices[typed] for clause in self._read(choice, {})[0]]
                leaves = [leaf for clause in meant for leaf in clause.leaves]
            elif is_chinese(group[0].text):
                leaves = list(self._chinese(group[0].text, in_term=in_term))
            else:
                leaves = list(_latin(group))
            yield Clause(tuple(leaves), typed, is_word=True, start=first, end=last)

    def _chinese(self, word: str, *, in_term: bool) -> Iterator[Leaf]:
        if len(word) > 1:
            yield _word(word)
        if len(word) == 1 or not self._analyzer.knows(word) or (len(word) > 2 and not in_term):
            # A name, one character, or a word that other texts may cut elsewhere: by its characters. Not for a known
            # word of two: 止血 is not meant by 防止血栓. Nor for one of a term, which is found by characters itself.
            yield Phrase(self._analyzer.phrase(word), _SUBSTRING)


def _weakened(clause: Clause, by: float) -> Clause:
    """The clause with every weight in it multiplied."""
    return replace(clause, leaves=tuple(_weakened_leaf(leaf, by) for leaf in clause.leaves))


def _weakened_leaf(leaf: Leaf, by: float) -> Leaf:
    if isinstance(leaf, AllOf):
        return AllOf(tuple(_weakened(clause, by) for clause in leaf.clauses))
    return replace(leaf, weight=leaf.weight * by)


def _without_idle(clauses: Iterable[Clause]) -> list[Clause]:
    clauses = list(clauses)
    telling = [clause for clause in clauses if clause.typed.lower() not in _IDLE]
    return telling or clauses


def _compounds(tokens: Sequence[Token], text: str) -> Iterator[list[Token]]:
    """Latin words with one hyphen between them belong together."""
    group: list[Token] = []
    for token in tokens:
        between = text[group[-1].end : token.start] if group else ""
        if group and between in ("-", "‐", "‑", "–") and not is_chinese(token.text) and not is_chinese(group[-1].text):
            group.append(token)
            continue
        if group:
            yield group
        group = [token]
    if group:
        yield group


def _latin(group: Sequence[Token]) -> Iterator[Leaf]:
    word = "".join(token.text for token in group)
    parts = [token.text for token in group] if len(group) > 1 else split_digits(word)
    folded = fold(word)
    tokens = [latin_token(word), folded]
    if acronym(word) and len(word) >= 5:
        tokens.append(stem(folded))  # STENTING is no acronym, only typed loudly
    for token in dict.fromkeys(tokens):
        yield _word(token)
    if len(parts) > 1:
        yield Phrase(tuple((at, fold(part)) for at, part in enumerate(parts)), 1.0)


def _word(token: str) -> Term:
    return Term(WORDS, token, 1.0)
