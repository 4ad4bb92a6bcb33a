"""Lists of entries that a person may see: by age, counted by term, related, found by title without an index."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import String, cast, func, or_, select
from sqlalchemy.orm import Session

from videolib.catalogue.access import published, visible_entries
from videolib.catalogue.cursors import after, make_cursor, read_cursor
from videolib.catalogue.entries import Entry, EntryTerm
from videolib.catalogue.people import User
from videolib.catalogue.vocabulary import Term

DEFAULT_LIMIT, MAX_LIMIT = 20, 100


def list_entries(
    session: Session,
    *,
    by: User | None,
    status: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> tuple[list[Entry], str | None]:
    """A page of what this person may see, newest first, and the cursor of the next one."""
    order = (Entry.created_at.desc(), Entry.id)
    statement = select(Entry).where(visible_entries(by)).order_by(*order).limit(limit + 1)
    if status is not None:
        statement = statement.where(Entry.status == status)
    if cursor is not None:
        at, entry_id = read_cursor(cursor, datetime, str)
        statement = statement.where(after((Entry.created_at, at, True), (Entry.id, entry_id, False)))
    rows = list(session.scalars(statement))
    more = len(rows) > limit
    return rows[:limit], make_cursor(rows[limit - 1].created_at, rows[limit - 1].id) if more else None


def list_newest(session: Session, *, by: User | None, limit: int) -> list[Entry]:
    """What was published last, of what this person may see."""
    order = (Entry.published_at.desc(), Entry.id)
    return list(session.scalars(select(Entry).where(visible_entries(by), published()).order_by(*order).limit(limit)))


def count_by_status(session: Session, *, by: User | None) -> dict[str, int]:
    """How many entries this person may see in each status that has any."""
    counted = select(Entry.status, func.count()).where(visible_entries(by)).group_by(Entry.status)
    return {str(row[0]): int(row[1]) for row in session.execute(counted)}


def count_published(session: Session, *, by: User | None) -> int:
    """How many published entries this person may see."""
    return session.scalars(select(func.count()).select_from(Entry).where(visible_entries(by), published())).one()


def count_by_term(session: Session, field: str, *, by: User | None, limit: int) -> list[tuple[Term, int]]:
    """The terms that most published entries carry in that field, with their number."""
    count = func.count()
    counted = (
        select(EntryTerm.term_id, count)
        .join(Entry, Entry.id == EntryTerm.entry_id)
        .where(visible_entries(by), published(), EntryTerm.field == field)
        .group_by(EntryTerm.term_id)
        .order_by(count.desc(), EntryTerm.term_id)
        .limit(limit)
    )
    numbers = {str(row[0]): int(row[1]) for row in session.execute(counted)}
    terms = {term.id: term for term in session.scalars(select(Term).where(Term.id.in_(numbers)))}
    return [(terms[term_id], number) for term_id, number in numbers.items()]


def list_by_ids(session: Session, ids: Iterable[str], *, by: User | None) -> dict[str, Entry]:
    """Those of the entries that this person may see, by id."""
    rows = session.scalars(select(Entry).where(Entry.id.in_(list(ids)), visible_entries(by)))
    return {entry.id: entry for entry in rows}


def seen_ids(session: Session, ids: Iterable[str], *, by: User | None) -> set[str]:
    """Those of the ids whose entries this person may see."""
    wanted = list(ids)
    if not wanted:
        return set()
    return set(session.scalars(select(Entry.id).where(Entry.id.in_(wanted), visible_entries(by))))


def find_by_title(session: Session, words: str, *, by: User | None, limit: int) -> list[Entry]:
    """Published entries whose title holds every word: what is left of searching while the index is being rebuilt."""
    statement = select(Entry).where(visible_entries(by), published())
    for word in words.split()[:8]:
        titles = [Entry.title[language].as_string() for language in ("zh", "en")]
        statement = statement.where(or_(*(cast(title, String).icontains(word, autoescape=True) for title in titles)))
    return list(session.scalars(statement.order_by(Entry.published_at.desc(), Entry.id).limit(limit)))


def entries_of_recordings(session: Session, recording_ids: Iterable[str]) -> dict[str, Entry]:
    """The first entry made of each recording, by the recording's id; of a montage also the one that waits for it."""
    ids = list(recording_ids)
    statement = select(Entry).where(or_(Entry.recording_id.in_(ids), Entry.next_recording_id.in_(ids)))
    rows = list(session.scalars(statement.order_by(Entry.created_at.desc())))
    waiting = {str(entry.next_recording_id): entry for entry in rows if entry.next_recording_id in ids}
    return {**waiting, **{str(entry.recording_id): entry for entry in rows if entry.recording_id in ids}}
