"""What is said of a file before it is sent, and what becomes of it after: words, steps, failures, joined parts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Served, call, log_in
from tests.browser.test_story_watch import problems
from tests.browser.uploading import (
    MIB,
    PATIENCE_MS,
    ask,
    choose,
    padded,
    remove_all,
    throttle,
    uploads,
    wait_for,
)
from tests.dicom_samples import make_study_file, numbered_frames
from tests.samples import make_recording
from tests.servers import until

pytestmark = pytest.mark.timeout(600)


def test_what_cannot_become_a_recording_is_said_in_plain_words_before_it_is_sent(
    upload_page: Any, served: Served, tmp_path: Path
) -> None:
    """Checklist 41."""
    page = upload_page
    letter, picture, empty = tmp_path / "letter.pdf", tmp_path / "picture.mp4", tmp_path / "empty.mp4"
    letter.write_bytes(b"%PDF-1.7 ...")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(5000))
    empty.touch()
    silent = make_recording(tmp_path / "silent.mp4", seconds=1, audio=False)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(12) + (10**6).to_bytes(4, "big") + b"mdat" + bytes(1000))
    huge = tmp_path / "huge.mp4"
    with huge.open("wb") as file:
        file.write(b"\0\0\0\x18ftypmp42" + bytes(12))
        file.truncate(101 * 2**30)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))

    choose(page, letter, picture, empty, huge, cut)
    words = {
        file.name: wait_for(page, file.name, "refused", "unfinished-file").locator("[data-part=words]").inner_text()
        for file in (letter, picture, empty, huge, cut)
    }
    sent_before = "PATCH" in asked
    choose(page, silent)
    note = wait_for(page, silent.name, "sending", "sent", "done").locator("[data-part=note]").inner_text()
    wait_for(page, silent.name, "done")
    choose(page, silent)
    page.locator('vl-upload[data-state="same"]').wait_for(timeout=PATIENCE_MS)

    assert "不是视频或 DICOM" in words["letter.pdf"]
    assert "静态图片" in words["picture.mp4"]
    assert "空的" in words["empty.mp4"]
    assert "上限" in words["huge.mp4"]
    assert "缺少索引" in words["cut.mp4"]
    assert "没有声音" in note
    assert not sent_before, "something was sent that had been refused"
    remove_all(served)


def test_what_becomes_of_an_upload_is_shown_step_by_step_until_it_plays(
    upload_page: Any, served: Served, tmp_path: Path
) -> None:
    """Checklist 42, 46: the steps come by polling; the page that plays is offered as soon as there is a recording."""
    page = upload_page
    recording = make_recording(tmp_path / "steps.mp4", seconds=6, size="1280x720", audio=True)
    page.evaluate(
        """() => { window.seen = new Set(); new MutationObserver(() => {
             const words = document.querySelectorAll('[data-part=work] [data-part=words]');
             for (const part of words) window.seen.add(part.textContent);
           }).observe(document.body, { subtree: true, childList: true, characterData: true }); }"""
    )

    choose(page, recording)
    row = wait_for(page, recording.name, "done")
    entry = row.locator("[data-part=entry]")
    entry.wait_for(timeout=PATIENCE_MS)
    kept = uploads(served)[recording.name]
    until(lambda: ask(served, f"/api/v1/recordings/{kept['recording_id']}").json()["state"] == "ready", 120)
    page.wait_for_function("() => [...window.seen].some((text) => text.length > 1)", timeout=PATIENCE_MS)
    page.goto(served.url + str(entry.get_attribute("href")))
    page.locator("vl-player").wait_for(timeout=PATIENCE_MS)

    assert page.locator("vl-player").count() == 1
    remove_all(served)


def test_a_title_is_kept_while_the_bytes_travel_and_the_draft_has_the_recording(
    upload_page: Any, served: Served, long_file: Path, tmp_path: Path
) -> None:
    """Checklist 45."""
    page, recording = upload_page, padded(tmp_path / "titled.mp4", 40_000_000)
    throttle(page)
    choose(page, recording)
    row = wait_for(page, recording.name, "sending")
    row.locator("input[name=zh]").fill("髂动脉支架")
    row.locator('[data-part="save-state"][data-state="saved"]').wait_for(timeout=PATIENCE_MS)
    was_moving = row.get_attribute("data-state") == "sending"
    wait_for(page, recording.name, "done")

    kept = uploads(served)[recording.name]
    entry = ask(served, f"/api/v1/entries/{kept['entry_id']}").json()
    assert was_moving
    assert entry["title"] == {"zh": "髂动脉支架"}
    assert entry["recording_id"] == kept["recording_id"]
    page.goto(served.url + str(kept["edit_url"]))
    assert page.input_value("#f-title-zh") == "髂动脉支架"
    remove_all(served)


def test_a_failure_says_its_cause_and_is_tried_again_in_the_studio(
    upload_page: Any, served: Served, tmp_path: Path
) -> None:
    """Checklist 43."""
    page, cut = upload_page, tmp_path / "damaged.mp4"
    make_recording(cut, seconds=10, size="640x360", extra=("-movflags", "+faststart", "-g", "25"))
    content = bytearray(cut.read_bytes())
    # the packets are all there, but from the middle on they hold nothing that can be decoded
    middle = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2
    content[middle:] = bytes(len(content) - middle)
    cut.write_bytes(content)

    choose(page, cut)
    row = wait_for(page, cut.name, "done")
    failed = row.locator('vl-recording-status:is([data-state="rejected"], [data-state="failed"])')
    failed.wait_for(timeout=PATIENCE_MS)
    cause = failed.locator('[data-part="words"]').inner_text()
    with page.context.expect_page() as opened:
        failed.locator(".upload__retry a").click()
    studio = opened.value
    path = f"/api/v1/recordings/{uploads(served)[cut.name]['recording_id']}"
    before = ask(served, path).json()
    studio.locator(f"form[action*='{before['id']}/retry'] button").click()
    until(lambda: ask(served, path).json()["updated_at"] != before["updated_at"])

    assert "·" in cause, "the state and the cause"
    assert before["reason"]["message"]
    until(lambda: ask(served, path).json()["state"] in {"rejected", "failed"}, 120)
    remove_all(served)


def test_making_a_recording_anew_never_hides_what_is_published(page: Any, served: Served) -> None:
    """Checklist 44."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIDEOLIB_")}
    environment["VIDEOLIB_HOME"] = str(served.home)
    entry = ask(served, f"/api/v1/entries/{served.entry_id}").json()
    path = f"/api/v1/recordings/{entry['recording_id']}"
    until(lambda: ask(served, path).json()["state"] == "ready", 120)

    call(environment, "retry", entry["recording_id"])
    seen: list[int] = []

    def is_ready_again() -> bool:
        state = ask(served, path).json()["state"]
        seen.append(ask(served, f"/api/v1/entries/{served.entry_id}/playback").status_code)
        return bool(state == "ready")

    log_in(page, served)
    page.goto(f"{served.url}/entries/{served.entry_id}")
    page.locator("vl-player").wait_for(timeout=PATIENCE_MS)
    until(is_ready_again, 200)

    assert set(seen) == {200}
    page.reload()
    page.locator("vl-player").wait_for(timeout=PATIENCE_MS)


def test_parts_of_a_recorder_are_offered_for_joining(upload_page: Any, served: Served, tmp_path: Path) -> None:
    page = upload_page
    parts = [make_recording(tmp_path / name, seconds=1, audio=True) for name in ("GX010123.MP4", "GX020123.MP4")]

    choose(page, *parts)
    offer = page.locator(".join")
    offer.wait_for(timeout=PATIENCE_MS)
    names = offer.locator("[data-part=names]").inner_text()
    offer.locator("[data-part=join]").click()
    wait_for(page, "GX010123.MP4 + 1", "done")

    assert names == "GX010123.MP4 · GX020123.MP4"
    kept = uploads(served)["GX010123.MP4"]
    assert (kept["kind"], kept["state"]) == ("parts", "done")
    remove_all(served)


def test_a_folder_of_dicom_is_one_upload_and_one_recording(upload_page: Any, served: Served, tmp_path: Path) -> None:
    page, folder = upload_page, tmp_path / "检查 2026-03"
    (folder / "series").mkdir(parents=True)
    frames = numbered_frames(12, rows=120, columns=160)
    make_study_file(folder / "series" / "IM2", frames, SOPInstanceUID="7.1", AcquisitionTime="100000")
    make_study_file(folder / "series" / "IM1", frames, SOPInstanceUID="7.2", AcquisitionTime="100500")
    (folder / "VIEWER.EXE").write_bytes(b"MZ")

    page.set_input_files("[data-part=folder]", str(folder))
    row = wait_for(page, folder.name, "done")

    assert "3" in row.locator("[data-part=size]").inner_text(), "how many files there are"
    kept = uploads(served)[f"{folder.name}.tar"]
    assert (kept["kind"], kept["state"]) == ("study", "done")
    until(lambda: ask(served, f"/api/v1/recordings/{kept['recording_id']}").json()["state"] == "ready", 120)
    source = ask(served, f"/api/v1/recordings/{kept['recording_id']}").json()["source"]
    assert source["dicom"]
    remove_all(served)


@pytest.mark.parametrize(("theme", "locale"), [("light", "zh-CN"), ("dark", "en")])
def test_the_page_is_accessible_in_each_state_and_fits_a_phone(
    browser: Any, served: Served, tmp_path: Path, theme: str, locale: str
) -> None:
    """Checklist 53, 54, 59."""
    context = browser.new_context(locale=locale, viewport={"width": 390, "height": 844})
    page = context.new_page()
    log_in(page, served, "editor")
    page.goto(f"{served.url}/preferences?theme={theme}")
    page.goto(f"{served.url}/studio/upload")
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF-1.7 ...")
    paused = padded(tmp_path / "paused.mp4", 20_000_000)
    throttle(page, 2 * MIB)
    choose(page, letter, paused)
    row = wait_for(page, paused.name, "sending")
    row.locator("[data-part=pause]").focus()
    page.keyboard.press("Enter")
    wait_for(page, paused.name, "paused")
    wait_for(page, letter.name, "refused")

    assert problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    row.locator("[data-part=remove]").click()
    row.wait_for(state="detached")
    context.close()
    remove_all(served)
