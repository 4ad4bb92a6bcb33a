"""What there is cause to tell people: one function for each kind of message, each asking the rows as they are now.

A key holds what makes the same thing worth telling again: another day, another review, another failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from videolib.catalogue.cases import Case
from videolib.catalogue.cohorts import CohortMember
from videolib.catalogue.consents import WARN_BEFORE, CaseConsent
from videolib.catalogue.entries import Entry
from videolib.catalogue.jobs import BESIDE, Job
from videolib.catalogue.lifecycle import EDITORS, REVIEWERS
from videolib.catalogue.narrations import Narration
from videolib.catalogue.people import Grant, Role, User, user_roles
from videolib.catalogue.playlist_progress import assigned_people, progress_of
from videolib.catalogue.playlists import Playlist, PlaylistAssignment, PlaylistEditor, PlaylistItem
from videolib.catalogue.recordings import Recording
from videolib.catalogue.reviews import Review, ReviewComment

DUE_SOON = timedelta(days=3)
# what was to be learned so long ago is not asked for any more
OVERDUE = timedelta(days=30)
TEACHERS = frozenset({"instructor", "admin"})


@dataclass(frozen=True, order=True)
class Cause:
    """Something to be told to somebody."""

    user_id: int
    kind: str
    key: str
    thing_id: str


def find_causes(session: Session, now: datetime) -> Iterator[Cause]:
    """All there is; what one is told twice by two ways has one key."""
    for ask in KINDS.values():
        yield from ask(session, now)


def _assigned(session: Session, _now: datetime) -> Iterator[Cause]:
    """Playlists to be learned, by name or through a cohort."""
    direct = select(PlaylistAssignment.user_id, PlaylistAssignment.playlist_id).where(
        _may_log_in(PlaylistAssignment.user_id)
    )
    through = (
        select(CohortMember.user_id, PlaylistAssignment.playlist_id)
        .join(PlaylistAssignment, PlaylistAssignment.cohort_id == CohortMember.cohort_id)
        .where(_may_log_in(CohortMember.user_id))
    )
    for user_id, playlist_id in session.execute(direct.union(through)):
        yield from _told(user_id, "assigned", f"assigned:{playlist_id}", playlist_id)


def _due(session: Session, now: datetime) -> Iterator[Cause]:
    """Playlists that are due within days, or were, and are not done."""
    today = now.date()
    near = Playlist.due_on.between(today - OVERDUE, today + DUE_SOON)
    playlists = list(session.scalars(select(Playlist).where(near)))
    for playlist_id, people in assigned_people(session, playlists).items():
        playlist = next(one for one in playlists if one.id == playlist_id)
        learners = [person for person in people if person.active]
        progress = progress_of(session, [playlist], learners)
        for person in learners:
            if not progress[playlist_id, person.id].is_done:
                yield from _told(person.id, "due", f"due:{playlist_id}:{playlist.due_on}", playlist_id)


def _changes(session: Session, _now: datetime) -> Iterator[Cause]:
    """Entries whose reviewer asks for changes: to who made them."""
    last = (
        select(func.max(Review.id))
        .where(Review.entry_id == Entry.id, Review.decision == "changes_requested")
        .scalar_subquery()
    )
    rows = session.execute(
        select(Entry.id, last, Entry.created_by_id, Recording.uploader_id)
        .outerjoin(Recording, Recording.id == Entry.recording_id)
        .where(_work_is("changes_requested"))
    )
    editors = _people_with(session, EDITORS)
    for entry_id, review_id, *makers in rows:
        for maker in set(makers) & editors:
            yield from _told(maker, "changes", f"changes:{entry_id}:{review_id or 0}", entry_id)


def _review(session: Session, _now: datetime) -> Iterator[Cause]:
    """Entries that wait for a named reviewer."""
    named = _work_is("in_review") & _may_log_in(Entry.reviewer_id) & _has_role(Entry.reviewer_id, REVIEWERS)
    rows = session.execute(select(Entry.id, Entry.reviewer_id, Entry.submitted_at).where(named))
    for entry_id, reviewer_id, submitted_at in rows:
        yield from _told(reviewer_id, "review", f"review:{entry_id}:{submitted_at or ''}", entry_id)


def _asked(session: Session, _now: datetime) -> Iterator[Cause]:
    """Comments that ask a colleague to look."""
    asked = ReviewComment.resolved_at.is_(None) & _has_role(ReviewComment.asked_id, EDITORS)
    rows = session.execute(
        select(ReviewComment.id, ReviewComment.entry_id, ReviewComment.asked_id).where(
            asked, _may_log_in(ReviewComment.asked_id)
        )
    )
    for comment_id, entry_id, user_id in rows:
        yield from _told(user_id, "asked", f"asked:{comment_id}", entry_id)


def _failed(session: Session, _now: datetime) -> Iterator[Cause]:
    """Recordings that could not be made watchable: to who uploaded them."""
    last = (
        select(func.max(Job.finished_at))
        .where(Job.recording_id == Recording.id, Job.state == "failed", Job.kind.not_in(BESIDE))
        .scalar_subquery()
    )
    rows = session.execute(
        select(Recording.id, Recording.uploader_id, last).where(
            Recording.state.in_(("failed", "rejected")), _may_log_in(Recording.uploader_id)
        )
    )
    for recording_id, user_id, at in rows:
        yield from _told(user_id, "failed", f"failed:{recording_id}:{at or ''}", recording_id)


def _consent(session: Session, now: datetime) -> Iterator[Cause]:
    """Consents that end soon and have no longer one beside them: to the privacy officers of the hospital."""
    today, last = now.date().isoformat(), (now.date() + WARN_BEFORE).isoformat()
    other = aliased(CaseConsent)
    lasts = or_(other.expires_on.is_(None), other.expires_on > last)
    covered = exists().where(
        other.case_id == CaseConsent.case_id,
        other.withdrawn_at.is_(None),
        lasts,
        or_(other.scope == CaseConsent.scope, other.scope == "public"),
    )
    rows = session.execute(
        select(CaseConsent.id, Grant.user_id)
        .join(Case, Case.id == CaseConsent.case_id)
        .join(Grant, and_(Grant.hospital_id == Case.hospital_id, Grant.name == "privacy_officer"))
        .where(CaseConsent.withdrawn_at.is_(None), CaseConsent.expires_on.between(today, last), ~covered)
        .where(_may_log_in(Grant.user_id))
    )
    for consent_id, user_id in rows:
        yield from _told(user_id, "consent", f"consent:{consent_id}", consent_id)


def _expiring(session: Session, _now: datetime) -> Iterator[Cause]:
    """Masters that go within a month: to who uploaded them and to the reviewers of their hospital."""
    warned = Recording.master_warned_at.is_not(None) & (Recording.original_key != "")
    by_uploader = select(Recording.id, Recording.uploader_id, Recording.master_warned_at).where(
        warned, _may_log_in(Recording.uploader_id)
    )
    by_reviewers = (
        select(Recording.id, Grant.user_id, Recording.master_warned_at)
        .join(Grant, and_(Grant.hospital_id == Recording.hospital_id, Grant.name == "reviewer"))
        .where(warned, _may_log_in(Grant.user_id))
    )
    for recording_id, user_id, at in session.execute(by_uploader.union(by_reviewers)):
        yield from _told(user_id, "expiring", f"expiring:{recording_id}:{at or ''}", recording_id)


def _withdrawn(session: Session, _now: datetime) -> Iterator[Cause]:
    """Clips of entries that nobody may watch any more: to who builds the playlist."""
    gone = (PlaylistItem.kind == "clip") & or_(
        PlaylistItem.entry_id.is_(None), Entry.status.in_(("withdrawn", "archived"))
    )
    clips = select(PlaylistItem.id).outerjoin(Entry, Entry.id == PlaylistItem.entry_id).where(gone)
    owned = clips.join(Playlist, Playlist.id == PlaylistItem.playlist_id).add_columns(Playlist.owner_id)
    shared = clips.join(PlaylistEditor, PlaylistEditor.playlist_id == PlaylistItem.playlist_id).add_columns(
        PlaylistEditor.user_id
    )
    teachers = _people_with(session, TEACHERS)
    for item_id, user_id in [*session.execute(owned), *session.execute(shared)]:
        if user_id in teachers:
            yield from _told(user_id, "withdrawn", f"withdrawn:{item_id}", item_id)


def _narration(session: Session, _now: datetime) -> Iterator[Cause]:
    """Narrations that wait for a second person's ear: to the reviewers of the recording's hospital."""
    waiting = (Narration.state == "made") & Narration.accepted_at.is_(None)
    rows = session.execute(
        select(Narration.id, Grant.user_id)
        .join(Entry, Entry.id == Narration.entry_id)
        .join(Recording, Recording.id == Entry.recording_id)
        .join(Grant, and_(Grant.hospital_id == Recording.hospital_id, Grant.name == "reviewer"))
        .where(waiting, Grant.user_id.is_distinct_from(Narration.uploader_id), _may_log_in(Grant.user_id))
    )
    for narration_id, user_id in rows:
        yield from _told(user_id, "narration", f"narration:{narration_id}", narration_id)


def _narration_back(session: Session, _now: datetime) -> Iterator[Cause]:
    """Narrations that nobody will hear as they are: to who brought them."""
    back = Narration.state.in_(("failed", "refused")) & Narration.entry_id.is_not(None)
    rows = session.execute(select(Narration.id, Narration.uploader_id).where(back, _may_log_in(Narration.uploader_id)))
    for narration_id, user_id in rows:
        yield from _told(user_id, "narration_back", f"narration_back:{narration_id}", narration_id)


# kind of message -> who is to be told it, and of what
KINDS: dict[str, Callable[[Session, datetime], Iterator[Cause]]] = {
    "assigned": _assigned,
    "due": _due,
    "changes": _changes,
    "review": _review,
    "asked": _asked,
    "failed": _failed,
    "consent": _consent,
    "expiring": _expiring,
    "withdrawn": _withdrawn,
    "narration": _narration,
    "narration_back": _narration_back,
}


def _told(user_id: int | None, kind: str, key: str, thing_id: str) -> Iterator[Cause]:
    """To somebody, where there is anybody."""
    if user_id is not None:
        yield Cause(user_id, kind, key, thing_id)


def _work_is(state: str) -> ColumnElement[bool]:
    """The condition under which what is worked on is in that state, as `Entry.work_state` says it."""
    return or_(Entry.status == state, and_(Entry.status == "published", Entry.pending_state == state))


def _may_log_in(user_id: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    return exists().where(User.id == user_id, User.active)


def _has_role(user_id: InstrumentedAttribute[int | None], names: frozenset[str]) -> ColumnElement[bool]:
    roles = select(Role.id).where(Role.name.in_(names))
    return exists().where(user_roles.c.user_id == user_id, user_roles.c.role_id.in_(roles))


def _people_with(session: Session, names: frozenset[str]) -> set[int]:
    """Who may log in and has one of these roles."""
    having = select(user_roles.c.user_id).join(Role, Role.id == user_roles.c.role_id).where(Role.name.in_(names))
    return set(session.scalars(select(User.id).where(User.active, User.id.in_(having))))
