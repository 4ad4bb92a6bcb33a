"""`/api/v1/entries/<id>/versions`: what was published when, what differs, and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apiflask import APIBlueprint
from flask import url_for
from werkzeug.wrappers import Response

from videolib.catalogue.access import can
from videolib.catalogue.documents import Change
from videolib.catalogue.entries import Entry, require_revision
from videolib.catalogue.publishing import roll_back
from videolib.catalogue.versions import (
    EntryVersion,
    citation_of,
    diff,
    get_version,
    kept_annotations,
    page_of_versions,
)
from videolib.web.access import current_person, entry_to_edit, entry_to_see, require_editor
from videolib.web.api.answers import expected_revision, sent_object, tagged
from videolib.web.api.entry_json import entry_json, public_document, shown_changes
from videolib.web.api.review_schemas import RollBack, VersionOut, VersionQuery, VersionsOut
from videolib.web.api.schemas import EntryOut, PageQuery
from videolib.web.api.spec import documents_body
from videolib.web.context import commit, database_session, services
from videolib.web.playback import outside_address

blueprint = APIBlueprint("versions_api", __name__, url_prefix="/api/v1", tag="Versions")


@blueprint.get("/entries/<entry_id>/versions")
@blueprint.input(PageQuery, location="query", arg_name="query")
@blueprint.output(VersionsOut)
def index(entry_id: str, query: dict[str, Any]) -> Response:
    """List the versions of an entry

    The newest first; each is what was published, and never changes.
    """
    entry = entry_to_see(entry_id)
    rows, next_cursor = page_of_versions(
        database_session(), entry.id, limit=query["limit"], cursor=query.get("cursor") or None
    )
    return tagged({"items": [_version_json(entry, row) for row in rows], "next_cursor": next_cursor})


@blueprint.get("/entries/<entry_id>/versions/<int:number>")
@blueprint.input(VersionQuery, location="query", arg_name="query")
@blueprint.output(VersionOut)
def show(entry_id: str, number: int, query: dict[str, Any]) -> Response:
    """Read a version

    With `against`, also what differs from that one.
    """
    entry, session = entry_to_see(entry_id), database_session()
    version = get_version(session, entry.id, number)
    against = query.get("against")
    return tagged(
        {
            **_version_json(entry, version),
            "document": version.document
            if can(current_person(), "edit", "catalogue")
            else public_document(version.document),
            "annotations": kept_annotations(version),
            "caption_languages": sorted(version.captions) if version.captions is not None else None,
            "beside": version.beside,
            "changes": changes_json(diff(get_version(session, entry.id, against), version)) if against else None,
        }
    )


@blueprint.post("/entries/<entry_id>/versions/<int:number>/roll-back")
@documents_body(RollBack)
@blueprint.output(EntryOut)
def return_to(entry_id: str, number: int) -> Response:
    """Go back to a version

    A new version says what that one said, annotations and captions too; those between stay. 422 where it lacks what
    is asked for today.
    """
    entry, person = entry_to_edit(entry_id), require_editor()
    require_revision(entry, expected_revision(entry))
    reason, threshold = str(sent_object().get("reason") or ""), services().settings.review_threshold
    roll_back(database_session(), entry, number, reason=reason, threshold=threshold, by=person)
    commit()
    return tagged(entry_json(entry), str(entry.revision))


def changes_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """What differs, as far as who asks may see it."""
    return [{"path": item.path, "before": item.before, "after": item.after} for item in shown_changes(changes)]


def _version_json(entry: Entry, row: EntryVersion) -> dict[str, Any]:
    body = {
        "number": row.number,
        "citation": citation_of(entry, row.number),
        "url": outside_address() + url_for("versions.show", entry_id=entry.id, number=row.number),
        "created_at": row.created_at.isoformat(),
        "is_current": row.number == entry.version,
    }
    return (
        {**body, "author": row.author_name, "reason": row.reason}
        if can(current_person(), "edit", "catalogue")
        else body
    )


def _is_editor() -> bool:
    return can(current_person(), "edit", "catalogue")
