"""One step in many cases: a page that plays it in one case after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for

from videolib.catalogue.related import StepCase, hospitals_of, list_step_cases
from videolib.catalogue.vocabulary import Term, list_terms_by_ids
from videolib.errors import NotFound
from videolib.web.access import current_person
from videolib.web.cards import EntryCard, Link, facet_url, make_card, make_cards
from videolib.web.context import database_session
from videolib.web.languages import language
from videolib.web.moments import moment_url
from videolib.web.playback import find_package, make_playback
from videolib.web.texts import clock_text

blueprint = Blueprint("steps", __name__)

ON_A_PAGE = 50


@dataclass(frozen=True)
class CaseLine:
    """One case in the list: where it plays on this page, and the entry's own page at the step."""

    card: EntryCard
    number: int
    url: str
    entry_url: str
    playback_url: str
    start_s: float
    end_s: float
    start_text: str
    length_text: str
    hospital: str


@dataclass(frozen=True)
class StepPage:
    """Everything the page shows."""

    label: str
    phase: str
    procedure: Link | None
    cases: tuple[CaseLine, ...]
    chosen: CaseLine | None
    playback: dict[str, Any] | None
    previous_url: str | None
    next_url: str | None
    more_url: str | None
    back: Link | None


@blueprint.get("/steps/<term_id>")
def show(term_id: str) -> str:
    """The page; `?case=2` plays the second."""
    term = _step(term_id)
    cursor = request.args.get("cursor") or None
    found, next_cursor = list_step_cases(
        database_session(), term.id, by=current_person(), limit=ON_A_PAGE, cursor=cursor
    )
    return render_template("steps/show.html", page=_page(term, found, cursor, next_cursor))


def _page(term: Term, found: list[StepCase], cursor: str | None, next_cursor: str | None) -> StepPage:
    chosen_at = min(max(request.args.get("case", 1, type=int) or 1, 1), len(found)) - 1
    cards = make_cards(item.entry for item in found)
    cases = tuple(_line(term, item, card, at, cursor) for at, (item, card) in enumerate(zip(found, cards, strict=True)))
    chosen = cases[chosen_at] if cases else None
    here = language()
    named = {row.id: row for row in list_terms_by_ids(database_session(), _around(term))}
    phase, procedure = named.get(term.broader_id or ""), named.get(str(term.extra.get("procedure") or ""))
    playable = chosen is not None and find_package(found[chosen_at].entry) is not None
    return StepPage(
        label=term.label(here),
        phase=phase.label(here) if phase else "",
        procedure=Link(procedure.label(here), facet_url(procedure.scheme_id, procedure.id)) if procedure else None,
        cases=cases,
        chosen=chosen,
        playback=make_playback(found[chosen_at].entry) if playable else None,
        previous_url=cases[chosen_at - 1].url if chosen_at > 0 else None,
        next_url=cases[chosen_at + 1].url if 0 <= chosen_at < len(cases) - 1 else None,
        more_url=url_for("steps.show", term_id=term.id, cursor=next_cursor) if next_cursor else None,
        back=_back(found),
    )


def _line(term: Term, item: StepCase, card: EntryCard, at: int, cursor: str | None) -> CaseLine:
    return CaseLine(
        card=card,
        number=at + 1,
        url=url_for("steps.show", term_id=term.id, case=at + 1, cursor=cursor),
        entry_url=moment_url(item.entry.id, item.step),
        playback_url=url_for("entries_api.playback", entry_id=item.entry.id),
        start_s=item.step.start_s,
        end_s=item.step.end_s,
        start_text=clock_text(int(item.step.start_s)),
        length_text=clock_text(item.step.end_s - item.step.start_s),
        hospital=next(iter(hospitals_of(item.entry)), ""),
    )


def _step(term_id: str) -> Term:
    """That step or phase. Raises `NotFound`."""
    term = database_session().get(Term, term_id)
    if term is None or term.scheme_id not in {"step", "phase"}:
        raise NotFound("There is no such step.", code="step_not_found")
    return term


def _around(term: Term) -> list[str]:
    return [name for name in (term.broader_id, term.extra.get("procedure")) if name]


def _back(found: list[StepCase]) -> Link | None:
    """The entry that the reader comes from, where it is one of the cases."""
    wanted = request.args.get("back", "")
    for item in found:
        if item.entry.id == wanted:
            card = make_card(item.entry)
            return Link(card.title.text, moment_url(item.entry.id, item.step))
    return None
