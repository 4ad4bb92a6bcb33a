"""What ends with a consent: entries that none covers any more are taken away from everybody.

At once where somebody withdraws it; by a worker within half a minute where a day has passed. The withdrawn entry is the
tombstone: its id, its versions and the reason stay, its addresses answer nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.cases import Case
from videolib.catalogue.completeness import covers
from videolib.catalogue.consents import CaseConsent, consent_fields
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.publishing import withdraw_entry
from videolib.catalogue.ranges import cases_of, showing
from videolib.catalogue.recordings import Recording
from videolib.catalogue.versions import EntryVersion
from videolib.db import utc_now
from videolib.errors import Conflict

_WITHDRAWN = "The patient has withdrawn consent."
_ENDED = "The consent does not hold any more."


@dataclass(frozen=True)
class CaseFile:
    """Everything that the library has of a case."""

    case: Case
    consents: tuple[CaseConsent, ...]
    recordings: tuple[Recording, ...]
    entries: tuple[Entry, ...]
    versions: Mapping[str, int]


def withdraw_consent(session: Session, case: Case, consent_id: str, *, by: User | None) -> list[str]:
    """End a consent now; gives the ids of the entries that are taken away from all viewers with it."""
    consent = session.get(CaseConsent, consent_id)
    if consent is None or consent.case_id != case.id or consent.withdrawn_at is not None:
        raise Conflict("This consent was withdrawn already, or is not of this case.", code="wrong_state")
    consent.withdrawn_at = utc_now()
    record_event(session, "withdraw_consent", "case", case.id, by=by, consent=consent.id)
    session.flush()
    return _withdraw_uncovered(session, [case.id], _WITHDRAWN, by=by)


def withdraw_ended(session: Session) -> list[str]:
    """Withdraw what is published and lost its consent by the calendar; gives the entries' ids."""
    return _withdraw_uncovered(session, None, _ENDED, by=None)


def read_case_file(session: Session, case: Case) -> CaseFile:
    """Every recording, entry and version of a case, and its consents."""
    recordings = tuple(session.scalars(select(Recording).where(Recording.case_id == case.id)))
    mine = select(Entry).where(showing(row.id for row in recordings)).order_by(Entry.created_at)
    entries = tuple(session.scalars(mine))
    counted = select(EntryVersion.entry_id, func.count()).group_by(EntryVersion.entry_id)
    rows = session.execute(counted.where(EntryVersion.entry_id.in_([entry.id for entry in entries])))
    versions = {str(row[0]): int(row[1]) for row in rows}
    consents = select(CaseConsent).where(CaseConsent.case_id == case.id).order_by(CaseConsent.recorded_at)
    return CaseFile(case, tuple(session.scalars(consents)), recordings, entries, versions)


def _withdraw_uncovered(session: Session, case_ids: list[str] | None, reason: str, *, by: User | None) -> list[str]:
    which = Recording.case_id.is_not(None) if case_ids is None else Recording.case_id.in_(case_ids)
    of_cases = select(Recording.id).where(which)
    published = (
        select(Entry).where(Entry.status == "published", showing(of_cases)).order_by(Entry.id).with_for_update(of=Entry)
    )
    rows = list(session.scalars(published, execution_options={"populate_existing": True}))
    today = utc_now().date()
    cases = {entry.id: cases_of(entry.recording) for entry in rows}
    fields = consent_fields(session, (case_id for found in cases.values() for case_id in found), today)
    gone = []
    for entry in rows:
        if not all(covers(fields.get(case_id, {}), entry.audience, today) for case_id in cases[entry.id]):
            # the privacy officer, or the calendar, decides: no role of the catalogue is asked
            withdraw_entry(session, entry, reason, by=None)
            record_event(session, "tombstone", "entry", entry.id, by=by, version=entry.version)
            gone.append(entry.id)
    return gone
