"""Grants per hospital beside the roles: a reviewer looks at quarantined recordings, a privacy officer at consents.

The first privacy officer of a hospital is made on the host (`by=None`); from then on privacy officers of that hospital
grant both. Nobody grants anything to himself, and no role, not even administrator, includes either.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.groups import get_group
from videolib.catalogue.people import Grant, User
from videolib.errors import InvalidInput, NotAllowed

GrantName = Literal["reviewer", "privacy_officer"]
GRANTS: tuple[GrantName, ...] = ("reviewer", "privacy_officer")


def give_grant(session: Session, person: User, name: str, hospital_id: str, *, by: User | None) -> None:
    """Let that person be `name` of that hospital. Raises `InvalidInput`, `NotFound`, `NotAllowed`."""
    _require(session, person, name, hospital_id, by=by)
    if session.get(Grant, (person.id, hospital_id, name)) is None:
        number = by.id if by else None
        session.add(Grant(user_id=person.id, hospital_id=hospital_id, name=name, granted_by_id=number))
        record_event(session, "grant", "user", str(person.id), by=by, grant=name, hospital=hospital_id)
        session.flush()


def take_grant(session: Session, person: User, name: str, hospital_id: str, *, by: User | None) -> None:
    """Take it away again; one's own may be laid down. Raises `InvalidInput`, `NotFound`, `NotAllowed`."""
    if by is None or by.id != person.id:
        _require(session, person, name, hospital_id, by=by)
    found = session.get(Grant, (person.id, hospital_id, name))
    if found is not None:
        session.delete(found)
        record_event(session, "revoke", "user", str(person.id), by=by, grant=name, hospital=hospital_id)
        session.flush()


def list_grants(session: Session, hospital_id: str) -> list[Grant]:
    """Who may what for that hospital."""
    return list(session.scalars(select(Grant).where(Grant.hospital_id == hospital_id).order_by(Grant.user_id)))


def require_no_guard(person: User, *, by: User | None) -> None:
    """Who may log in as somebody else holds that person's grants, too: only the host may, or their privacy officer.

    Raises `NotAllowed`.
    """
    guarded = {grant.hospital_id for grant in person.grants}
    if by is not None and guarded and not guarded <= by.hospitals_as("privacy_officer"):
        raise NotAllowed(
            "This person reviews or guards privacy: only the command line on the host does this for them.",
            code="guarded_person",
        )


def _require(session: Session, person: User, name: str, hospital_id: str, *, by: User | None) -> None:
    if name not in GRANTS:
        sentence = "A grant is reviewer or privacy_officer."
        raise InvalidInput(sentence, fields={"name": sentence})
    get_group(session, hospital_id, "hospital")
    if by is None:
        return
    if by.id == person.id:
        raise NotAllowed("Nobody grants this to himself; ask a privacy officer of the hospital.", code="own_grant")
    if not by.active or hospital_id not in by.hospitals_as("privacy_officer"):
        raise NotAllowed("Only a privacy officer of that hospital grants this.", code="not_privacy_officer")
