"""What the browser tests of the annotation desk share: an entry of their own, and the desk with it."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import PLAY_WAIT_MS, wait_until
from tests.browser.watching import request

DESK = "document.querySelector('vl-timeline')"
FRAME_S = 0.04


def add_bare_entry(served: Served) -> str:
    """A further entry of the served recording (20 s, 25 frames a second) with nothing marked yet; gives its id."""
    recording_id = request(served, "GET", f"/api/v1/entries/{served.entry_id}")["recording_id"]
    title = {"zh": "髂动脉支架：标注", "en": "An iliac stent to annotate"}
    fields = {"title": title, "procedures": ["proc.stent_iliac"], "content_type": "ct.simulation"}
    return str(request(served, "POST", "/api/v1/entries", {**fields, "recording_id": recording_id})["id"])


def open_desk(page: Any, served: Served, entry_id: str, *, role: str | None = "editor", layer: str = "main") -> None:
    """Log in as that role, unless the page is, and wait until the desk has the annotations and the picture."""
    if role is not None:
        log_in(page, served, role)
    page.goto(f"{served.url}/studio/entries/{entry_id}/timeline?layer={layer}")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.locator("vl-timeline[data-ready]").wait_for(timeout=PLAY_WAIT_MS)


def show(page: Any, seconds: float) -> None:
    """Bring the picture to that time, and wait until it stands there."""
    page.evaluate(f"{DESK}.playhead.go({seconds})")
    wait_until(page, f"Math.abs({DESK}.frames.time - {seconds}) < {FRAME_S}")


def wait_until_saved(page: Any) -> None:
    wait_until(page, f"{DESK}.part('state').dataset.state === 'saved' && {DESK}.saver.dirty.size === 0")


def mark(page: Any, kind: str, number: int = 0) -> Any:
    return page.locator(f".mark--{kind}").nth(number)
