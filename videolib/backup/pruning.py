"""Lets go of old snapshots, and of content that none names any more or that belongs to what was erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from config.settings import Settings
from ingest.scratch import scratch_folder
from videolib.backup.sealing import Damaged
from videolib.backup.stock import Item
from videolib.backup.taking import only_one, read_manifest
from videolib.backup.vault import Snapshot, Vault
from videolib.catalogue.ledger import Line, ledger_key, read_ledger
from videolib.db import utc_now
from videolib.storage import GrowingStore, Store, StoredObject


class LedgerCopy:
    """The copy of the ledger inside a backup, as the store that `read_ledger` reads."""

    def __init__(self, store: GrowingStore) -> None:
        self._store = store

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """The lines, by their own names."""
        for item in self._store.list(f"ledger/{prefix}"):
            yield StoredObject(item.key.removeprefix("ledger/"), item.size, item.etag)

    def get_bytes(self, key: str) -> bytes:
        """One line."""
        return self._store.get_bytes(f"ledger/{key}")


def read_copied_ledger(vault: Vault, key: bytes) -> list[Line]:
    """Every line of the ledger that lies in the backup."""
    copy: Store = LedgerCopy(vault.store)  # type: ignore[assignment]
    return list(read_ledger(copy, key))


def erased_recordings(lines: list[Line]) -> set[str]:
    """The recordings that were erased; of these nothing is kept and nothing comes back."""
    return {line.object_id for line in lines if line.action == "erase" and line.is_signed}


def is_wanted(item: Item, erased: set[str]) -> bool:
    """Whether an object that a snapshot names is kept and comes back."""
    return item.recording_id not in erased and not item.is_nobodys


def prune(settings: Settings, vault: Vault, *, keep_days: int | None) -> int:
    """Remove snapshots older than that (never the newest), then content that is nobody's; how many objects went.

    While a snapshot cannot be read, only what was erased goes: what else it named nobody knows.
    """
    with only_one(settings):
        snapshots = vault.list_snapshots()
        oldest = utc_now() - timedelta(days=keep_days) if keep_days is not None else None
        for snapshot in snapshots[:-1]:
            if oldest is not None and datetime.fromisoformat(snapshot.made_at) < oldest:
                vault.remove_snapshot(snapshot.id)
        erased = erased_recordings(read_copied_ledger(vault, ledger_key(settings)))
        named, wanted, is_whole = set[str](), set[str](), not vault.list_damaged()
        for snapshot in vault.list_snapshots():
            try:
                items = items_of(vault, snapshot)
            except Damaged:
                is_whole = False
                continue
            named |= {vault.name_of(str(item.sha256)) for item in items}
            wanted |= {vault.name_of(str(item.sha256)) for item in items if is_wanted(item, erased)}
        unwanted = (vault.names() if is_whole else named) - wanted
        vault.forget(sorted(unwanted))
        vault.store.sweep(older_than_s=0, growing=())
        return len(unwanted)


def items_of(vault: Vault, snapshot: Snapshot) -> list[Item]:
    """The objects that a snapshot names. Raises `Damaged`."""
    with scratch_folder(None, "videolib-backup-") as folder:
        vault.read_file(snapshot, "objects", folder / "objects")
        return list(read_manifest(folder / "objects"))
