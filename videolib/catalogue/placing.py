"""Moves what is written at times of an entry when it shows other ranges: everything stays with its material.

Annotations and cues on what is left out wait in `Entry.unplaced` and return with it. Comments stay without their time,
private notes at the beginning; clips whose material is gone become the whole entry. A second recording stays in step
where the entry shows one stretch; what was said over the old one has to be accepted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.annotations import Annotation
from videolib.catalogue.captions import Caption, list_tracks
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import TICKS_PER_S, to_seconds, to_ticks
from videolib.catalogue.narrations import hold_narrations
from videolib.catalogue.personal_notes import PersonalNote
from videolib.catalogue.playlists import PlaylistItem
from videolib.catalogue.questions import Question
from videolib.catalogue.ranges import Axis, Range, axis_of
from videolib.catalogue.reviews import ReviewComment
from videolib.catalogue.second_sources import move_second
from videolib.catalogue.watch_records import WatchRecord

_TICKS_PER_MS = TICKS_PER_S // 1000
_TIMES = ("id", "entry_id", "start_ticks", "end_ticks", "created_at", "updated_at", "revision")
_OF_TRACK = ("kind", "source", "reviewed")


@dataclass(frozen=True)
class Left:
    """Something that has no place on another clock, or a part of it: a kind of annotation or "cue", and its times."""

    kind: str
    start_s: float
    end_s: float
    text: str = ""
    is_shortened: bool = False


@dataclass(frozen=True)
class _Move:
    before: Axis
    after: Axis

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        return self.before.moved(start, end, self.after)

    def point_ms(self, at_ms: int) -> int | None:
        place = self.span(at_ms * _TICKS_PER_MS, at_ms * _TICKS_PER_MS)
        return None if place is None else place[0] // _TICKS_PER_MS


def find_left(session: Session, entry: Entry, after: Axis) -> list[Left]:
    """What of an entry would lose its place, or a part of its length, if it showed these ranges; in order of time."""
    move = _Move(axis_of(entry.recording), after)
    found = []
    rows = session.scalars(select(Annotation).where(Annotation.entry_id == entry.id))
    spans = [(row.kind, row.start_ticks, row.end_ticks, "") for row in rows]
    spans += [
        ("cue", *_ticks_of(cue), str(cue["text"])) for track in list_tracks(session, entry.id) for cue in track.cues
    ]
    for kind, start, given_end, text in spans:
        end = start if given_end is None else given_end
        place = move.span(start, end)
        if place is None or place[1] - place[0] < end - start:
            found.append(Left(kind, to_seconds(start), to_seconds(end), text, is_shortened=place is not None))
    return sorted(found, key=lambda one: (one.start_s, one.end_s))


def move_times(session: Session, entry: Entry, after: Axis) -> None:
    """Move everything to the clock of these ranges."""
    move = _Move(axis_of(entry.recording), after)
    if not move.before.ranges:
        return
    waiting = list(entry.unplaced)
    left = _move_annotations(session, entry, move) + _move_cues(session, entry, move)
    entry.unplaced = [*left, *(item for item in waiting if not _put_back(session, entry, after, item))]
    for comment in session.scalars(select(ReviewComment).where(ReviewComment.entry_id == entry.id)):
        if comment.at_s is not None:
            at = move.point_ms(round(comment.at_s * 1000))
            comment.at_s = None if at is None else at / 1000
    for note in session.scalars(select(PersonalNote).where(PersonalNote.entry_id == entry.id)):
        note.at_ms = move.point_ms(note.at_ms) or 0
    _move_clips(session, entry, move)
    move_second(session, entry, move.before, move.after)
    hold_narrations(session, entry.id)
    for record in session.scalars(select(WatchRecord).where(WatchRecord.entry_id == entry.id)):
        record.spans = _moved_spans(record.spans, move)
        record.place_ms = move.point_ms(record.place_ms) or 0
    session.flush()


def moved_annotations(kept: Iterable[Mapping[str, Any]], before: Axis, after: Axis) -> list[dict[str, Any]]:
    """Annotations of a version on another clock; what has no place there stays in the version alone."""
    found = []
    for item in kept:
        start, end = int(item["start_ticks"]), item.get("end_ticks")
        place = before.moved(start, start if end is None else int(end), after)
        if place is not None:
            found.append({**item, "start_ticks": place[0], "end_ticks": None if end is None else place[1]})
    return found


def moved_captions(kept: Mapping[str, Mapping[str, Any]], before: Axis, after: Axis) -> dict[str, dict[str, Any]]:
    """The same of caption tracks."""
    return {
        language: {**track, "cues": cues}
        for language, track in kept.items()
        if (cues := [moved for cue in track["cues"] if (moved := _moved_cue(cue, _Move(before, after)))])
    }


def _move_annotations(session: Session, entry: Entry, move: _Move) -> list[dict[str, Any]]:
    left = []
    for row in session.scalars(select(Annotation).where(Annotation.entry_id == entry.id)).all():
        end = row.start_ticks if row.end_ticks is None else row.end_ticks
        place = move.span(row.start_ticks, end)
        if place is None:
            said = {
                column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in _TIMES
            }
            part = _part_of(move.before, row.start_ticks, end)
            left.append({"what": "annotation", "id": row.id, **part, "is_point": row.end_ticks is None, "said": said})
            session.delete(row)
        elif place != (row.start_ticks, end):
            row.start_ticks, row.end_ticks = place[0], None if row.end_ticks is None else place[1]
            row.revision += 1
    return left


def _move_cues(session: Session, entry: Entry, move: _Move) -> list[dict[str, Any]]:
    left = []
    for track in list_tracks(session, entry.id):
        said = {"language": track.language, **{name: getattr(track, name) for name in _OF_TRACK}}
        left += [
            {"what": "cue", **_part_of(move.before, *_ticks_of(cue)), "text": cue["text"], "said": said}
            for cue in track.cues
            if _moved_cue(cue, move) is None
        ]
        track.cues = _sorted([moved for cue in track.cues if (moved := _moved_cue(cue, move))])
        if not track.cues:
            session.delete(track)
    session.flush()
    return left


def _put_back(session: Session, entry: Entry, after: Axis, item: Mapping[str, Any]) -> bool:
    """Give something that waited its place again; False where its material is still left out."""
    part = Range(str(item["recording_id"]), int(item["start"]), int(item["end"]))
    place = max(after.places_of(part), key=lambda one: (one[1] - one[0], -one[0]), default=None)
    if place is None:
        return False
    if item["what"] == "annotation":
        end = None if item["is_point"] else place[1]
        row = Annotation(id=item["id"], entry_id=entry.id, start_ticks=place[0], end_ticks=end, **item["said"])
        session.add(row)
        return True
    said = item["said"]
    mine = (Caption.entry_id == entry.id) & (Caption.language == said["language"])
    track = session.scalars(select(Caption).where(mine)).one_or_none()
    if track is None:
        track = Caption(entry_id=entry.id, cues=[], **said)
        session.add(track)
    cue = {"start_s": to_seconds(place[0]), "end_s": to_seconds(place[1]), "text": item["text"]}
    track.cues = _sorted([*track.cues, cue])
    session.flush()
    return True


def _move_clips(session: Session, entry: Entry, move: _Move) -> None:
    for item in session.scalars(select(PlaylistItem).where(PlaylistItem.entry_id == entry.id)):
        if item.start_ms or item.end_ms is not None:
            end_ms = item.end_ms if item.end_ms is not None else move.before.length // _TICKS_PER_MS
            place = move.span(item.start_ms * _TICKS_PER_MS, end_ms * _TICKS_PER_MS)
            item.start_ms = place[0] // _TICKS_PER_MS if place else 0
            item.end_ms = place[1] // _TICKS_PER_MS if place and item.end_ms is not None else None
        for question in session.scalars(select(Question).where(Question.item_id == item.id)):
            at_ms = move.point_ms(question.at_ms)
            question.at_ms = item.start_ms if at_ms is None else at_ms


def _moved_spans(spans: Sequence[Sequence[int]], move: _Move) -> list[list[int]]:
    found: list[list[int]] = []
    parts = [one for start, end in spans for one in move.before.taken_apart(start * _TICKS_PER_MS, end * _TICKS_PER_MS)]
    for first, last in sorted(place for part in parts for place in move.after.places_of(part)):
        start, end = first // _TICKS_PER_MS, last // _TICKS_PER_MS
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found


def _moved_cue(cue: Mapping[str, Any], move: _Move) -> dict[str, Any] | None:
    place = move.span(*_ticks_of(cue))
    if place is None:
        return None
    return {**cue, "start_s": to_seconds(place[0]), "end_s": to_seconds(place[1])}


def _ticks_of(cue: Mapping[str, Any]) -> tuple[int, int]:
    return to_ticks(float(cue["start_s"])), to_ticks(float(cue["end_s"]))


def _part_of(axis: Axis, start: int, end: int) -> dict[str, Any]:
    """Where something is on the clock of its recording; beyond the end of everything it is nowhere, and stays so."""
    parts = axis.taken_apart(start, end)
    part = max(parts, key=lambda one: one.end - one.start) if parts else Range("", start, end)
    return {"recording_id": part.recording_id, "start": part.start, "end": part.end}


def _sorted(cues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(cues, key=lambda cue: (cue["start_s"], cue["end_s"]))
