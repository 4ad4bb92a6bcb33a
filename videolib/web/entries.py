"""The page of an entry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from flask import Blueprint, render_template, request, url_for

from videolib.catalogue.access import can
from videolib.catalogue.entries import Entry
from videolib.catalogue.narrations import list_narrations
from videolib.catalogue.related import Related, list_related
from videolib.catalogue.versions import citation_of
from videolib.web.access import current_person, entry_to_see
from videolib.web.cards import (
    EntryCard,
    Text,
    first_text,
    make_card,
    make_cards,
    picture_size,
    poster_path,
    second_text,
)
from videolib.web.case_facts import CaseFacts, make_case_facts
from videolib.web.context import database_session
from videolib.web.languages import language
from videolib.web.moments import MomentLists, make_moments
from videolib.web.open_metadata import schema_org
from videolib.web.playback import find_package, make_playback
from videolib.web.recording_views import RecordingView, make_recording_view
from videolib.web.texts import clock_text
from videolib.web.watch_panel import WatchPanel, make_panel

blueprint = Blueprint("entries", __name__)


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
    case: CaseFacts
    citation: str
    versions_url: str | None
    edit_url: str | None
    lesson_url: str | None
    # for those who listen before viewers do, where there is something to listen to
    narrations_url: str | None
    playback: dict[str, Any] | None
    playback_url: str
    recording: RecordingView | None
    start_s: float
    is_resumed: bool
    moments: MomentLists
    panel: WatchPanel


@blueprint.get("/entries/<entry_id>")
def show(entry_id: str) -> str:
    """The page to watch."""
    entry = entry_to_see(entry_id)
    return render_template(
        "entries/show.html",
        entry=make_page(entry, asked_s=find_asked_s()),
        related=_related_cards(list_related(database_session(), entry, by=current_person(), limit=4)),
        schema_org=schema_org(entry),
    )


def make_page(entry: Entry, *, asked_s: float | None = None) -> EntryPage:
    """The entry as who asks may see it, from the place that was asked for, else where they were last."""
    card = make_card(entry)
    person = current_person()
    package = find_package(entry)
    width, height = picture_size(package.description) if package else (None, None)
    panel = make_panel(entry, package.description if package else {})
    shown = {item.name: getattr(card, item.name) for item in fields(card)}
    if package is not None:
        shown |= {
            "poster_url": poster_path(entry, package.id),
            "duration_s": package.duration_s,
            "duration_text": clock_text(package.duration_s),
            "poster_w": width,
            "poster_h": height,
        }
    show_recording = entry.recording is not None and (can(person, "edit", "catalogue") or package is None)
    return EntryPage(
        **shown,
        summary=first_text(entry.summary),
        other_summary=second_text(entry.summary),
        width=width,
        height=height,
        case=make_case_facts(entry),
        citation=citation_of(entry),
        versions_url=url_for("versions.index", entry_id=entry.id) if entry.version else None,
        edit_url=url_for("studio.edit", entry_id=entry.id) if can(person, "edit", "catalogue") else None,
        lesson_url=url_for("teach_items.choose", entry=entry.id) if can(person, "teach", "lessons") else None,
        narrations_url=_narrations_url(entry),
        playback=make_playback(entry) if package else None,
        playback_url=url_for("entries_api.playback", entry_id=entry.id),
        recording=make_recording_view(entry.recording, entry) if show_recording and entry.recording else None,
        start_s=panel.bar.resume_s if asked_s is None else asked_s,
        is_resumed=asked_s is None and panel.bar.resume_s > 0,
        moments=make_moments(entry),
        panel=panel,
    )


def _narrations_url(entry: Entry) -> str | None:
    is_inside = can(current_person(), "preview", entry)
    has_any = is_inside and bool(list_narrations(database_session(), entry.id))
    return url_for("narrations.index", entry_id=entry.id) if has_any else None


def _related_cards(found: Sequence[Related]) -> tuple[RelatedCard, ...]:
    cards = make_cards(one.entry for one in found)
    return tuple(RelatedCard(card, _why(one)) for card, one in zip(cards, found, strict=True))


def _why(found: Related) -> tuple[str, ...]:
    shared = [term.label(language()) for term in found.shared]
    return tuple([*shared, found.same_hospital] if found.same_hospital else shared)


def find_asked_s() -> float | None:
    """The place that the address names: `?t=90`."""
    try:
        wanted = float(request.args.get("t", ""))
    except ValueError:
        return None
    return wanted if math.isfinite(wanted) and wanted >= 0 else None
