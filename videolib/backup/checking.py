"""Proves that a snapshot is whole: every byte read, the rows loaded into a database, references and audit followed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from ingest.scratch import scratch_folder
from videolib.backup.pruning import erased_recordings, is_wanted, items_of, read_copied_ledger
from videolib.backup.rows import read_rows, revision_of
from videolib.backup.sealing import Damaged
from videolib.backup.stock import Item, read_rows_of_objects
from videolib.backup.taking import Progress
from videolib.backup.vault import Snapshot, Vault
from videolib.catalogue.audit_chain import audit_key_of, verify_chain
from videolib.catalogue.ledger import ledger_key_of
from videolib.db import Database
from videolib.errors import VideolibError
from videolib.storage import open_store
from videolib.upgrade import is_known, load_library, require_current


@dataclass(frozen=True)
class Problem:
    """What is not as it was written. `subject`: a snapshot's file, or store and key of an object."""

    snapshot: str
    subject: str
    message: str


def verify(vault: Vault, snapshot: Snapshot, *, progress: Progress, quick: bool = False) -> Iterator[Problem]:
    """Everything that is wrong with a snapshot; none: it can be restored. `quick`: content is only looked for.

    Damaged content is marked, if the place can be written: the next backup writes it anew.
    """
    with scratch_folder(None, "videolib-verify-") as folder:
        try:
            for name in ("keys", "database"):
                vault.read_file(snapshot, name, folder / name)
            items = items_of(vault, snapshot)
            keys = json.loads((folder / "keys").read_text("utf-8"))
        except Damaged as error:
            yield Problem(snapshot.id, "snapshot", error.message)
            return
        erased = erased_recordings(read_copied_ledger(vault, ledger_key_of(keys["secret_key"])))
        wanted = [item for item in items if is_wanted(item, erased)]
        yield from _verify_objects(vault, snapshot, wanted, progress, quick=quick)
        progress("rows", None)
        yield from _verify_rows(snapshot, folder, items, keys["secret_key"])


def _verify_objects(
    vault: Vault, snapshot: Snapshot, items: list[Item], progress: Progress, *, quick: bool
) -> Iterator[Problem]:
    looked_at: set[str] = set()
    total, done = sum(item.size for item in items) or 1, 0
    for item in items:
        done += item.size
        if item.sha256 is None or item.sha256 in looked_at:
            continue
        looked_at.add(item.sha256)
        if quick and vault.has(item.sha256, item.size):
            continue
        try:
            for _chunk in vault.read(item.sha256, item.size):
                pass
        except Damaged as error:
            vault.mark_damaged(item.sha256)
            yield Problem(snapshot.id, f"{item.store}/{item.key}", error.message)
        progress("objects", done / total)


def _verify_rows(snapshot: Snapshot, folder: Path, items: list[Item], secret: str) -> Iterator[Problem]:
    """Load the rows into a database of their own; ask it what the library would ask."""
    rows = folder / "database"
    if not is_known(revision_of(rows)):
        yield Problem(snapshot.id, "rows", "The rows are of a version that this program does not know.")
        return
    database = Database(f"sqlite:///{folder / 'verify.db'}")
    try:
        load_library(database, folder, revision_of(rows), lambda connection: read_rows(connection, rows))
        try:
            require_current(database)
        except VideolibError:
            return  # of an older schema: the rows are whole, what follows asks by this one
        with database.reading() as session:
            yield from _follow(session, snapshot, items, secret, folder)
    except VideolibError as error:
        yield Problem(snapshot.id, "rows", error.message)
    finally:
        database.close()


def _follow(session: Session, snapshot: Snapshot, items: list[Item], secret: str, folder: Path) -> Iterator[Problem]:
    there = {(item.store, item.key) for item in items}
    needed = read_rows_of_objects(session).needed
    if not snapshot.has_renditions:
        needed = {(store, key) for store, key in needed if store == "originals"}
    for store, key in sorted(needed - there):
        yield Problem(snapshot.id, f"{store}/{key}", "A row names it, and the backup has not got it.")
    no_anchors = open_store(f"file:{folder / 'no-anchors'}")
    for broken in verify_chain(session, no_anchors, audit_key_of(secret)):
        yield Problem(snapshot.id, f"audit event {broken.sequence}", broken.message)
