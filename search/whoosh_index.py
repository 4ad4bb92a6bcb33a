"""The engine for up to some ten thousand entries: Whoosh keeps the postings, we walk them.

Whoosh is used for what it does well, writing and reading postings. Its query classes are not: they cannot count facets
while limiting, nor match all clauses but one. The only module that imports whoosh.
"""

import heapq
import math
import struct
import threading
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import PickleError
from typing import Any

with warnings.catch_warnings():
    # No longer developed: its modules have invalid escapes, and comparisons that newer Pythons warn about.
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from whoosh.columns import VarBytesColumn
    from whoosh.fields import COLUMN, ID, STORED, TEXT, Schema
    from whoosh.filedb.filestore import FileStorage
    from whoosh.formats import Frequency, Positions
    from whoosh.index import FileIndex
    from whoosh.index import IndexError as WhooshIndexError
    from whoosh.reading import ReaderClosed, TermNotFound

from search.engine import (
    BAGS,
    EXACT,
    AllOf,
    Card,
    Clause,
    EngineAnswer,
    EngineHit,
    EngineQuery,
    Leaf,
    Phrase,
    PreparedEntry,
    SortKey,
    Term,
    sort_key,
)
from search.preparing import pack_card, unpack_card

K1, B = 1.2, 0.6  # BM25; B a little under the usual 0.75: summaries of twice the length are not half as good
IDLE_READERS = 8
KEPT_AUDIENCES = 64  # groups of readers whose view is remembered
WRITER_MEMORY_MIB = 64

Scores = dict[int, float]


class _Storage(FileStorage):  # type: ignore[misc]
    """A folder whose files can all be closed; Whoosh's readers forget some."""

    def __init__(self, folder: Path) -> None:
        # Not mapped into memory: a file cut short under a map kills the process instead of raising.
        super().__init__(str(folder), supports_mmap=False)
        self._files: list[Any] = []

    def open_file(self, name: str, **options: Any) -> Any:
        file = super().open_file(name, **options)
        self._files.append(file.raw_file())
        return file

    def close_files(self) -> None:
        for file in self._files:
            file.close()
        self._files.clear()


class ExactField(TEXT):  # type: ignore[misc]
    """A field whose value is already the tokens at each position."""

    def __init__(self) -> None:
        super().__init__(phrase=True, stored=False)
        self.format = Positions()

    def index(self, value: Sequence[Sequence[str]], **_: object) -> Iterator[tuple[bytes, int, float, bytes]]:
        """(token, how often, weight, packed positions), as Whoosh's writer asks."""
        places: dict[str, list[int]] = {}
        for position, tokens in enumerate(value):
            for token in tokens:
                places.setdefault(token, []).append(position)
        for token, positions in places.items():
            yield token.encode(), len(positions), float(len(positions)), self.format.encode(positions)


def _schema() -> Any:
    bag = TEXT(phrase=False)
    bag.format = Frequency()
    fields = dict.fromkeys(BAGS, bag)
    return Schema(id=ID(unique=True), card=COLUMN(VarBytesColumn()), record=STORED, exact=ExactField(), **fields)


class WhooshEngine:
    """Writes and opens folders of Whoosh's files."""

    name = "whoosh"
    version = 1
    damage: tuple[type[Exception], ...] = (
        OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError,
        MemoryError, ImportError, NameError, struct.error, zlib.error, PickleError, WhooshIndexError, ReaderClosed,
    )  # fmt: skip

    def create(self, folder: Path) -> None:
        """Make an empty index in an empty folder."""
        storage = _Storage(folder)
        FileIndex.create(storage, _schema())
        storage.close_files()

    def write(self, folder: Path, entries: Iterable[PreparedEntry], deleted_ids: Iterable[str]) -> int:
        """Delete, replace and add in one commit; the number of entries there are then."""
        storage = _Storage(folder)
        try:
            return self._write(FileIndex(storage), entries, deleted_ids)
        finally:
            storage.close_files()

    def _write(self, index: Any, entries: Iterable[PreparedEntry], deleted_ids: Iterable[str]) -> int:
        writer = index.writer(limitmb=WRITER_MEMORY_MIB)
        # A compound segment is copied into memory by every reader; single files are read where they lie.
        writer.compound = False
        try:
            known = index.doc_count() > 0
            for entry_id in deleted_ids if known else ():
                writer.delete_by_term("id", entry_id)
            for entry in entries:
                if known:
                    writer.delete_by_term("id", entry.card.entry_id)
                writer.add_document(
                    id=entry.card.entry_id,
                    card=pack_card(entry.card),
                    record=entry.record,
                    exact=entry.exact,
                    **{bag: list(tokens) for bag, tokens in entry.bags.items()},
                )
        except BaseException:
            writer.cancel()
            raise
        writer.commit()
        return int(index.doc_count())

    def open(self, folder: Path) -> "WhooshReader":
        """Open for searching."""
        return WhooshReader(folder)


@dataclass(frozen=True)
class _Opened:
    reader: Any
    storage: _Storage


class WhooshReader:
    """One commit, open for searching.

    A Whoosh reader used by two threads at once gives wrong results without a word: each search takes one for itself.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._closed = False
        self._idle: list[_Opened] = [self._open()]
        self._cards: dict[str, list[Card]] = {}
        self._visible: dict[frozenset[str], frozenset[int]] = {}

    def _open(self) -> "_Opened":
        storage = _Storage(self._folder)
        try:
            return _Opened(FileIndex(storage).reader(), storage)
        except BaseException:
            storage.close_files()
            raise

    @contextmanager
    def _borrowed(self) -> Iterator[Any]:
        with self._lock:
            opened = self._idle.pop() if self._idle else None
        if opened is None:
            opened = self._open()
        keep = False
        try:
            yield opened.reader
            keep = True
        finally:
            with self._lock:
                keep = keep and not self._closed and len(self._idle) < IDLE_READERS
                if keep:
                    self._idle.append(opened)
            if not keep:
                opened.storage.close_files()

    def close(self) -> None:
        """Let go of the files; searches under way end in peace."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for opened in idle:
            opened.storage.close_files()

    def find(self, query: EngineQuery) -> EngineAnswer:
        """Collect, count, rank."""
        with self._borrowed() as reader:
            cards = self._cards_by_document(reader)
            return _Collection(reader, cards, self._visible_to(query.audiences, reader, cards), query).answer()

    def records(self, entry_ids: Sequence[str]) -> dict[str, tuple[Card, bytes]]:
        """What was stored of these entries."""
        found: dict[str, tuple[Card, bytes]] = {}
        with self._borrowed() as reader:
            cards = self._cards_by_document(reader)
            for entry_id in entry_ids:
                for document, _ in _postings(reader, "id", entry_id):
                    found[entry_id] = (cards[document], reader.stored_fields(document)["record"])
        return found

    def cards(self) -> Iterator[Card]:
        """The cards of all entries."""
        with self._borrowed() as reader:
            cards = self._cards_by_document(reader)
            yield from [cards[document] for document in reader.all_doc_ids()]

    def _visible_to(self, audiences: frozenset[str], reader: Any, cards: Sequence[Card]) -> frozenset[int]:
        """Who may not know of an entry is out before anything is counted."""
        known = self._visible.get(audiences)
        if known is None:
            known = frozenset(n for n in reader.all_doc_ids() if cards[n].audiences & audiences)
            if len(self._visible) < KEPT_AUDIENCES:
                self._visible[audiences] = known
        return known

    def _cards_by_document(self, reader: Any) -> Sequence[Card]:
        """The cards in the order of document numbers; read once, then shared by all threads."""
        cards: list[Card] = []
        with self._lock:
            for segment_reader, _ in reader.leaf_readers():
                if not segment_reader.doc_count_all():
                    continue
                name = segment_reader.segment().segment_id()
                if name not in self._cards:
                    column = segment_reader.column_reader("card")
                    numbers = range(segment_reader.doc_count_all())
                    self._cards[name] = [unpack_card(column[number]) for number in numbers]
                cards += self._cards[name]
        return cards


class _Collection:
    """One search: every clause becomes a table of document number -> score, then the tables are counted together."""

    def __init__(self, reader: Any, cards: Sequence[Card], visible: frozenset[int], query: EngineQuery) -> None:
        self._reader = reader
        self._cards = cards
        self._visible = visible
        self._query = query
        self._total_documents = max(1, reader.doc_count_all())

    def answer(self) -> EngineAnswer:
        query = self._query
        tables = [self._clause(clause) for clause in query.clauses]
        excluded = {document for clause in query.excluded for document in self._clause(clause)}
        matched = Counter(document for table in tables for document in table)
        eligible = [
            document
            for document in (matched if tables else self._visible)
            if document not in excluded and query.filters.hold(self._cards[document])
        ]
        required, documents = _enough(matched, eligible, len(tables), query.few)
        scores = {
            document: sum(table.get(document, 0.0) for table in tables) * matched[document] / len(tables)
            for document in documents
            if tables
        }
        passing, counts = self._count_facets(documents)
        hits, more = self._page(passing, scores)
        return EngineAnswer(len(passing), hits, more, counts, tuple(len(table) for table in tables), required)

    def _page(self, passing: list[int], scores: Scores) -> tuple[tuple[EngineHit, ...], bool]:
        query = self._query
        keyed: list[tuple[SortKey, str, int]] = [
            (sort_key(query.sort, scores.get(document, 0.0), card), card.entry_id, document)
            for document, card in ((document, self._cards[document]) for document in passing)
        ]
        if query.after is not None:
            keyed = [row for row in keyed if row[:2] > query.after]
        best = heapq.nsmallest(query.limit, keyed)
        hits = tuple(EngineHit(entry_id, scores.get(document, 0.0), key) for key, entry_id, document in best)
        return hits, len(keyed) > len(best)

    def _count_facets(self, documents: Iterable[int]) -> tuple[list[int], Mapping[tuple[str, str], int]]:
        """Who passes all chosen facets, and the counts; an entry that one scheme alone keeps out counts in it."""
        counts: Counter[tuple[str, str]] = Counter()
        passing: list[int] = []
        chosen = {
            scheme: frozenset((scheme, id_) for id_ in ids)
            for scheme, ids in self._query.facets.items()
            if ids
        }  # fmt: skip
        for document in documents:
            facets = self._cards[document].facets
            missed = [scheme for scheme, wanted in chosen.items() if not wanted & facets]
            if not missed:
                passing.append(document)
                counts.update(facets)
            elif len(missed) == 1:
                counts.update(facet for facet in facets if facet[0] == missed[0])
        return passing, counts

    def _clause(self, clause: Clause) -> Scores:
        best: Scores = {}
        for leaf in clause.leaves:
            for document, score in self._leaf(leaf).items():
                if score > best.get(document, 0.0):
                    best[document] = score
        return best

    def _leaf(self, leaf: Leaf | Phrase | AllOf) -> Scores:
        if isinstance(leaf, Phrase):
            return self._phrase(leaf)
        if isinstance(leaf, AllOf):
            tables = [self._clause(clause) for clause in leaf.clauses]
            everywhere = set(tables[0]).intersection(*tables[1:]) if tables else set()
            return {document: leaf.weight * sum(t[document] for t in tables) for document in everywhere}
        scores: Scores = {}
        for term in leaf.terms:
            for document, score in self._term(term):
                scores[document] = scores.get(document, 0.0) + score
        return scores

    def _term(self, term: Term) -> Iterator[tuple[int, float]]:
        reader = self._reader
        rarity = self._rarity(reader.doc_frequency(term.field, term.token))
        average = max(1.0, reader.field_length(term.field) / self._total_documents)
        for document, frequency in _postings(reader, term.field, term.token):
            if document in self._visible:
                length = reader.doc_field_length(document, term.field, 1)
                norm = K1 * (1 - B + B * length / average)
                yield document, term.weight * rarity * frequency * (K1 + 1) / (frequency + norm)

    def _rarity(self, documents: int) -> float:
        return math.log(1 + (self._total_documents - documents + 0.5) / (documents + 0.5))

    def _phrase(self, phrase: Phrase) -> Scores:
        """Rarest token first; an entry stays while some start fits all tokens so far."""
        reader = self._reader
        frequency = {token: reader.doc_frequency(EXACT, token) for _, token in phrase.tokens}
        starts: dict[int, set[int]] | None = None
        for offset, token in sorted(phrase.tokens, key=lambda pair: frequency[pair[1]]):
            within = self._visible if starts is None else starts.keys()
            found: dict[int, set[int]] = {}
            for document, positions in _positions(reader, token, within):
                fitting = {position - offset for position in positions}
                if starts is not None:
                    fitting &= starts[document]
                if fitting:
                    found[document] = fitting
            starts = found
            if not starts:
                return {}
        rarity = self._rarity(len(starts or ()))
        return {
            document: phrase.weight * rarity * min(2.0, 1 + 0.2 * len(at)) for document, at in (starts or {}).items()
        }


def _enough(matched: Mapping[int, int], eligible: Sequence[int], clauses: int, few: int) -> tuple[int, list[int]]:
    """All clauses; with few such entries all but one; with few of those, any. What adds none does not count."""
    required, documents = clauses, [document for document in eligible if matched[document] >= clauses]
    for fewer in (clauses - 1, 1):
        if 1 <= fewer < required and len(documents) < few:
            more = [document for document in eligible if matched[document] >= fewer]
            if len(more) > len(documents):
                required, documents = fewer, more
    return required, documents


def _postings(reader: Any, field: str, token: str) -> Iterator[tuple[int, float]]:
    """(document number, how often) for each entry with the token."""
    try:
        matcher = reader.postings(field, token)
    except TermNotFound:
        return
    while matcher.is_active():
        yield matcher.id(), matcher.weight()
        matcher.next()


def _positions(reader: Any, token: str, within: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    wanted = set(within)
    try:
        matcher = reader.postings(EXACT, token)
    except TermNotFound:
        return
    while matcher.is_active():
        document = matcher.id()
        if document in wanted:
            yield document, matcher.value_as("positions")
        matcher.next()
