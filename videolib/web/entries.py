"""The page of an entry."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from videolib.catalogue.entries import Entry, may_edit
from videolib.catalogue.entry_values import SINGLE_TERM_FIELDS, TERM_FIELDS
from videolib.catalogue.related import Related, list_related
from videolib.catalogue.versions import citation_of
from videolib.catalogue.vocabulary import list_schemes, list_terms_by_ids
from videolib.web.access import current_person, entry_to_see
from videolib.web.cards import (
    EntryCard,
    Link,
    Text,
    facet_url,
    first_text,
    make_card,
    picture_size,
    poster_path,
    second_text,
)
from videolib.web.context import database_session
from videolib.web.languages import html_language, language
from videolib.web.moments import MomentLists, make_moments
from videolib.web.open_metadata import schema_org
from videolib.web.playback import find_package, make_playback
from videolib.web.recording_views import RecordingView, make_recording_view
from videolib.web.texts import clock_text

blueprint = Blueprint("entries", __name__)


@dataclass(frozen=True)
class TermGroup:
    """The terms of one scheme."""

    scheme: str
    label: str
    terms: tuple[Link, ...]


@dataclass(frozen=True)
class Fact:
    """One line of the case's facts."""

    label: str
    value: str
    lang: str


@dataclass(frozen=True)
class RelatedCard:
    """An entry like this one, and what both have in common."""

    card: EntryCard
    why: tuple[str, ...]


@dataclass(frozen=True)
class EntryPage(EntryCard):
    """Everything the page shows."""

    summary: Text | None
    other_summary: Text | None
    width: int | None
    height: int | None
    term_groups: tuple[TermGroup, ...]
    facts: tuple[Fact, ...]
    citation: str
    versions_url: str | None
    edit_url: str | None
    playback: dict[str, Any] | None
    playback_url: str
    recording: RecordingView | None
    start_s: float
    moments: MomentLists
    related: tuple[RelatedCard, ...]


@blueprint.get("/entries/<entry_id>")
def show(entry_id: str) -> str:
    """The page to watch."""
    entry = entry_to_see(entry_id)
    return render_template(
        "entries/show.html", entry=make_page(entry, start_s=_start_s()), schema_org=schema_org(entry)
    )


def make_page(entry: Entry, *, start_s: float = 0.0) -> EntryPage:
    """The entry as who asks may see it."""
    card = make_card(entry)
    person = current_person()
    package = find_package(entry)
    width, height = picture_size(package.description) if package else (None, None)
    shown = {item.name: getattr(card, item.name) for item in fields(card)}
    if package is not None:
        shown |= {
            "poster_url": poster_path(entry, package.id),
            "duration_s": package.duration_s,
            "duration_text": clock_text(package.duration_s),
            "poster_w": width,
            "poster_h": height,
        }
    show_recording = entry.recording is not None and (may_edit(person) or package is None)
    return EntryPage(
        **shown,
        summary=first_text(entry.summary),
        other_summary=second_text(entry.summary),
        width=width,
        height=height,
        term_groups=_term_groups(entry),
        facts=_facts(entry),
        citation=citation_of(entry),
        versions_url=url_for("versions.index", entry_id=entry.id) if entry.version else None,
        edit_url=url_for("studio.edit", entry_id=entry.id) if may_edit(person) else None,
        playback=make_playback(entry) if package else None,
        playback_url=url_for("entries_api.playback", entry_id=entry.id),
        recording=make_recording_view(entry.recording, entry) if show_recording and entry.recording else None,
        start_s=start_s,
        moments=make_moments(entry),
        related=tuple(_related_card(found) for found in list_related(database_session(), entry, by=person, limit=4)),
    )


def _related_card(found: Related) -> RelatedCard:
    why = [term.label(language()) for term in found.shared]
    return RelatedCard(make_card(found.entry), tuple([*why, found.same_hospital] if found.same_hospital else why))


def _start_s() -> float:
    try:
        wanted = float(request.args.get("t", "0"))
    except ValueError:
        return 0.0
    return wanted if math.isfinite(wanted) and wanted >= 0 else 0.0


def _term_groups(entry: Entry) -> tuple[TermGroup, ...]:
    labels = {scheme.id: scheme.labels for scheme in list_schemes(database_session())}
    here = language()
    groups = []
    for field, scheme in TERM_FIELDS.items():
        terms = tuple(Link(term.label(here), facet_url(scheme, term.id)) for term in entry.terms_of(field))
        if terms:
            groups.append(TermGroup(scheme, labels.get(scheme, {}).get(here, scheme), terms))
    return tuple(groups)


def _facts(entry: Entry) -> tuple[Fact, ...]:
    here = language()
    labels = {scheme.id: scheme.labels for scheme in list_schemes(database_session())}
    chosen = {getattr(entry, field): scheme for field, scheme in SINGLE_TERM_FIELDS.items() if getattr(entry, field)}
    terms = {term.id: term for term in list_terms_by_ids(database_session(), chosen)}
    facts = [
        Fact(labels.get(scheme, {}).get(here, scheme), terms[term_id].label(here), html_language())
        for term_id, scheme in chosen.items()
        if term_id in terms
    ]
    if entry.year_of_procedure:
        facts.append(Fact(_("Year of the procedure"), str(entry.year_of_procedure), html_language()))
    return tuple(facts)
