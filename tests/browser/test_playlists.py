"""Playing a playlist through and answering its questions, in the system's Chromium."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Served, log_in, sticking_out
from tests.browser.teaching import QUESTIONS, add_lesson, add_person
from tests.browser.test_for_everybody import SMALL_TARGETS, settle
from tests.browser.test_story_watch import PLAY_WAIT_MS, VIDEO, play, problems, wait_for_time, wait_until
from tests.browser.watching import PLAYER, add_described_entry

NOW = ".sequence__now"
DIALOG_OPEN = "document.querySelector('dialog.ask').open"
# presses the button as soon as it is offered, where a finger would: nothing may lie over it
CANCEL = """() => {
  const box = document.querySelector('[data-up-next]');
  new MutationObserver((_, watching) => {
    if (box.hidden) return;
    watching.disconnect();
    const { left, top, width, height } = box.querySelector('[data-cancel]').getBoundingClientRect();
    window.offered = box.innerText;
    document.elementFromPoint(left + width / 2, top + height / 2).click();
  }).observe(box, { attributes: true });
}"""
TICKS = "document.querySelectorAll('.playlist__clip .tick--done').length"


@pytest.fixture(scope="module")
def other(served: Served) -> str:
    return add_described_entry(served)


def open_lesson(page: Any, served: Served, lesson: str, query: str = "", who: str = "trainee") -> None:
    log_in(page, served, who)
    page.goto(f"{served.url}/playlists/{lesson}{query}")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(page, "document.querySelector('main :not(:defined)') === null")


def test_a_lesson_plays_through_by_itself_can_be_stopped_and_ticks_off_what_was_seen(
    page: Any, served: Served, other: str, no_outside_requests: set[str]
) -> None:
    """Checklist 32."""
    clips: list[dict[str, Any]] = [
        {"entry_id": served.entry_id, "start_s": 1, "end_s": 5, "note": "看导丝如何通过"},
        {"kind": "section", "title": "第二部分"},
        {"entry_id": other, "start_s": 6, "end_s": 10},
    ]
    add_person(served, "newcomer@hospital.example")  # who has seen nothing yet
    lesson = add_lesson(served, clips, assigned_to=["newcomer@hospital.example"])
    open_lesson(page, served, lesson, who="newcomer")
    assert "第 1 / 2 个" in page.locator(NOW).inner_text()
    assert "看导丝如何通过" in page.locator(".clip-note").inner_text()
    assert "第二部分" in page.locator(".playlist").inner_text()
    assert abs(page.evaluate(f"{VIDEO}.currentTime") - 1) < 0.2

    page.evaluate(CANCEL)
    play(page)

    wait_until(page, "window.offered !== undefined")
    assert "接下来：肝细胞癌TACE" in page.evaluate("window.offered")
    assert page.locator("[data-up-next]").is_hidden()
    wait_until(page, f"{TICKS} === 1")
    assert "第 1 / 2 个" in page.locator(NOW).inner_text()
    assert "1 / 2" in page.locator("[data-done-count]").inner_text()

    page.locator("a[rel=next]").click()
    wait_until(page, f"document.querySelector('{NOW}').textContent.includes('第 2')")
    assert page.url.endswith("item=2")
    wait_until(page, f"{VIDEO} && {VIDEO}.currentTime > 6")
    page.go_back()
    wait_until(page, f"document.querySelector('{NOW}').textContent.includes('第 1')")

    # left alone, it goes on by itself
    wait_until(page, f"document.querySelector('{NOW}').textContent.includes('第 2')")
    wait_until(page, f"{TICKS} === 2")
    following = page.locator("[data-up-next]:not([hidden])")
    following.wait_for(timeout=PLAY_WAIT_MS)
    assert "这是最后一个片段" in following.inner_text()
    page.goto(f"{served.url}/playlists")
    assert "髂动脉入门" in page.locator("section[aria-labelledby=done]").inner_text()


def test_what_must_be_answered_cannot_be_passed_what_may_be_skipped_can_and_all_is_kept(
    page: Any, served: Served, no_outside_requests: set[str]
) -> None:
    """Checklist 34, 54 (by the keyboard)."""
    clip = {"entry_id": served.entry_id, "start_s": 0, "end_s": 9, "questions": QUESTIONS}
    lesson = add_lesson(served, [clip])
    open_lesson(page, served, lesson)
    dialog = page.locator("dialog.ask")
    assert page.locator(".question:visible").count() == 0

    page.evaluate(f"{PLAYER}.currentTime = 8")

    wait_until(page, DIALOG_OPEN)
    wait_until(page, f"Math.abs({VIDEO}.currentTime - 2) < 0.3")
    page.keyboard.press("Escape")
    assert page.evaluate(DIALOG_OPEN)
    assert dialog.get_by_role("button", name="跳过").count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    dialog.get_by_text("不正确").wait_for()
    assert "它在更远端。" in dialog.inner_text()
    assert "看导丝的走行。" in dialog.inner_text()
    dialog.get_by_role("button", name="继续").click()

    wait_until(page, f"{DIALOG_OPEN} && {VIDEO}.currentTime >= 3.9")
    assert "Which tools are seen?" in dialog.inner_text()
    assert dialog.locator("h3").get_attribute("lang") == "en"
    dialog.get_by_role("button", name="作答").click()
    dialog.get_by_text("请选择答案").wait_for()
    dialog.get_by_role("button", name="跳过").click()

    wait_until(page, f"{DIALOG_OPEN} && {VIDEO}.currentTime >= 5.9")
    picture = dialog.locator(".picture")
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    dialog.get_by_role("button", name="作答").click()
    dialog.get_by_text("正确", exact=True).wait_for()
    assert dialog.locator(".picture__area").count() == 1
    dialog.get_by_role("button", name="继续").click()
    wait_until(page, f"!{DIALOG_OPEN}")

    page.reload()
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    assert page.locator(".question[data-answered]").count() == 2
    page.evaluate(f"{PLAYER}.currentTime = 8")
    play(page)
    wait_for_time(page, 8.2)
    assert not page.evaluate(DIALOG_OPEN)


def test_without_scripts_a_lesson_is_read_and_its_questions_are_answered(
    browser: Any, browser_context_args: dict[str, Any], served: Served
) -> None:
    """Checklist 62."""
    lesson = add_lesson(served, [{"entry_id": served.entry_id, "questions": QUESTIONS}] * 2)
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    log_in(page, served)
    page.goto(f"{served.url}/playlists/{lesson}")
    page.get_by_label("髂外动脉").check()
    page.locator(".question").first.get_by_role("button", name="作答").click()
    assert "正确" in page.locator(".question").first.inner_text()
    page.locator("a[rel=next]").click()
    assert "第 2 / 2 个" in page.locator(NOW).inner_text()
    context.close()


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_the_pages_of_lessons_are_for_everybody(
    page: Any, served: Served, other: str, language: str, theme: str
) -> None:
    """Checklist 53, 55, 59: axe, a thumb's targets at 390 px, no scrolling sideways; the question's window too."""
    clips: list[dict[str, Any]] = [
        {"entry_id": served.entry_id, "end_s": 9, "questions": QUESTIONS},
        {"entry_id": other},
    ]
    lesson = add_lesson(served, clips, due_on="2020-01-31")
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, served)
    page.goto(f"{served.url}/preferences?lang={language}&theme={theme}&next=/browse")
    found: dict[str, Any] = {}
    for path in ("/playlists", f"/playlists/{lesson}"):
        page.goto(served.url + path)
        settle(page)
        found[path] = [*problems(page), *page.evaluate(SMALL_TARGETS), *sticking_out(page)]
    page.evaluate(f"{PLAYER}.currentTime = 2.5")
    wait_until(page, DIALOG_OPEN)
    found["a question"] = [*problems(page), *sticking_out(page)]
    page.context.clear_cookies()
    log_in(page, served, "instructor")
    page.goto(f"{served.url}/preferences?lang={language}&theme={theme}&next=/browse")
    build = f"/teach/playlists/{lesson}"
    page.goto(served.url + build)
    item = page.locator("[data-item]").first.get_attribute("data-item")
    for path in ("/teach", build, f"{build}/items/{item}", f"{build}/results", f"/teach/add?entry={other}"):
        page.goto(served.url + path)
        settle(page)
        for fold in page.locator("main details").all():
            fold.evaluate("one => { one.open = true; }")
        found[path] = [*problems(page), *page.evaluate(SMALL_TARGETS), *sticking_out(page)]

    assert {path: texts for path, texts in found.items() if texts} == {}
