"""Milliseconds a frame at the annotation desk with 500 annotations.  `python -m bench.timeline [annotations]`

A clip of an hour (one picture a second: what is measured is the desk, not the decoder) is annotated with phases, steps,
events, instruments and notes; Chromium opens the desk and scrubs as a hand does: the pointer goes over the ruler, then
a mark's edge is dragged, then the time is zoomed and scrolled, then the recording plays. A frame is what the page does
between the browser's call to draw and the next task after it: script, layout and paint. It stays fluid below 16 ms.
The last column is how many of the frames took longer. Checklist 47.
"""

from __future__ import annotations

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
from urllib.request import Request, urlopen

from playwright.sync_api import sync_playwright

from ingest.ffmpeg import find_tools

ROOT = Path(__file__).resolve().parent.parent
PORT = 8794
URL = f"http://127.0.0.1:{PORT}"
LENGTH_S = 3600
STEPS = ("step.stent_iliac.01", "step.stent_iliac.02")
PHASES = ("ph.access", "ph.baseline_img")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
READY_S = 300
MOVES = 180
FLUID_MS = 16.0
# a frame begins when the browser asks the page to draw; the message is taken up after layout and paint
WATCH = """() => {
  window.took = [];
  const channel = new MessageChannel();
  let began = 0;
  channel.port1.onmessage = () => window.took.push(performance.now() - began);
  const frame = () => {
    began = performance.now();
    channel.port2.postMessage(null);
    window.watching = requestAnimationFrame(frame);
  };
  window.watching = requestAnimationFrame(frame);
}"""


def main(count: int) -> None:
    """Fill a library, scrub in Chromium, and print a line for each thing that is done."""
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as name:
        folder = Path(name)
        password = secrets.token_hex(12)
        environment = {**os.environ, "VIDEOLIB_HOME": str(folder / "home"), "VIDEOLIB_LOG_LEVEL": "ERROR"}
        entry_id, token = fill(environment, folder, password)
        command = [sys.executable, "-m", "videolib", "serve", "--port", str(PORT)]
        with subprocess.Popen(command, env=environment, cwd=ROOT) as server:
            try:
                wait_until_alive()
                annotate(entry_id, token, count)
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                    page = browser.new_page(viewport={"width": 1440, "height": 900})
                    open_desk(page, entry_id, password)
                    measure(page)
                    browser.close()
            finally:
                server.terminate()


def fill(environment: dict[str, str], folder: Path, password: str) -> tuple[str, str]:
    """A library with one recording of an hour; gives the entry and an editor's token."""
    call(environment, "init")
    call(environment, "user", "add", "editor@bench.example", "--role", "editor", stdin=password)
    clip = folder / "hour.mp4"
    picture = ["-f", "lavfi", "-i", f"testsrc=size=640x360:rate=1:duration={LENGTH_S}"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "2", "-pix_fmt", "yuv420p"]
    ffmpeg = str(find_tools().ffmpeg)
    subprocess.run([ffmpeg, "-v", "error", "-nostdin", *picture, *coding, str(clip)], check=True)
    meta = folder / "meta.yaml"
    title = "title: {en: Iliac artery stenting, zh: 髂动脉支架植入术}"
    meta.write_text(f"{title}\nprocedures: [proc.stent_iliac]\ncontent_type: ct.simulation\n", encoding="utf-8")
    answer = json.loads(call(environment, "ingest", str(clip), "--meta", str(meta), "--json"))
    return answer["entry_id"], call(environment, "user", "token", "editor@bench.example").strip()


def annotate(entry_id: str, token: str, count: int) -> None:
    """So many annotations, evenly over the hour: a fifth each of phases, steps, events, instruments and notes."""
    each = count // 5
    wide = LENGTH_S / each
    items = []
    for index in range(each):
        start, end = index * wide, (index + 1) * wide - 0.5
        items += [
            annotation("phase", PHASES[index % 2], f"t={start:.3f},{end:.3f}"),
            annotation("step", STEPS[index % 2], f"t={start:.3f},{end:.3f}"),
            annotation("event", "comp.spasm", f"t={start + wide / 3:.3f}"),
            annotation("instrument", "dev.microcatheter", f"t={start + 1:.3f},{end - 1:.3f}"),
            annotation("note", "anat.liver", f"t={start + wide / 2:.3f},{end:.3f}"),
        ]
    body = json.dumps({"type": "AnnotationPage", "items": items}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = Request(f"{URL}/api/v1/entries/{entry_id}/annotations", data=body, headers=headers)  # noqa: S310 - loopback
    with urlopen(asked, timeout=READY_S) as answer:  # noqa: S310
        taken = json.load(answer)["taken"]
    if taken != len(items):
        raise SystemExit(f"only {taken} of {len(items)} annotations were taken")


def annotation(kind: str, term: str, at: str) -> dict[str, Any]:
    """One as the API takes it."""
    body = {"type": "SpecificResource", "role": "term", "source": f"urn:videolib:term:{term}"}
    return {"type": "Annotation", "kind": kind, "body": body, "target": f"urn:x#{at}"}


def open_desk(page: Any, entry_id: str, password: str) -> None:
    """Log in and wait for the desk."""
    page.goto(f"{URL}/login")
    page.fill("input[name=email]", "editor@bench.example")
    page.fill("input[name=password]", password)
    page.click("button[name=submit]")
    page.goto(f"{URL}/studio/entries/{entry_id}/timeline")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=READY_S * 1000)
    page.locator("vl-timeline[data-ready]").wait_for(timeout=READY_S * 1000)
    print(f"{page.locator('.mark').count()} marks on the page")


def measure(page: Any) -> None:
    """Each thing that is done, and what its frames took."""
    print(f"{'what':24} {'frames':>6} {'p50 ms':>7} {'p95 ms':>7} {'max ms':>7} {'over 16':>7}")
    ruler = page.locator("[data-part=slider]").bounding_box()
    report(page, "scrub over the ruler", lambda: drag(page, (ruler["x"], ruler["y"] + 10), ruler["width"]))
    mark = page.locator(".mark--step").nth(3)
    page.evaluate("document.querySelector('vl-timeline').zoom(12)")
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    report(page, "drag a mark's edge", lambda: drag(page, (box["x"] + box["width"] - 3, box["y"] + 10), 120))
    report(page, "scroll, twelve times", lambda: scroll(page))
    page.keyboard.press("k")
    report(page, "play", lambda: page.wait_for_timeout(5000))


def drag(page: Any, begin: tuple[float, float], width: float) -> None:
    """There and back, a step at a time, as a hand does."""
    page.mouse.move(*begin)
    page.mouse.down()
    for step in range(MOVES):
        way = min(step, MOVES - step) / (MOVES / 2)
        page.mouse.move(begin[0] + 1 + way * (width - 2), begin[1])
    page.mouse.up()


def scroll(page: Any) -> None:
    """Along the whole hour."""
    page.mouse.move(700, page.locator(".timeline__scroll").bounding_box()["y"] + 60)
    for _ in range(MOVES):
        page.mouse.wheel(100, 0)


def report(page: Any, what: str, deed: Any) -> None:
    """Do it, and print what the frames meanwhile took."""
    page.evaluate(WATCH)
    deed()
    took = sorted(page.evaluate("(cancelAnimationFrame(window.watching), window.took)"))
    p50, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
    slow = sum(one > FLUID_MS for one in took)
    print(f"{what:24} {len(took):6} {p50:7.1f} {p95:7.1f} {took[-1]:7.1f} {slow:7}")


def call(environment: dict[str, str], *arguments: str, stdin: str = "") -> str:
    """The command line, as an operator calls it."""
    command = [sys.executable, "-m", "videolib", *arguments]
    done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout


def wait_until_alive() -> None:
    """Until the service answers."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        try:
            with urlopen(f"{URL}/healthz", timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the service did not answer")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
