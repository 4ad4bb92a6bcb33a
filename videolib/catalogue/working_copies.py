"""What editors type: kept field by field, so that two who work at once lose nothing and meet only where they must.

A form says for each field what it holds and a digest of what it was shown (`base`). What only this form changed is
kept, what only somebody else changed stays, and what both changed to different things is a conflict that shows both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue import lifecycle
from videolib.catalogue.audit import record_event
from videolib.catalogue.documents import HOUSEKEEPING, Document, digest_of, document_of, put, value_at, working_document
from videolib.catalogue.entries import Entry, apply_values, count_write
from videolib.catalogue.entry_terms import require_terms, with_term_ids
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS, parse_values, plain
from videolib.catalogue.people import User
from videolib.errors import InvalidInput

_NOTHING: tuple[object, ...] = (None, "", [], {})


@dataclass(frozen=True)
class FieldEdit:
    """What a form holds at a path; `base` is the digest of what it was shown there."""

    value: Any
    base: str


@dataclass(frozen=True)
class FieldConflict:
    """Two changed the same thing: what this form wants, and what is stored."""

    path: str
    mine: Any
    theirs: Any


@dataclass
class Saved:
    """What became of a form: paths that were kept, conflicts, and a sentence for each field that cannot be so."""

    kept: list[str] = field(default_factory=list)
    conflicts: list[FieldConflict] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


def base_of(value: Any) -> str:
    """The digest by which a form says what it was shown; of nothing, however nothing is written, the same."""
    return digest_of(None if value in _NOTHING else value)[:16]


def locked(session: Session, entry: Entry) -> Entry:
    """The entry read anew, and ours until the unit of work ends: who saves at this moment waits."""
    mine = select(Entry).where(Entry.id == entry.id).with_for_update(of=Entry)
    return session.scalars(mine, execution_options={"populate_existing": True}).one()


def save_edits(session: Session, entry: Entry, edits: Mapping[str, FieldEdit], *, by: User | None) -> Saved:
    """Keep what can be kept. The fields of a published entry wait beside it until they are published.

    Raises `NotAllowed` and `Conflict` as the table of states says.
    """
    entry = locked(session, entry)
    lifecycle.require(entry, "edit", by=by)
    before = working_document(entry)
    after, saved = dict(before), Saved()
    for path, edit in edits.items():
        _apply_edit(session, after, path, edit, saved)
    changed = {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}
    if changed:
        _keep(session, entry, changed)
        record_event(session, "edit", "entry", entry.id, by=by, fields=sorted(saved.kept))
    return saved


def _apply_edit(session: Session, document: Document, path: str, edit: FieldEdit, saved: Saved) -> None:
    stored = value_at(document, path)
    if base_of(edit.value) in {base_of(stored), edit.base}:
        return  # it says so already, or this form did not touch it
    candidate = dict(document)
    put(candidate, path, edit.value)
    head = path.partition(".")[0]
    try:
        checked = _checked(session, head, candidate.get(head), document.get(head))
    except InvalidInput as error:
        found = [text for name, text in error.fields.items() if name.startswith((path, head))]
        saved.errors[path] = next(iter(found), error.message)
        return
    put(candidate, head, checked)
    mine = value_at(candidate, path)
    if base_of(mine) in {base_of(stored), edit.base}:
        return
    if edit.base != base_of(stored):
        saved.conflicts.append(FieldConflict(path, mine, stored))
        return
    document.clear()
    document.update(candidate)
    saved.kept.append(path)


def _checked(session: Session, head: str, value: Any, kept: Any) -> Any:
    """One field of a document as it is stored. Raises `InvalidInput`."""
    found: Any = plain(getattr(parse_values({head: value}), head)) if value not in _NOTHING else None
    if found in _NOTHING:
        return None
    if head in TERM_FIELDS:
        return require_terms(session, head, TERM_FIELDS[head], found, kept=kept or ())
    if head in SINGLE_TERM_FIELDS:
        return require_terms(session, head, SINGLE_TERM_FIELDS[head], [found], kept=[kept] if kept else ())[0]
    return with_term_ids(session, {head: found})[head]


def _keep(session: Session, entry: Entry, changed: Mapping[str, Any]) -> None:
    changes_content = bool(set(changed) - HOUSEKEEPING)
    if entry.status != "published":
        apply_values(session, entry, parse_values(changed))
        if entry.status == "approved" and changes_content:
            entry.status = "draft"  # the approval was for another content
            count_write(session, entry)
        return
    public = document_of(entry)
    pending = {**entry.pending, **changed}
    entry.pending = {name: value for name, value in pending.items() if value != public.get(name)}
    if not entry.pending:
        entry.pending_state = None
    elif entry.pending_state == "approved" and changes_content:
        entry.pending_state = "draft"
    count_write(session, entry)
