"""Takes a backup of a library that goes on working: rows of one moment first, then every object they can name.

Objects are stored before rows name them, and are never changed: so what the rows of a moment name is there when the
objects are looked through after it. What lies in the backup already is not read again. A run that is killed leaves
content that the next run finds; only the last file makes a snapshot count.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from config.settings import KEPT_SECRETS, Settings
from ingest.scratch import scratch_folder
from ingest.workshop import Workshop
from videolib import __version__
from videolib.backup.rows import write_rows
from videolib.backup.sealing import Damaged
from videolib.backup.stock import Item, Rows, list_items, read_rows_of_objects, stores_of
from videolib.backup.vault import Snapshot, Vault
from videolib.catalogue.audit import AuditEvent, record_event
from videolib.catalogue.audit_chain import anchor_head, audit_key
from videolib.catalogue.ledger import ledger_key, write_ledger
from videolib.catalogue.library import LibraryFact
from videolib.db import Database, translated, utc_now
from videolib.errors import Conflict, ObjectMissing, Unavailable
from videolib.storage import Store
from videolib.tables import metadata
from videolib.upgrade import current_revision

# (what is done, how much of it from 0 to 1)
Progress = Callable[[str, float | None], None]
# rows as compressed text take less; what else a file system needs for so many files
_SPARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Prediction:
    """What a backup will write, as far as can be said before. `free_bytes`: None where the place does not say."""

    objects: int
    bytes: int
    new_objects: int
    new_bytes: int
    database_bytes: int
    free_bytes: int | None

    @property
    def needed_bytes(self) -> int:
        """What must be free at the place."""
        return self.new_bytes + self.database_bytes


@dataclass
class Taken:
    """What a backup did. `problems`: sentences about what the library, or the backup, has lost or damaged."""

    snapshot: Snapshot
    new_objects: int = 0
    new_bytes: int = 0
    problems: list[str] = field(default_factory=list)


def library_id_of(database: Database) -> str:
    """Whose backup it is."""
    with database.reading() as session:
        return session.get_one(LibraryFact, "library_id").text


def predict(workshop: Workshop, vault: Vault, *, renditions: bool) -> Prediction:
    """Look through everything without reading any of it."""
    with workshop.database.reading() as session:
        rows = read_rows_of_objects(session)
        database_bytes = _size_of_database(session)
    known = _Known(vault)
    count = total = new_count = new_total = 0
    for item in list_items(workshop, rows, renditions=renditions):
        count, total = count + 1, total + item.size
        digest = known.digest_of(item)
        if digest is None or not vault.has(digest, item.size):
            new_count, new_total = new_count + 1, new_total + vault.sealing.size_of(item.size)
    return Prediction(count, total, new_count, new_total, database_bytes, vault.store.room())


def require_room(prediction: Prediction) -> None:
    """Raise `Unavailable` where the place has less room than the backup will take."""
    free = prediction.free_bytes
    if free is not None and free < prediction.needed_bytes + _SPARE_BYTES:
        needed, there = (prediction.needed_bytes + _SPARE_BYTES) / 1e9, free / 1e9
        raise Unavailable(
            f"The backup would take {needed:.2f} GB more, and {there:.2f} GB are free there: make room, name another "
            "place, remove old snapshots with --keep-days, or leave the renditions out (--without-renditions).",
            code="no_space",
        )


def take(workshop: Workshop, vault: Vault, *, renditions: bool, progress: Progress) -> Taken:
    """Take a snapshot. Raises `Conflict` where a backup runs on this host already, `Unavailable`."""
    settings = workshop.settings
    with only_one(settings), _scratch(workshop) as folder:
        _settle(workshop, vault)
        progress("rows", None)
        snapshot_id = f"{utc_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        moment = _write_moment(workshop, folder)
        for half in vault.list_halves():
            vault.remove_snapshot(half)
        taken = Taken(_snapshot(vault, snapshot_id, moment, renditions=renditions))
        listed = list(list_items(workshop, moment.objects, renditions=renditions, anchored_to=moment.audit_sequence))
        kept = _keep_objects(workshop, vault, listed, taken, progress)
        taken.problems += _find_lost(workshop, moment.objects, kept, renditions=renditions)
        _write_lines(folder / "objects", (_as_line(item) for item in kept))
        (folder / "keys").write_text(json.dumps(read_keys(settings)), encoding="utf-8")
        progress("ending", None)
        files = {name: vault.write_file(snapshot_id, name, folder / name) for name in ("database", "objects", "keys")}
        taken.snapshot.files.update(files)
        taken.snapshot = _counted(taken.snapshot, kept)
        vault.complete(taken.snapshot)
    return taken


def read_keys(settings: Settings) -> dict[str, str]:
    """The library's own keys by their names: without them no case is found again and no signature holds."""
    return {name: getattr(settings, name).get_secret_value() for name in KEPT_SECRETS}


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """One backup or restoration at a time on this host. Raises `Conflict`."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "backup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "A backup or a restoration is at work already; wait for its end.", code="backup_busy"
            ) from None
        yield


def read_manifest(path: Path) -> Iterator[Item]:
    """The objects that a snapshot names. Raises `Damaged`."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield Item(*json.loads(line))
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise Damaged("The list of objects of the backup cannot be read.") from error


@dataclass(frozen=True)
class _Moment:
    """What was read in one view of the database."""

    revision: str
    counts: dict[str, int]
    objects: Rows
    audit_sequence: int


class _Known:
    """Digests of objects that the newest snapshot names: what has kept its key, size and tag has kept its content."""

    def __init__(self, vault: Vault) -> None:
        self._digests: dict[tuple[str, str, int, str | None], str] = {}
        self.problems = [f"{error.message} It counts for nothing any more." for error in vault.list_damaged()]
        for snapshot in reversed(vault.list_snapshots()):
            try:
                self._read(vault, snapshot)
            except Damaged as error:
                self.problems.append(f"Snapshot {snapshot.id} cannot be restored. {error.message}")
            else:
                break

    def _read(self, vault: Vault, snapshot: Snapshot) -> None:
        with scratch_folder(None, "videolib-backup-") as folder:
            vault.read_file(snapshot, "objects", folder / "objects")
            for item in read_manifest(folder / "objects"):
                self._digests[item.store, item.key, item.size, item.etag] = str(item.sha256)

    def digest_of(self, item: Item) -> str | None:
        return item.sha256 or (self._digests.get((item.store, item.key, item.size, item.etag)) if item.etag else None)


@contextmanager
def _scratch(workshop: Workshop) -> Iterator[Path]:
    workshop.scratch.mkdir(parents=True, exist_ok=True)
    with scratch_folder(workshop.scratch, "backup-") as folder:
        yield folder


def _settle(workshop: Workshop, vault: Vault) -> None:
    """Write down that a copy leaves the library; bring the audit's anchor and the ledger up to the rows."""
    with workshop.database.writing() as session:
        record_event(session, "backup", "library", vault.library_id, by=None, sealed=vault.sealing.is_sealed)
    anchor_head(workshop.database, workshop.store, audit_key(workshop.settings))
    write_ledger(workshop.database, workshop.ledger, ledger_key(workshop.settings))
    copy_ledger(workshop.ledger, vault)


def copy_ledger(ledger: Store, vault: Vault) -> None:
    """Every line of the ledger that the backup does not have."""
    there = {item.key for item in vault.store.list("ledger/")}
    for item in ledger.list(""):
        if f"ledger/{item.key}" not in there:
            vault.store.put_bytes(f"ledger/{item.key}", ledger.get_bytes(item.key))


def _write_moment(workshop: Workshop, folder: Path) -> _Moment:
    """Rows, whose objects they name, and how long the audit is: all of one moment."""
    database = workshop.database
    revision = current_revision(database) or ""
    # PostgreSQL shows one moment only when told so, SQLite always
    options = {} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with translated(), database.engine.connect().execution_options(**options) as connection, connection.begin():
        counts = write_rows(connection, metadata, revision, folder / "database")
        with Session(connection) as session:
            objects = read_rows_of_objects(session)
            sequence = session.scalars(select(func.max(AuditEvent.sequence))).one() or 0
    return _Moment(revision, counts, objects, int(sequence))


def _keep_objects(workshop: Workshop, vault: Vault, listed: list[Item], taken: Taken, progress: Progress) -> list[Item]:
    """Bring what is missing into the backup; gives every item with its digest."""
    known, stores, kept = _Known(vault), stores_of(workshop), list[Item]()
    taken.problems += known.problems
    total, done = sum(item.size for item in listed) or 1, 0
    for item in listed:
        store = stores[item.store]
        try:
            digest = known.digest_of(item) or _digest_of(store.open_range(item.key))
            if vault.keep(digest, item.size, lambda store=store, item=item: store.open_range(item.key)):  # type: ignore[misc]
                taken.new_objects += 1
                taken.new_bytes += vault.sealing.size_of(item.size)
            kept.append(Item(item.store, item.key, item.size, item.etag, item.recording_id, digest))
        except ObjectMissing:
            pass  # removed since it was listed; if a row still names it, that is found below
        except Damaged:
            sentence = f"{item.store}/{item.key} is not what its row says; it is not in the backup."
            taken.problems.append(f"{sentence} `videolib reconcile` can mend packages.")
        done += item.size
        progress("objects", done / total)
    return kept


def _find_lost(workshop: Workshop, at_moment: Rows, kept: list[Item], *, renditions: bool) -> list[str]:
    """What rows named at that moment, and still name, and no store has."""
    missing = at_moment.needed - {(item.store, item.key) for item in kept}
    if not renditions:
        missing = {(name, key) for name, key in missing if name == "originals"}
    if not missing:
        return []
    stores = stores_of(workshop)
    with workshop.database.reading() as session:
        still = missing & read_rows_of_objects(session).needed
    return [
        f"{name}/{key} is named by a row, but is not in the store."
        for name, key in sorted(still)
        if not stores[name].exists(key)
    ]


def _snapshot(vault: Vault, snapshot_id: str, moment: _Moment, *, renditions: bool) -> Snapshot:
    return Snapshot(
        id=snapshot_id,
        made_at=utc_now().isoformat(timespec="seconds"),
        library_id=vault.library_id,
        version=__version__,
        revision=moment.revision,
        has_renditions=renditions,
        rows=moment.counts,
        objects=0,
        bytes=0,
        audit_sequence=moment.audit_sequence,
        files={},
    )


def _counted(snapshot: Snapshot, kept: list[Item]) -> Snapshot:
    counted: dict[str, Any] = {"objects": len(kept), "bytes": sum(item.size for item in kept)}
    return Snapshot(**{**vars(snapshot), **counted})


def _size_of_database(session: Session) -> int:
    if session.get_bind().dialect.name != "sqlite":
        return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    pages, size = (session.scalar(text(f"PRAGMA {name}")) or 0 for name in ("page_count", "page_size"))
    return int(pages) * int(size)


def _as_line(item: Item) -> list[Any]:
    return [item.store, item.key, item.size, item.etag, item.recording_id, item.sha256]


def _write_lines(path: Path, lines: Iterable[list[Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def _digest_of(content: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in content:
        digest.update(chunk)
    return digest.hexdigest()
