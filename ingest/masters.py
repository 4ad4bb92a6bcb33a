"""Masters leave the restricted store some days after they were signed off, where a setting says how many.

Nobody loses one unwarned: first it is said that it will go, in the studio and in the audit, and a month later it goes.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from ingest.reconcile import Finding
from ingest.workshop import Workshop
from videolib.catalogue import masters
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Screening, forget_pictures


def expire_masters(workshop: Workshop, *, dry_run: bool = False) -> Iterator[Finding]:
    """Warn of the masters whose time comes within a month, and remove those warned of so long ago."""
    kept_days = workshop.settings.masters_kept_days
    if kept_days is None:
        return
    with workshop.database.reading() as session:
        soon = [row.id for row in masters.list_to_warn(session, kept_days)]
        over = [row.id for row in masters.list_over(session, kept_days)]
    for recording_id in soon:
        if not dry_run:
            with workshop.database.writing() as session:
                masters.warn_of_expiry(session, session.get_one(Recording, recording_id))
        message = f"Its master goes in {masters.WARNED_DAYS} days; the studio says so."
        yield Finding("master_expires", recording_id, message, not dry_run)
    for recording_id in over:
        if not dry_run:
            _remove(workshop, recording_id)
        yield Finding("master_expired", recording_id, f"Removed: it was signed off {kept_days} days ago.", not dry_run)


def _remove(workshop: Workshop, recording_id: str) -> None:
    """The row first: what it names no more is removed now, or by the next `gc`."""
    with workshop.database.writing() as session:
        key = masters.expire_master(session, session.get_one(Recording, recording_id))
        looks = list(session.scalars(select(Screening.id).where(Screening.recording_id == recording_id)))
        forget_pictures(session, looks)
    pictures = [item.key for one in looks for item in workshop.originals.list(f"findings/{one}/")]
    workshop.originals.delete([key, *pictures])
