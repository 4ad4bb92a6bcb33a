"""What a message says, written when it is shown: of what its reader may see now, by few questions for a whole page.

What somebody may not see any more has no title here and no address; a recording's file name is never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.access import can, visible_entries, visible_playlists
from videolib.catalogue.cases import Case
from videolib.catalogue.consents import CaseConsent
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_lists import entries_of_recordings
from videolib.catalogue.groups import Group
from videolib.catalogue.inbox import Message
from videolib.catalogue.masters import WARNED_DAYS
from videolib.catalogue.narrations import Narration
from videolib.catalogue.people import User
from videolib.catalogue.playlists import Playlist, PlaylistItem
from videolib.catalogue.recordings import Recording
from videolib.web.cards import Text, first_text
from videolib.web.context import database_session
from videolib.web.error_texts import translated
from videolib.web.languages import html_language
from videolib.web.playlist_views import due_text, is_past, title_of
from videolib.web.recording_views import reason_text
from videolib.web.texts import minute_text

# kind -> its name and the picture beside it
KINDS = {
    "assigned": (lazy_gettext("Assigned to you"), "list-tree"),
    "due": (lazy_gettext("Due soon"), "clock"),
    "changes": (lazy_gettext("Changes requested"), "pencil"),
    "review": (lazy_gettext("Review asked of you"), "circle-check"),
    "asked": (lazy_gettext("You are asked to look"), "flag"),
    "failed": (lazy_gettext("Recording not made watchable"), "circle-alert"),
    "consent": (lazy_gettext("Consent ends soon"), "shield-check"),
    "expiring": (lazy_gettext("Original is removed soon"), "clock"),
    "withdrawn": (lazy_gettext("Clip withdrawn"), "triangle-alert"),
    "narration": (lazy_gettext("Narration to listen to"), "circle-check"),
    "narration_back": (lazy_gettext("Narration came back"), "circle-alert"),
}


@dataclass(frozen=True)
class Seen:
    """What there is to say about a message: a title that leads somewhere, and a line below."""

    title: Text
    url: str
    text: Text | None = None
    is_urgent: bool = False


@dataclass(frozen=True)
class MessageLine:
    """A message in the list; `seen` is None where its reader may not see any more what it is about."""

    id: int
    kind: str
    kind_text: str
    icon: str
    when_text: str
    when_iso: str
    is_read: bool
    seen: Seen | None


def make_lines(messages: Sequence[Message], person: User) -> tuple[MessageLine, ...]:
    """The lines of a page of messages."""
    session = database_session()
    found: dict[tuple[str, str], Seen] = {}
    for kinds, find in _FINDERS:
        wanted = [message for message in messages if message.kind in kinds]
        if wanted:
            found |= find(session, wanted, person)
    return tuple(
        MessageLine(
            id=message.id,
            kind=message.kind,
            kind_text=_kind_text(message.kind, found.get((message.kind, message.thing_id))),
            icon=KINDS[message.kind][1],
            when_text=minute_text(message.came_at),
            when_iso=message.came_at.isoformat(),
            is_read=message.read_at is not None,
            seen=found.get((message.kind, message.thing_id)),
        )
        for message in messages
        if message.kind in KINDS  # a newer version may know more of them
    )


def _kind_text(kind: str, seen: Seen | None) -> str:
    return str(_("Overdue") if kind == "due" and seen is not None and seen.is_urgent else KINDS[kind][0])


Found = Mapping[tuple[str, str], Seen]


def _lessons(session: Session, messages: Sequence[Message], person: User) -> Found:
    """What is to be learned."""
    wanted = Playlist.id.in_({message.thing_id for message in messages})
    found: dict[tuple[str, str], Seen] = {}
    for playlist in session.scalars(select(Playlist).where(wanted, visible_playlists(person))):
        title, url = title_of(playlist), url_for("playlists.show", playlist_id=playlist.id)
        is_late = is_past(playlist.due_on)
        until = _due_text(playlist.due_on, is_late=is_late)
        found["assigned", playlist.id] = Seen(title, url, _said(until) if until else None)
        found["due", playlist.id] = Seen(title, url, _said(until), is_urgent=is_late)
    return found


def _due_text(day: date | None, *, is_late: bool) -> str:
    if day is None:
        return ""
    when = due_text(day)
    return str(_("Was due on %(day)s", day=when) if is_late else _("Due on %(day)s", day=when))


def _entries(session: Session, messages: Sequence[Message], person: User) -> Found:
    """Entries to be changed, reviewed, looked at."""
    ids = {message.thing_id for message in messages}
    found: dict[tuple[str, str], Seen] = {}
    for entry in session.scalars(select(Entry).where(Entry.id.in_(ids), visible_entries(person))):
        title = first_text(entry.title) or _said(_("Untitled"))
        review_url = url_for("reviews.show", entry_id=entry.id)
        found["changes", entry.id] = Seen(
            title, review_url, _said(_("Read what the reviewer asks for, then submit it again."))
        )
        found["review", entry.id] = Seen(title, review_url, _said(_("It waits for your judgement.")))
        desk_url = url_for("studio_timeline.show", entry_id=entry.id)
        found["asked", entry.id] = Seen(title, desk_url, _said(_("A comment on the annotation desk names you.")))
    return found


def _recordings(session: Session, messages: Sequence[Message], person: User) -> Found:
    """Recordings that failed or whose original goes soon, by the title of their entry or the time they came."""
    ids = {message.thing_id for message in messages}
    rows = [row for row in session.scalars(select(Recording).where(Recording.id.in_(ids))) if can(person, "see", row)]
    entries = entries_of_recordings(session, (row.id for row in rows))
    found: dict[tuple[str, str], Seen] = {}
    for row in rows:
        entry = entries.get(row.id)
        title = first_text(entry.title) if entry is not None else None
        title = title or _said(_("Recording of %(when)s", when=minute_text(row.created_at)))
        reason = reason_text(row)
        anchor = url_for("studio.index", _anchor=f"recording-{row.id}")
        found["failed", row.id] = Seen(title, anchor, _said(reason) if reason else None, is_urgent=True)
        if row.master_warned_at is not None:
            last = due_text(row.master_warned_at.date() + timedelta(days=WARNED_DAYS))
            text = _("From %(day)s on its original is not kept any more; what is watched stays.", day=last)
            found["expiring", row.id] = Seen(title, anchor, _said(text))
    return found


def _consents(session: Session, messages: Sequence[Message], person: User) -> Found:
    """Consents, by their hospital and last day; the case's number is read on its own page, which is written down."""
    ids = {message.thing_id for message in messages}
    rows = session.execute(
        select(CaseConsent, Group)
        .join(Case, Case.id == CaseConsent.case_id)
        .join(Group, Group.id == Case.hospital_id)
        .where(CaseConsent.id.in_(ids), Case.hospital_id.in_(person.hospitals_as("privacy_officer")))
    )
    found: dict[tuple[str, str], Seen] = {}
    for consent, group in rows:
        hospital = first_text(group.name) or Text(group.id, "en")
        last = due_text(date.fromisoformat(str(consent.expires_on)))
        text = _said(_("A consent of this hospital ends on %(day)s; what it alone covers is withdrawn then.", day=last))
        found["consent", consent.id] = Seen(hospital, url_for("privacy.show", case_id=consent.case_id), text)
    return found


def _clips(session: Session, messages: Sequence[Message], person: User) -> Found:
    """Clips that nobody may watch any more, by their playlist."""
    ids = {message.thing_id for message in messages}
    rows = session.execute(
        select(PlaylistItem, Playlist)
        .join(Playlist, Playlist.id == PlaylistItem.playlist_id)
        .where(PlaylistItem.id.in_(ids))
    )
    found: dict[tuple[str, str], Seen] = {}
    for item, playlist in rows:
        if can(person, "build", playlist):
            title = first_text(item.entry.title) if item.entry is not None and can(person, "see", item.entry) else None
            text = _("“%(title)s” was withdrawn and counts no more.", title=title.text) if title else None
            said = _said(text or _("One of its clips was withdrawn and counts no more."))
            url = url_for("teach.build", playlist_id=playlist.id)
            found["withdrawn", item.id] = Seen(title_of(playlist), url, said)
    return found


def _narrations(session: Session, messages: Sequence[Message], person: User) -> Found:
    """Narrations that wait for an ear, or came back, by the title of their entry."""
    ids = {message.thing_id for message in messages}
    rows = session.execute(
        select(Narration, Entry).join(Entry, Entry.id == Narration.entry_id).where(Narration.id.in_(ids))
    )
    found: dict[tuple[str, str], Seen] = {}
    for narration, entry in rows:
        if can(person, "preview", entry):
            title = first_text(entry.title) or _said(_("Untitled"))
            url = url_for("narrations.index", entry_id=entry.id)
            waits = _said(_("Viewers hear it once you have listened to all of it and accepted it."))
            found["narration", narration.id] = Seen(title, url, waits)
            reason = _said(translated(narration.reason)) if narration.reason else None
            found["narration_back", narration.id] = Seen(title, url, reason, is_urgent=True)
    return found


_FINDERS: tuple[tuple[frozenset[str], Callable[[Session, Sequence[Message], User], Found]], ...] = (
    (frozenset({"assigned", "due"}), _lessons),
    (frozenset({"changes", "review", "asked"}), _entries),
    (frozenset({"failed", "expiring"}), _recordings),
    (frozenset({"consent"}), _consents),
    (frozenset({"withdrawn"}), _clips),
    (frozenset({"narration", "narration_back"}), _narrations),
)


def _said(text: Any) -> Text:
    """A text in the page's own language."""
    return Text(str(text), html_language())
