"""What viewers report about a recording: something private in it, or a mistake; editors see it and answer for it.

What may be private is hidden at once, before anybody has looked: see `holding`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, case, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry
from videolib.catalogue.holding import hold
from videolib.catalogue.media_time import LONGEST_S
from videolib.catalogue.people import User
from videolib.db import Base, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

KINDS = ("privacy", "error", "other")
LONGEST_TEXT = 2000


class ProblemReport(Base):
    """One report; open until an editor says what was done."""

    __tablename__ = "problem_reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    kind: Mapped[str]
    at_ms: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    done_at: Mapped[datetime | None] = mapped_column(index=True)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    answer: Mapped[str] = mapped_column(default="")

    entry: Mapped[Entry] = relationship(lazy="joined")


def report_problem(session: Session, entry: Entry, kind: str, at_s: float, text: str, *, by: User) -> ProblemReport:
    """Tell the editors; what may be private is hidden from everybody at once. Raises `InvalidInput`."""
    text = text.strip()
    problems = {}
    if kind not in KINDS:
        problems["kind"] = "Choose what kind of problem it is."
    # a name that stands in the picture is found by its time; everything else has to be said
    if (not text and kind != "privacy") or len(text) > LONGEST_TEXT:
        problems["text"] = "Say in a few words what is wrong (at most 2000 characters)."
    if not 0 <= at_s <= LONGEST_S:
        problems["at"] = "Write a time in the recording, for example 1:15.5."
    if problems:
        raise InvalidInput(" ".join(problems.values()), fields=problems, code="report_invalid")
    report = ProblemReport(entry_id=entry.id, by_id=by.id, kind=kind, at_ms=round(at_s * 1000), text=text)
    session.add(report)
    session.flush()
    record_event(session, "report_problem", "entry", entry.id, by=by, about=kind, report=report.id)
    if kind == "privacy":
        hold(session, entry, at_s, by=by)
    return report


def settle_report(session: Session, report_id: int, answer: str, *, by: User) -> ProblemReport:
    """An editor has seen to it. Raises `NotFound`, `Conflict`, `InvalidInput`."""
    report = session.get(ProblemReport, report_id) if 0 < report_id < 2**31 else None
    if report is None:
        raise NotFound("There is no such report.", code="report_not_found")
    if report.done_at is not None:
        raise Conflict("Somebody has seen to this report already.", code="report_done")
    if not answer.strip() or len(answer) > LONGEST_TEXT:
        sentence = "Say in a few words what was done (at most 2000 characters)."
        raise InvalidInput(sentence, fields={"answer": sentence}, code="report_invalid")
    report.answer, report.done_at, report.done_by_id = answer.strip(), utc_now(), by.id
    session.flush()
    record_event(session, "settle_report", "entry", report.entry_id, by=by, report=report.id)
    return report


def list_reports(session: Session, *, limit: int = 200) -> list[ProblemReport]:
    """Open ones first, of these what may be private before all; then the newest."""
    order = (
        ProblemReport.done_at.is_not(None),
        case((ProblemReport.kind == "privacy", 0), else_=1),
        ProblemReport.created_at.desc(),
        ProblemReport.id.desc(),
    )
    return list(session.scalars(select(ProblemReport).order_by(*order).limit(limit)))


def list_reports_of(session: Session, *, by: User, limit: int = 100) -> list[ProblemReport]:
    """What this person has reported, newest first."""
    own = select(ProblemReport).where(ProblemReport.by_id == by.id).order_by(ProblemReport.id.desc()).limit(limit)
    return list(session.scalars(own))


def count_open(session: Session) -> int:
    """How many wait for an editor."""
    open_ones = select(func.count()).select_from(ProblemReport).where(ProblemReport.done_at.is_(None))
    return session.scalars(open_ones).one()
