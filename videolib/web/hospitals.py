"""Hospitals and programmes: names, tier and region, who belongs to them, who reviews and guards privacy there.

Administrators keep the hospitals; the two grants are given by privacy officers of that hospital alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import grants, groups
from videolib.catalogue.groups import Group
from videolib.catalogue.login_names import find_by_name
from videolib.catalogue.people import User, get_names, get_user_by_id
from videolib.catalogue.vocabulary import list_terms
from videolib.errors import Conflict, InvalidInput, NotAllowed, NotFound
from videolib.web.access import (
    current_person,
    require_admin,
    require_admin_in_person,
    require_fresh_login,
    require_in_person,
    require_login,
)
from videolib.web.context import commit, database_session
from videolib.web.error_texts import translated
from videolib.web.languages import language
from videolib.web.texts import GRANTS, GROUP_KINDS, word

blueprint = Blueprint("hospitals", __name__)

_LISTS = (("tier", "hospital_tier"), ("region", "region_cn"))


@dataclass(frozen=True)
class GroupLine:
    """One line of the list."""

    id: str
    name: str
    kind: str
    tier: str
    region: str
    members: int


@blueprint.get("/admin/hospitals")
def index() -> str:
    """All of them, and the form to add one."""
    require_admin()
    return _list_page({})


@blueprint.post("/admin/hospitals")
def add() -> Response | str:
    """Add one."""
    by, form = require_admin_in_person(), request.form
    session = database_session()
    kind: groups.Kind = "programme" if form.get("kind") == "programme" else "hospital"
    try:
        made = groups.add_group(session, form.get("id", "").strip(), kind, _names(), by=by)
        groups.change_group(session, made, _names(), _facts(), by=by)
    except (InvalidInput, Conflict) as error:
        session.rollback()
        fields = error.fields if isinstance(error, InvalidInput) else {"id": error.message}
        return _list_page({name: translated(text) for name, text in fields.items()})
    commit()
    flash(_("Saved."), "success")
    return _back(made)


@blueprint.get("/admin/hospitals/<group_id>")
def show(group_id: str) -> str:
    """One of them, for administrators and its privacy officers."""
    group, person = _group_to_see(group_id)
    session = database_session()
    given = grants.list_grants(session, group.id) if group.kind == "hospital" else []
    names = get_names(session, (row.user_id for row in given))
    return render_template(
        "admin/hospital.html",
        group=group,
        name=_label(group),
        kind=word(GROUP_KINDS, group.kind),
        lists=_choices(),
        is_admin="admin" in person.role_names,
        is_officer=group.id in person.hospitals_as("privacy_officer"),
        me=person.id,
        members=groups.list_members(session, group.id),
        given=tuple((row.user_id, names.get(row.user_id, ""), row.name, word(GRANTS, row.name)) for row in given),
        grants=tuple((name, word(GRANTS, name)) for name in grants.GRANTS),
    )


@blueprint.post("/admin/hospitals/<group_id>")
def change(group_id: str) -> Response:
    """Keep names, tier and region."""
    by = require_admin_in_person()
    session = database_session()
    group = groups.get_group(session, group_id)
    groups.change_group(session, group, _names(), _facts(), by=by)
    commit()
    flash(_("Saved."), "success")
    return _back(group)


@blueprint.post("/admin/hospitals/<group_id>/grants")
def give(group_id: str) -> Response:
    """A privacy officer lets somebody review, or guard privacy with them."""
    group, by = _group_to_see(group_id)
    require_in_person()
    require_fresh_login()
    person = find_by_name(database_session(), request.form.get("who", ""))
    if person is None:
        flash(_("Nobody signs in by this name."), "error")
        return _back(group)
    grants.give_grant(database_session(), person, request.form.get("grant", ""), group.id, by=by)
    commit()
    flash(_("Saved."), "success")
    return _back(group)


@blueprint.post("/admin/hospitals/<group_id>/grants/<int:user_id>/<any(reviewer,privacy_officer):grant>/end")
def take(group_id: str, user_id: int, grant: str) -> Response:
    """And takes it away; one's own is laid down."""
    group, by = _group_to_see(group_id)
    require_in_person()
    grants.take_grant(database_session(), get_user_by_id(database_session(), user_id), grant, group.id, by=by)
    commit()
    flash(_("Saved."), "success")
    return _back(group) if "admin" in by.role_names or group.id in by.hospitals_as("privacy_officer") else redirect("/")


def _group_to_see(group_id: str) -> tuple[Group, User]:
    person = require_login()
    group = database_session().get(Group, group_id)
    is_here = group is not None and group_id in person.hospitals_as("privacy_officer")
    if "admin" not in person.role_names and not is_here:
        raise NotAllowed("Only administrators may do this.", code="admins_only")
    if group is None:
        raise NotFound("There is no hospital or programme of this id.", code="group_not_found")
    return group, person


def _list_page(errors: dict[str, str]) -> str:
    session, here = database_session(), language()
    labels = {term.id: term.label(here) for _field, scheme in _LISTS for term in list_terms(session, scheme)}
    counts = groups.count_members(session)
    lines = tuple(
        GroupLine(
            group.id,
            _label(group),
            word(GROUP_KINDS, group.kind),
            labels.get(group.tier or "", ""),
            labels.get(group.region or "", ""),
            counts.get(group.id, 0),
        )
        for group in groups.list_groups(session)
    )
    return render_template(
        "admin/hospitals.html",
        lines=lines,
        errors=errors,
        given=request.form,
        lists=_choices(),
        kinds=tuple((kind, word(GROUP_KINDS, kind)) for kind in groups.KINDS),
        person=current_person(),
    )


def _choices() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """For tier and region the terms to choose from."""
    here = language()
    found = []
    for field, scheme in _LISTS:
        terms = (term for term in list_terms(database_session(), scheme) if term.is_choosable())
        found.append((field, tuple((term.id, term.label(here)) for term in terms)))
    return tuple(found)


def _names() -> dict[str, str]:
    return {lang: request.form.get(f"name_{lang}", "")[:200] for lang in ("zh", "en")}


def _facts() -> dict[str, str]:
    return {field: request.form.get(field, "") for field, _scheme in _LISTS}


def _label(group: Group) -> str:
    return group.name.get(language()) or next(iter(group.name.values()), group.id)


def _back(group: Group) -> Response:
    return redirect(url_for("hospitals.show", group_id=group.id), 303)
