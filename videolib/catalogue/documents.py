"""An entry as one document: plain JSON of every field, which versions keep, reviews are bound to and forms compare.

A document holds the fields of `EntryValues` that say something, and nothing else: `parse_values(document)` gives them
back. A path names a field or a part of a structure: `title.zh`, `case.indication.en`, `contributors`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from videolib.catalogue.entry_values import (
    DETAIL_FIELDS,
    LANG_FIELDS,
    SINGLE_TERM_FIELDS,
    TERM_FIELDS,
    EntryValues,
)

if TYPE_CHECKING:
    from videolib.catalogue.entries import Entry

Document = dict[str, Any]
FIELDS = tuple(EntryValues.model_fields)
# who may watch is decided beside the content: changing it voids no review
HOUSEKEEPING = frozenset({"audience", "sharing", "keywords"})


@dataclass(frozen=True)
class Change:
    """A part of a document that differs: its path, and the value on either side (None: nothing)."""

    path: str
    before: Any
    after: Any


def document_of(entry: Entry) -> Document:
    """The entry as its columns say: what viewers see of a published one."""
    found: Document = {name: dict(getattr(entry, name)) for name in LANG_FIELDS}
    found["learning_objectives"] = [dict(text) for text in entry.learning_objectives]
    found |= {name: getattr(entry, name) for name in (*SINGLE_TERM_FIELDS, "year_of_procedure", "audience")}
    found |= {field: [link.term_id for link in entry.terms if link.field == field] for field in TERM_FIELDS}
    found |= {name: entry.details.get(name) for name in DETAIL_FIELDS}
    return {name: found[name] for name in FIELDS if found.get(name) not in (None, {}, [], "")}


def working_document(entry: Entry) -> Document:
    """The entry with the changes that are not published yet: what editors work on."""
    return overlay(document_of(entry), entry.pending)


def overlay(document: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """The document with some of its fields replaced; None takes a field away."""
    found = {**document, **changes}
    return {name: found[name] for name in FIELDS if found.get(name) not in (None, {}, [], "")}


def digest_of(content: object) -> str:
    """SHA-256 of any JSON, the same however its members are ordered."""
    plain = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def content_of(document: Mapping[str, Any]) -> Document:
    """What a reviewer judges."""
    return {name: value for name, value in document.items() if name not in HOUSEKEEPING}


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """What stands at that path; None where nothing does."""
    found: Any = document
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def put(document: Document, path: str, value: Any) -> None:
    """Set what stands at that path; None and empty take it away."""
    *above, last = path.split(".")
    inner = document
    for part in above:
        # copied on the way: the old document stays as it is
        inner[part] = dict(inner[part]) if isinstance(inner.get(part), Mapping) else {}
        inner = inner[part]
    if value in (None, "", [], {}):
        inner.pop(last, None)
    else:
        inner[last] = value


def find_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Where two documents differ, part by part, in the order of the fields."""
    known = [name for name in FIELDS if name in before or name in after]
    others = sorted({*before, *after} - set(known))
    return [change for name in (*known, *others) for change in _changes_at(name, before.get(name), after.get(name))]


def _changes_at(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before or {}, Mapping) and isinstance(after or {}, Mapping):
        old, new = before or {}, after or {}
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _changes_at(f"{path}.{name}", old.get(name), new.get(name))
        return
    yield Change(path, before, after)
