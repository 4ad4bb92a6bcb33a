"""What browsers have uploaded becomes recordings: whole uploads are taken one after another, each under a lease.

A file is its own original: it gets its name in the store, and its digest came with its bytes. A folder of DICOM and the
numbered parts of a recorder arrive as one tar each, which is unpacked on this host and goes the way of `ingest`. Every
step may be repeated, and what became of an upload is written in the unit of work that makes the recording.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.errors import Refused
from ingest.inputs import as_one_file, find_inputs
from ingest.inspect import inspect
from ingest.intake import Intake, Item, take_in
from ingest.surviving import beside, survive
from ingest.unpacking import unpack
from ingest.workshop import Workshop, scratch_for
from videolib.catalogue import uploads
from videolib.catalogue.confirming import Original, confirm_known, confirm_new
from videolib.catalogue.entry_values import EntryValues
from videolib.catalogue.people import User
from videolib.catalogue.recordings import find_recording_by_digest
from videolib.catalogue.uploads import Upload
from videolib.digests import end_digest
from videolib.errors import ObjectMissing, Unavailable, VideolibError

log = structlog.get_logger(__name__)

IDLE_S = 0.25
LEASE_S, BEAT_S = 60.0, 15.0
# the store or the disk is asked again after this
LATER_S = 10.0
# a tar is unpacked, and what is in it is packed or joined again
ROOM_FACTOR = 2.2
_LOST = "The store has lost what had arrived; send the file again."


class _Taken(Exception):
    """Another worker has this upload by now; what was begun in this unit of work is undone."""


@contextmanager
def taking_arrivals(workshop: Workshop) -> Iterator[None]:
    """Make recordings of what arrives, in threads of their own: one takes everything, one only files that came whole.

    Parts and studies are unpacked and joined first, for minutes; a file that ends meanwhile does not wait for them.
    """
    over = threading.Event()

    def take(kinds: Collection[str]) -> None:
        while not over.is_set():
            if not survive(lambda: settle_next(workshop, kinds)):
                over.wait(IDLE_S)

    threads = [
        threading.Thread(target=take, args=(kinds,), name=f"arrivals-{number}", daemon=True)
        for number, kinds in enumerate((uploads.KINDS, ("file",)))
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def settle_next(workshop: Workshop, kinds: Collection[str] = uploads.KINDS) -> bool:
    """Make a recording of the upload of these kinds that has waited longest; False where none waits."""
    with workshop.database.reading() as session:
        if not uploads.is_any_received(session, kinds):
            return False
    with workshop.database.writing() as session:
        upload = uploads.claim_received(session, LEASE_S, kinds)
    if upload is None:
        return False
    with _held(workshop, upload):
        _settle(workshop, upload)
    return True


def remove_expired(workshop: Workshop) -> int:
    """Remove what was given up, and what nobody has gone on with for 14 days; how many."""
    with workshop.database.reading() as session:
        found = uploads.list_removable(session)
    for upload in found:
        if upload.state in {"receiving", "removed"} and upload.recording_id is None:
            workshop.originals.give_up(upload.original_key, upload.growth)
        with workshop.database.writing() as session:
            uploads.forget_upload(session, upload)
    return len(found)


def _settle(workshop: Workshop, upload: Upload) -> None:
    try:
        with workshop.database.reading() as session:
            parts = uploads.list_parts(session, upload.id)
            person = session.get(User, upload.uploader_id)
        workshop.originals.finish(upload.original_key, upload.growth, parts)
        if upload.kind == "file":
            _confirm_file(workshop, upload, person)
        else:
            _confirm_tar(workshop, upload, person)
        log.info("upload taken in", upload=upload.id, kind=upload.kind)
    except _Taken:
        log.warning("upload lease lost", upload=upload.id)
    except ObjectMissing:
        _refuse(workshop, upload, Refused("truncated", _LOST))
    except Unavailable as error:
        log.warning("upload waits", upload=upload.id, code=error.code)
        with workshop.database.writing() as session:
            uploads.hold_received(session, upload, LATER_S)
    except VideolibError as error:
        _refuse(workshop, upload, error)


def _confirm_file(workshop: Workshop, upload: Upload, person: User | None) -> None:
    """The object is the original; only where it turns out to be here already is it removed."""
    originals = workshop.originals
    sha256 = end_digest(upload.digest_state) or _read_digest(workshop, upload.original_key)
    own = originals.local_path(upload.original_key)
    with workshop.database.reading() as session:
        known = find_recording_by_digest(session, sha256) is not None
    if not known and own is not None:  # from another store the worker fetches it once, for all its work
        inspect(own)
    original = Original(upload.name, upload.original_key, upload.length, sha256)

    def confirmed(session: Session, *, known: bool) -> Intake:
        # whoever sent it may have begun to describe it meanwhile
        named = replace(original, entry_id=uploads.lock_upload(session, upload.id).entry_id)
        return (confirm_known if known else confirm_new)(session, named, by=person, publish=False)

    try:
        _write_down(workshop, upload, partial(confirmed, known=known))
    except IntegrityError:  # somebody confirmed the same bytes in this moment: theirs counts
        known = True
        _write_down(workshop, upload, partial(confirmed, known=True))
    if known:
        originals.delete([upload.original_key])


def _confirm_tar(workshop: Workshop, upload: Upload, person: User | None) -> None:
    """What is in the tar goes the way of files on this host."""
    done: list[Intake] = []
    refused: list[VideolibError] = []
    with scratch_for(workshop, upload.length * ROOM_FACTOR) as folder:
        files = unpack(workshop.originals.open_range(upload.original_key), folder / "arrived")
        if upload.kind == "parts":
            items: list[Any] = [Item(files[0], EntryValues(), parts=tuple(files))]
        else:
            items = find_inputs([folder / "arrived"], {})
        for item in items:
            if isinstance(item, tuple):
                refused.append(item[1])
                continue
            entry_id = None if done else upload.entry_id
            try:
                with as_one_file(workshop, item) as whole:
                    named = replace(whole, entry_id=entry_id)
                    done.append(take_in(workshop.database, workshop.originals, named, by=person, publish=False))
            except Unavailable:
                raise
            except VideolibError as error:
                refused.append(error)
    if not done:
        raise refused[0] if refused else Refused("not_media")
    first = done[0]
    _write_down(workshop, upload, lambda _session: first, note=refused[0].message if refused else None)
    workshop.originals.delete([upload.original_key])


def _write_down(workshop: Workshop, upload: Upload, confirm: Any, *, note: str | None = None) -> None:
    """The recording and what became of the upload: both, or neither."""
    with workshop.database.writing() as session:
        intake: Intake = confirm(session)
        is_duplicate = intake.duplicate_of is not None
        _require_ours(
            session,
            upload,
            state="done",
            recording_id=intake.recording_id,
            entry_id=intake.entry_id,
            is_duplicate=is_duplicate,
            reason_message=note,
        )


def _refuse(workshop: Workshop, upload: Upload, error: VideolibError) -> None:
    try:
        with workshop.database.writing() as session:
            _require_ours(session, upload, state="refused", reason_code=error.code, reason_message=error.message)
    except _Taken:
        return
    workshop.originals.give_up(upload.original_key, upload.growth)
    workshop.originals.delete([upload.original_key])
    log.info("upload refused", upload=upload.id, code=error.code)


def _require_ours(session: Session, upload: Upload, **values: object) -> None:
    if not uploads.settle_upload(session, upload, **values):
        raise _Taken


def _read_digest(workshop: Workshop, key: str) -> str:
    """The digest of an original, read through once more: where its state could not be kept while it arrived."""
    digest = hashlib.sha256()
    for chunk in workshop.originals.open_range(key):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _held(workshop: Workshop, upload: Upload) -> Iterator[None]:
    """Keep others from taking it while this goes on."""

    def beat() -> bool:
        with workshop.database.writing(durable=False) as session:
            return uploads.hold_received(session, upload, LEASE_S)

    def keep(over: threading.Event) -> None:
        while not over.wait(BEAT_S):
            survive(beat)

    with beside("arrival lease", keep):
        yield
