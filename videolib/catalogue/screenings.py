"""What was found in a recording that may identify its patient: one screening a recording, and one of each output of it.

A finding says when, where and by which rule, and has a picture in the restricted store. What was read is not kept: not
the text, not a value of a header, no digest of either.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue import jobs
from videolib.catalogue.audit import record_event
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

# raised when rules, samples or models change: what an older one screened is screened again
RULES_VERSION = 2
# what a person can decide about a finding; open ones keep the recording from being signed off
DECISIONS = ("open", "accepted", "dismissed")
# findings of one rule in one place that are so far apart are one
JOIN_WITHIN_S = {"picture": 10.0, "sound": 1.0, "room": 6.0}


class Screening(Base):
    """One look through a recording (`package_id` None), or through a package that was rendered with redactions."""

    __tablename__ = "screenings"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), index=True)
    package_id: Mapped[str | None] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(default="running")  # running, done, failed
    rules_version: Mapped[int] = mapped_column(default=RULES_VERSION)
    duration_s: Mapped[float | None]
    # all before this second has been looked through, and its findings are in their rows
    done_until_s: Mapped[float] = mapped_column(default=0.0)
    # counts and standard names only: which parts were looked at, which attributes of the profile were there
    notes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    problem: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]


class Finding(Base):
    """Something that may identify a patient. `box` is x, y, width, height in shares of the picture."""

    __tablename__ = "findings"

    id: Mapped[int] = mapped_column(primary_key=True)
    screening_id: Mapped[str] = mapped_column(ForeignKey("screenings.id", ondelete="CASCADE"))
    # picture, header, container, file_name, text, sound, room
    source: Mapped[str]
    rule: Mapped[str]
    start_s: Mapped[float | None]
    end_s: Mapped[float | None]
    box: Mapped[list[Any] | None]
    confidence: Mapped[float]
    risk: Mapped[float]
    # in the restricted store beside the originals
    picture_key: Mapped[str | None]
    # of the picture that the decision was made on
    frame_sha256: Mapped[str | None]
    decision: Mapped[str] = mapped_column(default="open")
    reason: Mapped[str | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_findings_screening", "screening_id", "risk"),)


@dataclass(frozen=True)
class Found:
    """A finding before it has a row."""

    source: str
    rule: str
    confidence: float
    risk: float
    start_s: float | None = None
    end_s: float | None = None
    box: tuple[float, float, float, float] | None = None
    picture_key: str | None = None
    frame_sha256: str | None = None
    decision: str = "open"


def begin_screening(session: Session, recording: Recording, *, package_id: str | None = None) -> Screening:
    """The screening of a recording (or of an output of it) that goes on, else a new one; its job is queued."""
    found = find_screening(session, recording.id, package_id=package_id)
    if found is not None and found.state != "failed" and found.rules_version == RULES_VERSION:
        return found
    screening = Screening(recording_id=recording.id, package_id=package_id)
    session.add(screening)
    session.flush()
    job = jobs.enqueue(session, "screen", recording.id, priority=jobs.BESIDE_PRIORITY, screening_id=screening.id)
    job.package_id = package_id
    return screening


def find_screening(session: Session, recording_id: str, *, package_id: str | None = None) -> Screening | None:
    """The newest screening of a recording, or of one of its packages."""
    mine = (Screening.recording_id == recording_id) & Screening.package_id.is_not_distinct_from(package_id)
    newest = select(Screening).where(mine).order_by(Screening.started_at.desc(), Screening.id).limit(1)
    return session.scalars(newest).first()


def keep_progress(session: Session, screening: Screening, until_s: float, found: Collection[Found]) -> None:
    """A stretch has been looked through: its findings are kept, and it is not looked at again.

    To be called in a unit of work that also holds the job's lease, so that of two workers one counts.
    """
    row = session.get_one(Screening, screening.id)
    row.done_until_s = max(row.done_until_s, until_s)
    for one in found:
        if not _extends(session, row, one):
            session.add(_row_of(row.id, one))
    session.flush()


def finish_screening(session: Session, screening: Screening, *, notes: dict[str, Any]) -> Screening:
    """All of it has been looked through."""
    row = session.get_one(Screening, screening.id)
    row.state, row.finished_at, row.notes = "done", utc_now(), {**row.notes, **notes}
    session.flush()
    return row


def fail_screening(session: Session, screening_id: str, problem: str) -> None:
    """It could not be looked through: nothing is signed off until it has been."""
    row = session.get(Screening, screening_id)
    if row is not None and row.state == "running":
        row.state, row.problem, row.finished_at = "failed", problem, utc_now()
        session.flush()


def list_findings(session: Session, screening_id: str) -> list[Finding]:
    """The findings of a screening, the most urgent first."""
    mine = select(Finding).where(Finding.screening_id == screening_id)
    return list(session.scalars(mine.order_by(Finding.risk.desc(), Finding.start_s, Finding.id)))


def count_open(session: Session, screening_id: str) -> int:
    """How many findings nobody has decided about."""
    mine = (Finding.screening_id == screening_id) & (Finding.decision == "open")
    return session.scalars(select(func.count()).where(mine)).one()


def get_finding(session: Session, recording_id: str, finding_id: int) -> Finding:
    """A finding of that recording. Raises `NotFound`."""
    finding = session.get(Finding, finding_id)
    screening = session.get(Screening, finding.screening_id) if finding else None
    if finding is None or screening is None or screening.recording_id != recording_id:
        raise NotFound("There is no such finding.", code="finding_not_found")
    return finding


def decide(
    session: Session, recording: Recording, finding: Finding, decision: str, reason: str, *, by: User
) -> Finding:
    """A person has looked at a finding: it identifies somebody (accepted), or not (dismissed, with a reason), or again.

    Raises `InvalidInput`, `Conflict` where the recording is not being reviewed.
    """
    require_under_review(recording)
    if decision not in DECISIONS:
        raise InvalidInput("A finding is accepted or dismissed.", fields={"decision": "Accept or dismiss the finding."})
    if decision == "dismissed" and not reason.strip():
        sentence = "Say why it identifies nobody."
        raise InvalidInput(sentence, fields={"reason": sentence})
    finding.decision, finding.reason = decision, reason.strip()[:500] or None
    finding.decided_by_id, finding.decided_at = by.id, utc_now()
    record_event(
        session,
        "screening_decision",
        "recording",
        recording.id,
        by=by,
        finding=finding.id,
        rule=finding.rule,
        decision=decision,
        frame_sha256=finding.frame_sha256,
    )
    session.flush()
    return finding


def require_under_review(recording: Recording) -> None:
    """Raise `Conflict` unless the recording waits for its reviewer."""
    if recording.state != "awaiting_review":
        raise Conflict("The recording is not waiting for a review.", code="wrong_state")


def forget_pictures(session: Session, screening_ids: Collection[str]) -> None:
    """The pictures of these screenings' findings are gone from the store."""
    mine = Finding.screening_id.in_(screening_ids)
    session.execute(update(Finding).where(mine).values(picture_key=None))


def supersede(session: Session, recording_id: str) -> None:
    """The recording will show other pictures than those that were screened: it is screened anew."""
    mine = (Screening.recording_id == recording_id) & Screening.package_id.is_(None)
    session.execute(update(Screening).where(mine).values(rules_version=0))


def list_unscreened(session: Session) -> list[Recording]:
    """Recordings that wait for a review and were never screened by these rules: those of before an upgrade, too."""
    screened = select(Screening.id).where(
        Screening.recording_id == Recording.id,
        Screening.package_id.is_(None),
        Screening.rules_version == RULES_VERSION,
    )
    waiting = select(Recording).where(Recording.state == "awaiting_review", ~screened.exists())
    return list(session.scalars(waiting.order_by(Recording.id)))


def _extends(session: Session, screening: Screening, found: Found) -> bool:
    """Make an earlier finding longer where this one goes on with it over the edge of a stretch."""
    within_s = JOIN_WITHIN_S.get(found.source)
    if found.start_s is None or found.end_s is None or within_s is None:
        return False
    same = (Finding.screening_id == screening.id) & (Finding.rule == found.rule) & (Finding.source == found.source)
    near = (Finding.end_s >= found.start_s - within_s) & (Finding.start_s <= found.end_s + within_s)
    for row in session.scalars(select(Finding).where(same, near).order_by(Finding.id)):
        if row.start_s is not None and _overlaps(row.box, found.box):
            row.end_s = max(row.end_s or 0.0, found.end_s)
            row.start_s = min(row.start_s, found.start_s)
            row.confidence, row.risk = max(row.confidence, found.confidence), max(row.risk, found.risk)
            return True
    return False


def _overlaps(one: Sequence[float] | None, other: Sequence[float] | None) -> bool:
    if one is None or other is None:
        return one is other
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height) > 0.3 * max(1e-9, min(one[2] * one[3], other[2] * other[3]))


def _row_of(screening_id: str, found: Found) -> Finding:
    return Finding(
        screening_id=screening_id,
        source=found.source,
        rule=found.rule,
        start_s=found.start_s,
        end_s=found.end_s,
        box=list(found.box) if found.box else None,
        confidence=round(found.confidence, 3),
        risk=round(found.risk, 2),
        picture_key=found.picture_key,
        frame_sha256=found.frame_sha256,
        decision=found.decision,
    )
