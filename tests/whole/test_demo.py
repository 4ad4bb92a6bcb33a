"""The demo, as a newcomer starts it: pages before recordings, the first one plays while the rest is being made."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from tests.browser.conftest import ROOT, free_port, wait_until_alive
from tests.browser.test_story_watch import play, wait_for_time
from tests.samples import probe
from tests.servers import until
from videolib.commands.demo import LOGINS

PATIENCE_S = 240


@dataclass
class Demo:
    """A demo that runs, what it printed, and where it lives."""

    process: subprocess.Popen[bytes]
    url: str
    home: Path
    log: Path
    options: tuple[str, ...]

    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def visit(self, role: str = "trainee") -> requests.Session:
        """A session of somebody who logged in through the page."""
        email, password = LOGINS[role]
        visitor = requests.Session()
        page = visitor.get(f"{self.url}/login", timeout=30).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None
        form = {"csrf_token": token[1], "email": email, "password": password, "submit": "1"}
        answer = visitor.post(f"{self.url}/login", data=form, allow_redirects=False, timeout=30)
        assert answer.status_code == 302
        return visitor

    def entries(self, visitor: requests.Session) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = visitor.get(f"{self.url}/api/v1/entries", timeout=30).json()["items"]
        return found


def start(home: Path, options: tuple[str, ...]) -> Demo:
    port = free_port()
    log = home.parent / f"demo-{port}.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIDEOLIB_", "AWS_"))}
    environment |= {"VIDEOLIB_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        command = [sys.executable, "-m", "videolib", "demo", "--port", str(port), *options]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)
    demo = Demo(process, f"http://127.0.0.1:{port}", home, log, options)
    wait_until_alive(f"{demo.url}/healthz", process)
    return demo


def stop(demo: Demo) -> None:
    if demo.process.poll() is None:
        demo.process.send_signal(signal.SIGTERM)
        demo.process.wait(60)


@pytest.fixture(scope="module", params=[(), ("--s3",)], ids=["folder", "s3"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = start(tmp_path_factory.mktemp("demo") / "home", request.param)
    yield running
    stop(running)


def first_entry(demo: Demo, visitor: requests.Session) -> dict[str, Any]:
    until(lambda: demo.entries(visitor) != [], PATIENCE_S)
    return demo.entries(visitor)[0]


def test_the_address_and_a_login_for_each_role_are_printed(demo: Demo) -> None:
    until(lambda: "admin-demo" in demo.printed(), 30)
    assert demo.url in demo.printed()
    for email, password in LOGINS.values():
        assert email in demo.printed()
        assert password in demo.printed()


def test_the_first_recording_plays_while_the_rest_is_still_being_made(demo: Demo, tmp_path: Path) -> None:
    visitor = demo.visit()
    entry = first_entry(demo, visitor)
    assert len(demo.entries(visitor)) < 6

    playback = visitor.get(f"{demo.url}/api/v1/entries/{entry['id']}/playback", timeout=30).json()
    facts = probe(playback["hls_url"], "stream=codec_type,height", "format=duration")

    assert float(facts["format"]["duration"]) == pytest.approx(playback["duration_s"], abs=0.2)
    assert any(stream["codec_type"] == "video" for stream in facts["streams"])


def test_segments_are_our_addresses_and_give_the_bytes(demo: Demo) -> None:
    visitor = demo.visit()
    entry = first_entry(demo, visitor)
    master = visitor.get(f"{demo.url}/api/v1/entries/{entry['id']}/playback", timeout=30).json()["hls_url"]
    assert master.startswith(demo.url)
    playlist = urljoin(master, uris(requests.get(master, timeout=30).text)[0])
    segment = urljoin(playlist, uris(requests.get(playlist, timeout=30).text)[0])

    answer = requests.get(segment, allow_redirects=False, timeout=30)

    if demo.options:
        assert answer.status_code == 302
        signed = answer.headers["Location"]
        assert not signed.startswith(demo.url)
        assert int(re.findall(r"X-Amz-Expires=(\d+)", signed)[0]) <= 60
        assert requests.get(re.sub("Signature=....", "Signature=0000", signed), timeout=30).status_code == 403
        answer = requests.get(signed, headers={"Origin": demo.url}, timeout=30)
        assert answer.headers["Access-Control-Allow-Origin"] in {demo.url, "*"}
    assert answer.status_code == 200
    assert answer.content[4:8] in {b"styp", b"moof", b"sidx"}


def test_it_plays_in_the_browser_and_asks_only_us_and_the_store(
    demo: Demo, page: Any, no_outside_requests: set[str]
) -> None:
    entry = first_entry(demo, demo.visit())
    page.goto(f"{demo.url}/login")
    if demo.options:
        no_outside_requests.add(store_named_in(page))
    email, password = LOGINS["trainee"]
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[name=submit]")
    page.wait_for_url(lambda url: "/login" not in url)

    page.goto(f"{demo.url}/entries/{entry['id']}")
    play(page)

    wait_for_time(page, 1)


def store_named_in(page: Any) -> str:
    """The one other origin that the page's policy names."""
    policy = page.context.request.get(page.url).headers["content-security-policy"]
    (origin,) = set(re.findall(r"http://127\.0\.0\.1:\d+", policy))
    return str(origin)


def test_serve_refuses_the_demo_library_and_demo_a_real_one(demo: Demo, tmp_path: Path) -> None:
    if demo.options:
        return  # the other kind keeps its database elsewhere; what is refused is the same
    call = command_in(demo.home)
    refused = call("serve", "--port", str(free_port()))
    assert refused.returncode == 1
    assert "demo accounts" in refused.stderr

    real = command_in(tmp_path / "real")
    assert real("init").returncode == 0
    refused = real("demo", "--fill-only")
    assert refused.returncode == 1
    assert "not a demo" in refused.stderr


def test_a_second_start_keeps_what_was_made_and_the_end_leaves_no_process(demo: Demo) -> None:
    visitor = demo.visit()
    kept = first_entry(demo, visitor)["id"]

    stop(demo)
    until(lambda: processes_of(demo.home) == [], 60)
    assert demo.process.returncode == 0

    again = start(demo.home, demo.options)
    try:
        assert kept in {entry["id"] for entry in again.entries(again.visit())}
    finally:
        stop(again)
    until(lambda: processes_of(demo.home) == [], 60)


def processes_of(home: Path) -> list[str]:
    """Command lines of living processes whose environment names that home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"VIDEOLIB_HOME={home}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def uris(playlist: str) -> list[str]:
    return [line for line in playlist.splitlines() if line and not line.startswith("#")]


def command_in(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "videolib", *arguments]
        environment = {**os.environ, "VIDEOLIB_HOME": str(home)}
        return subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )

    return call
