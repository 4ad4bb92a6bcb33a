"""Choosing ranges in the system's Chromium: by key, by button and by hand; small and dark too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.annotating import add_bare_entry
from tests.browser.conftest import Served, log_in, sticking_out
from tests.browser.test_story_watch import PLAY_WAIT_MS, problems, wait_until


@pytest.fixture
def entry_id(served: Served) -> str:
    return add_bare_entry(served)


def seconds(clock: str) -> float:
    minutes, _, rest = clock.partition(":")
    return int(minutes) * 60 + float(rest)


def go_to(page: Any, time_s: float) -> None:
    page.evaluate(f"document.querySelector('vl-player').seek({time_s}, {{ play: false }})")
    wait_until(page, f"Math.abs(document.querySelector('vl-player').currentTime - {time_s}) < 0.05")


def test_an_editor_sets_ranges_by_the_playhead_orders_and_saves_them(
    page: Any, served: Served, entry_id: str, no_outside_requests: set[str]
) -> None:
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/entries/{entry_id}/ranges")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    rows = page.locator("[data-range]")

    for edge, time_s in (("[", 4), ("]", 7)):
        go_to(page, time_s)
        page.keyboard.press(edge)
    page.locator("[data-deed=add]").click()
    rows.nth(1).locator("[data-edge=start]").fill("0:12")
    go_to(page, 14)
    rows.nth(1).locator("[data-deed=end]").click()
    assert seconds(page.locator("[data-part=total]").inner_text()) == pytest.approx(5.0, abs=0.1)
    rows.nth(1).locator("[data-deed=up]").click()
    for width, scheme in ((390, "dark"), (1440, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_timeout(300)  # until no colour is on its way to another
        assert sticking_out(page) == []
        assert problems(page) == []
    page.locator("main form button[value=save].button--primary").click()

    page.wait_for_load_state()
    times = [
        seconds(row.locator(f"[data-edge={edge}]").input_value()) for row in rows.all() for edge in ("start", "end")
    ]
    assert times == pytest.approx([12, 14, 4, 7], abs=0.06)
    page.locator("#waiting").wait_for()
