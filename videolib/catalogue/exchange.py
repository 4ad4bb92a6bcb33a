"""Entries as tables and JSON: everything a person may see out, and rows in, each with a report of its own.

In a table a text in a language has a column each (`title.zh`), a structure one for each part (`case.age_band`), terms
and keywords stand with `;` between them, lists of structures as JSON in one cell. A cell that is empty leaves what is
there; `[clear]` empties it. A row with an `id` changes that entry, one without adds a draft.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from videolib.catalogue import spreadsheets
from videolib.catalogue.access import can, visible_entries
from videolib.catalogue.documents import FIELDS, Document, document_of, find_changes, put
from videolib.catalogue.entries import Entry, create_entry
from videolib.catalogue.entry_values import EntryValues, parse_values, plain
from videolib.catalogue.gate import THRESHOLD
from videolib.catalogue.people import User
from videolib.catalogue.publishing import change_entry
from videolib.errors import InvalidInput, VideolibError

FORMS = ("csv", "xlsx", "json")
CLEAR = "[clear]"
# what an entry is and how it stands: written, never taken from a row, but `id` and `revision` say which one is meant
FACTS = ("id", "citation", "status", "version", "revision", "recording_id")
_FOR_EDITORS = frozenset({"consent", "deid", "sharing"})
_LANGUAGES = frozenset({"zh", "en"})
_TEMPLATE = (
    "title.zh",
    "title.en",
    "summary.zh",
    "summary.en",
    "content_type",
    "procedures",
    "anatomy",
    "pathologies",
    "devices",
    "year_of_procedure",
    "audience",
    "keywords",
)
BATCH = 200


@dataclass(frozen=True)
class Row:
    """One row that came in: its number in the sheet (or place in the JSON), which entry it means, and its cells."""

    number: int
    entry_id: str | None
    revision: int | None
    cells: Mapping[str, Any]


@dataclass(frozen=True)
class RowReport:
    """What became, or would become, of a row: `added`, `changed`, `unchanged` or `refused`, and why."""

    number: int
    what: str
    entry_id: str | None = None
    fields: tuple[str, ...] = ()
    message: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


def export_entries(session: Session, form: str, *, by: User | None, everything: bool = False) -> bytes:
    """All that this person may see, as `csv`, `xlsx` or `json`. `everything`: for the operator, all there is."""
    wanted = true() if everything else visible_entries(by)
    found = (_record(entry, whole=everything or can(by, "edit", "catalogue")) for entry in _listed(session, wanted))
    if form == "json":
        content = {"format": "videolib entries", "entries": list(found)}
        return json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8")
    rows = [dict(_flatten(record)) for record in found]
    return spreadsheets.write_table(_columns(rows), rows, form)


def read_rows(content: bytes, form: str, name: str) -> list[Row]:
    """The rows of a file. Raises `InvalidInput` where it is no such file."""
    if form != "json":
        return [_row(number, cells) for number, cells in spreadsheets.read_table(content, form, name)]
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{name} cannot be read as JSON.", code="table_unreadable") from error
    items = found.get("entries") if isinstance(found, dict) else found
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidInput(f"{name} holds no list of entries.", code="table_unreadable")
    if len(items) > spreadsheets.MAX_ROWS:
        raise InvalidInput(f"{name} has too many entries; split it.", code="table_too_large")
    return [_row(number, item) for number, item in enumerate(items, start=1)]


def import_rows(
    session: Session, rows: Iterable[Row], *, threshold: int = THRESHOLD, by: User | None
) -> list[RowReport]:
    """Take in each row by itself: one that is refused changes nothing and keeps no other from being taken.

    For a dry run the caller rolls back: the report is that of the real thing.
    """
    reports = []
    for row in rows:
        savepoint = session.begin_nested()
        try:
            reports.append(_import_row(session, row, threshold, by))
            savepoint.commit()
        except VideolibError as error:
            savepoint.rollback()
            problems = dict(error.fields) if isinstance(error, InvalidInput) else {}
            reports.append(RowReport(row.number, "refused", row.entry_id, (), error.message, problems))
    return reports


def _import_row(session: Session, row: Row, threshold: int, by: User | None) -> RowReport:
    if row.entry_id is None:
        added = create_entry(session, parse_values(_given({}, row.cells)), by=by)
        return RowReport(row.number, "added", added.id, tuple(sorted(row.cells)))
    entry = session.get(Entry, row.entry_id)
    if entry is None:
        raise InvalidInput("There is no entry of this id; leave the id empty to add one.", code="entry_not_found")
    before = document_of(entry)
    values = parse_values(_given(before, row.cells))
    if row.revision is not None and row.revision != entry.revision:
        raise InvalidInput("Somebody has changed this entry since the file was written; export it again.", code="stale")
    changed = tuple(change.path for change in find_changes(before, {**before, **_plain(values)}))
    if not changed:
        return RowReport(row.number, "unchanged", entry.id)
    change_entry(session, entry, values, revision=None, threshold=threshold, by=by)
    return RowReport(row.number, "changed", entry.id, changed)


def _plain(values: EntryValues) -> dict[str, Any]:
    return {name: plain(getattr(values, name)) for name in values.model_fields_set}


def _listed(session: Session, wanted: ColumnElement[bool]) -> Iterator[Entry]:
    statement = select(Entry).where(wanted).order_by(Entry.created_at, Entry.id)
    yield from session.scalars(statement.execution_options(yield_per=BATCH))


def _record(entry: Entry, *, whole: bool) -> dict[str, Any]:
    """The entry as who asks may read it: facts, then fields."""
    document = document_of(entry)
    facts: dict[str, Any] = {
        "id": entry.id,
        "citation": entry.code,
        "status": entry.status,
        "version": entry.version,
        "revision": entry.revision,
    }
    if whole:
        return {**facts, "recording_id": entry.recording_id, **document}
    coi = document.get("coi") or {}
    hidden = _FOR_EDITORS if coi.get("none") or coi.get("text") else _FOR_EDITORS | {"device_details"}
    return {**facts, **{name: value for name, value in document.items() if name not in hidden}}


def _flatten(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        path = f"{above}.{name}" if above else str(name)
        if isinstance(inner, Mapping):
            yield from _flatten(inner, path)
        elif isinstance(inner, list):
            plain = all(isinstance(item, str) and ";" not in item for item in inner)
            yield path, ";".join(inner) if plain else json.dumps(inner, ensure_ascii=False)
        elif inner is not None:
            yield path, inner


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Facts first, then the usual fields, then whatever else some row says, in the order of the fields."""
    order = {name: place for place, name in enumerate(FIELDS)}
    found = {name for row in rows for name in row} | set(_TEMPLATE)
    others = found - set(FACTS) - set(_TEMPLATE)
    sorted_others = sorted(others, key=lambda name: (order.get(name.partition(".")[0], len(order)), name))
    return [*(name for name in FACTS if name in found or name == "id"), *_TEMPLATE, *sorted_others]


def _row(number: int, cells: Mapping[str, Any]) -> Row:
    revision = str(cells.get("revision") or "")
    return Row(
        number,
        str(cells["id"]).strip() if cells.get("id") else None,
        int(revision) if revision.isdecimal() else None,
        {name: value for name, value in cells.items() if name not in FACTS},
    )


def _given(document: Document, cells: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the cells touch, whole: what a structure holds beside the cells' parts stays in it."""
    wanted: Document = dict(document)
    for path, cell in cells.items():
        put(wanted, path, _value(path, cell))
    touched = dict.fromkeys(path.partition(".")[0] for path in cells)
    return {name: wanted.get(name) for name in touched}


def _value(path: str, cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if text == CLEAR:
        return None
    if path.rpartition(".")[2] not in _LANGUAGES and text[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text
