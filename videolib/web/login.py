"""Logging in and out: by a name and a password, each attempt counted; and what a page asks when its session ended."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request, url_for
from flask import session as cookie
from flask_wtf.csrf import generate_csrf
from sqlalchemy import update
from werkzeug.wrappers import Response as AnyResponse

from videolib.catalogue.attempts import PER_ACCOUNT, PER_ADDRESS, PER_DEVICE, begin_attempt, forget_attempt
from videolib.catalogue.audit import record_event
from videolib.catalogue.login_names import find_by_name, forms_of
from videolib.catalogue.login_steps import Begun, LoginStep, begin_step, find_step, take_step
from videolib.catalogue.logins import end_session
from videolib.catalogue.passkeys import Place, list_passkeys
from videolib.catalogue.people import User
from videolib.catalogue.second_factors import Sealer, has_codes, has_second_factor, use_code
from videolib.passwords import hash_password, needs_new_hash, verify_password
from videolib.web.access import find_person, login_session
from videolib.web.accounts import client_address, device_of, enter, forget
from videolib.web.context import commit, database_session, services
from videolib.web.preferences import local_path

blueprint = Blueprint("security", __name__)

STEP_KEY = "step"  # where the cookie keeps the secret of a login whose second step is awaited


@blueprint.get("/login")
def login() -> AnyResponse | str:
    """The page; who is logged in already goes on, unless asked to say once more who they are."""
    if _is_done():
        return redirect(next_path())
    return _page()


@blueprint.post("/login")
def submit() -> AnyResponse | str:
    """A name and a password."""
    if _is_done():
        return redirect(next_path())
    person = check_password(request.form.get("email", ""), request.form.get("password", ""))
    if person is None:
        return _page(is_refused=True)
    is_remembered = bool(request.form.get("remember"))
    with services().database.reading() as session:
        is_enough = not has_second_factor(session, person)
    if is_enough:
        return enter(person, "password", _onward(), is_remembered=is_remembered)
    begin(Begun(person, is_remembered, next_path()))
    return redirect(url_for("security.second"))


@blueprint.get("/login/second")
def second() -> AnyResponse | str:
    """The second step, for whom a password is not enough."""
    step = find_waiting()
    return _second_page(step) if step is not None else redirect(url_for("security.login"))


@blueprint.post("/login/second")
def submit_second() -> AnyResponse | str:
    """A code of the telephone, or a recovery code."""
    step = find_waiting()
    if step is None:
        return redirect(url_for("security.login"))
    with services().database.writing() as session:
        counted = begin_attempt(session, {f"second:{step.user_id}": PER_ACCOUNT})
    with services().database.writing() as session:
        person = session.get_one(User, step.user_id)
        method = use_code(session, person, request.form.get("code", ""), Sealer(services().settings))
        if method is None:
            record_event(session, "refuse_login", "user", str(person.id), by=None, address=client_address(), step=2)
            return _second_page(step, is_refused=True)
        forget_attempt(session, counted)
        take_step(session, cookie.get(STEP_KEY))
    return enter(person, method, redirect(local_path(step.next_path)), is_remembered=step.is_remembered)


@blueprint.post("/logout")
def logout() -> AnyResponse:
    """End this browser's session."""
    row = login_session()
    if row is not None:
        end_session(database_session(), row.id, by=g.person)
        commit()
    forget()
    return redirect("/")


@blueprint.get("/login/state")
def state() -> Response:
    """For a page that stayed open: whether somebody is logged in, and the token of the session that is."""
    person = find_person()
    answer = jsonify(
        signed_in=person is not None,
        person=person.id if person else None,
        second_step=person is None and find_waiting() is not None,
        csrf_token=generate_csrf(),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def check_password(name: str, password: str) -> User | None:
    """Who logs in by that name and password. Raises `TooOften`; no work is done while the database waits."""
    with services().database.reading() as session:
        person = find_by_name(session, name)
        session.expunge_all()
    is_known = device_of(person)
    # names are counted, not whom they mean: so the count does not tell whether they mean anybody
    limits = {**{f"account:{form}": PER_ACCOUNT for form in forms_of(name)}, f"address:{client_address()}": PER_ADDRESS}
    if person is not None and is_known:  # nobody else, not even from the same address, keeps a known browser out
        limits = {f"device:{is_known}:{person.id}": PER_DEVICE}
    with services().database.writing() as session:
        counted = begin_attempt(session, limits)
    is_right = verify_password(password, person.password if person and person.active else None)
    with services().database.writing() as session:
        if is_right:
            forget_attempt(session, counted)
        else:  # of nobody, too: what is written takes time that would tell
            subject = str(person.id) if person else ""
            record_event(session, "refuse_login", "user", subject, by=None, address=client_address())
    if not is_right or person is None:
        return None
    _renew_hash(person, password)
    return person


def next_path() -> str:
    """Where to after the login: a path of this service."""
    return local_path(request.form.get("next") or request.args.get("next", ""))


def begin(begun: Begun, key: str = STEP_KEY) -> bytes:
    """Remember in the cookie, under `key`, what has begun; gives what a passkey is to sign."""
    with services().database.writing() as session:
        secret, challenge = begin_step(session, begun)
    cookie[key] = secret
    return challenge


def find_waiting() -> LoginStep | None:
    """The login of this browser that waits for its second step."""
    with services().database.reading() as session:
        step = find_step(session, cookie.get(STEP_KEY))
        session.expunge_all()
    return step if step is not None and step.user_id is not None else None


def _second_page(step: LoginStep, *, is_refused: bool = False) -> str:
    with services().database.reading() as session:
        person = session.get_one(User, step.user_id)
        return render_template(
            "security/second.html",
            has_codes=has_codes(session, person),
            has_passkeys=bool(list_passkeys(session, person)) and place().takes_passkeys,
            is_refused=is_refused,
        )


def place() -> Place:
    """Where people reach this service: what passkeys belong to."""
    return Place(services().settings.public_url or request.host_url.rstrip("/"))


def _renew_hash(person: User, password: str) -> None:
    if person.password and needs_new_hash(person.password):
        hashed = hash_password(password)
        with services().database.writing() as session:
            session.execute(update(User).where(User.id == person.id).values(password=hashed))


def _is_done() -> bool:
    return find_person() is not None and not request.args.get("again")


def _onward() -> AnyResponse:
    return redirect(next_path())


def _page(*, is_refused: bool = False) -> str:
    settings = services().settings
    return render_template(
        "security/login.html",
        name=request.form.get("email", "") or (g.person.email if g.get("person") else ""),
        next_path=request.form.get("next") or request.args.get("next", ""),
        is_again=bool(request.args.get("again")),
        is_refused=is_refused,
        is_remembered=bool(request.form.get("remember")),
        takes_passkeys=place().takes_passkeys,
        sso_label=settings.oidc_label or urlsplit(settings.oidc_issuer or "").netloc,
    )
