"""Entries made ready for an engine: tokens by field, the card, and the record that snippets and moments come from."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from search.analysis import Analyzer
from search.concepts import ConceptFinder
from search.documents import EntryDocument, Moment, Vocabulary
from search.engine import (
    BAGS,
    SPOKEN,
    SPOKEN_CONCEPTS,
    TERMS,
    TEXT,
    TEXT_CONCEPTS,
    TITLE,
    TITLE_CONCEPTS,
    WIDER,
    Card,
    PreparedEntry,
)

# Between two texts no phrase is found: more positions than a phrase of a query can have.
_GAP: tuple[tuple[str, ...], ...] = ((),)
CONCEPT_MARK = "="  # in a record's postings: concept ids beside words


@dataclass(frozen=True)
class Record:
    """What a hit is shown from. postings: word, or "=" and concept id -> numbers of moments it stands in."""

    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    moments: tuple[Moment, ...]
    postings: Mapping[str, tuple[int, ...]]


class Preparer:
    """Turns documents into what engines store, with one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, analyzer: Analyzer, finder: ConceptFinder) -> None:
        self._vocabulary = vocabulary
        self._analyzer = analyzer
        self._finder = finder

    def prepare(self, document: EntryDocument) -> PreparedEntry:
        """Everything an engine needs of one entry."""
        titles = list(document.titles.values())
        texts = [*document.summaries.values(), *document.keywords, *document.people]
        spoken = [self._read(moment.text) for moment in document.moments]
        assigned = [id_ for ids in document.terms.values() for id_ in ids]
        bags = {
            TITLE: self._words(titles),
            TEXT: self._words(texts),
            SPOKEN: [word for words, _ in spoken for word in words],
            TITLE_CONCEPTS: self._with_wider(self._concepts(titles)),
            TEXT_CONCEPTS: self._with_wider(self._concepts(texts)),
            SPOKEN_CONCEPTS: self._with_wider(id_ for _, ids in spoken for id_ in ids),
            TERMS: self._with_wider(assigned),
        }
        exact: list[tuple[str, ...]] = []
        for text in (*titles, *texts, *(moment.text for moment in document.moments)):
            exact += [*self._analyzer.exact(text), *_GAP]
        lengths = tuple(len(bags[bag]) for bag in BAGS)
        return PreparedEntry(self._card(document, lengths), bags, exact, _pack(document, spoken))

    def _read(self, text: str) -> tuple[list[str], list[str]]:
        return self._words([text]), self._concepts([text])

    def _words(self, texts: Iterable[str]) -> list[str]:
        return [token.text for text in texts for token in self._analyzer.words(text)]

    def _concepts(self, texts: Iterable[str]) -> list[str]:
        return [
            concept_id
            for text in texts
            for found in self._finder.all_in(self._analyzer.units(text, loose=False))
            for concept_id in found.concept_ids
        ]

    def _with_wider(self, concept_ids: Iterable[str]) -> list[str]:
        tokens: list[str] = []
        for concept_id in concept_ids:
            tokens.append(concept_id)
            tokens += [WIDER + wider for wider in self._vocabulary.broader_than(concept_id)]
        return tokens

    def _card(self, document: EntryDocument, lengths: tuple[int, ...]) -> Card:
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
            titles=dict(document.titles),
            duration_s=document.duration_s,
            published=document.published_at.timestamp(),
            year=document.year,
            lengths=lengths,
        )


def _pack(document: EntryDocument, spoken: list[tuple[list[str], list[str]]]) -> bytes:
    postings: dict[str, list[int]] = {}
    for number, (words, concept_ids) in enumerate(spoken):
        for token in {*words, *(CONCEPT_MARK + concept_id for concept_id in concept_ids)}:
            postings.setdefault(token, []).append(number)
    content = {
        "titles": dict(document.titles),
        "summaries": dict(document.summaries),
        "moments": [[m.start_s, m.end_s, m.kind, m.text, m.lang] for m in document.moments],
        "postings": postings,
    }
    return zlib.compress(json.dumps(content, ensure_ascii=False).encode(), 1)


def unpack(packed: bytes) -> Record:
    """The record as it was packed."""
    content = json.loads(zlib.decompress(packed))
    return Record(
        titles=content["titles"],
        summaries=content["summaries"],
        moments=tuple(Moment(*row) for row in content["moments"]),
        postings={token: tuple(numbers) for token, numbers in content["postings"].items()},
    )


def pack_card(card: Card) -> bytes:
    """A card as bytes, for engines that keep them in a column."""
    row = [
        card.entry_id,
        card.version,
        sorted(card.audiences),
        sorted(card.facets),
        sorted(card.langs),
        dict(card.titles),
        card.duration_s,
        card.published,
        card.year,
        card.lengths,
    ]
    return json.dumps(row, ensure_ascii=False).encode()


def unpack_card(packed: bytes) -> Card:
    """The card as it was packed."""
    entry_id, version, audiences, facets, langs, titles, duration_s, published, year, lengths = json.loads(packed)
    return Card(
        entry_id=entry_id,
        version=version,
        audiences=frozenset(audiences),
        facets=frozenset((scheme, concept_id) for scheme, concept_id in facets),
        langs=frozenset(langs),
        titles=titles,
        duration_s=duration_s,
        published=published,
        year=year,
        lengths=tuple(lengths),
    )
