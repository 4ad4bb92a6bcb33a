"""What somebody has watched since a playlist was assigned to them: earlier is not its instructors' business.

Who was never assigned one sees all of their own record in it. A viewing counts from its first report after the
assignment, as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.cohorts import CohortMember
from videolib.catalogue.playlists import Playlist, PlaylistAssignment
from videolib.catalogue.watch_records import Viewing, WatchRecord
from videolib.catalogue.watch_time import Span, add_plays, unite

# the person and the entry
Whose = tuple[int, str]


@dataclass(frozen=True)
class Seen:
    """What counts of a person's record. `times_played`: `(start_s, end_s, times)`."""

    spans: tuple[Span, ...]
    times_played: tuple[tuple[int, int, int], ...]
    duration_ms: int


class Watched:
    """The records of some people and entries, to be asked for one playlist after another."""

    def __init__(
        self,
        records: Mapping[Whose, WatchRecord],
        viewings: Mapping[Whose, Sequence[Viewing]],
        since: Mapping[tuple[str, int], datetime],
    ) -> None:
        self._records, self._viewings, self._since = records, viewings, since

    def seen(self, playlist_id: str, user_id: int, entry_id: str) -> Seen | None:
        """What counts for that playlist; None where nothing was watched."""
        record, since = self._records.get((user_id, entry_id)), self._since.get((playlist_id, user_id))
        if record is None:
            return None
        if since is None or record.first_at >= since:
            spans: tuple[Span, ...] = tuple((start, end) for start, end in record.spans)
            return Seen(spans, tuple(record.times_played), record.duration_ms)
        plays: list[tuple[int, int, int]] = []
        spans = ()
        for viewing in self._viewings.get((user_id, entry_id), ()):
            if viewing.seen_at >= since:
                credited: list[Span] = [(start, end) for start, end in viewing.spans]
                spans, plays = tuple(unite(spans, credited)), add_plays(plays, credited)
        return Seen(spans, tuple(plays), record.duration_ms)


def find_watched(
    session: Session, playlists: Sequence[Playlist], entry_ids: Iterable[str], user_ids: Sequence[int]
) -> Watched:
    """Of these people and entries, in a number of queries that does not grow with them."""
    wanted = set(entry_ids)
    since = assigned_since(session, playlists)
    rows = select(WatchRecord).where(WatchRecord.entry_id.in_(wanted), WatchRecord.user_id.in_(user_ids))
    records = {(record.user_id, record.entry_id): record for record in session.scalars(rows)}
    latest: dict[int, datetime] = {}
    earliest: dict[int, datetime] = {}
    for (_playlist_id, user_id), at in since.items():
        latest[user_id] = max(at, latest.get(user_id, at))
        earliest[user_id] = min(at, earliest.get(user_id, at))
    early = {whose for whose, record in records.items() if whose[0] in latest and record.first_at < latest[whose[0]]}
    viewings: dict[Whose, list[Viewing]] = {}
    if early:
        asked = select(Viewing).where(
            Viewing.user_id.in_({user_id for user_id, _ in early}),
            Viewing.entry_id.in_({entry_id for _, entry_id in early}),
            Viewing.seen_at >= min(earliest[user_id] for user_id, _ in early),
        )
        for viewing in session.scalars(asked):
            viewings.setdefault((viewing.user_id, viewing.entry_id), []).append(viewing)
    return Watched(records, viewings, since)


def assigned_since(session: Session, playlists: Sequence[Playlist]) -> dict[tuple[str, int], datetime]:
    """Since when each playlist is to be learned by each person, by both ids: named, or in a cohort that they joined."""
    ids = [playlist.id for playlist in playlists]
    direct = select(PlaylistAssignment.playlist_id, PlaylistAssignment.user_id, PlaylistAssignment.assigned_at).where(
        PlaylistAssignment.playlist_id.in_(ids), PlaylistAssignment.user_id.is_not(None)
    )
    through = (
        select(
            PlaylistAssignment.playlist_id,
            CohortMember.user_id,
            PlaylistAssignment.assigned_at,
            CohortMember.joined_at,
        )
        .join(CohortMember, CohortMember.cohort_id == PlaylistAssignment.cohort_id)
        .where(PlaylistAssignment.playlist_id.in_(ids))
    )
    found: dict[tuple[str, int], datetime] = {}
    for statement in (direct, through):
        for playlist_id, user_id, *moments in session.execute(statement):
            at = max(moment for moment in moments if moment is not None)
            key = (str(playlist_id), int(user_id))
            found[key] = min(at, found.get(key, at))
    return found
