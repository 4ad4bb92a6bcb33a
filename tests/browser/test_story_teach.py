"""An instructor's story, in Chinese and in English: from a cohort and an empty playlist to results in Excel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Served, log_in
from tests.browser.teaching import words_of
from tests.browser.test_story_watch import PLAY_WAIT_MS, play, wait_until
from tests.browser.watching import add_described_entry

Words = Callable[[str], str]
ORDER = "Array.from(document.querySelectorAll('.build__item'), (one) => one.dataset.title)"
SAVED = "document.querySelector('vl-reorder').dataset.saved === 'true'"
SECTION, QUESTION, RIGHT, WRONG = "复习", "这是哪条动脉？", "肝动脉", "脾动脉"
TITLES = {"zh": ("髂动脉自膨式支架植入术", "肝细胞癌TACE"), "en": ("Iliac artery stenting", "TACE of a hep")}


@pytest.fixture(scope="module")
def other(served: Served) -> str:
    return add_described_entry(served)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_instructor_makes_a_lesson_a_trainee_learns_it_and_the_results_open_in_excel(
    page: Any, served: Served, other: str, language: str, tmp_path: Path
) -> None:
    """Checklist 33, 34, 35, 36."""
    words = words_of(language)
    cohort, lesson = f"2026 班 {language}", f"第一课 {language}"

    enter(page, served, "instructor", language, "/teach")
    make_a_cohort(page, words, cohort)
    page.goto(f"{served.url}/teach")
    make_a_playlist(page, words, lesson, TITLES[language])
    first, second = put_it_into_order(page, words)
    choose_the_part_and_ask(page, words, second)
    say_by_when_and_for_whom(page, words, first, cohort)
    build = page.url.partition("#")[0]

    enter(page, served, "trainee", language, "/")
    learn(page, words, lesson)
    page.goto(f"{served.url}/playlists")
    assert lesson in page.locator("section[aria-labelledby=done]").inner_text()

    enter(page, served, "instructor", language, "/teach")
    page.goto(f"{build}/results")
    read_the_results(page, words, tmp_path / "results.csv")


def enter(page: Any, served: Served, role: str, language: str, path: str) -> None:
    """Somebody signs in and chooses the language."""
    page.context.clear_cookies()
    log_in(page, served, role)
    page.goto(f"{served.url}/preferences?lang={language}&next={path}")


def make_a_cohort(page: Any, _: Words, cohort: str) -> None:
    """Those who learn together, by their e-mail addresses."""
    page.get_by_text(_("New cohort"), exact=True).click()
    page.get_by_label(_("Name of the cohort")).fill(cohort)
    page.get_by_label(_("E-mail addresses of its people")).fill("trainee@hospital.example")
    page.get_by_role("button", name=_("Make the cohort")).click()
    page.get_by_role("heading", name=cohort).wait_for()


def make_a_playlist(page: Any, _: Words, lesson: str, titles: tuple[str, str]) -> None:
    """It is given a title; recordings are looked for and added; a section gets its heading."""
    page.get_by_label(_("Title in Chinese")).fill(lesson)
    page.get_by_role("button", name=_("Begin"), exact=True).click()
    page.get_by_text(_("This playlist is empty")).wait_for()
    for title in titles:
        page.get_by_label(_("Words of the title")).fill(title)
        page.get_by_role("button", name=_("Look"), exact=True).click()
        page.locator("li", has_text=title).get_by_role("button", name=_("Add")).first.click()
        page.get_by_text(_("Added.")).wait_for()
    page.get_by_label(_("Heading of a new section")).fill(SECTION)
    page.get_by_role("button", name=_("Add the section")).click()
    page.get_by_role("heading", name=SECTION).wait_for()


def put_it_into_order(page: Any, _: Words) -> tuple[str, str]:
    """By the handle with the mouse, by the handle with the keyboard, and by a plain button; gives the clips' titles."""
    page.goto(page.url.partition("#")[0])  # at the top, and not on the way to what was added last
    first, second, section = page.evaluate(ORDER)
    drag(page, 0, 1)
    wait_until(page, SAVED)
    assert page.evaluate(ORDER) == [second, first, section]
    page.evaluate("delete document.querySelector('vl-reorder').dataset.saved")
    page.get_by_role("button", name=_("Move: %(title)s") % {"title": section}).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    wait_until(page, f"{ORDER}[1] === '{section}' && {SAVED}")
    page.reload()
    wait_until(page, f"{ORDER}[1] === '{section}'")
    page.get_by_role("button", name=f"{_('Up')}: {first}").click()
    page.get_by_text(_("Moved to place %(number)s.") % {"number": 2}).wait_for()
    assert page.evaluate(ORDER) == [second, first, section]
    return first, second


def drag(page: Any, item: int, to: int) -> None:
    """By the handle, with the mouse, to below the other item."""
    rows = page.locator(".build__item")
    rows.nth(to).scroll_into_view_if_needed()
    grip, target = page.locator(".build__grip").nth(item).bounding_box(), rows.nth(to).bounding_box()
    page.mouse.move(grip["x"] + 10, grip["y"] + 10)
    page.mouse.down()
    page.mouse.move(grip["x"] + 10, target["y"] + target["height"] * 0.8, steps=8)
    page.mouse.up()


def choose_the_part_and_ask(page: Any, _: Words, title: str) -> None:
    """A clip: from, to, what to look at; and in it a question that must be answered."""
    page.locator(".build__title a", has_text=title).first.click()
    page.get_by_label(_("From"), exact=True).fill("0:01")
    page.get_by_label(_("To (empty: the end)"), exact=True).fill("0:05")
    page.get_by_label(_("What to look at")).fill("看造影剂的走行")
    page.get_by_role("button", name=_("Save"), exact=True).click()
    page.get_by_text("看造影剂的走行").wait_for()
    page.locator(".build__title a", has_text=title).first.click()
    page.locator("summary", has_text=_("One answer is right")).click()
    form = page.locator("details[open] form")
    form.get_by_label(_("Question"), exact=True).fill(QUESTION)
    form.get_by_label(_("Asked at"), exact=True).fill("0:02")
    for number, answer in ((1, RIGHT), (2, WRONG)):
        form.get_by_label(_("Answer %(number)s") % {"number": number}, exact=True).fill(answer)
    form.get_by_label(_("Answer %(number)s is right") % {"number": 1}).check()
    form.get_by_role("button", name=_("Save the question")).click()
    page.locator("summary", has_text=QUESTION).wait_for()
    page.locator(".back-link").click()


def say_by_when_and_for_whom(page: Any, _: Words, title: str, cohort: str) -> None:
    """The other clip is optional; the day; the cohort."""
    page.locator(".build__title a", has_text=title).first.click()
    page.get_by_label(_("Optional"), exact=True).check()
    page.get_by_role("button", name=_("Save"), exact=True).click()
    page.get_by_label(_("Due on")).fill("2027-03-31")
    page.get_by_role("button", name=_("Save"), exact=True).click()
    wait_until(page, "document.querySelector('#due_on')?.defaultValue === '2027-03-31'")
    page.get_by_label(_("Cohort, or e-mail address")).fill(cohort)
    page.get_by_role("button", name=_("Assign"), exact=True).click()
    page.locator(".assigned", has_text=cohort).wait_for()


def learn(page: Any, _: Words, lesson: str) -> None:
    """A trainee finds it on the first page, watches, and answers wrongly at first."""
    page.get_by_role("link", name=lesson).click()
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(page, "document.querySelector('main :not(:defined)') === null")
    page.get_by_label(_("Go on by itself")).uncheck()
    page.evaluate("document.activeElement.blur()")  # a key that is pressed in a field is the field's
    play(page)
    dialog = page.locator("dialog.ask")
    dialog.get_by_label(WRONG).check(timeout=PLAY_WAIT_MS)
    dialog.get_by_role("button", name=_("Answer"), exact=True).click()
    dialog.get_by_text(_("Not right")).wait_for()
    dialog.get_by_role("button", name=_("Go on"), exact=True).click()
    page.locator("[data-up-next]:not([hidden])").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(page, "document.querySelectorAll('.playlist__clip .tick--done').length === 1")


def read_the_results(page: Any, _: Words, table: Path) -> None:
    """Who has done it, what was missed, where people left; and the table for Excel."""
    row = page.locator("section[aria-labelledby=persons] tbody tr")
    assert "trainee@hospital.example" in row.inner_text()
    assert _("Done") in row.inner_text()
    assert QUESTION in page.locator("section[aria-labelledby=missed]").inner_text()
    assert page.locator(".plot__people").count() >= 1
    link = page.get_by_role("link", name=_("For a spreadsheet (CSV)"))
    assert link.get_attribute("download") is not None
    # taken with the page's own cookies: where the browser keeps a download is no business of this test
    table.write_bytes(page.context.request.get(link.evaluate("one => one.href")).body())
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    assert QUESTION in table.read_text("utf-8-sig")
