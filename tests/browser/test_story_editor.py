"""An editor's story, in Chinese and in English: from a file on the desk to an entry that a trainee watches.

1. Sign in and choose the language. Open the studio, Upload recordings, and choose the file.
2. Write its titles while it travels.
3. Say of which hospital it is: its reviewers open it, and nobody else. One of them decides on what was found, begins
   the review, watches what is asked for with sound, ticks and signs. The one who uploaded it cannot.
4. The editor opens the entry: the page says what is still needed. Choose what kind of video it is, and the procedure.
5. Publish.
6. A trainee finds it by its title and sees it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Served, log_in
from tests.browser.teaching import add_person, on_host, words_of
from tests.browser.test_story_watch import PLAY_WAIT_MS, play, wait_for_time
from tests.browser.uploading import choose, remove_all, uploads, wait_for
from tests.browser.watching import request
from tests.samples import make_recording
from tests.servers import until

pytestmark = pytest.mark.timeout(600)
SECONDS = {"zh": 3, "en": 4}
HOSPITAL = "故事医院"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_editor_brings_a_file_to_a_trainee_and_a_second_person_stands_between(
    page: Any, served: Served, browser: Any, no_outside_requests: set[str], tmp_path: Path, language: str
) -> None:
    """Checklist 38, 45, 50, 51."""
    _ = words_of(language)
    titles = {"zh": f"练习录像 {language}", "en": f"Training clip {language}"}
    clip = make_recording(tmp_path / f"{language}.mp4", seconds=SECONDS[language], audio=True)

    # 1. upload
    enter(page, served, "editor", language)
    page.goto(f"{served.url}/studio")
    page.get_by_role("link", name=_("Upload recordings")).first.click()
    page.locator(".drop").wait_for()
    choose(page, clip)

    # 2. titles meanwhile
    row = wait_for(page, clip.name, "sending", "sent", "done")
    row.get_by_label(_("Title in Chinese")).fill(titles["zh"])
    row.get_by_label(_("Title in English")).fill(titles["en"])
    row.locator('[data-part=save-state][data-state="saved"]').wait_for(timeout=PLAY_WAIT_MS)
    wait_for(page, clip.name, "done")
    recording_id = uploads(served)[clip.name]["recording_id"]
    state = f"/api/v1/recordings/{recording_id}"
    until(lambda: request(served, "GET", state)["state"] == "awaiting_review", 120)

    # 3. the second person
    hospital, reviewer = add_hospital(served, language)
    page.goto(f"{served.url}/studio/recordings/{recording_id}/review")
    assert page.get_by_role("button", name=_("Sign off as de-identified")).count() == 0
    page.get_by_label(_("Hospital"), exact=True).select_option(hospital)
    page.get_by_role("button", name=_("Its reviewers open it")).click()
    page.get_by_text(_("The reviewers of %(hospital)s") % {"hospital": HOSPITAL}).wait_for()
    second = browser.new_context().new_page()
    enter(second, served, reviewer, language)
    review(second, served, recording_id, language)
    second.context.close()

    # 4. what is still needed
    entry_id = request(served, "GET", state)["entry_id"]
    page.goto(f"{served.url}/studio/entries/{entry_id}")
    page.get_by_text(_("Still needed to publish")).first.wait_for()
    request(
        served, "PATCH", f"/api/v1/entries/{entry_id}", {"content_type": "ct.simulation", "procedures": ["proc.uae"]}
    )
    until(lambda: request(served, "GET", state)["state"] == "ready", 120)

    # 5. publish
    page.reload()
    assert page.locator('form[action$="/publish"]').count() == 1, page.locator("body").inner_text()
    page.locator('form[action$="/publish"] button').click()
    page.locator(".notice--good").first.wait_for()

    # 6. a trainee sees it
    enter(page, served, "trainee", language)
    until(lambda: request(served, "GET", f"/api/v1/search?q=Training+clip+{language}")["hits"], 60)
    page.goto(f"{served.url}/search?q={titles[language]}")
    page.locator(f"main a[href*='{entry_id}']").first.click()
    play(page)
    wait_for_time(page, 0.3)
    remove_all(served)


def add_hospital(served: Served, language: str) -> tuple[str, str]:
    """The library knows it, and who reviews its recordings; gives its id and who that is."""
    hospital, reviewer = f"story.{language}", f"reviewer.{language}"
    on_host(served.home, "group", "add", hospital, "--kind", "hospital", "--zh", HOSPITAL, "--en", HOSPITAL)
    add_person(served, f"{reviewer}@hospital.example", "editor")
    on_host(served.home, "group", "grant", hospital, f"{reviewer}@hospital.example", "reviewer")
    return hospital, reviewer


def enter(page: Any, served: Served, role: str, language: str) -> None:
    """Somebody signs in and chooses the language."""
    page.context.clear_cookies()
    log_in(page, served, role)
    page.goto(f"{served.url}/preferences?lang={language}&next=/browse")


def review(page: Any, served: Served, recording_id: str, language: str) -> None:
    """Decide on each finding, watch what is asked for, tick and sign."""
    _ = words_of(language)
    page.goto(f"{served.url}/studio/recordings/{recording_id}/review")
    dismissing = page.locator("form", has=page.get_by_role("button", name=_("Dismiss all")))
    while dismissing.count():
        dismissing.first.locator("input[required]").fill("A test picture")
        dismissing.first.get_by_role("button", name=_("Dismiss all")).click()
        page.wait_for_load_state("load")
    page.get_by_role("button", name=_("Begin the review")).click()
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    until(lambda: is_watched(page), 240)
    page.reload()
    page.get_by_role("checkbox").last.check()
    page.get_by_role("button", name=_("Sign off as de-identified")).click()
    page.get_by_text(_("Signed off.")).first.wait_for()


def is_watched(page: Any) -> bool:
    """Whether the service has every window down as watched; where the player stands, the next missing one is played."""
    windows = re.findall(r'badge(--good)?" data-window', page.context.request.get(page.url).text())
    if page.evaluate("document.querySelector('vl-player').player.paused") and not all(windows):
        page.locator("vl-played a.chapter").nth(windows.index("")).click()
        page.evaluate("document.querySelector('vl-player').player.play()")
    return bool(windows) and all(windows)
