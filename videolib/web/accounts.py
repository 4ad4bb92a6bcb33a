"""Who is logged in here: the cookie names a session, whose row says the rest; and how cookies and CSRF tokens work."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from flask import Flask, Response, g, request, session
from flask_wtf import CSRFProtect
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from config.settings import Settings
from videolib.catalogue.logins import IDLE, TOUCHED_AFTER, Visit, begin_session, is_stale, touch_session
from videolib.catalogue.people import ApiToken, LoginSession, User
from videolib.catalogue.tokens import touch_token
from videolib.db import new_id, utc_now
from videolib.errors import Unavailable
from videolib.web.context import database_session, services

LOGIN_KEY = "login"  # where the cookie keeps the session's secret
DEVICE_COOKIE = "videolib_device"
_DEVICE_KEPT = timedelta(days=365)
_MOST_PEOPLE_OF_A_DEVICE = 20
# nobody waits for a busy database only to have written down that they were here
_TOUCH_PATIENCE_S = 0.5

log = structlog.get_logger()


def configure_accounts(app: Flask, settings: Settings) -> None:
    """Say how cookies and CSRF tokens work."""
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SESSION_COOKIE_NAME="videolib_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https(settings),
        # the row decides when a session is over; the cookie need not be there longer
        PERMANENT_SESSION_LIFETIME=IDLE[True],
        # a form may stay open all day; its token ends with the session
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,
    )


def init_accounts(app: Flask) -> None:
    """Make CSRF tokens, and write down which sessions are in use."""
    app.extensions["videolib_csrf"] = CSRFProtect(app)
    app.after_request(_touch)


def is_https(settings: Settings) -> bool:
    """Whether people reach the service by https alone."""
    return (settings.public_url or "").startswith("https://")


def client_address() -> str:
    """Where the request comes from, as far as that is known."""
    return request.remote_addr or ""


def enter(
    person: User,
    method: str,
    response: AnyResponse,
    *,
    is_remembered: bool = False,
    proved_at: datetime | None = None,
) -> AnyResponse:
    """Log that person in with this answer: a new session, and nothing left of what the cookie held before."""
    former = str(session.get(LOGIN_KEY, ""))
    visit = Visit(method, client_address(), request.user_agent.string, is_remembered, proved_at, former)
    with services().database.writing() as unit:
        secret = begin_session(unit, unit.get_one(User, person.id), visit)
    forget()
    session[LOGIN_KEY] = secret
    session.permanent = is_remembered
    _know_device(response, person)
    return response


def forget() -> None:
    """Leave nothing in the cookie: no login, and no CSRF token that somebody planted."""
    session.clear()
    for name in ("csrf_token", "person", "login_session"):
        g.pop(name, None)


def device_of(person: User | None) -> str:
    """The name of this browser if it has let that person in before; else empty."""
    name, people = _read_device()
    return name if person is not None and person.id in people else ""


def _know_device(response: AnyResponse, person: User) -> None:
    name, people = _read_device()
    people = [*(one for one in people if one != person.id), person.id][-_MOST_PEOPLE_OF_A_DEVICE:]
    settings = services().settings
    response.set_cookie(
        DEVICE_COOKIE,
        str(_signer(settings).dumps([name, people])),
        max_age=_DEVICE_KEPT,
        secure=is_https(settings),
        httponly=True,
        samesite="Lax",
    )


def _read_device() -> tuple[str, list[int]]:
    try:
        name, people = _signer(services().settings).loads(request.cookies.get(DEVICE_COOKIE, ""))
    except (BadSignature, ValueError, TypeError):
        return new_id(), []
    return str(name), list(people)


def _signer(settings: Settings) -> URLSafeSerializer:
    return URLSafeSerializer(settings.secret_key.get_secret_value(), salt="videolib device 1")


def _touch(response: Response) -> Response:
    row: LoginSession | None = g.get("login_session")
    token: ApiToken | None = g.get("token")
    now = utc_now()
    is_token_stale = token is not None and (token.used_at is None or now - token.used_at > TOUCHED_AFTER)
    if (row is not None and is_stale(row, now)) or is_token_stale:
        # what a request wanted kept, it has committed; two units at once would wait for each other
        database_session().rollback()
        try:
            with services().database.writing(durable=False, patience_s=_TOUCH_PATIENCE_S) as unit:
                if row is not None:
                    touch_session(unit, row.id)
                if token is not None:
                    touch_token(unit, token.id)
        except (Unavailable, SQLAlchemyError) as error:
            # the answer is made and right; the next request says so again
            log.warning("not touched", exc_info=error)
    return response
