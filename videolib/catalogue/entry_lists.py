"""Lists of entries beside the plain one: newest, counted by term, related, found by title without an index."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import String, cast, func, or_, select
from sqlalchemy.orm import Session

from videolib.catalogue.entries import Entry, EntryTerm, visible_to
from videolib.catalogue.people import User
from videolib.catalogue.vocabulary import Term


def list_newest(session: Session, *, by: User | None, limit: int) -> list[Entry]:
    """What was published last, of what this person may see."""
    published = (Entry.status == "published") & Entry.package_id.is_not(None)
    order = (Entry.published_at.desc(), Entry.id)
    return list(session.scalars(select(Entry).where(visible_to(by), published).order_by(*order).limit(limit)))


def list_unpublished(session: Session, *, by: User | None, limit: int) -> list[Entry]:
    """What this person may see and viewers may not, in whatever state, newest first."""
    hidden = select(Entry).where(visible_to(by), Entry.status != "published")
    return list(session.scalars(hidden.order_by(Entry.created_at.desc(), Entry.id).limit(limit)))


def count_published(session: Session, *, by: User | None) -> int:
    """How many published entries this person may see."""
    published = (Entry.status == "published") & Entry.package_id.is_not(None)
    return session.scalars(select(func.count()).select_from(Entry).where(visible_to(by), published)).one()


def count_by_term(session: Session, field: str, *, by: User | None, limit: int) -> list[tuple[Term, int]]:
    """The terms that most published entries carry in that field, with their number."""
    count = func.count()
    counted = (
        select(EntryTerm.term_id, count)
        .join(Entry, Entry.id == EntryTerm.entry_id)
        .where(visible_to(by), Entry.status == "published", Entry.package_id.is_not(None), EntryTerm.field == field)
        .group_by(EntryTerm.term_id)
        .order_by(count.desc(), EntryTerm.term_id)
        .limit(limit)
    )
    numbers = {str(row[0]): int(row[1]) for row in session.execute(counted)}
    terms = {term.id: term for term in session.scalars(select(Term).where(Term.id.in_(numbers)))}
    return [(terms[term_id], number) for term_id, number in numbers.items()]


def list_by_ids(session: Session, ids: Iterable[str], *, by: User | None) -> dict[str, Entry]:
    """Those of the entries that this person may see, by id."""
    rows = session.scalars(select(Entry).where(Entry.id.in_(list(ids)), visible_to(by)))
    return {entry.id: entry for entry in rows}


def find_by_title(session: Session, words: str, *, by: User | None, limit: int) -> list[Entry]:
    """Published entries whose title holds every word: what is left of searching while the index is being rebuilt."""
    statement = select(Entry).where(visible_to(by), Entry.status == "published", Entry.package_id.is_not(None))
    for word in words.split()[:8]:
        titles = [Entry.title[language].as_string() for language in ("zh", "en")]
        statement = statement.where(or_(*(cast(title, String).icontains(word, autoescape=True) for title in titles)))
    return list(session.scalars(statement.order_by(Entry.published_at.desc(), Entry.id).limit(limit)))


def entries_of_recordings(session: Session, recording_ids: Iterable[str]) -> dict[str, Entry]:
    """The first entry made of each recording, by the recording's id."""
    statement = select(Entry).where(Entry.recording_id.in_(list(recording_ids))).order_by(Entry.created_at.desc())
    return {str(entry.recording_id): entry for entry in session.scalars(statement)}
