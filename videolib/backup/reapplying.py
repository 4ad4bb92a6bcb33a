"""Applies the ledger to restored rows: what was taken away after the backup is taken away again, before anyone looks.

Which lines the rows know is told by the audit: an event of that place and digest, or a former restoration that named
the line. Erasures and ended consents are applied whatever the rows know: nothing gives these back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.erasing import erase
from ingest.workshop import Workshop
from videolib.backup.reapplying_people import apply_to_person
from videolib.catalogue.audit import AuditCheckpoint, AuditEvent
from videolib.catalogue.cases import Case
from videolib.catalogue.consent_ends import withdraw_consent
from videolib.catalogue.consents import CaseConsent
from videolib.catalogue.entries import Entry
from videolib.catalogue.ledger import ACTIONS_OF_PEOPLE, Line
from videolib.catalogue.narrations import Narration, hold_narrations, remove_narration
from videolib.catalogue.publishing import withdraw_entry
from videolib.catalogue.ranges import showing
from videolib.catalogue.second_sources import SecondSource, detach_recording
from videolib.errors import NotFound

# not an editor's own words: the ledger holds none
_AGAIN = "Taken away again after the library was restored."


@dataclass
class Reapplied:
    """How much of what was applied, and the lines that the rows did not know."""

    counts: Counter[str] = field(default_factory=Counter)
    digests: list[str] = field(default_factory=list)


def reapply(workshop: Workshop, lines: list[Line]) -> Reapplied:
    """Apply every line. May be repeated."""
    done = Reapplied()
    for line in lines:
        with workshop.database.reading() as session:
            is_known = _is_known(session, line)
        if line.action == "erase":
            done.counts["erase"] += _erase_again(workshop, line, is_known=is_known)
        elif line.action in _DEEDS and not (is_known and line.action != "withdraw_consent"):
            with workshop.database.writing() as session:
                done.counts[line.action] += _DEEDS[line.action](session, line)
        if not is_known:
            done.digests.append(line.digest)
    return done


def _is_known(session: Session, line: Line) -> bool:
    """Whether the rows were written after it."""
    digest = session.scalars(select(AuditEvent.digest).where(AuditEvent.sequence == line.sequence)).one_or_none()
    if digest == line.digest:
        return True
    pruned = session.scalars(select(AuditCheckpoint.before).order_by(AuditCheckpoint.sequence.desc()).limit(1)).first()
    if pruned is not None and line.at and datetime.fromisoformat(line.at) < pruned:
        return True
    restorations = session.scalars(select(AuditEvent).where(AuditEvent.action == "restore_backup"))
    return any(line.digest in event.detail.get("ledger", ()) for event in restorations)


def _erase_again(workshop: Workshop, line: Line, *, is_known: bool) -> int:
    if is_known:
        return 0
    try:
        erase(workshop, line.object_id)
    except NotFound:
        return 0  # it came after the backup
    return 1


def _withdraw_consent(session: Session, line: Line) -> int:
    consent, case = session.get(CaseConsent, line.part), session.get(Case, line.object_id)
    if consent is None or case is None or consent.withdrawn_at is not None:
        return 0
    withdraw_consent(session, case, consent.id, by=None)
    return 1


def _hide(session: Session, line: Line) -> int:
    """Take from sight the entry, or every entry of the recording, in which something was found."""
    which = Entry.id == line.object_id if line.object_kind == "entry" else showing([line.object_id])
    shown = session.scalars(select(Entry).where(which, Entry.status == "published")).all()
    for entry in shown:
        withdraw_entry(session, entry, _AGAIN, by=None)
    return len(shown) + _hide_beside(session, line)


def _hide_beside(session: Session, line: Line) -> int:
    """What was found in may be the second picture of other entries, or of this one."""
    entry = session.get(Entry, line.object_id) if line.object_kind == "entry" else None
    if entry is None:
        return detach_recording(session, line.object_id)
    if line.action == "withdraw":
        return 0
    hold_narrations(session, entry.id)
    second = session.get(SecondSource, entry.id)
    found = [*(entry.recording.sources if entry.recording else ()), *([second.recording] if second else ())]
    return sum(detach_recording(session, recording.id) for recording in found)


def _remove_narration(session: Session, line: Line) -> int:
    narration = session.get(Narration, line.object_id)
    if narration is None or narration.state in {"refused", "removed"}:
        return 0
    remove_narration(session, narration, by=None)
    return 1


_DEEDS: dict[str, Callable[[Session, Line], int]] = {
    "withdraw_consent": _withdraw_consent,
    "withdraw": _hide,
    "redact": _hide,
    "report_problem": _hide,
    "remove_narration": _remove_narration,
    "refuse_narration": _remove_narration,
    "disable": apply_to_person,
    **dict.fromkeys(ACTIONS_OF_PEOPLE, apply_to_person),
}
