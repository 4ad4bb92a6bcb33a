"""The search index of this host: made of rows, following their order of changes, rebuilt whenever it is doubtful."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Settings
from search.documents import Concept, EntryDocument, Moment, Vocabulary
from search.errors import IndexBusy, IndexDamaged, IndexMissing, InvalidCursor
from search.index import SearchIndex, open_index, rebuild
from search.pages import SearchPage, SearchRequest, Suggestion
from videolib.catalogue import captions
from videolib.catalogue.access import audiences_of_entry, published
from videolib.catalogue.annotation_words import list_moments, terms_by_scheme
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS
from videolib.catalogue.library import current_sequence, index_identity
from videolib.catalogue.vocabulary import list_all_terms
from videolib.db import Database
from videolib.errors import InvalidInput, Unavailable

log = structlog.get_logger(__name__)

BATCH = 200
LOOK_AGAIN_S = 1.0  # for an index of a new vocabulary, while the one before answers
CATCH_UP_WAIT_S = 1.0  # for another writer, which is probably taking in the same
MOST_CAUGHT_UP = 20  # changes that somebody who searches may wait for


class HostIndex:
    """The one index of this host: any process reads it, the worker keeps it up to date.

    Thread-safe. `search` and `suggest` raise `Unavailable` (code "search_rebuilding") while there is no usable index.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._url = settings.search_url
        self._home = settings.home
        self._database = database
        self._lock = threading.Lock()
        self._index: SearchIndex | None = None
        self._vocabulary_at = -1
        self._look_again_at = 0.0

    def search(self, request: SearchRequest) -> SearchPage:
        """One page of hits. Raises `InvalidInput` for a damaged cursor."""
        try:
            return self._opened().search(request)
        except InvalidCursor as error:
            raise InvalidInput(
                "This page address is damaged; start again at the first page.", code="bad_cursor"
            ) from error
        except (IndexMissing, IndexDamaged) as error:
            self._forget()
            raise _rebuilding() from error

    def suggest(self, text: str, *, lang: str, audiences: frozenset[str], limit: int = 8) -> tuple[Suggestion, ...]:
        """Completions while typing."""
        try:
            return self._opened().suggest(text, lang=lang, audiences=audiences, limit=limit)
        except (IndexMissing, IndexDamaged) as error:
            self._forget()
            raise _rebuilding() from error

    def follow(self) -> int:
        """Bring the index up to the rows; gives the number of entries looked at. For the host's one indexer."""
        try:
            changed = self._take_changes()
        except IndexMissing:
            log.info("index is built")
            return self.rebuild()
        except IndexDamaged as error:
            log.warning("index is rebuilt", why=str(error), cause=repr(error.__cause__))
            return self.rebuild()
        except IndexBusy:
            return 0  # another process of this host is at it
        return self.rebuild() if changed is None else changed

    def catch_up(self) -> None:
        """Take in the last few changes now, so that their author finds them at once; never a long work."""
        with suppress(IndexMissing, IndexDamaged, IndexBusy):
            self._take_changes(at_most=MOST_CAUGHT_UP)

    def _take_changes(self, *, at_most: int | None = None) -> int | None:
        """Put what changed into the index; gives how many entries, None where it belongs to other rows.

        at_most: with more changes than this nothing is done.
        """
        index = self._opened(newest=True)
        seen = index.sequence()
        with self._database.reading() as session:
            latest = current_sequence(session)
            if index.library() != index_identity(session) or seen > latest:
                return None
            if seen == latest or (at_most is not None and latest - seen > at_most):
                return 0
            changed = [_split(entry, session) for entry in _changed_since(session, seen)]
        wait_s = None if at_most is None else CATCH_UP_WAIT_S
        found, gone = [new for new, _ in changed if new], [old for _, old in changed if old]
        index.update(found, gone, latest, wait_s=wait_s)
        return len(changed)

    def sequence(self) -> int:
        """The last change that the index knows of."""
        return self._opened().sequence()

    def rebuild(self) -> int:
        """Build the index anew beside the live one and swap; gives the number of entries in it."""
        with self._database.reading() as session:
            vocabulary = read_vocabulary(session)
            latest, identity = current_sequence(session), index_identity(session)
            count = rebuild(self._url, self._home, vocabulary, _all_documents(session), latest, identity)
        self._forget()
        return count

    def close(self) -> None:
        """Let go of the files."""
        self._forget()

    def _opened(self, *, newest: bool = False) -> SearchIndex:
        """The index for the vocabulary as it is now; until that one is built, the one before goes on answering.

        newest: that one will not do. Raises IndexMissing where there is none, or one made of another library's rows.
        """
        with self._lock, self._database.reading() as session:
            vocabulary_at = current_sequence(session, "vocabulary")
            if self._index is not None and vocabulary_at == self._vocabulary_at:
                return self._index
            if self._index is not None and not newest and time.monotonic() < self._look_again_at:
                return self._index
            try:
                opened = open_index(self._url, self._home, read_vocabulary(session))
            except IndexMissing:
                if self._index is None or newest:
                    raise
                self._look_again_at = time.monotonic() + LOOK_AGAIN_S
                return self._index
            if opened.library() != index_identity(session):
                raise IndexMissing("The search index is that of another library: it is built anew.")
            if self._index is not None:
                self._index.close()
            self._index, self._vocabulary_at = opened, vocabulary_at
            return opened

    def _forget(self) -> None:
        with self._lock:
            if self._index is not None:
                self._index.close()
            self._index = None


def read_vocabulary(session: Session) -> Vocabulary:
    """Every term as the search room knows it."""
    return Vocabulary(
        Concept(
            id=row.id,
            scheme=row.scheme_id,
            labels=dict(row.labels),
            synonyms={language: tuple(forms) for language, forms in row.synonyms.items()},
            broader=row.broader_id,
        )
        for row in list_all_terms(session)
        if row.merged_into is None  # its names are synonyms of the other now
    )


def make_document(session: Session, entry: Entry) -> EntryDocument:
    """What of a published entry can be searched."""
    terms = {scheme: tuple(term.id for term in entry.terms_of(field)) for field, scheme in TERM_FIELDS.items()}
    singles = {
        scheme: (getattr(entry, field),) for field, scheme in SINGLE_TERM_FIELDS.items() if getattr(entry, field)
    }
    return EntryDocument(
        id=entry.id,
        version=entry.revision,
        titles=entry.title,
        summaries={language: _join(entry, language) for language in ("en", "zh") if _join(entry, language)},
        terms={scheme: ids for scheme, ids in terms_by_scheme(session, entry.id, {**terms, **singles}).items() if ids},
        people=_of_contributors(entry, "name"),
        hospitals=_of_contributors(entry, "institution"),
        keywords=tuple(entry.details.get("keywords") or ()),
        moments=tuple(_moments(session, entry)),
        duration_s=(entry.package.duration_s if entry.package else None) or 0.0,
        published_at=entry.published_at or entry.created_at,
        year=entry.year_of_procedure,
        audiences=audiences_of_entry(entry),
    )


def index_folder(settings: Settings) -> Path:
    """Where this host's index lies."""
    return Path(settings.search_url.partition(":")[2])


def _of_contributors(entry: Entry, field: str) -> tuple[str, ...]:
    found = (item.get(field) for item in entry.details.get("contributors") or ())
    return tuple(dict.fromkeys(str(value) for value in found if value))


def _join(entry: Entry, language: str) -> str:
    parts = [entry.summary.get(language, ""), entry.key_points.get(language, "")]
    parts += [objective.get(language, "") for objective in entry.learning_objectives]
    return "\n".join(part for part in parts if part)


def _moments(session: Session, entry: Entry) -> Iterator[Moment]:
    for track in captions.list_tracks(session, entry.id):
        language = "zh" if track.language.startswith("zh") else track.language
        for cue in captions.cues_of(track):
            yield Moment(cue.start_s, cue.end_s, "caption", cue.text, language)
    for said in list_moments(session, entry.id):
        yield Moment(said.start_s, said.end_s, said.kind, said.text, said.language)


def _split(entry: Entry, session: Session) -> tuple[EntryDocument | None, str | None]:
    """The document to put in, or the id to take out."""
    if entry.status == "published" and entry.package_id is not None:
        return make_document(session, entry), None
    return None, entry.id


def _changed_since(session: Session, sequence: int) -> list[Entry]:
    return list(session.scalars(select(Entry).where(Entry.index_sequence > sequence).order_by(Entry.index_sequence)))


def _all_documents(session: Session) -> Iterator[EntryDocument]:
    watched = select(Entry).where(published()).order_by(Entry.id)
    for entry in session.scalars(watched.execution_options(yield_per=BATCH)):
        yield make_document(session, entry)


def _rebuilding() -> Unavailable:
    return Unavailable("The search index is being rebuilt; the list below is not searched.", code="search_rebuilding")
