"""Language and theme, kept in cookies."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from videolib.web.context import services
from videolib.web.languages import LANGUAGE_COOKIE, LANGUAGES, THEME_COOKIE, THEMES

blueprint = Blueprint("preferences", __name__)

KEPT_S = 365 * 24 * 3600


@blueprint.get("/preferences")
def update() -> Response:
    """Keep what was chosen and go back."""
    response = redirect(local_path(request.args.get("next", "")), 303)
    secure = (services().settings.public_url or "").startswith("https://")
    for given, cookie, choices, is_hidden in (
        ("lang", LANGUAGE_COOKIE, LANGUAGES, True),
        # the page's script sets the theme as well
        ("theme", THEME_COOKIE, THEMES, False),
    ):
        value = request.args.get(given, "")
        if value in choices:
            response.set_cookie(cookie, value, max_age=KEPT_S, secure=secure, httponly=is_hidden, samesite="Lax")
    return response


def local_path(address: str) -> str:
    """`address` where it is a path of this service, else the first page."""
    # a browser reads a backslash as a slash, and drops tabs and line ends: `/\\host` and `/\t/host` leave the site
    is_local = address.startswith("/") and not address.startswith("//")
    return address if is_local and "\\" not in address and address.isprintable() else "/"
