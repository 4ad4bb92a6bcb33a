"""What every page gets: `ui`, and the filters and functions of the templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for
from jinja2 import Undefined

from videolib.catalogue.access import can
from videolib.catalogue.people import User
from videolib.web.access import count_unread, find_person
from videolib.web.admin import roles_text
from videolib.web.guide import guide_for
from videolib.web.languages import THEME_COOKIE, THEMES, html_language, language, marked_language
from videolib.web.texts import clock_text


@dataclass(frozen=True)
class UiUser:
    """Who is logged in."""

    id: int
    name: str
    email: str
    roles_text: tuple[str, ...]
    is_editor: bool
    is_instructor: bool
    is_admin: bool
    is_auditor: bool
    is_officer: bool
    unread: int


@dataclass(frozen=True)
class Ui:
    """What the frame around each page shows."""

    lang: str
    html_lang: str
    theme: str
    here: str
    query: str
    suggest_url: str | None
    guide_url: str
    user: UiUser | None


class _Missing(Undefined):
    """A name that a page was not given: it may be asked after, but showing nothing in its place is a mistake."""

    __str__ = Undefined._fail_with_undefined_error
    __iter__ = Undefined._fail_with_undefined_error


def init_pages(app: Flask) -> None:
    """Register them."""
    app.context_processor(_context)
    app.jinja_env.filters["clock"] = clock_text
    app.jinja_env.filters["marked_language"] = marked_language
    app.jinja_env.undefined = _Missing


def _context() -> dict[str, Any]:
    theme = request.cookies.get(THEME_COOKIE, "")
    person = find_person()
    return {
        "ui": Ui(
            lang=language(),
            html_lang=html_language(),
            theme=theme if theme in THEMES else THEMES[0],
            here=_here(),
            query=request.args.get("q", "")[:200] if request.endpoint == "search.index" else "",
            suggest_url=url_for("search_api.suggest"),
            guide_url=guide_for(request.path),
            user=_user(person) if person else None,
        )
    }


def _here() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else request.path


def _user(person: User) -> UiUser:
    return UiUser(
        id=person.id,
        name=person.display_name or person.email.partition("@")[0],
        email=person.email,
        roles_text=roles_text(person),
        is_editor=can(person, "edit", "catalogue"),
        is_instructor=can(person, "teach", "lessons"),
        is_admin=can(person, "administer", "service"),
        is_auditor=can(person, "read", "audit"),
        is_officer=can(person, "keep", "consents"),
        unread=count_unread(),
    )
