"""Consents of patients to teaching: how far each goes and how long it holds.

A consent belongs to a case. Where a recording says whose case it shows, the case's consents are what the publish gate
asks; else the fields that the entry itself gives. What ends with a consent stands in `consent_ends`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.cases import Case
from videolib.catalogue.entry_structures import Consent as ConsentFields
from videolib.catalogue.people import User
from videolib.db import Base, new_id, utc_now
from videolib.errors import InvalidInput

SCOPES = ("institution", "programme", "public")
WARN_BEFORE = timedelta(days=30)


class CaseConsent(Base):
    """What a patient agreed to. Days are ISO texts; `evidence_sha256` is the digest of the signed paper's scan."""

    __tablename__ = "consents"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    scope: Mapped[str]
    obtained_on: Mapped[str]
    expires_on: Mapped[str | None]
    evidence_sha256: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    recorded_at: Mapped[datetime] = mapped_column(default=utc_now)

    def is_active(self, today: date) -> bool:
        """Whether it holds on that day."""
        day = today.isoformat()
        return self.withdrawn_at is None and self.obtained_on <= day <= (self.expires_on or "9999")


def add_consent(session: Session, case: Case, given: Mapping[str, Any], *, by: User | None) -> CaseConsent:
    """Write a consent down: scope, obtained_on, expires_on, evidence_sha256. Raises `InvalidInput`."""
    fields = _checked(given)
    number = by.id if by else None
    consent = CaseConsent(case_id=case.id, recorded_by_id=number, **fields)
    session.add(consent)
    session.flush()
    record_event(session, "consent", "case", case.id, by=by, consent=consent.id, **fields)
    return consent


def consent_fields(session: Session, case_ids: Iterable[str | None], today: date) -> dict[str, dict[str, Any]]:
    """By case, what the gate is to ask, in the fields of an entry's consent: the widest that holds, else why none."""
    wanted = {case_id for case_id in case_ids if case_id}
    if not wanted:
        return {}
    found: dict[str, list[CaseConsent]] = {case_id: [] for case_id in wanted}
    for consent in session.scalars(select(CaseConsent).where(CaseConsent.case_id.in_(wanted))):
        found[consent.case_id].append(consent)
    return {case_id: _as_fields(consents, today) for case_id, consents in found.items()}


def list_expiring(session: Session, hospital_ids: Iterable[str], today: date) -> list[CaseConsent]:
    """Consents of these hospitals that end within 30 days, the next first."""
    last = (today + WARN_BEFORE).isoformat()
    statement = (
        select(CaseConsent)
        .join(Case, Case.id == CaseConsent.case_id)
        .where(Case.hospital_id.in_(list(hospital_ids)), CaseConsent.withdrawn_at.is_(None))
        .where(CaseConsent.expires_on >= today.isoformat(), CaseConsent.expires_on <= last)
    )
    return list(session.scalars(statement.order_by(CaseConsent.expires_on)))


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    problems = {}
    if given.get("scope") not in SCOPES:
        problems["scope"] = "Say how far it goes: institution, programme or public."
    days = {name: str(given.get(name) or "") for name in ("obtained_on", "expires_on")}
    for name, text in days.items():
        if (text or name == "obtained_on") and not _is_day(text):
            problems[name] = "Write the day as 2026-01-31."
    digest = str(given.get("evidence_sha256") or "").lower()
    if digest and (len(digest) != 64 or not set(digest) <= set("0123456789abcdef")):
        problems["evidence_sha256"] = "The digest of the evidence is a SHA-256: 64 characters."
    if problems:
        raise InvalidInput(" ".join(problems.values()), fields=problems, code="consent_invalid")
    return {
        "scope": given["scope"],
        "obtained_on": days["obtained_on"],
        "expires_on": days["expires_on"] or None,
        "evidence_sha256": digest or None,
    }


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _as_fields(consents: list[CaseConsent], today: date) -> dict[str, Any]:
    active = sorted((one for one in consents if one.is_active(today)), key=lambda one: SCOPES.index(one.scope))
    chosen = active[-1] if active else max(consents, key=lambda one: one.recorded_at, default=None)
    if chosen is None:
        return {}
    fields = ConsentFields(
        id=chosen.id,
        scope=chosen.scope,
        obtained_on=chosen.obtained_on,
        expires_on=chosen.expires_on,
        withdrawn_on=chosen.withdrawn_at.date() if chosen.withdrawn_at else None,
        evidence_hash=chosen.evidence_sha256,
    )
    return fields.plain()
