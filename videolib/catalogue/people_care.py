"""What administrators do with people: add, change, bar and let in again; each an event of the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.groups import join_group, leave_group
from videolib.catalogue.login_names import set_login_names
from videolib.catalogue.people import ROLES, Membership, Role, User, add_user, disable_user, user_roles
from videolib.errors import Conflict, InvalidInput

State = Literal["", "active", "invited", "disabled"]
STATES: tuple[State, ...] = ("active", "invited", "disabled")


@dataclass(frozen=True)
class PersonValues:
    """What is written about a person in a form or a row of a table."""

    email: str
    display_name: str = ""
    staff_number: str = ""
    mobile: str = ""
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class PeopleQuery:
    """Whom to list; an empty member asks nothing."""

    text: str = ""
    role: str = ""
    group: str = ""
    state: State = ""


def invite_person(session: Session, values: PersonValues, *, by: User | None) -> User:
    """Add a person who has no password yet. Raises `InvalidInput`, `Conflict`, `NotFound` for an unknown group."""
    _require_roles(values.roles)
    person = add_user(session, values.email, None, list(values.roles), display_name=values.display_name.strip())
    set_login_names(session, person, values.staff_number, values.mobile)
    record_event(session, "add", "user", str(person.id), by=by, roles=sorted(values.roles))
    for group_id in values.groups:
        join_group(session, group_id, person, by=by)
    return person


def change_person(session: Session, person: User, values: PersonValues, *, by: User | None) -> bool:
    """Make a person what `values` says, but for the address; gives whether that changed anything.

    Raises `InvalidInput`, `NotFound` for an unknown group, `Conflict` for who would take away their own administration.
    """
    _require_roles(values.roles)
    roles = frozenset(values.roles)
    if by is not None and by.id == person.id and "admin" in person.role_names - roles:
        raise Conflict("Nobody takes this role from themselves; ask another administrator.", code="own_role")
    changed = {"login_names"} if set_login_names(session, person, values.staff_number, values.mobile) else set()
    if values.display_name.strip() != person.display_name:
        person.display_name = values.display_name.strip()
        changed.add("name")
    if changed:
        record_event(session, "change", "user", str(person.id), by=by, changed=sorted(changed))
    if roles != person.role_names:
        record_event(session, "permission", "user", str(person.id), by=by, roles=sorted(roles))
        person.roles = list(session.scalars(select(Role).where(Role.name.in_(roles)).order_by(Role.id)))
        changed.add("roles")
    before, wanted = person.group_ids, frozenset(values.groups)
    for group_id in sorted(wanted - before):
        join_group(session, group_id, person, by=by)
    for group_id in sorted(before - wanted):
        leave_group(session, group_id, person, by=by)
    session.flush()
    return bool(changed) or before != wanted


def bar_person(session: Session, person: User, *, by: User | None) -> None:
    """No login any more; every session and token ends now. Raises `Conflict` for oneself."""
    if by is not None and by.id == person.id:
        raise Conflict("Nobody bars themselves; ask another administrator.", code="own_account")
    if person.active:
        disable_user(session, person.email)
        record_event(session, "disable", "user", str(person.id), by=by)


def admit_person(session: Session, person: User, *, by: User | None) -> None:
    """Let somebody in again, with the password from before; tokens stay ended."""
    if not person.active:
        person.active = True
        record_event(session, "enable", "user", str(person.id), by=by)
        session.flush()


def list_people(session: Session, query: PeopleQuery, *, offset: int, limit: int) -> tuple[list[User], int]:
    """People by address, and how many there are in all."""
    where = and_(true(), *_conditions(query))
    total = session.scalars(select(func.count()).select_from(User).where(where)).one()
    rows = session.scalars(select(User).where(where).order_by(User.email).offset(offset).limit(limit))
    return list(rows), total


def _conditions(query: PeopleQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for word in query.text.split()[:5]:
        columns = (User.email, User.display_name, User.staff_number, User.mobile)
        found.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    if query.role:
        named = select(user_roles.c.user_id).join(Role, Role.id == user_roles.c.role_id).where(Role.name == query.role)
        found.append(User.id.in_(named))
    if query.group:
        found.append(User.id.in_(select(Membership.user_id).where(Membership.group_id == query.group)))
    if query.state:
        is_barred, is_invited = User.active.is_(False), User.password.is_(None)
        states = {
            "disabled": is_barred,
            "invited": and_(User.active, is_invited),
            "active": and_(User.active, User.password.is_not(None)),
        }
        found.append(states[query.state])
    return found


def _require_roles(roles: Sequence[str]) -> None:
    if not roles or set(roles) - set(ROLES):
        sentence = "Choose at least one role."
        raise InvalidInput(sentence, fields={"roles": sentence}, code="no_role")
