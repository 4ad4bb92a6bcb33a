"""Lists of playlists: those somebody may open, those to be learned, those somebody builds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from videolib.catalogue.access import assigned_playlists, can, visible_playlists
from videolib.catalogue.cursors import after, make_cursor, read_cursor
from videolib.catalogue.people import User
from videolib.catalogue.playlists import Playlist, PlaylistAssignment, PlaylistEditor

DEFAULT_LIMIT = 20
MOST = 500


def list_playlists(
    session: Session, *, by: User | None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> tuple[list[Playlist], str | None]:
    """A page of what this person may open, newest first, and the cursor of the next one."""
    statement = select(Playlist).where(visible_playlists(by)).order_by(Playlist.created_at.desc(), Playlist.id)
    if cursor is not None:
        at, playlist_id = read_cursor(cursor, datetime, str)
        statement = statement.where(after((Playlist.created_at, at, True), (Playlist.id, playlist_id, False)))
    rows = list(session.scalars(statement.limit(limit + 1)))
    more = len(rows) > limit
    return rows[:limit], make_cursor(rows[limit - 1].created_at, rows[limit - 1].id) if more else None


def list_assigned(session: Session, *, to: User | None) -> list[Playlist]:
    """What this person is to learn: what is due first, then what is due on no day; the newest first among equals."""
    if to is None:
        return []
    order = (Playlist.due_on.is_(None), Playlist.due_on, Playlist.created_at.desc(), Playlist.id)
    return list(session.scalars(select(Playlist).where(assigned_playlists(to)).order_by(*order).limit(MOST)))


def list_open(session: Session, *, by: User) -> list[Playlist]:
    """What everyone who is signed in may open and is not assigned to this person, newest first."""
    opened = select(Playlist).where(Playlist.audience == "signed_in", ~assigned_playlists(by))
    return list(session.scalars(opened.order_by(Playlist.created_at.desc(), Playlist.id).limit(MOST)))


def list_built(session: Session, *, by: User) -> list[Playlist]:
    """What this person builds, alone or with others, last changed first."""
    if not can(by, "teach", "lessons"):
        return []
    shared = select(PlaylistEditor.playlist_id).where(PlaylistEditor.user_id == by.id)
    built = select(Playlist).where(or_(Playlist.owner_id == by.id, Playlist.id.in_(shared)))
    return list(session.scalars(built.order_by(Playlist.updated_at.desc(), Playlist.id).limit(MOST)))


def list_built_for(session: Session, cohort_id: str, *, by: User) -> list[Playlist]:
    """What this person builds and is assigned to that cohort."""
    assigned = select(PlaylistAssignment.playlist_id).where(PlaylistAssignment.cohort_id == cohort_id)
    ids = set(session.scalars(assigned))
    return [playlist for playlist in list_built(session, by=by) if playlist.id in ids]
