"""Comments at the annotation desk: threads pinned to a moment, a colleague asked to look, dealt with or open."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import comment_threads, reviews
from videolib.catalogue.entries import Entry
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.comment_views import make_threads
from videolib.web.context import commit, database_session
from videolib.web.reviews import read_seconds

blueprint = Blueprint("studio_comments", __name__)


@blueprint.post("/studio/entries/<entry_id>/timeline/comments")
def add(entry_id: str) -> Response:
    """Add a comment at a moment, or with `parent` an answer; `asked` names who is to look."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    session, text = database_session(), request.form.get("text", "")
    parent, asked = request.form.get("parent", type=int), request.form.get("asked", type=int)
    if parent:
        comment_threads.reply(session, entry, parent, text, by=person)
    else:
        at_s = read_seconds(request.form.get("at", ""))
        comment = reviews.add_comment(session, entry, text, at_s=at_s, by=person)
        if asked:
            comment_threads.ask_to_look(session, comment, asked, by=person)
    return _back(entry)


@blueprint.post("/studio/entries/<entry_id>/timeline/comments/<int:comment_id>")
def resolve(entry_id: str, comment_id: int) -> Response:
    """Mark a thread as dealt with, or open it again."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    reviews.resolve_comment(database_session(), entry, comment_id, by=person)
    return _back(entry)


def _back(entry: Entry) -> Response:
    commit()
    if request.headers.get("X-Part") == "comments":
        part = render_template("studio/comments_part.html", entry_id=entry.id, threads=make_threads(entry))
        return Response(part, mimetype="text/html")
    flash(_("The comment is kept."), "success")
    return redirect(url_for("studio_timeline.show", entry_id=entry.id, _anchor="comments"), 303)
