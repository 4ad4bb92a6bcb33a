"""What lists show of an entry: plain values for the templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import TERM_FIELDS
from videolib.catalogue.versions import find_reviewed
from videolib.catalogue.vocabulary import list_terms_by_ids
from videolib.web.access import current_person
from videolib.web.context import database_session
from videolib.web.languages import html_language, language, other_language
from videolib.web.media_gate import package_for
from videolib.web.playback import media_path
from videolib.web.texts import STATUSES, clock_text, day_text, word

TAG_FIELDS = ("procedures", "anatomy", "devices", "pathologies")
MOST_TAGS = 3
_POSTER_SIZE = (1280, 720)


@dataclass(frozen=True)
class Text:
    """A text and the language that it is in."""

    text: str
    lang: str


@dataclass(frozen=True)
class Link:
    """A label in the page's language, and where it leads."""

    label: str
    url: str


@dataclass(frozen=True)
class EntryCard:
    """One entry in a list."""

    id: str
    url: str
    title: Text
    other_title: Text | None
    poster_url: str | None
    poster_w: int
    poster_h: int
    duration_s: float | None
    duration_text: str
    tags: tuple[Link, ...]
    status: str
    is_published: bool
    status_text: str
    published_at: str | None
    published_text: str
    level_text: str
    is_reviewed: bool


@dataclass(frozen=True)
class Marks:
    """What cards say beside the entries' own columns, looked up for many at once."""

    labels: Mapping[str, str]
    reviewed: frozenset[str]


def make_card(entry: Entry, marks: Marks | None = None) -> EntryCard:
    """The card of an entry, with addresses for who asks."""
    marks = marks or find_marks([entry])
    package_id = package_for(entry, current_person())
    package = entry.package if entry.package_id == package_id else None
    width, height = picture_size(package.description if package else {})
    duration_s = duration_of(entry)
    return EntryCard(
        id=entry.id,
        url=url_for("entries.show", entry_id=entry.id),
        title=first_text(entry.title) or Text(_("Untitled"), html_language()),
        other_title=second_text(entry.title),
        poster_url=poster_path(entry, package_id),
        poster_w=width,
        poster_h=height,
        duration_s=duration_s,
        duration_text=clock_text(duration_s),
        tags=_tags(entry),
        status=entry.status,
        is_published=entry.status == "published",
        status_text=word(STATUSES, entry.status),
        published_at=entry.published_at.isoformat() if entry.published_at else None,
        published_text=day_text(entry.published_at),
        level_text=marks.labels.get(entry.difficulty or "", ""),
        is_reviewed=entry.id in marks.reviewed,
    )


def make_cards(entries: Iterable[Entry]) -> tuple[EntryCard, ...]:
    """The cards of some entries."""
    listed = list(entries)
    marks = find_marks(listed)
    return tuple(make_card(entry, marks) for entry in listed)


def find_marks(entries: Sequence[Entry]) -> Marks:
    """The marks of these entries."""
    session = database_session()
    levels = {entry.difficulty for entry in entries if entry.difficulty}
    terms = list_terms_by_ids(session, levels) if levels else []
    return Marks({term.id: term.label(language()) for term in terms}, find_reviewed(session, entries))


def first_text(texts: Mapping[str, str]) -> Text | None:
    """The text in the page's language, else in the other."""
    here = language()
    for name in (here, other_language(here)):
        if texts.get(name):
            return Text(texts[name], html_language(name))
    return None


def second_text(texts: Mapping[str, str]) -> Text | None:
    """The text in the other language, where both are there."""
    here = language()
    other = other_language(here)
    return Text(texts[other], html_language(other)) if texts.get(here) and texts.get(other) else None


def facet_url(scheme: str, term_id: str) -> str:
    """The search for everything with that term."""
    return url_for("search.index", facet=f"{scheme}:{term_id}")


def poster_path(entry: Entry, package_id: str | None) -> str | None:
    """Where the poster of that package lies, for who asks; one that is still being made has none yet."""
    if package_id is None or is_growing(entry, package_id):
        return None
    return media_path(entry.id, package_id, "poster.jpg")


def is_growing(entry: Entry, package_id: str) -> bool:
    """Whether it is the package that workers are still making of the entry's recording."""
    recording = entry.recording
    return entry.package_id != package_id and recording is not None and recording.package_id != package_id


def picture_size(description: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height of the largest rendition; of an ordinary picture where that is not known."""
    sizes = [(int(item["width"]), int(item["height"])) for item in description.get("renditions") or ()]
    return max(sizes, default=_POSTER_SIZE)


def duration_of(entry: Entry) -> float | None:
    """How long the recording is, in seconds, as far as that is known."""
    if entry.package is not None:
        return entry.package.duration_s
    source = entry.recording.source if entry.recording else None
    return float(source["duration_s"]) if source and source.get("duration_s") else None


def _tags(entry: Entry) -> tuple[Link, ...]:
    here = language()
    return tuple(
        Link(term.label(here), facet_url(TERM_FIELDS[field], term.id))
        for field in TAG_FIELDS
        for term in entry.terms_of(field)[:1]
    )[:MOST_TAGS]
