"""A store in a folder of this host (or of a file server).

A put writes a file in `.incoming`, forces it to disk, and links it under its key: whole or absent, also after
a power cut. Files get the rights that the process's umask leaves.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from videolib.errors import Conflict, ObjectMissing, Unavailable
from videolib.storage.growing import Growth, Part
from videolib.storage.protocol import (
    CHUNK_BYTES,
    STALE_AFTER_S,
    Check,
    Checks,
    Chunks,
    StoredObject,
    check_key,
    check_prefix,
    check_range,
    chunks_of_bytes,
    chunks_of_file,
    disk_errors,
    fetch,
    other_content,
    same_content,
)

INCOMING = ".incoming"
PUBLISH_ATTEMPTS = 100
# some file systems (exFAT, some network ones) have no hard links
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class DirectoryStore:
    """A Store whose objects are files under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"DirectoryStore({str(self._folder)!r})"

    def put_file(self, key: str, path: Path, *, content_type: str | None = None) -> StoredObject:  # noqa: ARG002
        """Keep a copy of the file under `key`; see Store."""
        with path.open("rb") as source:

            def write(draft: Path) -> None:
                with draft.open("xb") as sink:
                    shutil.copyfileobj(source, sink, CHUNK_BYTES)

            return self._put(key, write, lambda: chunks_of_file(path))

    def put_bytes(self, key: str, content: bytes, *, content_type: str | None = None) -> StoredObject:  # noqa: ARG002
        """Keep `content` under `key`; see Store."""

        def write(draft: Path) -> None:
            draft.write_bytes(content)

        return self._put(key, write, lambda: chunks_of_bytes(content))

    def get_bytes(self, key: str) -> bytes:
        """The whole object; see Store."""
        return b"".join(self.open_range(key))

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Chunks:
        """The bytes of a range; see Store."""
        check_range(start, length)
        with self._missing_as_ours(key) as path:
            file = path.open("rb", buffering=0)
        file.seek(start)
        return Chunks(file.read, file.close, length)

    def fetch_to(self, key: str, path: Path) -> None:
        """Copy the object to `path`; see Store."""
        fetch(self, key, path)

    def stat(self, key: str) -> StoredObject:
        """Size and tag; see Store."""
        return self._stored(self._path_of(key), key)

    def exists(self, key: str) -> bool:
        """Whether it is there; see Store."""
        try:
            self.stat(key)
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin with `prefix`; see Store."""
        folder = check_prefix(prefix).rpartition("/")[0]
        with disk_errors():
            for key in self._walk(folder):
                if key.startswith(prefix):
                    with contextlib.suppress(ObjectMissing):  # removed meanwhile
                        yield self.stat(key)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects, and folders that it leaves empty; see Store."""
        touched: set[Path] = set()
        with disk_errors():
            for key in keys:
                path = self._path_of(key)
                with contextlib.suppress(*_MISSING):
                    path.unlink()
                    touched.add(path.parent)
            for folder in touched:
                _sync_folder(folder)  # what was erased does not come back after a power cut
                self._remove_empty(folder)

    def presigned_get(self, key: str, *, expires_s: int = 60) -> str | None:  # noqa: ARG002
        """None: the service sends the bytes."""
        check_key(key)
        return None

    def local_path(self, key: str) -> Path:
        """The file that holds the object; see Store."""
        self.stat(key)
        return self._path_of(key)

    def check(self, origin: str | None = None) -> Checks:  # noqa: ARG002
        """Try to write and to read; see Store."""
        key, content = f"doctor/{secrets.token_hex(8)}", secrets.token_bytes(64)
        try:
            self.put_bytes(key, content)
        except Unavailable as error:
            fix = "Let the service's user write into the store's folder, and see that its disk has space."
            return [
                Check("write", False, error.message, fix),
                Check(
                    "range read",
                    False,
                    "Not tried, as nothing could be written.",
                    "Mend the check above first.",
                ),
            ]
        try:
            ok = b"".join(self.open_range(key, 10, 20)) == content[10:30]
        finally:
            self.delete([key])
        if ok:
            read = Check("range read", True, "The store answers ranges of an object.", None)
        else:
            fix = "Check the disk and file system of the store's folder."
            read = Check("range read", False, "The store answers other bytes than were written.", fix)
        return [Check("write", True, "The store takes objects.", None), read]

    def prepare(self, origin: str | None = None) -> None:  # noqa: ARG002
        """Make the folder; see Store."""
        with disk_errors():
            (self._folder / INCOMING).mkdir(parents=True, exist_ok=True)
        self.sweep()

    def begin(self, key: str, length: int) -> Growth:
        """Make an empty file in `.incoming`; see GrowingStore."""
        check_key(key)
        growth = Growth(secrets.token_hex(16), length)
        with disk_errors():
            (self._folder / INCOMING).mkdir(parents=True, exist_ok=True)
            self._growing(growth).touch(exist_ok=False)
            _sync_folder(self._folder / INCOMING)
        return growth

    def makes_part(self, growth: Growth, size: int) -> bool:  # noqa: ARG002
        """Never: a file has no parts; see GrowingStore."""
        return False

    @contextlib.contextmanager
    def held(self, growth: Growth) -> Generator[None]:
        """Lock the file, which ends with the process; see GrowingStore."""
        with self._opened(growth) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = "Another request is writing to this upload; ask how far it is, then go on."
                raise Conflict(message, code="upload_busy") from None
            yield

    def grow(self, key: str, growth: Growth, content: bytes) -> tuple[Growth, Part | None]:  # noqa: ARG002
        """Write the piece where it belongs, and force it to disk; see GrowingStore."""
        with disk_errors(), self._opened(growth) as file:
            view, at = memoryview(content), growth.size
            while view:
                written = os.pwrite(file, view, at)
                view, at = view[written:], at + written
            os.fsync(file)
        return replace(growth, size=at), None

    def finish(self, key: str, growth: Growth, parts: Sequence[Part]) -> StoredObject:  # noqa: ARG002
        """Give the file its name; its bytes stay where they are; see GrowingStore."""
        target, draft = self._path_of(key), self._growing(growth)
        with disk_errors():
            if draft.exists():
                if not self._publish(draft, target) and not target.samefile(draft):
                    raise other_content()
                draft.unlink(missing_ok=True)
        return self._stored(target, key)

    def give_up(self, key: str, growth: Growth) -> None:  # noqa: ARG002
        """Remove the file; see GrowingStore."""
        with disk_errors():
            self._growing(growth).unlink(missing_ok=True)

    def room(self) -> int | None:
        """Free bytes of the disk; see GrowingStore."""
        folder = self._folder
        while not folder.exists():
            folder = folder.parent
        with disk_errors():
            return shutil.disk_usage(folder).free

    def sweep(self, *, older_than_s: float = STALE_AFTER_S, growing: Collection[str] | None = None) -> int:
        """Remove files of broken puts; one that is being written has a fresh time of change; see Store."""
        count = 0
        incoming = self._folder / INCOMING
        with disk_errors():
            lost = [] if growing is None else [file for file in incoming.glob("*.grow") if file.stem not in growing]
            for draft in [*incoming.glob("*.part"), *lost]:
                with contextlib.suppress(FileNotFoundError):
                    if draft.stat().st_mtime <= time.time() - older_than_s:
                        draft.unlink()
                        count += 1
        return count

    def _growing(self, growth: Growth) -> Path:
        return self._folder / INCOMING / f"{check_key(growth.token)}.grow"

    @contextlib.contextmanager
    def _opened(self, growth: Growth) -> Generator[int]:
        """The growing file. Raises `ObjectMissing`."""
        try:
            file = os.open(self._growing(growth), os.O_RDWR)
        except FileNotFoundError:
            raise ObjectMissing("The store has lost what had arrived; send the file again.") from None
        try:
            yield file
        finally:
            os.close(file)

    def _put(self, key: str, write: Callable[[Path], None], content: Callable[[], Chunks]) -> StoredObject:
        target = self._path_of(key)
        if self.exists(key):
            return self._kept(key, content)
        incoming = self._folder / INCOMING
        draft = incoming / f"{secrets.token_hex(16)}.part"
        with disk_errors():
            incoming.mkdir(parents=True, exist_ok=True)
            try:
                write(draft)
                _sync_file(draft)
                kept = self._publish(draft, target)
                if not kept:
                    return self._kept(key, content)
            except NotADirectoryError:
                raise other_content() from None  # an object lies where this key has a folder
            finally:
                draft.unlink(missing_ok=True)
        return self._stored(target, key)

    def _kept(self, key: str, content: Callable[[], Chunks]) -> StoredObject:
        """What is there already, if it is the same."""
        try:
            if same_content(self, key, content()):
                return self.stat(key)
        except ObjectMissing:
            pass  # a folder, or removed meanwhile
        raise other_content()

    def _publish(self, draft: Path, target: Path) -> bool:
        """Give the finished file its name, unless there is one of that name."""
        for _attempt in range(PUBLISH_ATTEMPTS):
            try:
                self._make_folders(target.parent)
                os.link(draft, target)
            except FileExistsError:
                return False
            except FileNotFoundError:
                continue  # a delete removes folders it leaves empty
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return self._publish_without_links(draft, target)
            _sync_folder(target.parent)
            return True
        raise Unavailable("The store is busy; try again.", code="store_unavailable")

    def _publish_without_links(self, draft: Path, target: Path) -> bool:
        with (self._folder / INCOMING / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if target.exists():
                return False
            draft.rename(target)
        _sync_folder(target.parent)
        return True

    def _make_folders(self, folder: Path) -> None:
        """Make `folder` and those above it so that they outlast a power cut."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            try:
                each.mkdir()
            except FileExistsError:  # somebody else made it, and a delete may have removed it again
                if each.is_file():
                    raise NotADirectoryError from None
            _sync_folder(each.parent)

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._folder and self._folder in folder.parents:
            try:
                folder.rmdir()
            except OSError:  # not empty, or somebody else removed it
                return
            folder = folder.parent

    def _walk(self, folder: str) -> Iterator[str]:
        """Keys under `folder`; names with a dot before them are ours."""
        try:
            with os.scandir(self._folder / folder) as entries:
                found = sorted((entry.name, entry.is_dir()) for entry in entries if entry.name[0] != ".")
        except (FileNotFoundError, NotADirectoryError):
            return
        for name, is_folder in found:
            key = f"{folder}/{name}" if folder else name
            if is_folder:
                yield from self._walk(key)
            else:
                yield key

    def _path_of(self, key: str) -> Path:
        return self._folder / check_key(key)

    def _stored(self, path: Path, key: str) -> StoredObject:
        with self._missing_as_ours(key):
            found = path.stat()
            if not path.is_file():
                raise IsADirectoryError
        tag = f"{found.st_mtime_ns:x}-{found.st_size:x}"
        return StoredObject(key, found.st_size, tag, datetime.fromtimestamp(found.st_mtime, UTC))

    @contextlib.contextmanager
    def _missing_as_ours(self, key: str) -> Generator[Path]:
        with disk_errors():
            try:
                yield self._path_of(key)
            except _MISSING:
                raise ObjectMissing("The store has no such object; it may have been removed.") from None


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Force a folder's list of names to disk."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
