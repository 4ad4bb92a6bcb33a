"""The source of a recording on this host: the store's own file, or a copy fetched once for all workers here.

The copies lie in `sources/` under home, as many as `VIDEOLIB_SOURCE_CACHE_GIB` allows; the one used longest ago goes
first. A shared lock on a file beside a copy says that somebody reads it, an exclusive one that it is being fetched or
removed; locks end with their process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config.settings import Settings
from ingest.errors import Cancelled, original_gone
from ingest.room import require_room
from videolib.errors import ObjectMissing, Unavailable
from videolib.storage import Store

WAIT_S = 0.2
# of what lies in a bucket the first seconds are shown before all of it is here: the index of hours takes so much at one
# of its ends, and 20 s of 40 Mbit/s so much
INDEX_BYTES = 32 * 2**20
HEAD_BYTES = 96 * 2**20

OnProgress = Callable[[float], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class SourceCache:
    """The sources on this host; safe with any number of processes and threads."""

    settings: Settings
    originals: Store

    @contextmanager
    def opened(self, key: str, *, on_progress: OnProgress, cancelled: IsCancelled) -> Iterator[Path]:
        """The file that holds the original `key`, to be read only, there as long as the block runs.

        Raises `IngestError` where the store has lost it, `Cancelled`, `Unavailable` (code "no_space" where the disk has
        no room).
        """
        with _lost_as_ours():
            own = self.originals.local_path(key)
        if own is not None:
            yield own
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        copy = self._copy(key)
        with copy.with_suffix(".lock").open("a") as lock:
            self._lock_fetched(key, copy, lock, on_progress=on_progress, cancelled=cancelled)
            os.utime(copy)
            yield copy

    def has_to_come(self, key: str) -> bool:
        """Whether the original lies in a bucket, and no copy of it on this host. Raises as `opened`."""
        with _lost_as_ours():
            return self.originals.local_path(key) is None and not self._copy(key).exists()

    def size_of(self, key: str) -> int:
        """How many bytes the original has. Raises as `opened`."""
        with _lost_as_ours():
            return self.originals.stat(key).size

    def read(self, key: str, start: int, length: int) -> bytes:
        """A few bytes of an original, read where it lies. Raises as `opened`."""
        with _lost_as_ours(), self.originals.open_range(key, start, length) as chunks:
            return b"".join(chunks)

    def fetch_parts(self, key: str, path: Path, parts: Iterable[tuple[int, int]], *, cancelled: IsCancelled) -> None:
        """Write parts of an original (from, to) into `path`, of its length; what is in no part reads as zeros.

        Raises as `opened`.
        """
        path.touch()
        size = self.size_of(key)
        with _lost_as_ours(), path.open("r+b") as file:
            file.truncate(size)
            for start, end in parts:
                file.seek(start)
                with self.originals.open_range(key, start, end - start) as chunks:
                    for chunk in chunks:
                        if cancelled():
                            raise Cancelled
                        file.write(chunk)
                if file.tell() < min(end, size):
                    raise _broken_off()

    def evict(self, *, room_for: int = 0) -> None:
        """Remove copies that nobody reads, the one used longest ago first, until the rest and `room_for` fit."""
        for draft in self._folder.glob("*.part"):  # of a process that was killed while it fetched
            with draft.with_suffix(".lock").open("a") as lock:
                if _try_lock(lock, fcntl.LOCK_EX):
                    draft.unlink(missing_ok=True)
        copies = []
        for path in self._folder.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if not path.suffix:
                    copies.append((path.stat().st_mtime, path.stat().st_size, path))
        total = sum(size for _, size, _ in copies) + room_for
        for _, size, path in sorted(copies):
            if total <= self.settings.source_cache_gib * 2**30:
                return
            with path.with_suffix(".lock").open("a") as lock:
                if _try_lock(lock, fcntl.LOCK_EX):
                    path.unlink(missing_ok=True)
                    total -= size

    @property
    def _folder(self) -> Path:
        return self.settings.home / "sources"

    def _copy(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()[:32]

    def _lock_fetched(
        self, key: str, copy: Path, lock: IO[str], *, on_progress: OnProgress, cancelled: IsCancelled
    ) -> None:
        """Hold a shared lock on a whole copy; fetch it first where it is not there."""
        while not (_try_lock(lock, fcntl.LOCK_SH) and copy.exists()):
            if _try_lock(lock, fcntl.LOCK_EX):
                if not copy.exists():
                    self._fetch(key, copy, on_progress=on_progress, cancelled=cancelled)
            elif cancelled():
                raise Cancelled
            else:
                time.sleep(WAIT_S)

    def _fetch(self, key: str, copy: Path, *, on_progress: OnProgress, cancelled: IsCancelled) -> None:
        size = self.size_of(key)
        self.evict(room_for=size)
        require_room(self.settings, self._folder, size)
        draft, done = copy.with_suffix(".part"), 0
        try:
            with self.originals.open_range(key) as chunks, draft.open("wb") as file:
                for chunk in chunks:
                    if cancelled():
                        raise Cancelled
                    file.write(chunk)
                    done += len(chunk)
                    on_progress(done / max(1, size))
            if done != size:
                raise _broken_off()
            draft.replace(copy)
        except OSError as error:
            raise Unavailable("The disk of this host does not take the recording.", code="no_space") from error
        finally:
            draft.unlink(missing_ok=True)


def _broken_off() -> Unavailable:
    return Unavailable("The store broke off while it was read; it will be tried again.", code="store_unavailable")


@contextmanager
def _lost_as_ours() -> Iterator[None]:
    try:
        yield
    except ObjectMissing as error:
        raise original_gone() from error


def _try_lock(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
