"""Words of a query as clauses: vocabulary terms first, longest match, then the words between them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from search.analysis import Analyzer, Token, acronym, fold, is_chinese, latin_token, split_digits
from search.concepts import ConceptFinder, Found
from search.documents import Vocabulary
from search.engine import (
    SPOKEN,
    SPOKEN_CONCEPTS,
    TERMS,
    TEXT,
    TEXT_CONCEPTS,
    TITLE,
    TITLE_CONCEPTS,
    WIDER,
    AllOf,
    Clause,
    Leaf,
    Phrase,
    Term,
)
from search.languages import stem

_WORD_WEIGHTS = ((TITLE, 3.0), (TEXT, 1.5), (SPOKEN, 0.7))
_CONCEPT_WEIGHTS = ((TERMS, 3.0), (TITLE_CONCEPTS, 3.0), (TEXT_CONCEPTS, 1.5), (SPOKEN_CONCEPTS, 0.7))
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
        self, text: str, choices: Mapping[str, tuple[str, ...]], *, at_most: int | None = None
    ) -> tuple[list[Clause], list[tuple[str, tuple[str, ...]]]]:
        """Terms from the left, longest first, and the words between; at_most: no term of more units."""
        units = self._analyzer.units(text, loose=True)
        clauses: list[Clause] = []
        concepts: list[tuple[str, tuple[str, ...]]] = []
        done = 0
        for found in self._finder.longest_in(units, at_most=at_most):
            start, end = units[found.first].start, units[found.last].end
            clauses += self._words(text, done, start, choices)
            clauses.append(self._concept(text[start:end], start, found))
            concepts.append((text[start:end], found.concept_ids))
            done = end
        clauses += self._words(text, done, len(text), choices)
        return clauses, concepts

    def _concept(self, typed: str, start: int, found: Found) -> Clause:
        """A term in any form, or a narrower term, or its words apart; scored as the best of these."""
        leaves: list[Leaf | Phrase | AllOf] = []
        for concept_id in found.concept_ids:
            leaves.append(Leaf(tuple(Term(at, concept_id, weight) for at, weight in _CONCEPT_WEIGHTS)))
            narrower = (Term(at, WIDER + concept_id, weight * _NARROWER) for at, weight in _CONCEPT_WEIGHTS)
            leaves.append(Leaf(tuple(narrower)))
        length = found.last - found.first + 1
        if length > 1:
            parts = _without_idle(self._read(typed, {}, at_most=length - 1)[0])
        else:
            parts = list(self._words(typed, 0, len(typed), {}))
        if parts:
            leaves.append(AllOf(tuple(_weakened(part, _APART) for part in parts)))
        return Clause(tuple(leaves), typed, start=start, end=start + len(typed))

    def _words(self, text: str, start: int, end: int, choices: Mapping[str, tuple[str, ...]]) -> Iterator[Clause]:
        tokens = self._analyzer.cut(text[start:end])
        for group in _compounds(tokens, text[start:end]):
            first, last = start + group[0].start, start + group[-1].end
            typed = text[first:last]
            if typed in choices:
                meant = [clause for choice in choices[typed] for clause in self._read(choice, {})[0]]
                leaves = [leaf for clause in meant for leaf in clause.leaves]
            elif is_chinese(group[0].text):
                leaves = list(self._chinese(group[0].text))
            else:
                leaves = list(_latin(group))
            yield Clause(tuple(leaves), typed, is_word=True, start=first, end=last)

    def _chinese(self, word: str) -> Iterator[Leaf | Phrase | AllOf]:
        if len(word) > 1:
            yield _word_leaf(word)
        if len(word) != 2 or not self._analyzer.knows(word):
            # A name, one character, or a word that other texts may cut elsewhere: by its characters. Not for a known
            # word of two: 止血 is not meant by 防止血栓.
            yield Phrase(self._analyzer.phrase(word), _SUBSTRING)


def _weakened(clause: Clause, by: float) -> Clause:
    """The clause with every weight in it multiplied."""
    return replace(clause, leaves=tuple(_weakened_leaf(leaf, by) for leaf in clause.leaves))


def _weakened_leaf(leaf: Leaf | Phrase | AllOf, by: float) -> Leaf | Phrase | AllOf:
    if isinstance(leaf, Phrase):
        return replace(leaf, weight=leaf.weight * by)
    if isinstance(leaf, AllOf):
        return AllOf(tuple(_weakened(clause, by) for clause in leaf.clauses))
    return Leaf(tuple(replace(term, weight=term.weight * by) for term in leaf.terms))


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


def _latin(group: Sequence[Token]) -> Iterator[Leaf | Phrase | AllOf]:
    word = "".join(token.text for token in group)
    parts = [token.text for token in group] if len(group) > 1 else split_digits(word)
    folded = fold(word)
    tokens = [latin_token(word), folded]
    if acronym(word) and len(word) >= 5:
        tokens.append(stem(folded))  # STENTING is no acronym, only typed loudly
    for token in dict.fromkeys(tokens):
        yield _word_leaf(token)
    if len(parts) > 1:
        yield Phrase(tuple((at, fold(part)) for at, part in enumerate(parts)), 1.0)


def _word_leaf(token: str) -> Leaf:
    return Leaf(tuple(Term(at, token, weight) for at, weight in _WORD_WEIGHTS))
