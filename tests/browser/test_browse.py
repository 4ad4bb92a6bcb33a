"""First page, browsing, filters and comparing, as a trainee finds recordings."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Served, log_in, sticking_out
from tests.browser.test_story_watch import wait_until
from tests.browser.watching import add_described_entry

INDEX_WAIT_S = 30
FIRST, SECOND = (
    "[...document.querySelectorAll('vl-compare video')][0]",
    "[...document.querySelectorAll('vl-compare video')][1]",
)


@pytest.fixture(scope="module")
def found(served: Served) -> str:
    """A second published entry: of the liver, with steps."""
    return add_described_entry(served)


def go_when_indexed(page: Any, url: str, locator: str) -> Any:
    """Open that page until the index has taken in what it is to show."""
    end = time.monotonic() + INDEX_WAIT_S
    while True:
        page.goto(url)
        if page.locator(locator).count():
            return page.locator(locator)
        assert time.monotonic() < end, f"the index did not take it in: {locator}"
        page.wait_for_timeout(300)


def test_the_first_page_shows_real_recordings_with_what_one_chooses_by(
    page: Any, served: Served, found: str, no_outside_requests: set[str]
) -> None:
    """Checklist 1, 7."""
    log_in(page, served)
    page.goto(served.url)
    cards = page.locator("main article")
    assert cards.count() >= 2
    texts = " ".join(cards.all_inner_texts())
    assert "0:20" in texts
    assert "基础" in texts
    assert "lorem" not in texts.lower()
    pictures = page.locator("main article img")
    wait_until(page, "document.querySelector('main article img').naturalWidth > 0")
    for number in range(pictures.count()):
        picture = pictures.nth(number)
        assert int(picture.get_attribute("width") or 0) > 0
        assert int(picture.get_attribute("height") or 0) > 0
        assert number < 4 or picture.get_attribute("loading") == "lazy"
    links = {link.get_attribute("href") for link in page.locator("main a").all()}
    dead = [link for link in links if page.request.get(served.url + str(link)).status != 200]
    assert dead == []


def test_the_tree_counts_what_a_click_lists(
    page: Any, served: Served, found: str, no_outside_requests: set[str]
) -> None:
    """Checklist 2, 3: browse by territory, procedure, disease, device; filters live in the address."""
    log_in(page, served)
    go_when_indexed(page, f"{served.url}/browse", "a.tree__link[href*='anat.liver']")
    for scheme, term in (("anatomy", "anat.liver"), ("procedure", "proc.tace"), ("device", "dev.microcatheter")):
        page.goto(f"{served.url}/browse")
        link = page.locator(f"#tree-{scheme} ~ ul a.tree__link[href*='{term}']").first
        count = int(re.findall(r"\d+", link.inner_text())[-1])
        link.click()
        page.wait_for_url("**/search?*")
        assert page.locator("main .hit").count() == count

    filtered = page.url
    assert "dev.microcatheter" in filtered
    page.locator(".facet__option[href*='proc.tace']").first.click()
    page.wait_for_url("**proc.tace**")
    page.reload()
    assert page.locator(".chip--on").count() == 2
    page.go_back()
    assert urlsplit(page.url) == urlsplit(filtered)
    assert page.locator(".chip--on").count() == 1


def test_what_is_empty_says_why_and_what_next(page: Any, served: Served, no_outside_requests: set[str]) -> None:
    """Checklist 6: the library of who is not signed in, a filter without hits, notes, the record of a new person."""
    page.goto(served.url)
    assert page.locator(".empty a.button").count() == 1
    log_in(page, served, "admin")
    for path in ("/search?q=zzzzzz", "/me/notes", "/search?facet=procedure:proc.uae"):
        page.goto(served.url + path)
        assert page.locator(".empty").inner_text().strip(), path
        assert page.locator(".empty a").count() >= 1, path


def test_nothing_moves_for_who_asked_for_less_motion(page: Any, served: Served, found: str) -> None:
    """Checklist 4 (hover), 56 (reduced motion)."""
    log_in(page, served)
    for motion, moves in (("reduce", False), ("no-preference", True)):
        page.emulate_media(reduced_motion=motion)
        page.goto(served.url)
        page.locator("main article.card").last.hover()
        hovered = (
            "getComputedStyle([...document.querySelectorAll('main article.card')].pop().querySelector('img')).transform"
        )
        wait_until(page, f"({hovered} !== 'none') === {'true' if moves else 'false'}")


def test_two_recordings_play_side_by_side_aligned_by_a_step(
    page: Any, served: Served, found: str, no_outside_requests: set[str]
) -> None:
    other = add_described_entry(
        served, title={"zh": "TACE肝细胞癌：第二例", "en": "TACE of a second hepatocellular carcinoma"}
    )
    log_in(page, served)
    page.goto(f"{served.url}/entries/{found}")
    page.get_by_role("link", name="对比").click()
    page.wait_for_url("**/compare?a=*")
    page.goto(f"{served.url}/compare?a={found}&b={other}")
    steps = page.locator("a[data-starts]")
    assert steps.count() == 2

    steps.nth(1).click()
    wait_until(page, f"Math.abs({FIRST}.currentTime - 4) < 0.1 && Math.abs({SECOND}.currentTime - 4) < 0.1")
    page.locator("[data-nudge='0.2']").click()
    wait_until(page, f"Math.abs({SECOND}.currentTime - 4.2) < 0.05")
    page.locator("[data-play]").click()
    wait_until(page, f"{FIRST}.currentTime > 5.5 && !{FIRST}.paused && !{SECOND}.paused")
    wait_until(page, f"Math.abs({SECOND}.currentTime - {FIRST}.currentTime - 0.2) < 0.15")
    page.locator("[data-play]").click()
    wait_until(page, f"{FIRST}.paused && {SECOND}.paused")
    wait_until(page, f"Math.abs({SECOND}.currentTime - {FIRST}.currentTime - 0.2) < 0.05")
    assert page.url.endswith("step=step.tace.02")
    page.set_viewport_size({"width": 390, "height": 844})
    assert sticking_out(page) == []
