"""What is asked of the index and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SORTS = ("relevance", "newest", "length")  # length: shortest first
MAX_LIMIT = 100


@dataclass(frozen=True)
class SearchRequest:
    """One search by one reader.

    text: what was typed, in the query language of search/query.py; any text is allowed, "" lists everything.
    lang: language of labels and snippets, "zh" or "en"; not a filter.
    facets: scheme -> concept ids; OR within a scheme, AND between schemes; narrower concepts count in.
    audiences: the groups the reader belongs to, e.g. {"public"} or {"public", "signed_in"}; the reader sees
        entries that share at least one. An empty set sees nothing.
    sort: one of SORTS; anything else is "relevance". limit: clamped to 0..100.
    cursor: `next_cursor` of the page before, else None.
    """

    text: str
    lang: str = "en"
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    audiences: frozenset[str] = frozenset()
    sort: str = "relevance"
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True)
class MarkedText:
    """Plain text (never HTML) and the ranges [start, end) in it to show as found; ranges do not overlap."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def segments(self) -> tuple[tuple[str, bool], ...]:
        """The text cut into (piece, is it marked), for a template that escapes each piece."""
        pieces: list[tuple[str, bool]] = []
        at = 0
        for start, end in self.marks:
            pieces += [(self.text[at:start], False), (self.text[start:end], True)]
            at = end
        pieces.append((self.text[at:], False))
        return tuple((piece, marked) for piece, marked in pieces if piece)


@dataclass(frozen=True)
class FoundMoment:
    """A stretch of a hit where the query's words are."""

    start_s: float
    end_s: float
    kind: str
    text: str
    lang: str | None


@dataclass(frozen=True)
class Hit:
    """One entry found; title and picture are the catalogue's to add."""

    entry_id: str
    version: int
    score: float
    title: MarkedText
    snippet: MarkedText
    moments: tuple[FoundMoment, ...]


class FacetCount(NamedTuple):
    """How many entries the page would list if this term of its scheme were chosen.

    Terms come as a tree read from the top: a narrower term follows its wider one, one deeper.
    """

    term: str
    label: str
    count: int  # type: ignore[assignment]  # hides the method of tuples
    depth: int = 0


@dataclass(frozen=True)
class Expansion:
    """What was made of a piece of the query, for the page to explain.

    kind: "concept" (into: labels), "spelling", "pinyin" (into: what was searched instead), "filter" (into: labels
    or values), "ignored" (could not be used, or past the bounds), "relaxed" (typed: ""; into: "all_but_one"/"any").
    including: some other names of a concept that are looked for too.
    """

    kind: str
    typed: str
    into: tuple[str, ...] = ()
    including: tuple[str, ...] = ()


@dataclass(frozen=True)
class RelatedTerm:
    """A term near to what was asked for, of which the reader would find `count` entries."""

    scheme: str
    term: str
    label: str
    count: int


@dataclass(frozen=True)
class SearchPage:
    """One page of hits; totals and counts cover only what the reader may know of.

    related: where nothing was found, terms that would find something.
    """

    total: int
    took_ms: float
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[FacetCount, ...]]
    did_you_mean: str | None
    expanded: tuple[Expansion, ...]
    next_cursor: str | None
    related: tuple[RelatedTerm, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """A completion: a vocabulary term (concept_id set), a person, or an entry's title (entry_id set)."""

    text: str
    kind: str  # "term", "person" or "title"
    concept_id: str | None = None
    entry_id: str | None = None
