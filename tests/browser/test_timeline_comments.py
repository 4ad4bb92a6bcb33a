"""Comments pinned to a moment at the annotation desk, in the system's Chromium: threads, a colleague asked to look."""

from __future__ import annotations

from typing import Any

from tests.browser.annotating import DESK, add_bare_entry, open_desk, show
from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import problems, wait_until
from tests.browser.watching import request


def test_a_comment_asks_a_colleague_who_answers_at_its_moment_and_it_is_dealt_with(
    page: Any, served: Served, no_outside_requests: set[str]
) -> None:
    """Checklist 47, 50: by keyboard alone; the one who is asked finds it, and the picture stands at its moment."""
    entry_id = add_bare_entry(served)
    open_desk(page, served, entry_id)
    show(page, 12.4)
    page.locator("#comment-text").focus()
    assert page.input_value("#comment-at") == "0:12.400"
    page.keyboard.type("Is this the hypogastric artery?")
    page.keyboard.press("Tab")
    page.select_option("#comment-asked", label="admin@hospital.example")
    page.locator("#comment-text").focus()
    page.keyboard.press("Control+Enter")
    page.locator(".comment", has_text="hypogastric").wait_for()
    flag = page.locator(".mark--comment")
    assert "0:12.400" in flag.get_attribute("aria-label")
    page.context.clear_cookies()

    log_in(page, served, "admin")
    page.goto(f"{served.url}/studio/reviews")
    page.get_by_role("link", name="hypogastric").first.click()
    page.locator("vl-timeline[data-ready]").wait_for(timeout=30_000)
    wait_until(page, f"Math.abs({DESK}.frames.time - 12.4) < 0.05")
    page.locator(".mark--comment").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Yes, its anterior division.")
    page.keyboard.press("Enter")
    page.locator(".comment__reply", has_text="anterior division").wait_for()
    assert problems(page) == []
    page.locator(".comment form:last-child button").focus()
    page.keyboard.press("Enter")
    page.locator(".comment--done").wait_for()

    page.goto(f"{served.url}/studio/reviews")
    assert page.get_by_role("link", name="hypogastric").count() == 0


def test_the_desk_sends_an_entry_to_a_named_reviewer(page: Any, served: Served) -> None:
    """Checklist 50: a review is asked for where the work was done."""
    entry_id = add_bare_entry(served)
    open_desk(page, served, entry_id)
    page.select_option("#reviewer", label="instructor@hospital.example")

    page.locator(".desk-review button").click()

    page.wait_for_url(f"**/studio/entries/{entry_id}")
    assert request(served, "GET", f"/api/v1/entries/{entry_id}")["status"] == "in_review"
