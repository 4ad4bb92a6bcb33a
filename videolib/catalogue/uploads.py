"""Uploads: files on their way in, piece by piece, and what became of them; each is its uploader's own.

An upload is `receiving` until its last byte is acknowledged, then `received` until a worker has made a recording of it
(`done`) or found that it is none (`refused`). What nobody goes on with is kept for 14 days after its last byte.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, LargeBinary, and_, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.groups import find_home_hospital
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import Base, database_now, new_id, utc_now
from videolib.digests import begin_digest
from videolib.errors import Conflict, NotFound
from videolib.storage import Growth, Part

KEPT = timedelta(days=14)
# a file is the recording itself; a study (a folder of DICOM) and parts (a recorder's numbered files) come as one tar
KINDS = ("file", "study", "parts")
UNFINISHED = ("receiving", "received")


class Upload(Base):
    """One file on its way in. `name` is patient data: shown to its uploader only, in no log."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    uploader_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    hospital_id: Mapped[str | None] = mapped_column(ForeignKey("groups.id"), index=True)
    state: Mapped[str] = mapped_column(default="receiving", index=True)
    kind: Mapped[str] = mapped_column(default="file")
    name: Mapped[str]
    # what the client said of it, in its own words; answered as it was given
    told: Mapped[str] = mapped_column(default="")
    # by which the page knows the same file again
    fingerprint: Mapped[str] = mapped_column(default="", index=True)
    length: Mapped[int] = mapped_column(BigInteger)
    arrived: Mapped[int] = mapped_column(BigInteger, default=0)
    # where it lies, and what the store needs to go on
    original_key: Mapped[str] = mapped_column(unique=True)
    store_token: Mapped[str]
    last_part: Mapped[int] = mapped_column(default=0)
    tail: Mapped[str] = mapped_column(default="")
    tail_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    digest_state: Mapped[bytes | None] = mapped_column(LargeBinary, default=begin_digest)
    # what became of it
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("entries.id", ondelete="SET NULL"))
    recording_id: Mapped[str | None] = mapped_column(ForeignKey("recordings.id", ondelete="SET NULL"))
    is_duplicate: Mapped[bool] = mapped_column(default=False)
    reason_code: Mapped[str | None]
    reason_message: Mapped[str | None]
    # the worker that makes a recording of it, and since when it is waited for
    attempt: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_byte_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)

    @property
    def expires_at(self) -> datetime:
        """When it is removed unless more of it arrives."""
        return self.last_byte_at + KEPT

    @property
    def growth(self) -> Growth:
        """How far it is, in the words of the store."""
        return Growth(self.store_token, self.length, self.arrived, self.last_part, self.tail, self.tail_bytes)


class UploadPart(Base):
    """A part of a multipart upload that was acknowledged."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    etag: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True)
class Announced:
    """What is said of a file before its first byte."""

    name: str
    length: int
    kind: str = "file"
    fingerprint: str = ""
    told: str = ""


def new_original_key() -> str:
    """A name under which an original can be kept."""
    return secrets.token_hex(16)


def add_upload(session: Session, announced: Announced, key: str, growth: Growth, *, by: User) -> Upload:
    """Expect a file, for which the store has begun an object under `key`."""
    upload = Upload(
        uploader_id=by.id,
        hospital_id=find_home_hospital(session, by),
        kind=announced.kind,
        name=announced.name,
        told=announced.told,
        fingerprint=announced.fingerprint,
        length=announced.length,
        original_key=key,
        store_token=growth.token,
    )
    session.add(upload)
    session.flush()
    return upload


def get_upload(session: Session, upload_id: str, *, by: User) -> Upload:
    """That upload of this person's. Raises `NotFound`, with the code "upload_gone" where it was kept no longer."""
    upload = session.get(Upload, upload_id)
    if upload is None or upload.uploader_id != by.id:
        raise NotFound("There is no such upload.", code="upload_not_found")
    if upload.state == "removed" or (upload.state == "receiving" and upload.expires_at < utc_now()):
        raise NotFound("This upload is kept no longer; begin it anew.", code="upload_gone")
    return upload


def lock_upload(session: Session, upload_id: str) -> Upload:
    """An upload as it is now, its row held until the unit of work ends. Raises `sqlalchemy.exc.NoResultFound`."""
    return session.get_one(Upload, upload_id, with_for_update=True, populate_existing=True)


def list_uploads(session: Session, *, by: User, limit: int = 100) -> list[Upload]:
    """What this person has not finished uploading, and what was finished of late; the newest first."""
    since = utc_now() - KEPT
    mine = (Upload.uploader_id == by.id) & (Upload.state != "removed") & (Upload.last_byte_at > since)
    return list(session.scalars(select(Upload).where(mine).order_by(Upload.created_at.desc(), Upload.id).limit(limit)))


def find_unfinished(session: Session, fingerprints: Collection[str], *, by: User) -> dict[str, Upload]:
    """By fingerprint: this person's uploads that can be gone on with."""
    wanted = (Upload.uploader_id == by.id) & (Upload.state == "receiving") & Upload.fingerprint.in_(fingerprints)
    fresh = Upload.last_byte_at > utc_now() - KEPT
    rows = session.scalars(select(Upload).where(wanted, fresh, Upload.fingerprint != "").order_by(Upload.created_at))
    return {upload.fingerprint: upload for upload in rows}


def count_bytes_of(session: Session, person: User) -> int:
    """Bytes of this person's recordings, and of what is announced and not there yet."""
    kept = select(func.coalesce(func.sum(Recording.bytes), 0)).where(Recording.uploader_id == person.id)
    coming = select(func.coalesce(func.sum(Upload.length), 0)).where(
        Upload.uploader_id == person.id, Upload.state.in_(UNFINISHED)
    )
    return int(session.scalars(kept).one()) + int(session.scalars(coming).one())


def count_bytes_to_come(session: Session) -> int:
    """Bytes that everybody's unfinished uploads still need."""
    missing = select(func.coalesce(func.sum(Upload.length - Upload.arrived), 0)).where(Upload.state == "receiving")
    return int(session.scalars(missing).one())


def next_part(session: Session, upload: Upload) -> None:
    """Take a part number that no other request uses."""
    session.execute(update(Upload).where(Upload.id == upload.id).values(last_part=Upload.last_part + 1))
    session.refresh(upload)


def acknowledge(
    session: Session, upload: Upload, growth: Growth, part: Part | None, *, digest_state: bytes | None
) -> Upload:
    """Write down that a piece is kept: `upload` is the row as it was before. Raises `Conflict` if another was faster.

    With its last byte the upload is `received`, and a worker takes it from there.
    """
    is_whole = growth.size == growth.length
    changed = session.scalars(
        update(Upload)
        .where(Upload.id == upload.id, Upload.state == "receiving", Upload.arrived == upload.arrived)
        .values(
            arrived=growth.size,
            tail=growth.tail,
            tail_bytes=growth.tail_bytes,
            digest_state=digest_state,
            state="received" if is_whole else "receiving",
            last_byte_at=utc_now(),
        )
        .returning(Upload),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if changed is None:
        raise wrong_offset()
    if part is not None:
        session.add(UploadPart(upload_id=upload.id, number=part.number, etag=part.etag, bytes=part.size))
    return changed


def wrong_offset() -> Conflict:
    """The error of a piece that does not follow on what is there."""
    return Conflict("The upload is further, or not as far: ask how far it is, then go on.", code="wrong_offset")


def list_parts(session: Session, upload_id: str) -> list[Part]:
    """The parts that were acknowledged, in their order."""
    rows = session.scalars(select(UploadPart).where(UploadPart.upload_id == upload_id).order_by(UploadPart.number))
    return [Part(row.number, row.etag, row.bytes) for row in rows]


# ------------------------------------------------------------------ what workers do with them


def claim_received(session: Session, lease_s: float, kinds: Collection[str] = KINDS) -> Upload | None:
    """Take a whole upload of these kinds of which nobody makes a recording; None where there is none."""
    now = database_now(session)
    candidate = select(Upload.id).where(_waits(now, kinds)).order_by(Upload.last_byte_at).limit(1)
    if session.get_bind().dialect.name == "postgresql":
        candidate = candidate.with_for_update(skip_locked=True)
    return session.scalars(
        update(Upload)
        .where(Upload.id == candidate.scalar_subquery())
        .values(attempt=Upload.attempt + 1, lease_until=now + timedelta(seconds=lease_s))
        .returning(Upload),
        execution_options={"populate_existing": True},
    ).first()


def is_any_received(session: Session, kinds: Collection[str] = KINDS) -> bool:
    """Whether `claim_received` would find something; only looks."""
    return session.scalars(select(Upload.id).where(_waits(database_now(session), kinds)).limit(1)).first() is not None


def _waits(now: datetime, kinds: Collection[str]) -> ColumnElement[bool]:
    free = or_(Upload.lease_until.is_(None), Upload.lease_until < now)
    return and_(Upload.state == "received", Upload.kind.in_(kinds), free)


def hold_received(session: Session, upload: Upload, lease_s: float) -> bool:
    """Keep it for another `lease_s`, or (0) let others take it; False where another worker has it by now."""
    until = database_now(session) + timedelta(seconds=lease_s)
    held = update(Upload).where(Upload.id == upload.id, Upload.attempt == upload.attempt, Upload.state == "received")
    return session.scalars(held.values(lease_until=until).returning(Upload.id)).one_or_none() is not None


def settle_upload(session: Session, upload: Upload, **values: object) -> bool:
    """Write down what became of it (`state` and the rest); False where another worker has it by now."""
    held = update(Upload).where(Upload.id == upload.id, Upload.attempt == upload.attempt, Upload.state == "received")
    settled = held.values(lease_until=None, digest_state=None, last_byte_at=utc_now(), **values)
    return session.scalars(settled.returning(Upload.id)).one_or_none() is not None


def mark_removed(session: Session, upload: Upload) -> None:
    """Nobody may go on with it; a worker removes what had arrived. Raises `Conflict` where it is being made use of."""
    gone = update(Upload).where(Upload.id == upload.id, Upload.state.in_(("receiving", "done", "refused")))
    if session.scalars(gone.values(state="removed").returning(Upload.id)).one_or_none() is None:
        raise _being_taken_in()


def require_describable(upload: Upload) -> None:
    """Raise `Conflict` while a folder or parts are taken in, which brings an entry of its own."""
    if upload.state == "received" and upload.kind != "file":
        raise _being_taken_in()


def _being_taken_in() -> Conflict:
    return Conflict("All of it has arrived, and the recording is being made of it.", code="wrong_state")


def list_removable(session: Session) -> list[Upload]:
    """What was removed by its uploader or has expired; the rows of what has become a recording long ago too."""
    before = utc_now() - KEPT
    old = Upload.state.in_(("receiving", "done", "refused")) & (Upload.last_byte_at < before)
    return list(session.scalars(select(Upload).where(or_(Upload.state == "removed", old))))


def forget_upload(session: Session, upload: Upload) -> bool:
    """Remove the row of what `list_removable` gave; False where it has changed since."""
    row = session.get(Upload, upload.id, with_for_update=True, populate_existing=True)
    if row is None or (row.state, row.last_byte_at) != (upload.state, upload.last_byte_at):
        return False
    session.delete(row)
    return True


def list_tokens(session: Session) -> set[str]:
    """What the store calls the objects that are still growing."""
    return set(session.scalars(select(Upload.store_token).where(Upload.state.in_(UNFINISHED))))


def list_keys(session: Session, *, states: Iterable[str]) -> set[str]:
    """The originals' keys of uploads in these states."""
    return set(session.scalars(select(Upload.original_key).where(Upload.state.in_(tuple(states)))))
