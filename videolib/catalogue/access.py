"""One question, one answer: may this person do that to this? Pages, API, search, feed, media and exports all ask here.

`can` answers for one thing, `visible_entries` is the same rule as a condition for lists, `audiences_of` as groups for
the search index. What no rule names is denied; `person=None` is somebody who is not logged in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session, object_session

from videolib.catalogue import lifecycle, quarantine
from videolib.catalogue.cohorts import CohortMember
from videolib.catalogue.entries import Entry, EntryAudience
from videolib.catalogue.people import User
from videolib.catalogue.playlists import Playlist, PlaylistAssignment, PlaylistEditor, no_playlist
from videolib.catalogue.recordings import Recording
from videolib.db import utc_now
from videolib.errors import NotFound

# parts of the library that are asked for as a whole
Area = Literal["catalogue", "recordings", "reviews", "lessons", "service", "audit", "consents"]
Rule = Callable[[User | None, Entry], bool]
# audiences that name nobody
_WIDE = frozenset({"public", "signed_in"})
_EDITORS = "editors"


def can(person: User | None, action: str, thing: Entry | Recording | Playlist | Area) -> bool:
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
    if isinstance(thing, Playlist):
        return action in _ON_PLAYLISTS and _ON_PLAYLISTS[action](person, thing)
    has_role = bool(person.role_names & _IN_AREAS.get((action, thing), frozenset()))
    return has_role or ((action, thing) in _TO_OFFICERS and bool(person.hospitals_as("privacy_officer")))


def visible_entries(person: User | None) -> ColumnElement[bool]:
    """The condition under which this person can "see" an entry."""
    if can(person, "edit", "catalogue"):
        return true()
    mine = Entry.reviewer_id == person.id if person is not None and person.active else false()
    tokens = _tokens_of(person)
    named = select(EntryAudience.entry_id).where(EntryAudience.entry_id == Entry.id, EntryAudience.token.in_(tokens))
    is_meant = or_(Entry.audience.in_(tokens & _WIDE), and_(Entry.audience.not_in(_WIDE), named.exists()))
    return or_(and_(published(), is_meant, _is_time()), mine)


def published() -> ColumnElement[bool]:
    """The condition under which an entry's audience may watch it."""
    return and_(Entry.status == "published", Entry.package_id.is_not(None))


def audiences_of(session: Session, person: User | None) -> frozenset[str]:
    """The groups of the search index that this person reads: its filter by permission, exact at any moment.

    Only groups that some entry names: thousands of people then share a few views of the index.
    """
    if can(person, "edit", "catalogue"):
        return frozenset({_EDITORS})
    tokens = _tokens_of(person)
    named = select(EntryAudience.token).where(EntryAudience.token.in_(tokens - _WIDE)).distinct()
    found = (tokens & _WIDE) | set(session.scalars(named))
    boxed = or_(Entry.visible_from.is_not(None), Entry.visible_until.is_not(None))
    windows = select(Entry.visible_from, Entry.visible_until).where(published(), boxed, _is_time()).distinct()
    found |= {token + _window(*days) for days in session.execute(windows) for token in list(found)}
    if person is not None and person.active:
        mine = select(Entry.id).where(Entry.reviewer_id == person.id, published()).limit(1)
        found |= {f"reviewer:{person.id}"} if session.scalars(mine).first() else set()
    return frozenset(found)


def audiences_of_entry(entry: Entry) -> frozenset[str]:
    """The groups of the search index that may know of a published entry: what `audiences_of` is compared with."""
    window = _window(entry.visible_from, entry.visible_until)
    meant = {token + window for token in _tokens_of_entry(entry)}
    return frozenset(meant | {_EDITORS} | ({f"reviewer:{entry.reviewer_id}"} if entry.reviewer_id else set()))


def get_entry(session: Session, entry_id: str, *, by: User | None) -> Entry:
    """That entry, if this person can see it. Raises `NotFound` in both other cases."""
    entry = session.scalars(select(Entry).where(Entry.id == entry_id, visible_entries(by))).first()
    if entry is None:
        raise NotFound("There is no such entry, or you may not see it.", code="entry_not_found")
    return entry


def visible_playlists(person: User | None) -> ColumnElement[bool]:
    """The condition under which this person can "see" a playlist."""
    if person is None or not person.active:
        return false()
    mine = assigned_playlists(person) | (Playlist.audience == "signed_in")
    if not can(person, "teach", "lessons"):
        return mine
    built = select(PlaylistEditor.playlist_id).where(PlaylistEditor.user_id == person.id)
    return or_(mine, Playlist.owner_id == person.id, Playlist.id.in_(built))


def assigned_playlists(person: User) -> ColumnElement[bool]:
    """The condition under which a playlist is to be learned by this person."""
    cohorts = select(CohortMember.cohort_id).where(CohortMember.user_id == person.id)
    named = or_(PlaylistAssignment.user_id == person.id, PlaylistAssignment.cohort_id.in_(cohorts))
    return Playlist.id.in_(select(PlaylistAssignment.playlist_id).where(named))


def get_playlist_for(session: Session, playlist_id: str, *, by: User | None) -> Playlist:
    """That playlist, if this person can see it. Raises `NotFound` in both other cases."""
    found = session.scalars(select(Playlist).where(Playlist.id == playlist_id, visible_playlists(by))).first()
    if found is None:
        raise no_playlist()
    return found


def why_hidden(person: User, entry: Entry | None) -> str | None:
    """Why somebody may not play an entry, for whom it is assigned to; None where they may.

    "gone": withdrawn or not in the library, for anybody; "early", "late": outside its days; "audience": not meant for
    them; "disabled": they may not log in.
    """
    if entry is None or entry.status != "published" or entry.package_id is None:
        return "gone"
    if can(person, "play", entry):
        return None
    if not person.active:
        return "disabled"
    now = utc_now()
    if not _tokens_of(person) & _tokens_of_entry(entry):
        return "audience"
    return "early" if entry.visible_from is not None and now < entry.visible_from else "late"


def _is_editor(person: User | None) -> bool:
    return can(person, "edit", "catalogue")


def _may_play(person: User | None, entry: Entry) -> bool:
    is_published = entry.status == "published" and entry.package_id is not None
    return is_published and (_is_editor(person) or _is_mine(person, entry) or _is_meant(person, entry))


def _is_meant(person: User | None, entry: Entry) -> bool:
    now = utc_now()
    is_time = (entry.visible_from is None or entry.visible_from <= now) and (
        entry.visible_until is None or now < entry.visible_until
    )
    return is_time and bool(_tokens_of(person) & _tokens_of_entry(entry))


def _is_time() -> ColumnElement[bool]:
    now = utc_now()
    begun = or_(Entry.visible_from.is_(None), Entry.visible_from <= now)
    return and_(begun, or_(Entry.visible_until.is_(None), Entry.visible_until > now))


def _tokens_of(person: User | None) -> frozenset[str]:
    if person is None or not person.active:
        return frozenset({"public"})
    return _WIDE | {f"person:{person.id}"} | {f"group:{group}" for group in person.group_ids}


def _tokens_of_entry(entry: Entry) -> frozenset[str]:
    return frozenset({entry.audience} if entry.audience in _WIDE else {row.token for row in entry.named})


def _window(start: datetime | None, end: datetime | None) -> str:
    return f"@{start.isoformat() if start else ''}/{end.isoformat() if end else ''}" if start or end else ""


def _is_mine(person: User | None, entry: Entry) -> bool:
    return person is not None and entry.reviewer_id == person.id


def _may_see(person: User | None, entry: Entry) -> bool:
    return _is_editor(person) or _is_mine(person, entry) or _may_play(person, entry)


def _is_its_reviewer(person: User, recording: Recording) -> bool:
    return recording.hospital_id in person.hospitals_as("reviewer")


def _may_preview(person: User | None, entry: Entry) -> bool:
    recording = entry.recording
    if recording is None:
        return False
    is_colleague = _is_editor(person) or _is_mine(person, entry)
    return quarantine.may_open(person, recording) or (is_colleague and not quarantine.is_quarantined(recording))


def _may_read_words(person: User | None, entry: Entry) -> bool:
    """What is said in a quarantined recording may name its patient as its pictures do."""
    recording = entry.recording
    is_shut = entry.status != "published" and recording is not None and quarantine.is_quarantined(recording)
    return _may_see(person, entry) and (not is_shut or _may_preview(person, entry))


def _builds(person: User, playlist: Playlist) -> bool:
    return can(person, "teach", "lessons") and person.id in playlist.builder_ids


def _is_assigned(person: User, playlist: Playlist) -> bool:
    session = object_session(playlist)
    mine = select(Playlist.id).where(Playlist.id == playlist.id, assigned_playlists(person))
    return session is not None and session.scalars(mine).first() is not None


# see: know of it, read its page; play: watch what is published; preview: watch what is not; words: read its captions;
# work: read what is not for viewers (drafts, pending changes, layers, disclosures); every name of `lifecycle.RULES`
_ON_ENTRIES: Mapping[str, Rule] = {
    "see": _may_see,
    "play": _may_play,
    "preview": _may_preview,
    "words": _may_read_words,
    "work": lambda person, _entry: _is_editor(person),
}
# see: know of it and how far it is; edit: start and stop the work on it; open: look into its quarantine;
# sign_off: be the second person; know: be told that it is here, by whoever holds the same bytes
_ON_RECORDINGS: Mapping[str, Callable[[User, Recording], bool]] = {
    "see": lambda person, recording: _is_editor(person) or quarantine.may_open(person, recording),
    "edit": lambda person, _recording: _is_editor(person),
    "open": quarantine.may_open,
    "sign_off": quarantine.may_sign_off,
    "know": quarantine.may_know,
    # a file name is patient data: 张三_TACE.mp4
    "name": lambda person, recording: recording.uploader_id == person.id or _is_its_reviewer(person, recording),
}
# see: open it; build: change it, and see what those to whom it is assigned have done of it
_ON_PLAYLISTS: Mapping[str, Callable[[User, Playlist], bool]] = {
    "see": lambda person, playlist: (
        playlist.audience == "signed_in" or _builds(person, playlist) or _is_assigned(person, playlist)
    ),
    "build": _builds,
}
_IN_AREAS: Mapping[tuple[str, str], frozenset[str]] = {
    ("edit", "catalogue"): lifecycle.EDITORS,
    ("upload", "recordings"): lifecycle.EDITORS,
    ("review", "reviews"): lifecycle.REVIEWERS,
    ("teach", "lessons"): frozenset({"instructor", "admin"}),
    ("administer", "service"): frozenset({"admin"}),
    ("read", "audit"): frozenset({"admin"}),
}
# beside the roles: a privacy officer of any hospital; of which one, the deed itself asks
_TO_OFFICERS = frozenset({("read", "audit"), ("keep", "consents")})
