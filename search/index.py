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
