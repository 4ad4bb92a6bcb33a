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

from ingest.errors import Refused
from ingest.inspect import inspect
from videolib.catalogue.confirming import Intake, Original, confirm_known, confirm_new
from videolib.catalogue.entries import find_entry_of
from videolib.catalogue.entry_values import EntryValues, parse_values
from videolib.catalogue.gate import THRESHOLD
from videolib.catalogue.people import User
from videolib.catalogue.recordings import find_recording_by_digest
from videolib.db import Database
from videolib.errors import InvalidInput
from videolib.storage import Store

if TYPE_CHECKING:
    from ingest.studies import StudyFolder

__all__ = ["Intake", "Item", "digest_of", "read_meta", "require_still", "stamp", "take_in", "try_out"]

READ_BYTES = 4 * 1024 * 1024
# a file written this moment is looked at again after a while: a copy that is going on has grown then
_FRESH_NS, SETTLE_S = 2 * 10**9, 0.4


@dataclass(frozen=True)
class Item:
    """One input: a file and what is known of it. `captions` are WebVTT texts by language.

    Of a `study`, `path` is its folder; it is packed into a file before it is taken in. Of `parts` it is the first;
    they are joined before. `notes` are told with the answer. `entry_id`: the draft that was begun for it.
    `review_threshold`: the points that a review must give, where the input is to be published.
    """

    path: Path
    values: EntryValues
    captions: Mapping[str, str] = field(default_factory=dict)
    review_threshold: int = THRESHOLD
    study: StudyFolder | None = None
    parts: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    # made by this program itself for a demo: nobody has to review it. No command and no page can say so.
    generated: bool = False
    entry_id: str | None = None
    # of which hospital it is, where that was said
    hospital_id: str | None = None


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
    original = Original(
        name=item.path.name,
        key=secrets.token_hex(16),
        size=before[0],
        sha256=sha256,
        values=item.values,
        captions=item.captions,
        entry_id=item.entry_id,
        generated=item.generated,
        hospital_id=item.hospital_id,
        review_threshold=item.review_threshold,
    )
    if not known:
        inspect(item.path)
        require_still({item.path: before})
        key = original.key
        originals.put_file(key, item.path)
        try:
            # between the two readings it may have grown
            require_still({item.path: before})
            with database.writing() as session:
                return confirm_new(session, original, by=by, publish=publish)
        except IntegrityError:
            originals.delete([key])  # somebody confirmed the same bytes in this moment: theirs counts
        except (InvalidInput, Refused):
            # certainly rolled back; after a lost connection the row may stand, then the object must stay
            originals.delete([key])
            raise
    with database.writing() as session:
        return confirm_known(session, original, by=by, publish=publish)


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
