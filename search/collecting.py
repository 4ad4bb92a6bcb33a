"""The collector: ranks, counts and pages by arrays over all entries, for engines that keep only postings.

Every clause becomes an array of points, one for each document number, 0 where the clause does not match; how many of an
entry's points are above 0 tells how many clauses it meets, so that all, all but one and any cost one walk.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from search import scoring
from search.engine import AllOf, Card, Clause, EngineQuery, Filters, Leaf, Phrase, SortKey, Term, sort_key

KEPT_AUDIENCES = 64  # groups of readers whose view of a commit is remembered

Points = npt.NDArray[np.float32]  # of every entry
Mask = npt.NDArray[np.bool_]  # over all entries
Numbers = npt.NDArray[np.int64]
Facet = tuple[str, str]
_GRAINS = 2**32  # more than there are entries


class Postings(Protocol):
    """What is asked of an engine's files; deleted documents are left out."""

    def of(self, field: str, token: str) -> tuple[Numbers, Numbers]:
        """The document numbers of the entries with the token in a bag, and the level of each."""
        ...

    def positions(self, token: str, within: Iterable[int]) -> Iterator[tuple[int, Sequence[int]]]:
        """(document number, positions) in EXACT, of the documents in `within`."""
        ...

    def frequency(self, token: str) -> int:
        """About how many entries have the token in EXACT."""
        ...


class Shelf:
    """The cards of one commit by document number, None where a document was deleted; threads share it."""

    def __init__(self, cards: Sequence[Card | None]) -> None:
        self._cards = cards
        self._views: dict[frozenset[str], Mask] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._cards)

    def __getitem__(self, number: int) -> Card:
        card = self._cards[number]
        if card is None:
            raise LookupError(number)
        return card

    def view(self, audiences: frozenset[str]) -> Mask:
        """The documents these readers may know of; the others are out before anything is counted or ranked."""
        with self._lock:
            known = self._views.get(audiences)
        if known is None:
            known = np.array(
                [card is not None and bool(card.audiences & audiences) for card in self._cards], dtype=bool
            )
            with self._lock:
                if len(self._views) < KEPT_AUDIENCES:
                    self._views[audiences] = known
        return known

    @cached_property
    def newest(self) -> "Order":
        """The order of `Card.newest_key`."""
        return Order([card.newest_key if card else "" for card in self._cards])

    @cached_property
    def shortest(self) -> "Order":
        """The order of `Card.shortest_key`."""
        return Order([card.shortest_key if card else "" for card in self._cards])

    @cached_property
    def facets(self) -> "Facets":
        """Who has which facet."""
        return Facets(self._cards)


class Order:
    """Where each entry stands when all are sorted by a key."""

    def __init__(self, keys: Sequence[str]) -> None:
        by_key = sorted(range(len(keys)), key=keys.__getitem__)
        self._sorted = [keys[number] for number in by_key]
        self.places = np.empty(len(keys), dtype=np.int64)
        self.places[by_key] = np.arange(len(keys))

    def behind(self, key: str) -> int:
        """The first place behind all entries up to this key."""
        return bisect_right(self._sorted, key)


class Facets:
    """Every facet of every entry, as rows of (entry, facet)."""

    def __init__(self, cards: Sequence[Card | None]) -> None:
        self._numbers: dict[Facet, int] = {}
        rows = [
            (entry, self._numbers.setdefault(facet, len(self._numbers)))
            for entry, card in enumerate(cards)
            if card is not None
            for facet in card.facets
        ]
        table = np.array(rows, dtype=np.int64).reshape(-1, 2)
        self._entries, self._held = table[:, 0], table[:, 1]

    def having(self, wanted: Iterable[Facet], count: int) -> Mask:
        """Which of `count` entries have one of these."""
        mask = np.zeros(count, dtype=bool)
        for facet in wanted:
            if facet in self._numbers:
                mask[self._entries[self._held == self._numbers[facet]]] = True
        return mask

    def counted(self, entries: Mask) -> dict[Facet, int]:
        """How many of some entries have each facet, of those that any has."""
        counts = np.bincount(self._held[entries[self._entries]], minlength=len(self._numbers)).tolist()
        return {facet: count for facet, count in zip(self._numbers, counts, strict=True) if count}


@dataclass(frozen=True)
class Collected:
    """The answer but for what is stored: the page's rows are (key, document number, score)."""

    total: int
    rows: tuple[tuple[SortKey, int, float], ...]
    more: bool
    facet_counts: Mapping[Facet, int]
    unmatched: frozenset[int]
    required: int


def collect(query: EngineQuery, shelf: Shelf, postings: Postings) -> Collected:
    """The answer to one query."""
    return _Collection(query, shelf, postings).answer()


class _Collection:
    def __init__(self, query: EngineQuery, shelf: Shelf, postings: Postings) -> None:
        self._query = query
        self._shelf = shelf
        self._postings = postings
        self._visible = shelf.view(query.audiences)
        self._known = int(self._visible.sum())

    def answer(self) -> Collected:
        query = self._query
        tables = [self._clause(clause) for clause in query.clauses]
        matched = np.zeros(len(self._shelf), dtype=np.int64)
        for table in tables:
            matched += table > 0
        eligible = self._visible & (matched > 0) if tables else self._visible.copy()
        for clause in query.conditions:
            eligible &= self._clause(clause) > 0
        for clause in query.excluded:
            eligible &= self._clause(clause) == 0
        if query.filters != Filters():
            for number in np.flatnonzero(eligible).tolist():
                eligible[number] = query.filters.hold(self._shelf[number])
        required, meeting = _enough(matched, eligible, len(tables), query.few)
        passing, counts = self._count_facets(meeting)
        numbers = np.flatnonzero(passing)
        scores = np.zeros(len(numbers), dtype=np.float32)
        if tables and query.sort == "relevance":
            for table in tables:
                scores += table[numbers]
            if required < len(tables):
                scores += np.float32(scoring.MATCHED) * matched[numbers].astype(np.float32)
        rows, more = self._page(numbers, scores)
        unmatched = frozenset(number for number, table in enumerate(tables) if not table.any())
        return Collected(len(numbers), rows, more, counts, unmatched, required)

    def _page(self, numbers: Numbers, scores: Points) -> tuple[tuple[tuple[SortKey, int, float], ...], bool]:
        """The best of them behind the last hit of the page before, in the order of `sort_key`."""
        query = self._query
        order = self._shelf.shortest if query.sort == "length" else self._shelf.newest
        # points are multiples of 1/64, so this orders by score, then by place
        ranks = np.rint(scores * -scoring.GRAIN).astype(np.int64) * _GRAINS + order.places[numbers]
        if query.after is not None:
            minus, key = query.after
            behind = round(minus * scoring.GRAIN) * _GRAINS + order.behind(key)
            left = ranks >= behind
            numbers, scores, ranks = numbers[left], scores[left], ranks[left]
        best = np.arange(len(ranks))
        if len(ranks) > query.limit:
            best = np.argpartition(ranks, query.limit)[: query.limit]
        best = best[np.argsort(ranks[best])]
        page = zip(numbers[best].tolist(), scores[best].tolist(), strict=True)
        rows = tuple((sort_key(query.sort, score, self._shelf[number]), number, score) for number, score in page)
        return rows, len(ranks) > len(rows)

    def _count_facets(self, meeting: Mask) -> tuple[Mask, Mapping[Facet, int]]:
        """Who passes all chosen facets, and the counts; an entry that one scheme alone keeps out counts in it."""
        query, passing = self._query, meeting
        if not query.with_facets and not query.facets:
            return passing, {}
        facets = self._shelf.facets
        chosen = {
            scheme: facets.having(((scheme, id_) for id_ in ids), len(self._shelf))
            for scheme, ids in query.facets.items()
            if ids
        }
        for having in chosen.values():
            passing = passing & having
        if not query.with_facets:
            return passing, {}
        counts = {facet: count for facet, count in facets.counted(passing).items() if facet[0] not in chosen}
        for scheme in chosen:
            free = meeting
            for other, having in chosen.items():
                free = free if other == scheme else free & having
            counts |= {facet: count for facet, count in facets.counted(free).items() if facet[0] == scheme}
        return passing, counts

    def _clause(self, clause: Clause) -> Points:
        best = np.zeros(len(self._shelf), dtype=np.float32)
        for leaf in clause.leaves:
            np.maximum(best, self._leaf(leaf), out=best)
        return best

    def _leaf(self, leaf: Leaf) -> Points:
        if isinstance(leaf, Phrase):
            return self._phrase(leaf)
        if isinstance(leaf, AllOf):
            tables = [self._clause(clause) for clause in leaf.clauses]
            if not tables:
                return np.zeros(len(self._shelf), dtype=np.float32)
            together: Points = np.add.reduce(tables)
            together[np.minimum.reduce(tables) == 0] = 0
            return together
        return self._term(leaf)

    def _term(self, term: Term) -> Points:
        numbers, levels = self._postings.of(term.field, term.token)
        known = self._visible[numbers]
        numbers, levels = numbers[known], levels[known]
        rare = scoring.rarity(len(numbers), self._known)
        by_level = [scoring.points(term.weight, rare, impact) for impact in scoring.LEVELS]
        points = np.zeros(len(self._shelf), dtype=np.float32)
        points[numbers] = np.array(by_level, dtype=np.float32)[levels]
        return points

    def _phrase(self, phrase: Phrase) -> Points:
        """Rarest token first; an entry stays while some start fits all tokens so far."""
        frequency = {token: self._postings.frequency(token) for _, token in phrase.tokens}
        starts: dict[int, set[int]] = {}
        for step, (offset, token) in enumerate(sorted(phrase.tokens, key=lambda pair: frequency[pair[1]])):
            found: dict[int, set[int]] = {}
            within = starts if step else np.flatnonzero(self._visible).tolist()
            for number, positions in self._postings.positions(token, within):
                fitting = {position - offset for position in positions}
                fitting = fitting & starts[number] if step else fitting
                if fitting:
                    found[number] = fitting
            starts = found
        points = np.zeros(len(self._shelf), dtype=np.float32)
        points[list(starts)] = scoring.points(phrase.weight, scoring.rarity(len(starts), self._known))
        return points


def _enough(matched: Numbers, eligible: Mask, clauses: int, few: int) -> tuple[int, Mask]:
    """All clauses; with few such entries all but one; with few of those, any. What adds none does not count."""
    required, meeting = clauses, eligible & (matched >= clauses)
    for fewer in (clauses - 1, 1):
        if 1 <= fewer < required and meeting.sum() < few:
            more = eligible & (matched >= fewer)
            if more.sum() > meeting.sum():
                required, meeting = fewer, more
    return required, meeting
