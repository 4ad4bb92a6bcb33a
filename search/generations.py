"""Where an index lies: one folder a commit, swapped by one pointer, checked before it is trusted.

    <root>/whoosh-1-0f3a…/      engine, its version, fingerprint of vocabulary and analysis
        lock                    held by the one writer
        building.lock           held by the one who builds anew, into building-…; it takes `lock` only to swap
        current                 the name of the live commit
        00000041-9f3a60c2/      a commit: the engine's files (shared with earlier commits by hard links) and
                                manifest.json with the sequence and every file's size and CRC; lists-*.npz of
                                search/lists.py beside the engine's files

A process killed while it writes leaves a folder that nothing points to; the next writer removes it. Files are flushed
to the disk before the pointer moves, which Whoosh itself never does.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from search.engine import Engine, PreparedEntry
from search.errors import IndexBusy, IndexDamaged, IndexMissing
from search.lists import Draft, write_lists

MANIFEST = "manifest.json"
LOCK_WAIT_S = 10.0
KEPT_BEFORE_CURRENT = 1  # searches that began on it may still open its files
KEPT_S, MOST_KEPT = 300.0, 32  # for readers who turn pages: theirs come from the commit of the first
_BUILDING = "building-"
_COMMIT = re.compile(r"[0-9]{8}-[0-9a-f]{8}")
_MISSING = "The search index has not been built yet: run `videolib reindex`."
_DAMAGED = "The search index is damaged: run `videolib reindex` to build it anew."


@dataclass(frozen=True)
class Manifest:
    """What a commit holds. library: whose entries these are; files: name -> (size, CRC-32)."""

    library: str
    sequence: int
    entries: int
    files: dict[str, tuple[int, int]]


class IndexFolder:
    """All commits of one index."""

    def __init__(self, root: Path, engine: Engine, fingerprint: str) -> None:
        self.path = root / f"{engine.name}-{engine.version}-{fingerprint}"
        self.fingerprint = fingerprint
        self._engine = engine
        self._checked: set[tuple[int, int, int, int]] = set()
        self._sizes: dict[str, list[tuple[str, int]]] = {}

    def current(self) -> str:
        """The name of the live commit."""
        try:
            name = (self.path / "current").read_text("ascii").strip()
        except FileNotFoundError:
            raise IndexMissing(_MISSING) from None
        except (OSError, ValueError):
            raise IndexDamaged(_DAMAGED) from None
        if not _COMMIT.fullmatch(name):
            raise IndexDamaged(_DAMAGED)
        return name

    def manifest(self, name: str) -> Manifest:
        """What the commit should hold."""
        try:
            content = json.loads((self.path / name / MANIFEST).read_bytes())
            files = {file: (int(size), int(crc)) for file, (size, crc) in content["files"].items()}
            return Manifest(str(content["library"]), int(content["sequence"]), int(content["entries"]), files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise IndexDamaged(_DAMAGED) from None

    def check(self, name: str) -> None:
        """IndexDamaged unless every file is as it was committed; a file once checked is only measured again."""
        for file, (size, crc) in self.manifest(name).files.items():
            path = self.path / name / file
            try:
                found = path.stat()
                mark = (found.st_ino, found.st_size, found.st_mtime_ns, crc)
                if found.st_size != size or (mark not in self._checked and _crc(path) != crc):
                    raise IndexDamaged(_DAMAGED)
            except OSError:
                raise IndexDamaged(_DAMAGED) from None
            self._checked.add(mark)

    def has(self, name: str) -> bool:
        """Is this commit still there?"""
        return bool(_COMMIT.fullmatch(name)) and (self.path / name / MANIFEST).is_file()

    def is_whole(self, name: str) -> bool:
        """Are all files of a commit there and as long as they were?"""
        sizes = self._sizes.get(name)
        if sizes is None:
            sizes = [(str(self.path / name / file), size) for file, (size, _) in self.manifest(name).files.items()]
            self._sizes = {name: sizes}
        try:
            return all(os.stat(path).st_size == size for path, size in sizes)  # noqa: PTH116 - at every search
        except OSError:
            return False

    def commit(
        self,
        entries: Iterable[PreparedEntry],
        deleted_ids: Iterable[str],
        sequence: int,
        *,
        wait_s: float | None = None,
    ) -> int:
        """Change the live index; the number of entries there are then. IndexBusy, IndexMissing, IndexDamaged.

        Where another writer was first with a later sequence, its commit holds all of this and stays.
        """
        with self._locked("lock", wait_s):
            before = self.current()
            self.check(before)
            manifest = self.manifest(before)
            if manifest.sequence > sequence:
                return manifest.entries
            known = manifest.files
            folder = self._next_folder()
            folder.mkdir()
            for file in known:
                _share(self.path / before / file, folder / file)
            count = self._fill(folder, entries, deleted_ids, (manifest.library, sequence), known)
            self._point_to(folder.name)
            return count

    def rebuild(self, entries: Iterable[PreparedEntry], sequence: int, library: str = "") -> int:
        """Write a new index beside the live one, whatever state that is in, and put it in its place.

        The live one may be changed meanwhile: only for the moment of the swap nobody else writes.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked("building.lock"):
            for left in self.path.glob(f"{_BUILDING}*"):
                shutil.rmtree(left, ignore_errors=True)
            beside = self.path / f"{_BUILDING}{secrets.token_hex(4)}"
            beside.mkdir()
            self._engine.create(beside)
            count = self._fill(beside, entries, (), (library, sequence), {})
            try:
                with self._locked("lock"):
                    folder = self._next_folder()
                    beside.rename(folder)
                    self._point_to(folder.name)
            except BaseException:
                shutil.rmtree(beside, ignore_errors=True)
                raise
        self._forget_other_indexes()
        return count

    def _fill(
        self,
        folder: Path,
        entries: Iterable[PreparedEntry],
        deleted_ids: Iterable[str],
        place: tuple[str, int],
        known: dict[str, tuple[int, int]],
    ) -> int:
        try:
            draft, deleted_ids = Draft(), tuple(deleted_ids)
            count = self._engine.write(folder, draft.passing(entries), deleted_ids)
            write_lists(folder, draft, deleted_ids)
            files: dict[str, tuple[int, int]] = {}
            for path in sorted(path for path in folder.iterdir() if path.is_file()):
                shared = path.name in known and path.stat().st_nlink > 1
                files[path.name] = known[path.name] if shared else (path.stat().st_size, _crc(path))
                if not shared:
                    _flush(path)
            content = {"library": place[0], "sequence": place[1], "entries": count, "files": files}
            (folder / MANIFEST).write_text(json.dumps(content))
            _flush(folder / MANIFEST)
            _flush(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return count

    def _point_to(self, name: str) -> None:
        beside = self.path / "current.new"
        beside.write_text(name)
        _flush(beside)
        beside.replace(self.path / "current")
        _flush(self.path)
        oldest = time.time() - KEPT_S
        for path in self._commits():
            age = _number(name) - _number(path.name)
            if age > MOST_KEPT or (age > KEPT_BEFORE_CURRENT and _written_at(path) < oldest):
                shutil.rmtree(path, ignore_errors=True)

    def _commits(self) -> list[Path]:
        return sorted(path for path in self.path.iterdir() if _COMMIT.fullmatch(path.name))

    def _next_folder(self) -> Path:
        """The folder of the next commit; what a killed writer left is removed."""
        try:
            live = _number(self.current())
        except (IndexMissing, IndexDamaged):
            live = max((_number(path.name) for path in self._commits()), default=0)
        for path in self._commits():
            if _number(path.name) > live:
                shutil.rmtree(path)
        # Numbers begin again when somebody deletes the index; who has it open must not take one for the other.
        return self.path / f"{live + 1:08d}-{secrets.token_hex(4)}"

    def _forget_other_indexes(self) -> None:
        """Of indexes for other vocabularies keep the youngest: a process not restarted yet may read it."""
        family = f"{self._engine.name}-"
        others = [path for path in self.path.parent.glob(f"{family}*-*") if path != self.path]
        for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[1:]:
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _locked(self, name: str, wait_s: float | None = None) -> Iterator[None]:
        try:
            descriptor = os.open(self.path / name, os.O_CREAT | os.O_RDWR, 0o644)
        except FileNotFoundError:
            raise IndexMissing(_MISSING) from None
        try:
            _lock(descriptor, LOCK_WAIT_S if wait_s is None else wait_s)
            yield
        finally:
            os.close(descriptor)  # which also lets go of the lock


def _written_at(commit: Path) -> float:
    try:
        return (commit / MANIFEST).stat().st_mtime
    except OSError:
        return 0.0


def _number(name: str) -> int:
    return int(name[:8])


def _lock(descriptor: int, wait_s: float) -> None:
    give_up = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise IndexBusy("The search index is being written by another process: try again.") from None
            time.sleep(0.02)


def _share(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            crc = zlib.crc32(chunk, crc)
    return crc


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
