"""What a playlist holds, in its order: clips are added, changed, moved and copied here; nothing of it asks who may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.access import can
from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import LONGEST_S
from videolib.catalogue.people import User
from videolib.catalogue.playlists import Playlist, PlaylistItem, create_playlist, sound_text, stale
from videolib.catalogue.questions import Question, copy_question, list_questions
from videolib.errors import InvalidInput, NotFound

MOST_ITEMS = 500
SHORTEST_MS = 200
LONGEST_HEADING = 200


@dataclass(frozen=True)
class Clip:
    """Which part of an entry, what is said about it, whether it must be seen. `end_ms` None: to the end."""

    start_ms: int = 0
    end_ms: int | None = None
    note: str = ""
    is_required: bool = True


def add_clip(
    session: Session, playlist: Playlist, entry: Entry, clip: Clip, *, place: int | None = None
) -> PlaylistItem:
    """Put a clip at a place (from 0), else at the end. Raises `InvalidInput`."""
    item = PlaylistItem(playlist_id=playlist.id, kind="clip", entry_id=entry.id, position=0)
    item.entry = entry
    _set_clip(item, clip)
    return _insert(session, playlist, item, place)


def add_section(session: Session, playlist: Playlist, title: str, *, place: int | None = None) -> PlaylistItem:
    """Put a heading there. Raises `InvalidInput`."""
    item = PlaylistItem(playlist_id=playlist.id, kind="section", title=_heading(title), position=0)
    return _insert(session, playlist, item, place)


def change_clip(session: Session, item: PlaylistItem, clip: Clip) -> None:
    """Another part of the same entry, another note. Raises `InvalidInput`; a question outside the clip is refused."""
    _set_clip(item, clip)
    for question in list_questions(session, [item.id]).get(item.id, []):
        if not is_inside(item, question.at_ms):
            sentence = "A question would lie outside the clip: move the question first, or choose other times."
            raise InvalidInput(sentence, fields={"end": sentence})
    session.flush()


def change_section(session: Session, item: PlaylistItem, title: str) -> None:
    """Another heading. Raises `InvalidInput`."""
    item.title = _heading(title)
    session.flush()


def remove_item(session: Session, playlist: Playlist, item: PlaylistItem) -> None:
    """Take it out, with its questions and the answers to them."""
    playlist.items.remove(item)
    _number(session, playlist)


def move_item(session: Session, playlist: Playlist, item: PlaylistItem, place: int) -> None:
    """Put it at that place, counted from 0; beyond the ends is the end."""
    playlist.items.remove(item)
    playlist.items.insert(max(0, min(place, len(playlist.items))), item)
    _number(session, playlist)


def reorder_items(session: Session, playlist: Playlist, ids: Sequence[str]) -> None:
    """Put all of them into this order. Raises `Conflict` where these are not all its items: somebody changed it."""
    by_id = {item.id: item for item in playlist.items}
    if len(ids) != len(by_id) or set(ids) != set(by_id):
        raise stale()
    for place, item_id in enumerate(ids):
        by_id[item_id].position = place
    playlist.items.sort(key=lambda item: item.position)
    session.flush()


def find_item(playlist: Playlist, item_id: str) -> PlaylistItem:
    """That item of it. Raises `NotFound`."""
    found = next((item for item in playlist.items if item.id == item_id), None)
    if found is None:
        raise NotFound("This item is not in the playlist any more.", code="item_not_found")
    return found


def copy_playlist(session: Session, playlist: Playlist, title: dict[str, str], *, by: User) -> Playlist:
    """A playlist of one's own with the same sections, questions, and clips that one may see; assigned to nobody."""
    made = create_playlist(session, title, by=by)
    made.description = playlist.description
    questions = list_questions(session, [item.id for item in playlist.items])
    seen = [item for item in playlist.items if item.entry is None or can(by, "see", item.entry)]
    for position, item in enumerate(seen):
        fields = ("kind", "title", "entry_id", "start_ms", "end_ms", "note", "is_required")
        twin = PlaylistItem(playlist_id=made.id, position=position, **{name: getattr(item, name) for name in fields})
        made.items.append(twin)
        session.flush()
        session.add_all(copy_question(question, twin.id) for question in questions.get(item.id, []))
    session.flush()
    record_event(session, "copy", "playlist", playlist.id, by=by, into=made.id)
    return made


def list_withdrawn(session: Session, playlist_ids: Sequence[str]) -> dict[str, list[PlaylistItem]]:
    """Clips whose entry is withdrawn or gone, by playlist: they count no more, and their builders are told."""
    clips = (
        select(PlaylistItem)
        .outerjoin(Entry, Entry.id == PlaylistItem.entry_id)
        .where(PlaylistItem.playlist_id.in_(playlist_ids), PlaylistItem.kind == "clip")
        .where(PlaylistItem.entry_id.is_(None) | (Entry.status != "published"))
        .order_by(PlaylistItem.position)
    )
    found: dict[str, list[PlaylistItem]] = {}
    for item in session.scalars(clips):
        found.setdefault(item.playlist_id, []).append(item)
    return found


def empty_clips(session: Session, entry_ids: Sequence[str]) -> int:
    """Of entries that are erased: the clips keep their places, which say so, and nothing that was said about them."""
    emptied = (
        update(PlaylistItem)
        .where(PlaylistItem.entry_id.in_(entry_ids))
        .values(entry_id=None, note="", start_ms=0, end_ms=None)
    )
    ids = list(session.scalars(emptied.returning(PlaylistItem.id)))
    session.execute(delete(Question).where(Question.item_id.in_(ids)))
    return len(ids)


def is_inside(item: PlaylistItem, at_ms: int) -> bool:
    """Whether that moment of the recording belongs to the clip."""
    return item.start_ms <= at_ms and (item.end_ms is None or at_ms <= item.end_ms)


def _insert(session: Session, playlist: Playlist, item: PlaylistItem, place: int | None) -> PlaylistItem:
    if len(playlist.items) >= MOST_ITEMS:
        raise InvalidInput("A playlist has at most 500 items.", code="playlist_full")
    playlist.items.insert(len(playlist.items) if place is None else max(0, place), item)
    _number(session, playlist)
    return item


def _number(session: Session, playlist: Playlist) -> None:
    for place, item in enumerate(playlist.items):
        item.position = place
    session.flush()


def _set_clip(item: PlaylistItem, clip: Clip) -> None:
    problems: dict[str, str] = {}
    longest_ms = _longest_ms(item.entry)
    if not 0 <= clip.start_ms <= longest_ms:
        problems["start"] = "The clip begins behind the end of the recording."
    end_ms = clip.end_ms if clip.end_ms is None or clip.end_ms < longest_ms else None
    if (longest_ms if end_ms is None else end_ms) - clip.start_ms < SHORTEST_MS:
        problems["end"] = "The end lies after the start."
    if problems:
        raise InvalidInput(" ".join(problems.values()), fields=problems, code="clip_invalid")
    item.start_ms, item.end_ms, item.is_required = clip.start_ms, end_ms, clip.is_required
    item.note = sound_text(clip.note, "note")


def _longest_ms(entry: Entry | None) -> int:
    duration_s: Any = entry.package.duration_s if entry is not None and entry.package is not None else None
    return round(duration_s * 1000) if duration_s else LONGEST_S * 1000


def _heading(title: str) -> str:
    title = " ".join(title.split())
    if not title or len(title) > LONGEST_HEADING:
        sentence = "A section needs a heading of at most 200 characters."
        raise InvalidInput(sentence, fields={"title": sentence})
    return title
