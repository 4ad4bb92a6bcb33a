"""The caption editor in the system's Chromium: timed by keys or by buttons, saved by itself, files in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.annotating import add_bare_entry
from tests.browser.conftest import Served, log_in, sticking_out
from tests.browser.test_story_watch import PLAY_WAIT_MS, problems, wait_until
from tests.browser.watching import request

EDITOR = "document.querySelector('vl-caption-editor')"
GIVEN = """WEBVTT

00:01.000 --> 00:04.000
The guidewire crosses the lesion. Mind the branch.

00:05.000 --> 00:07.000
Balloon up.
"""


@pytest.fixture
def entry_id(served: Served) -> str:
    """An entry of its own with two English captions."""
    entry_id = add_bare_entry(served)
    request(served, "POST", f"/api/v1/entries/{entry_id}/captions", {"language": "en", "vtt": GIVEN})
    return entry_id


def open_editor(page: Any, served: Served, entry_id: str, *, role: str | None = "editor", language: str = "en") -> None:
    if role is not None:
        log_in(page, served, role)
    page.goto(f"{served.url}/studio/entries/{entry_id}/captions/{language}")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.locator("vl-caption-editor[data-ready]").wait_for(timeout=PLAY_WAIT_MS)


def show(page: Any, seconds: float) -> None:
    page.evaluate(f"{EDITOR}.frames.show({seconds})")
    wait_until(page, f"Math.abs({EDITOR}.time - {seconds}) < 0.001 && {EDITOR}.player.state.paused")


def wait_until_saved(page: Any) -> None:
    wait_until(page, f"{EDITOR}.saver.state === 'saved'")


def cues(page: Any) -> list[list[Any]]:
    """Start, end and text of the captions on the page."""
    found: list[list[Any]] = page.evaluate(f"{EDITOR}.cues.map(({{start, end, text}}) => [start, end, text])")
    return found


def field(page: Any, number: int, name: str = "text") -> Any:
    return page.locator(".cue").nth(number).locator(f'[data-field="{name}"]')


def test_captions_are_timed_split_merged_and_written_by_keyboard_alone(
    page: Any, served: Served, entry_id: str, no_outside_requests: set[str]
) -> None:
    """Checklist 49."""
    open_editor(page, served, entry_id)
    field(page, 0).focus()
    show(page, 1.4)
    page.keyboard.press("Alt+BracketLeft")
    show(page, 4.4)
    page.keyboard.press("Alt+BracketRight")
    assert cues(page)[0][:2] == [1.4, 4.4]
    show(page, 3)
    page.keyboard.press("Home")
    for _ in range(len("The guidewire crosses the lesion.")):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Alt+Enter")
    assert cues(page)[:2] == [[1.4, 3, "The guidewire crosses the lesion."], [3, 4.4, "Mind the branch."]]
    page.keyboard.press("Alt+KeyM")  # with the next: the balloon
    assert cues(page)[1] == [3, 7, "Mind the branch. Balloon up."]
    page.keyboard.press("Control+z")
    assert len(cues(page)) == 3
    show(page, 9)
    page.keyboard.press("Alt+KeyN")
    page.keyboard.type("Angiogram.")
    wait_until_saved(page)

    page.reload()
    page.locator("vl-caption-editor[data-ready]").wait_for(timeout=PLAY_WAIT_MS)

    assert cues(page) == [
        [1.4, 3, "The guidewire crosses the lesion."],
        [3, 4.4, "Mind the branch."],
        [5, 7, "Balloon up."],
        [9, 11, "Angiogram."],
    ]


def test_captions_are_timed_shifted_and_deleted_by_mouse_alone(page: Any, served: Served, entry_id: str) -> None:
    """Checklist 49."""
    open_editor(page, served, entry_id)
    show(page, 5.6)
    field(page, 1).click()
    page.locator("[data-deed=start]").click()
    page.locator("[data-part=shift]").fill("1.5")
    page.locator("[data-deed=shiftRest]").click()
    assert [cue[:2] for cue in cues(page)] == [[1, 4], [7.1, 8.5]]
    page.locator("[data-deed=shiftAll]").click()
    assert [cue[:2] for cue in cues(page)] == [[2.5, 5.5], [8.6, 10]]
    field(page, 0).click()
    page.locator("[data-deed=delete]").click()
    page.locator("[data-deed=undo]").click()
    page.locator("[data-deed=undo]").click()
    page.locator("[data-deed=redo]").click()
    wait_until_saved(page)

    page.reload()
    page.locator("vl-caption-editor[data-ready]").wait_for(timeout=PLAY_WAIT_MS)
    assert [cue[:2] for cue in cues(page)] == [[2.5, 5.5], [8.6, 10]]


def test_files_come_in_and_go_out_in_each_format_and_say_the_same(
    page: Any, served: Served, entry_id: str, tmp_path: Path
) -> None:
    """Checklist 49: WebVTT, SubRip and ASS, there and back, Chinese intact."""
    file = tmp_path / "解说.srt"
    file.write_text(
        "1\n00:00:01,500 --> 00:00:03,250\n导丝通过病变 {注意分支}\n\n2\n00:00:04,000 --> 00:00:05,000\n扩张\n", "utf-8"
    )
    open_editor(page, served, entry_id, language="zh-Hans")
    page.set_input_files("#captions-file", file)
    page.locator("form:has(#captions-file) button").click()
    page.locator("vl-caption-editor[data-ready]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(page, f"{EDITOR}.cues.length === 2")
    first = cues(page)

    for kind in ("vtt", "srt", "ass"):
        with page.expect_download() as download:
            page.get_by_role("link", name=kind.upper(), exact=True).click()
        path = tmp_path / f"out.{kind}"
        download.value.save_as(path)
        page.set_input_files("#captions-file", path)
        page.locator("form:has(#captions-file) button").click()
        page.locator(".flashes, .notices").first.wait_for()
        page.locator("vl-caption-editor[data-ready]").wait_for(timeout=PLAY_WAIT_MS)
        again = cues(page)
        assert [cue[:2] for cue in again] == [cue[:2] for cue in first], kind
        assert [cue[2].replace("(", "{").replace(")", "}") for cue in again] == [cue[2] for cue in first], kind


def test_two_editors_of_one_track_lose_nothing(page: Any, served: Served, entry_id: str, browser: Any) -> None:
    """Checklist 48: what lies apart is put together, what lies over each other is asked."""
    other = browser.new_context(locale="zh-CN").new_page()
    open_editor(page, served, entry_id)
    open_editor(other, served, entry_id, role="admin")
    field(other, 1).fill("Balloon up to eight atmospheres.")
    wait_until_saved(other)

    field(page, 0).fill("The wire crosses.")
    wait_until_saved(page)
    assert [cue[2] for cue in cues(page)] == ["The wire crosses.", "Balloon up to eight atmospheres."]

    field(other, 1).fill("Theirs")  # knows nothing of the first caption yet
    wait_until_saved(other)
    field(page, 1).fill("Mine")
    wait_until(page, f"{EDITOR}.saver.state === 'conflict'")
    page.locator(".conflicts button", has_text="Mine").click()
    wait_until_saved(page)
    text = request_text(page, served, entry_id)
    assert "The wire crosses." in text
    assert "Mine" in text
    assert "Theirs" not in text
    other.context.close()


def request_text(page: Any, served: Served, entry_id: str) -> str:
    return str(page.request.get(f"{served.url}/studio/entries/{entry_id}/captions/en.vtt").text())


@pytest.mark.parametrize(("lang", "theme"), [("zh", "dark"), ("en", "light")])
def test_axe_finds_nothing_on_the_caption_editor(
    page: Any, served: Served, entry_id: str, lang: str, theme: str
) -> None:
    """Checklist 53, 59."""
    log_in(page, served, "editor")
    page.goto(f"{served.url}/preferences?lang={lang}&theme={theme}&next=/")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        open_editor(page, served, entry_id, role=None)
        assert sticking_out(page) == []
        assert problems(page) == []
