"""People, their roles and the tokens their programs use."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Integer, Table, delete, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

ROLES = {
    "trainee": "watches, makes notes, is assigned playlists",
    "editor": "uploads, describes and publishes recordings",
    "instructor": "builds playlists and follows trainees",
    "admin": "manages people, vocabulary and the service",
}
TOKEN_PREFIX = "vl_"  # noqa: S105 - what tokens start with, so that scanners find leaked ones

# what a token may do, of what its person may
SCOPES = {
    "read": "looks things up and watches",
    "write": "changes whatever its person may change",
    "upload": "sends recordings, and nothing else",
}

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
    """A person who may log in, by any of e-mail address, staff number and mobile."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    # kept in lower case
    email: Mapped[str] = mapped_column(unique=True)
    # as `login_names` brings them to one form
    staff_number: Mapped[str | None] = mapped_column(unique=True)
    mobile: Mapped[str | None] = mapped_column(unique=True)
    display_name: Mapped[str] = mapped_column(default="")
    password: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str | None]
    is_demo: Mapped[bool] = mapped_column(default=False)
    # told by mail of what comes into the inbox, where the library sends any
    inbox_by_mail: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_login_at: Mapped[datetime | None]
    current_login_at: Mapped[datetime | None]
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


class LoginSession(Base):
    """A browser in which somebody is logged in; see `logins`. Only the digest of its secret is kept.

    `proved_at`: when that person last proved who they are.
    """

    __tablename__ = "login_sessions"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(unique=True)
    method: Mapped[str]
    is_remembered: Mapped[bool]
    address: Mapped[str]
    agent: Mapped[str]
    created_at: Mapped[datetime]
    proved_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """A bearer token; only its digest is kept. See `tokens`."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    scopes: Mapped[list[str]] = mapped_column(default=lambda: list(SCOPES))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
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
    email = _plain_address(email)
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
    """The person with that address, whatever its case and width."""
    return session.scalars(select(User).where(User.email == _plain_address(email))).first()


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


def get_people(session: Session, ids: Iterable[int | None]) -> dict[int, User]:
    """These people, by id."""
    rows = session.scalars(select(User).where(User.id.in_({number for number in ids if number is not None})))
    return {user.id: user for user in rows}


def get_names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """What these people are called, by id."""
    return {
        number: user.display_name or user.email.partition("@")[0] for number, user in get_people(session, ids).items()
    }


def disable_user(session: Session, email: str) -> User:
    """Bar a person: no login, every session and token ends now."""
    user = get_user(session, email)
    user.active = False
    session.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    for token in session.scalars(select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))):
        token.revoked_at = utc_now()
    session.flush()
    return user


def make_token(session: Session, email: str) -> str:
    """A new bearer token of that person with all scopes and no end; `tokens.add_token` makes narrower ones."""
    user = get_user(session, email)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    session.add(ApiToken(user_id=user.id, digest=_digest(token)))
    session.flush()
    return token


def has_demo_accounts(session: Session) -> bool:
    """Whether this library holds logins whose passwords were printed for everyone to see."""
    return session.scalars(select(User.id).where(User.is_demo, User.active).limit(1)).first() is not None


def _plain_address(email: str) -> str:
    return unicodedata.normalize("NFKC", email).strip().lower()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
