"""How much of an entry a person has really watched: reported by players, credited by the library.

A player opens a viewing when it first plays and then says, in numbered reports, which stretches it has played and at
which speed. What is credited is bounded: all viewings of a person that overlap cannot together have lasted longer than
the clock says since the first of them began, whatever is reported and from however many windows. Reports that were
lost with the network may come later; a report that comes twice counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.catalogue.access import published, visible_entries
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.watch_time import FASTEST, SLOWEST, Played, add_plays, length_ms, unite, within
from videolib.db import Base, database_now, new_id, utc_now
from videolib.errors import InvalidInput, NotFound

# a viewing takes reports this long: a laptop that was closed on the train sends them the next day
OPEN_FOR = timedelta(days=3)
MOST_STRETCHES = 500
# clocks of two machines run apart by less than this in one viewing
LEEWAY_MS = 1500
# seen to the end: credits and black frames are nobody's lesson
DONE_SHARE = 0.95
# nearer to the end than this, a recording starts again from its beginning
END_MS, START_MS = 5000, 3000


class Viewing(Base):
    """One player on one page. `lasted_ms` is the wall clock that has been credited to it, `spans` are the stretches."""

    __tablename__ = "viewings"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), index=True)
    began_at: Mapped[datetime] = mapped_column(default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    report: Mapped[int] = mapped_column(default=0)
    lasted_ms: Mapped[int] = mapped_column(default=0)
    spans: Mapped[list[list[int]]] = mapped_column(JSON, default=list)


class WatchRecord(Base):
    """What one person has watched of one entry. `spans` are stretches in milliseconds, in order, not touching.

    `plays` says how often each second was played: what was watched again. Records of before it count as played once.
    """

    __tablename__ = "watch_records"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True, index=True)
    spans: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    plays: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    watched_ms: Mapped[int] = mapped_column(default=0)
    # where the person was last, on whichever device
    place_ms: Mapped[int] = mapped_column(default=0)
    duration_ms: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    done_at: Mapped[datetime | None]

    entry: Mapped[Entry] = relationship(lazy="joined")

    @property
    def times_played(self) -> list[tuple[int, int, int]]:
        """`(start_s, end_s, times)`: how often each second was played."""
        return add_plays(self.plays, () if self.plays else self.spans)

    @property
    def share(self) -> float:
        """How much of it has been seen, from 0 to 1."""
        return min(1.0, self.watched_ms / self.duration_ms) if self.duration_ms else 0.0

    @property
    def resume_s(self) -> float:
        """Where to go on; 0 where there is nothing to go on with."""
        nearly_over = self.duration_ms and self.place_ms > self.duration_ms - END_MS
        return 0.0 if nearly_over or self.place_ms < START_MS else self.place_ms / 1000


@dataclass(frozen=True)
class Report:
    """What a player says: its number in the viewing, what was played since the last one, where it stands now."""

    number: int
    played: tuple[Played, ...]
    place_ms: int


def open_viewing(session: Session, entry: Entry, *, by: User) -> Viewing:
    """A person begins to watch."""
    now = database_now(session)
    viewing = Viewing(user_id=by.id, entry_id=entry.id, began_at=now, seen_at=now)
    session.add(viewing)
    session.flush()
    return viewing


def take_report(session: Session, viewing_id: str, report: Report, *, by: User) -> WatchRecord:
    """Credit what may be credited. Raises `NotFound` for a viewing that is not this person's, or long over."""
    # one person's reports are taken one after another: two windows must not be credited the same minute
    session.execute(select(User.id).where(User.id == by.id).with_for_update())
    viewing = session.get(Viewing, viewing_id)
    now = database_now(session)
    if viewing is None or viewing.user_id != by.id or now - viewing.began_at > OPEN_FOR:
        raise NotFound("This viewing is over; open the entry again.", code="viewing_not_found")
    record = _record(session, viewing, now)
    if report.number <= viewing.report:
        return record
    duration_ms = _duration_ms(session, viewing.entry_id) or record.duration_ms
    credited, lasted_ms = within(report.played, _longest_ms(session, viewing, now), duration_ms)
    viewing.report, viewing.seen_at = report.number, now
    viewing.lasted_ms += round(lasted_ms)
    viewing.spans = [list(span) for span in unite(viewing.spans, credited)]
    record.plays = [list(played) for played in add_plays(record.times_played, credited)]
    record.spans = [list(span) for span in unite(record.spans, credited)]
    record.watched_ms, record.duration_ms = length_ms(record.spans), duration_ms
    record.place_ms = min(max(0, report.place_ms), duration_ms)
    record.last_at = now
    if record.done_at is None and record.share >= DONE_SHARE:
        record.done_at = now
    session.flush()
    return record


def read_report(sent: Mapping[str, Any]) -> Report:
    """A report as a player sends it. Raises `InvalidInput`."""
    try:
        number, place_ms = int(sent["report"]), round(float(sent["place_s"]) * 1000)
        stretches = [(float(one["start_s"]), float(one["end_s"]), float(one["rate"])) for one in sent["played"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _not_understood() from error
    if not 0 < number < 2**31 or abs(place_ms) >= 2**31 or len(stretches) > MOST_STRETCHES:
        raise _not_understood()
    sound = all(0 <= start <= end < 2**20 and SLOWEST <= rate <= FASTEST for start, end, rate in stretches)
    if not sound:  # what is not a number compares with nothing
        raise _not_understood()
    played = tuple(Played(round(start * 1000), round(end * 1000), rate) for start, end, rate in stretches)
    return Report(number, played, place_ms)


def find_record(session: Session, entry_id: str, *, by: User | None) -> WatchRecord | None:
    """What this person has watched of the entry."""
    return session.get(WatchRecord, (by.id, entry_id)) if by is not None else None


def find_records(session: Session, entry_ids: Sequence[str], *, by: User | None) -> dict[str, WatchRecord]:
    """What this person has watched of each of the entries, by its id."""
    if by is None or not entry_ids:
        return {}
    mine = select(WatchRecord).where(WatchRecord.user_id == by.id, WatchRecord.entry_id.in_(entry_ids))
    return {record.entry_id: record for record in session.scalars(mine)}


def list_to_continue(session: Session, *, by: User | None, limit: int) -> list[WatchRecord]:
    """What this person has begun, not finished, and may still see; last watched first."""
    if by is None:
        return []
    begun = (
        select(WatchRecord)
        .join(Entry, Entry.id == WatchRecord.entry_id)
        .where(WatchRecord.user_id == by.id, WatchRecord.done_at.is_(None), WatchRecord.watched_ms > 0)
        .where(visible_entries(by), published())
        .order_by(WatchRecord.last_at.desc())
        .limit(limit)
    )
    return list(session.scalars(begun))


def list_records(session: Session, *, by: User, limit: int = 500) -> list[WatchRecord]:
    """All that this person has watched, last first."""
    mine = select(WatchRecord).where(WatchRecord.user_id == by.id).order_by(WatchRecord.last_at.desc()).limit(limit)
    return list(session.scalars(mine))


def _longest_ms(session: Session, viewing: Viewing, now: datetime) -> float:
    """How much wall clock is left to be credited: of this viewing, and of all of the person's that overlap it."""
    own_ms = (now - viewing.began_at) / timedelta(milliseconds=1) - viewing.lasted_ms
    beside = (Viewing.user_id == viewing.user_id, Viewing.seen_at >= viewing.began_at)
    first_at, lasted_ms = session.execute(
        select(func.min(Viewing.began_at), func.coalesce(func.sum(Viewing.lasted_ms), 0)).where(*beside)
    ).one()
    all_ms = (now - first_at) / timedelta(milliseconds=1) - int(lasted_ms)
    return float(max(0.0, min(own_ms, all_ms) + LEEWAY_MS))


def _record(session: Session, viewing: Viewing, now: datetime) -> WatchRecord:
    record = session.get(WatchRecord, (viewing.user_id, viewing.entry_id))
    if record is None:
        record = WatchRecord(user_id=viewing.user_id, entry_id=viewing.entry_id, spans=[], plays=[])
        record.first_at = record.last_at = now
        record.watched_ms = record.place_ms = record.duration_ms = 0
        session.add(record)
        session.flush()
    return record


def _duration_ms(session: Session, entry_id: str) -> int:
    entry = session.get_one(Entry, entry_id)
    package = entry.package
    if package is None and entry.recording is not None and entry.recording.source:
        return round(float(entry.recording.source.get("duration_s") or 0) * 1000)
    return round((package.duration_s or 0) * 1000) if package is not None else 0


def _not_understood() -> InvalidInput:
    return InvalidInput("Send the report's number, the place, and the stretches that were played.", code="bad_report")
