"""Who asks, and whether they may: fetch or raise; what one may not know of is NotFound, like what is not there."""

from __future__ import annotations

from flask import g, request, session
from sqlalchemy.exc import SQLAlchemyError

from videolib.catalogue import lifecycle
from videolib.catalogue.access import can, get_entry, get_playlist_for
from videolib.catalogue.entries import Entry
from videolib.catalogue.logins import find_session, is_fresh
from videolib.catalogue.people import LoginSession, User
from videolib.catalogue.playlists import Playlist
from videolib.catalogue.recordings import Recording, get_recording
from videolib.catalogue.tokens import find_token
from videolib.errors import NotAllowed, NotFound, VideolibError
from videolib.web.context import SAFE_METHODS, database_session, services


class LoginRequired(VideolibError):
    """Nobody is logged in, and this is not for everybody."""

    code = "login_required"


class FreshLoginRequired(LoginRequired):
    """Somebody is logged in, but has not proved lately who they are."""

    code = "fresh_login_required"


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


def require_fresh_login() -> User:
    """Who asks, if they proved lately who they are. Raises `LoginRequired`, `FreshLoginRequired`."""
    person, row = require_login(), login_session()
    if row is None or not is_fresh(row):
        raise FreshLoginRequired("Sign in again: this changes how one signs in here.")
    return person


def login_session() -> LoginSession | None:
    """The session by which somebody is logged in with this browser; None for programs and anonymous callers."""
    find_person()
    row: LoginSession | None = g.get("login_session")
    return row


def count_unread() -> int:
    """How many messages wait for who is logged in with this browser; asked together with the session."""
    find_person()
    unread: int = g.get("unread", 0)
    return unread


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


def require_in_person() -> User:
    """Who is logged in with this browser: a program changes neither how its person logs in, nor who may do what.

    Raises `LoginRequired`, `NotAllowed`.
    """
    person = require_login()
    if login_session() is None:
        raise NotAllowed("This is for people, not for programs: open it in a browser.", code="not_for_tokens")
    return person


def require_admin_in_person() -> User:
    """An administrator in a browser who proved lately who they are: for changes of what people may.

    Raises `LoginRequired`, `NotAllowed`, `FreshLoginRequired`.
    """
    by = require_admin()
    require_in_person()
    require_fresh_login()
    return by


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


def require_instructor() -> User:
    """An instructor or administrator. Raises `LoginRequired`, `NotAllowed`."""
    person = require_login()
    if not can(person, "teach", "lessons"):
        raise NotAllowed("Only instructors may do this; an administrator can give you that role.", code="teachers_only")
    return person


def playlist_to_see(playlist_id: str) -> Playlist:
    """That playlist. Raises `NotFound` where it is not there or not for this person."""
    return get_playlist_for(database_session(), playlist_id, by=current_person())


def playlist_to_build(playlist_id: str) -> Playlist:
    """That playlist, for those who build it. Raises `LoginRequired`, `NotFound`, `NotAllowed`, in this order."""
    person = require_login()
    playlist = get_playlist_for(database_session(), playlist_id, by=person)
    if not can(person, "build", playlist):
        raise NotAllowed("Only those who build this playlist may do this.", code="builders_only")
    return playlist


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
    """Somebody who may review, by role or for a hospital. Raises `LoginRequired`, `NotAllowed`."""
    person = require_login()
    if not person.hospitals_as("reviewer"):
        lifecycle.require_role(person, lifecycle.REVIEWERS)
    return person


def entry_to_review(entry_id: str) -> Entry:
    """That entry, for whoever may see it as it is worked on. Raises `NotFound` for all others."""
    person = require_reviewer()
    entry = entry_to_see(entry_id)
    lifecycle.require_part(entry, person)
    return entry


def recording_to_see(recording_id: str) -> Recording:
    """That recording, for editors and who opens it in quarantine. Raises `NotFound`."""
    recording = get_recording(database_session(), recording_id)
    if not can(current_person(), "see", recording):
        raise NotFound("There is no such recording.", code="recording_not_found")
    return recording


def recording_to_open(recording_id: str) -> tuple[User, Recording]:
    """Who asks and that recording, for those who look into its quarantine.

    Raises `LoginRequired`, `NotFound` for who may not know of it, `NotAllowed` for who may but does not open it.
    """
    person = require_login()
    recording = recording_to_see(recording_id)
    require_open(recording)
    return person, recording


def require_open(recording: Recording) -> None:
    """Raise `NotAllowed` for who does not look into this recording's quarantine."""
    if not can(current_person(), "open", recording):
        raise NotAllowed(
            "Nobody has signed this recording off: only its uploader, the editors assigned to it and the reviewers of "
            "its hospital open it.",
            code="quarantined",
        )


def entry_to_watch(entry_id: str) -> Entry:
    """That entry, for who may see it or preview its recording. Raises `NotFound`."""
    entry = database_session().get(Entry, entry_id)
    if entry is not None and can(current_person(), "preview", entry):
        return entry
    return entry_to_see(entry_id)


def entry_to_read(entry_id: str) -> Entry:
    """That entry, for who may read what is said in it. Raises `NotFound`, `NotAllowed` in quarantine."""
    entry = entry_to_see(entry_id)
    require_words(entry)
    return entry


def require_words(entry: Entry) -> None:
    """Raise `NotAllowed` for who may see the entry and not read what is said in it."""
    if not can(current_person(), "words", entry) and entry.recording is not None:
        require_open(entry.recording)


def recording_to_edit(recording_id: str) -> Recording:
    """That recording, for an editor. Raises `LoginRequired`, `NotAllowed`, `NotFound`."""
    require_editor()
    return get_recording(database_session(), recording_id)


def _person_by_session() -> User | None:
    secret = session.get("login")
    if not isinstance(secret, str):
        return None
    with services().database.reading() as unit:
        found = find_session(unit, secret)
        unit.expunge_all()
    if found is None:
        return None
    g.login_session, person, g.unread = found
    return person


def _person_by_token() -> User:
    text = request.headers["Authorization"][7:].strip()
    with services().database.reading() as unit:
        found = find_token(unit, text)
        unit.expunge_all()
    if found is None:
        raise LoginRequired(
            "This token is not valid, or not any more; make a new one at your account.", code="bad_token"
        )
    g.token, person = found
    _require_scope(frozenset(g.token.scopes))
    return person


def _require_scope(scopes: frozenset[str]) -> None:
    """Whether the token is for this kind of request. Raises `NotAllowed`."""
    is_upload = request.path.startswith("/api/v1/uploads")
    wanted = {"read"} if request.method in SAFE_METHODS else {"write"}
    if not scopes & (wanted | {"upload"} if is_upload else wanted):
        raise NotAllowed("This token is not for that; make one with a wider scope at your account.", code="scope")
