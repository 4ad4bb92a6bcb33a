"""Find the moment, in the system's Chromium: what is said or done leads to its second, in one case and many."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Served, log_in, sticking_out
from tests.browser.test_story_watch import PLAY_WAIT_MS, VIDEO, play, problems, wait_for_time, wait_until

SAID_AT_S = 11.4
CAPTIONS = """WEBVTT

00:02.000 --> 00:05.000
现在穿刺右侧股总动脉

00:11.400 --> 00:14.000
注意这里有一支膈下动脉参与供血
"""
SPOKEN = "膈下动脉"
INDEX_WAIT_S = 30
STEPS = (("step.stent_iliac.01", "ph.access", 2, 6), ("step.stent_iliac.02", "ph.baseline_img", 9, 13))


def find(page: Any, served: Served, words: str) -> Any:
    """The first moment found, once the index has taken the captions in."""
    moments = page.locator(".moment-list a, .hit__moments a, main a[href*='?t=']")
    end = time.monotonic() + INDEX_WAIT_S
    while True:
        page.goto(f"{served.url}/search?q={words}")
        if moments.count():
            return moments.first
        assert time.monotonic() < end, "the index did not take the captions in"
        page.wait_for_timeout(300)


def test_captions_are_uploaded_a_word_in_them_is_searched_and_the_player_stands_where_it_is_said(
    page: Any, served: Served, no_outside_requests: set[str], tmp_path: Path
) -> None:
    """Checklist 10, 17 (click seeks within half a second)."""
    file = tmp_path / "解说.vtt"
    file.write_text(CAPTIONS, encoding="utf-8")
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/entries/{served.entry_id}/moments")
    page.set_input_files("#captions-file", file)
    page.select_option("#captions-language", "zh-Hans")
    page.get_by_role("button", name="上传字幕").click()
    page.get_by_text("字幕已保存").wait_for()
    page.context.clear_cookies()
    log_in(page, served, "trainee")

    find(page, served, SPOKEN).click()

    page.wait_for_url("**/entries/*t=*")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(page, f"{VIDEO} && {VIDEO}.currentTime > 0")
    assert abs(page.evaluate(f"{VIDEO}.currentTime") - SAID_AT_S) <= 0.5
    play(page)
    wait_for_time(page, SAID_AT_S + 0.2)


def request(served: Served, method: str, path: str, body: Any = None) -> Any:
    """As an editor's program."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(served.url + path, data=data, method=method, headers=headers)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own loopback address
        return json.load(answer)


def span(term: str, start_s: float, end_s: float) -> dict[str, Any]:
    body = {"type": "SpecificResource", "source": f"urn:videolib:term:{term}"}
    return {"type": "Annotation", "body": body, "target": f"urn:x#t={start_s},{end_s}"}


@pytest.fixture(scope="module")
def described(served: Served) -> str:
    """The published entry with two phases, a step in each and an event; gives the event's id."""
    items = [span(term, *times) for step, phase, *times in STEPS for term in (phase, step)]
    page = {"type": "AnnotationPage", "items": items}
    assert request(served, "POST", f"/api/v1/entries/{served.entry_id}/annotations", page)["taken"] == len(items)
    event = {**span("comp.spasm", 10, 10), "target": "urn:x#t=10.5"}
    made = request(served, "POST", f"/api/v1/entries/{served.entry_id}/annotations", event)
    return str(made["id"]).rpartition("/")[2]


def test_the_step_that_is_on_is_marked_and_a_click_on_one_goes_there(
    page: Any, served: Served, described: str, no_outside_requests: set[str]
) -> None:
    """Checklist 17, 24 (described as text)."""
    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}")
    play(page)
    wait_for_time(page, 0.2)

    page.locator(".outline__item--step a.chapter").nth(1).click()

    wait_for_time(page, 9.1)
    assert page.evaluate(f"{VIDEO}.currentTime") < 12
    current = page.locator("vl-chapter-list [aria-current]")
    wait_until(page, "document.querySelectorAll('vl-chapter-list [aria-current]').length >= 2")
    marked = [current.nth(number).get_attribute("data-start") for number in range(current.count())]
    assert set(marked) <= {"9", "10.5"}
    assert page.url.partition("#")[2].startswith("annotation-")
    assert page.evaluate("document.querySelector('vl-player media-player').textTracks.toArray()"
                         ".filter(track => track.kind === 'chapters')[0].cues.length") == 2  # fmt: skip


def test_an_address_with_an_annotation_opens_at_its_moment(
    page: Any, served: Served, described: str, no_outside_requests: set[str]
) -> None:
    """Checklist 22: deep link to an annotation."""
    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}#annotation-{described}")
    play(page)

    wait_for_time(page, 10.6)
    assert page.evaluate(f"{VIDEO}.currentTime") < 13


def test_an_editor_takes_the_players_time_for_a_step_that_brings_its_phase(
    page: Any, served: Served, described: str, no_outside_requests: set[str]
) -> None:
    """By keyboard and mouse, on the plain page."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/studio/entries/{served.entry_id}/moments?t=14")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.evaluate("document.querySelector('vl-player').player.currentTime = 14.5")
    wait_until(page, f"Math.abs({VIDEO}.currentTime - 14.5) < 0.05")
    page.locator("vl-time-field button").first.click()
    assert page.locator("#segment-start").input_value().startswith("0:14.5")
    page.fill("#segment-end", "0:18")
    page.select_option("#segment-what", "step:step.stent_iliac.03")
    page.locator("form:has(#segment-what) button[type=submit], form:has(#segment-what) button.button--primary").click()

    page.get_by_text("已添加").wait_for()
    starts = [page.locator(".moment a.chapter").nth(number).get_attribute("data-start") for number in range(7)]
    assert [float(start or 0) for start in starts[-2:]] == [pytest.approx(14.5, abs=0.05)] * 2


def test_a_step_plays_in_one_case_after_another(
    page: Any, served: Served, described: str, no_outside_requests: set[str]
) -> None:
    """The sequence goes on by itself at the step's end, and by its buttons."""
    entry = request(served, "GET", f"/api/v1/entries/{served.entry_id}")
    fields = {"title": {"zh": "第二例髂动脉支架", "en": "A second iliac stent"}, "procedures": ["proc.stent_iliac"]}
    fields |= {"content_type": entry["content_type"], "recording_id": entry["recording_id"]}
    other = request(served, "POST", "/api/v1/entries", fields)["id"]
    for annotation in (span("ph.access", 1, 4), span("step.stent_iliac.01", 1, 3)):
        request(served, "POST", f"/api/v1/entries/{other}/annotations", annotation)
    request(served, "POST", f"/api/v1/entries/{other}/publish")
    log_in(page, served)
    page.goto(f"{served.url}/steps/step.stent_iliac.01")
    status = page.locator(".sequence__now")
    assert "第 1 例，共" in status.inner_text()  # other tests may have described more cases of it

    play(page)

    wait_until(page, "document.querySelector('.sequence__now').textContent.includes('第 2 例')")
    wait_until(page, f"{VIDEO} && {VIDEO}.currentTime > 2 && !{VIDEO}.paused")
    assert page.url.endswith("case=2")
    page.get_by_role("link", name="上一例").click()
    wait_until(page, "document.querySelector('.sequence__now').textContent.includes('第 1 例')")
    assert page.locator("vl-player").count() == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_moments(page: Any, served: Served, described: str, theme: str) -> None:
    """Checklist 53, 59: watch page, step page and the editors' page."""
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, served, "editor")
    page.goto(f"{served.url}/preferences?lang={'zh' if theme == 'light' else 'en'}&theme={theme}&next=/")
    found = {}
    for path in (
        f"/entries/{served.entry_id}",
        "/steps/step.stent_iliac.01",
        f"/studio/entries/{served.entry_id}/moments",
    ):
        page.goto(served.url + path)
        page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
        assert sticking_out(page) == [], path
        found[path] = problems(page)

    assert {path: texts for path, texts in found.items() if texts} == {}
