"""The first page: what is new, and by which subjects."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from videolib.catalogue.entry_lists import count_by_term, count_published, list_newest
from videolib.web.access import current_person
from videolib.web.assets import asset_url
from videolib.web.cards import facet_url, make_cards
from videolib.web.context import database_session
from videolib.web.languages import language

blueprint = Blueprint("home", __name__)

NEWEST, TOPICS = 20, 12


@dataclass(frozen=True)
class Topic:
    """A subject, and how many entries it has."""

    label: str
    url: str
    count: int


@blueprint.get("/")
def index() -> str:
    """The first page."""
    session, person = database_session(), current_person()
    total = count_published(session, by=person)
    topics = count_by_term(session, "procedures", by=person, limit=TOPICS)
    return render_template(
        "home/index.html",
        newest=make_cards(list_newest(session, by=person, limit=NEWEST)),
        topics=tuple(Topic(term.label(language()), facet_url("procedure", term.id), count) for term, count in topics),
        total=total,
        more_url=url_for("search.index", sort="newest") if total > NEWEST else None,
    )


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Where browsers look without being told."""
    return redirect(asset_url("favicon.svg"), 302)
