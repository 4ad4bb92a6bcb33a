"""What goes into the index: entries, their moments, and the vocabulary's concepts.

Languages are "zh" and "en"; times are seconds on the entry's clock.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property


@dataclass(frozen=True)
class Concept:
    """One term of the vocabulary with every form it is known by."""

    id: str
    scheme: str
    labels: Mapping[str, str]
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broader: str | None = None

    def label(self, lang: str) -> str:
        """The label in `lang`, else in any language there is."""
        return self.labels.get(lang) or next(iter(self.labels.values()), self.id)


@dataclass(frozen=True)
class Moment:
    """A stretch of an entry that has words of its own."""

    start_s: float
    end_s: float
    kind: str  # "caption", "step", "phase" or "annotation"
    text: str
    lang: str | None = None


@dataclass(frozen=True)
class EntryDocument:
    """Everything of an entry that can be searched; one document an entry.

    `terms` holds concept ids by scheme; `audiences` says who may know of the entry at all.
    """

    id: str
    version: int
    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    terms: Mapping[str, tuple[str, ...]]
    people: tuple[str, ...]
    keywords: tuple[str, ...]
    moments: tuple[Moment, ...]
    duration_s: float
    published_at: datetime
    year: int | None
    audiences: frozenset[str]
    hospitals: tuple[str, ...] = ()


class Vocabulary:
    """The concepts by id, with their family lines; two with the same content have the same fingerprint."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self.concepts = {concept.id: concept for concept in concepts}
        self._labels: dict[str, Mapping[str, str]] = {}
        self._places: dict[str, Mapping[str, int]] = {}

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits over ids, labels, synonyms and broader, whatever the order of the concepts."""
        rows = [asdict(self.concepts[concept_id]) for concept_id in sorted(self.concepts)]
        text = json.dumps(rows, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def schemes(self) -> frozenset[str]:
        """The ids of all schemes that have a concept."""
        return frozenset(concept.scheme for concept in self.concepts.values())

    @cached_property
    def narrower(self) -> Mapping[str, tuple[str, ...]]:
        """The concepts directly below each."""
        below: dict[str, list[str]] = {}
        for concept in self.concepts.values():
            if concept.broader:
                below.setdefault(concept.broader, []).append(concept.id)
        return {concept_id: tuple(ids) for concept_id, ids in below.items()}

    def labels(self, lang: str) -> Mapping[str, str]:
        """The label of each concept in a language, in the order of labels."""
        known = self._labels.get(lang)
        if known is None:
            rows = sorted((concept.label(lang), concept.id) for concept in self.concepts.values())
            known = self._labels[lang] = {concept_id: label for label, concept_id in rows}
        return known

    def places(self, lang: str) -> Mapping[str, int]:
        """Where each concept stands in that order."""
        known = self._places.get(lang)
        if known is None:
            known = self._places[lang] = {concept_id: place for place, concept_id in enumerate(self.labels(lang))}
        return known

    @cached_property
    def deep_schemes(self) -> frozenset[str]:
        """The schemes in which some concepts are wider than others."""
        return frozenset(concept.scheme for concept in self.concepts.values() if concept.broader)

    def broader_than(self, concept_id: str) -> tuple[str, ...]:
        """Every wider concept, nearest first; a circle in the data ends the line instead of the program."""
        return self.lines.get(concept_id, ())

    @cached_property
    def lines(self) -> Mapping[str, tuple[str, ...]]:
        """Every wider concept of each, nearest first."""
        return {concept_id: self._line(concept_id) for concept_id in self.concepts}

    def _line(self, concept_id: str) -> tuple[str, ...]:
        line: list[str] = []
        concept = self.concepts.get(concept_id)
        while concept is not None and concept.broader and concept.broader not in (concept_id, *line):
            line.append(concept.broader)
            concept = self.concepts.get(concept.broader)
        return tuple(line)
