"""Which vocabulary terms a text speaks of: every form of every concept, found by walking a tree of keys."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from search.analysis import Analyzer, Unit, is_chinese
from search.documents import Concept, Vocabulary

# Their words say nothing when they stand in a text ("core", "observer"), or name a part of an operation by what it has
# in common with others ("Therapy delivery" is embolisation, ablation and stenting). As facets they can still be chosen.
NOT_IN_TEXTS = frozenset(
    {
        "case_role",
        "cn_grade",
        "difficulty",
        "entrustment",
        "hospital_tier",
        "phase",
        "prof_title",
        "review_item",
        "step",
    }
)

_ASIDE = re.compile(r"\s*[(（][^)）]*[)）]")
_EN_BEGINNING = re.compile(r"^(?:(?:transcatheter|transarterial|percutaneous|image-guided) )+", re.IGNORECASE)
_ZH_BEGINNING = re.compile(r"^(?:影像引导下|经皮(?!经)|经导管)+")
_ZH_ENDINGS = ("植入术", "置入术", "术")
_ZH_TWINS = (("植入", "置入"), ("置入", "植入"))
_SHORTEST_PART = 4


@dataclass(frozen=True)
class Found:
    """A stretch of units, [first, last], that is a form of these concepts."""

    first: int
    last: int
    concept_ids: tuple[str, ...]


@dataclass
class _Node:
    after: dict[str, "_Node"] = field(default_factory=dict)
    concept_ids: list[str] = field(default_factory=list)


def forms(concept: Concept) -> dict[str, set[str]]:
    """All ways a concept is written, by language: labels, synonyms, and what follows from them by rule."""
    found: dict[str, set[str]] = {}
    for lang in {*concept.labels, *concept.synonyms}:
        named = [concept.labels.get(lang, ""), *concept.synonyms.get(lang, ())]
        found[lang] = {form for name in named if name for form in _variants(name, lang)}
    return found


def _variants(name: str, lang: str) -> Iterator[str]:
    yield name
    short = _ASIDE.sub("", name)
    if short:
        yield short
    if lang == "zh":
        for part in {short, *(piece for piece in short.split("/") if len(piece) >= _SHORTEST_PART)}:
            yield from _chinese_variants(part)
    else:
        yield _EN_BEGINNING.sub("", short)


def _chinese_variants(name: str) -> Iterator[str]:
    """Without the beginning that says how it is reached, without the ending that says it is an operation."""
    core = _ZH_BEGINNING.sub("", name)
    for whole in {name, core}:
        yield whole
        for ending in _ZH_ENDINGS:
            left = whole.removesuffix(ending)
            if left != whole and (len(left) >= _SHORTEST_PART or core != name):
                yield left
        for one, other in _ZH_TWINS:
            if one in whole:
                yield whole.replace(one, other)


def dictionary_words(vocabulary: Vocabulary) -> set[str]:
    """The Chinese runs of all forms, for the segmenter's dictionary."""
    words: set[str] = set()
    for concept in vocabulary.concepts.values():
        if concept.scheme in NOT_IN_TEXTS:
            continue
        for form in forms(concept).get("zh", ()):
            words.update(run for run in re.findall(r"[\u3400-\u9fff]+", form) if 2 <= len(run) <= 12)
    return words


class ConceptFinder:
    """The forms of a vocabulary, ready to be found."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer) -> None:
        self._root = _Node()
        for concept in vocabulary.concepts.values():
            if concept.scheme in NOT_IN_TEXTS:
                continue
            for form in {form for written in forms(concept).values() for form in written}:
                self._add(analyzer.units(form, loose=False), concept.id)

    def _add(self, units: Sequence[Unit], concept_id: str) -> None:
        node = self._root
        steps = [unit.keys[0] for unit in units if unit.keys]
        if sum(len(step) for step in steps) < 2 and not is_chinese("".join(steps)):
            return
        for step in steps:
            node = node.after.setdefault(step, _Node())
        if concept_id not in node.concept_ids:
            node.concept_ids.append(concept_id)

    def all_in(self, units: Sequence[Unit]) -> Iterator[Found]:
        """Every form in the text, those inside longer ones too; for the index."""
        begins = self._root.after
        for first, unit in enumerate(units):
            if any(key in begins for key in unit.keys):
                yield from self._from(units, first)

    def longest_in(self, units: Sequence[Unit], *, at_most: int | None = None) -> list[Found]:
        """The longest forms from the left, not overlapping, none longer than `at_most` units; for queries."""
        chosen: list[Found] = []
        first = 0
        while first < len(units):
            fitting = [
                found for found in self._from(units, first) if at_most is None or found.last - found.first < at_most
            ]
            if fitting:
                longest = max(fitting, key=lambda found: found.last)
                same = [found.concept_ids for found in fitting if found.last == longest.last]
                chosen.append(Found(first, longest.last, _once(id_ for ids in same for id_ in ids)))
            first = chosen[-1].last + 1 if fitting else first + 1
        return chosen

    def _from(self, units: Sequence[Unit], first: int) -> Iterator[Found]:
        """The forms that begin at one unit. Each unit has at most two keys and few forms share a path: no blow-up."""
        nodes = [self._root]
        for last in range(first, len(units)):
            nodes = [node.after[key] for node in nodes for key in units[last].keys if key in node.after]
            if not nodes:
                return
            ids = _once(concept_id for node in nodes for concept_id in node.concept_ids)
            if ids and not _crosses_words(units, first, last):
                yield Found(first, last, ids)


def _crosses_words(units: Sequence[Unit], first: int, last: int) -> bool:
    """Are both ends inside words of the dictionary, and of different words? (止血 in 防止血栓)"""
    if not units[first].inside_word:
        return False
    if last + 1 >= len(units) or not units[last + 1].inside_word:
        return False
    return any(not unit.inside_word for unit in units[first + 1 : last + 1])


def _once(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
