"""People, their roles and the tokens their programs use."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Integer, Table, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.db import Base, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

ROLES = {
    "trainee": "watches, makes notes, is assigned playlists",
    "editor": "uploads, describes and publishes recordings",
    "instructor": "builds playlists and follows trainees",
    "admin": "manages people, vocabulary and the service",
}
TOKEN_PREFIX = "vl_"  # noqa: S105 - what tokens start with, so that scanners find leaked ones

user_roles = Table(
    "user_roles",
    Base.metadata,
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", Integer, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Base):
    """One of `ROLES`."""

    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="")


class Membership(Base):
    """A person belongs to a hospital, or takes part in a programme."""

    __tablename__ = "group_members"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True)


class Grant(Base):
    """What a person may do for one hospital beside the roles: `reviewer` or `privacy_officer`; see `grants`."""

    __tablename__ = "grants"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    hospital_id: Mapped[str] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    granted_at: Mapped[datetime] = mapped_column(default=utc_now)


class User(Base):
    """A person who may log in. `fs_uniquifier` changes when all sessions are to end."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    # kept in lower case
    email: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str] = mapped_column(default="")
    password: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(unique=True, default=lambda: secrets.token_hex(32))
    language: Mapped[str | None]
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_login_at: Mapped[datetime | None]
    current_login_at: Mapped[datetime | None]
    last_login_ip: Mapped[str | None]
    current_login_ip: Mapped[str | None]
    login_count: Mapped[int] = mapped_column(default=0)

    roles: Mapped[list[Role]] = relationship(secondary=user_roles, lazy="selectin", order_by=Role.id)
    memberships: Mapped[list[Membership]] = relationship(lazy="selectin", passive_deletes=True)
    grants: Mapped[list[Grant]] = relationship(
        lazy="selectin", foreign_keys=Grant.user_id, passive_deletes=True, order_by=Grant.hospital_id
    )

    @property
    def role_names(self) -> frozenset[str]:
        """Names of this person's roles."""
        return frozenset(role.name for role in self.roles)

    @property
    def group_ids(self) -> frozenset[str]:
        """The hospitals and programmes that this person belongs to."""
        return frozenset(one.group_id for one in self.memberships)

    def hospitals_as(self, name: str) -> frozenset[str]:
        """The hospitals for which this person holds that grant."""
        return frozenset(one.hospital_id for one in self.grants if one.name == name)


class ApiToken(Base):
    """A bearer token; only its digest is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    revoked_at: Mapped[datetime | None]


def ensure_roles(session: Session) -> None:
    """Make the four roles where they are missing."""
    present = set(session.scalars(select(Role.name)))
    session.add_all(Role(name=name, description=text) for name, text in ROLES.items() if name not in present)
    session.flush()


def add_user(
    session: Session,
    email: str,
    password_hash: str | None,
    roles: list[str],
    *,
    display_name: str = "",
    is_demo: bool = False,
) -> User:
    """Add a person. Raises `InvalidInput` for an address or role that cannot be, `Conflict` for one already there."""
    email = email.strip().lower()
    if "@" not in email[1:-1] or any(ch.isspace() for ch in email) or len(email) > 254:
        raise InvalidInput("This is not an e-mail address.", fields={"email": "Write it as name@hospital.example."})
    if unknown := sorted(set(roles) - set(ROLES)):
        raise InvalidInput(
            f"There is no role {', '.join(unknown)}.", fields={"role": f"Choose one of {', '.join(ROLES)}."}
        )
    if find_user(session, email) is not None:
        raise Conflict("There is already a person with this e-mail address.", code="user_exists")
    user = User(
        email=email,
        display_name=display_name,
        password=password_hash,
        roles=list(session.scalars(select(Role).where(Role.name.in_(roles)))),
        is_demo=is_demo,
        memberships=[],
        grants=[],
    )
    session.add(user)
    session.flush()
    return user


def find_user(session: Session, email: str) -> User | None:
    """The person with that address, whatever its case."""
    return session.scalars(select(User).where(User.email == email.strip().lower())).first()


def get_user(session: Session, email: str) -> User:
    """The person with that address. Raises `NotFound`."""
    user = find_user(session, email)
    if user is None:
        raise NotFound("There is no person with this e-mail address.", code="user_not_found")
    return user


def get_user_by_id(session: Session, user_id: int) -> User:
    """The person with that number. Raises `NotFound`."""
    user = session.get(User, user_id) if 0 < user_id < 2**31 else None
    if user is None:
        raise NotFound("There is no such person.", code="user_not_found")
    return user


def list_users(session: Session) -> list[User]:
    """Everybody, by address."""
    return list(session.scalars(select(User).order_by(User.email)))


def get_names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """What these people are called, by id."""
    rows = session.scalars(select(User).where(User.id.in_({number for number in ids if number is not None})))
    return {user.id: user.display_name or user.email.partition("@")[0] for user in rows}


def disable_user(session: Session, email: str) -> User:
    """Bar a person: no login, every session and token ends now."""
    user = get_user(session, email)
    user.active = False
    user.fs_uniquifier = secrets.token_hex(32)
    for token in session.scalars(select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))):
        token.revoked_at = utc_now()
    session.flush()
    return user


def make_token(session: Session, email: str) -> str:
    """A new bearer token of that person; shown once, only its digest is kept."""
    user = get_user(session, email)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    session.add(ApiToken(user_id=user.id, digest=_digest(token)))
    session.flush()
    return token


def find_user_by_token(session: Session, token: str) -> User | None:
    """The active person whose token this is."""
    statement = (
        select(User)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.digest == _digest(token), ApiToken.revoked_at.is_(None), User.active)
    )
    return session.scalars(statement).first()


def has_demo_accounts(session: Session) -> bool:
    """Whether this library holds logins whose passwords were printed for everyone to see."""
    return session.scalars(select(User.id).where(User.is_demo, User.active).limit(1)).first() is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
