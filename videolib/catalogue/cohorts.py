"""Cohorts: named groups of trainees, kept by instructors, to whom playlists are assigned as to people.

All instructors see and keep all cohorts. A cohort gives nobody access to anything: what its members may see is asked of
each of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.people import User, find_user
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

LONGEST_NAME = 120
MOST_MEMBERS = 1000


class Cohort(Base):
    """A group of people who learn together."""

    __tablename__ = "cohorts"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class CohortMember(Base):
    """A person learns in a cohort. `joined_at`: None for who did before this was written down."""

    __tablename__ = "cohort_members"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    joined_at: Mapped[datetime | None] = mapped_column(default=utc_now)


def add_cohort(session: Session, name: str, *, by: User | None) -> Cohort:
    """Add one without members. Raises `InvalidInput`, `Conflict`."""
    cohort = Cohort(name=_free_name(session, name), created_by_id=by.id if by else None)
    session.add(cohort)
    session.flush()
    record_event(session, "add", "cohort", cohort.id, by=by)
    return cohort


def rename_cohort(session: Session, cohort: Cohort, name: str, *, by: User | None) -> None:
    """Call it something else. Raises `InvalidInput`, `Conflict`."""
    if name.strip() != cohort.name:
        cohort.name = _free_name(session, name)
        session.flush()
        record_event(session, "update", "cohort", cohort.id, by=by)


def delete_cohort(session: Session, cohort: Cohort, *, by: User | None) -> None:
    """Take it away, and with it what was assigned to it; its people stay."""
    record_event(session, "delete", "cohort", cohort.id, by=by)
    session.delete(cohort)
    session.flush()


def add_members(session: Session, cohort: Cohort, addresses: Iterable[str], *, by: User | None) -> list[User]:
    """Let people learn in it, by address; who does already stays. Raises `InvalidInput` for unknown addresses."""
    people = find_people(session, addresses)
    present = {person.id for person in list_members(session, cohort.id)}
    added = [person for person in people if person.id not in present]
    if len(present) + len(added) > MOST_MEMBERS:
        sentence = "A cohort has at most 1000 people."
        raise InvalidInput(sentence, fields={"people": sentence})
    for person in added:
        session.add(CohortMember(cohort_id=cohort.id, user_id=person.id))
        record_event(session, "permission", "user", str(person.id), by=by, joined_cohort=cohort.id)
    session.flush()
    return added


def remove_member(session: Session, cohort: Cohort, person: User, *, by: User | None) -> None:
    """Somebody does not learn in it any more."""
    found = session.get(CohortMember, (cohort.id, person.id))
    if found is not None:
        session.delete(found)
        session.flush()
        record_event(session, "permission", "user", str(person.id), by=by, left_cohort=cohort.id)


def get_cohort(session: Session, cohort_id: str) -> Cohort:
    """That cohort. Raises `NotFound`."""
    cohort = session.get(Cohort, cohort_id)
    if cohort is None:
        raise NotFound("There is no such cohort.", code="cohort_not_found")
    return cohort


def find_cohort(session: Session, name: str) -> Cohort | None:
    """The cohort of that name or id."""
    wanted = name.strip()
    return session.scalars(select(Cohort).where((Cohort.name == wanted) | (Cohort.id == wanted))).first()


def list_cohorts(session: Session) -> list[tuple[Cohort, int]]:
    """All of them by name, each with the number of its people."""
    counted = (
        select(Cohort, func.count(CohortMember.user_id))
        .outerjoin(CohortMember, CohortMember.cohort_id == Cohort.id)
        .group_by(Cohort.id)
        .order_by(Cohort.name)
    )
    return [(row[0], int(row[1])) for row in session.execute(counted)]


def list_members(session: Session, cohort_id: str) -> list[User]:
    """Who learns in it, by address."""
    members = select(User).join(CohortMember, CohortMember.user_id == User.id)
    return list(session.scalars(members.where(CohortMember.cohort_id == cohort_id).order_by(User.email)))


def cohort_ids_of(session: Session, person: User) -> frozenset[str]:
    """The cohorts in which this person learns."""
    return frozenset(session.scalars(select(CohortMember.cohort_id).where(CohortMember.user_id == person.id)))


def find_people(session: Session, addresses: Iterable[str]) -> list[User]:
    """The people with these addresses, each once. Raises `InvalidInput` naming those whom nobody knows."""
    wanted = list(dict.fromkeys(address.strip().lower() for address in addresses if address.strip()))
    found = [(address, find_user(session, address)) for address in wanted]
    if unknown := [address for address, person in found if person is None]:
        sentence = f"Nobody here has this address: {', '.join(unknown[:5])}."
        raise InvalidInput(sentence, fields={"people": sentence}, code="unknown_people")
    return [person for _, person in found if person is not None]


def _free_name(session: Session, name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        sentence = "A cohort needs a name of at most 120 characters."
        raise InvalidInput(sentence, fields={"name": sentence})
    if session.scalars(select(Cohort.id).where(Cohort.name == name)).first() is not None:
        raise Conflict("There is already a cohort of this name.", code="cohort_exists")
    return name
