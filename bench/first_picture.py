"""Seconds from the end of an upload to the first moving picture.  `python -m bench.first_picture [--s3] [minutes …]`

The real 720p clip of the shared data is looped to each length, once as it is (its stream is copied) and once as MPEG-4
Part 2, which no browser plays. `videolib serve` works as an operator starts it; the clock starts when `ingest` with
`--no-wait` has answered: bytes kept, work queued. It stops when `currentTime` has moved in Chromium. The watch
page is open and is not loaded again. Then the work is cancelled: the last column says how long the longest-lived ffmpeg
lived on after `videolib cancel` had answered. `--s3` keeps all in a real S3 server on this host.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

from ingest.ffmpeg import find_tools
from videolib.children import start_s3_server

ROOT = Path(__file__).resolve().parent.parent
CLIP = "../shared/testdata/surgical/lap_cholecystectomy_720p25_aac.mp4"
CLIP_S = 10
HOSPITAL = "bench"
PORT = 8792
PASSWORD = "a long password for a bench"  # noqa: S105 - of a library that lives for this run
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
VIDEO = "document.querySelector('vl-player video')"
KINDS = {"copied": ["-c", "copy"], "encoded": ["-c:v", "mpeg4", "-q:v", "4", "-c:a", "copy"]}
LONGEST_WAIT_S = 300.0


def main(minutes: list[int], *, s3: bool) -> None:
    """Print a line for each kind and length."""
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as name, contextlib.ExitStack() as ended:
        folder = Path(name)
        environment = {**os.environ, "VIDEOLIB_HOME": str(folder / "home"), "VIDEOLIB_LOG_LEVEL": "ERROR"}
        if s3:
            access, secret = secrets.token_hex(8), secrets.token_hex(20)
            storing = start_s3_server(folder / "s3", access_key=access, secret_key=secret)
            ended.callback(storing.stop)
            environment |= {
                "VIDEOLIB_STORE_URL": f"s3://bench/library?endpoint={storing.endpoint}&style=path",
                "AWS_ACCESS_KEY_ID": access,
                "AWS_SECRET_ACCESS_KEY": secret,
            }
        call(environment, "init")
        call(environment, "user", "add", "editor@bench.example", "--role", "editor", stdin=PASSWORD)
        # what the host takes in is open to the reviewers of its hospital before it is signed off
        call(environment, "group", "add", HOSPITAL, "--kind", "hospital", "--en", "Bench")
        call(environment, "group", "grant", HOSPITAL, "editor@bench.example", "reviewer")
        serve = [sys.executable, "-m", "videolib", "serve", "--port", str(PORT)]
        with subprocess.Popen(serve, env=environment, cwd=ROOT) as server:
            try:
                wait_until_alive()
                measure_all(environment, folder, minutes)
            finally:
                server.terminate()


def measure_all(environment: dict[str, str], folder: Path, minutes: list[int]) -> None:
    """Each kind and length in a recording of its own, one after the other, the work on the last one cancelled."""
    print(f"{'kind':8} {'minutes':>7} {'MB':>6} {'first picture s':>15} {'cancelled s':>11}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        log_in(page)
        for kind, options in KINDS.items():
            short = folder / f"{kind}.mp4"
            run_ffmpeg("-i", str((ROOT / CLIP).resolve()), *options, str(short))
            for length in minutes:
                source = folder / f"{kind}-{length}.mp4"
                loops = str(length * 60 // CLIP_S - 1)
                run_ffmpeg("-stream_loop", loops, "-i", str(short), "-c", "copy", str(source))
                answer = json.loads(
                    call(environment, "ingest", str(source), "--hospital", HOSPITAL, "--no-wait", "--json")
                )
                took_s = first_picture_s(page, answer["entry_id"])
                gone_s = cancelled_s(environment, folder, answer["recording_id"])
                row = f"{kind:8} {length:7} {source.stat().st_size / 1e6:6.0f} {took_s:15.1f} {gone_s:11.1f}"
                print(row, flush=True)
        browser.close()


def first_picture_s(page: Any, entry_id: str) -> float:
    """Open the watch page at once and wait until its video moves."""
    started = time.monotonic()
    page.goto(f"http://127.0.0.1:{PORT}/entries/{entry_id}")
    page.evaluate("window.sameDocument = true")
    while time.monotonic() - started < LONGEST_WAIT_S:
        if (
            page.evaluate(f"{VIDEO} ? ({VIDEO}.muted = true, {VIDEO}.play().catch(() => 0), {VIDEO}.currentTime) : 0")
            > 0
        ):
            assert page.evaluate("window.sameDocument"), "the page was loaded again"
            return time.monotonic() - started
        page.wait_for_timeout(50)
    return float("inf")


def cancelled_s(environment: dict[str, str], folder: Path, recording_id: str) -> float:
    """Cancel the work while it encodes, and wait until no ffmpeg of this library is left."""
    while not tools_in(folder):
        time.sleep(0.05)
    call(environment, "cancel", recording_id)
    started = time.monotonic()
    while tools_in(folder):
        time.sleep(0.02)
    return time.monotonic() - started


def tools_in(folder: Path) -> list[str]:
    """The command lines of running ffmpeg that name the folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if str(folder) in line and "ffmpeg" in line]


def log_in(page: Any) -> None:
    """Through the page, as a person does."""
    page.goto(f"http://127.0.0.1:{PORT}/login")
    page.fill("input[name=email]", "editor@bench.example")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_url(lambda url: "/login" not in url)


def videolib(*arguments: str) -> list[str]:
    """The command line of the library."""
    return [sys.executable, "-m", "videolib", *arguments]


def call(environment: dict[str, str], *arguments: str, stdin: str = "") -> str:
    """One command, which has to succeed; gives what it printed."""
    done = subprocess.run(
        videolib(*arguments), env=environment, input=stdin, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True
    )
    return done.stdout


def run_ffmpeg(*arguments: str) -> None:
    """Make a source."""
    subprocess.run([str(find_tools().ffmpeg), "-v", "error", "-nostdin", "-y", *arguments], check=True)


def wait_until_alive() -> None:
    """Until the service answers."""
    for _ in range(600):
        try:
            urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", nargs="*", type=int, default=[1, 10, 60])
    parser.add_argument("--s3", action="store_true")
    asked = parser.parse_args()
    main(asked.minutes, s3=asked.s3)
