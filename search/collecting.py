"""The collector: walks postings, and counts, ranks and pages in one go, for engines that keep only postings.

Every clause becomes a table of document number -> points; an entry's number of tables tells how many clauses it meets,
so that all, all but one and any cost one walk.
"""

import heapq
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from search import scoring
from search.engine import AllOf, Card, Clause, EngineQuery, Leaf, Phrase, SortKey, Term, sort_key

KEPT_AUDIENCES = 64  # groups of readers whose view of a commit is remembered

Scores = dict[int, float]


class Postings(Protocol):
    """What is asked of an engine's files; deleted documents are left out."""

    def of(self, field: str, token: str) -> Sequence[tuple[int, int]]:
        """(document number, level) for each entry with the token in a bag."""
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
        self.live = [number for number, card in enumerate(cards) if card is not None]
        self._views: dict[frozenset[str], frozenset[int]] = {}
        self._lock = threading.Lock()

    def __getitem__(self, number: int) -> Card:
        card = self._cards[number]
        if card is None:
            raise LookupError(number)
        return card

    def view(self, audiences: frozenset[str]) -> frozenset[int]:
        """The documents these readers may know of; the others are out before anything is counted or ranked."""
        with self._lock:
            known = self._views.get(audiences)
        if known is None:
            known = frozenset(number for number in self.live if self[number].audiences & audiences)
            with self._lock:
                if len(self._views) < KEPT_AUDIENCES:
                    self._views[audiences] = known
        return known


@dataclass(frozen=True)
class Collected:
    """The answer but for what is stored: the page's rows are (key, document number, score)."""

    total: int
    rows: tuple[tuple[SortKey, int, float], ...]
    more: bool
    facet_counts: Mapping[tuple[str, str], int]
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

    def answer(self) -> Collected:
        query = self._query
        tables = [self._clause(clause) for clause in query.clauses]
        excluded = {number for clause in query.excluded for number in self._clause(clause)}
        conditions = [self._clause(clause) for clause in query.conditions]
        matched = Counter(number for table in tables for number in table)
        eligible = [
            number
            for number in (matched if tables else self._visible)
            if number not in excluded
            and all(number in table for table in conditions)
            and query.filters.hold(self._shelf[number])
        ]
        required, numbers = _enough(matched, eligible, len(tables), query.few)
        passing, counts = self._count_facets(numbers)
        ranked = tables if query.sort == "relevance" else ()
        each = scoring.MATCHED if ranked and required < len(tables) else 0.0
        scores = {n: sum((table.get(n, 0.0) for table in ranked), each * matched[n]) for n in passing}
        rows, more = self._page(scores)
        unmatched = frozenset(number for number, table in enumerate(tables) if not table)
        return Collected(len(passing), rows, more, counts, unmatched, required)

    def _page(self, scores: Scores) -> tuple[tuple[tuple[SortKey, int, float], ...], bool]:
        query = self._query
        keyed = [(sort_key(query.sort, score, self._shelf[number]), number, score) for number, score in scores.items()]
        if query.after is not None:
            keyed = [row for row in keyed if row[0] > query.after]
        best = heapq.nsmallest(query.limit, keyed)
        return tuple(best), len(keyed) > len(best)

    def _count_facets(self, numbers: Iterable[int]) -> tuple[list[int], Mapping[tuple[str, str], int]]:
        """Who passes all chosen facets, and the counts; an entry that one scheme alone keeps out counts in it."""
        counts: Counter[tuple[str, str]] = Counter()
        passing: list[int] = []
        facets = self._query.facets
        chosen = {scheme: frozenset((scheme, id_) for id_ in ids) for scheme, ids in facets.items() if ids}
        for number in numbers:
            has = self._shelf[number].facets
            missed = [scheme for scheme, wanted in chosen.items() if not wanted & has]
            if not missed:
                passing.append(number)
            if not self._query.with_facets:
                continue
            if not missed:
                counts.update(has)
            elif len(missed) == 1:
                counts.update(facet for facet in has if facet[0] == missed[0])
        return passing, counts

    def _clause(self, clause: Clause) -> Scores:
        best: Scores = {}
        for leaf in clause.leaves:
            for number, score in self._leaf(leaf).items():
                if score > best.get(number, 0.0):
                    best[number] = score
        return best

    def _leaf(self, leaf: Leaf | Phrase | AllOf) -> Scores:
        if isinstance(leaf, Phrase):
            return self._phrase(leaf)
        if isinstance(leaf, AllOf):
            tables = [self._clause(clause) for clause in leaf.clauses]
            everywhere = set(tables[0]).intersection(*tables[1:]) if tables else set()
            return {number: sum(table[number] for table in tables) for number in everywhere}
        scores: Scores = {}
        for term in leaf.terms:
            for number, score in self._term(term):
                scores[number] = scores.get(number, 0.0) + score
        return scores

    def _term(self, term: Term) -> Iterator[tuple[int, float]]:
        visible = self._visible
        rows = [row for row in self._postings.of(term.field, term.token) if row[0] in visible]
        rare = scoring.rarity(len(rows), len(visible))
        by_level = [scoring.points(term.weight, rare, impact) for impact in scoring.LEVELS]
        return ((number, by_level[level]) for number, level in rows)

    def _phrase(self, phrase: Phrase) -> Scores:
        """Rarest token first; an entry stays while some start fits all tokens so far."""
        frequency = {token: self._postings.frequency(token) for _, token in phrase.tokens}
        starts: dict[int, set[int]] = {}
        for step, (offset, token) in enumerate(sorted(phrase.tokens, key=lambda pair: frequency[pair[1]])):
            found: dict[int, set[int]] = {}
            for number, positions in self._postings.positions(token, starts if step else self._visible):
                fitting = {position - offset for position in positions}
                fitting = fitting & starts[number] if step else fitting
                if fitting:
                    found[number] = fitting
            starts = found
        worth = scoring.points(phrase.weight, scoring.rarity(len(starts), len(self._visible)))
        return dict.fromkeys(starts, worth)


def _enough(matched: Mapping[int, int], eligible: Sequence[int], clauses: int, few: int) -> tuple[int, list[int]]:
    """All clauses; with few such entries all but one; with few of those, any. What adds none does not count."""
    required, numbers = clauses, [number for number in eligible if matched[number] >= clauses]
    for fewer in (clauses - 1, 1):
        if 1 <= fewer < required and len(numbers) < few:
            more = [number for number in eligible if matched[number] >= fewer]
            if len(more) > len(numbers):
                required, numbers = fewer, more
    return required, numbers
