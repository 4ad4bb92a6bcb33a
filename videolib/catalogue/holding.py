"""A viewer says that something private can be seen or heard: it is hidden, and its review begins again at that second.

All entries of the recording are hidden at once, whoever reports. Who has watched it is written into the audit. What
was hidden returns as it was when a second person has signed the recording off anew, and nothing was changed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from videolib.catalogue import desk, screenings
from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.media_time import to_seconds, to_ticks
from videolib.catalogue.narrations import hold_narrations
from videolib.catalogue.people import User
from videolib.catalogue.ranges import Range, axis_of, showing
from videolib.catalogue.recordings import Recording, get_recording, move
from videolib.catalogue.screenings import Finding, Found
from videolib.catalogue.second_sources import SecondSource, find_second
from videolib.catalogue.watch_records import WatchRecord

RULE = "report"
# around the second that a viewer names: people need a moment until they have reached the form
AROUND_S = 5.0
RISK = 100.0
WHY = "A viewer has reported that something private can be seen or heard; a second person looks at it."


@dataclass(frozen=True)
class Watcher:
    """Somebody who has watched entries of a recording: how much, when, and whether the reported moment too."""

    person_id: int
    first_at: datetime
    last_at: datetime
    watched_s: float
    saw_it: bool


def hold(session: Session, entry: Entry, at_s: float, *, by: User) -> None:
    """Hide all that shows what the entry shows then, and let that be reviewed again from that second on.

    What is asked of an entry of ranges is asked of each recording that it shows around that second; and of what is
    shown beside it too: nobody can tell in which of both it was seen.
    """
    hold_narrations(session, entry.id)
    moments = _moments_of(entry, at_s)
    if (second := find_second(session, entry.id)) is not None:
        moments[second.recording_id] = _around(max(0.0, at_s + second.offset_s))
    for recording_id, times in sorted(moments.items()):
        _hold_recording(session, get_recording(session, recording_id, for_update=True), times, by=by)


def moment_of(entry: Entry, at_s: float) -> tuple[str, float] | None:
    """Which recording an entry shows at that second, and at which of the recording's own; None where it has none."""
    at = to_ticks(at_s)
    found = axis_of(entry.recording).taken_apart(at, at) or axis_of(entry.recording).ranges
    return (found[0].recording_id, to_seconds(found[0].start)) if found else None


def _moments_of(entry: Entry, at_s: float) -> dict[str, tuple[float, float]]:
    """What an entry shows around that second: of each recording from when to when, on the recording's own clock."""
    axis = axis_of(entry.recording)
    edges = (to_ticks(max(0.0, at_s - AROUND_S)), to_ticks(at_s + AROUND_S))
    found: dict[str, tuple[float, float]] = {}
    # a time after its end was a slip: then all of it is meant
    for part in axis.taken_apart(*edges) or axis.ranges:
        start_s, end_s = to_seconds(part.start), to_seconds(part.end)
        earlier = found.get(part.recording_id, (start_s, end_s))
        found[part.recording_id] = min(start_s, earlier[0]), max(end_s, earlier[1])
    return found


def _hold_recording(session: Session, recording: Recording, times: tuple[float, float], *, by: User) -> None:
    watchers = _watchers_between(session, recording.id, times)
    for shown in _entries_of(session, recording.id):
        if shown.status == "published":
            _hide(session, shown, by=by)
    if recording.state == "ready":
        move(session, recording, "reopen")
    recording.signed_off_by_id = recording.signed_off_at = None
    # the windows are drawn anew, and everything before was watched for another question
    session.execute(delete(desk.DeskLook).where(desk.DeskLook.recording_id == recording.id))
    screening = screenings.begin_screening(session, recording)
    found = Found(RULE, RULE, 1.0, RISK, *times)
    screenings.keep_progress(session, screening, screening.done_until_s, [found])
    seen = {
        "watched_by": [one.person_id for one in watchers],
        "seen_by": [one.person_id for one in watchers if one.saw_it],
    }
    record_event(session, "hold", "recording", recording.id, by=by, start_s=times[0], end_s=times[1], **seen)


def give_back(session: Session, entry: Entry, package_id: str | None, *, by: User | None) -> bool:
    """Show again what a report had hidden, in the package that was signed off; False where it was changed meanwhile."""
    is_same = entry.held_revision == entry.revision
    entry.held_revision = None
    if not is_same:
        return False
    entry.status, entry.withdrawn_reason, entry.package_id = "published", None, package_id
    count_write(session, entry)
    record_event(session, "give_back", "entry", entry.id, by=by, package=package_id)
    return True


def is_reported(session: Session, recording: Recording) -> bool:
    """Whether a report about this recording waits for its decision."""
    return any(one.decision == "open" for one in _reports(session, recording))


def list_reported_s(session: Session, recording: Recording) -> list[float]:
    """The seconds that viewers have named, in order."""
    return sorted(((one.start_s or 0.0) + (one.end_s or 0.0)) / 2 for one in _reports(session, recording))


def list_watchers(session: Session, recording_id: str, at_s: float) -> list[Watcher]:
    """Who has watched anything that shows this recording; those who saw that moment first, then the last ones."""
    return _watchers_between(session, recording_id, _around(at_s))


def _around(at_s: float) -> tuple[float, float]:
    return max(0.0, at_s - AROUND_S), at_s + AROUND_S


def _watchers_between(session: Session, recording_id: str, times: tuple[float, float]) -> list[Watcher]:
    mine = (
        select(WatchRecord, Entry, SecondSource.recording_id, SecondSource.offset_s)
        .join(Entry, Entry.id == WatchRecord.entry_id)
        .outerjoin(SecondSource, SecondSource.entry_id == Entry.id)
        .where(or_(showing([recording_id]), SecondSource.recording_id == recording_id))
    )
    moment = Range(recording_id, to_ticks(times[0]), to_ticks(times[1]))
    found: dict[int, Watcher] = {}
    for row, entry, second_id, offset_s in session.execute(mine.order_by(WatchRecord.last_at.desc())):
        places = [(to_seconds(start), to_seconds(end)) for start, end in axis_of(entry.recording).places_of(moment)]
        if second_id == recording_id:
            places.append((times[0] - offset_s, times[1] - offset_s))
        saw_it = any(
            first <= end_s * 1000 and last >= start_s * 1000 for first, last in row.spans for start_s, end_s in places
        )
        earlier = found.get(row.user_id)
        found[row.user_id] = Watcher(
            row.user_id,
            min(row.first_at, earlier.first_at) if earlier else row.first_at,
            max(row.last_at, earlier.last_at) if earlier else row.last_at,
            row.watched_ms / 1000 + (earlier.watched_s if earlier else 0.0),
            saw_it or (earlier is not None and earlier.saw_it),
        )
    return sorted(found.values(), key=lambda one: not one.saw_it)


def _hide(session: Session, entry: Entry, *, by: User) -> None:
    entry.status, entry.withdrawn_reason = "withdrawn", WHY
    count_write(session, entry)
    # changes that nobody has published yet would be published with it: then an editor decides
    entry.held_revision = None if entry.pending else entry.revision
    record_event(session, "hold", "entry", entry.id, by=by, package=entry.package_id)


def _entries_of(session: Session, recording_id: str) -> list[Entry]:
    mine = select(Entry).where(showing([recording_id])).order_by(Entry.id).with_for_update(of=Entry)
    return list(session.scalars(mine, execution_options={"populate_existing": True}).all())


def _reports(session: Session, recording: Recording) -> list[Finding]:
    screening = screenings.find_screening(session, recording.id)
    found = screenings.list_findings(session, screening.id) if screening else []
    return [one for one in found if one.rule == RULE]
