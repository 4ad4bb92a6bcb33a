"""Create or upgrade the database: one at a time, a copy first, all or nothing.

The migrations of one upgrade run in one transaction (SQLite too: we say BEGIN ourselves, so its DDL rolls back), so a
migration that fails leaves the library as it was and the old version startable. The copy is for the operator who
finds out a day later.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from videolib.catalogue.audit import seal_events
from videolib.catalogue.library import RESTORING, LibraryFact, ensure_facts
from videolib.catalogue.people import ensure_roles
from videolib.catalogue.vocabulary import STARTER_FOLDER
from videolib.catalogue.vocabulary_loading import load_vocabulary
from videolib.db import Database, translated, utc_now
from videolib.errors import Conflict, VideolibError
from videolib.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
_POSTGRES_LOCK = 0x766C6962  # "vlib": one upgrade at a time on a server


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade did: revisions before and after (None: there was no library), and where the copy lies."""

    before: str | None
    after: str
    copy: Path | None


class UpgradeFailed(VideolibError):
    """A migration did not work; the library is as it was."""

    code = "upgrade_failed"


def upgrade(database: Database, home: Path, *, migrations: Path = MIGRATIONS, while_restoring: bool = False) -> Upgrade:
    """Bring the database to this program's schema and load the starter vocabulary.

    Raises `Conflict` for a library made by a newer program, or not yet restored (but `while_restoring`),
    `UpgradeFailed` when a migration does not work.
    """
    script = _script(migrations)
    head = script.get_current_head() or ""
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(database, home):
        before = current_revision(database)
        _refuse_newer(script, before)
        if not while_restoring:
            _refuse_half_restored(database)
        copy = None
        if before not in {None, head}:
            copy = save_copy(database, home / "backups", before or "")
        try:
            with database.write_engine(rebuilds=before != head).begin() as connection:
                if before != head:
                    _migrate(connection, script, head)
                with (
                    Session(connection, join_transaction_mode="create_savepoint") as session,
                    session.begin(),
                ):
                    ensure_facts(session)
                    ensure_roles(session)
                    load_vocabulary(session, STARTER_FOLDER, ships=True)
                    # events from before there was a chain enter it as they stand
                    seal_events(session)
                _require_whole_references(connection)
        except Exception as error:
            raise UpgradeFailed(
                "The upgrade did not work and was taken back; the library is as it was and the former version can be "
                f"started. The cause: {type(error).__name__}: {str(error).splitlines()[0]}"
            ) from error
    return Upgrade(before, head, copy)


def require_current(database: Database, *, migrations: Path = MIGRATIONS) -> None:
    """Raise `Conflict` unless the database has exactly this program's schema."""
    script = _script(migrations)
    revision = current_revision(database)
    _refuse_newer(script, revision)
    if revision != script.get_current_head():
        raise Conflict("The library is not set up for this version yet: run `videolib init`.", code="schema_older")
    _refuse_half_restored(database)


def current_revision(database: Database) -> str | None:
    """The schema's revision; None where there is no library yet."""
    with translated(), database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def load_library(database: Database, home: Path, revision: str, load: Callable[[Connection], object]) -> None:
    """Make the schema of that revision in an empty database and let `load` fill it: all of it, or nothing.

    `load` may put rows in any order: references are looked at when it is done.
    """
    with _only_one(database, home), database.write_engine(rebuilds=True).begin() as connection:
        _migrate(connection, _script(MIGRATIONS), revision)
        load(connection)
        _require_whole_references(connection)


def is_known(revision: str) -> bool:
    """Whether this program knows how to get from that schema to its own."""
    return revision in {item.revision for item in _script(MIGRATIONS).walk_revisions()}


def restoring_snapshot(database: Database) -> str | None:
    """Of which backup the rows are being restored; "" of none; None where there is no library."""
    if current_revision(database) is None:
        return None
    with database.reading() as session:
        return session.scalars(select(LibraryFact.text).where(LibraryFact.name == RESTORING)).one_or_none() or ""


def find_differences(database: Database) -> list[object]:
    """Where the schema of the database differs from the tables in the code; empty when it does not."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def save_copy(database: Database, folder: Path, revision: str) -> Path:
    """A copy of the whole database: a SQLite file, or for PostgreSQL one compressed text file a table."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"before-upgrade-{utc_now():%Y%m%dT%H%M%S%f}-{revision}"
    if not database.is_sqlite:
        return _copy_tables(database, target)
    target = target.with_suffix(".db")
    partial = target.with_suffix(".part")
    with (
        closing(sqlite3.connect(str(database.url.database))) as source,
        closing(sqlite3.connect(partial)) as copy,
    ):
        source.backup(copy)
    _sync(partial)
    partial.rename(target)
    return target


def _copy_tables(database: Database, target: Path) -> Path:
    partial = target.with_name(target.name + ".part")
    partial.mkdir()
    with database.engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        for table in inspect(connection).get_table_names():
            statement = f'COPY "{table}" TO STDOUT (FORMAT text, HEADER)'
            cursor: Any = connection.connection.cursor()
            with gzip.open(partial / f"{table}.copy.gz", "wb") as file, cursor, cursor.copy(statement) as rows:
                file.writelines(rows)
    partial.rename(target)
    return target


def _script(migrations: Path) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _refuse_newer(script: ScriptDirectory, revision: str | None) -> None:
    if revision is not None and revision not in {item.revision for item in script.walk_revisions()}:
        raise Conflict(
            "This library was made by a newer version of videolib; install that version, or restore the copy that was "
            "saved before the upgrade.",
            code="schema_newer",
        )


def _refuse_half_restored(database: Database) -> None:
    if restoring_snapshot(database):
        raise Conflict(
            "This library is not restored to its end: what was withdrawn or erased since the backup could come to "
            "sight. Call `videolib restore` again; it goes on.",
            code="half_restored",
        )


def _migrate(connection: Connection, script: ScriptDirectory, head: str) -> None:
    config = Config()
    config.attributes["connection"] = connection
    with EnvironmentContext(config, script, fn=lambda revision, _: script._upgrade_revs(head, revision)) as environment:
        environment.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            transaction_per_migration=False,
        )
        environment.run_migrations()


def _require_whole_references(connection: Connection) -> None:
    """SQLite rebuilds tables without following references: they are checked once, at the end."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            tables = ", ".join(sorted({str(row[0]) for row in broken}))
            raise Conflict(f"Rows of {tables} would refer to rows that are not there.", code="broken_references")


@contextmanager
def _only_one(database: Database, home: Path) -> Iterator[None]:
    if database.is_sqlite:
        with (home / "upgrade.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    with database.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _POSTGRES_LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _POSTGRES_LOCK})


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
