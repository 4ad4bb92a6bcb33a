"""When the network fails: the player says so, tries again, takes another rendition, and keeps the place."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import QUALITIES, VIDEO, wait_for_time, wait_until
from tests.browser.watching import open_entry


def test_a_network_that_is_gone_is_said_and_playing_goes_on_by_itself(page: Any, served: Served) -> None:
    """Checklist 26 (stalled network)."""
    cut: list[str] = []

    def cut_off(route: Any) -> None:
        cut.append(route.request.url)
        route.abort("internetdisconnected")

    page.route("**/media/*/video/**", cut_off)
    page.route("**/media/*/audio/**", cut_off)
    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}?t=10")
    page.locator("vl-player media-player").wait_for()
    page.keyboard.press("k")
    page.locator(".player-notice p").wait_for(timeout=60_000)
    assert page.locator(".player-notice button").is_visible()
    assert cut

    page.unroute("**/media/*/video/**")
    page.unroute("**/media/*/audio/**")

    page.locator(".player-notice button").click()
    wait_until(page, f"{VIDEO}.readyState > 2")
    if page.evaluate(f"{VIDEO}.paused"):
        page.keyboard.press("k")
    wait_for_time(page, 10.5)
    assert page.evaluate(f"{VIDEO}.currentTime") < 16
    wait_until(page, "document.querySelector('.player-notice').childElementCount === 0")


def test_a_segment_that_is_missing_is_taken_from_another_rendition(page: Any, served: Served) -> None:
    """Checklist 26 (404 of a segment)."""
    missing: list[str] = []
    others: list[str] = []

    def lose_the_best(route: Any) -> None:
        url = route.request.url
        if ("/video/720p/" in url or "/video/480p/" in url) and not url.endswith((".m3u8", "init.mp4")):
            missing.append(url)
            route.fulfill(status=404, body="")
        else:
            others.append(url)
            route.continue_()

    page.route("**/media/*/video/**", lose_the_best)
    open_entry(page, served, served.entry_id, query="?t=0")
    page.keyboard.press("k")

    wait_until(page, f"{VIDEO}.currentTime > 12")
    assert page.evaluate(f"{VIDEO}.error") is None
    assert page.evaluate(f"{QUALITIES}.length") == 4
    assert missing
    assert others
