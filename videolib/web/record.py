"""A person's own learning record: what was watched, with its gaps; who sees what of it; and the whole to take along."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _

from videolib.catalogue.entry_lists import list_by_ids
from videolib.catalogue.people import User
from videolib.catalogue.problem_reports import list_reports_of
from videolib.catalogue.watch_records import WatchRecord, list_records
from videolib.web.access import require_login
from videolib.web.cards import EntryCard, make_cards
from videolib.web.context import database_session
from videolib.web.problem_reports import ReportLine, make_lines
from videolib.web.texts import clock_text, minute_text
from videolib.web.watched import WatchedBar, make_bar

blueprint = Blueprint("record", __name__)


@dataclass(frozen=True)
class RecordLine:
    """One recording that was watched; no card where the person may not see it any more."""

    card: EntryCard | None
    bar: WatchedBar
    last_text: str
    url: str


@dataclass(frozen=True)
class RecordPage:
    """Everything the page shows."""

    lines: tuple[RecordLine, ...]
    total_text: str
    done_count: int
    reports: tuple[ReportLine, ...]


@blueprint.get("/me")
def index() -> str:
    """What I have watched."""
    return render_template("record/index.html", page=_make_page(require_login()))


@blueprint.get("/me/who-sees-what")
def privacy() -> str:
    """Who sees what of a person's record."""
    require_login()
    return render_template("record/privacy.html", rows=_who_sees_what())


def _make_page(person: User) -> RecordPage:
    records = list_records(database_session(), by=person)
    seen = list_by_ids(database_session(), [record.entry_id for record in records], by=person)
    cards = {card.id: card for card in make_cards(seen.values())}
    return RecordPage(
        lines=tuple(_line(record, cards.get(record.entry_id)) for record in records),
        total_text=clock_text(sum(record.watched_ms for record in records) / 1000),
        done_count=sum(1 for record in records if record.done_at is not None),
        reports=make_lines(list_reports_of(database_session(), by=person)),
    )


def _line(record: WatchRecord, card: EntryCard | None) -> RecordLine:
    bar = make_bar(record)
    # the page opens where the person was last: the address need not say so
    url = url_for("entries.show", entry_id=record.entry_id)
    return RecordLine(card, bar, minute_text(record.last_at), url)


def _who_sees_what() -> tuple[tuple[str, str, str, str], ...]:
    """(what, you, instructors, editors and administrators); a test holds each line to what the service answers."""
    nobody, yes = _("nobody"), _("yes")
    return (
        (
            _("Which recordings you watched, which parts and when"),
            yes,
            _("only of playlists they assign to you, and only since they did"),
            nobody,
        ),
        (_("Your answers to questions"), yes, _("your first answers in playlists they assign to you"), nobody),
        (_("Where you stopped"), yes, nobody, nobody),
        (_("Your notes and bookmarks"), yes, nobody, nobody),
        (_("Problems that you report"), yes, nobody, _("yes, with your name")),
        (_("Your name, e-mail address and roles"), yes, nobody, _("administrators only")),
        (_("What you change in the library (log of deeds)"), yes, nobody, _("administrators only")),
    )
