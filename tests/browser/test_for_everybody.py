"""The pages of who watches, for everybody: by keys, with large text, on phones, in two languages, without scripts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Served, log_in, sticking_out
from tests.browser.test_story_watch import PLAY_WAIT_MS, VIDEO, play, problems, wait_for_time, wait_until
from tests.browser.watching import PLAYER, add_described_entry, open_entry

# links within sentences may be as small as their words (WCAG 2.5.8), and a mask as what it covers (fields do the same)
SMALL_TARGETS = """() => {
  const inSentences = 'p, .skip-link, label.check, label.segment, .visually-hidden, .desk__mask';
  return [...document.querySelectorAll('a, button, summary, select, input:not([type=hidden]), textarea, label.check')]
    .filter((one) => one.checkVisibility() && !one.closest(inSentences))
    .map((one) => [one.getBoundingClientRect(), one])
    .filter(([box]) => box.width > 0 && (box.width < 24 || box.height < 24))
    .map(([box, one]) => `${one.outerHTML.slice(0, 90)} ${Math.round(box.width)}x${Math.round(box.height)}`);
}"""
PAGES = ("/", "/search?q=TACE", "/browse", "/me", "/me/notes", "/me/who-sees-what")


@pytest.fixture(scope="module")
def watched(served: Served) -> str:
    return add_described_entry(served)


def pages_of(entry_id: str) -> tuple[str, ...]:
    return (*PAGES, f"/entries/{entry_id}", f"/entries/{entry_id}/transcript", f"/compare?a={entry_id}&b={entry_id}")


def settle(page: Any) -> None:
    """Until the page is dressed; a player until it can play."""
    if page.locator("vl-player").count():
        page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.wait_for_load_state("load")


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_axe_finds_nothing_on_any_page_of_who_watches(
    page: Any, served: Served, watched: str, language: str, theme: str
) -> None:
    """Checklist 53: every page, menus and tabs open."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/preferences?lang={language}&theme={theme}&next=/browse")
    found = {}
    for path in (*pages_of(watched), f"/compare?a={watched}", "/studio/reports"):
        page.goto(served.url + path)
        settle(page)
        found[path] = problems(page)
        if path == f"/entries/{watched}":
            page.locator(".report summary").click()
            tabs = page.get_by_role("tab")
            for number in range(tabs.count()):
                tabs.nth(number).click()
                found[f"tab {number}"] = problems(page)
    for summary in ("header vl-menu:nth-of-type(1) summary", "header vl-menu:nth-of-type(2) summary"):
        page.locator(summary).click()
        found[summary] = problems(page)

    assert {path: texts for path, texts in found.items() if texts} == {}


def test_everything_is_reached_by_the_keyboard_and_seen(page: Any, served: Served, watched: str) -> None:
    """Checklist 54, 55 (focus is not hidden)."""
    open_entry(page, served, watched)
    page.evaluate("window.scrollTo(0, 0)")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    reached: list[str] = []
    for _ in range(160):
        page.keyboard.press("Tab")
        state = page.evaluate(
            """() => {
              const element = document.activeElement;
              if (!element || element === document.body) return null;
              const style = getComputedStyle(element);
              const inner = element.nextElementSibling ? getComputedStyle(element.nextElementSibling) : style;
              const after = getComputedStyle(element, '::after');
              const thick = (one) => one.outlineStyle !== 'none' && parseFloat(one.outlineWidth) >= 2;
              const box = element.getBoundingClientRect();
              const ring = /(\\d+px){1}.*(\\d+px)/.test(style.boxShadow) && style.boxShadow !== 'none';
              return {
                name: element.tagName + '.' + element.className + '#' + element.id,
                text: (element.getAttribute('aria-label') || element.textContent).trim().slice(0, 40),
                seen: thick(style) || thick(inner) || thick(after) || ring || element.matches('media-player, video'),
                inside: box.bottom > 0 && box.top < innerHeight,
              };
            }"""
        )
        if state is None:
            break
        reached.append(f"{state['name']} {state['text']}")
        assert state["seen"], f"the focus is not seen on {reached[-1]}"
        assert state["inside"], f"the focus is outside the window on {reached[-1]}"
    else:
        pytest.fail(f"the focus is trapped: {reached[-5:]}")
    text = " ".join(reached)
    for name in ("标注", "书签", "复制当前时刻", "报告问题", "阶段与步骤", "对比"):
        assert name in text, name


def test_targets_are_large_enough_for_a_thumb(page: Any, served: Served, watched: str) -> None:
    """Checklist 55, 59: at 390 px every control has 24 px, and nothing has to be scrolled sideways."""
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, served)
    for path in pages_of(watched):
        page.goto(served.url + path)
        settle(page)
        small = page.evaluate(SMALL_TARGETS)
        assert small == [], path
        assert sticking_out(page) == [], path


def test_a_phone_watches_upright_and_lying(page: Any, served: Served, watched: str) -> None:
    """Checklist 59."""
    for width, height in ((390, 844), (844, 390)):
        page.set_viewport_size({"width": width, "height": height})
        open_entry(page, served, watched, role="trainee" if width == 390 else None, query="?t=0")
        box = page.locator("vl-player").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["width"] >= min(width, 320)
        page.locator("vl-player media-play-button:visible, vl-player .vds-play-button:visible").first.click()
        wait_for_time(page, 0.5)
        page.locator(".outline__item--step a.chapter").nth(1).click()
        wait_until(page, f"{VIDEO}.currentTime >= 4")
        page.evaluate(f"{PLAYER}.pause()")


def test_narrow_windows_large_text_and_forced_colours_lose_nothing(page: Any, served: Served, watched: str) -> None:
    """Checklist 56."""
    log_in(page, served)
    for path in pages_of(watched):
        page.set_viewport_size({"width": 320, "height": 640})
        page.goto(served.url + path)
        settle(page)
        assert sticking_out(page) == [], path
        page.set_viewport_size({"width": 1280, "height": 800})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert sticking_out(page) == [], path
    page.emulate_media(forced_colors="active")
    page.goto(f"{served.url}/entries/{watched}")
    settle(page)
    pressed = page.locator("vl-overlays button")
    assert pressed.evaluate("one => getComputedStyle(one).borderTopStyle") == "solid"
    chosen = page.locator(".tab[aria-selected=true]")
    assert chosen.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"


def test_the_language_is_switched_on_every_page_and_the_page_stays(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 58: address, `lang` of the page and of each text in the other language, dates."""
    log_in(page, served)
    for path in pages_of(watched):
        page.goto(served.url + path)
        page.get_by_role("link", name="English").first.click()
        page.wait_for_url(lambda url, path=path: url.endswith(path))
        assert page.locator("html").get_attribute("lang") == "en", path
        page.get_by_role("link", name="中文").first.click()
        page.wait_for_url(lambda url, path=path: url.endswith(path))
        assert page.locator("html").get_attribute("lang") == "zh-Hans", path
    page.goto(f"{served.url}/entries/{watched}")
    assert page.locator(".watch__other").get_attribute("lang") == "en"
    assert "年" in page.locator(".watch__meta time").inner_text()


def test_without_scripts_one_finds_reads_and_takes_the_transcript(
    browser: Any, browser_context_args: dict[str, Any], served: Served, watched: str
) -> None:
    """Checklist 62."""
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    log_in(page, served)
    page.goto(f"{served.url}/browse")
    assert page.locator("a.tree__link").count() > 0
    page.goto(f"{served.url}/search?q=TACE")
    assert page.locator("main .hit").count() > 0
    page.goto(f"{served.url}/entries/{watched}")
    assert page.locator("video[controls]").count() == 1
    assert page.locator("video track").count() == 2
    assert page.locator("#transcript .transcript__cues li").count() == 2
    assert page.locator(".outline__item--step").count() == 2
    assert page.locator("vl-frame-time").is_hidden()
    with page.expect_download() as waiting:
        page.locator("#transcript a[data-file]").first.click()
    assert "WEBVTT" in waiting.value.path().read_text("utf-8")
    page.fill("#note-at", "0:05")
    page.fill("#note-text", "没有脚本也能记")
    page.locator("[data-new] button").click()
    page.locator(".own-note", has_text="没有脚本也能记").wait_for()
    page.locator(".own-note summary").first.click()
    page.locator(".own-note button", has_text="删除").first.click()
    context.close()


def test_enter_that_ends_a_chinese_word_searches_nothing(page: Any, served: Served) -> None:
    """Checklist 60."""
    log_in(page, served)
    page.goto(served.url)
    page.locator("input[name=q]").focus()
    page.keyboard.type("gan")
    before = page.url

    page.evaluate(
        "document.querySelector('input[name=q]').dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', keyCode: 229, isComposing: true, bubbles: true, cancelable: true}))"
    )

    assert page.url == before


def test_a_question_mark_lists_the_keys_of_a_page_and_leads_to_its_guide(page: Any, served: Served) -> None:
    """Checklist 21: on pages without a player too, not in a text field; the guide is in the reader's language."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio")
    keys = page.locator("dialog.key-list")
    page.keyboard.press("?")
    keys.wait_for()
    assert "转到检索框" in keys.inner_text()
    page.keyboard.press("Escape")
    assert keys.is_hidden()
    page.locator("header input[name=q]").focus()
    page.keyboard.press("?")
    assert keys.is_hidden()
    page.goto(f"{served.url}/studio/entries/{served.entry_id}/timeline")
    page.locator("vl-timeline[data-ready]").wait_for(timeout=PLAY_WAIT_MS)
    page.keyboard.press("?")
    keys.wait_for()
    assert keys.locator(".keys").count() == 2

    keys.get_by_role("link").click()
    page.wait_for_url("**/guide/editor")

    assert "上传" in page.locator("h1, h2").all_inner_texts()
    pictures = page.locator(".guide img")
    for number in range(pictures.count()):
        pictures.nth(number).scroll_into_view_if_needed()
        wait_until(page, f"document.querySelectorAll('.guide img')[{number}].naturalWidth > 0")
    assert pictures.count() >= 3
    page.get_by_role("link", name="English").first.click()
    page.wait_for_url("**/guide/editor")
    assert page.locator("h1").inner_text() == "From a recording to a published entry"


def test_pages_of_errors_are_ours_with_a_number_and_a_way_back(
    page: Any, served: Served, no_outside_requests: set[str]
) -> None:
    """Checklist 61, 57."""
    log_in(page, served)
    for path, status in (("/entries/none", 404), ("/studio", 403), ("/nothing/here", 404)):
        answer = page.request.get(served.url + path, headers={"Accept": "text/html"})
        assert answer.status == status
        assert answer.headers["x-request-id"] in answer.text(), path
        assert "videolib" in answer.text().lower()
    page.goto(f"{served.url}/me")
    assert page.evaluate("document.querySelectorAll('video[autoplay], audio[autoplay]').length") == 0
    play_nothing = page.evaluate("[...document.querySelectorAll('video')].every(one => one.paused)")
    assert play_nothing


def test_playing_starts_soon_after_the_click_without_an_error(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 15, 17, 63."""
    open_entry(page, served, watched)
    play(page)
    wait_for_time(page, 0.3)
    page.locator(".outline__item--step a.chapter").nth(1).click()
    wait_until(page, f"{VIDEO}.currentTime >= 3.9 && {VIDEO}.currentTime < 6")
    page.locator(".outline__item--step a.chapter[aria-current]", has_text="造影").wait_for()
    chapters = page.locator("vl-player .vds-time-slider .vds-slider-chapter, vl-player media-slider-chapters > *")
    assert chapters.count() >= 2
