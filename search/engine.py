"""What an engine must do: keep prepared entries in a folder and answer plans that hold no text typed by anyone.

A folder is private to one commit (search/generations.py), so an engine neither locks nor swaps. All engines rank by the
same sum (search/scoring.py): a clause is worth the best of its leaves, an entry the sum of its clauses; where not all
need to match, scoring.MATCHED is added for each that does. Points depend on the entry and on what the reader may know
of, and on nothing else, so every engine gives the same scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

# What an entry is found by: words wherever they stand, and concept ids, named in its texts or given by an editor.
# A wider concept stands as "~id" beside the one found. HOSPITAL: words of the institutions' names.
WORDS, CONCEPTS, HOSPITAL = "words", "concepts", "hospital"
BAGS = (WORDS, CONCEPTS, HOSPITAL)
EXACT = "exact"  # analysis.exact() of all texts, with positions
WIDER = "~"


@dataclass(frozen=True)
class Card:
    """What is needed of every entry at hand while collecting: who may see it, what it is counted and sorted by.

    facets: (scheme, concept id) pairs, wider concepts included. published: seconds since 1970, UTC. traits: yes-or-no
    things a reader may ask for, of TRAITS.
    """

    entry_id: str
    version: int
    audiences: frozenset[str]
    facets: frozenset[tuple[str, str]]
    langs: frozenset[str]
    traits: frozenset[str]
    duration_s: float
    published: float
    year: int | None

    @property
    def newest_key(self) -> str:
        """Orders newest first, then by id; no two entries share it."""
        return f"{max(0, _LAST_MS - round(self.published * 1000)):014d}{self.entry_id}"

    @property
    def shortest_key(self) -> str:
        """Orders shortest first, then newest."""
        return f"{min(round(max(0.0, self.duration_s) * 1000), 10**12 - 1):012d}{self.newest_key}"


_LAST_MS = 10**14 - 1
TRAITS = frozenset({"captions", "steps", "annotations"})


@dataclass(frozen=True)
class Offer:
    """A title or a name that may be completed while it is typed. keys: ways to type it (search/suggest.py)."""

    text: str
    kind: str  # "title" or "person"
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Offers:
    """What an entry adds to completions and to the words that spelling knows, from its titles and names."""

    offers: tuple[Offer, ...] = ()
    latin_words: tuple[str, ...] = ()
    chinese_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreparedEntry:
    """An entry as an engine stores it.

    bags: field -> token -> how much it says there, an index into scoring.LEVELS. exact: the tokens at each position.
    """

    card: Card
    bags: Mapping[str, Mapping[str, int]]
    exact: Sequence[Sequence[str]]
    record: bytes
    offers: Offers = Offers()


@dataclass(frozen=True)
class Term:
    """A token in one bag."""

    field: str
    token: str
    weight: float


@dataclass(frozen=True)
class Phrase:
    """(offset, token) pairs that must stand in EXACT at one position plus offset."""

    tokens: tuple[tuple[int, str], ...]
    weight: float


@dataclass(frozen=True)
class AllOf:
    """Clauses that must all match; scores their sum."""

    clauses: tuple["Clause", ...]


@dataclass(frozen=True)
class Clause:
    """One thing the reader asked for: any of the leaves, scored as the best one. No leaves: matches nothing."""

    leaves: tuple["Leaf", ...]
    typed: str = ""
    is_word: bool = False  # a word as typed, which spelling may mend
    start: int = 0  # where it was typed, in the query as it was read
    end: int = 0


Leaf = Term | Phrase | AllOf


@dataclass(frozen=True)
class Range:
    """A closed interval; None is open. strict: the ends themselves are outside."""

    least: float | None = None
    most: float | None = None
    strict: bool = False

    def holds(self, value: float | None) -> bool:
        """Is the value inside?"""
        if value is None:
            return False
        if self.strict:
            return (self.least is None or value > self.least) and (self.most is None or value < self.most)
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class Filters:
    """What an entry must be, whatever its words: conditions of the query language."""

    terms: tuple[frozenset[tuple[str, str]], ...] = ()  # one of each set
    without: frozenset[tuple[str, str]] = frozenset()
    langs: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()  # all of them
    without_traits: frozenset[str] = frozenset()
    years: tuple[Range, ...] = ()
    durations_s: tuple[Range, ...] = ()

    def hold(self, card: Card) -> bool:
        """Does the entry meet all of them?"""
        return (
            all(wanted & card.facets for wanted in self.terms)
            and not self.without & card.facets
            and (not self.langs or bool(self.langs & card.langs))
            and self.traits <= card.traits
            and not self.without_traits & card.traits
            and all(years.holds(card.year) for years in self.years)
            and all(durations.holds(card.duration_s) for durations in self.durations_s)
        )


SortKey = tuple[float, str]


@dataclass(frozen=True)
class EngineQuery:
    """What to collect.

    conditions: clauses that must match too, but are worth nothing and are never given up.
    facets: scheme -> chosen ids. few: with fewer entries than this (before facets are chosen) that match all clauses,
    take those that match all but one, then those that match any. after: the key of the last hit of the page before,
    which was the skip-th of all; an engine goes by whichever serves it.
    """

    clauses: tuple[Clause, ...]
    excluded: tuple[Clause, ...]
    filters: Filters
    audiences: frozenset[str]
    conditions: tuple[Clause, ...] = ()
    facets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sort: str = "relevance"
    limit: int = 20
    after: SortKey | None = None
    skip: int = 0
    few: int = 1
    with_facets: bool = True


@dataclass(frozen=True)
class EngineHit:
    """One entry found; key gives its place in the order, record is what was stored to show it."""

    entry_id: str
    version: int
    score: float
    key: SortKey
    record: bytes


@dataclass(frozen=True)
class EngineAnswer:
    """What was collected; every number counts only entries of the reader's audiences.

    unmatched: numbers of the clauses that no entry matches. required: how many clauses an entry had to match.
    facet_counts: (scheme, id) -> entries there would be if it were chosen; a scheme's own choice does not count in it.
    """

    total: int
    hits: tuple[EngineHit, ...]
    more: bool
    facet_counts: Mapping[tuple[str, str], int]
    unmatched: frozenset[int]
    required: int


class EngineReader(Protocol):
    """An open folder; any thread may call it at any time."""

    def find(self, query: EngineQuery) -> EngineAnswer:
        """Collect, count, rank."""
        ...

    def frequency(self, field: str, token: str, audiences: frozenset[str]) -> int:
        """In how many entries that these readers may know of a token stands."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class Engine(Protocol):
    """What stores and finds. `name` is the scheme of its URL, `version` changes when its files do.

    mapped: its readers map files into memory, where one cut short kills the process: sizes are looked at first.
    """

    name: str
    version: int
    mapped: bool

    def create(self, folder: Path) -> None:
        """Make an empty index in an empty folder."""
        ...

    def write(self, folder: Path, entries: Iterable[PreparedEntry], deleted_ids: Iterable[str]) -> int:
        """Delete, replace and add in one commit; the number of entries there are then.

        Files already in the folder are shared with earlier commits: add new ones or remove, never write into them.
        """
        ...

    def open(self, folder: Path, before: EngineReader | None = None) -> EngineReader:
        """Open for searching. Raises one of `damage` when the files make no sense.

        before: the commit open until now, from which an engine may take over what did not change.
        """
        ...

    @property
    def damage(self) -> tuple[type[Exception], ...]:
        """What reading raises when files are gone or altered."""
        ...


def sort_key(sort: str, score: float, card: Card) -> SortKey:
    """Smaller comes first; no two entries have the same."""
    if sort == "newest":
        return (0.0, card.newest_key)
    if sort == "length":
        return (0.0, card.shortest_key)
    return (-score, card.newest_key)
