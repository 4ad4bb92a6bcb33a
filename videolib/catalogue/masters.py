"""Masters that go some days after they were signed off, where a setting says so: whose time comes, and who was told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import utc_now

LONGEST_LIST = 200
# a master goes so long after it was said that it will
WARNED_DAYS = 30


def list_to_warn(session: Session, kept_days: int) -> list[Recording]:
    """Recordings whose masters go within a month by that rule, and of which nobody has been told."""
    return _list_signed(session, kept_days - WARNED_DAYS, Recording.master_warned_at.is_(None))


def list_over(session: Session, kept_days: int) -> list[Recording]:
    """Recordings whose masters go now: their time is over, and it was said a month ago."""
    return _list_signed(session, kept_days, Recording.master_warned_at < utc_now() - timedelta(days=WARNED_DAYS))


def list_warned(session: Session, *, by: User) -> list[Recording]:
    """Recordings of this person's, or of their hospitals as reviewer, whose masters go soon; the next first."""
    mine = or_(Recording.uploader_id == by.id, Recording.hospital_id.in_(by.hospitals_as("reviewer")))
    warned = select(Recording).where(Recording.master_warned_at.is_not(None), Recording.original_key != "", mine)
    return list(session.scalars(warned.order_by(Recording.master_warned_at, Recording.id).limit(LONGEST_LIST)))


def warn_of_expiry(session: Session, recording: Recording) -> None:
    """Say that its master goes in a month."""
    recording.master_warned_at = utc_now()
    record_event(session, "warn_of_expiry", "recording", recording.id, by=None, days=WARNED_DAYS)


def expire_master(session: Session, recording: Recording) -> str:
    """Its master is no more; gives under which key it lies. What everybody watches stays."""
    key, recording.original_key = recording.original_key, ""
    record_event(session, "expire_master", "recording", recording.id, by=None)
    return key


def _list_signed(session: Session, days: int, which: ColumnElement[bool]) -> list[Recording]:
    """Recordings that are signed off for so many days, have their master, and no work to be done."""
    signed = Recording.signed_off_at < utc_now() - timedelta(days=days)
    found = select(Recording).where(Recording.state == "ready", Recording.original_key != "", signed, which)
    return list(session.scalars(found.order_by(Recording.signed_off_at, Recording.id)))
