"""A DICOM cine in the browser: its views are switched at the same moment, and keys step by acquired frame."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from tests.browser.conftest import Served, call, log_in
from tests.browser.test_story_watch import VIDEO, wait_until
from tests.dicom_samples import make_study_file, numbered_frames

PLAYER = "document.querySelector('vl-player')"


@pytest.fixture(scope="module")
def cine(served: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A draft of an angiogram that slows down and has a mask; frames come at 0, 0.1, … 0.9, then every 0.5 s."""
    item = Dataset()
    item.MaskOperation, item.ApplicableFrameRange, item.MaskFrameNumbers = "AVG_SUB", [4, 20], [1, 2, 3]
    source: Path = make_study_file(
        tmp_path_factory.mktemp("cine") / "run.dcm",
        numbered_frames(20, rows=240, columns=320),
        FrameIncrementPointer=0x00181065,
        FrameTime=None,
        FrameTimeVector=["0", *["100"] * 9, *["500"] * 10],
        MaskSubtractionSequence=[item],
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIDEOLIB_")}
    environment["VIDEOLIB_HOME"] = str(served.home)
    made = json.loads(call(environment, "ingest", str(source), "--json"))
    call(environment, "assign", made["recording_id"], "editor@hospital.example")
    return str(made["entry_id"])


def test_views_are_switched_at_the_same_moment_and_keys_step_by_frame(
    page: Any, served: Served, cine: str, no_outside_requests: set[str]
) -> None:
    """Checklist 20 (by acquired frame)."""
    log_in(page, served, role="editor")
    page.goto(f"{served.url}/entries/{cine}?t=1.0")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=30_000)
    wait_until_it_stands_at(page, 1.0)

    page.keyboard.press(".")
    wait_until_it_stands_at(page, 1.42)
    # while it still seeks: each press counts from where it is going
    page.evaluate(
        "for (const key of ',,') document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
    )
    wait_until_it_stands_at(page, 0.82)
    page.locator("vl-view-switch input[value=subtracted]").check()

    wait_until(page, f"{PLAYER}.player.src?.src?.includes('/views/subtracted/') ?? true")
    wait_until(page, f"{VIDEO} && {VIDEO}.readyState > 1 && Math.abs({VIDEO}.currentTime - 0.82) < 0.2")
    assert page.evaluate(f"{PLAYER}.player.currentSrc || {PLAYER}.hls().url").count("/views/subtracted/")


def test_a_second_view_plays_beside_the_first_on_its_clock(
    page: Any, served: Served, cine: str, no_outside_requests: set[str]
) -> None:
    """Checklist 25 (two sources side by side)."""
    log_in(page, served, role="editor")
    page.goto(f"{served.url}/entries/{cine}?t=1.0")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=30_000)
    beside = "document.querySelector('.beside video')"

    page.select_option("#beside", "subtracted")

    wait_until(page, f"{beside} && {beside}.readyState > 1")
    wait_until(page, f"Math.abs({beside}.currentTime - {VIDEO}.currentTime) < 0.02")
    page.keyboard.press(".")
    wait_until_it_stands_at(page, 1.42)
    wait_until(page, f"Math.abs({beside}.currentTime - 1.42) < 0.02")
    page.keyboard.press("k")
    wait_until(page, f"{beside}.currentTime > 2 && !{beside}.paused")
    wait_until(page, f"Math.abs({beside}.currentTime - {VIDEO}.currentTime) < 0.15")
    page.keyboard.press("k")
    wait_until(page, f"{beside}.paused && Math.abs({beside}.currentTime - {VIDEO}.currentTime) < 0.02")
    first, second = page.locator("vl-player media-player").bounding_box(), page.locator(".beside").bounding_box()
    assert first["x"] + first["width"] <= second["x"] + 1

    page.select_option("#beside", "")
    assert page.locator(".beside").count() == 0


def wait_until_it_stands_at(page: Any, seconds: float) -> None:
    """Until the picture is there and the player knows it."""
    near = (
        f"Math.abs({VIDEO}.currentTime - {seconds}) < 0.01 && Math.abs({PLAYER}.player.currentTime - {seconds}) < 0.01"
    )
    wait_until(page, f"{near} && !{VIDEO}.seeking")
