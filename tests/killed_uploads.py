"""An upload by tuspy while its server is killed at random moments; for a test of 200 MB and a measurement of more."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 120.0
LATEST_KILL_S = 0.15


@dataclass
class Service:
    """A forked service and how to kill what answers."""

    url: str
    pid_file: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill what answers now; another follows."""
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.kill(int(self.pid_file.read_text()), signal.SIGKILL)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(20)


@dataclass
class Outcome:
    """What an upload under fire took."""

    url: str
    kills: int = 0
    pieces_sent: int = 0
    bytes_sent: int = 0
    seconds: float = 0.0
    resent: list[int] = field(default_factory=list)


@contextlib.contextmanager
def forked_service(environment: dict[str, str], port: int, folder: Path) -> Iterator[Service]:
    """The service, ready to be killed."""
    pid_file = folder / "service.pid"
    command = [sys.executable, "-m", "tests.forked_service", str(port), str(pid_file)]
    with (folder / "service.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    service = Service(f"http://127.0.0.1:{port}", pid_file, process)
    try:
        wait_until_alive(service)
        yield service
    finally:
        service.stop()


def wait_until_alive(service: Service) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            if requests.get(f"{service.url}/healthz", timeout=10).ok:
                return
        except requests.RequestException:
            assert time.monotonic() < end, "the service did not answer"
            assert service.process.poll() is None, "the service ended"
            time.sleep(0.02)


def upload_under_fire(service: Service, source: Any, token: str, *, name: str, piece: int, kills: int) -> Outcome:
    """Send `source` (a file of bytes) piece by piece; at `kills` of its pieces the server is killed some time."""
    length = source.seek(0, os.SEEK_END)
    chance = random.Random(length)
    count = -(-length // piece)
    fatal = set(chance.sample(range(count), kills)) if kills < count else set(range(count))
    headers = {"Authorization": f"Bearer {token}"}
    options = {"chunk_size": piece, "metadata": {"filename": name}, "retries": 0, "file_stream": source}
    started = time.monotonic()
    uploader = TusClient(f"{service.url}/api/v1/uploads", headers=headers).uploader(**options)
    uploader.set_url(uploader.create_url())
    outcome = Outcome(str(uploader.url))
    offset = 0
    while offset < length:
        timer = None
        if offset // piece in fatal:
            fatal.discard(offset // piece)
            outcome.kills += 1
            timer = threading.Timer(chance.uniform(0.0, LATEST_KILL_S), service.kill)
            timer.start()
        outcome.pieces_sent += 1
        outcome.bytes_sent += min(piece, length - offset)
        # a connection that broke, or 423 and 5xx
        with contextlib.suppress(TusCommunicationError, requests.RequestException, ConnectionError):
            uploader.offset = offset
            uploader.upload_chunk()
        if timer is not None:
            timer.join()
            wait_until_alive(service)
        before, offset = offset, offset_of(service, outcome.url, headers)
        assert offset >= before, "an acknowledged byte is gone"
        if offset == before:
            outcome.resent.append(before)
    outcome.seconds = time.monotonic() - started
    return outcome


def offset_of(service: Service, url: str, headers: dict[str, str]) -> int:
    """How far the service says it is."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = requests.head(url, headers={**headers, "Tus-Resumable": "1.0.0"}, timeout=30)
            if answer.ok:
                return int(answer.headers["Upload-Offset"])
        except requests.RequestException:
            wait_until_alive(service)
        assert time.monotonic() < end, "the service did not say how far it is"
        time.sleep(0.02)


def digest_of_chunks(chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
