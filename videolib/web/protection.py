"""What is asked of a request before its route sees it: plain text, somebody logged in for changes, a CSRF token."""

from __future__ import annotations

from flask import Flask, current_app, request
from flask_wtf import CSRFProtect

from videolib.web.access import has_bearer, require_login
from videolib.web.api.answers import require_text
from videolib.web.context import SAFE_METHODS

# what only asks, by a protocol in which programs may use POST
ASK_BY_POST = frozenset({"harvest.answer"})


def init_protection(app: Flask) -> None:
    """Ask it of every request."""
    app.before_request(_refuse_odd_text)
    app.before_request(_protect_changes)


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


def _protect_changes() -> None:
    """A change by API needs somebody; one with a cookie needs the token that only our pages know."""
    if request.method in SAFE_METHODS or request.endpoint is None:
        return
    if request.path.startswith("/api/"):
        require_login()
    if not has_bearer() and request.endpoint not in ASK_BY_POST:
        csrf: CSRFProtect = current_app.extensions["videolib_csrf"]
        csrf.protect()
