"""Two editors' story, in the system's Chromium: what is typed is kept by itself, and a conflict shows both values."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Served, log_in
from tests.browser.test_story_watch import problems

STATE = "[data-part=state]"


def open_form(page: Any, served: Served, role: str) -> None:
    log_in(page, served, role)
    page.goto(f"{served.url}/studio/entries/{served.entry_id}")


def wait_for_state(page: Any, state: str) -> None:
    page.locator(f'{STATE}[data-state="{state}"]').wait_for(timeout=30_000)


def test_what_is_typed_is_kept_by_itself_and_rows_are_added(
    page: Any, served: Served, no_outside_requests: set[str]
) -> None:
    """Checklist 45, 47."""
    open_form(page, served, "editor")
    page.fill("#f-key_points-en", "Mind the landing zone.")
    wait_for_state(page, "saved")
    page.locator('[data-path="contributors"] .form-rows__add').click()
    page.keyboard.type("王伟")
    page.fill("#f-case-indication-zh", "2024年3月5日入院")
    wait_for_state(page, "refused")

    page.fill("#f-case-indication-zh", "间歇性跛行")
    wait_for_state(page, "saved")
    page.reload()

    assert page.input_value("#f-key_points-en") == "Mind the landing zone."
    assert page.input_value("#f-case-indication-zh") == "间歇性跛行"
    assert page.input_value("#f-contributors-0-name") == "王伟"
    assert page.locator("meter").first.get_attribute("value") not in {None, "0"}


def test_two_editors_see_both_values_where_they_changed_the_same_field(page: Any, served: Served, browser: Any) -> None:
    """Checklist 48. The refusal is a 412, which the browser's console calls an error."""
    other = browser.new_context(locale="zh-CN").new_page()
    open_form(page, served, "editor")
    open_form(other, served, "admin")
    other.fill("#f-pitfalls-en", "Theirs")
    wait_for_state(other, "saved")

    page.fill("#f-pitfalls-en", "Mine")
    page.fill("#f-pitfalls-zh", "我的")
    wait_for_state(page, "conflict")
    page.locator(".sticky-actions button").click()
    page.locator(".conflict").wait_for()

    assert page.input_value("#f-pitfalls-en") == "Mine"
    assert page.input_value("#f-pitfalls-zh") == "我的"
    assert page.locator(".conflict dd").all_inner_texts() == ["Mine", "Theirs"]
    page.locator(".conflict button").click()
    page.wait_for_url("**/studio/entries/*")
    assert page.input_value("#f-pitfalls-en") == "Theirs"
    other.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_form_its_versions_and_the_reviews(page: Any, served: Served, theme: str) -> None:
    """Checklist 53."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/preferences?theme={theme}")
    entry = f"/entries/{served.entry_id}"
    for path in (
        f"/studio{entry}",
        f"{entry}/versions",
        f"{entry}/versions/1",
        "/studio/reviews",
        f"/studio{entry}/review",
    ):
        page.goto(served.url + path)
        assert problems(page) == [], path
