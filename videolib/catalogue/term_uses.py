"""Where terms are used: every column that refers to a term, whatever table, and every document that names one by id.

The columns are found in the tables themselves, so what a later table says about terms is counted and moved as well.
Terms' ids are never used twice and look like nothing else, so a text in a document that is an id means the term.
Immutable versions and the audit keep what they said; a merged term leads on to the one that took its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import JSON, Column, String, Table, cast, delete, func, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.annotations import Annotation
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.vocabulary import Term
from videolib.db import Base

# tables whose JSON says what is so now; all others are records of what was
_DOCUMENTS = (Entry.__tablename__, Annotation.__tablename__)


def count_uses(session: Session, scheme_id: str | None = None) -> Counter[str]:
    """How often each term is used, by its id; terms of one scheme only where one is named."""
    counts: Counter[str] = Counter()
    for column in _referring_columns():
        statement = select(column, func.count()).where(column.is_not(None)).group_by(column)
        if scheme_id is not None:
            statement = statement.where(column.in_(select(Term.id).where(Term.scheme_id == scheme_id)))
        counts.update({str(row[0]): int(row[1]) for row in session.execute(statement)})
    return counts


def is_used(session: Session, term: Term) -> bool:
    """Whether anything names the term: an entry, a segment, a narrower term, a step of its procedure."""
    if any(
        session.execute(select(column).where(column == term.id).limit(1)).first() for column in _referring_columns()
    ):
        return True
    if any(True for _ in _naming_documents(session, term.id)):
        return True
    return any(
        term.id in (other.broader_id, other.merged_into, *other.extra.values()) for other in _others(session, term)
    )


def entries_naming(session: Session, term_id: str) -> set[str]:
    """The entries that name the term, in a field, an annotation or a document."""
    found: set[str] = set()
    for column in _referring_columns():
        if (entry_column := _entry_column(column.table)) is not None:
            found |= {str(value) for value in session.scalars(select(entry_column).where(column == term_id)) if value}
    for table, key, _changes in _naming_documents(session, term_id):
        found |= {str(value) for column, value in key if table.name == "entries" or column.name == "entry_id"}
    return found


def move_uses(session: Session, term: Term, into: Term) -> int:
    """Whatever named `term` names `into` from now on; gives the number of entries changed. They count as written."""
    session.flush()
    entry_ids: set[str] = set()
    for column in _referring_columns():
        entry_ids |= _move_column(session, column, term.id, into.id)
    for table, key, changes in list(_naming_documents(session, term.id)):
        moved = {name: replaced(value, term.id, into.id) for name, value in changes.items()}
        session.execute(update(table).where(*(column == value for column, value in key)).values(moved))
        entry_ids |= {str(value) for column, value in key if table.name == "entries" or column.name == "entry_id"}
    _move_terms(session, term, into)
    session.expire_all()
    entries = session.scalars(select(Entry).where(Entry.id.in_(entry_ids)).order_by(Entry.id)).all()
    for entry in entries:
        count_write(session, entry)
    return len(entries)


def replaced(value: Any, old: str, new: str) -> Any:
    """The document with each text that is `old` turned into `new`; in a list of ids none stands twice."""
    if value == old:
        return new
    if isinstance(value, dict):
        return {name: replaced(inner, old, new) for name, inner in value.items()}
    if isinstance(value, list):
        moved = [replaced(inner, old, new) for inner in value]
        return [item for place, item in enumerate(moved) if item != new or new not in moved[:place]]
    return value


def _referring_columns() -> Iterator[Column[Any]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column.table.name == "terms" for key in column.foreign_keys):
                yield column


def _entry_column(table: Table) -> Column[Any] | None:
    return table.columns.get("id" if table.name == "entries" else "entry_id")


def _move_column(session: Session, column: Column[Any], old: str, new: str) -> set[str]:
    table = column.table
    entry_column = _entry_column(table)
    changed: set[str] = set()
    if entry_column is not None:
        changed = {str(value) for value in session.scalars(select(entry_column).where(column == old)) if value}
    if column.primary_key:
        # who names both keeps one
        other = table.alias()
        rest = [other.c[key.name] == key for key in table.primary_key.columns if key is not column]
        twice = select(1).where(other.c[column.name] == new, *rest).exists()
        session.execute(delete(table).where(column == old, twice))
    moved: dict[str, Any] = {column.name: new}
    if "revision" in table.columns and table.name != "entries":
        # who has it open is told; entries are counted with everything that moved in them
        moved["revision"] = table.columns["revision"] + 1
    session.execute(update(table).where(column == old).values(moved))
    return changed


def _naming_documents(
    session: Session, term_id: str
) -> Iterator[tuple[Table, list[tuple[Column[Any], Any]], dict[str, Any]]]:
    """Rows whose JSON names the term: their table, their key, and the columns that do with what they hold."""
    for table in (found for found in Base.metadata.sorted_tables if found.name in _DOCUMENTS):
        documents = [column for column in table.columns if isinstance(column.type, JSON)]
        keys = list(table.primary_key.columns)
        for document in documents:
            naming = cast(document, String).contains(f'"{term_id}"', autoescape=True)
            for row in session.execute(select(*keys, document).where(naming)).all():
                if _names(row[-1], term_id):
                    yield table, list(zip(keys, row[:-1], strict=True)), {document.name: row[-1]}


def _names(value: Any, term_id: str) -> bool:
    inner: Iterable[Any] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    return value == term_id or any(_names(item, term_id) for item in inner)


def _others(session: Session, term: Term) -> Iterable[Term]:
    return session.scalars(select(Term).where(Term.id != term.id))


def _move_terms(session: Session, term: Term, into: Term) -> None:
    """Narrower terms, steps and earlier merges follow. Steps of a procedure that has some already are retired."""
    others = list(_others(session, term))
    has_steps = any(other.extra.get("procedure") == into.id and not other.retired for other in others)
    for other in others:
        changed = term.id in (other.broader_id, other.merged_into, *other.extra.values())
        if not changed:
            continue
        other.broader_id = into.id if other.broader_id == term.id else other.broader_id
        other.merged_into = into.id if other.merged_into == term.id else other.merged_into
        if other.extra.get("procedure") == term.id and has_steps:
            other.retired = True
        else:
            other.extra = replaced(other.extra, term.id, into.id)
        other.edited = True
        other.version += 1
    session.flush()
