"""Passkeys in the browser: made for one's account, and to log in by; asked for and answered in JSON by our scripts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, url_for
from flask import session as cookie
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from videolib.catalogue import passkeys
from videolib.catalogue.attempts import PER_ADDRESS, begin_attempt, forget_attempt
from videolib.catalogue.login_steps import Begun, drop_step, take_step
from videolib.catalogue.people import User
from videolib.catalogue.second_factors import count_recovery_codes
from videolib.errors import InvalidInput
from videolib.web.access import login_session, require_fresh_login
from videolib.web.accounts import client_address, enter
from videolib.web.api.answers import sent_object
from videolib.web.context import commit, database_session, services
from videolib.web.login import STEP_KEY, begin, find_waiting, place
from videolib.web.preferences import local_path

blueprint = Blueprint("passkeys", __name__)

# where the cookie keeps what a key is asked for, and what it is to be made by: beside a login that waits for its step
ASKED_KEY, OFFERED_KEY = "passkey_asked", "passkey_offered"


@blueprint.post("/login/passkey/options")
def ask() -> Response:
    """What the browser is to prove."""
    row, asked, waiting = login_session(), sent_object(), find_waiting()
    is_remembered, next_path = bool(asked.get("remember")), str(asked.get("next", ""))
    if waiting is not None:  # the second step of a login that said this already
        is_remembered, next_path = waiting.is_remembered, waiting.next_path
    is_remembered |= row is not None and row.is_remembered
    challenge = begin(Begun(None, is_remembered, local_path(next_path)), ASKED_KEY)
    return jsonify(passkeys.request_options(place(), challenge))


@blueprint.post("/login/passkey")
def prove() -> AnyResponse:
    """Log in by the key that has signed; it is both proofs in one."""
    with services().database.writing() as session:
        counted = begin_attempt(session, {f"passkeys:{client_address()}": PER_ADDRESS})
    with services().database.writing() as session:
        step = take_step(session, cookie.pop(ASKED_KEY, None))
    with services().database.writing() as session:
        person = passkeys.prove_by_passkey(session, _credential(), place(), bytes.fromhex(step.challenge))
        forget_attempt(session, counted)
        drop_step(session, cookie.get(STEP_KEY))
    return enter(person, "passkey", jsonify(next=step.next_path), is_remembered=step.is_remembered)


@blueprint.post("/account/passkeys/options")
def offer() -> Response:
    """What the browser is to make a key by."""
    person = require_fresh_login()
    challenge = begin(Begun(person), OFFERED_KEY)
    return jsonify(passkeys.creation_options(database_session(), person, place(), challenge))


@blueprint.post("/account/passkeys")
def add() -> Response:
    """Keep the key."""
    person = require_fresh_login()
    session = database_session()
    step = take_step(session, cookie.pop(OFFERED_KEY, None))
    if step.user_id != person.id:
        raise InvalidInput("This took too long; begin again.", code="step_over")
    name = str(sent_object().get("name", ""))
    owner = session.get_one(User, person.id)
    passkeys.add_passkey(session, owner, name, _credential(), place(), bytes.fromhex(step.challenge))
    needs_codes = not count_recovery_codes(session, owner)
    commit()
    flash(_("The passkey is kept; from now on you may sign in by it."), "success")
    return jsonify(next=url_for("account.index"), needs_codes=needs_codes)


@blueprint.post("/account/passkeys/<passkey_id>/remove")
def remove(passkey_id: str) -> AnyResponse:
    """Remove one."""
    passkeys.remove_passkey(database_session(), passkey_id, by=require_fresh_login())
    commit()
    flash(_("The passkey is removed."), "success")
    return redirect(url_for("account.index"), 303)


def _credential() -> dict[str, Any]:
    found = sent_object().get("credential")
    if not isinstance(found, dict):
        raise InvalidInput("This passkey was not accepted; try again, or sign in with your password.", code="passkey")
    return found
