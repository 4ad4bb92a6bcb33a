"""An entry's second recording: what another camera saw of the same procedure, in step with the main one.

It is shown only while a second person's signature on it holds and a consent covers it; whatever ends either takes it
from the page, and the entry goes on with its main picture. Times: second = main + `offset_s`.
"""

from __future__ import annotations

import math
from datetime import datetime

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session, relationship

from videolib.catalogue import lifecycle
from videolib.catalogue.access import can
from videolib.catalogue.audit import record_event
from videolib.catalogue.cines import unconfirmed_guesses
from videolib.catalogue.completeness import covers
from videolib.catalogue.consents import consent_fields
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.media_time import to_seconds
from videolib.catalogue.people import User
from videolib.catalogue.quarantine import is_quarantined
from videolib.catalogue.ranges import Axis, axis_of
from videolib.catalogue.recordings import Recording
from videolib.db import Base, utc_now
from videolib.errors import InvalidInput

LONGEST_S = 48 * 3600.0
MOST_OFFERED = 100
_WATCHED = frozenset({"awaiting_review", "ready"})


class SecondSource(Base):
    """Which recording an entry shows beside its own, and how far its clock is ahead."""

    __tablename__ = "second_sources"

    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True)
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), index=True)
    offset_s: Mapped[float] = mapped_column(default=0.0)
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    added_at: Mapped[datetime] = mapped_column(default=utc_now)

    recording: Mapped[Recording] = relationship(lazy="joined")


def find_second(session: Session, entry_id: str) -> SecondSource | None:
    """The entry's second recording, whoever may see it."""
    return session.get(SecondSource, entry_id)


def find_second_for(entry: Entry, person: User | None) -> SecondSource | None:
    """The second recording that this person watches beside the entry's own: the published one, or a preview."""
    session = object_session(entry)
    second = find_second(session, entry.id) if session is not None else None
    if session is None or second is None or second.recording.package_id is None:
        return None
    if can(person, "play", entry):
        return second if why_not_shown(session, entry, second.recording) is None else None
    may = can(person, "preview", entry) and _may_look(person, entry, second.recording)
    return second if may and second.recording.state in _WATCHED else None


def why_not_shown(session: Session, entry: Entry, recording: Recording, *, audience: str | None = None) -> str | None:
    """Why viewers of the entry (of `audience`) do not see this second recording now, a sentence; None: they do."""
    if recording.state != "ready" or recording.package_id is None:
        return "A second person has to sign off the second recording, too."
    if unconfirmed_guesses(recording):
        return "Confirm or correct what was guessed about the second recording."
    if recording.case_id is None:
        return None
    today = utc_now().date()
    fields = consent_fields(session, [recording.case_id], today).get(recording.case_id, {})
    if covers(fields, audience or entry.audience, today):
        return None
    return "No consent covers the second recording for this audience."


def list_choices(session: Session, entry: Entry, *, by: User) -> list[Recording]:
    """What this person may put beside the entry's recording: of the same case first, then the newest."""
    recordings = select(Recording).where(Recording.state.in_(_WATCHED), Recording.package_id.is_not(None))
    own = [one.id for one in entry.recording.sources] if entry.recording else []
    recordings = recordings.where(Recording.is_montage.is_(False), Recording.id.not_in(own))
    rows = session.scalars(recordings.order_by(Recording.created_at.desc(), Recording.id).limit(5 * MOST_OFFERED))
    found = [row for row in rows if _may_look(by, entry, row)]
    case_id = entry.recording.case_id if entry.recording else None
    return sorted(found, key=lambda row: case_id is None or row.case_id != case_id)[:MOST_OFFERED]


def set_second(session: Session, entry: Entry, recording_id: str, offset_s: float, *, by: User) -> SecondSource:
    """Put a recording beside the entry's own; `offset_s`: how much further its clock is at the same moment.

    Raises `InvalidInput`, and `NotAllowed` as the state of the entry asks.
    """
    lifecycle.require(entry, "edit", by=by)
    if not math.isfinite(offset_s) or abs(offset_s) > LONGEST_S:
        raise _refused("offset_s", "Write the two moments in seconds, as 12.48.")
    if len(axis_of(entry.recording).ranges) > 1:
        raise _refused(
            "recording_id", "Several ranges have no common clock: show one of them, or all of the recording."
        )
    recording = session.get(Recording, recording_id)
    own = entry.recording.sources if entry.recording else ()
    if recording is None or recording.is_montage or recording in own or not _may_look(by, entry, recording):
        raise _refused("recording_id", "Choose one of the recordings of the list.")
    if entry.status == "published" and (why := why_not_shown(session, entry, recording)):
        raise _refused("recording_id", why)
    second = find_second(session, entry.id)
    if second is None:
        second = SecondSource(entry_id=entry.id, recording_id=recording.id, added_by_id=by.id)
        session.add(second)
    second.recording_id, second.offset_s = recording.id, round(offset_s, 4)
    session.flush()
    session.refresh(second)
    count_write(session, entry)
    record_event(session, "second", "entry", entry.id, by=by, recording=recording.id, offset_s=second.offset_s)
    return second


def remove_second(session: Session, entry: Entry, *, by: User) -> None:
    """Show the entry's own recording alone again. Raises `NotAllowed` as the state of the entry asks."""
    lifecycle.require(entry, "edit", by=by)
    second = find_second(session, entry.id)
    if second is not None:
        session.delete(second)
        count_write(session, entry)
        record_event(session, "no_second", "entry", entry.id, by=by, recording=second.recording_id)


def move_second(session: Session, entry: Entry, before: Axis, after: Axis) -> None:
    """Keep the second recording in step where the entry shows another stretch of the same one; else it goes."""
    second = find_second(session, entry.id)
    if second is None:
        return
    if len(before.ranges) == len(after.ranges) == 1 and before.ranges[0].recording_id == after.ranges[0].recording_id:
        second.offset_s += to_seconds(after.ranges[0].start - before.ranges[0].start)
    else:
        session.delete(second)
        record_event(session, "no_second", "entry", entry.id, by=None, recording=second.recording_id)


def detach_recording(session: Session, recording_id: str) -> int:
    """Take a recording from every entry that shows it beside its own; gives how many."""
    gone = session.scalars(
        delete(SecondSource).where(SecondSource.recording_id == recording_id).returning(SecondSource.entry_id)
    )
    return len(gone.all())


def _may_look(person: User | None, entry: Entry, recording: Recording) -> bool:
    if person is None:
        return False
    is_colleague = can(person, "edit", "catalogue") or entry.reviewer_id == person.id
    return can(person, "open", recording) or (is_colleague and not is_quarantined(recording))


def _refused(name: str, sentence: str) -> InvalidInput:
    return InvalidInput(sentence, fields={name: sentence}, code="second_invalid")
