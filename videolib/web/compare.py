"""Two recordings side by side, aligned by a step that both show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for

from videolib.catalogue.annotations import Annotation, list_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_lists import list_newest
from videolib.catalogue.related import list_related
from videolib.catalogue.vocabulary import list_terms_by_ids
from videolib.errors import NotFound
from videolib.web.access import current_person, entry_to_see
from videolib.web.cards import EntryCard, make_card, make_cards
from videolib.web.context import database_session
from videolib.web.languages import language
from videolib.web.playback import find_package, make_playback
from videolib.web.texts import clock_text

blueprint = Blueprint("compare", __name__)

MOST_OFFERED = 12


@dataclass(frozen=True)
class Side:
    """One of the two; `playback` is None while there is nothing to play."""

    card: EntryCard
    playback: dict[str, Any] | None
    playback_url: str
    start_s: float


@dataclass(frozen=True)
class SharedStep:
    """A step that both show, and where it begins in each."""

    label: str
    url: str
    starts_s: tuple[float, float]
    starts_text: tuple[str, str]
    is_chosen: bool


@dataclass(frozen=True)
class Choice:
    """An entry that may be put on the second side."""

    card: EntryCard
    url: str


@blueprint.get("/compare")
def index() -> str:
    """The page: `?a=…&b=…&step=…`; without b it offers what is like the first."""
    first = entry_to_see(request.args.get("a", ""))
    wanted = request.args.get("b", "")
    if not wanted:
        return render_template("compare/choose.html", card=make_card(first), choices=_choices(first))
    second = entry_to_see(wanted)
    steps = _shared_steps(first, second)
    chosen = next((step for step in steps if step.is_chosen), None)
    starts = chosen.starts_s if chosen else (0.0, 0.0)
    sides = tuple(_side(entry, start_s) for entry, start_s in zip((first, second), starts, strict=True))
    swap_url = url_for("compare.index", a=second.id, b=first.id, step=request.args.get("step"))
    return render_template(
        "compare/show.html",
        sides=sides,
        steps=steps,
        swap_url=swap_url,
        other_url=url_for("compare.index", a=first.id),
    )


def _side(entry: Entry, start_s: float) -> Side:
    playable = find_package(entry) is not None
    return Side(
        card=make_card(entry),
        playback=make_playback(entry) if playable else None,
        playback_url=url_for("entries_api.playback", entry_id=entry.id),
        start_s=start_s,
    )


def _shared_steps(first: Entry, second: Entry) -> tuple[SharedStep, ...]:
    """Steps of the same term, else phases; the asked one is chosen, else the first."""
    for kind in ("step", "phase"):
        places = [_places(entry, kind) for entry in (first, second)]
        both = [term_id for term_id in places[0] if term_id in places[1]]
        if both:
            break
    else:
        return ()
    asked = request.args.get("step", "")
    chosen = asked if asked in both else both[0]
    labels = {term.id: term.label(language()) for term in list_terms_by_ids(database_session(), both)}
    return tuple(
        SharedStep(
            label=labels.get(term_id, term_id),
            url=url_for("compare.index", a=first.id, b=second.id, step=term_id),
            starts_s=(places[0][term_id].start_s, places[1][term_id].start_s),
            starts_text=(clock_text(int(places[0][term_id].start_s)), clock_text(int(places[1][term_id].start_s))),
            is_chosen=term_id == chosen,
        )
        for term_id in both
    )


def _places(entry: Entry, kind: str) -> dict[str, Annotation]:
    """Where each step is first shown, in the order of the recording."""
    found: dict[str, Annotation] = {}
    for row in list_annotations(database_session(), entry.id, kinds=(kind,)):
        found.setdefault(str(row.term_id), row)
    return found


def _choices(first: Entry) -> tuple[Choice, ...]:
    person = current_person()
    related = [found.entry for found in list_related(database_session(), first, by=person, limit=MOST_OFFERED)]
    others = related or list_newest(database_session(), by=person, limit=MOST_OFFERED)
    cards = make_cards(entry for entry in others if entry.id != first.id)
    if not cards and find_package(first) is None:
        raise NotFound("There is nothing to play yet.", code="not_playable")
    return tuple(Choice(card, url_for("compare.index", a=first.id, b=card.id)) for card in cards)
