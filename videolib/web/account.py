"""One's own account: the password, where one is logged in, and how one proves who one is."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import tokens
from videolib.catalogue.account_links import set_password
from videolib.catalogue.logins import end_session, end_sessions, list_sessions
from videolib.catalogue.passkeys import Passkey, list_passkeys
from videolib.catalogue.people import ApiToken, LoginSession, User
from videolib.catalogue.second_factors import count_recovery_codes, has_codes, has_second_factor
from videolib.errors import InvalidInput
from videolib.passwords import hash_password, require_good_password
from videolib.web.access import login_session, require_fresh_login, require_in_person
from videolib.web.accounts import enter
from videolib.web.context import commit, database_session
from videolib.web.error_texts import translated
from videolib.web.login import check_password, place
from videolib.web.texts import SCOPES, minute_text, word

blueprint = Blueprint("account", __name__)

_BROWSERS = {"Edg/": "Edge", "Firefox/": "Firefox", "MicroMessenger/": "微信", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


@dataclass(frozen=True)
class SessionLine:
    """One browser in which one is logged in."""

    id: str
    device: str
    address: str
    since: str
    seen: str
    is_this: bool


@dataclass(frozen=True)
class KeyLine:
    """A passkey."""

    id: str
    name: str
    since: str


@dataclass(frozen=True)
class TokenLine:
    """A token that works."""

    id: int
    name: str
    scopes: tuple[str, ...]
    since: str
    used: str
    until: str


@blueprint.get("/account")
def index() -> str:
    """Everything about how one signs in."""
    return _page(require_in_person())


@blueprint.post("/account/password")
def change_password() -> Response | str:
    """A new password; all other sessions end."""
    person = require_in_person()
    if person.password is None:
        require_fresh_login()
    old, new = request.form.get("old_password", ""), request.form.get("password", "")
    if person.password is not None and check_password(person.email, old) is None:
        return _page(person, errors={"old_password": _("This is not your present password.")})
    has_more = has_second_factor(database_session(), person)
    database_session().rollback()
    try:
        require_good_password(new, words_about(person), has_second_factor=has_more)
    except InvalidInput as error:
        return _page(person, errors={name: translated(text) for name, text in error.fields.items()})
    hashed = hash_password(new)
    session = database_session()
    set_password(session, session.get_one(User, person.id), hashed)
    commit()
    flash(_("The password is changed; you were signed out everywhere else."), "success")
    # a new session for this browser, too: whoever had copied its cookie is out
    return enter(person, "password", _back(), is_remembered=g.login_session.is_remembered)


@blueprint.post("/account/sessions/<session_id>/end")
def end(session_id: str) -> Response:
    """End one session."""
    end_session(database_session(), session_id, by=require_in_person())
    commit()
    flash(_("That session has ended."), "success")
    return _back()


@blueprint.post("/account/sessions/end-others")
def end_others() -> Response:
    """End all sessions but this one."""
    person, row = require_in_person(), login_session()
    count = end_sessions(database_session(), person, by=person, keep=row.id if row else "")
    commit()
    flash(_("Sessions that have ended: %(count)s.", count=count), "success")
    return _back()


@blueprint.post("/account/tokens")
def add_token() -> str:
    """A new token, shown once."""
    require_in_person()
    person, form = require_fresh_login(), request.form
    name, scopes = form.get("name", ""), form.getlist("scope")
    days = form.get("days", 0, type=int) or None
    try:
        text = tokens.add_token(database_session(), person, name, scopes, days, by=person)
    except InvalidInput as error:
        database_session().rollback()
        return _page(person, errors={f"token_{name}": translated(said) for name, said in error.fields.items()})
    commit()
    return render_template("account/token_made.html", name=name, token=text)


@blueprint.post("/account/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> Response:
    """End a token."""
    tokens.revoke_token(database_session(), token_id, by=require_in_person())
    commit()
    flash(_("The token is revoked."), "success")
    return _back()


def words_about(person: User) -> tuple[str, ...]:
    """What others guess of somebody's password."""
    return (person.email, person.display_name, person.staff_number or "", person.mobile or "")


def device_text(agent: str) -> str:
    """The browser and the system, as far as they say so."""
    browser = next((name for sign, name in _BROWSERS.items() if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in agent), "")
    return " · ".join(filter(None, (browser, system))) or _("A browser")


def _back() -> Response:
    return redirect(url_for("account.index"), 303)


def _page(person: User, *, errors: dict[str, str] | None = None) -> str:
    session = database_session()
    return render_template(
        "account/index.html",
        person=person,
        errors=errors or {},
        sessions=tuple(_line(row) for row in list_sessions(session, person)),
        has_codes=has_codes(session, person),
        recovery_codes=count_recovery_codes(session, person),
        passkeys=tuple(map(_key_line, list_passkeys(session, person))),
        tokens=tuple(map(_token_line, tokens.list_tokens(session, person))),
        scopes=tuple((name, word(SCOPES, name)) for name in SCOPES),
        takes_passkeys=place().takes_passkeys,
    )


def _key_line(key: Passkey) -> KeyLine:
    return KeyLine(key.id, key.name, minute_text(key.created_at))


def _token_line(row: ApiToken) -> TokenLine:
    return TokenLine(
        id=row.id,
        name=row.name or _("Without a name"),
        scopes=tuple(word(SCOPES, name) for name in row.scopes),
        since=minute_text(row.created_at),
        used=minute_text(row.used_at),
        until=minute_text(row.expires_at),
    )


def _line(row: LoginSession) -> SessionLine:
    own = login_session()
    return SessionLine(
        id=row.id,
        device=device_text(row.agent),
        address=row.address,
        since=minute_text(row.created_at),
        seen=minute_text(row.seen_at),
        is_this=own is not None and own.id == row.id,
    )
