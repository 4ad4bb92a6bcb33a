"""A trainee's story, in Chinese and in English: from a word that she has heard to what she has really watched.

1. Sign in, choose the language, and search for the word.
2. Open the recording that is found, and play its first step.
3. Go to the next step, play on, and write a note at its time, which nobody else sees.
4. The next day the first page offers to go on, and the player stands where she left.
5. "What I watched" counts the seconds that were really played; the note is among her notes.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.conftest import Served
from tests.browser.teaching import add_person, words_of
from tests.browser.test_browse import go_when_indexed
from tests.browser.test_story_teach import enter
from tests.browser.test_story_watch import PLAY_WAIT_MS, wait_until
from tests.browser.watching import PLAYER, STEPS, add_described_entry, play_until

WORD = {"zh": "造影与栓塞", "en": "embolisation"}
TITLE = {"zh": "肝细胞癌TACE：观看测试", "en": "TACE of a hepatocellular carcinoma to watch"}
NOTE = "先做肝总动脉造影"
SECOND_STEP_S, LEFT_AT_S = STEPS[1][2], 6.5


@pytest.fixture(scope="module")
def found(served: Served) -> str:
    return add_described_entry(served)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_trainee_finds_a_step_notes_it_goes_on_another_day_and_sees_what_she_watched(
    page: Any, served: Served, found: str, browser: Any, no_outside_requests: set[str], language: str
) -> None:
    """Checklist 2, 9, 15, 25, 29, 30."""
    _ = words_of(language)
    who = f"trainee-{language}"
    add_person(served, f"{who}@hospital.example")

    # 1. the word
    enter(page, served, who, language, "/")
    go_when_indexed(page, f"{served.url}/search?q={WORD[language]}", f"main a[href*='/entries/{found}']")
    page.goto(served.url)
    page.fill("header input[name=q]", WORD[language])
    page.keyboard.press("Enter")

    # 2. the recording
    page.get_by_role("link", name=re.compile(TITLE[language])).first.click()
    page.wait_for_url(f"**/entries/{found}*")
    wait_until_ready(page)
    play_until(page, 1.5)

    # 3. the next step, and a note
    page.locator("main a.chapter", has_text=f"0:0{SECOND_STEP_S}").first.click()
    wait_until(page, f"{PLAYER}.currentTime >= {SECOND_STEP_S}")
    play_until(page, LEFT_AT_S)
    page.get_by_role("tab", name=_("My notes")).click()
    page.locator("#note-text").fill(NOTE)
    page.locator("#note-text").press("Control+Enter")
    page.locator(".own-note", has_text=NOTE).wait_for()

    # 4. another day, another computer
    other = browser.new_context(locale="zh-CN").new_page()
    enter(other, served, who, language, "/")
    other.locator("section[aria-labelledby=begun] a", has_text=TITLE[language]).click()
    wait_until_ready(other)
    wait_until(other, f"Math.abs({PLAYER}.currentTime - {LEFT_AT_S}) < 2")

    # 5. what was really watched
    other.goto(f"{served.url}/me")
    row = other.locator("li.row", has_text=TITLE[language])
    assert re.search(r"0:0[3-6]\D+0:20", row.inner_text())
    other.get_by_role("link", name=_("My notes")).first.click()
    other.locator(".own-note", has_text=NOTE).wait_for()
    other.context.close()


def wait_until_ready(page: Any) -> None:
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(page, "document.querySelector('main :not(:defined)') === null")
