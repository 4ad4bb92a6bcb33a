"""The review desk: what a second person has to have seen and decided before a recording is signed off.

All findings of its screening, and some windows of ten seconds that nobody can foresee, for screening misses things too.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.quarantine import require_second
from videolib.catalogue.recordings import Recording
from videolib.catalogue.redactions import RedactionRow, is_covered, list_redactions, stored_redactions
from videolib.catalogue.screenings import Finding, find_screening, list_findings, require_under_review
from videolib.db import Base, utc_now
from videolib.errors import Conflict, InvalidInput

WINDOW_S = 10.0
# one window for so many seconds of recording, but within these numbers
WINDOW_FOR_EACH_S, LEAST_WINDOWS, MOST_WINDOWS = 300.0, 3, 12
# a window has been seen when this share of it was played
SEEN_SHARE = 0.9
# of a cine of a second a player notes less: it looks some times a second
BETWEEN_S = 0.35


class DeskLook(Base):
    """What one person has looked at of one recording: the windows to see, and what of the recording was played."""

    __tablename__ = "desk_looks"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    # starts and ends in seconds
    windows: Mapped[list[Any]] = mapped_column(default=list)
    played: Mapped[list[Any]] = mapped_column(default=list)
    begun_at: Mapped[datetime] = mapped_column(default=utc_now)


@dataclass(frozen=True)
class Progress:
    """How far a review is: `missing` are sentences by a stable code, empty when it can be signed off."""

    missing: dict[str, str]
    open_findings: int
    windows: tuple[tuple[float, float, bool], ...]


def begin_look(session: Session, recording: Recording, *, by: User) -> DeskLook:
    """This person's look at a recording, with windows drawn by lot at the first call."""
    look = session.get(DeskLook, (recording.id, by.id))
    if look is None:
        look = DeskLook(recording_id=recording.id, person_id=by.id, windows=_draw(length_s(session, recording)))
        session.add(look)
        session.flush()
    return look


def note_played(session: Session, recording: Recording, stretches: Sequence[Sequence[float]], *, by: User) -> DeskLook:
    """The person has played these stretches of the recording."""
    require_under_review(recording)
    look = begin_look(session, recording, by=by)
    if len(stretches) > 200:
        raise InvalidInput("Too many stretches at once.", fields={"played": "Send at most 200."})
    look.played = joined([*look.played, *([float(one[0]), float(one[1])] for one in stretches if one[1] > one[0])])
    session.flush()
    return look


def progress_of(session: Session, recording: Recording, *, by: User | None) -> Progress:
    """What this person still has to do before signing off."""
    missing: dict[str, str] = {}
    screening = find_screening(session, recording.id)
    findings = list_findings(session, screening.id) if screening else []
    rows = list_redactions(session, recording.id)
    if screening is None or screening.state == "running":
        missing["screening"] = "The recording is still being screened."
    elif screening.state == "failed":
        missing["screening"] = f"Screening failed: {screening.problem} Start it again."
    leaks = _leaks(session, recording)
    undecided = [one for one in [*findings, *leaks] if one.decision == "open"]
    if undecided:
        missing["findings"] = f"{len(undecided)} findings are not decided."
    if bare := _uncovered([*findings, *leaks], rows):
        missing["masks"] = f"{bare} accepted findings are not covered for all of their time."
    if _says_burned_in(recording) and not any(row.kind in {"mask", "crop", "cut"} for row in rows):
        missing["burned_in"] = "The recording says that its pictures name the patient: mask what does."
    windows = _windows(session, recording, by)
    if unseen := sum(not seen for _start, _end, seen in windows):
        missing["windows"] = f"{unseen} of {len(windows)} windows have not been watched."
    return Progress(missing, len(undecided), tuple(windows))


def require_signable(session: Session, recording: Recording, *, by: User) -> None:
    """Raise `NotAllowed` for all but a reviewer of its hospital, `Conflict` with what is missing."""
    require_second(recording, by=by)
    require_under_review(recording)
    missing = progress_of(session, recording, by=by).missing
    if missing:
        raise Conflict("The review is not complete. " + " ".join(missing.values()), code="review_incomplete")


def needs_rendering(session: Session, recording: Recording) -> bool:
    """Whether the package of a recording is not yet as its redactions say."""
    package = session.get(Package, recording.package_id) if recording.package_id else None
    rendered: list[dict[str, Any]] = package.redactions if package else []
    return rendered != stored_redactions(session, recording.id)


def note_signature(session: Session, recording: Recording, *, by: User) -> None:
    """Write down who has signed, with the digests of the pictures on which the decisions were made."""
    screening = find_screening(session, recording.id)
    findings = list_findings(session, screening.id) if screening else []
    recording.signed_off_by_id, recording.signed_off_at = by.id, utc_now()
    record_event(
        session,
        "review_signed",
        "recording",
        recording.id,
        by=by,
        screening=screening.id if screening else None,
        redactions=stored_redactions(session, recording.id),
        decisions=[{"finding": one.id, "decision": one.decision, "frame_sha256": one.frame_sha256} for one in findings],
    )
    session.flush()


def joined(stretches: Sequence[Sequence[float]]) -> list[list[float]]:
    """Stretches in order, those that touch made one."""
    found: list[list[float]] = []
    for start, end in sorted((float(one[0]), float(one[1])) for one in stretches):
        if found and start <= found[-1][1] + 0.25:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found


def _windows(session: Session, recording: Recording, by: User | None) -> list[tuple[float, float, bool]]:
    look = session.get(DeskLook, (recording.id, by.id)) if by else None
    if look is None:
        wanted = _draw(length_s(session, recording))
        return [(start, end, False) for start, end in wanted]
    return [(start, end, _is_seen(start, end, look.played)) for start, end in look.windows]


def _is_seen(start: float, end: float, played: Sequence[Sequence[float]]) -> bool:
    seen_s = sum(max(0.0, min(end, one[1]) - max(start, one[0])) for one in played)
    length_s = end - start
    return seen_s >= max(length_s / 2, min(SEEN_SHARE * length_s, length_s - BETWEEN_S))


def _draw(length_s: float) -> list[list[float]]:
    """Draw windows by lot, one from each equal part, so that they lie all over the recording."""
    if length_s <= LEAST_WINDOWS * WINDOW_S:
        return [[0.0, round(length_s, 3)]] if length_s > 0 else []
    count = max(LEAST_WINDOWS, min(MOST_WINDOWS, round(length_s / WINDOW_FOR_EACH_S)))
    part_s = length_s / count
    starts = (number * part_s + secrets.randbelow(1000) / 1000 * (part_s - WINDOW_S) for number in range(count))
    return [[round(start, 3), round(start + WINDOW_S, 3)] for start in starts]


def _leaks(session: Session, recording: Recording) -> list[Finding]:
    """What screening has found in the last output that was rendered."""
    if recording.package_id is None:
        return []
    screening = find_screening(session, recording.id, package_id=recording.package_id)
    return list_findings(session, screening.id) if screening else []


def _uncovered(findings: Sequence[Finding], rows: Sequence[RedactionRow]) -> int:
    return sum(one.decision == "accepted" and not is_covered(one, rows) for one in findings)


def _says_burned_in(recording: Recording) -> bool:
    dicom = (recording.source or {}).get("dicom") or {}
    return dicom.get("burned_in_annotation") == "yes"


def length_s(session: Session, recording: Recording) -> float:
    """How long a recording is, by its package where there is one."""
    package = session.get(Package, recording.package_id) if recording.package_id else None
    return float((package.duration_s if package else None) or (recording.source or {}).get("duration_s") or 0.0)
