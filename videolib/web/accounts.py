"""Login and logout: Flask-Security over the people of the catalogue, which know nothing of it.

An `Account` is a copy of a person's row in the form that Flask-Security works on; what it changes is written back in a
unit of work of its own, so that no password is hashed while the database waits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, g, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import user_logged_in
from flask_security import Security
from flask_security.core import RoleMixin, UserMixin
from flask_security.datastore import UserDatastore
from flask_security.mail_util import MailUtil
from flask_wtf import CSRFProtect
from sqlalchemy import select, update
from werkzeug.wrappers import Response

from config.settings import Settings
from videolib import passwords
from videolib.catalogue.audit import record_event
from videolib.catalogue.people import User
from videolib.db import Database, utc_now
from videolib.web.context import services
from videolib.web.errors import LIMIT_WINDOW_S

# failed logins within the window; a lecture hall behind one address may mistype now and then
LIMIT_PER_ADDRESS = f"100 per {LIMIT_WINDOW_S} seconds"
LIMIT_PER_ACCOUNT = f"10 per {LIMIT_WINDOW_S} seconds"
SESSION_LASTS = timedelta(hours=12)
REMEMBER_LASTS = timedelta(days=14)
_WRITTEN_BACK = ("password", "last_login_at", "current_login_at", "last_login_ip", "current_login_ip", "login_count")


class AccountRole(RoleMixin):
    """A role by name; what it may do is written in `access.py`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get_permissions(self) -> set[str]:
        """None beside the role itself."""
        return set()


@dataclass(eq=False)
class Account(UserMixin):
    """Somebody who may log in. `person` is the row it was copied from, detached."""

    person: User
    id: int = 0
    email: str = ""
    password: str | None = None
    active: bool = False
    fs_uniquifier: str = ""
    last_login_at: datetime | None = None  # type: ignore[assignment]
    current_login_at: datetime | None = None  # type: ignore[assignment]
    last_login_ip: str | None = None
    current_login_ip: str | None = None
    login_count: int = 0
    roles: list[RoleMixin] = field(default_factory=list)

    @classmethod
    def of(cls, person: User) -> Account:
        """The account of that person."""
        copied = {name: getattr(person, name) for name in ("id", "email", "active", "fs_uniquifier", *_WRITTEN_BACK)}
        return cls(person=person, roles=[AccountRole(name) for name in sorted(person.role_names)], **copied)


class Accounts(UserDatastore):
    """Flask-Security's view of the people."""

    def __init__(self, database: Database) -> None:
        super().__init__(Account, AccountRole)
        self._database = database

    def find_user(self, case_insensitive: bool = False, **wanted: Any) -> Account | None:  # noqa: ARG002
        """The account with that address or session key."""
        known = {"email": User.email, "fs_uniquifier": User.fs_uniquifier}
        name, value = next(iter(wanted.items()))
        if name not in known or not isinstance(value, str):
            return None
        with self._database.reading() as session_:
            person = session_.scalars(select(User).where(known[name] == value)).first()
            session_.expunge_all()
        return Account.of(person) if person else None

    def put(self, model: Account) -> Account:
        """Remember what is to be written at `commit`."""
        g.changed_account = model
        return model

    def commit(self) -> None:
        """Write what `put` remembered."""
        account: Account | None = g.pop("changed_account", None)
        if account is not None:
            values = {name: getattr(account, name) for name in _WRITTEN_BACK}
            with self._database.writing() as session_:
                session_.execute(update(User).where(User.id == account.id).values(**values))


class _Addresses(MailUtil):
    """Addresses are looked up as the catalogue keeps them, well formed or not."""

    def normalize(self, email: str) -> str:
        return email.strip().lower()

    def validate(self, email: str) -> str:
        return self.normalize(email)


def configure_accounts(app: Flask, settings: Settings) -> None:
    """Say how sessions, cookies and passwords work."""
    is_https = (settings.public_url or "").startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SESSION_COOKIE_NAME="videolib_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        REMEMBER_COOKIE_NAME="videolib_remember",
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=is_https,
        REMEMBER_COOKIE_DURATION=REMEMBER_LASTS,
        # a form may stay open all day; its token ends with the session
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH={"argon2"},
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__rounds": passwords.ROUNDS,
            "argon2__memory_cost": passwords.MEMORY_KIB,
            "argon2__parallelism": passwords.LANES,
        },
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_TRACKABLE=True,
        SECURITY_DATETIME_FACTORY=utc_now,
        SECURITY_FRESHNESS=timedelta(minutes=-1),
        SECURITY_STATIC_FOLDER=None,
        SECURITY_FLASH_MESSAGES=False,
    )


def init_accounts(app: Flask, database: Database) -> None:
    """Register `/login` and `/logout`, and count failed logins."""
    csrf = CSRFProtect(app)
    security = Security(app, Accounts(database), mail_util_cls=_Addresses)
    # programs log in by token; the library's own tokens and JSON logins stay shut
    security.want_json(lambda _request: False)
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    app.extensions["videolib_csrf"] = csrf
    user_logged_in.connect(_forget_what_came_before, app)
    user_logged_in.connect(_note_login, app)
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", strategy="moving-window")
    view: Any = app.view_functions["security.login"]
    for limit, key in ((LIMIT_PER_ADDRESS, get_remote_address), (LIMIT_PER_ACCOUNT, _account_key)):
        view = limiter.limit(limit, key_func=key, methods=["POST"], deduct_when=_has_failed)(view)
    app.view_functions["security.login"] = view


def _account_key() -> str:
    # a digest: the limiter's keys may be kept outside one day, addresses are nobody's business there
    return hashlib.sha256(request.form.get("email", "").strip().lower().encode("utf-8", "replace")).hexdigest()


def _has_failed(response: Response) -> bool:
    return response.status_code != 302


def _note_login(_sender: Flask, user: Account, **_rest: object) -> None:
    with services().database.writing() as session_:
        record_event(session_, "login", "user", str(user.id), by=user.person, address=get_remote_address())


def _forget_what_came_before(_sender: Flask, **_rest: object) -> None:
    """Start a new CSRF token at login: one that somebody planted before it is worth nothing after."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
