"""The builder of a playlist as its page shows it: items with whom each is hidden from and why, people, what to add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from videolib.catalogue.cohorts import Cohort, list_cohorts
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_lists import find_by_title, list_newest, seen_ids
from videolib.catalogue.people import User, get_names, get_people
from videolib.catalogue.playlist_progress import assigned_people, clip_end_ms, hidden_from, is_cut_off
from videolib.catalogue.playlists import Playlist, PlaylistAssignment, PlaylistItem
from videolib.catalogue.questions import Question, list_questions
from videolib.web.access import current_person
from videolib.web.cards import EntryCard, Text, first_text, make_cards
from videolib.web.context import database_session
from videolib.web.languages import html_language, language_of
from videolib.web.playlist_fields import editor_addresses, fields_of_item_whole, fields_of_playlist, fields_of_whole
from videolib.web.playlist_views import clip_text, name_of, text_of, title_of
from videolib.web.seen_forms import mark_of
from videolib.web.texts import clock_text

OFFERED = 12
NAMED = 4  # of the people from whom a clip is hidden, by name
REASONS = {
    "audience": lazy_gettext("it is not meant for them"),
    "early": lazy_gettext("its first day has not come"),
    "late": lazy_gettext("its last day is over"),
    "disabled": lazy_gettext("they may not sign in"),
}


@dataclass(frozen=True)
class ItemLine:
    """One row of the builder: a clip or a heading. `hidden` has a sentence for each reason."""

    id: str
    number: int
    is_section: bool
    title: Text
    clip_text: str
    length_text: str
    note: Text | None
    is_required: bool
    question_text: str
    hidden: tuple[str, ...]
    gone_text: str
    gone_reason: str
    url: str
    seen: str


@dataclass(frozen=True)
class AssignedLine:
    """A person or a cohort to whom it is assigned."""

    id: str
    name: str
    detail: str
    is_cohort: bool


@dataclass(frozen=True)
class BuilderPage:
    """Everything the builder shows."""

    id: str
    title: Text
    title_zh: str
    title_en: str
    description: str
    audience: str
    due_on: str
    editors: str
    owner: str
    seen: str
    seen_whole: str
    items: tuple[ItemLine, ...]
    length_text: str
    people_count: int
    assigned: tuple[AssignedLine, ...]
    cohort_names: tuple[str, ...]
    query: str
    offered: tuple[EntryCard, ...]


def make_builder(playlist: Playlist, query: str) -> BuilderPage:
    """The page of who builds it."""
    session = database_session()
    people = assigned_people(session, [playlist])[playlist.id]
    length_s = sum(max(0, clip_end_ms(item) - item.start_ms) for item in playlist.clips) / 1000
    names, cohorts = get_names(session, [playlist.owner_id]), list_cohorts(session)
    return BuilderPage(
        id=playlist.id,
        title=title_of(playlist),
        title_zh=playlist.title.get("zh", ""),
        title_en=playlist.title.get("en", ""),
        description=playlist.description,
        audience=playlist.audience,
        due_on=playlist.due_on.isoformat() if playlist.due_on else "",
        editors=editor_addresses(playlist),
        owner=names.get(playlist.owner_id or 0, ""),
        seen=mark_of(fields_of_playlist(playlist)),
        seen_whole=mark_of(fields_of_whole(playlist)),
        items=_items(playlist, people),
        length_text=clock_text(length_s),
        people_count=len(people),
        assigned=_assigned(playlist.assignments, cohorts),
        cohort_names=tuple(cohort.name for cohort, _count in cohorts),
        query=query,
        offered=_offered(query),
    )


def _items(playlist: Playlist, people: Sequence[User]) -> tuple[ItemLine, ...]:
    questions = list_questions(database_session(), [item.id for item in playlist.items])
    hidden, titles = hidden_from(playlist, people), entry_titles(playlist.clips)
    return tuple(
        _item(item, number, titles.get(item.id), questions.get(item.id, []), hidden.get(item.id, {}))
        for number, item in enumerate(playlist.items, start=1)
    )


def _item(
    item: PlaylistItem,
    number: int,
    title: Text | None,
    questions: Sequence[Question],
    hidden: Mapping[str, Sequence[User]],
) -> ItemLine:
    is_section, entry, gone_text = item.kind == "section", item.entry, _gone_text(item)
    return ItemLine(
        id=item.id,
        number=number,
        is_section=is_section,
        title=title or Text(item.title, language_of(item.title)),
        clip_text="" if is_section else clip_text(item),
        length_text="" if is_section else clock_text(max(0, clip_end_ms(item) - item.start_ms) / 1000),
        note=text_of(item.note),
        is_required=item.is_required,
        question_text=ngettext("%(num)s question", "%(num)s questions", len(questions)) if questions else "",
        hidden=tuple(_hidden(reason, users) for reason, users in hidden.items()),
        gone_text=gone_text,
        gone_reason=(entry.withdrawn_reason or "") if gone_text and entry is not None else "",
        url=url_for("teach_items.edit", playlist_id=item.playlist_id, item_id=item.id),
        seen=mark_of(fields_of_item_whole(item, questions)),
    )


def entry_titles(items: Sequence[PlaylistItem]) -> dict[str, Text]:
    """What the clips' recordings are called, by item, for who builds the playlist and may see them."""
    published = {item.entry.id for item in items if item.entry is not None and item.entry.status == "published"}
    hidden = published - seen_ids(database_session(), published, by=current_person())
    return {item.id: _title_of(item.entry, is_hidden=item.entry_id in hidden) for item in items}


def _title_of(entry: Entry | None, *, is_hidden: bool) -> Text:
    if is_hidden:
        return Text(_("A recording that you may not see any more"), html_language())
    found = first_text(entry.title) if entry is not None else None
    return found or Text(_("A recording that is gone from the library"), html_language())


def _gone_text(item: PlaylistItem) -> str:
    """Why the clip counts for nobody; empty where it does."""
    if item.kind == "section":
        return ""
    if item.entry is None:
        return str(_("Gone from the library: it counts no more. Take it out, or put another one in its place."))
    if item.entry.status != "published":
        return str(_("Withdrawn: it counts no more, and nobody sees it."))
    if is_cut_off(item):
        return str(_("The recording was made anew and is over before this clip begins: it counts no more."))
    return ""


def _hidden(reason: str, users: Sequence[User]) -> str:
    """`Hidden from 3 people: it is not meant for them (A, B, C)`."""
    named = _(", ").join(name_of(user) for user in users[:NAMED]) + (" …" if len(users) > NAMED else "")
    counted = ngettext("Hidden from %(num)s person", "Hidden from %(num)s people", len(users))
    return str(_("%(counted)s: %(reason)s (%(names)s)", counted=counted, reason=REASONS[reason], names=named))


def _assigned(
    assignments: Sequence[PlaylistAssignment], cohorts: Sequence[tuple[Cohort, int]]
) -> tuple[AssignedLine, ...]:
    people = get_people(database_session(), [one.user_id for one in assignments])
    by_id = {cohort.id: (cohort.name, count) for cohort, count in cohorts}
    lines = []
    for one in assignments:
        if one.user_id is not None:
            person = people[one.user_id]
            lines.append(AssignedLine(one.id, name_of(person), person.email, is_cohort=False))
        else:
            name, count = by_id[str(one.cohort_id)]
            said = ngettext("%(num)s person", "%(num)s people", count)
            lines.append(AssignedLine(one.id, name, said, is_cohort=True))
    return tuple(lines)


def _offered(query: str) -> tuple[EntryCard, ...]:
    """What may be added: what its title says, else the newest."""
    session, person = database_session(), current_person()
    found = (
        find_by_title(session, query, by=person, limit=OFFERED)
        if query.strip()
        else list_newest(session, by=person, limit=OFFERED // 2)
    )
    return make_cards(found)
