"""Who asks, and whether they may: fetch or raise; what one may not know of is NotFound, like what is not there."""

from __future__ import annotations

from flask import g, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from videolib.catalogue import lifecycle
from videolib.catalogue.access import can, get_entry
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User, find_user_by_token
from videolib.catalogue.recordings import Recording, get_recording
from videolib.errors import NotAllowed, NotFound, VideolibError
from videolib.web.context import database_session, services


class LoginRequired(VideolibError):
    """Nobody is logged in, and this is not for everybody."""

    code = "login_required"


def has_bearer() -> bool:
    """Whether this request says who it is by a token: then its cookie does not count, and needs no CSRF token."""
    return request.headers.get("Authorization", "").lower().startswith("bearer ")


def current_person() -> User | None:
    """Who asks; None for anonymous callers. Raises `LoginRequired` for a token that is not valid."""
    if "person" not in g:
        g.person = _person_by_token() if has_bearer() else _person_by_session()
    person: User | None = g.person
    return person


def find_person() -> User | None:
    """Who asks, as far as that can be told; for pages that must appear whatever is broken."""
    try:
        return current_person()
    except (VideolibError, SQLAlchemyError):
        return None


def require_login() -> User:
    """Who asks. Raises `LoginRequired`."""
    person = current_person()
    if person is None:
        raise LoginRequired("Log in first, or send a token.")
    return person


def require_editor() -> User:
    """An editor or administrator. Raises `LoginRequired`, `NotAllowed`."""
    person = require_login()
    if not can(person, "edit", "catalogue"):
        raise NotAllowed("Only editors may do this; an administrator can give you that role.", code="editors_only")
    return person


def require_uploader() -> User:
    """Somebody who may send recordings. Raises `LoginRequired`, `NotAllowed`."""
    person = require_login()
    if not can(person, "upload", "recordings"):
        raise NotAllowed("Only editors may do this; an administrator can give you that role.", code="editors_only")
    return person


def require_admin() -> User:
    """An administrator. Raises `LoginRequired`, `NotAllowed`."""
    person = require_login()
    if not can(person, "administer", "service"):
        raise NotAllowed("Only administrators may do this.", code="admins_only")
    return person


def require_auditor() -> User:
    """Somebody who may read the audit: an administrator or a privacy officer. Raises `LoginRequired`, `NotAllowed`."""
    person = require_login()
    if not can(person, "read", "audit"):
        raise NotAllowed("Only administrators and privacy officers may read this.", code="auditors_only")
    return person


def require_officer() -> User:
    """A privacy officer of some hospital. Raises `LoginRequired`, `NotAllowed`."""
    person = require_login()
    if not can(person, "keep", "consents"):
        raise NotAllowed("Only privacy officers may do this.", code="officers_only")
    return person


def entry_to_see(entry_id: str) -> Entry:
    """That entry. Raises `NotFound` where it is not there or not for this person."""
    return get_entry(database_session(), entry_id, by=current_person())


def entry_to_edit(entry_id: str) -> Entry:
    """That entry, for an editor. Raises `LoginRequired`, `NotFound`, `NotAllowed`, in this order."""
    person = require_login()
    entry = get_entry(database_session(), entry_id, by=person)
    require_editor()
    return entry


def require_reviewer() -> User:
    """Somebody who may review. Raises `LoginRequired`, `NotAllowed`."""
    person = require_login()
    lifecycle.require_role(person, lifecycle.REVIEWERS)
    return person


def entry_to_review(entry_id: str) -> Entry:
    """That entry, for whoever may see it as it is worked on. Raises `NotFound` for all others."""
    person = require_reviewer()
    entry = entry_to_see(entry_id)
    lifecycle.require_part(entry, person)
    return entry


def recording_to_see(recording_id: str) -> Recording:
    """That recording, for its uploader and for editors. Raises `NotFound`."""
    recording = get_recording(database_session(), recording_id)
    if not can(current_person(), "see", recording):
        raise NotFound("There is no such recording.", code="recording_not_found")
    return recording


def recording_to_edit(recording_id: str) -> Recording:
    """That recording, for an editor. Raises `LoginRequired`, `NotAllowed`, `NotFound`."""
    require_editor()
    return get_recording(database_session(), recording_id)


def _person_by_session() -> User | None:
    if not current_user or not current_user.is_authenticated:
        return None
    person: User = current_user.person
    return person


def _person_by_token() -> User:
    token = request.headers["Authorization"][7:].strip()
    with services().database.reading() as session:
        person = find_user_by_token(session, token)
        session.expunge_all()
    if person is None:
        raise LoginRequired(
            "This token is not valid, or not any more; make a new one with `videolib user token`.", code="bad_token"
        )
    return person
