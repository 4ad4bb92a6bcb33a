"""Quarantine: who opens a recording before a second person has signed it off, and who lets whom in.

Its uploader, the editors assigned to it and the reviewers of its hospital; no role opens anything by itself, not even
administrator. What this program generated for a demo shows no patient and is open to editors.
"""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, object_session

from videolib.catalogue import lifecycle
from videolib.catalogue.audit import record_event
from videolib.catalogue.groups import Group, get_group
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording, RecordingEditor
from videolib.errors import InvalidInput, NotAllowed

LONGEST_LIST = 200
_HOSPITALS = select(Group.id).where(Group.kind == "hospital")


def is_quarantined(recording: Recording) -> bool:
    """Whether nobody has signed it off as it is now; a montage is as what it shows."""
    if recording.is_montage and not all(one.state == "ready" or one.is_generated for one in recording.sources):
        return True
    return recording.state != "ready" and not recording.is_generated


def may_open(person: User | None, recording: Recording) -> bool:
    """Whether this person may see the recording's pictures, hear its sound and read its texts in quarantine."""
    if person is None or not person.active:
        return False
    if recording.is_montage:
        return bool(recording.sources) and all(may_open(person, one) for one in recording.sources)
    if recording.uploader_id == person.id or recording.hospital_id in person.hospitals_as("reviewer"):
        return True
    return bool(person.role_names & lifecycle.EDITORS) and (recording.is_generated or _is_assigned(person, recording))


def may_sign_off(person: User | None, recording: Recording) -> bool:
    """Whether this person is the second one: a reviewer of its hospital, never who uploaded it.

    In a library without hospitals, and of what was generated, any other who may open it.
    """
    if person is None or recording.is_montage or recording.uploader_id == person.id or not may_open(person, recording):
        return False
    if recording.hospital_id in person.hospitals_as("reviewer"):
        return True
    return recording.is_generated or (recording.hospital_id is None and not has_hospitals(recording))


def may_know(person: User, recording: Recording) -> bool:
    """Whether somebody who holds the same bytes is told that they are here: of their own hospital's recordings only."""
    if may_open(person, recording) or recording.hospital_id in person.group_ids:
        return True
    return recording.hospital_id is None and not has_hospitals(recording)


def require_second(recording: Recording, *, by: User) -> None:
    """Raise `NotAllowed` unless this person may sign the recording off."""
    if recording.uploader_id == by.id:
        raise NotAllowed(
            "Somebody other than the uploader has to look at the recording and sign it off.", code="two_people"
        )
    if not may_sign_off(by, recording):
        raise NotAllowed(
            "Only a reviewer of the recording's hospital signs it off; a privacy officer there names reviewers.",
            code="not_its_reviewer",
        )


def list_waiting(session: Session, *, by: User) -> list[Recording]:
    """What waits for this person's look as a reviewer or an assigned editor, the oldest first; not their own."""
    assigned = select(RecordingEditor.recording_id).where(RecordingEditor.user_id == by.id)
    mine = or_(Recording.hospital_id.in_(by.hospitals_as("reviewer")), Recording.id.in_(assigned))
    waiting = select(Recording).where(Recording.state == "awaiting_review", mine)
    rows = session.scalars(waiting.order_by(Recording.created_at, Recording.id).limit(LONGEST_LIST))
    return [row for row in rows if row.uploader_id != by.id and may_open(by, row)]


def set_hospital(session: Session, recording: Recording, hospital_id: str, *, by: User | None) -> None:
    """Say whose recording it is: its reviewers open it from now on, those of another no longer.

    Whoever opens it may say so once; then its uploader and its hospital's reviewers. Raises `NotAllowed`, `NotFound`.
    """
    get_group(session, hospital_id, "hospital")
    if recording.hospital_id == hospital_id:
        return
    if by is not None and not _may_move(by, recording):
        raise NotAllowed(
            "Only the uploader and the reviewers of its hospital say of which hospital a recording is.",
            code="not_its_hospital",
        )
    record_event(session, "permission", "recording", recording.id, by=by, hospital=hospital_id)
    recording.hospital_id = hospital_id
    session.flush()


def assign_editor(session: Session, recording: Recording, person: User, *, by: User | None) -> None:
    """Let an editor in. Raises `NotAllowed` for who is not in himself, `InvalidInput` for who is no editor."""
    _require_in(recording, by)
    if not person.active or not person.role_names & lifecycle.EDITORS:
        sentence = "Only editors can be assigned."
        raise InvalidInput(sentence, fields={"who": sentence}, code="no_editor")
    if session.get(RecordingEditor, (recording.id, person.id)) is None:
        recording.editors.append(RecordingEditor(user_id=person.id, assigned_by_id=by.id if by else None))
        record_event(session, "permission", "recording", recording.id, by=by, assigned=person.id)
        session.flush()
        session.info.pop("assigned", None)


def release_editor(session: Session, recording: Recording, user_id: int, *, by: User | None) -> None:
    """Shut an editor out again; one may leave oneself. Raises `NotAllowed`."""
    _require_in(recording, by)
    found = next((one for one in recording.editors if one.user_id == user_id), None)
    if found is not None:
        recording.editors.remove(found)
        session.delete(found)
        record_event(session, "permission", "recording", recording.id, by=by, released=user_id)
        session.flush()
        session.info.pop("assigned", None)


def has_hospitals(recording: Recording) -> bool:
    """Whether the library knows any hospital: then each recording is to be of one. Asked once in a session."""
    session = object_session(recording)
    if session is None:
        return True
    if "has_hospitals" not in session.info:
        session.info["has_hospitals"] = session.scalars(_HOSPITALS.limit(1)).first() is not None
    return bool(session.info["has_hospitals"])


def _is_assigned(person: User, recording: Recording) -> bool:
    """Asked once for a person in a session: lists ask it of each of their lines."""
    session = object_session(recording)
    if session is None:
        return any(one.user_id == person.id for one in recording.editors)
    known: dict[int, frozenset[str]] = session.info.setdefault("assigned", {})
    if person.id not in known:
        mine = select(RecordingEditor.recording_id).where(RecordingEditor.user_id == person.id)
        known[person.id] = frozenset(session.scalars(mine))
    return recording.id in known[person.id]


def _may_move(person: User, recording: Recording) -> bool:
    is_owner = recording.uploader_id == person.id or recording.hospital_id in person.hospitals_as("reviewer")
    return may_open(person, recording) and (recording.hospital_id is None or is_owner)


def _require_in(recording: Recording, by: User | None) -> None:
    if by is not None and not may_open(by, recording):
        raise NotAllowed(
            "Nobody has signed this recording off: only its uploader, the editors assigned to it and the reviewers of "
            "its hospital open it.",
            code="quarantined",
        )
