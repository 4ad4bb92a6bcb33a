"""An entry in the words of the catalogue, as programs read it."""

from __future__ import annotations

from typing import Any

from flask import url_for

from videolib.catalogue.entries import Entry, find_missing, may_edit
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS
from videolib.web.access import current_person
from videolib.web.cards import duration_of, poster_path
from videolib.web.media_gate import package_for
from videolib.web.playback import outside_address

# whom it was agreed with and how it was checked is the editors' business
_FOR_ALL = ("keywords", "contributors", "case", "operator", "outcomes", "coi", "rights", "edit", "references")
_FOR_EDITORS = ("consent", "deid")


def entry_json(entry: Entry) -> dict[str, Any]:
    """The entry as who asks may see it."""
    person = current_person()
    poster = poster_path(entry, package_for(entry, person))
    body: dict[str, Any] = {
        "id": entry.id,
        "url": outside_address() + url_for("entries.show", entry_id=entry.id),
        "version": entry.version,
        "revision": entry.revision,
        "status": entry.status,
        "audience": entry.audience,
        "title": entry.title,
        "summary": entry.summary,
        "learning_objectives": entry.learning_objectives,
        "key_points": entry.key_points,
        **{field: [term.id for term in entry.terms_of(field)] for field in TERM_FIELDS},
        **{field: getattr(entry, field) for field in SINGLE_TERM_FIELDS},
        "year_of_procedure": entry.year_of_procedure,
        **{name: entry.details.get(name) for name in _FOR_ALL},
        "duration_s": duration_of(entry),
        "poster_url": outside_address() + poster if poster else None,
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
        "published_at": entry.published_at.isoformat() if entry.published_at else None,
    }
    if may_edit(person):
        body |= {name: entry.details.get(name) for name in _FOR_EDITORS}
        body |= {
            "recording_id": entry.recording_id,
            "missing": find_missing(entry),
            "withdrawn_reason": entry.withdrawn_reason,
        }
    return body
