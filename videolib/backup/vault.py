"""The place a backup lies in: a folder or a bucket with content by its digest, and snapshots that name it.

    vault.json                     whose backup this is, and how it is sealed
    objects/ab/abcdef…             content, each once, whatever number of snapshots names it
    snapshots/<id>/database        rows of one moment (`rows`), keys, and objects: which content lay under which key
    snapshots/<id>/snapshot.json   written last: what has none is half a backup and counts for nothing
    ledger/<digest>.json           what was taken away for good, of all times
    damaged/<name>                 content that was found damaged: the next backup writes it anew

It stands on a Store, so every file is there whole or not at all, also after a power cut.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from videolib.backup.sealing import Damaged, Plain, Sealed, Sealing, in_pieces
from videolib.errors import Conflict, InvalidInput, NotFound, ObjectMissing, VideolibError
from videolib.storage import GrowingStore, Part, Store

FORMAT = "videolib backup 1"
ABOUT = "vault.json"
SNAPSHOT_FILES = ("database", "objects", "keys")
# what goes to the store at once, and what the memory holds
PIECE_BYTES = 16 * 1024 * 1024
_SNAPSHOT_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_CHECK = b"this is the key"


@dataclass(frozen=True)
class Snapshot:
    """What one backup holds. Sizes in bytes; `files`: size and digest of the snapshot's own files before sealing."""

    id: str
    made_at: str
    library_id: str
    version: str
    revision: str
    has_renditions: bool
    rows: dict[str, int]
    objects: int
    bytes: int
    audit_sequence: int
    files: dict[str, dict[str, Any]]


class Vault:
    """One backup. `open_vault` and `make_vault` give it."""

    def __init__(self, store: GrowingStore, sealing: Sealing, library_id: str) -> None:
        self.store = store
        self.sealing = sealing
        self.library_id = library_id
        self._sizes: dict[str, int] | None = None
        self._damaged: set[str] | None = None

    def has(self, sha256: str, size: int) -> bool:
        """Whether content of that digest lies here, as long as it has to be, and nobody has found it damaged."""
        name = self._name(sha256)
        return self._sizes_of_content().get(name) == self.sealing.size_of(size) and name not in self._marked()

    def names(self) -> set[str]:
        """The names of everything under `objects/`."""
        return set(self._sizes_of_content())

    def keep(self, sha256: str, size: int, content: Callable[[], Iterable[bytes]]) -> bool:
        """Write content of that digest, unless it is here whole. Raises `Damaged` where it is other content."""
        name, message = self._name(sha256), "An object of the library is not what its row says."
        if self.has(sha256, size):
            return False
        if name in self._sizes_of_content():  # damaged: gone only when there is something better
            for _chunk in _checked(content(), sha256, size, message):
                pass
            self.forget([name])
        checked = _checked(content(), sha256, size, message)
        _write(self.store, _object_key(name), self.sealing.seal(checked, name), self.sealing.size_of(size))
        self._sizes_of_content()[name] = self.sealing.size_of(size)
        return True

    def mark_damaged(self, sha256: str) -> None:
        """Have the next backup write that content anew. A place that cannot be written stays as it is."""
        name = self._name(sha256)
        with suppress(VideolibError, OSError):
            self.store.put_bytes(_mark_key(name), b"damaged\n")
        self._marked().add(name)

    def read(self, sha256: str, size: int) -> Iterator[bytes]:
        """The content of that digest. Raises `Damaged`, at the latest at its end."""
        name = self._name(sha256)
        try:
            with self.store.open_range(_object_key(name)) as stored:
                yield from _checked(
                    self.sealing.unseal(stored, name), sha256, size, "Content of the backup is damaged."
                )
        except ObjectMissing:
            raise Damaged("Content of the backup is missing.") from None

    def forget(self, names: Iterable[str]) -> None:
        """Remove content by its names."""
        gone = list(names)
        self.store.delete([_object_key(name) for name in gone])
        self.store.delete([_mark_key(name) for name in gone if name in self._marked()])
        self._marked().difference_update(gone)
        for name in gone:
            self._sizes_of_content().pop(name, None)

    def name_of(self, sha256: str) -> str:
        """The name that content of that digest has here."""
        return self._name(sha256)

    def write_file(self, snapshot_id: str, name: str, path: Path) -> dict[str, Any]:
        """Write one of the snapshot's own files; gives its size and digest."""
        size, digest = path.stat().st_size, hashlib.sha256()
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(1024 * 1024), b""):
                digest.update(chunk)
        with path.open("rb") as file:
            content = self.sealing.seal(iter(lambda: file.read(1024 * 1024), b""), f"{snapshot_id}/{name}")
            _write(self.store, f"snapshots/{snapshot_id}/{name}", content, self.sealing.size_of(size))
        return {"bytes": size, "sha256": digest.hexdigest()}

    def read_file(self, snapshot: Snapshot, name: str, path: Path) -> None:
        """Copy one of the snapshot's own files to `path`. Raises `Damaged`."""
        said = snapshot.files[name]
        try:
            with self.store.open_range(f"snapshots/{snapshot.id}/{name}") as stored, path.open("wb") as file:
                content = self.sealing.unseal(stored, f"{snapshot.id}/{name}")
                for chunk in _checked(content, said["sha256"], said["bytes"], f"The backup's {name} are damaged."):
                    file.write(chunk)
        except ObjectMissing:
            raise Damaged(f"The backup's {name} are missing.") from None

    def complete(self, snapshot: Snapshot) -> None:
        """Say that everything of the snapshot is here; from now on it counts."""
        said = _plain(asdict(snapshot))
        signed = {**asdict(snapshot), "signature": self.sealing.sign(said)}
        self.store.put_bytes(f"snapshots/{snapshot.id}/snapshot.json", json.dumps(signed, indent=1).encode())

    def list_snapshots(self) -> list[Snapshot]:
        """The whole ones, oldest first, but for those whose description is damaged."""
        return [found for found in self._read_snapshots() if isinstance(found, Snapshot)]

    def list_damaged(self) -> list[Damaged]:
        """What is wrong with descriptions that cannot be read: these snapshots count for nothing, and are kept."""
        return [found for found in self._read_snapshots() if isinstance(found, Damaged)]

    def get_snapshot(self, snapshot_id: str | None) -> Snapshot:
        """That snapshot; None: the newest. Raises `NotFound`."""
        whole = sorted(found for found, is_whole in self._snapshot_ids().items() if is_whole)
        if not whole:
            raise NotFound("There is no whole backup at this place.", code="no_backup")
        if snapshot_id is not None and snapshot_id not in whole:
            raise NotFound(f"There is no such snapshot; there are {', '.join(whole)}.", code="no_backup")
        return self._read_snapshot(snapshot_id or whole[-1])

    def list_halves(self) -> list[str]:
        """Snapshots that were never completed."""
        return sorted(found for found, whole in self._snapshot_ids().items() if not whole)

    def remove_snapshot(self, snapshot_id: str) -> None:
        """Remove a snapshot; first what makes it count. Content stays until `pruning` looks for what none names."""
        self.store.delete([f"snapshots/{snapshot_id}/snapshot.json"])
        self.store.delete([f"snapshots/{snapshot_id}/{name}" for name in SNAPSHOT_FILES])

    def _snapshot_ids(self) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for item in self.store.list("snapshots/"):
            _, snapshot_id, name = item.key.split("/", 2)
            if _SNAPSHOT_ID.fullmatch(snapshot_id):
                found[snapshot_id] = found.get(snapshot_id, False) or name == "snapshot.json"
        return found

    def _read_snapshots(self) -> Iterator[Snapshot | Damaged]:
        for snapshot_id in sorted(found for found, whole in self._snapshot_ids().items() if whole):
            try:
                yield self._read_snapshot(snapshot_id)
            except Damaged as error:
                yield error

    def _sizes_of_content(self) -> dict[str, int]:
        """Of everything under `objects/`, by name; listed once, then kept."""
        if self._sizes is None:
            self._sizes = {item.key.rpartition("/")[2]: item.size for item in self.store.list("objects/")}
        return self._sizes

    def _marked(self) -> set[str]:
        if self._damaged is None:
            self._damaged = {item.key.rpartition("/")[2] for item in self.store.list("damaged/")}
        return self._damaged

    def _read_snapshot(self, snapshot_id: str) -> Snapshot:
        try:
            said = json.loads(self.store.get_bytes(f"snapshots/{snapshot_id}/snapshot.json"))
            signature = str(said.pop("signature"))
            snapshot = Snapshot(**said)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Damaged(f"The description of snapshot {snapshot_id} is damaged.") from None
        if snapshot.id != snapshot_id or not hmac.compare_digest(signature, self.sealing.sign(_plain(said))):
            raise Damaged(f"The description of snapshot {snapshot_id} was changed.")
        return snapshot

    def _name(self, sha256: str) -> str:
        return self.sealing.name_of(sha256)


def open_vault(store: GrowingStore, secret: bytes | None) -> Vault:
    """The backup in that place. Raises `NotFound`, `InvalidInput` for a missing or wrong key."""
    try:
        about = json.loads(store.get_bytes(ABOUT))
        known, library_id, salt, check = (about[name] for name in ("format", "library_id", "salt", "check"))
    except ObjectMissing:
        raise NotFound("There is no backup at this place.", code="no_backup") from None
    except (ValueError, TypeError, KeyError):
        raise Damaged("What says whose backup this is is damaged.") from None
    if known != FORMAT:
        raise Conflict("This backup was made by another version of videolib; read it with that.", code="backup_format")
    if salt is None:
        if secret is not None:
            raise InvalidInput("This backup is not sealed: call it without a key file.", code="bad_key_file")
        return Vault(store, Plain(), library_id)
    if secret is None:
        raise InvalidInput("This backup is sealed: name its key with --key-file.", code="bad_key_file")
    sealing = Sealed(secret, bytes.fromhex(salt))
    if not hmac.compare_digest(check, sealing.sign(_CHECK)):
        raise InvalidInput("This is not the key that the backup was sealed with.", code="bad_key_file")
    return Vault(store, sealing, library_id)


def make_vault(store: GrowingStore, secret: bytes | None, library_id: str) -> Vault:
    """The backup of that library in that place, begun where there is none. Raises `Conflict` for another library's."""
    store.prepare()
    if not store.exists(ABOUT):
        if next(iter(store.list("")), None) is not None:
            raise Conflict("There is something else at this place; name an empty folder.", code="not_a_backup")
        salt = secrets.token_bytes(16) if secret is not None else None
        check = Sealed(secret, salt).sign(_CHECK) if secret is not None and salt is not None else None
        about = {"format": FORMAT, "library_id": library_id, "salt": salt.hex() if salt else None, "check": check}
        store.put_bytes(ABOUT, json.dumps(about, indent=1).encode())
    vault = open_vault(store, secret)
    if vault.library_id != library_id:
        raise Conflict("This place holds backups of another library; name an empty folder.", code="not_a_backup")
    return vault


def _write(store: Store, key: str, content: Iterator[bytes], size: int) -> None:
    """Write an object piece by piece; a content that turns out wrong leaves nothing."""
    if size <= PIECE_BYTES:
        _put_small(store, key, b"".join(content))
        return
    growing: GrowingStore = store  # type: ignore[assignment]
    growth, parts = growing.begin(key, size), list[Part]()
    try:
        for piece in in_pieces(content, PIECE_BYTES):
            if growing.makes_part(growth, len(piece)):
                growth = replace(growth, part=growth.part + 1)
            growth, part = growing.grow(key, growth, piece)
            parts += [part] if part else []
        growing.finish(key, growth, parts)
    except BaseException:
        growing.give_up(key, growth)
        raise


def _put_small(store: Store, key: str, content: bytes) -> None:
    try:
        store.put_bytes(key, content)
    except Conflict:
        # sealed by another run at once: other bytes, the same content
        if not store.exists(key):
            raise


def _checked(content: Iterable[bytes], sha256: str, size: int, message: str) -> Iterator[bytes]:
    """The content, which is proven at its end."""
    digest, count = hashlib.sha256(), 0
    for chunk in content:
        digest.update(chunk)
        count += len(chunk)
        yield chunk
    if count != size or digest.hexdigest() != sha256:
        raise Damaged(message)


def _object_key(name: str) -> str:
    return f"objects/{name[:2]}/{name}"


def _mark_key(name: str) -> str:
    return f"damaged/{name}"


def _plain(said: dict[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
