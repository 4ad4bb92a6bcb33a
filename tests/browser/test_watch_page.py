"""The watch page beside the player: transcript, notes, bookmarks, reports, resuming, links, printing, warnings."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import PLAY_WAIT_MS, VIDEO, wait_until
from tests.browser.watching import PLAYER, add_described_entry, open_entry, play_until, request, stands_at

SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
SEGMENTS = "performance.getEntriesByType('resource').filter(one => /[/]video[/][^/]+[/]\\d[^/]*m4s$/.test(one.name))"
PROGRESS = "fetch('/api/v1/me/progress').then(answer => answer.json())"


@pytest.fixture(scope="module")
def watched(served: Served) -> str:
    return add_described_entry(served)


def my_record(page: Any, entry_id: str) -> dict[str, Any]:
    """What the library has credited to who is logged in."""
    found: list[dict[str, Any]] = [item for item in page.evaluate(PROGRESS)["items"] if item["entry_id"] == entry_id]
    return found[0] if found else {"watched_s": 0, "share": 0, "place_s": 0, "spans_s": []}


def test_the_transcript_follows_is_searched_leads_there_and_is_taken_along(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 23."""
    open_entry(page, served, watched)
    page.get_by_role("tab", name="文稿").click()
    play_until(page, 1.5)
    page.locator(".transcript__cues a[aria-current]", has_text="穿刺股动脉").wait_for()

    page.locator("vl-transcript input[type=search]").fill("肝动脉")
    assert page.locator(".transcript__cues li:visible").count() == 1
    assert page.locator(".transcript__cues mark").inner_text() == "肝动脉"
    assert page.locator("vl-transcript [role=status]").inner_text() == "找到 1 处"
    page.locator(".transcript__cues li:visible a").click()
    wait_until(page, f"{VIDEO}.currentTime >= 5")

    page.locator("vl-transcript input[type=search]").fill("")
    page.locator("a[data-language=en]").click()
    page.locator(".transcript__cues", has_text="The catheter enters").wait_for()
    assert page.locator(".transcript__cues").get_attribute("lang") == "en"
    with page.expect_download() as waiting:
        page.locator("vl-transcript a[data-file$='txt']").click()
    assert waiting.value.suggested_filename.endswith("-en.txt")
    assert "0:05\tThe catheter enters the hepatic artery" in waiting.value.path().read_text("utf-8")


def test_who_comes_back_on_another_device_goes_on_where_they_stopped(
    page: Any, browser: Any, browser_context_args: dict[str, Any], served: Served, watched: str
) -> None:
    """Checklist 4, 22, 37: resumed elsewhere, seen again on the first page; a jump to the end is no watching."""
    open_entry(page, served, watched, role="instructor", query="?t=2")
    first = play_until(page, 3.5)
    wait_until(page, f"{PROGRESS}.then(found => found.items.some(one => one.place_s >= 3.5))")
    page.evaluate(f"{PLAYER}.currentTime = 12")
    wait_until(page, stands_at(12))
    second = play_until(page, 12.4)
    wait_until(page, f"{PROGRESS}.then(found => found.items.some(one => one.place_s > 12.3))")
    record = my_record(page, watched)
    assert record["watched_s"] == pytest.approx(first - 2 + second - 12, abs=0.5)
    assert record["share"] < 0.3
    assert len(record["spans_s"]) == 2
    assert page.locator(".watched[data-live] rect").count() == 2

    other = browser.new_context(**browser_context_args)
    there = other.new_page()
    log_in(there, served, "instructor")
    there.goto(served.url)
    begun = there.locator("section[aria-labelledby=begun] article", has_text="观看测试")
    assert begun.locator(".watched rect").count() == 2
    assert "已观看" in begun.locator(".watched__text").inner_text()
    begun.locator("a").first.click()
    there.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(there, f"{VIDEO}.currentTime > 12")
    assert "0:12" in there.locator(".watch__resumed").inner_text()
    there.locator(".watch__resumed a").click()
    there.wait_for_url("**?t=0")
    there.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(there, f"{VIDEO}.currentTime < 1")
    other.close()


def test_who_only_looks_fetches_the_first_picture_and_what_is_nice_to_have_comes_after_it(
    page: Any, served: Served, watched: str
) -> None:
    """Checklist 59: the playlist once, one segment, the storyboard after it; what follows when somebody plays."""
    ended: list[str] = []
    page.on("requestfinished", lambda request: ended.append(request.url.rpartition("/")[2]))
    open_entry(page, served, watched, query="?t=0")
    wait_until(page, f"{VIDEO}.readyState >= 2")
    wait_until(page, "performance.getEntriesByType('resource').some(one => one.name.endsWith('/storyboard.jpg'))")
    assert ended.count("master.m3u8") == 1
    segment = next(name for name in ended if re.match(r"0+.*\.m4s", name))
    assert ended.index(segment) < ended.index("storyboard.vtt")
    page.wait_for_timeout(1000)  # in which nothing more must come
    assert page.evaluate(f"{SEGMENTS}.length") == 1

    page.evaluate(f"{PLAYER}.play()")
    wait_until(page, f"{SEGMENTS}.length > 1")


def test_a_picture_that_waits_costs_no_watched_second_and_a_short_jump_wins_none(
    page: Any, served: Served, watched: str
) -> None:
    """Checklist 37: what lies before and after a wait is one stretch; a jump of a second and a half is none."""
    beginning = re.compile(r"/(init|0000|0001)[^/]*$")
    page.route("**/*.m4s*", lambda route: route.continue_() if beginning.search(route.request.url) else None)
    open_entry(page, served, watched, role="editor", query="?t=1")
    page.evaluate(f"{VIDEO}.addEventListener('waiting', () => {{ window.hasWaited = {VIDEO}.currentTime; }})")
    page.evaluate(f"{PLAYER}.play()")
    wait_until(page, "window.hasWaited > 1")
    page.unroute("**/*.m4s*")  # what was held goes on
    ended = play_until(page, page.evaluate("window.hasWaited") + 1)
    wait_until(page, f"{PROGRESS}.then(found => found.items.some(one => Math.abs(one.place_s - {ended}) < 0.2))")
    assert my_record(page, watched)["spans_s"] == [[pytest.approx(1, abs=0.1), pytest.approx(ended, abs=0.1)]]

    page.evaluate(f"{PLAYER}.play()")
    wait_until(page, f"{VIDEO}.currentTime > {ended + 0.5}")
    left = page.evaluate(
        f"() => {{ const left = {VIDEO}.currentTime; {VIDEO}.currentTime = left + 1.5; return left; }}"
    )
    ended = play_until(page, left + 2)
    wait_until(page, f"{PROGRESS}.then(found => found.items.some(one => one.place_s > {left + 1.9}))")
    assert my_record(page, watched)["spans_s"] == [
        [pytest.approx(1, abs=0.1), pytest.approx(left, abs=0.15)],
        [pytest.approx(left + 1.5, abs=0.1), pytest.approx(ended, abs=0.15)],
    ]


def test_what_was_watched_without_network_is_credited_later(page: Any, served: Served, watched: str) -> None:
    """Checklist 37: beats that are lost with the network are sent when it is back."""
    open_entry(page, served, watched, role="admin", query="?t=0")
    refused: list[str] = []

    def refuse(route: Any) -> None:
        refused.append(route.request.url)
        route.abort()

    page.route("**/reports", refuse)
    play_until(page, 2.5)
    wait_until(
        page, "Object.keys(localStorage).some(key => key.startsWith('videolib-watched') && localStorage[key] !== '[]')"
    )
    assert my_record(page, watched)["watched_s"] == 0

    page.unroute("**/reports")
    page.reload()

    wait_until(page, f"{PROGRESS}.then(found => found.items.some(one => one.watched_s > 1.5))")
    assert refused


def test_notes_and_bookmarks_are_at_their_time_and_nobody_elses(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 28, 60 (Enter while composing)."""
    open_entry(page, served, watched, query="?t=3")
    wait_until(page, stands_at(3))
    page.get_by_role("tab", name="我的笔记").click()
    page.locator("#note-text").focus()
    page.keyboard.type("注意导丝")
    page.evaluate(
        "document.querySelector('#note-text').dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true}))"
    )
    assert page.locator(".own-note").count() == 0
    page.keyboard.press("Control+Enter")
    note = page.locator(".own-note", has_text="注意导丝")
    note.wait_for()
    assert note.locator("a").get_attribute("data-start") == "3.0"
    page.evaluate(f"{PLAYER}.currentTime = 7")
    wait_until(page, stands_at(7))
    page.locator("[data-bookmark]").click()
    page.locator(".own-note", has_text="书签").wait_for()
    page.locator(".own-note a", has_text="注意导丝").click()
    wait_until(page, f"{VIDEO}.currentTime >= 3 && {VIDEO}.currentTime < 7")

    page.goto(f"{served.url}/me/notes")
    assert page.locator(".own-note").count() == 2
    assert request(served, "GET", f"/api/v1/entries/{watched}/notes")["items"] == []
    page.context.clear_cookies()
    open_entry(page, served, watched, role="admin")
    page.get_by_role("tab", name="我的笔记").click()
    assert page.locator(".own-note").count() == 0

    page.context.clear_cookies()
    log_in(page, served)
    page.goto(f"{served.url}/me/notes")
    for left in (1, 0):
        page.locator(".own-note summary").first.click()
        page.locator(".own-note button", has_text="删除").first.click()
        page.goto(f"{served.url}/me/notes")
        assert page.locator(".own-note").count() == left


def test_a_problem_is_reported_at_its_time_and_an_editor_answers(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 28 (report)."""
    open_entry(page, served, watched, query="?t=5.5")
    wait_until(page, stands_at(5.5))
    page.locator(".report summary").click()
    wait_until(page, "document.querySelector('#report-at').value === '0:05.500'")
    assert page.locator(".report__form input:checked").count() == 0, "what hides a recording is chosen by no default"
    page.locator(".report__form input[value=error]").check()
    page.fill("#report-text", "步骤名称写错了")
    page.locator(".report__form button").click()
    page.get_by_text("谢谢。编辑会看到您的报告").wait_for()

    page.context.clear_cookies()
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/reports")
    row = page.locator(".row", has_text="步骤名称写错了")
    assert "画面或讲解有错误" in row.inner_text()
    assert "t=5.5" in (row.locator("a").get_attribute("href") or "")
    row.locator("input[name=answer]").fill("已改正")
    row.locator("button").click()
    page.locator(".row", has_text="已改正").wait_for()

    page.context.clear_cookies()
    log_in(page, served)
    page.goto(f"{served.url}/me")
    assert "已改正" in page.locator("section[aria-labelledby=reports]").inner_text()


def test_the_address_of_the_moment_is_copied(page: Any, served: Served, watched: str) -> None:
    """Checklist 22 (copy the link at this time)."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.url)
    open_entry(page, served, watched, query="?t=7.5")
    wait_until(page, stands_at(7.5))

    page.locator("vl-share-time button").click()

    wait_until(page, "navigator.clipboard.readText().then(text => text.includes('t='))")
    assert page.evaluate("navigator.clipboard.readText()") == f"{served.url}/entries/{watched}?t=7.5"


def test_the_page_prints_as_a_sheet_with_its_citation(
    page: Any, served: Served, watched: str, no_outside_requests: set[str]
) -> None:
    """Checklist 31."""
    open_entry(page, served, watched)
    page.emulate_media(media="print")

    assert page.locator("h1").is_visible()
    assert page.locator(".watch__meta", has_text=".1").is_visible()
    assert page.locator(".site-header").is_hidden()
    assert page.locator(".tools").is_hidden()


@pytest.mark.parametrize("size", [(1350, 940), (412, 823)], ids=["desk", "phone"])
def test_nothing_moves_while_the_player_comes(page: Any, served: Served, watched: str, size: tuple[int, int]) -> None:
    """A finger that aims at a button hits it: the layout shifts less than half of what is called good (0.1)."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    log_in(page, served)
    page.add_init_script(SHIFTS)

    open_entry(page, served, watched, role=None)
    wait_until(page, "document.querySelector('vl-player media-player[data-can-play]') !== null")

    assert page.evaluate("window.shifted") < 0.05
