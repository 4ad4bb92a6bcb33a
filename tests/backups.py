"""Builders for the tests of backups: a library with masters, another host, a machine that is switched off."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from config.settings import Settings
from ingest.workshop import Workshop
from tests.visitors import Site
from videolib.backup import restoring, taking
from videolib.backup.checking import Problem, verify
from videolib.backup.restoring import Wish, restore
from videolib.backup.vault import make_vault, open_vault
from videolib.catalogue.entries import Entry
from videolib.catalogue.recordings import Recording
from videolib.db import Database
from videolib.errors import VideolibError
from videolib.storage import DirectoryStore, GrowingStore, open_store

SECRET = b"a key of more than thirty-two characters, in the safe"
MASTER = b"master" * 1000


def silent(_stage: str, _fraction: float | None) -> None:
    """Nobody looks."""


def workshop_of(site: Site) -> Workshop:
    originals = open_store(site.settings.originals_url)
    originals.prepare(None)
    return Workshop(site.settings, site.database, site.store, originals)


def add_kept(site: Site, **fields: Any) -> Entry:
    """A published entry of a recording whose master lies in the store, too."""
    entry = site.add_published(**fields)
    with site.database.writing() as session:
        recording = session.get_one(Recording, entry.recording_id)
        recording.original_key, content = recording.id.replace("-", ""), MASTER + recording.id.encode()
        recording.sha256, recording.bytes = taking._digest_of([content]), len(content)
        workshop_of(site).originals.put_bytes(recording.original_key, content)
    return entry


def back_up(site: Site, place: GrowingStore, *, secret: bytes | None = None, renditions: bool = True) -> taking.Taken:
    workshop = workshop_of(site)
    vault = make_vault(place, secret, taking.library_id_of(site.database))
    return taking.take(workshop, vault, renditions=renditions, progress=silent)


def problems_of(place: GrowingStore, secret: bytes | None = None) -> list[Problem]:
    vault = open_vault(place, secret)
    return list(verify(vault, vault.get_snapshot(None), progress=silent))


def first_problem(place: GrowingStore, secret: bytes | None) -> str | None:
    try:
        vault = open_vault(place, secret)
        found = next(verify(vault, vault.get_snapshot(None), progress=silent), None)
    except VideolibError as error:
        return error.message
    return found.message if found else None


def another_host(settings: Settings, folder: Path, database_url: str = "", **changes: str) -> Workshop:
    """A library that is not there yet, with keys of its own as every first start makes them."""
    home = folder / "another"
    home.mkdir(exist_ok=True)
    for name in ("secret_key", "privacy_key"):
        if not (home / name).exists():
            (home / name).write_text(f"a key of the other host {name} and so on", encoding="ascii")
    places = {
        "store_url": f"file:{home / 'objects'}",
        "originals_url": f"file:{home / 'masters'}",
        "ledger_url": f"file:{home / 'ledger'}",
        **changes,
    }
    keys = {name: type(settings.secret_key)((home / name).read_text("ascii")) for name in ("secret_key", "privacy_key")}
    url = database_url or f"sqlite:///{home / 'videolib.db'}"
    changed = settings.model_copy(update={"home": home, "database_url": url, **places, **keys})
    stores = (open_store(changed.store_url), open_store(changed.originals_url))
    return Workshop(changed, Database(url), *stores)


def bring_back(workshop: Workshop, place: GrowingStore, secret: bytes | None = None, **wish: Any) -> restoring.Restored:
    vault = open_vault(place, secret)
    return restore(workshop, vault, Wish(vault.get_snapshot(None), **wish), silent)


def rows_of(database: Database, *, but: Iterable[str] = ()) -> dict[str, list[Any]]:
    """Every row, as both databases tell it."""
    with database.reading() as session:
        names = [name for name in inspect(session.get_bind()).get_table_names() if name not in {*but}]
        return {name: sorted(map(repr, _rows(session.connection(), name))) for name in names}


def _rows(connection: Connection, name: str) -> list[tuple[Any, ...]]:
    from videolib.tables import metadata  # noqa: PLC0415 - the test's own

    table = metadata.tables.get(name)
    asked = table.select() if table is not None else text(f"SELECT * FROM {name}")  # noqa: S608
    return [tuple(row) for row in connection.execute(asked)]


def objects_of(workshop: Workshop) -> dict[str, bytes]:
    return {
        f"{name}/{item.key}": store.get_bytes(item.key)
        for name, store in (("store", workshop.store), ("originals", workshop.originals))
        for item in store.list("")
        if not item.key.startswith(("originals/", "ledger/", "audit"))
    }


# what a restoration itself writes, and what says whose index this is
TOUCHED = (
    "audit_events",
    "library_facts",
    "counters",
    "login_sessions",
    "login_steps",
    "login_attempts",
    "account_links",
)


class PowerCut(Exception):
    """The machine is off."""


class Failing(DirectoryStore):
    """A folder whose machine is switched off at the so-manieth change."""

    def __init__(self, folder: Path, after: int) -> None:
        super().__init__(folder)
        self.left = after

    def put_bytes(self, key: str, content: bytes, **options: Any) -> Any:
        self._spend()
        return super().put_bytes(key, content, **options)

    def put_file(self, key: str, path: Path, **options: Any) -> Any:
        self._spend()
        return super().put_file(key, path, **options)

    def delete(self, keys: Iterable[str]) -> None:
        self._spend()
        super().delete(keys)

    def _spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerCut
