"""An upload whose server dies, and one whose person is signed out meanwhile: both go on by themselves."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import PASSWORD, ROLES, Served, call, free_port, log_in
from tests.browser.test_story_watch import wait_until
from tests.browser.uploading import MIB, choose, offset_of, padded, throttle, wait_for
from tests.killed_uploads import Service, forked_service, wait_until_alive
from tests.servers import until

pytestmark = pytest.mark.timeout(600)
SIZE, PIECE = 72_000_000, 16 * MIB


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Served, Service]]:
    """A library of its own, whose service may be killed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIDEOLIB_")}
    environment["VIDEOLIB_HOME"] = str(tmp_path / "library")
    call(environment, "init")
    for role in ROLES:
        call(environment, "user", "add", f"{role}@hospital.example", "--role", role, stdin=PASSWORD)
    token = call(environment, "user", "token", "editor@hospital.example").strip()
    with forked_service(environment, free_port(), tmp_path) as service:
        yield Served(service.url, "", tmp_path / "library", token), service


def test_a_restarted_server_and_an_ended_session_cost_no_byte_that_was_acknowledged(
    page: Any, own: tuple[Served, Service], tmp_path: Path
) -> None:
    """Checklist 40: the service is killed while bytes travel; then the session ends, and one signs in again."""
    served, service = own
    file = padded(tmp_path / "long.mp4", SIZE)
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/upload")
    page.locator(".drop").wait_for()
    sent: list[int] = []
    page.on("request", lambda request: sent.append(int(request.headers.get("upload-offset", -1))))
    throttle(page)
    choose(page, file)

    until(lambda: offset_of(served, file.name) >= PIECE)
    page.wait_for_timeout(1000)  # into the piece that follows
    service.kill()
    wait_until_alive(service)
    until(lambda: offset_of(served, file.name) >= 2 * PIECE)
    with sqlite3.connect(served.home / "videolib.db", timeout=30) as library:
        library.execute("DELETE FROM login_sessions")
    wait_for(page, file.name, "signed-out")
    page.locator("vl-sign-in-again dialog[open], .upload__login").first.wait_for()
    other = page.context.new_page()
    log_in(other, served, "editor")
    other.close()
    wait_until(page, "document.querySelector('vl-upload').dataset.state !== 'signed-out'")
    wait_for(page, file.name, "sent", "done")

    pieces = [offset for offset in sent if offset >= 0]
    assert sorted(set(pieces)) == list(range(0, SIZE, PIECE)), "only whole pieces, from where the last one ended"
    (kept,) = [path for path in served.home.rglob("*") if path.is_file() and path.stat().st_size == SIZE]
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == hashlib.sha256(file.read_bytes()).hexdigest()
