"""Libraries for tests: a database set up by the real migrations on SQLite and on PostgreSQL, and people in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, load_settings
from tests.servers import PostgresServer
from videolib.catalogue import people, recordings
from videolib.catalogue.entries import Entry, create_entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import begin_package, complete_package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import Database
from videolib.upgrade import upgrade


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One SQLite library, set up once; tests start from copies of it."""
    folder = tmp_path_factory.mktemp("template")
    database = Database(f"sqlite:///{folder / 'template.db'}")
    upgrade(database, folder)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return folder / "template.db"


@pytest.fixture
def sqlite_database(sqlite_template: Path, own_home: Path) -> Iterator[Database]:
    """A fresh library on SQLite, where the settings look for it."""
    own_home.mkdir(exist_ok=True)
    shutil.copy(sqlite_template, own_home / "videolib.db")
    database = Database(f"sqlite:///{own_home / 'videolib.db'}")
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL library, set up once; tests start from copies of it."""
    name = postgres_server.new_database()
    database = Database(postgres_server.url(name))
    upgrade(database, tmp_path_factory.mktemp("template"))
    database.close()
    return name


@pytest.fixture
def postgres_database(
    postgres_server: PostgresServer, postgres_template: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A fresh library on PostgreSQL, where the settings look for it."""
    name = postgres_server.new_database(template=postgres_template)
    monkeypatch.setenv("VIDEOLIB_DATABASE_URL", postgres_server.url(name))
    database = Database(postgres_server.url(name))
    yield database
    database.close()
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh library: each test that asks for it runs on both databases."""
    fixture = {"sqlite": "sqlite_database", "postgresql": "postgres_database"}[request.param]
    opened: Database = request.getfixturevalue(fixture)
    return opened


@pytest.fixture
def settings() -> Settings:
    """The settings of this test's library; leases are short so that the dead are found soon."""
    return load_settings().model_copy(update={"lease_s": 2.0})


def add_person(database: Database, role: str = "editor", *, email: str | None = None) -> User:
    """A person with that role."""
    with database.writing() as session:
        return people.add_user(session, email or f"{role}@hospital.example", None, [role])


def add_recording(database: Database, *, state: str = "uploaded", by: User | None = None, **changes: Any) -> Recording:
    """A recording brought to `state` by the shortest way that the table of states allows."""
    with database.writing() as session:
        given = {
            "source_name": "张三_TACE.mp4",
            "original_key": "k",
            "size": 9,
            "sha256": f"{len(changes):064d}",
            **changes,
        }
        row = recordings.add_recording(session, by=by, **given)
        for event in WAYS[state]:
            recordings.move(session, row, event)
        if state in {"ready", "awaiting_review"}:
            package = begin_package(session, row.id)
            complete_package(session, package, description={"duration_s": 4.0}, duration_s=4.0, objects=[])
            row.package_id = package.id
        return row


WAYS: dict[str, tuple[str, ...]] = {
    "uploaded": (),
    "queued": ("enqueue",),
    "processing": ("enqueue", "start"),
    "awaiting_review": ("enqueue", "start", "hold"),
    "ready": ("enqueue", "start", "finish"),
    "rejected": ("enqueue", "start", "reject"),
    "failed": ("enqueue", "start", "fail"),
    "cancelled": ("enqueue", "start", "cancel"),
}


def add_entry(database: Database, recording: Recording | None = None, **fields: Any) -> Entry:
    """A draft that lacks nothing but perhaps its recording."""
    given = {
        "title": {"zh": "股浅动脉支架植入术", "en": "Stenting of the superficial femoral artery"},
        "procedures": ["proc.stent_sfa"],
        "content_type": "ct.simulation",
        **fields,
    }
    with database.writing() as session:
        return create_entry(session, parse_values(given), recording=recording, by=None)
