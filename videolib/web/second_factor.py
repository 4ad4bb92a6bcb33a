"""The second step of one's account: codes of a telephone, and recovery codes to keep on paper."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib import totp
from videolib.catalogue import second_factors
from videolib.catalogue.people import User
from videolib.catalogue.second_factors import Sealer
from videolib.errors import InvalidInput
from videolib.web.access import require_fresh_login
from videolib.web.account_links import qr_picture
from videolib.web.context import commit, database_session, services
from videolib.web.error_texts import translated

blueprint = Blueprint("second_factor", __name__)


@blueprint.get("/account/codes")
def show() -> Response | str:
    """The secret as a picture, and the place for the first code."""
    person = require_fresh_login()
    if second_factors.has_codes(database_session(), person):
        return _back()
    with services().database.writing() as session:
        secret = second_factors.begin_codes(session, person, _sealer())
    return _page(person, secret, {})


@blueprint.post("/account/codes")
def confirm() -> Response | str:
    """The first code; then the recovery codes are shown."""
    person = require_fresh_login()
    session = database_session()
    try:
        second_factors.confirm_codes(session, person, request.form.get("code", ""), _sealer())
    except InvalidInput as error:
        session.rollback()
        with services().database.writing() as unit:
            secret = second_factors.begin_codes(unit, person, _sealer())
        return _page(person, secret, {name: translated(text) for name, text in error.fields.items()})
    codes = second_factors.make_recovery_codes(session, person)
    commit()
    return render_template("account/recovery.html", codes=codes)


@blueprint.post("/account/codes/remove")
def remove() -> Response:
    """No codes any more."""
    person = require_fresh_login()
    second_factors.remove_codes(database_session(), person, by=person)
    commit()
    flash(_("The telephone makes no codes for you any more."), "success")
    return _back()


@blueprint.post("/account/recovery-codes")
def renew() -> str:
    """New recovery codes in place of the old ones."""
    person = require_fresh_login()
    codes = second_factors.make_recovery_codes(database_session(), person)
    commit()
    return render_template("account/recovery.html", codes=codes)


def _sealer() -> Sealer:
    return Sealer(services().settings)


def _back() -> Response:
    return redirect(url_for("account.index"), 303)


def _page(person: User, secret: str, errors: dict[str, str]) -> str:
    return render_template(
        "account/codes.html",
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        qr=qr_picture(totp.address_for_telephones(secret, person.email, "Videolib")),
        errors=errors,
    )
