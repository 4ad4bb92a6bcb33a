"""Real brokers for tests: RabbitMQ and Redis, in folders and on ports of their own, on loopback only."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.delivery import make_app
from tests.conftest import need
from tests.servers import until
from videolib.children import Child

RABBITMQ_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the packaged wrapper insists on a user of its own
READY_S = 120.0
# RabbitMQ 3.10 loses a quorum queue for good when it is killed within a second of that queue's first declaration
SETTLED_S = 3.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """A broker that may be stopped and started again; what it was told to keep lies in its folder."""

    url: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._children: list[Child] = []

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._children = self._run()
        until(self.answers, READY_S)

    def kill(self) -> None:
        """End it at once."""
        for child in reversed(self._children):
            child.kill()

    def answers(self) -> bool:
        """Whether it takes connections and speaks."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.settimeout(2)
            connection.sendall(self.greeting)
            return connection.recv(1) == self.answer
        return False

    greeting: bytes
    answer: bytes

    def _run(self) -> list[Child]:
        raise NotImplementedError


class RabbitMq(Broker):
    """RabbitMQ with an epmd of its own, so that nothing of it outlives the test."""

    greeting, answer = b"AMQP\x00\x00\x09\x01", b"\x01"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._epmd_port, self._dist_port = free_port(), free_port()
        (folder / "plugins").write_text("[].", encoding="ascii")

    def _run(self) -> list[Child]:
        epmd = shutil.which("epmd")
        assert epmd is not None
        log = self.folder / "server.log"
        mapper = Child(
            [epmd, "-port", str(self._epmd_port), "-address", "127.0.0.1"],
            environment={"PATH": os.environ["PATH"]},
            output=log,
        )
        until(lambda: _listens(self._epmd_port), READY_S)
        settings = {
            "NODENAME": "videolib@localhost",
            "NODE_PORT": str(self.port),
            "NODE_IP_ADDRESS": "127.0.0.1",
            "DIST_PORT": str(self._dist_port),
            "MNESIA_BASE": str(self.folder / "mnesia"),
            "LOG_BASE": str(self.folder / "log"),
            "PID_FILE": str(self.folder / "pid"),
            "ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "CONF_ENV_FILE": str(self.folder / "none"),
            "CONFIG_FILE": str(self.folder / "none"),
        }
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -noinput",
            "RABBITMQ_ALLOW_INPUT": "1",  # the script becomes the server, which then dies with the tests
            **{f"RABBITMQ_{name}": value for name, value in settings.items()},
        }
        return [mapper, Child(["/bin/sh", str(RABBITMQ_SERVER)], environment=environment, output=log)]


class Redis(Broker):
    """Redis that writes every change down."""

    greeting, answer = b"PING\r\n", b"+"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def _run(self) -> list[Child]:
        program = shutil.which("redis-server")
        assert program is not None
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "appendonly": "yes", "save": ""}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [Child([program, *words], environment={"PATH": os.environ["PATH"]}, output=self.folder / "server.log")]


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[Broker]:
    """A RabbitMQ server."""
    need(RABBITMQ_SERVER.is_file() and shutil.which("epmd"), "RabbitMQ; install the package rabbitmq-server")
    yield from _running(RabbitMq)


@pytest.fixture(scope="session")
def redis() -> Iterator[Broker]:
    """A Redis server."""
    need(shutil.which("redis-server"), "Redis; install the package redis-server")
    yield from _running(Redis)


def _running(kind: type[Broker]) -> Iterator[Broker]:
    folder = Path(tempfile.mkdtemp(prefix=f"videolib-{secrets.token_hex(2)}-"))
    try:
        broker = kind(folder)
        try:
            broker.start()
            app = make_app(broker.url)
            with app.connection_for_write() as connection:
                for queue in app.conf.task_queues:
                    queue(connection.default_channel).declare()
            time.sleep(SETTLED_S)
            yield broker
        finally:
            broker.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
