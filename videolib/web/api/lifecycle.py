"""`/api/v1/entries/<id>/submit` and the other moves between states, by the same table as the pages."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from werkzeug.wrappers import Response

from videolib.catalogue import publishing, reviews
from videolib.catalogue.entries import require_revision
from videolib.catalogue.people import User, get_user, get_user_by_id
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.api.answers import expected_revision, sent_object, tagged
from videolib.web.api.entry_json import entry_json
from videolib.web.api.review_schemas import Move, Naming
from videolib.web.api.schemas import EntryOut
from videolib.web.api.spec import documents_body
from videolib.web.context import commit, database_session

blueprint = APIBlueprint("lifecycle_api", __name__, url_prefix="/api/v1", tag="Review")


@blueprint.post("/entries/<entry_id>/<any(submit,recall,archive,restore,discard):deed>")
@documents_body(Move)
@blueprint.output(EntryOut)
def move(entry_id: str, deed: str) -> Response:
    """Move an entry to another state

    `submit` it for review, `recall` it from there, put it into the `archive` or `restore` it, or `discard` what was
    changed of a published entry. 409 where the state forbids it.
    """
    entry, person = entry_to_edit(entry_id), require_editor()
    require_revision(entry, expected_revision(entry))
    if deed == "discard":
        publishing.discard_changes(database_session(), entry, by=person)
    else:
        reason = str(sent_object().get("reason") or "")
        publishing.move_entry(database_session(), entry, deed, reason=reason, by=person)
    commit()
    return tagged(entry_json(entry), str(entry.revision))


@blueprint.put("/entries/<entry_id>/reviewer")
@documents_body(Naming)
@blueprint.output(EntryOut)
def name_reviewer(entry_id: str) -> Response:
    """Name the reviewer

    By id or e-mail address; null leaves it to whoever takes the review.
    """
    entry, person = entry_to_edit(entry_id), require_editor()
    require_revision(entry, expected_revision(entry))
    wanted = sent_object().get("reviewer")
    reviews.name_reviewer(database_session(), entry, _reviewer(wanted) if wanted is not None else None, by=person)
    commit()
    return tagged(entry_json(entry), str(entry.revision))


def _reviewer(wanted: Any) -> User:
    if isinstance(wanted, str):
        return get_user(database_session(), wanted)
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise InvalidInput("Say who is to review.", fields={"reviewer": "Say who is to review."})
    return get_user_by_id(database_session(), wanted)
