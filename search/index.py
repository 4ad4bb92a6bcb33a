"""The door of the search room: everything outside uses these names and nothing else.

    from search.documents import Concept, EntryDocument, Moment, Vocabulary
    from search.errors import IndexBusy, IndexDamaged, IndexMissing, InvalidCursor, SearchError
    from search.index import open_index, rebuild
    from search.pages import SearchPage, SearchRequest, Suggestion

    rebuild(url, home, vocabulary, documents: Iterable[EntryDocument], sequence: int, library: str = "") -> int
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
        library() -> str                                   as given to the last rebuild: whose entries these are
        close() -> None

`url` is "whoosh:" (a folder under `home`) or "whoosh:/folder", or the same with "tantivy:". A commit by another
process is seen by the next search. The index is a private cache of SQL: any of it may be deleted at any time.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from search.analysis import ANALYSIS_VERSION, fold, is_chinese, latin_token
from search.documents import EntryDocument, Vocabulary
from search.engine import WORDS, Engine, EngineAnswer, EngineQuery, EngineReader, Filters
from search.errors import IndexDamaged, InvalidSearchUrl
from search.generations import IndexFolder
from search.languages import library_versions
from search.lexicon import Completions, Lexicon, Mended
from search.lists import Lists, open_lists
from search.pages import MAX_LIMIT, SORTS, Expansion, Hit, RelatedTerm, SearchPage, SearchRequest, Suggestion
from search.paging import Place, encode_cursor, listed_facets, place_after, related_terms
from search.query import QueryPlan
from search.records import unpack
from search.showing import Shower
from search.suggest import completion_key
from search.tantivy_index import TantivyEngine
from search.tools import tools_for
from search.whoosh_index import WhooshEngine

ENGINES: Mapping[str, Engine] = {"whoosh": WhooshEngine(), "tantivy": TantivyEngine()}
FEW_HITS = 3  # with fewer, entries that miss a part of the query are worth showing
KEPT_READERS = 3  # the live commit, and two from which somebody turns pages
RELATED_BY = 3  # letters that an unknown word and a term have to begin with
KEPT_USES = 16  # groups of readers whose counts of terms are remembered
_TRIES = 3  # a commit by another process may take the files from under a search; twice in a row is no chance

T = TypeVar("T")


def open_index(url: str, home: Path, vocabulary: Vocabulary) -> "SearchIndex":
    """The index as it was last committed, for one vocabulary; see the module's docstring."""
    engine, root = _place(url, home)
    index = SearchIndex(engine, root, vocabulary)
    index.sequence()  # raises when there is nothing to open
    return index


def rebuild(
    url: str,
    home: Path,
    vocabulary: Vocabulary,
    documents: Iterable[EntryDocument],
    sequence: int,
    library: str = "",
) -> int:
    """Write a new index beside the live one and swap it in; the number of entries in it."""
    engine, root = _place(url, home)
    tools = tools_for(vocabulary, root)
    folder = index_folder(engine, root, vocabulary)
    return folder.rebuild((tools.preparer.prepare(document) for document in documents), sequence, library)


class SearchIndex:
    """One open index; threads share it."""

    def __init__(self, engine: Engine, root: Path, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._engine = engine
        self._folder = index_folder(engine, root, vocabulary)
        self._tools = tools_for(vocabulary, root)
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, _Commit] = OrderedDict()

    def search(self, request: SearchRequest) -> SearchPage:
        """One page of hits for one reader. Raises InvalidCursor, IndexMissing, IndexDamaged; no text raises."""
        began = time.perf_counter()
        place = place_after(request)
        found = self._find(self._tools.reader.read(request.text, request.lang), request, place)
        mended = None
        if found.answer.unmatched:
            found, mended = self._mend(found, request, place)
        answer = found.answer
        next_cursor = None
        if answer.hits and answer.more:
            skip = (place.skip if place else 0) + len(answer.hits)
            next_cursor = encode_cursor(request, Place(found.commit, answer.hits[-1].key, skip))
        hits = self._hits(found, request.lang)
        return SearchPage(
            total=answer.total,
            took_ms=round((time.perf_counter() - began) * 1000, 2),
            hits=hits,
            facets=listed_facets(answer.facet_counts, request, self.vocabulary),
            did_you_mean=mended.did_you_mean if mended else None,
            expanded=_expansions(found, mended),
            next_cursor=next_cursor,
            related=() if answer.total else self._related(found, request),
        )

    def _related(self, found: "_Found", request: SearchRequest) -> tuple[RelatedTerm, ...]:
        """Terms near to those of the query, else to what it begins like."""
        concepts = found.plan.concepts

        def related(commit: _Commit) -> tuple[RelatedTerm, ...]:
            uses = commit.uses(frozenset(request.audiences))
            near = related_terms(concepts, uses, request.lang, self.vocabulary)
            start = completion_key(found.plan.text)[:RELATED_BY]
            if near or not start:
                return near
            begun = (row.concept_id for row in self._tools.typed.terms_from(start))
            return related_terms(tuple(dict.fromkeys(begun)), uses, request.lang, self.vocabulary)

        return self._reading(related)

    def suggest(self, text: str, *, lang: str, audiences: frozenset[str], limit: int = 8) -> tuple[Suggestion, ...]:
        """Completions of what is being typed, from what these readers may know of."""

        def complete(commit: _Commit) -> tuple[Suggestion, ...]:
            uses = commit.uses(audiences)
            completions = Completions(self._tools.typed, commit.lists, audiences, uses)
            return completions.complete(text, lang, max(0, min(limit, MAX_LIMIT)))

        return self._reading(complete)

    def update(
        self,
        documents: Iterable[EntryDocument],
        deleted_ids: Iterable[str],
        sequence: int,
        *,
        wait_s: float | None = None,
    ) -> None:
        """Put documents in the place of those with the same id and remove others, in one commit.

        wait_s: how long to wait for another writer, a while unless said otherwise.
        """
        # Prepared before the lock is taken, and outside the `try`: a document's fault is no damage of the index.
        entries = [self._tools.preparer.prepare(document) for document in documents]
        try:
            self._folder.commit(entries, tuple(deleted_ids), sequence, wait_s=wait_s)
        except self._engine.damage as error:
            # Only what the engine itself cannot read is damage; a full disk is not mended by a rebuild.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise IndexDamaged("The search index cannot be changed: run `videolib reindex`.") from error

    def sequence(self) -> int:
        """The sequence number of the last commit, by whichever process."""
        name = self._folder.current()
        return self._folder.manifest(name).sequence

    def library(self) -> str:
        """Whose entries these are, as the last rebuild was told."""
        return self._folder.manifest(self._folder.current()).library

    def close(self) -> None:
        """Let go of the files; the object may be used again."""
        with self._lock:
            opened, self._opened = self._opened, OrderedDict()
        for commit in opened.values():
            commit.reader.close()

    def _find(self, plan: QueryPlan, request: SearchRequest, place: Place | None) -> "_Found":
        query = EngineQuery(
            clauses=plan.clauses,
            excluded=plan.excluded,
            filters=plan.filters,
            audiences=frozenset(request.audiences),
            conditions=plan.conditions,
            facets={scheme: frozenset(ids) for scheme, ids in request.facets.items() if ids},
            sort=request.sort if request.sort in SORTS else "relevance",
            limit=max(0, min(request.limit, MAX_LIMIT)),
            after=place.key if place else None,
            skip=place.skip if place else 0,
            few=FEW_HITS,
        )

        def collect(commit: _Commit) -> _Found:
            return _Found(commit.name, plan, commit.reader.find(query))

        return self._reading(collect, place.commit if place else None)

    def _mend(self, found: "_Found", request: SearchRequest, place: Place | None) -> "tuple[_Found, Mended | None]":
        """Words that find nothing are replaced where that finds something."""
        audiences = frozenset(request.audiences)

        def mend(commit: _Commit) -> Mended | None:
            lexicon = Lexicon(self._tools.words, commit.lists, audiences, lambda word: commit.has_word(word, audiences))
            return lexicon.mend(found.plan, found.answer.unmatched)

        mended = self._reading(mend)
        if mended is None:
            return found, None
        plan = self._tools.reader.read(mended.text, request.lang, mended.choices)
        again = self._find(plan, request, place)
        if len(again.answer.unmatched) < len(found.answer.unmatched):
            return again, mended
        return found, None

    def _hits(self, found: "_Found", lang: str) -> tuple[Hit, ...]:
        tools = self._tools
        shower = Shower(self.vocabulary, tools.analyzer, tools.finder, found.plan.clauses)
        hits: list[Hit] = []
        for hit in found.answer.hits:
            title, snippet, moments = shower.shown(unpack(hit.record), lang)
            hits.append(Hit(hit.entry_id, hit.version, round(hit.score, 4), title, snippet, moments))
        return tuple(hits)

    def _reading(self, read: "Callable[[_Commit], T]", wanted: str | None = None) -> T:
        """Read a commit, the live one unless `wanted` is still there; what keeps vanishing raises IndexDamaged."""
        damage: Exception | None = None
        for attempt in range(_TRIES):
            name = self._folder.current()
            if wanted and not attempt and wanted != name and self._folder.has(wanted):
                name = wanted
            try:
                return read(self._commit(name))
            except IndexDamaged as error:
                damage = error
            except self._engine.damage as error:
                damage = error
            self.close()
        raise IndexDamaged("The search index is damaged: run `videolib reindex` to build it anew.") from damage

    def _commit(self, name: str) -> "_Commit":
        with self._lock:
            commit = self._opened.get(name)
            if commit is not None:
                self._opened.move_to_end(name)
                if self._engine.mapped and not self._folder.is_whole(name):
                    raise IndexDamaged("A file of the search index was cut short: run `videolib reindex`.")
                return commit
            self._folder.check(name)
            before = next(reversed(self._opened.values()), None)
            path = self._folder.path / name
            reader = self._engine.open(path, before.reader if before else None)
            commit = _Commit(name, reader, open_lists(path, before.lists if before else None))
            self._opened[name] = commit
            while len(self._opened) > KEPT_READERS:
                self._opened.popitem(last=False)[1].reader.close()
        return commit


class _Commit:
    """One commit, open for reading."""

    def __init__(self, name: str, reader: EngineReader, lists: Lists) -> None:
        self.name = name
        self.reader = reader
        self.lists = lists
        self._uses: OrderedDict[frozenset[str], Mapping[str, int]] = OrderedDict()

    def uses(self, audiences: frozenset[str]) -> Mapping[str, int]:
        """How many entries that these readers may know of carry each term."""
        known = self._uses.get(audiences)
        if known is None:
            answer = self.reader.find(EngineQuery((), (), Filters(), audiences, limit=0))
            known = {concept_id: count for (_, concept_id), count in answer.facet_counts.items()}
            self._uses[audiences] = known
            while len(self._uses) > KEPT_USES:
                self._uses.popitem(last=False)
        return known

    def has_word(self, word: str, audiences: frozenset[str]) -> bool:
        """Is it a word of an entry that these readers may know of?"""
        tokens = dict.fromkeys([word] if is_chinese(word) else [latin_token(word), fold(word)])
        return any(self.reader.frequency(WORDS, token, audiences) for token in tokens)


@dataclass(frozen=True)
class _Found:
    commit: str
    plan: QueryPlan
    answer: EngineAnswer


def _expansions(found: _Found, mended: Mended | None) -> tuple[Expansion, ...]:
    notes = list(found.plan.expanded)
    if mended:
        notes = [*(Expansion(how, typed, meant) for typed, meant, how in mended.changes), *notes]
    if found.answer.required < len(found.plan.clauses):
        notes.append(Expansion("relaxed", "", ("all_but_one" if found.answer.required > 1 else "any",)))
    return tuple(notes)


def _place(url: str, home: Path) -> tuple[Engine, Path]:
    name, colon, folder = url.partition(":")
    engine = ENGINES.get(name)
    if engine is None or not colon:
        known = " or ".join(f"{name}:" for name in ENGINES)
        raise InvalidSearchUrl(f"VIDEOLIB_SEARCH_URL must be {known} with or without an absolute folder after it.")
    if folder and not Path(folder).is_absolute():
        raise InvalidSearchUrl("The folder in VIDEOLIB_SEARCH_URL must be absolute, as in whoosh:/var/lib/search.")
    return engine, Path(folder) if folder else home / "search"


def index_folder(engine: Engine, root: Path, vocabulary: Vocabulary) -> IndexFolder:
    """Where the index for a vocabulary lies: another vocabulary or another analysis has another folder."""
    tokens = f"{vocabulary.fingerprint} {ANALYSIS_VERSION} {library_versions()}"
    return IndexFolder(root, engine, hashlib.sha256(tokens.encode()).hexdigest()[:12])
