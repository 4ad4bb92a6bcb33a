"""One question, one answer: may this person do that to this? Pages, API, search, feed, media and exports all ask here.

`can` answers for one thing, `visible_entries` is the same rule as a condition for lists, `audiences_of` as groups for
the search index. What no rule names is denied; `person=None` is somebody who is not logged in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from videolib.catalogue import lifecycle
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.errors import NotFound

# parts of the library that are asked for as a whole
Area = Literal["catalogue", "recordings", "reviews", "lessons", "service"]
Rule = Callable[[User | None, Entry], bool]


def can(person: User | None, action: str, thing: Entry | Recording | Area) -> bool:
    """Whether this person may do that to this thing now. What is not written in the tables below may nobody."""
    if person is not None and not person.active:
        person = None
    if isinstance(thing, Entry):
        if action in _ON_ENTRIES:
            return _ON_ENTRIES[action](person, thing)
        return action in lifecycle.RULES and lifecycle.may(person, thing, action)
    if person is None:
        return False
    if isinstance(thing, Recording):
        return action in _ON_RECORDINGS and _ON_RECORDINGS[action](person, thing)
    return bool(person.role_names & _IN_AREAS.get((action, thing), frozenset()))


def visible_entries(person: User | None) -> ColumnElement[bool]:
    """The condition under which this person can "see" an entry."""
    if can(person, "edit", "catalogue"):
        return true()
    mine = Entry.reviewer_id == person.id if person is not None and person.active else false()
    return or_(and_(published(), Entry.audience.in_(audiences_of(person))), mine)


def published() -> ColumnElement[bool]:
    """The condition under which an entry's audience may watch it."""
    return and_(Entry.status == "published", Entry.package_id.is_not(None))


def audiences_of(person: User | None) -> frozenset[str]:
    """The audiences to which this person belongs."""
    return frozenset({"public", "signed_in"} if person is not None and person.active else {"public"})


def get_entry(session: Session, entry_id: str, *, by: User | None) -> Entry:
    """That entry, if this person can see it. Raises `NotFound` in both other cases."""
    entry = session.scalars(select(Entry).where(Entry.id == entry_id, visible_entries(by))).first()
    if entry is None:
        raise NotFound("There is no such entry, or you may not see it.", code="entry_not_found")
    return entry


def _is_editor(person: User | None) -> bool:
    return can(person, "edit", "catalogue")


def _may_play(person: User | None, entry: Entry) -> bool:
    is_published = entry.status == "published" and entry.package_id is not None
    return is_published and (_is_editor(person) or _is_mine(person, entry) or entry.audience in audiences_of(person))


def _is_mine(person: User | None, entry: Entry) -> bool:
    return person is not None and entry.reviewer_id == person.id


def _may_see(person: User | None, entry: Entry) -> bool:
    return _is_editor(person) or _is_mine(person, entry) or _may_play(person, entry)


def _may_preview(person: User | None, entry: Entry) -> bool:
    uploader_id = entry.recording.uploader_id if entry.recording else None
    return _is_editor(person) or (person is not None and person.id in {entry.reviewer_id, uploader_id})


# see: know of it, read its page; play: watch what is published; preview: watch what is not;
# work: read what is not for viewers (drafts, pending changes, layers, disclosures); every name of `lifecycle.RULES`
_ON_ENTRIES: Mapping[str, Rule] = {
    "see": _may_see,
    "play": _may_play,
    "preview": _may_preview,
    "work": lambda person, _entry: _is_editor(person),
}
_ON_RECORDINGS: Mapping[str, Callable[[User, Recording], bool]] = {
    "see": lambda person, recording: _is_editor(person) or recording.uploader_id == person.id,
    "edit": lambda person, _recording: _is_editor(person),
}
_IN_AREAS: Mapping[tuple[str, str], frozenset[str]] = {
    ("edit", "catalogue"): lifecycle.EDITORS,
    ("upload", "recordings"): lifecycle.EDITORS,
    ("review", "reviews"): lifecycle.REVIEWERS,
    ("teach", "lessons"): frozenset({"instructor", "admin"}),
    ("administer", "service"): frozenset({"admin"}),
}
