"""What the ledger says of people, applied to restored rows: what let in before the backup lets in no more.

The ledger knows no new password and no new key, only that the old one is over: its person gets a link to come back by.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from videolib.catalogue.ledger import Line
from videolib.catalogue.passkeys import Passkey
from videolib.catalogue.people import ApiToken, Grant, Membership, Role, User, disable_user
from videolib.catalogue.second_factors import RecoveryCode, TotpSecret, has_second_factor
from videolib.db import utc_now


def apply_to_person(session: Session, line: Line) -> int:
    """Apply one line; gives how much it changed."""
    person = session.get(User, int(line.object_id)) if line.object_id.isdigit() else None
    if person is None:
        return 0  # came after the backup
    kind, _, value = line.part.partition(":")
    deed = _DEEDS.get((line.action, kind if line.action in _BY_PART else ""))
    changed = deed(session, person, value, line) if deed is not None else 0
    session.flush()
    session.expire(person)
    return int(changed)


def _disable(session: Session, person: User, _value: str, _line: Line) -> bool:
    if person.active:
        disable_user(session, person.email)
        return True
    return False


def _enable(_session: Session, person: User, _value: str, line: Line) -> bool:
    if person.active or not line.is_signed:  # nobody is let in by what somebody else has written
        return False
    person.active = True
    return True


def _forget_password(_session: Session, person: User, _value: str, _line: Line) -> bool:
    was_set, person.password = person.password is not None, None
    return was_set


def _set_roles(session: Session, person: User, value: str, line: Line) -> bool:
    wanted, before = set(value.split(",")), person.role_names
    if not line.is_signed:
        wanted &= before
    if wanted == before:
        return False
    person.roles = list(session.scalars(select(Role).where(Role.name.in_(wanted)).order_by(Role.id)))
    return True


def _leave(session: Session, person: User, value: str, _line: Line) -> bool:
    mine = (Membership.user_id == person.id, Membership.group_id == value)
    return bool(session.execute(delete(Membership).where(*mine).returning(Membership.user_id)).all())


def _take_grant(session: Session, person: User, value: str, _line: Line) -> bool:
    name, _, hospital_id = value.partition(":")
    mine = (Grant.user_id == person.id, Grant.name == name, Grant.hospital_id == hospital_id)
    return bool(session.execute(delete(Grant).where(*mine).returning(Grant.user_id)).all())


def _revoke_token(session: Session, person: User, value: str, _line: Line) -> bool:
    mine = (ApiToken.user_id == person.id, ApiToken.digest == value, ApiToken.revoked_at.is_(None))
    ended = update(ApiToken).where(*mine).values(revoked_at=utc_now())
    return bool(session.execute(ended.returning(ApiToken.id)).all())


def _drop(*tables: type[TotpSecret | Passkey | RecoveryCode]) -> _Deed:
    """Second steps that are over. A password alone does not do instead: the ledger may not know the step of today."""

    def deed(session: Session, person: User, value: str, _line: Line) -> bool:
        had, count = has_second_factor(session, person), 0
        for table in tables:
            doomed = delete(table).where(table.user_id == person.id)
            if value:
                doomed = doomed.where(Passkey.id == value)
            count += len(session.execute(doomed.returning(table.user_id)).all())
        if had and not has_second_factor(session, person):
            person.password = None
        return bool(count)

    return deed


_Deed = Callable[[Session, User, str, Line], bool]
# by action, and where that says too little by the first word of the line's part
_BY_PART = frozenset({"permission", "revoke", "second_factor"})
_DEEDS: dict[tuple[str, str], _Deed] = {
    ("disable", ""): _disable,
    ("enable", ""): _enable,
    ("password", ""): _forget_password,
    ("permission", "roles"): _set_roles,
    ("permission", "group"): _leave,
    ("revoke", "grant"): _take_grant,
    ("revoke", "token"): _revoke_token,
    ("second_factor", "codes"): _drop(TotpSecret),
    ("second_factor", "passkey"): _drop(Passkey),
    ("second_factor", "all"): _drop(TotpSecret, Passkey, RecoveryCode),
    ("second_factor", "recovery"): _drop(RecoveryCode),
}
