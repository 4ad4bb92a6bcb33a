"""Recordings: what was uploaded, the states it goes through, and how far it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, false, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from videolib.catalogue.audit import record_event
from videolib.catalogue.groups import find_home_hospital
from videolib.catalogue.people import User
from videolib.db import Base, new_id, utc_now
from videolib.errors import Conflict, NotAllowed, NotFound

# The whole life of a recording. event: what happens; states: from which state to which. Nothing else is possible.
TRANSITIONS: dict[str, dict[str, str]] = {
    "uploaded": {"enqueue": "queued"},
    "queued": {"start": "processing", "cancel": "cancelled", "fail": "failed"},
    "processing": {
        "start": "processing",  # another worker takes over after a lease ran out
        "release": "queued",
        "hold": "awaiting_review",
        "finish": "ready",
        "reject": "rejected",
        "fail": "failed",
        "cancel": "cancelled",
    },
    "awaiting_review": {"sign_off": "ready", "reject": "rejected", "enqueue": "queued"},
    # reopen: a viewer has reported something private
    "ready": {"enqueue": "queued", "reopen": "awaiting_review"},
    "rejected": {"enqueue": "queued"},
    "failed": {"enqueue": "queued"},
    "cancelled": {"enqueue": "queued"},
}
STATES = frozenset(TRANSITIONS)
# nothing moves any more unless a person acts
SETTLED = frozenset({"awaiting_review", "ready", "rejected", "failed", "cancelled"})
STAGES = ("fetch", "inspect", "convert", "encode", "package", "images", "verify", "store", "attach", "screen")


class RecordingEditor(Base):
    """Somebody who was let into a recording's quarantine beside its uploader and its hospital's reviewers."""

    __tablename__ = "recording_editors"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    assigned_at: Mapped[datetime] = mapped_column(default=utc_now)


class RecordingRange(Base):
    """A range of a recording that a montage shows, on the recording's own clock; never changed, see `ranges`."""

    __tablename__ = "recording_ranges"

    montage_id: Mapped[str] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id"), index=True)
    start_ticks: Mapped[int] = mapped_column(BigInteger)
    end_ticks: Mapped[int] = mapped_column(BigInteger)

    recording: Mapped[Recording] = relationship(foreign_keys=recording_id)


class Recording(Base):
    """One uploaded source. `source_name` is patient data: shown to its uploader and reviewers only, in no log."""

    __tablename__ = "recordings"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[str] = mapped_column(default="uploaded", index=True)
    stage: Mapped[str | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    source_name: Mapped[str]
    original_key: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(unique=True)
    uploader_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    # whose reviewers open it before it is signed off (`quarantine`), and whose room it takes up (`storage_use`)
    hospital_id: Mapped[str | None] = mapped_column(ForeignKey("groups.id"), index=True)
    # the patient's case that it shows, where somebody has said which; see `consents`
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"), index=True)
    # 1: its work goes before all other, -1: after it, 0: in its turn. See `job_lists`
    urgency: Mapped[int] = mapped_column(default=0, server_default="0")
    reason_code: Mapped[str | None]
    reason_message: Mapped[str | None]
    source: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[str]] = mapped_column(default=list)
    timing: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # made by this program itself, for a demo: there is no patient in it
    is_generated: Mapped[bool] = mapped_column(default=False, server_default=false())
    # made of `ranges` of other recordings: it has no original, is never reviewed, and lives and falls with these
    is_montage: Mapped[bool] = mapped_column(default=False, server_default=false())
    # who has reviewed it; the output is rendered and screened after that
    signed_off_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    signed_off_at: Mapped[datetime | None]
    # when it was first said that its master goes; see `quarantine`
    master_warned_at: Mapped[datetime | None]
    # the newest whole package; what viewers see is the entry's own pointer
    package_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    editors: Mapped[list[RecordingEditor]] = relationship(passive_deletes=True, order_by=RecordingEditor.user_id)
    ranges: Mapped[list[RecordingRange]] = relationship(
        passive_deletes=True, foreign_keys=RecordingRange.montage_id, order_by=RecordingRange.position
    )

    @property
    def sources(self) -> tuple[Recording, ...]:
        """Whose pictures it shows: of a montage the recordings of its ranges, each once; else itself."""
        return tuple(dict.fromkeys(one.recording for one in self.ranges)) if self.is_montage else (self,)


@dataclass(frozen=True)
class Reason:
    """Why a recording was refused or failed: the contract's code and a sentence."""

    code: str
    message: str


def add_recording(
    session: Session, *, source_name: str, original_key: str, size: int, sha256: str, by: User | None
) -> Recording:
    """Confirm an upload: the bytes are in the originals' store under `original_key`."""
    recording = Recording(
        source_name=source_name,
        original_key=original_key,
        bytes=size,
        sha256=sha256,
        uploader_id=by.id if by else None,
        hospital_id=find_home_hospital(session, by),
    )
    session.add(recording)
    session.flush()
    record_event(session, "upload", "recording", recording.id, by=by, bytes=size)
    return recording


def move(session: Session, recording: Recording, event: str) -> None:
    """Let `event` happen to the recording. Raises `Conflict` where `TRANSITIONS` has no such step.

    The row is changed only if its state is still the one that was read, so of two that move it at once one wins.
    """
    target = TRANSITIONS[recording.state].get(event)
    if target is None:
        raise Conflict(f"A recording that is {describe_state(recording.state)} cannot do this now.", code="wrong_state")
    changed = session.execute(
        update(Recording)
        .where(Recording.id == recording.id, Recording.state == recording.state)
        .values(state=target, updated_at=utc_now())
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        raise Conflict("The recording has just changed; look at it again.", code="wrong_state")
    session.refresh(recording)


def begin_work(session: Session, recording: Recording) -> None:
    """Somebody works on the recording, perhaps beside others. Raises `Conflict` where no work is to be done on it."""
    if recording.state != "processing":
        try:
            move(session, recording, "start")
        except Conflict:
            session.refresh(recording)
            if recording.state != "processing":  # else another worker began in this moment
                raise


def settle(session: Session, recording: Recording, event: str, reason: Reason | None) -> None:
    """End the work on a recording with `event`, and say why."""
    move(session, recording, event)
    recording.stage = None
    recording.progress = 1.0 if event in {"finish", "hold"} else recording.progress
    recording.reason_code = reason.code if reason else None
    recording.reason_message = reason.message if reason else None
    session.flush()


def note_progress(session: Session, recording_id: str, stage: str, progress: float) -> None:
    """Say how far the work is; `progress` from 0 to 1 over the whole recording."""
    session.execute(
        update(Recording)
        .where(Recording.id == recording_id)
        .values(stage=stage, progress=round(progress, 4), updated_at=utc_now())
    )


def sign_off(session: Session, recording: Recording, *, by: User) -> None:
    """A second person has looked at all of it and found nothing that identifies a patient.

    Raises `NotAllowed` for the person who uploaded it.
    """
    if recording.uploader_id == by.id:
        raise NotAllowed(
            "Somebody other than the uploader has to look at the recording and sign it off.",
            code="two_people",
        )
    settle(session, recording, "sign_off", None)
    record_event(session, "sign_off", "recording", recording.id, by=by, package=recording.package_id)


def get_recording(session: Session, recording_id: str, *, for_update: bool = False) -> Recording:
    """That recording; nobody else changes it until the end of this unit of work if it is `for_update`.

    Raises `NotFound`.
    """
    recording = session.get(Recording, recording_id, with_for_update=for_update or None)
    if recording is None:
        raise NotFound("There is no such recording.", code="recording_not_found")
    return recording


def find_recording_by_digest(session: Session, sha256: str) -> Recording | None:
    """The recording with exactly these bytes."""
    return session.scalars(select(Recording).where(Recording.sha256 == sha256)).first()


def get_recording_by_digest(session: Session, sha256: str) -> Recording:
    """The recording with exactly these bytes. Raises `NotFound`."""
    recording = find_recording_by_digest(session, sha256)
    if recording is None:
        raise NotFound("There is no such recording.", code="recording_not_found")
    return recording


def list_recordings(session: Session, *, states: Collection[str] | None = None, limit: int = 100) -> list[Recording]:
    """The newest recordings first; only those in one of `states`, where given."""
    statement = select(Recording).order_by(Recording.created_at.desc(), Recording.id).limit(limit)
    if states is not None:
        statement = statement.where(Recording.state.in_(states))
    return list(session.scalars(statement))


def describe_state(state: str) -> str:
    """The state in words."""
    return state.replace("_", " ")
