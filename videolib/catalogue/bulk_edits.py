"""The same change to many entries at once, which can be taken back: terms, keywords, owner, audience.

What each entry said before is kept with the deed. Taking it back touches only what still says what the deed wrote:
what somebody changed since then stays, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.access import can
from videolib.catalogue.audit import record_event
from videolib.catalogue.documents import document_of
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.entry_values import TERM_FIELDS, parse_values
from videolib.catalogue.gate import THRESHOLD
from videolib.catalogue.people import User
from videolib.catalogue.publishing import change_entry
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound, VideolibError

DEEDS = ("add", "remove", "set")
LIST_FIELDS = (*TERM_FIELDS, "keywords")
SINGLE_FIELDS = ("audience", "owner")
MOST = 1000  # entries in one deed


class BulkEdit(Base):
    """One deed. `before` and `after` are the field's value by entry id, of those that were changed."""

    __tablename__ = "bulk_edits"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(default=utc_now)
    deed: Mapped[str]
    field: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    undone_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Wish:
    """What to do: `add` or `remove` values of a list, or `set` one."""

    deed: str
    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of it: the deed (None where nothing changed), and a sentence for each entry left as it was."""

    edit: BulkEdit | None
    changed: int
    refused: Mapping[str, str]


def edit_many(
    session: Session, ids: Sequence[str], wish: Wish, *, threshold: int = THRESHOLD, by: User | None
) -> Outcome:
    """Do it to each entry; one that refuses keeps no other from being changed. Raises `InvalidInput`."""
    _require_sense(session, ids, wish)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for entry in _entries(session, ids):
        was = _value(entry, wish.field)
        wanted = _wanted(was, wish)
        if wanted == was:
            continue
        if sentence := _try_write(session, entry, wish.field, wanted, (threshold, by)):
            refused[entry.id] = sentence
        else:
            before[entry.id], after[entry.id] = was, _value(entry, wish.field)
    if not before:
        return Outcome(None, 0, refused)
    edit = BulkEdit(by_id=by.id if by else None, deed=wish.deed, field=wish.field, before=before, after=after)
    session.add(edit)
    session.flush()
    record_event(session, "bulk_edit", "bulk_edit", edit.id, by=by, field=wish.field, entries=len(before))
    return Outcome(edit, len(before), refused)


def undo(session: Session, edit_id: str, *, threshold: int = THRESHOLD, by: User | None) -> Outcome:
    """Take a deed back. Raises `NotFound`, and `Conflict` where it was taken back already."""
    edit = session.get(BulkEdit, edit_id, with_for_update=True)
    if edit is None:
        raise NotFound("There is no such change.", code="bulk_edit_not_found")
    if edit.undone_at is not None:
        raise Conflict("This change was taken back already.", code="wrong_state")
    refused: dict[str, str] = {}
    changed = 0
    for entry in _entries(session, list(edit.before)):
        if _value(entry, edit.field) != edit.after[entry.id]:
            refused[entry.id] = "Somebody has changed this since."
        elif sentence := _try_write(session, entry, edit.field, edit.before[entry.id], (threshold, by)):
            refused[entry.id] = sentence
        else:
            changed += 1
    edit.undone_at = utc_now()
    session.flush()
    record_event(session, "bulk_undo", "bulk_edit", edit.id, by=by, field=edit.field, entries=changed)
    return Outcome(edit, changed, refused)


def list_edits(session: Session, *, limit: int = 10) -> list[BulkEdit]:
    """The latest deeds, newest first."""
    return list(session.scalars(select(BulkEdit).order_by(BulkEdit.at.desc(), BulkEdit.id).limit(limit)))


def list_owners(session: Session) -> list[User]:
    """Who may own an entry: everybody who may edit."""
    people = session.scalars(select(User).where(User.active).order_by(User.email)).unique()
    return [person for person in people if can(person, "edit", "catalogue")]


def _require_sense(session: Session, ids: Sequence[str], wish: Wish) -> None:
    fields = LIST_FIELDS if wish.deed in {"add", "remove"} else SINGLE_FIELDS if wish.deed == "set" else ()
    problems = {}
    if not ids:
        problems["ids"] = "Choose at least one entry."
    if len(ids) > MOST:
        problems["ids"] = "Choose at most 1000 entries."
    if wish.field not in fields:
        problems["field"] = "Choose what to change."
    if not wish.values or (wish.deed == "set" and len(wish.values) != 1):
        problems["values"] = "Say what to add, remove or set."
    if wish.field == "owner" and wish.values[0] not in {str(person.id) for person in list_owners(session)}:
        problems["values"] = "An owner is somebody who may edit."
    if problems:
        raise InvalidInput(" ".join(problems.values()), fields=problems, code="bulk_invalid")


def _entries(session: Session, ids: Iterable[str]) -> list[Entry]:
    return list(session.scalars(select(Entry).where(Entry.id.in_(list(ids))).order_by(Entry.id)))


def _value(entry: Entry, field: str) -> Any:
    if field == "owner":
        return entry.created_by_id
    found = document_of(entry).get(field)
    return found if field == "audience" else list(found or [])


def _wanted(was: Any, wish: Wish) -> Any:
    if wish.field == "owner":
        return int(wish.values[0])
    if wish.deed == "set":
        return wish.values[0]
    if wish.deed == "add":
        return list(dict.fromkeys([*was, *wish.values]))
    return [value for value in was if value not in wish.values]


def _try_write(session: Session, entry: Entry, field: str, wanted: Any, how: tuple[int, User | None]) -> str | None:
    """Write it; gives the sentence of who refuses, and changes nothing then."""
    threshold, by = how
    savepoint = session.begin_nested()
    try:
        if field == "owner":
            entry.created_by_id = wanted
            count_write(session, entry)
        else:
            change_entry(session, entry, parse_values({field: wanted}), revision=None, threshold=threshold, by=by)
        savepoint.commit()
    except VideolibError as error:
        savepoint.rollback()
        session.refresh(entry)
        return error.message
    return None
