"""Native HLS, as Safari and iOS play it: WebKitGTK with its own HLS, driven by plain WebDriver on a screen of its own.

It is the nearest to Safari that runs here: the same engine, with GStreamer where Safari has its own player.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import PASSWORD, Served, free_port
from tests.conftest import need
from tests.servers import until

# WebKitGTK plays HLS by GStreamer only when asked to
ENVIRONMENT = {"WEBKIT_GST_ENABLE_HLS_SUPPORT": "1", "LIBGL_ALWAYS_SOFTWARE": "1"}
LOG_IN = """
document.querySelector('input[name=email]').value = arguments[0];
document.querySelector('input[name=password]').value = arguments[1];
document.querySelector('button[name=submit]').click();
"""
PLAY = """
const video = document.createElement('video');
video.id = 'native';
video.muted = true;
document.body.append(video);
fetch(arguments[0]).then((answer) => answer.text()).then((text) => {
  const page = new DOMParser().parseFromString(text, 'text/html');
  video.src = JSON.parse(page.querySelector('vl-player script').textContent).hls_url;
  video.play();
});
"""


class WebKit:
    """A session of WebKitWebDriver, by the W3C's protocol."""

    def __init__(self, port: int, browser: Path) -> None:
        self.address = f"http://127.0.0.1:{port}"
        options = {"binary": str(browser), "args": ["--automation"]}
        wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        self.session = f"/session/{self.call('POST', '/session', wanted)['sessionId']}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, method=method, data=content)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=180) as answer:  # noqa: S310
            return json.load(answer)["value"]

    def open(self, url: str) -> None:
        self.call("POST", f"{self.session}/url", {"url": url})

    def run(self, script: str, *arguments: str) -> Any:
        return self.call("POST", f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})


@pytest.fixture
def webkit(tmp_path: Path) -> Iterator[WebKit]:
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    browser = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)
    need(driver and screen and browser, "WebKitGTK under Xvfb; install webkit2gtk-driver and xvfb")
    plugins = next(Path("/usr/lib").glob("*/gstreamer-1.0/libgsthls.so"), None)
    decoder = next(Path("/usr/lib").glob("*/gstreamer-1.0/libgstlibav.so"), None)
    need(plugins and decoder, "GStreamer's HLS and H.264; install gstreamer1.0-plugins-bad and gstreamer1.0-libav")
    assert driver is not None
    assert screen is not None
    assert browser is not None
    port = free_port()
    with (tmp_path / "webkit.log").open("wb") as log:
        shown, wrote = os.pipe()
        x = subprocess.Popen(
            [screen, "-displayfd", str(wrote), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
            pass_fds=(wrote,),
            stdout=log,
            stderr=log,
        )
        os.close(wrote)
        with os.fdopen(shown) as number:
            display = f":{number.readline().strip()}"
        environment = {**os.environ, **ENVIRONMENT, "DISPLAY": display, "HOME": str(tmp_path)}
        process = subprocess.Popen([driver, f"--port={port}"], env=environment, stdout=log, stderr=log)
        try:
            until(lambda: _answers(port), 30)
            session = WebKit(port, browser)
            yield session
            session.call("DELETE", session.session)
        finally:
            for child in (process, x):
                child.terminate()
                child.wait(20)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5):
            return True
    except OSError:
        return False


def test_a_signed_address_plays_by_the_browsers_own_hls(webkit: WebKit, served: Served) -> None:
    webkit.open(f"{served.url}/login")
    webkit.run(LOG_IN, "trainee@hospital.example", PASSWORD)
    until(lambda: "/login" not in webkit.run("return location.pathname"), 60)
    # on a page without a player: two of them at once stop this browser for good now and then
    webkit.open(f"{served.url}/account")

    webkit.run(PLAY, f"/entries/{served.entry_id}")

    until(lambda: webkit.run("return document.getElementById('native').currentTime") > 2, 60)
    assert webkit.run("return document.getElementById('native').videoHeight") > 0
    assert webkit.run("return document.getElementById('native').error") is None
    assert webkit.run("return document.getElementById('native').duration") == pytest.approx(20, abs=0.2)
