"""People, for administrators: look for them, invite them, change what they may, bar them, give them a way back in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import people_care, second_factors
from videolib.catalogue.account_links import find_open_link, make_link
from videolib.catalogue.groups import list_groups
from videolib.catalogue.logins import list_sessions
from videolib.catalogue.people import User, get_user_by_id
from videolib.catalogue.people_care import STATES, PeopleQuery, PersonValues, State
from videolib.errors import Conflict, InvalidInput, VideolibError
from videolib.web.access import require_admin, require_admin_in_person
from videolib.web.account_links import show_link
from videolib.web.context import commit, database_session
from videolib.web.error_texts import translated
from videolib.web.languages import language
from videolib.web.texts import PERSON_STATES, ROLES, minute_text, word

blueprint = Blueprint("admin", __name__)

PEOPLE_ON_A_PAGE = 50
_ASKED = ("q", "role", "group", "state")


@dataclass(frozen=True)
class Person:
    """One line of the list."""

    id: int
    name: str
    email: str
    staff_number: str
    roles_text: tuple[str, ...]
    groups_text: tuple[str, ...]
    state: str
    state_text: str
    last_login_text: str


@blueprint.get("/admin")
def people() -> str:
    """Everybody who may log in, or those who are looked for."""
    require_admin()
    page = max(0, min(request.args.get("page", 0, type=int), 100_000))
    query = _read_query()
    rows, total = people_care.list_people(
        database_session(), query, offset=page * PEOPLE_ON_A_PAGE, limit=PEOPLE_ON_A_PAGE
    )
    asked: dict[str, Any] = {name: request.args[name] for name in _ASKED if request.args.get(name)}
    groups = dict(group_choices())
    return render_template(
        "admin/people.html",
        people=tuple(_line(user, groups) for user in rows),
        total=total,
        asked=asked,
        roles=tuple((name, word(ROLES, name)) for name in ROLES),
        groups=tuple(groups.items()),
        states=tuple(PERSON_STATES.items()),
        previous_url=url_for("admin.people", **asked, page=page - 1) if page else None,
        next_url=url_for("admin.people", **asked, page=page + 1) if (page + 1) * PEOPLE_ON_A_PAGE < total else None,
    )


@blueprint.get("/admin/people/new")
def new() -> str:
    """The form to invite somebody."""
    require_admin()
    return _form(None, PersonValues("", roles=("trainee",)), {})


@blueprint.post("/admin/people")
def invite() -> str:
    """Add somebody and show their link."""
    by, values = require_admin_in_person(), _read_values()
    try:
        person = people_care.invite_person(database_session(), values, by=by)
    except (InvalidInput, Conflict) as error:
        database_session().rollback()
        return _form(None, values, _fields_of(error))
    secret, link = make_link(database_session(), person, by=by)
    commit()
    return show_link(person, secret, link)


@blueprint.get("/admin/people/<int:user_id>")
def person(user_id: int) -> str:
    """One person."""
    require_admin()
    found = get_user_by_id(database_session(), user_id)
    return _form(found, _values_of(found), {})


@blueprint.post("/admin/people/<int:user_id>")
def change(user_id: int) -> Response | str:
    """Keep what was changed."""
    by = require_admin_in_person()
    found, values = get_user_by_id(database_session(), user_id), _read_values()
    try:
        people_care.change_person(database_session(), found, values, by=by)
    except (InvalidInput, Conflict) as error:
        database_session().rollback()
        return _form(get_user_by_id(database_session(), user_id), replace(values, email=found.email), _fields_of(error))
    commit()
    flash(_("Saved."), "success")
    return _back(user_id)


@blueprint.post("/admin/people/<int:user_id>/link")
def link(user_id: int) -> str:
    """A new link: to come in for the first time, or to choose another password."""
    by = require_admin_in_person()
    found = get_user_by_id(database_session(), user_id)
    secret, made = make_link(database_session(), found, by=by)
    commit()
    return show_link(found, secret, made)


@blueprint.post("/admin/people/<int:user_id>/<any(disable,enable):deed>")
def bar(user_id: int, deed: str) -> Response:
    """Bar somebody, or let them in again."""
    by = require_admin_in_person()
    found = get_user_by_id(database_session(), user_id)
    if deed == "disable":
        people_care.bar_person(database_session(), found, by=by)
        told = _("%(name)s may not sign in any more; sessions and tokens have ended.", name=_name(found))
    else:
        people_care.admit_person(database_session(), found, by=by)
        told = _("%(name)s may sign in again.", name=_name(found))
    commit()
    flash(told, "success")
    return _back(user_id)


@blueprint.post("/admin/people/<int:user_id>/second-step/remove")
def remove_second_step(user_id: int) -> Response:
    """For who has lost telephone, keys and codes."""
    by = require_admin_in_person()
    found = get_user_by_id(database_session(), user_id)
    second_factors.remove_all(database_session(), found, by=by)
    commit()
    flash(_("%(name)s needs no second step any more.", name=_name(found)), "success")
    return _back(user_id)


def roles_text(user: User) -> tuple[str, ...]:
    """The names of a person's roles in the page's language."""
    return tuple(word(ROLES, name) for name in ROLES if name in user.role_names)


def group_choices() -> tuple[tuple[str, str], ...]:
    """Hospitals and programmes, by id, with their names in the page's language."""
    return tuple(
        (group.id, group.name.get(language()) or next(iter(group.name.values()), group.id))
        for group in list_groups(database_session())
    )


def _read_query() -> PeopleQuery:
    asked: dict[str, str] = {name: request.args.get(name, "").strip() for name in _ASKED}
    state: State = next((name for name in STATES if name == asked["state"]), "")
    return PeopleQuery(asked["q"][:100], asked["role"] if asked["role"] in ROLES else "", asked["group"], state)


def _read_values() -> PersonValues:
    form = request.form
    texts = {name: form.get(name, "")[:200] for name in ("email", "display_name", "staff_number", "mobile")}
    return PersonValues(**texts, roles=tuple(form.getlist("role")), groups=tuple(form.getlist("group")))


def _values_of(user: User) -> PersonValues:
    return PersonValues(
        user.email,
        user.display_name,
        user.staff_number or "",
        user.mobile or "",
        tuple(sorted(user.role_names)),
        tuple(sorted(user.group_ids)),
    )


def _form(user: User | None, values: PersonValues, errors: dict[str, str]) -> str:
    session = database_session()
    made = find_open_link(session, user) if user else None
    return render_template(
        "admin/person.html",
        user=user,
        values=values,
        errors=errors,
        roles=tuple((name, word(ROLES, name)) for name in ROLES),
        groups=group_choices(),
        state=_state(user) if user else "",
        state_text=word(PERSON_STATES, _state(user)) if user else "",
        last_login_text=minute_text(user.current_login_at) if user else "",
        open_sessions=len(list_sessions(session, user)) if user else 0,
        has_second_step=user is not None and second_factors.has_second_factor(session, user),
        link_until=minute_text(made.expires_at) if made else "",
    )


def _fields_of(error: VideolibError) -> dict[str, str]:
    fields = error.fields if isinstance(error, InvalidInput) else {}
    if error.code == "user_exists":
        fields = {"email": error.message}
    return {name: translated(text) for name, text in fields.items()} or {"": translated(error.message, error.code)}


def _back(user_id: int) -> Response:
    return redirect(url_for("admin.person", user_id=user_id), 303)


def _name(user: User) -> str:
    return user.display_name or user.email.partition("@")[0]


def _state(user: User) -> State:
    return "disabled" if not user.active else "active" if user.password else "invited"


def _line(user: User, groups: dict[str, str]) -> Person:
    return Person(
        id=user.id,
        name=_name(user),
        email=user.email,
        staff_number=user.staff_number or "",
        roles_text=roles_text(user),
        groups_text=tuple(groups[name] for name in sorted(user.group_ids) if name in groups),
        state=_state(user),
        state_text=word(PERSON_STATES, _state(user)),
        last_login_text=minute_text(user.current_login_at),
    )
