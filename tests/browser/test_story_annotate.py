"""An editor's story, in the system's Chromium, in Chinese and in English: from the entry to what a trainee sees of it.

1. Open the entry in the studio, and its timeline.
2. Play to where a step begins and press [; go to where it ends and press ]; press Enter: the next step of the procedure
   is there, and its phase with it. The next step begins where this one ends.
3. Something happened: add an event, say how severe it was.
4. Show where: draw an arrow on the picture.
5. Ask a colleague to look at that moment.
6. Open the captions, write one while the picture stands.
7. All of it is saved. A trainee finds steps, event and caption beside the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser.annotating import add_bare_entry, mark, show, wait_until_saved
from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import PLAY_WAIT_MS, wait_until
from tests.browser.watching import request


@dataclass(frozen=True)
class Words:
    """What stands on the pages."""

    lang: str
    timeline: str
    captions: str
    saved: str
    steps: tuple[str, str]
    event: str
    write: str


STORIES = (
    Words(
        "zh", "时间轴", "字幕", "已全部保存", ("股动脉逆行穿刺", "主髂动脉造影与压差测量"), "血管痉挛", "股动脉穿刺成功"
    ),
    Words(
        "en",
        "Timeline",
        "Captions",
        "All is saved",
        ("Retrograde femoral access", "Aorto-iliac angiogram and pressure gradient"),
        "spasm",
        "The femoral artery is punctured",
    ),
)


@pytest.mark.parametrize("words", STORIES, ids=[story.lang for story in STORIES])
def test_an_editor_marks_a_recording_and_a_trainee_sees_it(
    page: Any, served: Served, no_outside_requests: set[str], words: Words
) -> None:
    """Checklist 24, 47, 49, 65."""
    entry_id = add_bare_entry(served)
    log_in(page, served, "editor")
    page.goto(f"{served.url}/preferences?lang={words.lang}&next=/studio/entries/{entry_id}")

    # 1. the timeline
    page.get_by_role("link", name=words.timeline, exact=True).click()
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.locator("vl-timeline[data-ready]").wait_for(timeout=PLAY_WAIT_MS)

    # 2. two steps in their order
    show(page, 1)
    page.keyboard.press("[")
    show(page, 6)
    page.keyboard.press("]")
    page.locator("[data-part=slider]").focus()
    page.keyboard.press("Enter")
    show(page, 12)
    page.keyboard.press("]")
    page.keyboard.press("Enter")
    assert [mark(page, "step", number).inner_text() for number in range(2)] == list(words.steps)

    # 3. an event and its severity
    show(page, 8)
    page.locator("[data-deed=clear]").click()
    page.select_option("#add-kind", "event")
    page.select_option("#add-event", "comp.spasm")
    page.locator("[data-part=add]").click()
    page.select_option("#mark-severity", "cls.cirse1")

    # 4. an arrow that shows where
    page.locator("[data-tool=arrow]").click()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")

    # 5. a colleague is asked
    page.locator("#comment-text").fill("Right?")
    page.select_option("#comment-asked", label="admin@hospital.example")
    page.locator(".new-comment button").click()
    page.locator(".mark--comment").wait_for()
    wait_until_saved(page)
    assert page.locator("[data-part=state]").inner_text() == words.saved

    # 6. a caption
    page.locator(".desk-head").get_by_role("link", name=words.captions).click()
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.locator("vl-caption-editor[data-ready]").wait_for(timeout=PLAY_WAIT_MS)
    page.keyboard.press("Alt+KeyN")
    page.keyboard.insert_text(words.write)
    wait_until(page, "document.querySelector('vl-caption-editor').saver.state === 'saved'")
    assert page.locator("[data-part=state]").inner_text() == words.saved

    # 7. what a trainee sees
    see_as_trainee(page, served, entry_id, words)


def see_as_trainee(page: Any, served: Served, entry_id: str, words: Words) -> None:
    """What a trainee finds beside the recording."""
    request(served, "POST", f"/api/v1/entries/{entry_id}/publish")
    page.context.clear_cookies()
    log_in(page, served)
    page.goto(f"{served.url}/preferences?lang={words.lang}&next=/entries/{entry_id}")
    seen = page.locator("main").text_content()
    assert all(said in seen for said in (*words.steps, words.event, words.write, "CIRSE 1"))
    page.goto(f"{served.url}/entries/{entry_id}?t=8.5")
    wait_until(page, "document.querySelector('vl-player .overlays line.arrow') !== null")
