"""From a path to a confirmed recording: read once, kept in the restricted store, a row and a draft; idempotent."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.errors import Refused
from ingest.inspect import inspect
from videolib.catalogue import captions
from videolib.catalogue.entries import Entry, create_entry, find_entry_of, update_entry
from videolib.catalogue.entry_values import EntryValues, parse_values
from videolib.catalogue.gate import THRESHOLD
from videolib.catalogue.jobs import start_work
from videolib.catalogue.people import User
from videolib.catalogue.publishing import publish_if_asked
from videolib.catalogue.recordings import (
    SETTLED,
    add_recording,
    find_recording_by_digest,
    get_recording_by_digest,
)
from videolib.db import Database
from videolib.errors import InvalidInput
from videolib.storage import Store

if TYPE_CHECKING:
    from ingest.studies import StudyFolder

READ_BYTES = 4 * 1024 * 1024
# a file written this moment is looked at again after a while: a copy that is going on has grown then
_FRESH_NS, SETTLE_S = 2 * 10**9, 0.4
# trying again may help with these; what was refused for its content stays refused
_WORTH_ANOTHER_TRY = frozenset({"failed", "cancelled"})


@dataclass(frozen=True)
class Item:
    """One input: a file and what is known of it. `captions` are WebVTT texts by language.

    Of a `study`, `path` is its folder; it is packed into a file before it is taken in. Of `parts` it is the first;
    they are joined before. `note` is told with the answer.
    `review_threshold`: the points that a review must give, where the input is to be published.
    """

    path: Path
    values: EntryValues
    captions: Mapping[str, str] = field(default_factory=dict)
    review_threshold: int = THRESHOLD
    study: StudyFolder | None = None
    parts: tuple[Path, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Intake:
    """What became of an input: its recording and entry, and the recording that had the same bytes already."""

    recording_id: str
    entry_id: str
    duplicate_of: str | None


def take_in(
    database: Database,
    originals: Store,
    item: Item,
    *,
    by: User | None,
    publish: bool,
    on_progress: Callable[[float], None] | None = None,
) -> Intake:
    """Confirm one input and queue its work. The same bytes again give the same ids and start nothing.

    Raises `Refused` before anything is kept, `InvalidInput` for metadata that cannot be, `Unavailable`.
    """
    before = stamp(item.path)
    sha256 = _read_through(item.path, on_progress)
    with database.reading() as session:
        known = find_recording_by_digest(session, sha256) is not None
    if not known:
        inspect(item.path)
        require_still({item.path: before})
        key = secrets.token_hex(16)
        originals.put_file(key, item.path)
        try:
            # between the two readings it may have grown
            require_still({item.path: before})
            with database.writing() as session:
                return _confirm(session, item, key, sha256, by=by, publish=publish)
        except IntegrityError:
            originals.delete([key])  # somebody confirmed the same bytes in this moment: theirs counts
        except (InvalidInput, Refused):
            # certainly rolled back; after a lost connection the row may stand, then the object must stay
            originals.delete([key])
            raise
    with database.writing() as session:
        return _known_already(session, item, sha256, by=by, publish=publish)


def try_out(database: Database, path: Path) -> tuple[str, str] | None:
    """The recording and entry that have these bytes already. Raises `Refused` as `take_in` would; keeps nothing."""
    before = stamp(path)
    sha256 = _read_through(path, None)
    require_still({path: before})
    with database.reading() as session:
        known = find_recording_by_digest(session, sha256)
        entry = find_entry_of(session, known.id) if known else None
        return (known.id, entry.id if entry else "") if known else None


def stamp(path: Path) -> tuple[int, int]:
    """Size and time of the last write of a file, to see later whether it was still being written. Raises `Refused`."""
    try:
        found = path.stat()
    except OSError as error:
        raise _gone(error) from error
    return found.st_size, found.st_mtime_ns


def require_still(stamps: Mapping[Path, tuple[int, int]]) -> None:
    """Raise `Refused` for a file that has changed since its stamp, or that was written this moment and changes yet."""
    now_ns = time.time_ns()
    if any(0 <= now_ns - written_ns < _FRESH_NS for _size, written_ns in stamps.values()):
        time.sleep(SETTLE_S)
    if any(stamp(path) != before for path, before in stamps.items()):
        raise Refused(
            "truncated", "The file is still being written. Wait until copying has ended, then take it in again."
        )


def _read_through(path: Path, on_progress: Callable[[float], None] | None) -> str:
    """The digest of a file that is there and can be read to its end."""
    try:
        if path.stat().st_size == 0:
            raise Refused("empty")
        return digest_of(path, on_progress)
    except OSError as error:
        raise _gone(error) from error


def _gone(error: OSError) -> Refused:
    if isinstance(error, FileNotFoundError):
        return Refused("not_media", "There is no file of this name. Check the path in the manifest.")
    return Refused("corrupt", "The file cannot be read. Check its permissions and the disk it lies on.")


def digest_of(path: Path, on_progress: Callable[[float], None] | None = None) -> str:
    """SHA-256 of a file in hexadecimal."""
    digest, done, size = hashlib.sha256(), 0, max(1, path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
            done += len(block)
            if on_progress:
                on_progress(done / size)
    return digest.hexdigest()


def read_meta(content: Mapping[str, Any]) -> tuple[EntryValues, dict[str, str]]:
    """Split a metadata mapping into the entry's fields and caption texts by language. Raises `InvalidInput`."""
    given = dict(content)
    tracks = given.pop("captions", None) or {}
    if not isinstance(tracks, Mapping) or not all(isinstance(text, str) for text in tracks.values()):
        raise InvalidInput("captions holds a WebVTT text for each language.", fields={"captions": "Write zh: and en:."})
    return parse_values(given), dict(tracks)


def _confirm(session: Session, item: Item, key: str, sha256: str, *, by: User | None, publish: bool) -> Intake:
    size = item.path.stat().st_size
    recording = add_recording(session, source_name=item.path.name, original_key=key, size=size, sha256=sha256, by=by)
    entry = create_entry(session, item.values, recording=recording, by=by)
    entry.publish_requested = publish
    for language, text in item.captions.items():
        captions.add_captions(session, entry, language, text, by=by)
    start_work(session, recording, by=by)
    return Intake(recording.id, entry.id, None)


def _known_already(session: Session, item: Item, sha256: str, *, by: User | None, publish: bool) -> Intake:
    recording = get_recording_by_digest(session, sha256)
    entry = find_entry_of(session, recording.id) or create_entry(session, item.values, recording=recording, by=by)
    _fill_draft(session, entry, item, by=by)
    if recording.state in _WORTH_ANOTHER_TRY:
        start_work(session, recording, by=by)
    if publish and entry.status == "draft":
        entry.publish_requested = True
        if recording.state in SETTLED:
            publish_if_asked(session, entry, threshold=item.review_threshold, by=by)
    return Intake(recording.id, entry.id, recording.id)


def _fill_draft(session: Session, entry: Entry, item: Item, *, by: User | None) -> None:
    """Metadata given again reaches a draft, where it differs; a published entry is changed on its page only."""
    changes = {name: getattr(item.values, name) for name in item.values.model_fields_set}
    if entry.status == "draft" and not entry.title and changes:
        update_entry(session, entry, item.values, revision=None, by=by)
