"""An entry in the words of the catalogue, as programs read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import url_for

from videolib.catalogue.access import can
from videolib.catalogue.completeness import Completeness
from videolib.catalogue.documents import Change, document_of
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import TERM_FIELDS, EntryValues
from videolib.catalogue.gate import assess_entries
from videolib.catalogue.versions import citation_of
from videolib.web.access import current_person
from videolib.web.cards import duration_of, poster_path
from videolib.web.context import database_session, services
from videolib.web.media_gate import package_for
from videolib.web.playback import outside_address

# whom it was agreed with and how it was checked is the editors' business
FOR_EDITORS = ("consent", "deid", "sharing")
# what says nothing is still there, empty, as programs expect
_EMPTY: dict[str, Any] = {
    **{field: [] for field in TERM_FIELDS},
    "title": {},
    "summary": {},
    "key_points": {},
    "learning_objectives": [],
}


def entry_json(entry: Entry) -> dict[str, Any]:
    """The entry as who asks may see it."""
    return entries_json([entry])[0]


def entries_json(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Some entries, as who asks may see them."""
    found: dict[str, Completeness] = {}
    if can(current_person(), "edit", "catalogue"):
        found = assess_entries(database_session(), entries, threshold=services().settings.review_threshold)
    return [_entry_json(entry, found.get(entry.id)) for entry in entries]


def _entry_json(entry: Entry, completeness: Completeness | None) -> dict[str, Any]:
    poster = poster_path(entry, package_for(entry, current_person()))
    document = public_document(document_of(entry))
    body: dict[str, Any] = {
        "id": entry.id,
        "url": outside_address() + url_for("entries.show", entry_id=entry.id),
        "citation": citation_of(entry),
        "version": entry.version,
        "revision": entry.revision,
        "status": entry.status,
        **{name: document.get(name, _EMPTY.get(name)) for name in EntryValues.model_fields if name not in FOR_EDITORS},
        "duration_s": duration_of(entry),
        "poster_url": outside_address() + poster if poster else None,
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
        "published_at": entry.published_at.isoformat() if entry.published_at else None,
    }
    if completeness is not None:
        body |= {name: entry.details.get(name) for name in (*FOR_EDITORS, "device_details")}
        body |= {
            "recording_id": entry.recording_id,
            "missing": completeness.missing,
            "completeness": completeness.percent,
            "unpublished_changes": dict(entry.pending),
            "withdrawn_reason": entry.withdrawn_reason,
        }
    return body


def shown_changes(changes: Iterable[Change]) -> list[Change]:
    """Those of the changes that who asks may see: the editors' business is for editors."""
    hidden = () if can(current_person(), "edit", "catalogue") else (*FOR_EDITORS, "device_details")
    return [item for item in changes if item.path.partition(".")[0] not in hidden]


def public_document(document: dict[str, Any]) -> dict[str, Any]:
    """What everyone of its audience may read: without the editors' business, makers only beside a disclosure."""
    shown = {name: value for name, value in document.items() if name not in FOR_EDITORS}
    coi = shown.get("coi") or {}
    if "device_details" in shown and not (coi.get("none") or coi.get("text")):
        hidden = ("manufacturer", "model")
        shown["device_details"] = [
            {name: value for name, value in item.items() if name not in hidden} for item in shown["device_details"]
        ]
    return shown
