"""Searching in tantivy's files: a plan becomes a tree of its queries, and what it finds an answer.

Nothing passes through tantivy's query parser. A find is worth a constant (search/scoring.py). What only has to be
counted is asked for without worth, which costs a fraction: one list of entries a token instead of one a level. Ties are
settled as the entries lie, newest first in a segment; pages are counted off (`skip`) in the commit of the first page.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from search import scoring
from search.engine import (
    EXACT,
    AllOf,
    Clause,
    EngineAnswer,
    EngineHit,
    EngineQuery,
    Filters,
    Leaf,
    Phrase,
    Range,
    SortKey,
    Term,
)

AGGREGATED = 8000  # with more entries than this, walking the facets' postings is faster than the entries' facets
KEPT_FREQUENCIES = 50_000
LEVEL = "\x1f"  # between a token and its level
_NOTHING = Query.empty_query()
_TERMS = {"facets": {"terms": {"field": "facet", "size": 10_000}}}


class TantivyReader:
    """One commit, open for searching."""

    def __init__(self, folder: Path) -> None:
        self._index = tantivy.Index.open(str(folder))
        self.schema = self._index.schema
        self.searcher = self._index.searcher()
        # Frequencies in the term dictionary count deleted entries too.
        self.has_deleted = next(folder.glob("*.del"), None) is not None
        self._views: dict[frozenset[str], View] = {}
        self._lock = threading.Lock()

    def find(self, query: EngineQuery) -> EngineAnswer:
        """Collect, count, rank."""
        return _Search(self, query).answer()

    def frequency(self, field: str, token: str, audiences: frozenset[str]) -> int:
        """In how many entries that these readers may know of a token stands."""
        return self.view(audiences).frequency(field, token)

    def close(self) -> None:
        """Let go of the files; searches under way end in peace."""

    def view(self, audiences: frozenset[str]) -> "View":
        """The entries that these readers may know of."""
        with self._lock:
            known = self._views.get(audiences)
            if known is None:
                known = self._views[audiences] = View(self, audiences)
                while len(self._views) > 64:
                    self._views.pop(next(iter(self._views)))
        return known

    def count(self, query: Query) -> int:
        """How many entries match."""
        found: Any = self.searcher.search(query, 1)
        return int(found.count)

    def any_of(self, field: str, tokens: Iterable[str]) -> Query:
        """Entries with one of these, worth nothing."""
        terms = [Query.term_query(self.schema, field, token, "basic") for token in tokens]
        return Query.const_score_query(_any(terms), 0.0)


class View:
    """What one group of readers may know of in one commit, and how often words stand in it."""

    def __init__(self, reader: TantivyReader, audiences: frozenset[str]) -> None:
        self._reader = reader
        allowed = reader.any_of("audience", sorted(audiences))
        self.documents = reader.count(allowed)
        self.sees_all = self.documents == reader.searcher.num_docs
        self.filters: tuple[Query, ...] = () if self.sees_all else (allowed,)
        self._frequencies: dict[tuple[str, str], int] = {}
        self._terms: dict[Term, Query] = {}
        self._phrases: dict[tuple[tuple[int, str], ...], int] = {}
        self.everything: Mapping[tuple[str, str], int] | None = None  # how many have each facet, once asked for

    def frequency(self, field: str, token: str) -> int:
        """In how many entries a token stands in a bag."""
        known = self._frequencies.get((field, token))
        if known is None:
            known = self._count(field, token)
            if len(self._frequencies) > KEPT_FREQUENCIES:
                self._frequencies = {}
            self._frequencies[field, token] = known
        return known

    def of_term(self, term: Term) -> Query | None:
        """What finds a token with its points; None where it does not stand."""
        known = self._terms.get(term)
        if known is None:
            known = _any(list(self._worth(term)))
            if len(self._terms) > KEPT_FREQUENCIES:
                self._terms = {}
            self._terms[term] = known
        return known if self.frequency(term.field, term.token) else None

    def _worth(self, term: Term) -> Iterator[Query]:
        rare = scoring.rarity(self.frequency(term.field, term.token), self.documents)
        tokens = {f"{term.token}{LEVEL}{level}": impact for level, impact in enumerate(scoring.LEVELS)}
        worth = {
            token: scoring.points(term.weight, rare, impact)
            for token, impact in tokens.items()
            if self._reader.searcher.doc_freq(term.field, token)
        }
        if len(set(worth.values())) == 1:  # what stands nearly everywhere says nothing on any level: one list for all
            worth = dict.fromkeys([term.token], next(iter(worth.values())))
        for token, points in worth.items():
            found = Query.term_query(self._reader.schema, term.field, token, "basic")
            yield Query.const_score_query(found, points)

    def of_phrase(self, tokens: tuple[tuple[int, str], ...], query: Query) -> int:
        """In how many entries a phrase stands."""
        known = self._phrases.get(tokens)
        if known is None:
            known = self._reader.count(_all([Query.const_score_query(query, 1.0), *self.filters]))
            if len(self._phrases) > KEPT_FREQUENCIES:
                self._phrases = {}
            self._phrases[tokens] = known
        return known

    def _count(self, field: str, token: str) -> int:
        total = int(self._reader.searcher.doc_freq(field, token))
        if total and not (self.sees_all and not self._reader.has_deleted):
            return self._reader.count(_all([self._reader.any_of(field, [token]), *self.filters]))
        return total


_Row = tuple[float, str | None, tantivy.DocAddress]  # minus the score, the key if it is known, where it is stored


class _Search:
    """One query on its way."""

    def __init__(self, reader: TantivyReader, query: EngineQuery) -> None:
        self._reader = reader
        self._query = query
        self._view = reader.view(query.audiences)
        self._pages: dict[int, tuple[int, Sequence[_Row]]] = {}
        self._clauses = [self._clause(clause, ranked=True) for clause in query.clauses]
        self._counted = [self._clause(clause, ranked=False) for clause in query.clauses]
        excluded = [found for clause in query.excluded if (found := self._clause(clause, ranked=False)) is not None]
        self._filters: list[tuple[Any, Query]] = [(Occur.Must, allowed) for allowed in self._view.filters]
        self._filters += self._conditions(query.filters)
        self._filters += [(Occur.MustNot, clause) for clause in excluded]
        conditions = [self._clause(clause, ranked=False) or _NOTHING for clause in query.conditions]
        self._filters += [(Occur.Must, Query.const_score_query(clause, 0.0)) for clause in conditions]
        self._chosen = {
            scheme: reader.any_of("facet", [f"{scheme}:{id_}" for id_ in sorted(ids)])
            for scheme, ids in query.facets.items()
            if ids
        }

    def answer(self) -> EngineAnswer:
        required, count = self._enough()
        total, rows = self._searched(required)
        hits = tuple(self._hit(*row) for row in rows[: self._query.limit])
        counts = self._facets(required, total) if self._query.with_facets and count else {}
        more = len(rows) > len(hits)
        return EngineAnswer(total, hits, more, counts, self._unmatched(count, required), required)

    def _enough(self) -> tuple[int, int]:
        """How many clauses must match, and how many entries match so many before facets are chosen."""
        required = len(self._clauses)
        count = self._count(required)
        for fewer in (len(self._clauses) - 1, 1):
            if 1 <= fewer < required and count < self._query.few:
                more = self._count(fewer)
                if more > count:
                    required, count = fewer, more
        return required, count

    def _count(self, required: int) -> int:
        """How many entries match so many clauses before facets are chosen; where not few, at least how many."""
        if required == len(self._clauses):
            found = self._searched(required)[0]
            if not self._chosen or found >= self._query.few:
                return found
        return self._reader.count(self._matching(required, chosen=False))

    def _unmatched(self, count: int, required: int) -> frozenset[int]:
        """Numbers of the clauses that nothing visible matches; none where entries match all of them."""
        if count and required == len(self._clauses):
            return frozenset()
        return frozenset(
            number
            for number, clause in enumerate(self._counted)
            if clause is None or not self._reader.count(_all([clause, *self._view.filters]))
        )

    def _matching(self, required: int, *, ranked: bool = False, chosen: bool = True, but: str | None = None) -> Query:
        """Entries that match so many clauses, the conditions and, if wanted, the chosen facets but those of `but`."""
        parts = list(self._filters)
        if chosen:
            parts += [(Occur.Must, query) for scheme, query in self._chosen.items() if scheme != but]
        every = self._clauses if ranked else self._counted
        present = [clause for clause in every if clause is not None]
        if required > len(present):
            return _NOTHING
        if required == len(every):
            parts += [(Occur.Must, clause) for clause in present]
            if not any(occur == Occur.Must for occur, _ in parts):
                parts.append((Occur.Must, Query.const_score_query(Query.all_query(), 0.0)))
            return Query.boolean_query(parts)
        if ranked:
            matched = [clause for clause in self._counted if clause is not None]
            rows = zip(present, matched, strict=True)
            present = [_all([found, Query.const_score_query(counted, scoring.MATCHED)]) for found, counted in rows]
        fewer = Query.boolean_query([(Occur.Should, clause) for clause in present], required)
        return Query.boolean_query([*parts, (Occur.Must, fewer)])

    def _searched(self, required: int) -> tuple[int, Sequence[_Row]]:
        """How many entries match so many clauses and all else, and the rows of the page with one more; asked once."""
        known = self._pages.get(required)
        if known is None:
            known = self._pages[required] = self._page(self._matching(required, ranked=True))
        return known

    def _page(self, matching: Query) -> tuple[int, Sequence[_Row]]:
        query, searcher = self._query, self._reader.searcher
        found: Any
        if query.sort == "relevance" and self._clauses:
            found = searcher.search(matching, query.limit + 1, offset=query.skip)
            return found.count, [(-float(score), None, address) for score, address in found.hits]
        order = "shortest" if query.sort == "length" else "newest"
        found = searcher.search(
            matching, query.limit + 1, order_by_field=order, offset=query.skip, order=tantivy.Order.Asc
        )
        return found.count, [(0.0, key, address) for key, address in found.hits]

    def _hit(self, worth: float, place: str | None, address: tantivy.DocAddress) -> EngineHit:
        stored = self._reader.searcher.doc(address).to_dict()
        key: SortKey = (worth, place if place is not None else stored["newest"][0])
        return EngineHit(stored["id"][0], stored["version"][0], -worth + 0.0, key, bytes(stored["record"][0]))

    def _facets(self, required: int, total: int) -> Mapping[tuple[str, str], int]:
        """Counts of what matches; of a chosen scheme, of what matches all but its own choice."""
        is_everything = len(self._filters) == len(self._view.filters) and not (self._clauses or self._chosen)
        if is_everything and self._view.everything is not None:
            return self._view.everything
        counts = {}
        for facet, count in self._counts(self._matching(required), total):
            scheme, _, concept_id = facet.partition(":")
            if scheme not in self._chosen:
                counts[scheme, concept_id] = count
        for scheme in self._chosen:
            prefix = f"{scheme}:"
            free = self._matching(required, but=scheme)
            for facet, count in self._reader.searcher.terms_with_prefix("facet", prefix, free):
                if count:
                    counts[scheme, facet.removeprefix(prefix)] = count
        if is_everything:
            self._view.everything = counts
        return counts

    def _counts(self, matching: Query, total: int) -> Iterator[tuple[str, int]]:
        if total > AGGREGATED:
            found = self._reader.searcher.terms_with_prefix("facet", "", matching)
            return ((facet, count) for facet, count in found if count)
        if not total:
            return iter(())
        buckets = self._reader.searcher.aggregate(matching, _TERMS)["facets"]["buckets"]
        return ((bucket["key"], bucket["doc_count"]) for bucket in buckets)

    def _conditions(self, filters: Filters) -> Iterator[tuple[Any, Query]]:
        reader = self._reader
        for wanted in filters.terms:
            yield Occur.Must, reader.any_of("facet", sorted(f"{scheme}:{id_}" for scheme, id_ in wanted))
        for scheme, id_ in sorted(filters.without):
            yield Occur.MustNot, reader.any_of("facet", [f"{scheme}:{id_}"])
        if filters.langs:
            yield Occur.Must, reader.any_of("lang", sorted(filters.langs))
        for trait in sorted(filters.traits):
            yield Occur.Must, reader.any_of("trait", [trait])
        for trait in sorted(filters.without_traits):
            yield Occur.MustNot, reader.any_of("trait", [trait])
        for field, ranges in (("year", filters.years), ("duration", filters.durations_s)):
            for interval in ranges:
                yield Occur.Must, self._range(field, interval)

    def _range(self, field: str, interval: Range) -> Query:
        is_year = field == "year"
        kind = tantivy.FieldType.Integer if is_year else tantivy.FieldType.Float
        least, most = (None if end is None else float(end) for end in (interval.least, interval.most))
        if least is None and most is None:
            return Query.all_query()
        ends: list[float | int | None] = [least, most]
        if is_year:
            ends = [None if end is None else int(end) for end in (least, most)]
        closed = [end is None or not interval.strict for end in ends]  # an open end counts as closed
        query = Query.range_query(self._reader.schema, field, kind, ends[0], ends[1], closed[0], closed[1])
        return Query.const_score_query(query, 0.0)

    def _clause(self, clause: Clause, *, ranked: bool) -> Query | None:
        """The best of its leaves, or not ranked any of them; None if no entry at all can match."""
        leaves = [found for leaf in clause.leaves if (found := self._leaf(leaf, ranked=ranked)) is not None]
        if not leaves:
            return None
        if ranked and len(leaves) > 1:
            return Query.disjunction_max_query(leaves)
        return _any(leaves)

    def _leaf(self, leaf: Leaf, *, ranked: bool) -> Query | None:
        if isinstance(leaf, Phrase):
            return self._phrase(leaf)
        if isinstance(leaf, AllOf):
            parts = [self._clause(clause, ranked=ranked) for clause in leaf.clauses]
            there = [part for part in parts if part is not None]
            return _all(there) if there and len(there) == len(parts) else None
        if ranked:
            return self._view.of_term(leaf)
        if not self._view.frequency(leaf.field, leaf.token):
            return None
        return Query.term_query(self._reader.schema, leaf.field, leaf.token, "basic")

    def _phrase(self, phrase: Phrase) -> Query | None:
        tokens = [token for _, token in phrase.tokens]
        if not tokens or not all(self._reader.searcher.doc_freq(EXACT, token) for token in tokens):
            return None
        schema = self._reader.schema
        if len(tokens) == 1:
            found = Query.term_query(schema, EXACT, tokens[0], "basic")
        else:
            found = Query.phrase_query(schema, EXACT, list(phrase.tokens))
        count = self._view.of_phrase(phrase.tokens, found)
        worth = scoring.points(phrase.weight, scoring.rarity(count, self._view.documents))
        return Query.const_score_query(found, worth) if count else None


def _any(queries: Sequence[Query]) -> Query:
    if not queries:
        return _NOTHING
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def _all(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, query) for query in queries])
