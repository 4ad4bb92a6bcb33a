"""The inbox and the pages of who keeps the library going, in the system's Chromium."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import Served, log_in, sticking_out
from tests.browser.teaching import add_person
from tests.browser.test_for_everybody import SMALL_TARGETS
from tests.browser.test_story_watch import problems
from tests.libraries import add_recording
from videolib.catalogue import jobs
from videolib.db import Database
from videolib.storage import open_store

PATIENCE_S = 60.0
PAGES = (
    *("/inbox", "/inbox?unread=1", "/teach/cohorts/import"),
    *("/admin/storage", "/admin/jobs", "/admin/jobs?view=failed", "/admin/jobs?view=done"),
)


def token_of(page: Any) -> str:
    return str(page.locator('meta[name="csrf-token"]').get_attribute("content"))


def assign_playlist(page: Any, served: Served, title: str, email: str) -> str:
    """As an instructor does; gives the address of the playlist."""
    log_in(page, served, "instructor")
    form = {"csrf_token": token_of(page), "title_zh": title, "due_on": ""}
    made = page.request.post(f"{served.url}/teach/playlists", form=form)
    assert made.ok, made.text()
    playlist_id = str(made.url.split("?")[0].rsplit("/", 1)[1])
    given = {"csrf_token": token_of(page), "names": email}
    assert page.request.post(f"{served.url}/teach/playlists/{playlist_id}/assign", form=given).ok
    page.context.clear_cookies()
    return f"/playlists/{playlist_id}"


def wait_for_text(page: Any, url: str, is_there: Callable[[str], bool]) -> None:
    """Until what that address answers is so."""
    end = time.monotonic() + PATIENCE_S
    while not is_there(page.request.get(url).text()):
        assert time.monotonic() < end, url
        time.sleep(0.2)


def test_the_bell_rings_and_leads_to_what_is_assigned(page: Any, served: Served, no_outside_requests: set[str]) -> None:
    """The worker beside the service writes the message; whoever follows its link has read it."""
    add_person(served, "bell@hospital.example")  # whom no other test sends anything
    address = assign_playlist(page, served, "股浅动脉入门", "bell@hospital.example")
    log_in(page, served, "bell")

    # the worker looks every few seconds
    wait_for_text(page, f"{served.url}/inbox", lambda text: "股浅动脉入门" in text)
    page.goto(f"{served.url}/browse")
    assert page.locator(".bell__count").inner_text() == "1"
    page.locator(".bell").click()
    with page.expect_request(lambda request: request.url.endswith("/read")):
        page.get_by_role("link", name="股浅动脉入门").click()
    page.wait_for_url(f"{served.url}{address}")

    wait_for_text(page, f"{served.url}/inbox?unread=1", lambda text: "data-message" not in text)
    page.goto(f"{served.url}/inbox")
    assert page.locator(".bell__count").count() == 0
    assert page.locator("[data-message]").count() == 1
    page.locator("[data-message] button").click()
    page.locator(".bell__count").wait_for()
    page.locator("form[action='/inbox/read'] button").click()
    page.locator(".notice--good").wait_for()
    assert page.locator(".bell__count").count() == 0


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_axe_finds_nothing_and_phones_need_no_scrolling_sideways(
    page: Any, served: Served, language: str, theme: str
) -> None:
    """Checklist 53, 55, 59: every page of administration, and the inbox."""
    log_in(page, served, "admin")
    page.goto(f"{served.url}/preferences?lang={language}&theme={theme}&next=/browse")
    found: dict[str, list[str]] = {}
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        for path in PAGES:
            page.goto(served.url + path)
            found[f"{path} at {width}"] = [*sticking_out(page), *page.evaluate(SMALL_TARGETS)]
            if width == 390:
                found[path] = problems(page)

    assert {path: texts for path, texts in found.items() if texts} == {}


def send_garbage(served: Served) -> str:
    """A recording that has been confirmed and is none: the worker beside the service finds that out; gives its id."""
    key = secrets.token_hex(16)
    open_store(f"file:{served.home / 'store' / 'originals'}").put_bytes(key, b"no recording at all" * 50)
    database = Database(f"sqlite:///{served.home / 'videolib.db'}")
    recording = add_recording(database, state="queued", original_key=key, sha256=secrets.token_hex(32))
    with database.writing() as session:
        jobs.enqueue(session, "prepare", recording.id)
    database.close()
    return recording.id


def test_an_administrator_sees_why_it_failed_tries_again_and_reads_the_log(page: Any, served: Served) -> None:
    """Checklist 43: the cause in a sentence, the log for administrators, tried again; the page follows by itself."""
    recording_id = send_garbage(served)
    log_in(page, served, "admin")
    page.goto(f"{served.url}/admin/jobs/{recording_id}")
    log = page.locator("section[aria-labelledby=log] tbody tr")

    page.get_by_role("button", name="重试").wait_for(timeout=PATIENCE_S * 1000)
    assert page.locator("main .field__error").inner_text()
    tries = log.count()
    assert tries >= 2  # begun, and how it ended
    assert "张三" not in page.content()
    page.get_by_role("button", name="重试").click()
    page.locator(".notice--good").wait_for()

    end = time.monotonic() + PATIENCE_S
    while log.count() < 2 * tries:
        assert time.monotonic() < end
        page.wait_for_timeout(200)
    assert recording_id in page.request.get(f"{served.url}/admin/jobs?view=failed").text()
