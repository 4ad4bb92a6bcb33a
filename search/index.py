"""The door of the search room: everything outside uses these names and nothing else.

    from search.documents import Concept, EntryDocument, Moment, Vocabulary
    from search.errors import IndexBusy, IndexDamaged, IndexMissing, InvalidCursor, SearchError
    from search.index import open_index, rebuild
    from search.pages import SearchPage, SearchRequest, Suggestion

    rebuild(url: str, home: Path, vocabulary: Vocabulary, documents: Iterable[EntryDocument], sequence: int) -> int
        Writes a new index beside the live one, swaps it in and answers how many entries it holds. IndexBusy while
        another process writes. `documents` is read once, as a stream.
    open_index(url: str, home: Path, vocabulary: Vocabulary) -> SearchIndex
        IndexMissing or IndexDamaged: rebuild, then open again. One object a process; all threads may share it.
        An index belongs to one vocabulary: when the vocabulary changed, open_index with the new one raises
        IndexMissing until it was rebuilt; compare `index.vocabulary.fingerprint`.

    class SearchIndex:
        search(request: SearchRequest) -> SearchPage       InvalidCursor; IndexMissing, IndexDamaged; no text raises
        suggest(text: str, *, lang: str, audiences: frozenset[str], limit: int = 8) -> tuple[Suggestion, ...]
        update(documents: Iterable[EntryDocument], deleted_ids: Iterable[str], sequence: int) -> None
            One commit: documents replace those of the same id. IndexBusy when another process writes.
        sequence() -> int                                  as given to the last commit, by whichever process
        close() -> None

`url` is "whoosh:" (a folder under `home`) or "whoosh:/folder". A commit by another process is seen by the next
search. The index is a private cache of SQL: any of it may be deleted at any time.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from search.analysis import ANALYSIS_VERSION, Analyzer
from search.concepts import ConceptFinder, dictionary_words
from search.documents import EntryDocument, Vocabulary
from search.engine import Card, Engine, EngineAnswer, EngineQuery, EngineReader
from search.errors import IndexDamaged, InvalidSearchUrl
from search.generations import IndexFolder
from search.languages import Segmenter, library_versions
from search.lexicon import Lexicon, Mended, VocabularyWords
from search.pages import MAX_LIMIT, Expansion, Hit, SearchPage, SearchRequest, Suggestion
from search.paging import encode_cursor, listed_facets, place_after
from search.preparing import Preparer, unpack
from search.query import QueryPlan, QueryReader
from search.showing import Shower
from search.whoosh_index import WhooshEngine

ENGINES: Mapping[str, Engine] = {"whoosh": WhooshEngine()}
FEW_HITS = 3  # with fewer, entries that miss a part of the query are worth showing
KEPT_LEXICONS = 8
KEPT_VOCABULARIES = 2  # the one in use, and the next while it is being rebuilt for
_TRIES = 3  # a commit by another process may take the files from under a search; twice in a row is no chance

T = TypeVar("T")


def open_index(url: str, home: Path, vocabulary: Vocabulary) -> "SearchIndex":
    """The index as it was last committed, for one vocabulary; see the module's docstring."""
    engine, root = _place(url, home)
    index = SearchIndex(engine, root, vocabulary)
    index.sequence()  # raises when there is nothing to open
    return index


def rebuild(url: str, home: Path, vocabulary: Vocabulary, documents: Iterable[EntryDocument], sequence: int) -> int:
    """Write a new index beside the live one and swap it in; the number of entries in it."""
    engine, root = _place(url, home)
    tools = _tools(vocabulary, root)
    folder = _folder(engine, root, vocabulary)
    return folder.rebuild((tools.preparer.prepare(document) for document in documents), sequence)


class SearchIndex:
    """One open index; threads share it."""

    def __init__(self, engine: Engine, root: Path, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._engine = engine
        self._folder = _folder(engine, root, vocabulary)
        self._tools = _tools(vocabulary, root)
        self._lock = threading.Lock()
        self._opened: tuple[str, EngineReader] | None = None
        self._lexicons: OrderedDict[tuple[str, frozenset[str]], Lexicon] = OrderedDict()

    def search(self, request: SearchRequest) -> SearchPage:
        """One page of hits for one reader. Raises InvalidCursor, IndexMissing, IndexDamaged; no text raises."""
        began = time.perf_counter()
        found = self._find(self._tools.reader.read(request.text, request.lang), request)
        mended = None
        if 0 in found.answer.clause_totals:
            found, mended = self._mend(found, request)
        last = found.answer.hits[-1] if found.answer.hits else None
        hits = self._hits(found, request.lang)
        return SearchPage(
            total=found.answer.total,
            took_ms=round((time.perf_counter() - began) * 1000, 2),
            hits=hits,
            facets=listed_facets(found.answer.facet_counts, request, self.vocabulary),
            did_you_mean=mended.did_you_mean if mended else None,
            expanded=_expansions(found, mended),
            next_cursor=encode_cursor(request, last) if last and found.answer.more else None,
        )

    def suggest(self, text: str, *, lang: str, audiences: frozenset[str], limit: int = 8) -> tuple[Suggestion, ...]:
        """Completions of what is being typed, from what these readers may know of."""
        return self._lexicon(audiences).completions.complete(text, lang, min(limit, MAX_LIMIT))

    def update(self, documents: Iterable[EntryDocument], deleted_ids: Iterable[str], sequence: int) -> None:
        """Put documents in the place of those with the same id and remove others, in one commit."""
        # Prepared before the lock is taken, and outside the `try`: a document's fault is no damage of the index.
        entries = [self._tools.preparer.prepare(document) for document in documents]
        try:
            self._folder.commit(entries, tuple(deleted_ids), sequence)
        except self._engine.damage as error:
            # Only what the engine itself cannot read is damage; a full disk is not mended by a rebuild.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise IndexDamaged("The search index cannot be changed: run `videolib reindex`.") from error

    def sequence(self) -> int:
        """The sequence number of the last commit, by whichever process."""
        name = self._folder.current()
        return self._folder.manifest(name).sequence

    def close(self) -> None:
        """Let go of the files; the object may be used again."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened[1].close()

    def _find(self, plan: QueryPlan, request: SearchRequest) -> "_Found":
        query = EngineQuery(
            clauses=plan.clauses,
            excluded=plan.excluded,
            filters=plan.filters,
            audiences=frozenset(request.audiences),
            facets={scheme: frozenset(ids) for scheme, ids in request.facets.items() if ids},
            sort=request.sort,
            limit=max(0, min(request.limit, MAX_LIMIT)),
            after=place_after(request),
            few=FEW_HITS,
        )

        def collect(_: str, reader: EngineReader) -> _Found:
            answer = reader.find(query)
            return _Found(plan, answer, reader.records([hit.entry_id for hit in answer.hits]))

        return self._reading(collect)

    def _mend(self, found: "_Found", request: SearchRequest) -> "tuple[_Found, Mended | None]":
        """Words that find nothing are replaced where that finds something."""
        lexicon = self._lexicon(frozenset(request.audiences))
        mended = lexicon.mend(found.plan, found.answer.clause_totals)
        if mended is None:
            return found, None
        plan = self._tools.reader.read(mended.text, request.lang, mended.choices)
        again = self._find(plan, request)
        if again.answer.clause_totals.count(0) < found.answer.clause_totals.count(0):
            return again, mended
        return found, None

    def _hits(self, found: "_Found", lang: str) -> tuple[Hit, ...]:
        tools = self._tools
        shower = Shower(self.vocabulary, tools.analyzer, tools.finder, found.plan.clauses)
        hits: list[Hit] = []
        for hit in found.answer.hits:
            card, packed = found.records[hit.entry_id]
            record = unpack(packed)
            moments = shower.moments(record, lang)
            snippet = shower.snippet(record, lang, moments)
            title = shower.title(record, lang)
            hits.append(Hit(hit.entry_id, card.version, round(hit.score, 4), title, snippet, moments))
        return tuple(hits)

    def _lexicon(self, audiences: frozenset[str]) -> Lexicon:
        def cards(name: str, reader: EngineReader) -> Lexicon:
            with self._lock:
                known = self._lexicons.get((name, audiences))
                if known is not None:
                    self._lexicons.move_to_end((name, audiences))
                    return known
            visible = [card for card in reader.cards() if card.audiences & audiences]
            lexicon = Lexicon(self._tools.words, visible)
            with self._lock:
                self._lexicons[name, audiences] = lexicon
                while len(self._lexicons) > KEPT_LEXICONS:
                    self._lexicons.popitem(last=False)
            return lexicon

        return self._reading(cards)

    def _reading(self, read: Callable[[str, EngineReader], T]) -> T:
        """Read the live commit; a damaged one, or one that keeps vanishing, raises IndexDamaged."""
        damage: Exception | None = None
        for _ in range(_TRIES):
            name = self._folder.current()
            try:
                return read(name, self._reader(name))
            except IndexDamaged as error:
                damage = error
            except self._engine.damage as error:
                damage = error
            self.close()
        raise IndexDamaged("The search index is damaged: run `videolib reindex` to build it anew.") from damage

    def _reader(self, name: str) -> EngineReader:
        with self._lock:
            if self._opened and self._opened[0] == name:
                return self._opened[1]
            self._folder.check(name)
            before = self._opened
            self._opened = (name, self._engine.open(self._folder.path / name, before[1] if before else None))
            reader = self._opened[1]
        if before:
            before[1].close()
        return reader


@dataclass(frozen=True)
class _Found:
    plan: QueryPlan
    answer: EngineAnswer
    records: Mapping[str, tuple[Card, bytes]]


def _expansions(found: _Found, mended: Mended | None) -> tuple[Expansion, ...]:
    notes = list(found.plan.expanded)
    if mended:
        notes = [*(Expansion(how, typed, meant) for typed, meant, how in mended.changes), *notes]
    if found.answer.required < len(found.plan.clauses):
        notes.append(Expansion("relaxed", "", ("all_but_one" if found.answer.required > 1 else "any",)))
    return tuple(notes)


@dataclass(frozen=True)
class _Tools:
    analyzer: Analyzer
    finder: ConceptFinder
    reader: QueryReader
    preparer: Preparer
    words: VocabularyWords


_tools_lock = threading.Lock()
_tools_kept: OrderedDict[str, _Tools] = OrderedDict()


def _tools(vocabulary: Vocabulary, root: Path) -> _Tools:
    """The language tools of a vocabulary, made once a process: reading the dictionary takes a second."""
    with _tools_lock:
        tools = _tools_kept.get(vocabulary.fingerprint)
        if tools is None:
            analyzer = Analyzer(Segmenter(dictionary_words(vocabulary), root / "dictionary"))
            finder = ConceptFinder(vocabulary, analyzer)
            tools = _Tools(
                analyzer,
                finder,
                QueryReader(vocabulary, analyzer, finder),
                Preparer(vocabulary, analyzer, finder),
                VocabularyWords(vocabulary, analyzer),
            )
            _tools_kept[vocabulary.fingerprint] = tools
        _tools_kept.move_to_end(vocabulary.fingerprint)
        while len(_tools_kept) > KEPT_VOCABULARIES:
            _tools_kept.popitem(last=False)
        return tools


def _place(url: str, home: Path) -> tuple[Engine, Path]:
    name, colon, folder = url.partition(":")
    engine = ENGINES.get(name)
    if engine is None or not colon:
        known = " or ".join(f"{name}:" for name in ENGINES)
        raise InvalidSearchUrl(f"VIDEOLIB_SEARCH_URL must be {known} with or without an absolute folder after it.")
    if folder and not Path(folder).is_absolute():
        raise InvalidSearchUrl("The folder in VIDEOLIB_SEARCH_URL must be absolute, as in whoosh:/var/lib/search.")
    return engine, Path(folder) if folder else home / "search"


def _folder(engine: Engine, root: Path, vocabulary: Vocabulary) -> IndexFolder:
    tokens = f"{vocabulary.fingerprint} {ANALYSIS_VERSION} {library_versions()}"
    return IndexFolder(root, engine, hashlib.sha256(tokens.encode()).hexdigest()[:12])
