"""The annotation desk: a timeline beside the player, which writes through `/api/v1`."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from videolib.catalogue import lifecycle
from videolib.catalogue.comment_threads import list_colleagues
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.comment_views import make_threads
from videolib.web.context import database_session
from videolib.web.entries import find_asked_s, make_page
from videolib.web.moment_form import chosen_layer
from videolib.web.studio_form import reviewers_for
from videolib.web.timeline_views import make_timeline

blueprint = Blueprint("studio_timeline", __name__)


@blueprint.get("/studio/entries/<entry_id>/timeline")
def show(entry_id: str) -> str:
    """The desk of one layer."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    layer = chosen_layer(request.args.get("layer"))
    page = make_page(entry, asked_s=find_asked_s())
    return render_template(
        "studio/timeline.html",
        entry=page,
        layer=layer,
        timeline=make_timeline(entry, page, layer),
        threads=make_threads(entry),
        colleagues=[(one.id, one.display_name or one.email) for one in list_colleagues(database_session(), by=person)],
        can_submit=lifecycle.may(person, entry, "submit"),
        reviewers=reviewers_for(entry),
    )
