"""The search page; and how a request's query becomes the search room's, for the API too."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from search import pages
from videolib.catalogue.access import audiences_of, can
from videolib.catalogue.entry_lists import DEFAULT_LIMIT, MAX_LIMIT, find_by_title, list_by_ids, seen_ids
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS
from videolib.catalogue.vocabulary import list_schemes, list_terms_by_ids
from videolib.errors import Unavailable
from videolib.web.access import current_person
from videolib.web.cards import EntryCard, Link, make_cards
from videolib.web.context import database_session, services
from videolib.web.languages import LANGUAGES, language, marked_language
from videolib.web.texts import MOMENTS, clock_text, word

blueprint = Blueprint("search", __name__)

LONGEST_QUERY = 400
FACETS_SEEN = 8  # of a scheme, before the list is unfolded
DEEPEST = 3
MOST_NOTES = 6
MOST_FACETS = 30
# the order in which they stand beside the results
SCHEMES = tuple(dict.fromkeys((*TERM_FIELDS.values(), "step", *SINGLE_TERM_FIELDS.values(), "phase")))
_FACET = re.compile(r"([a-z_]{1,40}):([A-Za-z0-9_.-]{1,80})")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Part:
    """A piece of text, and whether it is what was looked for."""

    text: str
    is_match: bool


@dataclass(frozen=True)
class Moment:
    """A place in a recording."""

    start_s: float
    time_text: str
    kind: str
    kind_text: str
    parts: tuple[Part, ...]
    lang: str
    url: str


@dataclass(frozen=True)
class Hit:
    """One entry found."""

    card: EntryCard
    snippet: tuple[Part, ...]
    snippet_lang: str
    title_parts: tuple[Part, ...]
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class FacetOption:
    """A term to choose or to leave; a narrower term is deeper than the one it follows."""

    label: str
    count: int
    url: str
    is_selected: bool
    depth: int


@dataclass(frozen=True)
class Facet:
    """One scheme's terms: those to see at once, and the rest."""

    scheme: str
    label: str
    options: tuple[FacetOption, ...]
    more: tuple[FacetOption, ...]


@dataclass(frozen=True)
class Note:
    """How a piece of the query was understood."""

    kind: str
    typed: str
    into: str
    including: Markup


@dataclass(frozen=True)
class SortOption:
    """An order to choose."""

    label: str
    url: str
    is_selected: bool


@dataclass(frozen=True)
class SearchPage:
    """Everything the page shows."""

    total: int
    took_ms: int
    hits: tuple[Hit, ...]
    facets: tuple[Facet, ...]
    chips: tuple[Link, ...]
    clear_url: str
    did_you_mean: Link | None
    corrected: bool
    notes: tuple[Note, ...]
    related: tuple[Link, ...]
    sorts: tuple[SortOption, ...]
    previous_url: str | None
    next_url: str | None
    hidden: tuple[tuple[str, str], ...]


@blueprint.get("/search")
def index() -> str:
    """The page."""
    asked = read_request(request.args)
    found, is_searched = find(asked)
    if not is_searched:
        flash(_("The search index is being rebuilt; for now only titles are looked through."), "warning")
    return render_template("search/index.html", q=asked.text, page=_make_page(asked, found))


def read_request(arguments: MultiDict[str, str], *, limit: int = DEFAULT_LIMIT) -> pages.SearchRequest:
    """What was asked for; `facet=scheme:term` and `scheme=term` mean the same. Anything odd is left out."""
    facets: dict[str, list[str]] = {}
    given = [
        *arguments.getlist("facet"),
        *(f"{scheme}:{term}" for scheme in SCHEMES for term in arguments.getlist(scheme)),
    ]
    for text in given[:MOST_FACETS]:
        match = _FACET.fullmatch(text)
        if match and match[1] in SCHEMES and match[2] not in facets.setdefault(match[1], []):
            facets[match[1]].append(match[2])
    wanted = arguments.get("lang")
    return pages.SearchRequest(
        text=" ".join(arguments.get("q", "").split())[:LONGEST_QUERY],
        lang=wanted if wanted in LANGUAGES else language(),
        facets={scheme: tuple(terms) for scheme, terms in facets.items() if terms},
        audiences=audiences_of(database_session(), current_person()),
        sort=arguments.get("sort") or ("relevance" if arguments.get("q", "").strip() else "newest"),
        limit=max(1, min(limit, MAX_LIMIT)),
        cursor=arguments.get("cursor") or None,
    )


def find(asked: pages.SearchRequest) -> tuple[pages.SearchPage, bool]:
    """A page of hits, and whether they were searched: while the index is rebuilt, titles are looked through instead.

    Who may write finds at once what was just written; for everybody else the host's indexer sees to it.
    """
    try:
        if can(current_person(), "edit", "catalogue"):
            services().index.catch_up()
        return _seen_now(services().index.search(asked)), True
    except Unavailable:
        return _by_title(asked), False


def _seen_now(found: pages.SearchPage) -> pages.SearchPage:
    """Without what was withdrawn or narrowed since the index last looked: the rows decide, not the index."""
    seen = seen_ids(database_session(), (hit.entry_id for hit in found.hits), by=current_person())
    hits = tuple(hit for hit in found.hits if hit.entry_id in seen)
    return replace(found, hits=hits, total=found.total - (len(found.hits) - len(hits)))


def _by_title(asked: pages.SearchRequest) -> pages.SearchPage:
    entries = find_by_title(database_session(), asked.text, by=current_person(), limit=asked.limit)
    hits = tuple(
        pages.Hit(
            entry_id=entry.id,
            version=entry.revision,
            score=0.0,
            title=pages.MarkedText(entry.title.get(asked.lang) or next(iter(entry.title.values()), "")),
            snippet=pages.MarkedText(""),
            moments=(),
        )
        for entry in entries
    )
    return pages.SearchPage(len(hits), 0.0, hits, {}, None, (), None)


def _make_page(asked: pages.SearchRequest, found: pages.SearchPage) -> SearchPage:
    entries = list_by_ids(database_session(), (hit.entry_id for hit in found.hits), by=current_person())
    cards = {card.id: card for card in make_cards(entries.values())}
    suggestion = found.did_you_mean
    return SearchPage(
        total=found.total,
        took_ms=round(found.took_ms),
        hits=tuple(_hit(hit, cards[hit.entry_id]) for hit in found.hits if hit.entry_id in cards),
        facets=_facets(asked, found),
        chips=_chips(asked),
        clear_url=_url(asked, facets={}),
        did_you_mean=Link(suggestion, url_for("search.index", q=suggestion)) if suggestion else None,
        corrected=found.total > 0 and any(step.kind in {"spelling", "pinyin"} for step in found.expanded),
        notes=_notes(found),
        related=_related(found),
        sorts=_sorts(asked),
        previous_url=_url(asked) if asked.cursor else None,
        next_url=_url(asked, cursor=found.next_cursor) if found.next_cursor else None,
        hidden=tuple(("facet", f"{scheme}:{term}") for scheme, terms in asked.facets.items() for term in terms),
    )


def _hit(hit: pages.Hit, card: EntryCard) -> Hit:
    return Hit(
        card=card,
        snippet=_parts(hit.snippet),
        snippet_lang=_language_of(hit.snippet.text),
        title_parts=_parts(hit.title) if hit.title.text == card.title.text else (),
        moments=tuple(
            Moment(
                start_s=moment.start_s,
                time_text=clock_text(moment.start_s),
                kind=moment.kind,
                kind_text=word(MOMENTS, moment.kind),
                parts=(Part(moment.text, is_match=False),),
                lang=_language_of(moment.text),
                url=url_for("entries.show", entry_id=hit.entry_id, t=f"{moment.start_s:g}"),
            )
            for moment in hit.moments
        ),
    )


def _facets(asked: pages.SearchRequest, found: pages.SearchPage) -> tuple[Facet, ...]:
    labels = {scheme.id: scheme.labels for scheme in list_schemes(database_session())}
    return tuple(
        _facet(asked, scheme, labels.get(scheme, {}).get(language(), scheme), found.facets[scheme])
        for scheme in SCHEMES
        if found.facets.get(scheme)
    )


def _facet(asked: pages.SearchRequest, scheme: str, label: str, counts: tuple[pages.FacetCount, ...]) -> Facet:
    chosen = asked.facets.get(scheme, ())
    options = [
        FacetOption(
            item.label,
            item.count,
            _url(asked, facets=_toggled(asked, scheme, item.term)),
            item.term in chosen,
            min(item.depth, DEEPEST),
        )
        for item in counts
    ]
    # what was chosen is seen even where the list is folded
    last_chosen = max((number for number, option in enumerate(options) if option.is_selected), default=-1)
    seen = max(FACETS_SEEN, last_chosen + 1)
    seen = len(options) if len(options) <= seen + 2 else seen
    return Facet(scheme, label, tuple(options[:seen]), tuple(options[seen:]))


def _notes(found: pages.SearchPage) -> tuple[Note, ...]:
    separator = "、" if language() == "zh" else ", "
    return tuple(
        Note(step.kind, step.typed, separator.join(step.into), _said(step.including, separator))
        for step in found.expanded
        if step.kind != "concept" or step.including
    )[:MOST_NOTES]


def _said(names: tuple[str, ...], separator: str) -> Markup:
    return escape(separator).join(marked_language(name) for name in names)


def _related(found: pages.SearchPage) -> tuple[Link, ...]:
    return tuple(
        Link(term.label, url_for("search.index", facet=f"{term.scheme}:{term.term}"))
        for term in found.related
        if term.scheme in SCHEMES
    )


def _chips(asked: pages.SearchRequest) -> tuple[Link, ...]:
    chosen = {term: scheme for scheme, terms in asked.facets.items() for term in terms}
    if not chosen:
        return ()
    labels = {term.id: term.label(language()) for term in list_terms_by_ids(database_session(), chosen)}
    return tuple(
        Link(labels.get(term, term), _url(asked, facets=_toggled(asked, scheme, term)))
        for term, scheme in chosen.items()
    )


def _sorts(asked: pages.SearchRequest) -> tuple[SortOption, ...]:
    labels = {"relevance": _("Best match"), "newest": _("Newest"), "length": _("Shortest")}
    return tuple(SortOption(label, _url(asked, sort=sort), asked.sort == sort) for sort, label in labels.items())


def _toggled(asked: pages.SearchRequest, scheme: str, term: str) -> dict[str, list[str]]:
    facets = {name: list(terms) for name, terms in asked.facets.items()}
    terms = facets.setdefault(scheme, [])
    if term in terms:
        terms.remove(term)
    else:
        terms.append(term)
    return facets


def _url(asked: pages.SearchRequest, **changes: Any) -> str:
    facets = changes.get("facets", asked.facets)
    return url_for(
        "search.index",
        q=asked.text or None,
        facet=[f"{scheme}:{term}" for scheme, terms in facets.items() for term in terms] or None,
        sort=changes.get("sort", asked.sort),
        cursor=changes.get("cursor"),
    )


def _parts(text: pages.MarkedText) -> tuple[Part, ...]:
    return tuple(Part(piece, is_match) for piece, is_match in text.segments())


def _language_of(text: str) -> str:
    return "zh-Hans" if _CHINESE.search(text) else "en"
