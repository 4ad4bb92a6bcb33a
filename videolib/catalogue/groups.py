"""Hospitals and programmes: who belongs to which; audiences name them, grants and recordings belong to a hospital."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from sqlalchemy import BigInteger, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.people import Membership, User
from videolib.catalogue.vocabulary import list_terms
from videolib.db import Base
from videolib.errors import Conflict, InvalidInput, NotFound

Kind = Literal["hospital", "programme"]
KINDS: tuple[Kind, ...] = ("hospital", "programme")
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_KIND_OF_AUDIENCE: dict[str, Kind] = {"institution": "hospital", "programme": "programme"}


class Group(Base):
    """A hospital or a programme."""

    __tablename__ = "groups"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[dict[str, str]] = mapped_column(default=dict)
    # terms of `hospital_tier` and `region_cn`
    tier: Mapped[str | None]
    region: Mapped[str | None]
    # how much a hospital's recordings may take up together; None: as much as there is room for. See `storage_use`
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)


def add_group(session: Session, group_id: str, kind: Kind, name: dict[str, str], *, by: User | None) -> Group:
    """Add one. Raises `InvalidInput`, `Conflict`."""
    if not _ID.fullmatch(group_id):
        sentence = "An id has small letters, digits, dots and hyphens, for example hospital.first."
        raise InvalidInput(sentence, fields={"id": sentence})
    if kind not in KINDS:
        sentence = "It is a hospital or a programme."
        raise InvalidInput(sentence, fields={"kind": sentence})
    if session.get(Group, group_id) is not None:
        raise Conflict("There is already a hospital or programme of this id.", code="group_exists")
    group = Group(id=group_id, kind=kind, name={lang: text.strip() for lang, text in name.items() if text.strip()})
    session.add(group)
    record_event(session, "add", "group", group_id, by=by, is_a=kind)
    session.flush()
    return group


def change_group(
    session: Session, group: Group, name: dict[str, str], facts: dict[str, str], *, by: User | None
) -> bool:
    """Change names, tier and region; gives whether that changed anything. Raises `InvalidInput` for no such term."""
    wanted: dict[str, str | None] = {}
    for field, scheme in (("tier", "hospital_tier"), ("region", "region_cn")):
        wanted[field] = facts.get(field) or None
        if wanted[field] and wanted[field] not in {term.id for term in list_terms(session, scheme)}:
            sentence = "One of the chosen terms is not in its list; choose again."
            raise InvalidInput(sentence, fields={field: sentence}, code="unknown_term")
    names = {lang: text.strip() for lang, text in name.items() if text.strip()}
    if (group.name, group.tier, group.region) == (names, wanted["tier"], wanted["region"]):
        return False
    group.name, group.tier, group.region = names, wanted["tier"], wanted["region"]
    record_event(session, "change", "group", group.id, by=by, tier=group.tier, region=group.region)
    session.flush()
    return True


def count_members(session: Session) -> dict[str, int]:
    """How many belong to each, by id."""
    counted = select(Membership.group_id, func.count()).group_by(Membership.group_id)
    return {str(group_id): int(count) for group_id, count in session.execute(counted)}


def get_group(session: Session, group_id: str, kind: Kind | None = None) -> Group:
    """That hospital or programme. Raises `NotFound`."""
    group = session.get(Group, group_id)
    if group is None or (kind is not None and group.kind != kind):
        raise NotFound("There is no hospital or programme of this id.", code="group_not_found")
    return group


def list_groups(session: Session, kind: Kind | None = None) -> list[Group]:
    """All of them, or of one kind, by id."""
    statement = select(Group).order_by(Group.id)
    return list(session.scalars(statement if kind is None else statement.where(Group.kind == kind)))


def find_home_hospital(session: Session, person: User | None) -> str | None:
    """The hospital of what this person uploads: their only one; where they have none, the library's only one.

    None where there are several: then somebody has to say which.
    """
    hospitals = select(Group.id).where(Group.kind == "hospital").limit(2)
    joined = select(Membership.group_id).where(Membership.user_id == (person.id if person else None))
    found = list(session.scalars(hospitals.where(Group.id.in_(joined)))) or list(session.scalars(hospitals))
    return found[0] if len(found) == 1 else None


def list_members(session: Session, group_id: str) -> list[User]:
    """Who belongs to it, by address."""
    members = select(User).join(Membership, Membership.user_id == User.id).where(Membership.group_id == group_id)
    return list(session.scalars(members.order_by(User.email)))


def join_group(session: Session, group_id: str, person: User, *, by: User | None) -> None:
    """Let somebody belong to it; nothing happens to whom already does."""
    group = get_group(session, group_id)
    if session.get(Membership, (person.id, group.id)) is None:
        session.add(Membership(user_id=person.id, group_id=group.id))
        record_event(session, "permission", "user", str(person.id), by=by, joined=group.id)
        session.flush()


def leave_group(session: Session, group_id: str, person: User, *, by: User | None) -> None:
    """Somebody does not belong to it any more."""
    found = session.get(Membership, (person.id, group_id))
    if found is not None:
        session.delete(found)
        record_event(session, "permission", "user", str(person.id), by=by, left=group_id)
        session.flush()


def find_tokens(session: Session, audience: str, names: Iterable[str]) -> list[str]:
    """Whom a narrow audience names, as tokens that a person's are compared with; none for a wide one.

    Groups are named by id or by label in any language, people by address. Raises `InvalidInput` for an unknown name.
    """
    if audience not in {*_KIND_OF_AUDIENCE, "people"}:
        return []
    wanted = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    known = _people(session, wanted) if audience == "people" else _groups(session, _KIND_OF_AUDIENCE[audience])
    if unknown := [name for name in wanted if name.casefold() not in known]:
        sentence = f"Nobody here is called so: {', '.join(unknown[:5])}."
        raise InvalidInput(sentence, fields={"sharing.names": sentence}, code="unknown_audience")
    return sorted({known[name.casefold()] for name in wanted})


def _people(session: Session, addresses: list[str]) -> dict[str, str]:
    lowered = [address.lower() for address in addresses]
    rows = session.execute(select(User.email, User.id).where(func.lower(User.email).in_(lowered)))
    return {str(email).casefold(): f"person:{number}" for email, number in rows}


def _groups(session: Session, kind: Kind) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in list_groups(session, kind):
        found |= {name.casefold(): f"group:{group.id}" for name in (group.id, *group.name.values())}
    return found
