"""A trainee's story, in the system's Chromium: log in, search, open, play, in both languages and both themes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Served, log_in, sticking_out

VIDEO = "document.querySelector('vl-player video')"
QUALITIES = "document.querySelector('vl-player media-player').qualities"
PLAY_WAIT_MS = 60_000


def play(page: Any) -> None:
    """Press play with the keyboard, as a person does."""
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.keyboard.press("k")


def wait_until(page: Any, expression: str) -> None:
    """Until the expression holds in the page; Playwright's own waiting needs `eval`, which our pages forbid."""
    end = time.monotonic() + PLAY_WAIT_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"it did not come about: {expression}"
        page.wait_for_timeout(100)


def wait_for_time(page: Any, seconds: float) -> None:
    wait_until(page, f"{VIDEO} && {VIDEO}.currentTime > {seconds}")


@pytest.mark.parametrize("query", ["支架", "stent", "zhijia"])
def test_a_trainee_finds_a_recording_in_chinese_and_english_and_watches_it(
    page: Any, served: Served, no_outside_requests: set[str], query: str
) -> None:
    """Checklist 9, 15, 63."""
    log_in(page, served)
    page.fill("input[name=q]", query)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*")
    page.locator("main a[href*='/entries/']", has_text="支架").first.click()
    page.wait_for_url("**/entries/*")

    play(page)

    wait_until(
        page, f"{VIDEO}.videoHeight > 0 && {VIDEO}.currentTime > 3"
    )  # resumed, the time is there before a picture
    assert page.evaluate(f"{VIDEO}.error") is None


def test_the_quality_can_be_chosen_and_the_picture_changes(
    page: Any, served: Served, no_outside_requests: set[str]
) -> None:
    """Checklist 19."""
    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}")
    play(page)
    # a slow machine takes longer than the clip
    page.evaluate("document.querySelector('vl-player media-player').loop = true")
    wait_for_time(page, 0.5)
    heights = page.evaluate(f"{QUALITIES}.toArray().map(one => one.height)")
    assert sorted(heights) == [240, 360, 480, 720]

    for height in (240, 720):
        page.evaluate(f"{QUALITIES}.toArray().find(one => one.height === {height}).selected = true")
        wait_until(page, f"{VIDEO}.videoHeight === {height}")

    page.evaluate(f"{VIDEO}.currentTime = 2")
    wait_for_time(page, 2.5)


def test_captions_are_there_in_both_languages(page: Any, served: Served, no_outside_requests: set[str]) -> None:
    """Checklist 16."""
    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}")
    play(page)
    wait_for_time(page, 1.2)

    for language, text in (("zh-Hans", "微导管通过病变"), ("en", "The microcatheter crosses the lesion")):
        page.evaluate(
            "language => { for (const track of document.querySelector('vl-player media-player').textTracks.toArray())"
            " track.mode = track.language === language ? 'showing' : 'disabled'; }",
            language,
        )
        page.evaluate(f"{VIDEO}.currentTime = 1.5")
        page.get_by_text(text).first.wait_for(timeout=PLAY_WAIT_MS)


def test_a_link_to_a_moment_opens_at_that_moment(page: Any, served: Served, no_outside_requests: set[str]) -> None:
    """Checklist 22: `?t=` part."""
    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}?t=12")
    play(page)

    wait_for_time(page, 12.2)
    assert page.evaluate(f"{VIDEO}.currentTime") < 18


def test_a_link_that_has_expired_is_renewed_without_losing_the_place(page: Any, served: Served) -> None:
    """Checklist 27."""
    log_in(page, served)
    asked_again: list[str] = []
    refused: list[str] = []

    def refuse_until_asked_again(route: Any) -> None:
        if asked_again:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=410, body="")

    page.goto(f"{served.url}/entries/{served.entry_id}?t=6")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.on("request", lambda request: asked_again.append(request.url) if "/playback" in request.url else None)
    page.route("**/media/*/video/**", refuse_until_asked_again)
    page.evaluate(f"{QUALITIES}.toArray().find(one => one.height === 240).selected = true")
    page.keyboard.press("k")

    wait_for_time(page, 8)
    assert refused
    assert page.evaluate(f"{VIDEO}.currentTime") < 15


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_on_the_pages_of_the_story(page: Any, served: Served, language: str, theme: str) -> None:
    """Checklist 53: home, search, entry and login."""
    page.goto(f"{served.url}/preferences?lang={language}&theme={theme}&next=/login")
    found = {"login": problems(page)}
    log_in(page, served)
    for name, path in {
        "home": "/",
        "search": "/search?q=支架",
        "nothing found": "/search?q=zzzzzz",
        "entry": f"/entries/{served.entry_id}",
    }.items():
        page.goto(served.url + path)
        if name == "entry":
            page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
        assert page.locator("html").get_attribute("lang") == {"zh": "zh-Hans", "en": "en"}[language]
        assert page.locator("html").get_attribute("data-theme") == theme
        found[name] = problems(page)

    assert {name: texts for name, texts in found.items() if texts} == {}


def problems(page: Any) -> list[str]:
    """What axe says against the page as it is now."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    answer = Axe().run(page, options=options).response["violations"]
    return [f"{item['id']}: {[node['target'] for node in item['nodes']]}" for item in answer]


def test_on_a_phone_nothing_has_to_be_scrolled_sideways(
    page: Any, served: Served, no_outside_requests: set[str]
) -> None:
    """Checklist 59: first form."""
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, served)
    for path in ("/", "/search?q=支架", f"/entries/{served.entry_id}"):
        page.goto(served.url + path)
        assert sticking_out(page) == [], path


def test_the_language_is_switched_and_the_page_stays(page: Any, served: Served, no_outside_requests: set[str]) -> None:
    """Checklist 58: first form."""
    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}")
    page.get_by_role("link", name="English").first.click()

    wait_until(page, "document.documentElement.lang === 'en'")
    assert page.url.startswith(f"{served.url}/entries/{served.entry_id}")
    assert page.get_by_role("heading", level=1).inner_text().startswith("Iliac artery stenting")
