"""What is asked of a request before its route sees it: plain text, somebody logged in for changes, a CSRF token."""

from __future__ import annotations

from flask import Flask, current_app, flash, redirect, request, url_for
from flask_wtf import CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from videolib.catalogue.second_factors import has_second_factor
from videolib.errors import NotAllowed
from videolib.web.access import current_person, find_person, has_bearer, login_session, require_login
from videolib.web.api.answers import require_text
from videolib.web.context import SAFE_METHODS, services
from videolib.web.error_texts import translated
from videolib.web.sessions import SESSIONLESS

# what only asks, by a protocol in which programs may use POST
ASK_BY_POST = frozenset({"harvest.answer"})

NEEDS_SECOND_STEP = "People of your role need a second step at sign-in: set it up here first."
# where one logs in and out, and sets it up
OPEN_WITHOUT_SECOND_STEP = frozenset(
    {"security", "single_sign_on", "account", "passkeys", "second_factor", "preferences"}
)
# a token would need no second step ever after
CLOSED_WITHOUT_SECOND_STEP = frozenset({"account.add_token"})


def init_protection(app: Flask) -> None:
    """Ask it of every request."""
    app.before_request(_refuse_odd_text)
    app.before_request(_protect_changes)
    app.before_request(_require_second_step)


def _refuse_odd_text() -> None:
    """NUL bytes and half characters in an address or a form: no database keeps them, no reader types them."""
    require_text(request.path)
    for name, value in request.args.items(multi=True):
        require_text(name + value)
    if request.method not in SAFE_METHODS and request.mimetype in {
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    }:
        for name, value in request.form.items(multi=True):
            require_text(name + value)


def _require_second_step() -> AnyResponse | None:
    """People of some roles come to no other page before they have a second step, where the settings say so."""
    named = services().settings.second_factor_roles
    is_open = request.blueprint in OPEN_WITHOUT_SECOND_STEP and request.endpoint not in CLOSED_WITHOUT_SECOND_STEP
    if not named or is_open or request.path.startswith(SESSIONLESS):
        return None
    person, row = find_person(), login_session()
    if person is None or row is None or row.method == "single_sign_on":
        return None
    if not person.role_names & {name.strip() for name in named.split(",")}:
        return None
    with services().database.reading() as session:
        if has_second_factor(session, person):
            return None
    if request.method != "GET" or request.path.startswith("/api/"):
        raise NotAllowed(NEEDS_SECOND_STEP, code="second_factor_required")
    flash(translated(NEEDS_SECOND_STEP), "warning")
    return redirect(url_for("account.index"))


def _protect_changes() -> None:
    """A change by API needs somebody; one with a cookie needs the token that only our pages know."""
    if has_bearer() and not request.path.startswith(SESSIONLESS):
        current_person()  # a token that is not valid, or not for this, is refused whatever is asked
    if request.method in SAFE_METHODS or request.endpoint is None:
        return
    if request.path.startswith("/api/"):
        require_login()
    if not has_bearer() and request.endpoint not in ASK_BY_POST:
        csrf: CSRFProtect = current_app.extensions["videolib_csrf"]
        csrf.protect()
