"""What of which recording an entry shows: all of one, or ranges of some, of which a montage is made.

A montage is a recording of its own that has ranges instead of an original; they never change. An editor who wants
others gets another montage: it waits in the entry's `next_recording` until it is made, and viewers keep the old one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from videolib.catalogue import lifecycle
from videolib.catalogue.access import can
from videolib.catalogue.audit import record_event
from videolib.catalogue.desk import length_s
from videolib.catalogue.entries import Entry, create_entry, give_place
from videolib.catalogue.entry_values import EntryValues
from videolib.catalogue.jobs import has_open_jobs, start_work, stop_work
from videolib.catalogue.media_time import LONGEST_S, TICKS_PER_S, frame_at, frame_start
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording, RecordingRange
from videolib.catalogue.redactions import stored_redactions
from videolib.errors import InvalidInput

MOST_RANGES = 100
_WHOLE = {"zh": "（完整录像）", "en": " (whole recording)"}
# shorter ones are slips of the hand
SHORTEST_TICKS = TICKS_PER_S // 5


@dataclass(frozen=True)
class Range:
    """A stretch of a recording, in ticks of the recording's own clock."""

    recording_id: str
    start: int
    end: int


@dataclass(frozen=True)
class Axis:
    """The clock of an entry: its ranges one after the other."""

    ranges: tuple[Range, ...]

    @property
    def length(self) -> int:
        """Its length in ticks."""
        return sum(one.end - one.start for one in self.ranges)

    def taken_apart(self, start: int, end: int) -> list[Range]:
        """What lies between two of its times, in the recordings that it is of; a point lies in one range alone."""
        found, offset = [], 0
        for one in self.ranges:
            length = one.end - one.start
            first, last = max(0, start - offset), min(length, end - offset)
            if first < last or (start == end and 0 <= first < length and start >= offset):
                found.append(Range(one.recording_id, one.start + first, one.start + max(first, last)))
            offset += length
        return found

    def places_of(self, part: Range) -> list[tuple[int, int]]:
        """Where a part of a recording is on this clock, as starts and ends; one for each range that shows it."""
        found, offset = [], 0
        for one in self.ranges:
            first, last = max(one.start, part.start), min(one.end, part.end)
            is_point = part.start == part.end and one.start <= part.start < one.end
            if one.recording_id == part.recording_id and (first < last or is_point):
                found.append((offset + first - one.start, offset + last - one.start))
            offset += one.end - one.start
        return found

    def moved(self, start: int, end: int, other: Axis) -> tuple[int, int] | None:
        """Where what lies here lies on another clock: its longest stretch there; None where nothing of it is there."""
        joined: list[tuple[int, int]] = []
        for place in sorted(place for part in self.taken_apart(start, end) for place in other.places_of(part)):
            if joined and place[0] <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], place[1]))
            else:
                joined.append(place)
        return max(joined, key=lambda place: (place[1] - place[0], -place[0]), default=None)


def axis_of(recording: Recording | None) -> Axis:
    """The clock of what shows that recording."""
    if recording is None:
        return Axis(())
    if not recording.is_montage:
        return Axis((Range(recording.id, 0, LONGEST_S * TICKS_PER_S),))
    return Axis(tuple(Range(one.recording_id, one.start_ticks, one.end_ticks) for one in recording.ranges))


def showing(recording_ids: Iterable[str] | Select[str]) -> ColumnElement[bool]:
    """The condition under which an entry shows anything of these recordings, be it a range."""
    ids = recording_ids if isinstance(recording_ids, Select) else list(recording_ids)
    montages = select(RecordingRange.montage_id).where(RecordingRange.recording_id.in_(ids))
    return or_(Entry.recording_id.in_(ids), Entry.recording_id.in_(montages))


def cases_of(recording: Recording | None) -> list[str]:
    """Its case and those of every recording that it shows, as far as somebody has said whose these are."""
    shown = (recording, *recording.sources) if recording else ()
    return list(dict.fromkeys(one.case_id for one in shown if one.case_id))


def list_montages(session: Session, recording_id: str) -> list[Recording]:
    """The montages that show anything of a recording."""
    mine = select(RecordingRange.montage_id).where(RecordingRange.recording_id == recording_id)
    return list(session.scalars(select(Recording).where(Recording.id.in_(mine)).order_by(Recording.id)))


def list_unused(session: Session) -> list[Recording]:
    """Montages that no entry shows or waits for, of which no version was published, and on which nobody works."""
    from videolib.catalogue.versions import EntryVersion  # noqa: PLC0415 - which imports what imports this

    shown = or_(Entry.recording_id == Recording.id, Entry.next_recording_id == Recording.id)
    is_shown = select(Entry.id).where(shown).exists()
    is_kept = select(EntryVersion.id).where(EntryVersion.recording_id == Recording.id).exists()
    unused = select(Recording).where(Recording.is_montage, ~is_shown, ~is_kept).order_by(Recording.id)
    return [row for row in session.scalars(unused) if not has_open_jobs(session, row.id)]


def rendered_with(session: Session, montage: Recording) -> list[dict[str, Any]]:
    """What is to be taken out of each recording of a montage now: its package's row keeps what it was rendered with."""
    return [{"recording_id": one.id, "redactions": stored_redactions(session, one.id)} for one in montage.sources]


def are_released(montage: Recording) -> bool:
    """Whether every recording of a montage is signed off as it is now."""
    return bool(montage.sources) and all(one.state == "ready" for one in montage.sources)


def choosable(recording: Recording, *, by: User) -> bool:
    """Whether this person may take ranges of a recording: it is signed off, and there is an original to cut."""
    is_whole = not recording.is_montage and recording.state == "ready" and bool(recording.original_key)
    return is_whole and can(by, "see", recording)


def list_choosable(session: Session, *, by: User, limit: int = 200) -> list[Recording]:
    """The recordings of which this person may take ranges, the newest first."""
    ready = and_(Recording.state == "ready", Recording.is_montage.is_(False), Recording.original_key != "")
    newest = select(Recording).where(ready).order_by(Recording.created_at.desc(), Recording.id).limit(limit)
    return [row for row in session.scalars(newest) if choosable(row, by=by)]


def check_ranges(session: Session, wanted: Sequence[Range], *, by: User) -> Axis:
    """The wanted ranges on the frames of their recordings. Raises `InvalidInput` naming the field of the first bad one.

    Of a recording that this person may not use nothing is told but that it cannot be used.
    """
    if len(wanted) > MOST_RANGES:
        raise _bad(MOST_RANGES, "recording", "An entry has at most 100 ranges.")
    found = []
    for number, one in enumerate(wanted):
        recording = session.get(Recording, one.recording_id)
        if recording is None or not choosable(recording, by=by):
            raise _bad(number, "recording", "Choose a recording that is signed off and whose original is here.")
        longest = round(length_s(session, recording) * TICKS_PER_S)
        start, end = _on_frames(recording, one.start), min(_on_frames(recording, one.end), longest)
        if one.end > longest + TICKS_PER_S:
            raise _bad(number, "end", "The range ends after the recording.")
        if end - start < SHORTEST_TICKS:
            raise _bad(number, "end", "The range ends before it begins, or is too short.")
        found.append(Range(recording.id, start, end))
    return Axis(tuple(found))


def set_ranges(session: Session, entry: Entry, axis: Axis, *, by: User) -> Recording | None:
    """Let the entry show these ranges as soon as they are rendered; without any, its whole recording again.

    Gives what is to take the recording's place; None where nothing changes. Raises `InvalidInput`, `NotAllowed`.
    """
    lifecycle.require(entry, "edit", by=by)
    give_up_next(session, entry, by=by)
    if not axis.ranges:
        sources = entry.recording.sources if entry.recording else ()
        if len(sources) > 1:
            raise _bad(0, "recording", "Choose at least one range: the entry shows more than one recording.")
        if not sources or sources[0] is entry.recording:
            return None
        found = sources[0]
    elif axis == axis_of(entry.recording):
        return None
    else:
        found = _begin_montage(session, axis, by=by)
    entry.next_recording_id = found.id
    give_place(session, entry)
    session.refresh(entry)
    record_event(session, "ranges", "entry", entry.id, by=by, recording=found.id, ranges=len(axis.ranges))
    return found


def add_entry(session: Session, entry: Entry, axis: Axis, *, by: User) -> Entry:
    """A new draft that shows these ranges, beside the entry on whose page they were chosen."""
    if not axis.ranges:
        raise _bad(0, "recording", "Choose at least one range.")
    values = EntryValues.model_validate({"title": entry.title} if entry.title else {})
    made = create_entry(session, values, recording=_begin_montage(session, axis, by=by), by=by)
    record_event(session, "ranges", "entry", made.id, by=by, recording=made.recording_id, ranges=len(axis.ranges))
    return made


def keep_whole(session: Session, entry: Entry) -> None:
    """Leave a draft of the whole recording behind, where the entry that turns to ranges was the only one of it.

    By it the recording is reviewed again when something is reported, and looked through when ranges are chosen.
    """
    whole = entry.recording
    if whole is None or whole.is_montage:
        return
    others = select(Entry.id).where(Entry.recording_id == whole.id, Entry.id != entry.id).limit(1)
    if session.scalars(others).first() is None:
        title = {lang: text + _WHOLE[lang] for lang, text in entry.title.items() if lang in _WHOLE}
        create_entry(session, EntryValues.model_validate({"title": title} if title else {}), recording=whole, by=None)


def give_up_next(session: Session, entry: Entry, *, by: User | None) -> None:
    """What the entry waited for is not wanted any more."""
    waiting, entry.next_recording_id = entry.next_recording, None
    if waiting is not None and waiting.is_montage and waiting.state in {"queued", "processing"}:
        stop_work(session, waiting, by=by)
    session.flush()
    session.refresh(entry)


def _begin_montage(session: Session, axis: Axis, *, by: User) -> Recording:
    first = session.get_one(Recording, axis.ranges[0].recording_id)
    montage = Recording(
        is_montage=True,
        source_name="",
        original_key="",
        bytes=0,
        # there are no bytes to digest
        sha256=secrets.token_hex(32),
        uploader_id=by.id,
        hospital_id=first.hospital_id,
        is_generated=all(session.get_one(Recording, one.recording_id).is_generated for one in axis.ranges),
    )
    session.add(montage)
    session.flush()
    session.add_all(
        RecordingRange(
            montage_id=montage.id,
            position=position,
            recording_id=one.recording_id,
            start_ticks=one.start,
            end_ticks=one.end,
        )
        for position, one in enumerate(axis.ranges)
    )
    session.flush()
    session.refresh(montage)
    start_work(session, montage, by=by)
    return montage


def _on_frames(recording: Recording, ticks: int) -> int:
    """The beginning of the frame on show then."""
    fps = (recording.source or {}).get("fps")
    if not fps:
        return ticks
    rate = _exact(float(fps))
    return frame_start(frame_at(ticks, rate), rate)


def _exact(fps: float) -> Fraction:
    """The rate that was rounded to three decimals: NTSC's have 1001 below the line."""
    whole = round(fps * 1001 / 1000)
    ntsc = Fraction(whole * 1000, 1001)
    return ntsc if abs(float(ntsc) - fps) < 0.0006 and abs(round(fps) - fps) > 0.0006 else Fraction(str(fps))


def _bad(number: int, field: str, sentence: str) -> InvalidInput:
    return InvalidInput(sentence, fields={f"{field}-{number}": sentence}, code="bad_range")
