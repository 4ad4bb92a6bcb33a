"""The first page: what one goes on with, what is new, and by which territories and procedures."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from videolib.catalogue.entry_lists import count_by_term, count_published, list_newest
from videolib.catalogue.entry_values import TERM_FIELDS
from videolib.catalogue.watch_records import list_to_continue
from videolib.web.access import current_person
from videolib.web.assets import asset_url
from videolib.web.cards import EntryCard, facet_url, make_cards
from videolib.web.context import database_session
from videolib.web.languages import language
from videolib.web.playlists import make_assigned_cards
from videolib.web.watched import WatchedBar, make_bar

blueprint = Blueprint("home", __name__)

NEWEST, TOPICS, BEGUN = 20, 12, 6


@dataclass(frozen=True)
class Topic:
    """A subject, and how many entries it has."""

    label: str
    url: str
    count: int


@dataclass(frozen=True)
class Begun:
    """A recording to go on with, from where it was left."""

    card: EntryCard
    bar: WatchedBar
    url: str


@blueprint.get("/")
def index() -> str:
    """The first page."""
    session, person = database_session(), current_person()
    total = count_published(session, by=person)
    return render_template(
        "home/index.html",
        assigned=make_assigned_cards(),
        begun=_begun(),
        newest=make_cards(list_newest(session, by=person, limit=NEWEST)),
        territories=_topics("anatomy"),
        topics=_topics("procedures"),
        total=total,
        more_url=url_for("search.index", sort="newest") if total > NEWEST else None,
    )


def _begun() -> tuple[Begun, ...]:
    records = list_to_continue(database_session(), by=current_person(), limit=BEGUN)
    cards = make_cards(record.entry for record in records)
    bars = [make_bar(record) for record in records]
    # the page of an entry opens where the person was last: the address need not say so
    return tuple(Begun(card, bar, card.url) for card, bar in zip(cards, bars, strict=True))


def _topics(field: str) -> tuple[Topic, ...]:
    counted = count_by_term(database_session(), field, by=current_person(), limit=TOPICS)
    scheme = TERM_FIELDS[field]
    return tuple(Topic(term.label(language()), facet_url(scheme, term.id), count) for term, count in counted)


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Where browsers look without being told."""
    return redirect(asset_url("favicon.svg"), 302)
