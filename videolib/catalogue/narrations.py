"""Narrations: what somebody says over an entry's recording, in one language, in the place of its own sound.

Speech may name a patient: nobody but those who work on the entry hears it before a second person has accepted it. A
narration belongs to its entry; no object of the recording's package is touched. Its one object lies under
`narrations/<id>/` until a worker removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib import hls
from videolib.catalogue import lifecycle
from videolib.catalogue.access import can
from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry
from videolib.catalogue.jobs import enqueue
from videolib.catalogue.people import User
from videolib.catalogue.quarantine import has_hospitals
from videolib.catalogue.tracks import segment_of
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, InvalidInput, NotAllowed, NotFound

LANGUAGES = ("zh-Hans", "en")
FOLDER = "narrations"
MOST_REASON = 500


class Narration(Base):
    """One narration. `sound` says what the worker has made: path, bytes, sha256, init_bytes, codec, segments."""

    __tablename__ = "narrations"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    # empty once the entry is deleted
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("entries.id", ondelete="SET NULL"), index=True)
    language: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")  # queued, made, failed, refused, removed
    # why it failed, or what whoever refused it heard
    reason: Mapped[str | None]
    # what was uploaded, in the restricted store; empty once it is made
    original_key: Mapped[str]
    sound: Mapped[dict[str, Any]] = mapped_column(default=dict)
    uploader_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    uploaded_at: Mapped[datetime] = mapped_column(default=utc_now)
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    accepted_at: Mapped[datetime | None]

    @property
    def prefix(self) -> str:
        """Start of the keys of all its objects."""
        return f"{FOLDER}/{self.id}"

    @property
    def path(self) -> str:
        """Its sound, beside a package's multivariant playlist."""
        return f"{self.prefix}/{self.sound['path']}"

    @property
    def duration_s(self) -> float:
        """How long its sound is."""
        return round(sum(float(item["duration_s"]) for item in self.sound["segments"]), 3)

    @property
    def track(self) -> hls.Track:
        """Its sound as a track of a package."""
        segments = tuple(segment_of(item) for item in self.sound["segments"])
        return hls.Track(
            self.language, self.prefix, str(self.sound["codec"]), segments, channels=2, language=self.language
        )


def list_narrations(session: Session, entry_id: str, *, accepted: bool = False) -> list[Narration]:
    """Those of an entry, by language and age; with `accepted` what its viewers hear."""
    mine = select(Narration).where(Narration.entry_id == entry_id, Narration.state != "removed")
    if accepted:
        mine = mine.where(Narration.state == "made", Narration.accepted_at.is_not(None))
    return list(session.scalars(mine.order_by(Narration.language.desc(), Narration.uploaded_at, Narration.id)))


def snapshot(session: Session, entry_id: str) -> dict[str, dict[str, Any]]:
    """What viewers hear, by language: how long it is, and of which bytes."""
    return {
        row.language: {"duration_s": row.duration_s, "bytes": row.sound["bytes"], "sha256": row.sound["sha256"]}
        for row in list_narrations(session, entry_id, accepted=True)
    }


def get_narration(session: Session, entry_id: str, narration_id: str) -> Narration:
    """That one of that entry. Raises `NotFound`."""
    found = session.get(Narration, narration_id)
    if found is None or found.entry_id != entry_id or found.state == "removed":
        raise NotFound("There is no such narration.", code="narration_not_found")
    return found


def require_narratable(entry: Entry, language: str, *, by: User) -> None:
    """Raise `InvalidInput`, `Conflict`, `NotAllowed` where no narration in that language can be taken in."""
    lifecycle.require(entry, "edit", by=by)
    if language not in LANGUAGES:
        raise InvalidInput("Choose the language that is spoken.", fields={"language": "Choose a language."})
    if entry.recording is None or entry.recording.package_id is None:
        raise Conflict("Wait until the recording can be watched.", code="wrong_state")
    if not can(by, "preview", entry):
        raise NotAllowed("Only those who may look into the recording may narrate it.", code="quarantined")


def add_narration(session: Session, entry: Entry, language: str, original_key: str, *, by: User) -> Narration:
    """Take a narration in; a worker makes it ready to be heard. One that nobody has accepted yet gives way to it."""
    require_narratable(entry, language, by=by)
    for other in list_narrations(session, entry.id):
        if other.language == language and other.accepted_at is None:
            remove_narration(session, other, by=by)
    narration = Narration(entry_id=entry.id, language=language, original_key=original_key, uploader_id=by.id)
    session.add(narration)
    session.flush()
    enqueue(session, "narrate", str(entry.recording_id), narration_id=narration.id)
    record_event(session, "narrate", "narration", narration.id, by=by, entry=entry.id, language=language)
    return narration


def keep_sound(session: Session, narration: Narration, sound: dict[str, Any]) -> None:
    """A worker has made it ready; what was uploaded is not needed any more."""
    narration.sound, narration.state, narration.original_key = sound, "made", ""
    session.flush()


def fail_narration(session: Session, narration_id: str, sentence: str) -> None:
    """What was uploaded cannot be made ready."""
    queued = (Narration.id == narration_id) & (Narration.state == "queued")
    session.execute(update(Narration).where(queued).values(state="failed", reason=sentence))


def may_accept(person: User | None, entry: Entry, narration: Narration) -> bool:
    """Whether this person is the second one: a reviewer of the recording's hospital, never who uploaded it.

    In a library without hospitals, and of what was generated, any other editor or reviewer who may look into it.
    """
    recording = entry.recording
    if person is None or recording is None or person.id == narration.uploader_id or not can(person, "preview", entry):
        return False
    if recording.hospital_id in person.hospitals_as("reviewer"):
        return True
    is_free = recording.is_generated or (recording.hospital_id is None and not has_hospitals(recording))
    return is_free and bool(person.role_names & lifecycle.REVIEWERS)


def accept_narration(session: Session, entry: Entry, narration: Narration, *, by: User) -> None:
    """Let viewers hear it; an earlier one of its language goes. Raises `NotAllowed`, `Conflict`."""
    if narration.uploader_id == by.id:
        raise NotAllowed("Somebody other than who uploaded it has to listen to the narration.", code="two_people")
    if not may_accept(by, entry, narration):
        raise NotAllowed("Only a reviewer of the recording's hospital accepts its narration.", code="not_its_reviewer")
    if narration.state != "made" or narration.accepted_at is not None:
        raise Conflict("This narration cannot be accepted now; look at it again.", code="wrong_state")
    for other in list_narrations(session, entry.id, accepted=True):
        if other.language == narration.language:
            remove_narration(session, other, by=by)
    narration.accepted_by_id, narration.accepted_at = by.id, utc_now()
    record_event(session, "accept_narration", "narration", narration.id, by=by, entry=entry.id)


def refuse_narration(session: Session, entry: Entry, narration: Narration, reason: str, *, by: User) -> None:
    """Say why viewers may not hear it; a worker removes the sound, the line stays for who brought it.

    Raises `InvalidInput` without a reason, `NotAllowed`, `Conflict`.
    """
    if not may_accept(by, entry, narration):
        raise NotAllowed("Only a reviewer of the recording's hospital accepts its narration.", code="not_its_reviewer")
    if not reason.strip():
        raise InvalidInput("Say why.", fields={"reason": "Say why."})
    if narration.state != "made" or narration.accepted_at is not None:
        raise Conflict("This narration cannot be accepted now; look at it again.", code="wrong_state")
    narration.state, narration.reason = "refused", reason.strip()[:MOST_REASON]
    record_event(session, "refuse_narration", "narration", narration.id, by=by, entry=entry.id)


def hold_narrations(session: Session, entry_id: str) -> None:
    """Something private was reported, which may have been said: each has to be accepted again."""
    mine = (Narration.entry_id == entry_id) & (Narration.state == "made")
    session.execute(update(Narration).where(mine).values(accepted_at=None, accepted_by_id=None))


def remove_narration(session: Session, narration: Narration, *, by: User | None) -> None:
    """Take it away from everybody at once; a worker removes its objects. No restored backup brings it back."""
    narration.state, narration.accepted_at, narration.accepted_by_id = "removed", None, None
    record_event(session, "remove_narration", "narration", narration.id, by=by, entry=narration.entry_id)


def list_to_remove(session: Session) -> list[Narration]:
    """What was taken away or refused, or whose entry is gone: its objects are to be removed."""
    over = or_(Narration.state.in_(("refused", "removed")), Narration.entry_id.is_(None))
    found = session.scalars(select(Narration).where(over).order_by(Narration.id))
    return [row for row in found if row.sound or not _stays(row)]


def forget_narrations(session: Session, ids: Sequence[str]) -> None:
    """The objects of these are gone: remove their rows; one that was refused stays, silent, for who brought it."""
    for row in session.scalars(select(Narration).where(Narration.id.in_(ids))):
        if _stays(row):
            row.sound = {}
        else:
            session.delete(row)


def _stays(narration: Narration) -> bool:
    return narration.state == "refused" and narration.entry_id is not None
