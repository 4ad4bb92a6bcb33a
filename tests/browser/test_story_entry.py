"""An entry's story in the system's Chromium: its facts, a warning, paper; its states, its terms."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Served, log_in
from tests.browser.test_story_studio import wait_for_state

WARNING = "画面含出血"


def ask(served: Served, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The API, as a program of an editor asks it."""
    sent = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{served.url}/api/v1{path}", sent, headers, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.loads(answer.read())
    return found


@pytest.fixture
def described(served: Served) -> Iterator[Served]:
    """The entry with facts and a warning; the warning is taken away again: other stories play it."""
    path = f"/entries/{served.entry_id}"
    if ask(served, "GET", path)["unpublished_changes"]:
        ask_to_discard(served)  # what another story typed would stand in the way
    facts = {
        "outcomes": {"technical": "success", "complications": "none"},
        "coi": "none",
        "off_label": {"none": True},
        "contributors": [{"name": "王伟"}],
        "pitfalls": {"zh": "注意支架近端"},
    }
    ask(served, "PATCH", path, {**facts, "content_warning": {"zh": WARNING}})
    yield served
    ask(served, "PATCH", path, {"content_warning": None})


def test_a_warning_is_agreed_to_once_and_the_facts_stand_beside(
    page: Any, described: Served, no_outside_requests: set[str]
) -> None:
    """Checklist 29, 30."""
    log_in(page, described)
    page.goto(f"{described.url}/entries/{described.entry_id}")
    asking = page.locator('vl-content-warning[data-state="asking"]')
    asking.wait_for()
    assert page.locator("vl-player").evaluate("player => player.inert")

    asking.locator("button").click()

    page.locator('vl-content-warning[data-state="seen"]').wait_for(state="attached")
    assert not page.locator("vl-player").evaluate("player => player.inert")
    page.reload()
    page.locator('vl-content-warning[data-state="seen"]').wait_for(state="attached")
    facts = page.locator(".case").inner_text()
    for told in ("成功", "无利益冲突。", "未超说明书使用器械或药物。", "王伟"):
        assert told in facts, told


def test_the_page_is_printed_without_its_frame_and_cited(page: Any, described: Served) -> None:
    """Checklist 31, 66 (one click prints)."""
    log_in(page, described)
    page.goto(f"{described.url}/entries/{described.entry_id}")
    citation = page.locator("#citation-text").inner_text()
    assert "/cite/VL-" in citation
    page.evaluate("window.print = () => { document.documentElement.dataset.printed = 'yes'; }")
    page.locator("vl-print-page button").click()
    assert page.locator("html").get_attribute("data-printed") == "yes"

    page.emulate_media(media="print")

    assert not page.locator(".stage").is_visible()
    assert not page.locator(".site-header").is_visible()
    assert page.locator(".case").is_visible()
    assert page.locator("#citation-text").is_visible()


def other_page(browser: Any, served: Served, role: str) -> Any:
    """A browser of somebody else."""
    opened = browser.new_context(locale="zh-CN").new_page()
    log_in(opened, served, role)
    return opened


def test_a_draft_is_sent_to_review_judged_and_its_history_kept(page: Any, served: Served, browser: Any) -> None:
    """Checklist 50: draft, review, approval, withdrawal and publication with reasons; a trainee sees none of it."""
    made = ask(served, "POST", "/entries", {"title": {"zh": "模拟器练习", "en": "Simulator"}})
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/entries/{made['id']}")
    page.locator('form:has(input[name="action"][value="submit"]) button').click()
    page.goto(f"{served.url}/studio?status=in_review")
    assert page.locator(f'a[href$="/studio/entries/{made["id"]}"]').count() >= 1

    judge = other_page(browser, served, "admin")
    judge.goto(f"{served.url}/studio/reviews")
    judge.locator(f'a[href$="/studio/entries/{made["id"]}/review"]').click()
    judge.locator('form[action$="/review/take"] button').click()
    for number in range(1, 10):
        judge.locator(f'input[name="rev.lv{number}"][value="2"]').check()
    judge.locator('button[name="decision"][value="approve"]').click()
    judge.locator(".notice--good").first.wait_for()
    assert ask(served, "GET", f"/entries/{made['id']}")["status"] == "approved"

    page.goto(f"{served.url}/studio/entries/{served.entry_id}")
    page.fill("#withdraw-reason", "发现姓名")
    page.locator('form[action$="/withdraw"] button').click()
    page.locator(".notice--good").first.wait_for()
    trainee = other_page(browser, served, "trainee")
    answer = trainee.goto(f"{served.url}/entries/{served.entry_id}")
    assert answer is not None
    assert answer.status == 404
    page.fill("#publish-reason", "姓名已去除")
    page.locator('form[action$="/publish"] button').click()
    page.locator(".notice--good").first.wait_for()

    page.goto(f"{served.url}/entries/{served.entry_id}/versions")
    assert "姓名已去除" in page.locator(".rows").inner_text()
    trainee.goto(f"{served.url}/entries/{served.entry_id}/versions")
    assert "姓名已去除" not in trainee.locator(".rows").inner_text()
    for opened in (judge, trainee):
        opened.context.close()


def test_terms_of_many_entries_are_changed_and_taken_back(page: Any, served: Served) -> None:
    """Checklist 52: labels in the page's language."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/many")
    page.locator(f"#pick-{served.entry_id}").check()
    page.select_option("#value-devices", label="微导管")
    page.locator('button[name="what"][value="add:devices"]').click()
    page.locator(".notice--good").first.wait_for()
    assert "dev.microcatheter" in ask(served, "GET", f"/entries/{served.entry_id}")["devices"]

    page.locator('form[action$="/undo"] button').first.click()

    page.locator(".notice--good").first.wait_for()
    assert "dev.microcatheter" not in ask(served, "GET", f"/entries/{served.entry_id}")["devices"]


def test_a_term_is_found_by_pinyin_and_a_missing_one_proposed(page: Any, served: Served) -> None:
    """Checklist 52: terms while typing, in the form of an entry; what is proposed is chosen and kept."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/entries/{served.entry_id}")
    picker = page.locator('[data-path="anatomy"] vl-term-picker')
    picker.locator('input[type="search"]').fill("gudongmai")
    picker.locator(".picker__list").get_by_text("股动脉").first.wait_for()
    picker.locator('input[type="search"]').fill("罕见的血管")
    picker.get_by_role("button", name="建议新术语").click()
    proposal = picker.locator("vl-term-proposal")
    proposal.locator('input[lang="en"]').fill("A rare vessel")
    proposal.locator(".button--primary").click()
    picker.locator(".chips").get_by_text("罕见的血管").wait_for()
    wait_for_state(page, "saved")

    assert "anat.a_rare_vessel" in ask(served, "GET", f"/entries/{served.entry_id}")["unpublished_changes"]["anatomy"]
    ask_to_discard(served)


def ask_to_discard(served: Served) -> None:
    """What is not published goes, so that other stories find the entry as it was."""
    ask(served, "POST", f"/entries/{served.entry_id}/discard", {})
