"""Pages for administrators."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for

from videolib.catalogue.people import User, list_users
from videolib.web.access import require_admin
from videolib.web.context import database_session
from videolib.web.texts import ROLES, minute_text, word

blueprint = Blueprint("admin", __name__)

PEOPLE_ON_A_PAGE = 100


@dataclass(frozen=True)
class Person:
    """One line of the list."""

    name: str
    email: str
    roles_text: tuple[str, ...]
    is_active: bool
    last_login_text: str


@blueprint.get("/admin")
def people() -> str:
    """Everybody who may log in."""
    require_admin()
    everybody = list_users(database_session())
    page = max(0, min(request.args.get("page", 0, type=int), len(everybody) // PEOPLE_ON_A_PAGE))
    start = page * PEOPLE_ON_A_PAGE
    has_more = start + PEOPLE_ON_A_PAGE < len(everybody)
    return render_template(
        "admin/people.html",
        people=tuple(_person(user) for user in everybody[start : start + PEOPLE_ON_A_PAGE]),
        previous_url=url_for("admin.people", page=page - 1) if page else None,
        next_url=url_for("admin.people", page=page + 1) if has_more else None,
    )


def roles_text(user: User) -> tuple[str, ...]:
    """The names of a person's roles in the page's language."""
    return tuple(word(ROLES, name) for name in ROLES if name in user.role_names)


def _person(user: User) -> Person:
    return Person(
        name=user.display_name or user.email.partition("@")[0],
        email=user.email,
        roles_text=roles_text(user),
        is_active=user.active,
        last_login_text=minute_text(user.current_login_at),
    )
