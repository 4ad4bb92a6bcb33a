"""Entries made ready for an engine: tokens by field, the card, the record, and what may be completed."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from search import scoring
from search.analysis import Analyzer, Token
from search.concepts import ConceptFinder
from search.documents import EntryDocument, Moment, Vocabulary
from search.engine import CONCEPTS, HOSPITAL, WIDER, WORDS, Card, Offers, PreparedEntry
from search.records import CONCEPT_MARK, pack
from search.suggest import TypedKeys

# Between two texts no phrase is found; between two cues of one speech it is.
_GAP: tuple[tuple[str, ...], ...] = ((),)
SPEECH_PAUSE_S = 2.0
KEPT_READINGS = 2048
_TRAIT_OF = {"caption": "captions", "step": "steps", "phase": "steps", "annotation": "annotations"}


class Reading(NamedTuple):
    """A text taken apart; exact: see Analyzer.exact."""

    words: Sequence[Token]
    concepts: Sequence[Token]
    exact: Sequence[tuple[str, ...]]


class Preparer:
    """Turns documents into what engines store, with one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer, finder: ConceptFinder, typed: TypedKeys) -> None:
        self._vocabulary = vocabulary
        self._analyzer = analyzer
        self._finder = finder
        self._typed = typed
        # Names, institutions and steps stand in many entries.
        self.read = lru_cache(maxsize=KEPT_READINGS)(self._read)

    def prepare(self, document: EntryDocument) -> PreparedEntry:
        """Everything an engine needs of one entry."""
        titles, summaries = list(document.titles.values()), list(document.summaries.values())
        further = [*document.keywords, *document.people, *document.hospitals]
        shown = [self.read(text) for text in (*titles, *summaries)]
        others = [self.read(text) for text in further]
        in_titles, in_texts = shown[: len(titles)], [*shown[len(titles) :], *others]
        spoken = [self.read(moment.text) for moment in document.moments]
        assigned = [id_ for ids in document.terms.values() for id_ in ids]
        words = [
            (scoring.TITLE, _words(in_titles)),
            (scoring.TEXT, _words(in_texts)),
            (scoring.SPOKEN, _words(spoken)),
        ]
        concepts = [
            (scoring.GIVEN, assigned),
            (scoring.TITLE_CONCEPTS, _concepts(in_titles)),
            (scoring.TEXT_CONCEPTS, _concepts(in_texts)),
            (scoring.SPOKEN_CONCEPTS, _concepts(spoken)),
        ]
        bags = {
            WORDS: scoring.levels(words),
            CONCEPTS: scoring.levels((place, self._with_wider(ids)) for place, ids in concepts),
            HOSPITAL: dict.fromkeys(_words(map(self.read, document.hospitals)), 0),
        }
        tokens = [[*_words([found]), *self._marked(_concepts([found]))] for found in spoken]
        return PreparedEntry(
            self._card(document),
            bags,
            _exact([*shown, *others], document.moments, spoken),
            pack(document, tokens, self._places(shown)),
            self._offers(document),
        )

    def _read(self, text: str) -> "Reading":
        """The words and concepts of a text with their places, and its tokens by position."""
        units = self._analyzer.units(text, loose=False)
        concepts = [
            Token(concept_id, units[found.first].start, units[found.last].end)
            for found in self._finder.all_in(units)
            for concept_id in found.concept_ids
        ]
        return Reading(self._analyzer.words(text), concepts, self._analyzer.exact(text))

    def _places(self, shown: Sequence["Reading"]) -> Iterator[tuple[str, int, int, int]]:
        for number, reading in enumerate(shown):
            for word in reading.words:
                yield word.text, number, word.start, word.end
            for concept in reading.concepts:
                for named in self._marked([concept.text]):
                    yield named, number, concept.start, concept.end

    def _with_wider(self, concept_ids: Iterable[str]) -> list[str]:
        tokens: list[str] = []
        for concept_id in concept_ids:
            tokens.append(concept_id)
            tokens += [WIDER + wider for wider in self._vocabulary.broader_than(concept_id)]
        return tokens

    def _marked(self, concept_ids: Iterable[str]) -> Iterable[str]:
        for concept_id in concept_ids:
            for named in (concept_id, *self._vocabulary.broader_than(concept_id)):
                yield CONCEPT_MARK + named

    def _offers(self, document: EntryDocument) -> Offers:
        titles = tuple(dict.fromkeys(document.titles.values()))
        people = tuple(dict.fromkeys(document.people))
        words = [self._typed.words_of(text) for text in (*titles, *people)]
        return Offers(
            (
                *(self._typed.offer(title, "title") for title in titles),
                *(self._typed.offer(name, "person") for name in people),
            ),
            tuple(dict.fromkeys(word for latin, _ in words for word in latin)),
            tuple(dict.fromkeys(word for _, chinese in words for word in chinese)),
        )

    def _card(self, document: EntryDocument) -> Card:
        facets = {(scheme, concept_id) for scheme, ids in document.terms.items() for concept_id in ids}
        for scheme, concept_id in tuple(facets):
            facets.update((scheme, wider) for wider in self._vocabulary.broader_than(concept_id))
        spoken = {moment.lang for moment in document.moments if moment.kind == "caption" and moment.lang}
        return Card(
            entry_id=document.id,
            version=document.version,
            audiences=document.audiences,
            facets=frozenset(facets),
            langs=frozenset(lang.split("-")[0].lower() for lang in spoken or document.titles),
            traits=frozenset(_TRAIT_OF[moment.kind] for moment in document.moments if moment.kind in _TRAIT_OF),
            duration_s=document.duration_s,
            published=document.published_at.timestamp(),
            year=document.year,
        )


def goes_on(before: Moment, moment: Moment) -> bool:
    """Are these two cues of one speech, so that a phrase may run from one into the other?"""
    return (
        before.kind == moment.kind == "caption"
        and before.lang == moment.lang
        and 0 <= moment.start_s - before.end_s <= SPEECH_PAUSE_S
    )


def _exact(texts: Iterable["Reading"], moments: Sequence[Moment], spoken: Sequence["Reading"]) -> list[tuple[str, ...]]:
    exact: list[tuple[str, ...]] = []
    for reading in texts:
        exact += [*reading.exact, *_GAP]
    before: Moment | None = None
    rows = zip(moments, spoken, strict=True)
    for moment, reading in sorted(rows, key=lambda row: (row[0].kind, row[0].lang or "", row[0].start_s)):
        if before is not None and not goes_on(before, moment):
            exact += _GAP
        exact += reading.exact
        before = moment
    return exact


def _words(found: Iterable["Reading"]) -> list[str]:
    return [word.text for reading in found for word in reading.words]


def _concepts(found: Iterable["Reading"]) -> list[str]:
    return [concept.text for reading in found for concept in reading.concepts]


def pack_card(card: Card) -> bytes:
    """A card as bytes, for engines that keep them in a column."""
    row = [
        card.entry_id,
        card.version,
        sorted(card.audiences),
        sorted(card.facets),
        sorted(card.langs),
        sorted(card.traits),
        card.duration_s,
        card.published,
        card.year,
    ]
    return json.dumps(row, ensure_ascii=False).encode()


def unpack_card(packed: bytes) -> Card:
    """The card as it was packed."""
    entry_id, version, audiences, facets, langs, traits, duration_s, published, year = json.loads(packed)
    return Card(
        entry_id=entry_id,
        version=version,
        audiences=frozenset(audiences),
        facets=frozenset((scheme, concept_id) for scheme, concept_id in facets),
        langs=frozenset(langs),
        traits=frozenset(traits),
        duration_s=duration_s,
        published=published,
        year=year,
    )
