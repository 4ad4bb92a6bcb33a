"""The page where an editor chooses the poster of an entry among pictures of its recording."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Package
from videolib.catalogue.posters import choose_poster, list_posters, poster_of
from videolib.errors import InvalidInput, NotFound
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.cards import make_card
from videolib.web.context import commit, database_session
from videolib.web.playback import find_package, media_path
from videolib.web.texts import clock_text

blueprint = Blueprint("posters", __name__)


@blueprint.get("/studio/entries/<entry_id>/poster")
def index(entry_id: str) -> str:
    """The pictures that the recording offers."""
    require_editor()
    entry = entry_to_edit(entry_id)
    package = _package_of(entry)
    offered = [
        {
            "url": media_path(entry.id, package.id, one.path),
            "time_s": one.time_s,
            "time_text": clock_text(one.time_s),
            "is_chosen": one.is_chosen,
        }
        for one in list_posters(package)
    ]
    picked_url = media_path(entry.id, package.id, poster_of(package))
    return render_template("studio/poster.html", card=make_card(entry), offered=offered, picked_url=picked_url)


@blueprint.post("/studio/entries/<entry_id>/poster")
def save(entry_id: str) -> Response:
    """Take the chosen one."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    choose_poster(database_session(), entry, _package_of(entry), _chosen_time_s(), by=person)
    commit()
    flash(_("This is the poster now."), "success")
    return redirect(url_for("posters.index", entry_id=entry.id), 303)


def _package_of(entry: Entry) -> Package:
    package = find_package(entry)
    if package is None:
        raise NotFound("There is nothing to play yet.", code="not_playable")
    return package


def _chosen_time_s() -> float | None:
    typed = request.form.get("time_s", "")
    try:
        return float(typed) if typed else None
    except ValueError as error:
        raise InvalidInput("Choose one of the pictures.", fields={"time_s": "Choose one of the pictures."}) from error
