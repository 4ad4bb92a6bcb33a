"""Creating and upgrading the library: a copy first, all or nothing, never twice at once, never backwards."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

import videolib.upgrade as upgrade_module
from tests.libraries import add_entry, add_person, add_recording
from videolib.catalogue import jobs, packages
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.versions import list_versions
from videolib.catalogue.vocabulary import Term
from videolib.db import Database
from videolib.errors import Conflict
from videolib.upgrade import MIGRATIONS, UpgradeFailed, current_revision, find_differences, require_current, upgrade

NEXT = '''"""A later release."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column with a value, rebuild a table, then what the test says."""
    with op.batch_alter_table("entries") as table:
        table.add_column(sa.Column("added", sa.String(), nullable=False, server_default="yes"))
        table.alter_column("audience", type_=sa.String(60))
    {more}
'''


def later_migrations(tmp_path: Path, more: str = "pass") -> Path:
    """The migrations of a later release: ours and one more."""
    folder = tmp_path / "later"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    head = upgrade_module._script(MIGRATIONS).get_current_head()
    (folder / "versions" / "9999_later.py").write_text(NEXT.format(head=head, more=more), encoding="utf-8")
    return folder


def fill(database: Database) -> tuple[User, Entry]:
    """A library with something of everything that refers to something else."""
    user = add_person(database)
    return user, add_entry(database, add_recording(database, state="ready", by=user))


def library_at(database: Database, revision: str, home: Path, tmp_path: Path) -> None:
    """Make of an empty database a library as the release with that schema left it."""
    folder = tmp_path / f"until-{revision}"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "versions").glob("[0-9]*.py"):
        if path.name[:4] > revision:
            path.unlink()
    script = upgrade_module._script(folder)
    with database.write_engine().begin() as connection:
        upgrade_module._migrate(connection, script, revision)


def insert(database: Database, table: str, **values: object) -> None:
    """A row as an older program wrote it."""
    columns = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(f":{name}" for name in values)
    with database.write_engine().begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), values)  # noqa: S608


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, own_home: Path) -> Iterator[Database]:
    """A database without any table."""
    own_home.mkdir()
    sqlite_url = f"sqlite:///{own_home / 'videolib.db'}"
    opened = Database(sqlite_url if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


def test_work_queued_by_the_first_release_is_taken_up_by_the_one_with_chunks(
    empty_database: Database, own_home: Path, tmp_path: Path
) -> None:
    database, moment = empty_database, "2026-11-01 08:00:00+00:00"
    library_at(database, "0001", own_home, tmp_path)
    user = {"email": "a@hospital.example", "display_name": "A", "active": True, "fs_uniquifier": "u", "is_demo": False}
    insert(database, "users", id=7, **user, created_at=moment, login_count=0)
    recording = {"source_name": "n", "original_key": "k", "bytes": 9, "warnings": "[]", "timing": "{}", "progress": 0.0}
    for name, state in (("one", "queued"), ("two", "ready")):
        dates = {"created_at": moment, "updated_at": moment}
        insert(database, "recordings", id=name, state=state, sha256=name, uploader_id=7, **recording, **dates)
    package = {"id": "p", "recording_id": "two", "state": "complete", "duration_s": 4.0, "description": "{}"}
    insert(database, "packages", **package, made_at=moment)
    chunk = {"package_id": "p", "position": 0, "start_s": 0.0, "end_s": 4.0, "state": "done", "attempt": 1}
    insert(database, "chunks", id=1, **chunk, objects='[{"path": "master.m3u8", "bytes": 3, "sha256": "s"}]')
    job = {"kind": "make_watchable", "priority": 0, "attempt": 0, "given_back": 0, "waits_for": 0, "cancel": False}
    for number, (name, state) in enumerate((("one", "queued"), ("two", "done")), start=1):
        dates = {"not_before": moment, "created_at": moment}
        insert(database, "jobs", id=number, recording_id=name, state=state, **job, **dates, arguments="{}")

    upgrade(database, own_home)

    assert find_differences(database) == []
    with database.writing() as session:
        taken = jobs.claim(session, "worker", 60)
        assert taken is not None
        assert (taken.kind, taken.queue, taken.recording_id, taken.uploader_id) == ("prepare", "quick", "one", 7)
        kept = packages.get_package(session, "p")
        assert (kept.tracks, kept.plan) == ([], {})
        assert packages.list_objects(session, "p") == [{"path": "master.m3u8", "bytes": 3, "sha256": "s"}]


def test_terms_of_a_release_before_they_had_a_life_stay_in_use(
    empty_database: Database, own_home: Path, tmp_path: Path
) -> None:
    database = empty_database
    library_at(database, "0002", own_home, tmp_path)
    insert(database, "schemes", id="procedure", labels='{"en": "P", "zh": "术"}', note="")
    term = {"scheme_id": "procedure", "synonyms": "{}", "position": 0, "extra": "{}"}
    insert(database, "terms", id="proc.ours", labels='{"en": "Ours", "zh": "本院术式"}', **term)
    insert(database, "terms", id="proc.uae", labels='{"en": "Old", "zh": "旧"}', **term)

    upgrade(database, own_home)

    assert find_differences(database) == []
    with database.reading() as session:
        ours, shipped = session.get_one(Term, "proc.ours"), session.get_one(Term, "proc.uae")
        assert (ours.status, ours.retired, ours.label("zh")) == ("accepted", False, "本院术式")
        assert ours.is_choosable()
        assert shipped.label("zh") == "子宫动脉栓塞术"


def test_what_was_published_stays_so_and_gets_a_code_and_its_first_version(
    empty_database: Database, own_home: Path, tmp_path: Path
) -> None:
    database, moment = empty_database, "2026-11-01 08:00:00+00:00"
    library_at(database, "0004", own_home, tmp_path)
    bare = {"revision": 3, "audience": "signed_in", "summary": "{}", "key_points": "{}", "learning_objectives": "[]"}
    bare |= {"publish_requested": False, "created_at": moment, "updated_at": moment, "index_sequence": 1}
    title, details = '{"en": "TACE", "zh": "化疗栓塞"}', '{"keywords": ["liver"], "coi": "none"}'
    for name, version, status in (("old", 2, "published"), ("new", 0, "draft")):
        insert(database, "entries", id=name, version=version, status=status, title=title, details=details, **bare)

    upgrade(database, own_home)

    assert find_differences(database) == []
    with database.reading() as session:
        old, new = session.get_one(Entry, "old"), session.get_one(Entry, "new")
        assert (old.status, old.pending) == ("published", {})
        assert len({old.code, new.code}) == 2
        (kept,) = list_versions(session, "old")
        assert (kept.number, kept.document["title"], kept.document["keywords"]) == (
            2,
            {"en": "TACE", "zh": "化疗栓塞"},
            ["liver"],
        )
        assert list_versions(session, "new") == []


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    assert find_differences(database) == []


def test_init_twice_changes_nothing_and_saves_no_copy(database: Database, own_home: Path) -> None:
    user, _ = fill(database)

    again = upgrade(database, own_home)

    assert again.before == again.after
    assert again.copy is None
    with database.reading() as session:
        assert session.get_one(User, user.id).email == user.email


def test_an_upgrade_of_a_filled_library_keeps_its_rows_and_a_copy_of_it_as_it_was(
    database: Database, own_home: Path, tmp_path: Path
) -> None:
    _, entry = fill(database)

    done = upgrade(database, own_home, migrations=later_migrations(tmp_path))

    with database.engine.connect() as connection:
        row = connection.execute(text("SELECT added, title FROM entries WHERE id = :id"), {"id": entry.id}).one()
    assert row.added == "yes"
    assert "股浅动脉" in str(row.title) or "\\u80a1" in str(row.title)
    assert done.copy is not None
    if database.is_sqlite:
        copy = sqlite3.connect(done.copy)
        assert copy.execute("SELECT id FROM entries").fetchall() == [(entry.id,)]
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [(done.before,)]
        copy.close()
    else:
        with gzip.open(done.copy / "entries.copy.gz", "rt", encoding="utf-8") as file:
            assert entry.id in file.read()


def test_a_migration_that_fails_leaves_the_old_version_startable(
    database: Database, own_home: Path, tmp_path: Path
) -> None:
    _, entry = fill(database)

    with pytest.raises(UpgradeFailed, match="as it was"):
        upgrade(database, own_home, migrations=later_migrations(tmp_path, 'op.execute("UPDATE nothing SET x = 1")'))

    require_current(database)
    assert find_differences(database) == []
    assert "added" not in {column["name"] for column in inspect(database.engine).get_columns("entries")}
    with database.reading() as session:
        assert session.get_one(Entry, entry.id).title["en"].startswith("Stenting")


def test_a_library_of_a_newer_version_is_refused_with_a_sentence(
    database: Database, own_home: Path, tmp_path: Path
) -> None:
    upgrade(database, own_home, migrations=later_migrations(tmp_path))

    with pytest.raises(Conflict, match="newer version"):
        upgrade(database, own_home)
    with pytest.raises(Conflict, match="newer version"):
        require_current(database)
    assert current_revision(database) == "9999"


def test_two_inits_at_once_make_one_library(own_home: Path) -> None:
    command = [sys.executable, "-m", "videolib", "init"]

    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    ends = [(process.communicate(timeout=120)[0].decode(), process.returncode) for process in both]

    assert [status for _, status in ends] == [0, 0], ends
    database = Database(f"sqlite:///{own_home / 'videolib.db'}")
    require_current(database)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM roles")).scalar_one() == 4
        assert connection.execute(text("SELECT count(*) FROM terms")).scalar_one() > 700
    database.close()


def test_a_library_that_is_not_there_yet_says_what_to_do(own_home: Path) -> None:
    own_home.mkdir()
    database = Database(f"sqlite:///{own_home / 'videolib.db'}")

    with pytest.raises(Conflict, match="videolib init"):
        require_current(database)
    database.close()
