"""Whether a person may have a package's objects now: asked of the rows, remembered for some seconds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from sqlalchemy.orm import Session, object_session

from videolib.catalogue.access import can
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import find_playable, get_package, list_chunks, list_objects
from videolib.catalogue.people import User
from videolib.catalogue.second_sources import find_second_for
from videolib.db import Database
from videolib.errors import NotFound
from videolib.web.growing import write_playlists
from videolib.web.media_links import Grant, LinkExpired

# a withdrawal by another process takes effect within this time; one by this process at once. With the life of a
# store's own address and of what a browser keeps (`web.media`) it is below a minute
REMEMBERED_S = 20.0
# any number of viewers of a package that grows cost one look at the rows in this time
GROWS_S = 1.0
_MOST_GRANTS, _MOST_PACKAGES = 4096, 32
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True)
class StoredFile:
    """One object of a package."""

    key: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class _Contents:
    """What a package holds, as the rows were at a moment: its files, and its playlists while it grows."""

    files: Mapping[str, StoredFile]
    playlists: Mapping[str, str]
    is_whole: bool
    at: float


class MediaGate:
    """Thread-safe. `clock` is monotonic, in seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        # when it was allowed, and whether as a preview
        self._allowed: OrderedDict[Grant, tuple[float, bool]] = OrderedDict()
        self._contents: OrderedDict[str, _Contents] = OrderedDict()

    def find_file(self, grant: Grant, path: str) -> StoredFile:
        """The object at `path` of the package.

        Raises `NotFound` for what is not listed there or not allowed now, `LinkExpired` for a replaced package.
        """
        found = self._files_of(grant).get(path)
        if found is None:
            raise _nothing()
        return found

    def require(self, grant: Grant, *, anew: bool = False) -> bool:
        """Raise `NotFound` or `LinkExpired` unless the grant's person may watch the grant's package now.

        Gives whether it is a preview of what is not published. `anew`: ask the rows, whatever is remembered.
        """
        with self._lock:
            found = None if anew else self._allowed.get(grant)
        if found is not None and self._clock() - found[0] < REMEMBERED_S:
            return found[1]
        with self._database.reading() as session:
            is_preview = _check(session, grant)
        self._remember(self._allowed, grant, (self._clock(), is_preview), _MOST_GRANTS)
        return is_preview

    def forget(self) -> None:
        """Ask the rows again: something was written."""
        with self._lock:
            self._allowed.clear()

    def find_playlist(self, grant: Grant, path: str) -> str | None:
        """The text of a playlist that still grows; None where the package is whole or this is none of its playlists.

        Raises `NotFound` and `LinkExpired`.
        """
        self.require(grant)
        return self._contents_of(grant.package_id).playlists.get(path)

    def _files_of(self, grant: Grant) -> Mapping[str, StoredFile]:
        self.require(grant)
        return self._contents_of(grant.package_id).files

    def _contents_of(self, package_id: str) -> _Contents:
        with self._lock:
            found = self._contents.get(package_id)
        if found is not None and (found.is_whole or self._clock() - found.at < GROWS_S):
            return found
        with self._database.reading() as session:
            package = get_package(session, package_id, or_making=True)
            files = {
                str(item["path"]): StoredFile(
                    f"{package.prefix}/{item['path']}", int(item["bytes"]), str(item["sha256"])
                )
                for item in list_objects(session, package.id)
            }
            is_whole = package.state == "complete"
            playlists = {} if is_whole else write_playlists(package, list_chunks(session, package.id)).playlists
        # a whole package never changes, so it needs no second look
        found = _Contents(MappingProxyType(files), MappingProxyType(playlists), is_whole, self._clock())
        self._remember(self._contents, package_id, found, _MOST_PACKAGES)
        return found

    def _remember(self, kept: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
        with self._lock:
            kept[key] = value
            kept.move_to_end(key)
            while len(kept) > most:
                kept.popitem(last=False)


def package_for(entry: Entry, person: User | None) -> str | None:
    """The package that this person watches on the entry's page: the published one, or a preview.

    A preview, whole or still growing, is for whom `can` says so: in quarantine for few, by no role alone.
    """
    if can(person, "play", entry):
        return entry.package_id
    recording, session = entry.recording, object_session(entry)
    if recording is None or session is None or not can(person, "preview", entry):
        return None
    if recording.state in {"awaiting_review", "ready"}:
        return recording.package_id
    if recording.state not in {"queued", "processing"}:
        return None
    growing = find_playable(session, recording.id)
    return growing.id if growing else None


def _check(session: Session, grant: Grant) -> bool:
    person = session.get(User, grant.person_id) if grant.person_id else None
    if grant.person_id and (person is None or not person.active):
        raise _nothing()
    entry = session.get(Entry, grant.entry_id)
    package_id = package_for(entry, person) if entry is not None else None
    if entry is None or package_id is None:
        raise _nothing()
    is_watched = entry.status == "published"
    if package_id == grant.package_id:
        return not (is_watched and entry.package_id == package_id)
    second = find_second_for(entry, person)
    if second is None or second.recording.package_id != grant.package_id:
        # the recording was made anew meanwhile: the player asks for the new address and goes on
        raise LinkExpired("This address has expired; open the entry again to get a new one.")
    return not is_watched


def _nothing() -> NotFound:
    return NotFound("There is nothing at this address.")
