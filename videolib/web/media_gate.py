"""Whether a person may have a package's objects now: asked of the rows, remembered for some seconds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from sqlalchemy.orm import Session

from videolib.catalogue.entries import Entry, get_entry, may_preview
from videolib.catalogue.packages import get_package, list_objects
from videolib.catalogue.people import User
from videolib.db import Database
from videolib.errors import NotFound
from videolib.web.media_links import Grant, LinkExpired

# a withdrawal by another process takes effect within this time; one by this process at once
REMEMBERED_S = 20.0
_MOST_GRANTS, _MOST_PACKAGES = 4096, 32
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True)
class StoredFile:
    """One object of a package."""

    key: str
    bytes: int
    sha256: str


class MediaGate:
    """Thread-safe. `clock` is monotonic, in seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._allowed_at: OrderedDict[Grant, float] = OrderedDict()
        self._files: OrderedDict[str, Mapping[str, StoredFile]] = OrderedDict()

    def find_file(self, grant: Grant, path: str) -> StoredFile:
        """The object at `path` of the package.

        Raises `NotFound` for what is not listed there or not allowed now, `LinkExpired` for a replaced package.
        """
        found = self._files_of(grant).get(path)
        if found is None:
            raise _nothing()
        return found

    def require(self, grant: Grant) -> None:
        """Raise `NotFound` or `LinkExpired` unless the grant's person may watch the grant's package now."""
        with self._lock:
            at = self._allowed_at.get(grant)
        if at is not None and self._clock() - at < REMEMBERED_S:
            return
        with self._database.reading() as session:
            _check(session, grant)
        self._remember(self._allowed_at, grant, self._clock(), _MOST_GRANTS)

    def forget(self) -> None:
        """Ask the rows again: something was written."""
        with self._lock:
            self._allowed_at.clear()

    def _files_of(self, grant: Grant) -> Mapping[str, StoredFile]:
        self.require(grant)
        with self._lock:
            found = self._files.get(grant.package_id)
        if found is None:
            with self._database.reading() as session:
                package = get_package(session, grant.package_id)
                found = MappingProxyType(
                    {
                        str(item["path"]): StoredFile(
                            f"{package.prefix}/{item['path']}", int(item["bytes"]), str(item["sha256"])
                        )
                        for item in list_objects(session, package.id)
                    }
                )
            # a whole package never changes, so this needs no second look
            self._remember(self._files, grant.package_id, found, _MOST_PACKAGES)
        return found

    def _remember(self, kept: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
        with self._lock:
            kept[key] = value
            kept.move_to_end(key)
            while len(kept) > most:
                kept.popitem(last=False)


def package_for(entry: Entry, person: User | None) -> str | None:
    """The package that this person watches on the entry's page: the published one, or an editor's preview."""
    if entry.status == "published" and entry.package_id is not None:
        return entry.package_id
    recording = entry.recording
    if may_preview(person, entry) and recording is not None and recording.state in {"awaiting_review", "ready"}:
        return recording.package_id
    return None


def _check(session: Session, grant: Grant) -> None:
    person = session.get(User, grant.person_id) if grant.person_id else None
    if grant.person_id and (person is None or not person.active):
        raise _nothing()
    entry = get_entry(session, grant.entry_id, by=person)
    package_id = package_for(entry, person)
    if package_id is None:
        raise _nothing()
    if package_id != grant.package_id:
        # the recording was made anew meanwhile: the player asks for the new address and goes on
        raise LinkExpired("This address has expired; open the entry again to get a new one.")


def _nothing() -> NotFound:
    return NotFound("There is nothing at this address.")
