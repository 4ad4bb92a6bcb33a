"""The engine for up to some ten thousand entries: Whoosh keeps the postings, search/collecting.py walks them.

Whoosh is used for what it does well, writing and reading postings. Its query classes are not: they cannot count facets
while limiting, nor match all clauses but one. The only module that imports whoosh.
"""

import struct
import threading
import warnings
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import PickleError
from typing import Any

import numpy as np

with warnings.catch_warnings():
    # No longer developed: its modules have invalid escapes, and comparisons that newer Pythons warn about.
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from whoosh.codec.whoosh3 import W3Codec
    from whoosh.columns import VarBytesColumn
    from whoosh.fields import COLUMN, ID, STORED, TEXT, Schema
    from whoosh.filedb.filestore import FileStorage
    from whoosh.formats import Frequency, Positions
    from whoosh.index import FileIndex
    from whoosh.index import IndexError as WhooshIndexError
    from whoosh.reading import ReaderClosed, TermNotFound

from search.collecting import Numbers, Shelf, collect
from search.engine import BAGS, EXACT, Card, EngineAnswer, EngineHit, EngineQuery, EngineReader, PreparedEntry
from search.preparing import pack_card, unpack_card

IDLE_READERS = 8
KEPT_POSTINGS = 4_000_000  # of the terms last asked for; 64 MB
WRITER_MEMORY_MIB = 64
_COUNT = struct.Struct("!I")  # as Whoosh's Frequency format packs it


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
        self.scorable = False

    def index(self, value: Sequence[Sequence[str]], **_: object) -> Iterator[tuple[bytes, int, float, bytes]]:
        """(token, how often, weight, packed positions), as Whoosh's writer asks."""
        places: dict[str, list[int]] = {}
        for position, tokens in enumerate(value):
            for token in tokens:
                places.setdefault(token, []).append(position)
        for token, positions in places.items():
            yield token.encode(), len(positions), float(len(positions)), self.format.encode(positions)


class BagField(TEXT):  # type: ignore[misc]
    """A field whose value is already each token with its level, kept as if it were a count."""

    def __init__(self) -> None:
        super().__init__(phrase=False, stored=False)
        self.format = Frequency()
        self.scorable = False

    def index(self, value: Mapping[str, int], **_: object) -> Iterator[tuple[bytes, int, float, bytes]]:
        """(token, count, weight, packed count), as Whoosh's writer asks."""
        for token, level in value.items():
            yield token.encode(), level + 1, float(level + 1), _COUNT.pack(level + 1)


def _schema() -> Any:
    bags = {field: BagField() for field in BAGS}
    return Schema(id=ID(unique=True), card=COLUMN(VarBytesColumn()), record=STORED, exact=ExactField(), **bags)


class WhooshEngine:
    """Writes and opens folders of Whoosh's files."""

    name = "whoosh"
    version = 4
    mapped = False
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
        codec = W3Codec(compression=1)
        codec.length_stats = False  # we keep lengths; without them it would look for a file at every posting
        writer = index.writer(limitmb=WRITER_MEMORY_MIB, codec=codec)
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
                    **entry.bags,
                )
        except BaseException:
            writer.cancel()
            raise
        writer.commit()
        return int(index.doc_count())

    def open(self, folder: Path, before: EngineReader | None = None) -> "WhooshReader":
        """Open for searching; cards of segments that the commit before had too are not read again."""
        return WhooshReader(folder, before if isinstance(before, WhooshReader) else None)


@dataclass(frozen=True)
class _Opened:
    reader: Any
    storage: _Storage


class WhooshReader:
    """One commit, open for searching.

    A Whoosh reader used by two threads at once gives wrong results without a word: each search takes one for itself.
    """

    def __init__(self, folder: Path, before: "WhooshReader | None") -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._closed = False
        self._idle: list[_Opened] = []
        self._kept = _KeptPostings()
        opened = self._open()
        try:
            self._segment_cards: dict[str, list[Card]] = _read_cards(
                opened.reader, before._segment_cards if before else {}
            )
            self._shelf = Shelf(_by_number(opened.reader, self._segment_cards))
        except BaseException:
            opened.storage.close_files()
            raise
        self._idle.append(opened)

    def _open(self) -> _Opened:
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
            found = collect(query, self._shelf, _Postings(reader, self._kept))
            hits: list[EngineHit] = []
            for key, number, score in found.rows:
                card = self._shelf[number]
                record = reader.stored_fields(number)["record"]
                hits.append(EngineHit(card.entry_id, card.version, score, key, record))
        return EngineAnswer(found.total, tuple(hits), found.more, found.facet_counts, found.unmatched, found.required)

    def frequency(self, field: str, token: str, audiences: frozenset[str]) -> int:
        """In how many entries that these readers may know of a token stands."""
        visible = self._shelf.view(audiences)
        with self._borrowed() as reader:
            return int(visible[_Postings(reader, self._kept).of(field, token)[0]].sum())


def _read_cards(reader: Any, known: dict[str, list[Card]]) -> dict[str, list[Card]]:
    """The cards of each segment, deleted ones too; segments never change."""
    by_segment: dict[str, list[Card]] = {}
    for segment_reader, _ in reader.leaf_readers():
        count = segment_reader.doc_count_all()
        if count:
            name = segment_reader.segment().segment_id()
            column = None if name in known else segment_reader.column_reader("card")
            by_segment[name] = known[name] if column is None else [unpack_card(column[n]) for n in range(count)]
    return by_segment


def _by_number(reader: Any, by_segment: dict[str, list[Card]]) -> list[Card | None]:
    cards: list[Card | None] = []
    for segment_reader, _ in reader.leaf_readers():
        if segment_reader.doc_count_all():
            segment = by_segment[segment_reader.segment().segment_id()]
            cards += (None if segment_reader.is_deleted(n) else card for n, card in enumerate(segment))
    return cards


class _KeptPostings:
    """The postings last asked for in this commit; threads share them."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[str, str], tuple[Numbers, Numbers]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, field: str, token: str) -> tuple[Numbers, Numbers] | None:
        with self._lock:
            rows = self._rows.get((field, token))
            if rows is not None:
                self._rows.move_to_end((field, token))
            return rows

    def keep(self, field: str, token: str, rows: tuple[Numbers, Numbers]) -> None:
        with self._lock:
            if (field, token) not in self._rows:
                self._rows[field, token] = rows
                self._size += len(rows[0]) + 1
            while self._size > KEPT_POSTINGS:
                self._size -= len(self._rows.popitem(last=False)[1][0]) + 1


class _Postings:
    """Whoosh's files, as the collector asks for them."""

    def __init__(self, reader: Any, kept: _KeptPostings) -> None:
        self._reader = reader
        self._kept = kept

    def of(self, field: str, token: str) -> tuple[Numbers, Numbers]:
        rows = self._kept.get(field, token)
        if rows is None:
            found = [(m.id(), int(m.weight()) - 1) for m in _matchers(self._reader, field, token)]
            table = np.array(found, dtype=np.int64).reshape(-1, 2)
            rows = table[:, 0], table[:, 1]
            self._kept.keep(field, token, rows)
        return rows

    def positions(self, token: str, within: Iterable[int]) -> Iterator[tuple[int, Sequence[int]]]:
        wanted = frozenset(within)
        for matcher in _matchers(self._reader, EXACT, token):
            if matcher.id() in wanted:
                yield matcher.id(), matcher.value_as("positions")

    def frequency(self, token: str) -> int:
        return int(self._reader.doc_frequency(EXACT, token))


def _matchers(reader: Any, field: str, token: str) -> Iterator[Any]:
    """Whoosh's matcher, standing at one document after another."""
    try:
        matcher = reader.postings(field, token)
    except TermNotFound:
        return
    while matcher.is_active():
        yield matcher
        matcher.next()
