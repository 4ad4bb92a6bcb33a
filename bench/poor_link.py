"""Playing over a poor link.  `python -m bench.poor_link [seconds]`  (Checklist 59, its timed part)

Minutes of the real 720p clip, taken in by the real pipeline and served by `videolib serve`; Chromium at 390 px whose
connection is throttled by its own DevTools, with 100 ms of latency. The scripts and styles lie in the browser's cache,
as for anybody who has watched something before. At 300 kbit/s the clock runs from the click on a recording to the
first picture that moves; at 500 kbit/s the stalls of so many seconds of playing are counted, and what was on show.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from bench.first_picture import CLIP, CLIP_S, FLAGS, PASSWORD, ROOT, VIDEO, call, run_ffmpeg
from tests.libraries import release
from videolib.db import Database

PORT = 8793
# one whose page brings the scripts, and one for each link
LENGTHS_S = (10, 60, 70)
LATENCY_MS = 100
SLOW_KBPS, POOR_KBPS = 300, 500
ALLOWED_S = 4.0
LONGEST_WAIT_S = 60.0
META = """title: {zh: 气道支架置入术, en: Airway stent placement}
procedures: [proc.airway_stent]
content_type: ct.simulation
"""


def main(seconds: int) -> int:
    """Print both figures; 1 where one of them is not met."""
    with served(PORT, LENGTHS_S) as (address, entries):
        return measure(address, entries, seconds)


@contextmanager
def served(port: int, lengths_s: Sequence[int] = (60,)) -> Iterator[tuple[str, list[str]]]:
    """A library with recordings of these lengths, served as an operator starts it: its address, the entries."""
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as name:
        folder = Path(name)
        environment = {**os.environ, "VIDEOLIB_HOME": str(folder / "home"), "VIDEOLIB_LOG_LEVEL": "ERROR"}
        call(environment, "init")
        call(environment, "user", "add", "editor@bench.example", "--role", "editor", stdin=PASSWORD)
        entries = [publish(environment, folder, length_s) for length_s in lengths_s]
        serve = [sys.executable, "-m", "videolib", "serve", "--port", str(port)]
        with subprocess.Popen(serve, env=environment, cwd=ROOT) as server:
            try:
                yield f"http://127.0.0.1:{port}", entries
            finally:
                server.terminate()


def publish(environment: dict[str, str], folder: Path, length_s: int) -> str:
    """Take a recording in, and sign it off as the second person; gives the entry."""
    source, meta = folder / "in.mp4", folder / "meta.yaml"
    clip = str((ROOT / CLIP).resolve())
    run_ffmpeg("-stream_loop", str(length_s // CLIP_S - 1), "-i", clip, "-c", "copy", str(source))
    meta.write_text(META, encoding="utf-8")
    made = json.loads(call(environment, "ingest", str(source), "--meta", str(meta), "--publish", "--json"))
    database = Database(f"sqlite:///{folder / 'home' / 'videolib.db'}")
    release(database, made["recording_id"])
    database.close()
    return str(made["entry_id"])


def measure(address: str, entries: list[str], seconds: int) -> int:
    """Both links, one after the other, in one browser, each with a recording that it has not seen yet."""
    known, first, second = entries
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        log_in(page, address)
        # scripts and styles into the cache
        page.goto(f"{address}/entries/{known}")
        page.locator("vl-player media-player[data-can-play]").wait_for()
        took_s = start_s(page, address, first)
        print(f"{SLOW_KBPS} kbit/s: {took_s:.1f} s from the click to a moving picture (at most {ALLOWED_S:.0f})")
        stalls, heights = play(page, address, second, seconds)
        print(f"{POOR_KBPS} kbit/s: {stalls} stalls in {seconds} s (none allowed); heights shown: {heights}")
        browser.close()
    return int(took_s > ALLOWED_S or stalls > 0)


def start_s(page: Any, address: str, entry_id: str) -> float:
    """From a click on the first page to a picture that moves."""
    page.goto(address)
    session = throttle(page, SLOW_KBPS)
    began = time.monotonic()
    page.locator(f"main a[href*='{entry_id}']").first.click()
    page.locator("vl-player media-player").wait_for()
    page.keyboard.press("k")
    wait_until(page, f"{VIDEO} && {VIDEO}.currentTime > 0.05")
    took_s = time.monotonic() - began
    session.detach()
    return took_s


def play(page: Any, address: str, entry_id: str, seconds: int) -> tuple[int, list[int]]:
    """Stalls after the first picture, and the heights of the renditions on show."""
    page.goto(address)
    session = throttle(page, POOR_KBPS)
    page.goto(f"{address}/entries/{entry_id}?t=0")
    page.locator("vl-player media-player").wait_for()
    page.keyboard.press("k")
    wait_until(page, f"{VIDEO} && {VIDEO}.currentTime > 0.05")
    page.evaluate(f"window.stalls = 0; {VIDEO}.addEventListener('waiting', () => {{ window.stalls += 1; }})")
    heights = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        heights.add(page.evaluate(f"{VIDEO}.videoHeight"))
        page.wait_for_timeout(500)
    played_s = page.evaluate(f"{VIDEO}.currentTime")
    session.detach()
    # a picture that does not move without an event is a stall too
    behind = int(played_s < min(seconds, LENGTHS_S[-1]) - 2)
    return page.evaluate("window.stalls") + behind, sorted(heights)


def throttle(page: Any, kbps: int) -> Any:
    """The browser's own slow link."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    rate = kbps * 1000 / 8
    conditions = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": rate, "uploadThroughput": rate}
    session.send("Network.emulateNetworkConditions", conditions)
    return session


def log_in(page: Any, address: str) -> None:
    """As the editor of this library, once it answers."""
    end = time.monotonic() + LONGEST_WAIT_S
    while True:
        try:
            page.goto(f"{address}/login")
            break
        except Exception:  # noqa: BLE001 - whatever the browser says of a port that nobody listens to
            assert time.monotonic() < end, "the service did not answer"
            time.sleep(0.3)
    page.fill("input[name=email]", "editor@bench.example")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_url(lambda url: "/login" not in url)


def wait_until(page: Any, expression: str) -> None:
    """Until the expression holds in the page."""
    end = time.monotonic() + LONGEST_WAIT_S
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"it did not come about: {expression}"
        page.wait_for_timeout(50)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
