"""The inbox: what waits for who is signed in, where to go for it, and what was read of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import inbox as catalogue
from videolib.web.access import count_unread, require_login
from videolib.web.context import commit, database_session, services
from videolib.web.inbox_views import make_lines
from videolib.web.languages import language
from videolib.web.preferences import local_path

blueprint = Blueprint("inbox", __name__)


@blueprint.get("/inbox")
def index() -> str:
    """The messages, the newest first; `?unread=1` only those that were not read."""
    person = require_login()
    is_unread = request.args.get("unread") == "1"
    before = max(0, min(request.args.get("before", 0, type=int), 2**31 - 1))
    rows, next_before = catalogue.list_messages(database_session(), by=person, is_unread=is_unread, before=before)
    asked: dict[str, Any] = {"unread": "1"} if is_unread else {}
    return render_template(
        "inbox/index.html",
        lines=make_lines(rows, person),
        newest=rows[0].id if rows else 0,
        unread=count_unread(),
        is_unread=is_unread,
        sends_mail=bool(services().settings.smtp_url),
        by_mail=person.inbox_by_mail,
        previous_url=url_for("inbox.index", **asked) if before else None,
        next_url=url_for("inbox.index", **asked, before=next_before) if next_before else None,
    )


@blueprint.post("/inbox/read")
def read_all() -> Response:
    """All were read that were there when the page was made."""
    person = require_login()
    until = max(0, min(request.form.get("until", 0, type=int), 2**31 - 1))
    catalogue.mark_all_read(database_session(), by=person, until=until)
    commit()
    flash(_("All messages are marked as read."), "success")
    return redirect(url_for("inbox.index"), 303)


@blueprint.post("/inbox/<int:message_id>/<any(read,unread):deed>")
def mark(message_id: int, deed: str) -> Response:
    """One was read, or is to be looked at again."""
    person = require_login()
    catalogue.mark(database_session(), min(message_id, 2**31 - 1), is_read=deed == "read", by=person)
    commit()
    wanted = request.form.get("next", "")
    return redirect(local_path(wanted if wanted.startswith("/inbox") else url_for("inbox.index")), 303)


@blueprint.post("/inbox/mail")
def by_mail() -> Response:
    """Whether one is told by mail, too; in the language of the page."""
    person = require_login()
    is_wanted = request.form.get("by_mail") == "yes"
    catalogue.want_mail(database_session(), person, is_wanted=is_wanted, language=language())
    commit()
    flash(_("Saved."), "success")
    return redirect(url_for("inbox.index"), 303)
