"""Restores a backup into the library that the settings name: another host, another store, another kind of database.

Objects first, rows in one unit of work at the end, so that what was killed half-way shows nobody anything and goes on
when it is called again. Until the ledger has been applied the rows say that they are being restored, and no command
opens them: what was erased, withdrawn or barred since the backup never comes to sight again.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, delete
from sqlalchemy.orm import Session

from config.settings import Settings
from ingest.scratch import scratch_folder
from ingest.workshop import Workshop
from videolib.backup.pruning import erased_recordings, is_wanted, items_of, read_copied_ledger
from videolib.backup.reapplying import Reapplied, reapply
from videolib.backup.rows import read_rows, revision_of
from videolib.backup.stock import Item, stores_of
from videolib.backup.taking import Progress, only_one, read_keys
from videolib.backup.vault import Snapshot, Vault
from videolib.catalogue.account_links import AccountLink
from videolib.catalogue.attempts import LoginAttempt
from videolib.catalogue.audit import record_event
from videolib.catalogue.audit_chain import PREFIX as ANCHORS
from videolib.catalogue.audit_chain import anchor_head, audit_key
from videolib.catalogue.ledger import Line, ledger_key, read_ledger, write_ledger
from videolib.catalogue.library import RESTORING, LibraryFact, begin_index_epoch
from videolib.catalogue.login_steps import LoginStep
from videolib.catalogue.people import LoginSession
from videolib.db import Database
from videolib.errors import Conflict, Unavailable
from videolib.storage import Store
from videolib.upgrade import is_known, load_library, restoring_snapshot, upgrade

LOST_ANCHORS = "audit-lost/"
_AT_ONCE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Wish:
    """What to restore. `ledgers`: further ledgers beside that of the settings and the backup's copy."""

    snapshot: Snapshot
    ledgers: tuple[Store, ...] = ()
    trusts_unsigned: bool = False


@dataclass
class Restored:
    """What a restoration did."""

    snapshot: str
    objects: int = 0
    bytes: int = 0
    left_out: int = 0
    reapplied: Reapplied = field(default_factory=Reapplied)


def restore(workshop: Workshop, vault: Vault, wish: Wish, progress: Progress) -> Restored:
    """Restore that snapshot. May be called again after it was killed. Raises `Conflict`, `Unavailable`, `Damaged`."""
    settings, snapshot = workshop.settings, wish.snapshot
    with only_one(settings), scratch_folder(None, "videolib-restore-") as folder:
        begun = _require_target(workshop.database, snapshot)
        for name in ("keys", "database"):
            vault.read_file(snapshot, name, folder / name)
        if not is_known(revision_of(folder / "database")):
            raise Conflict("This backup is of a newer version of videolib; install that version.", code="schema_newer")
        settings = _restore_keys(settings, json.loads((folder / "keys").read_text("utf-8")))
        workshop = Workshop(settings, workshop.database, workshop.store, workshop.originals)
        lines = _read_ledgers(workshop, vault, wish)
        done = Restored(snapshot.id)
        _restore_objects(workshop, vault, snapshot, erased_recordings(lines), (done, progress))
        progress("rows", None)
        if not begun:
            _restore_rows(workshop, snapshot, folder / "database")
        _set_aside(workshop.store, snapshot)
        upgrade(workshop.database, settings.home, while_restoring=True)
        progress("ledger", None)
        done.reapplied = reapply(workshop, lines)
        _finish(workshop, snapshot, done.reapplied)
    return done


def _require_target(database: Database, snapshot: Snapshot) -> bool:
    """Whether the rows of this snapshot are there already. Raises `Conflict` where there is another library."""
    if database.is_sqlite:
        Path(str(database.url.database)).parent.mkdir(parents=True, exist_ok=True)
    there = restoring_snapshot(database)
    if there is None:
        return False
    if there != snapshot.id:
        raise Conflict(
            "There is a library at this place already. Restore into an empty database: name another one with "
            "VIDEOLIB_DATABASE_URL, or move the old one away.",
            code="library_exists",
        )
    return True


def _restore_keys(settings: Settings, keys: dict[str, str]) -> Settings:
    """Put the library's keys where the settings look for them. Raises `Conflict` where the settings name others."""
    current = read_keys(settings)
    others = [name for name, value in keys.items() if name in current and current[name] != value]
    for name in others:
        path = settings.home / name
        if not path.exists() or path.read_text("ascii").strip() != current[name]:
            raise Conflict(
                f"VIDEOLIB_{name.upper()} is set to another key than the library had: take the setting away, or set "
                "it to the library's own key.",
                code="other_key",
            )
    for name in others:
        _write_key(settings.home / name, keys[name])
    changes = {name: type(settings.secret_key)(keys[name]) for name in others}
    return settings.model_copy(update=changes)


def _write_key(path: Path, key: str) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read_ledgers(workshop: Workshop, vault: Vault, wish: Wish) -> list[Line]:
    """Every line, each once, oldest first. Raises `Conflict` for lines that this library has not written."""
    key = ledger_key(workshop.settings)
    lines = {line.digest: line for line in read_copied_ledger(vault, key)}
    for ledger in (workshop.ledger, *wish.ledgers):
        lines |= {line.digest: line for line in read_ledger(ledger, key)}
    foreign = [line for line in lines.values() if not line.is_signed]
    if foreign and not wish.trusts_unsigned:
        raise Conflict(
            f"{len(foreign)} lines of the ledger are not signed by this library. Nothing is restored before it is "
            "clear what they are; --trust-ledger applies them all the same.",
            code="ledger_unsigned",
        )
    return sorted(lines.values(), key=lambda line: (line.at, line.sequence))


def _restore_objects(
    workshop: Workshop, vault: Vault, snapshot: Snapshot, erased: set[str], told: tuple[Restored, Progress]
) -> None:
    done, progress = told
    workshop.store.prepare(workshop.settings.public_url)
    workshop.originals.prepare()
    stores, items = stores_of(workshop), items_of(vault, snapshot)
    wanted = [item for item in items if is_wanted(item, erased)]
    done.left_out = len(items) - len(wanted)
    sizes = {name: {item.key: item.size for item in store.list("")} for name, store in stores.items()}
    missing = [item for item in wanted if sizes[item.store].get(item.key) != item.size]
    _require_room(workshop, missing)
    total, count = sum(item.size for item in missing) or 1, 0
    with scratch_folder(_scratch_of(workshop), "restore-") as folder:
        for item in missing:
            if item.key in sizes[item.store]:
                stores[item.store].delete([item.key])  # of another length: no object of this library
            _restore_object(vault, stores[item.store], item, folder / "object")
            done.objects, done.bytes, count = done.objects + 1, done.bytes + item.size, count + item.size
            progress("objects", count / total)


def _restore_object(vault: Vault, store: Store, item: Item, draft: Path) -> None:
    content = vault.read(str(item.sha256), item.size)
    if item.size <= _AT_ONCE_BYTES:
        store.put_bytes(item.key, b"".join(content))
        return
    with draft.open("wb") as file:
        file.writelines(content)
    store.put_file(item.key, draft)
    draft.unlink()


def _scratch_of(workshop: Workshop) -> Path:
    workshop.scratch.mkdir(parents=True, exist_ok=True)
    return workshop.scratch


def _require_room(workshop: Workshop, missing: Iterable[Item]) -> None:
    """Raise `Unavailable` before anything is written where the stores' disk is too small."""
    needed = sum(item.size for item in missing)
    rooms = [workshop.originals.room(), getattr(workshop.store, "room", lambda: None)()]
    known = [room for room in rooms if room is not None]
    # a bucket takes what is its own; which of two disks is short only the filling tells
    if len(known) == len(rooms) and max(known) < needed:
        raise Unavailable(
            f"{needed / 1e9:.2f} GB are to be restored, and {max(known) / 1e9:.2f} GB are free there: make room.",
            code="no_space",
        )


def _restore_rows(workshop: Workshop, snapshot: Snapshot, path: Path) -> None:
    """All rows, and that they are being restored, in one unit of work."""

    def load(connection: Connection) -> None:
        read_rows(connection, path)
        with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
            # whoever was signed out since, or used a link, is not let in by what the backup remembers
            for table in (LoginSession, LoginStep, AccountLink, LoginAttempt):
                session.execute(delete(table))
            session.merge(LibraryFact(name=RESTORING, text=snapshot.id))
            begin_index_epoch(session)

    load_library(workshop.database, workshop.settings.home, revision_of(path), load)


def _set_aside(store: Store, snapshot: Snapshot) -> None:
    """Anchors of events that were lost with the database would stand for the next ones: they get another name."""
    for item in list(store.list(ANCHORS)):
        name = item.key.removeprefix(ANCHORS)
        if int(name.removesuffix(".json")) > snapshot.audit_sequence:
            store.put_bytes(f"{LOST_ANCHORS}{snapshot.id}/{name}", store.get_bytes(item.key))
            store.delete([item.key])


def _finish(workshop: Workshop, snapshot: Snapshot, reapplied: Reapplied) -> None:
    """Write down that it was restored, and open the library."""
    database = workshop.database
    aside = [item.key.rpartition("/")[2] for item in workshop.store.list(f"{LOST_ANCHORS}{snapshot.id}/")]
    detail = {"snapshot": snapshot.id, "ledger": reapplied.digests, "anchors_set_aside": aside}
    with database.writing() as session:
        library = session.get_one(LibraryFact, "library_id").text
        record_event(session, "restore_backup", "library", library, by=None, **detail)
        session.delete(session.get_one(LibraryFact, RESTORING))
    anchor_head(database, workshop.store, audit_key(workshop.settings))
    write_ledger(database, workshop.ledger, ledger_key(workshop.settings))
