"""A real library, served by the real command, for the browser: one published recording, one login for each role."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.libraries import release
from tests.samples import make_recording
from videolib.db import Database

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long password for tests"
HOSPITAL = "hospital.of.all"  # where a library knows one, a recording without is signed by nobody: so in every test
ROLES = ("trainee", "editor", "instructor", "admin")
READY_S = 60
META = """
title: {en: Iliac artery stenting with a self-expanding stent, zh: 髂动脉自膨式支架植入术}
summary: {en: Crossing the lesion and placing the stent., zh: 通过病变并植入支架。}
procedures: [proc.stent_iliac]
content_type: ct.simulation
captions:
  zh: |
    WEBVTT

    00:01.000 --> 00:05.000
    微导管通过病变
  en: |
    WEBVTT

    00:01.000 --> 00:05.000
    The microcatheter crosses the lesion
"""


@dataclass(frozen=True)
class Served:
    """A service that answers at `url`, the entry that it has published, and an editor's token."""

    url: str
    entry_id: str
    home: Path
    token: str


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`init`, `user add`, `ingest --publish`, a second person's signature and `serve`, as in a hospital."""
    home = tmp_path_factory.mktemp("served")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIDEOLIB_")}
    environment["VIDEOLIB_HOME"] = str(home / "library")
    call(environment, "init")
    for role in ROLES:
        call(environment, "user", "add", f"{role}@hospital.example", "--role", role, stdin=PASSWORD)
    (home / "meta.yaml").write_text(META, encoding="utf-8")
    recording = make_recording(home / "in.mp4", seconds=20, size="1280x720", audio=True)
    answer = call(environment, "ingest", str(recording), "--meta", str(home / "meta.yaml"), "--publish", "--json")
    entry_id = answer.partition('"entry_id": "')[2].partition('"')[0]
    database = Database(f"sqlite:///{home / 'library' / 'videolib.db'}")
    release(database, answer.partition('"recording_id": "')[2].partition('"')[0])
    database.close()
    call(environment, "group", "add", HOSPITAL, "--kind", "hospital", "--zh", "教学医院", "--en", "Teaching hospital")
    token = call(environment, "user", "token", "editor@hospital.example").strip()
    port = free_port()
    with (home / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "videolib", "serve", "--port", str(port)],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_alive(f"http://127.0.0.1:{port}/healthz", server)
            wait_until_found(f"http://127.0.0.1:{port}/api/v1/search?q=stent", token)
            yield Served(f"http://127.0.0.1:{port}", entry_id, home / "library", token)
        finally:
            server.terminate()
            server.wait(30)


def call(environment: dict[str, str], *arguments: str, stdin: str = "") -> str:
    command = [sys.executable, "-m", "videolib", *arguments]
    done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_alive(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        assert server.poll() is None, "the service ended"
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the service did not answer")


def wait_until_found(url: str, token: str) -> None:
    """The worker beside the service takes in what another process has published before."""
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        with urllib.request.urlopen(asked, timeout=READY_S) as answer:  # noqa: S310 - our own loopback address
            if json.load(answer)["hits"]:
                return
        time.sleep(0.2)
    pytest.fail("the published entry is not found")


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "zh-CN", "viewport": {"width": 1280, "height": 800}}


def log_in(page: Any, served: Served, role: str = "trainee") -> None:
    """Through the page, as a person does."""
    page.goto(f"{served.url}/login")
    page.get_by_role("textbox").nth(1).wait_for()
    page.fill("input[name=email]", f"{role}@hospital.example")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_url(lambda url: "/login" not in url)


@pytest.fixture
def upload_page(page: Any, served: Served) -> Any:
    """The page, for an editor."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/upload")
    page.locator(".drop").wait_for()
    return page


def sticking_out(page: Any) -> list[str]:
    """What makes the page wider than its window: nothing where it needs no scrolling sideways."""
    found: list[str] = page.evaluate(
        """() => {
          if (document.documentElement.scrollWidth <= innerWidth) return [];
          const right = (one) => one.getBoundingClientRect().right;
          const wide = [...document.querySelectorAll('body *')].filter((one) => right(one) > innerWidth);
          return wide.map((one) => `${one.tagName.toLowerCase()}.${one.className} ${right(one)}`);
        }"""
    )
    return found
