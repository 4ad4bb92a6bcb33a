"""Playlists of instructors: clips of entries in an order, with sections, for whom they are meant and by when.

Who may see or change one stands in `access`; whether a viewer may see a clip's entry is asked there, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, UniqueConstraint, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.catalogue.audit import record_event
from videolib.catalogue.cohorts import find_cohort, find_people
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

Kind = Literal["clip", "section"]
# assigned: those to whom it is assigned; signed_in: everyone who is signed in may open it, too
AUDIENCES = ("assigned", "signed_in")
LONGEST_TITLE, LONGEST_TEXT = 200, 4000
_UNSET: Any = object()


class PlaylistEditor(Base):
    """Somebody who builds it together with its owner."""

    __tablename__ = "playlist_editors"

    playlist_id: Mapped[str] = mapped_column(ForeignKey("playlists.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)


class PlaylistAssignment(Base):
    """It is to be learned by a person, or by all of a cohort, whoever joins it later too."""

    __tablename__ = "playlist_assignments"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    playlist_id: Mapped[str] = mapped_column(ForeignKey("playlists.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    cohort_id: Mapped[str | None] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    assigned_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (
        UniqueConstraint("playlist_id", "user_id"),
        UniqueConstraint("playlist_id", "cohort_id"),
    )


class PlaylistItem(Base):
    """A clip of an entry, or the heading of a section that reaches to the next one.

    `end_ms` None is the end of the recording. A clip whose entry is gone from the library keeps its place and says so.
    """

    __tablename__ = "playlist_items"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    playlist_id: Mapped[str] = mapped_column(ForeignKey("playlists.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(default="clip")
    title: Mapped[str] = mapped_column(default="")
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("entries.id", ondelete="SET NULL"), index=True)
    start_ms: Mapped[int] = mapped_column(default=0)
    end_ms: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    is_required: Mapped[bool] = mapped_column(default=True)

    entry: Mapped[Entry | None] = relationship(lazy="joined")

    __table_args__ = (Index("ix_playlist_items_playlist_id_position", "playlist_id", "position"),)


class Playlist(Base):
    """`revision` grows with each write: of its fields, its items and their questions."""

    __tablename__ = "playlists"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[dict[str, str]] = mapped_column(default=dict)
    description: Mapped[str] = mapped_column(default="")
    audience: Mapped[str] = mapped_column(default="assigned")
    due_on: Mapped[date | None]
    revision: Mapped[int] = mapped_column(default=1)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)

    items: Mapped[list[PlaylistItem]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by=PlaylistItem.position, passive_deletes=True
    )
    editors: Mapped[list[PlaylistEditor]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by=PlaylistEditor.user_id, passive_deletes=True
    )
    assignments: Mapped[list[PlaylistAssignment]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by=PlaylistAssignment.assigned_at, passive_deletes=True
    )

    @property
    def clips(self) -> list[PlaylistItem]:
        """Its items without the headings."""
        return [item for item in self.items if item.kind == "clip"]

    @property
    def builder_ids(self) -> frozenset[int]:
        """Its owner and those who build it with them."""
        return frozenset({one.user_id for one in self.editors} | ({self.owner_id} if self.owner_id else set()))


def create_playlist(session: Session, title: dict[str, str], *, by: User) -> Playlist:
    """An empty one that is assigned to nobody. Raises `InvalidInput`."""
    playlist = Playlist(title=sound_title(title), owner_id=by.id, items=[], editors=[], assignments=[])
    session.add(playlist)
    session.flush()
    record_event(session, "create", "playlist", playlist.id, by=by)
    return playlist


def change_playlist(
    session: Session,
    playlist: Playlist,
    *,
    title: dict[str, str] = _UNSET,
    description: str = _UNSET,
    audience: str = _UNSET,
    due_on: date | None = _UNSET,
) -> None:
    """Change what is given. Raises `InvalidInput`."""
    if title is not _UNSET:
        playlist.title = sound_title(title)
    if description is not _UNSET:
        playlist.description = sound_text(description, "description")
    if audience is not _UNSET:
        if audience not in AUDIENCES:
            raise _refused("audience", "Choose for whom it is.")
        playlist.audience = audience
    if due_on is not _UNSET:
        playlist.due_on = due_on
    session.flush()


def set_editors(session: Session, playlist: Playlist, addresses: Iterable[str], *, by: User) -> None:
    """Who builds it beside its owner: instructors, by address. Raises `InvalidInput`."""
    people = [person for person in find_people(session, addresses) if person.id != playlist.owner_id]
    if others := [person.email for person in people if not person.role_names & {"instructor", "admin"}]:
        raise _refused("editors", f"Only instructors build playlists: {', '.join(others[:5])}.", code="no_instructor")
    kept = {one.user_id: one for one in playlist.editors}
    playlist.editors = [kept.get(person.id) or PlaylistEditor(user_id=person.id) for person in people]
    session.flush()
    if set(kept) != {person.id for person in people}:
        record_event(session, "permission", "playlist", playlist.id, by=by, editors=[person.id for person in people])


def assign(session: Session, playlist: Playlist, name: str, *, by: User) -> PlaylistAssignment:
    """To a person by address, or to a cohort by name or id; what is assigned already stays. Raises `InvalidInput`."""
    cohort = find_cohort(session, name)
    if cohort is None and "@" not in name:
        raise _refused("assign", "There is no person with this address, and no cohort of this name.", code="nobody")
    person = None if cohort else find_people(session, [name])[0]
    for one in playlist.assignments:
        if (cohort and one.cohort_id == cohort.id) or (person and one.user_id == person.id):
            return one
    made = PlaylistAssignment(
        user_id=person.id if person else None, cohort_id=cohort.id if cohort else None, by_id=by.id
    )
    playlist.assignments.append(made)
    session.flush()
    to = f"person:{person.id}" if person else f"cohort:{made.cohort_id}"
    record_event(session, "assign", "playlist", playlist.id, by=by, to=to)
    return made


def unassign(session: Session, playlist: Playlist, assignment_id: str, *, by: User) -> None:
    """It is not to be learned by them any more. Raises `NotFound`."""
    found = next((one for one in playlist.assignments if one.id == assignment_id), None)
    if found is None:
        raise NotFound("It is not assigned to them any more.", code="assignment_not_found")
    to = f"person:{found.user_id}" if found.user_id else f"cohort:{found.cohort_id}"
    playlist.assignments.remove(found)
    session.flush()
    record_event(session, "unassign", "playlist", playlist.id, by=by, to=to)


def delete_playlist(session: Session, playlist: Playlist, *, by: User) -> None:
    """Take it away, with the answers given to its questions. What was watched stays each person's own."""
    record_event(session, "delete", "playlist", playlist.id, by=by)
    session.delete(playlist)
    session.flush()


def get_playlist(session: Session, playlist_id: str) -> Playlist:
    """That playlist; whether somebody may see it is asked in `access`. Raises `NotFound`."""
    playlist = session.get(Playlist, playlist_id)
    if playlist is None:
        raise no_playlist()
    return playlist


def no_playlist() -> NotFound:
    """What is answered for one that is not there or not for who asks."""
    return NotFound("There is no such playlist, or it is not for you.", code="playlist_not_found")


def count_write(session: Session, playlist: Playlist, *, revision: int | None = None) -> None:
    """Count the write, fenced by the revision that was read. Raises `Conflict` (code "stale")."""
    session.flush()
    read = playlist.revision
    changed = session.execute(
        update(Playlist)
        .where(Playlist.id == playlist.id, Playlist.revision == read)
        .values(revision=read + 1, updated_at=utc_now())
    )
    if changed.rowcount == 0 or (revision is not None and revision != read):  # type: ignore[attr-defined]
        raise stale()
    session.refresh(playlist, ["revision", "updated_at"])


def stale() -> Conflict:
    """What is answered to a write on an old revision."""
    return Conflict("Somebody else has changed this playlist since you opened it.", code="stale")


def sound_title(title: dict[str, str]) -> dict[str, str]:
    """A title in Chinese, English or both. Raises `InvalidInput`."""
    kept = {lang: " ".join(text.split()) for lang, text in title.items() if lang in {"zh", "en"} and text.strip()}
    if not kept or any(len(text) > LONGEST_TITLE for text in kept.values()):
        raise _refused("title", "A playlist needs a title of at most 200 characters, in Chinese, English or both.")
    return kept


def sound_text(text: str, field: str) -> str:
    """A text of at most 4000 characters. Raises `InvalidInput`."""
    stripped = text.replace("\r\n", "\n").strip()
    if len(stripped) > LONGEST_TEXT:
        raise _refused(field, "A text is at most 4000 characters long.")
    return stripped


def _refused(field: str, sentence: str, code: str = "playlist_invalid") -> InvalidInput:
    return InvalidInput(sentence, fields={field: sentence}, code=code)
