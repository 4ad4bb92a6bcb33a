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
    return str(json.loads(call(environment, "ingest", str(source), "--json"))["entry_id"])


def test_views_are_switched_at_the_same_moment_and_keys_step_by_frame(
    page: Any, served: Served, cine: str, no_outside_requests: set[str]
) -> None:
    log_in(page, served, role="editor")
    page.goto(f"{served.url}/entries/{cine}?t=1.0")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=30_000)
    wait_until_it_stands_at(page, 1.0)

    page.keyboard.press(".")
    wait_until_it_stands_at(page, 1.42)
    page.keyboard.press(",")
    wait_until_it_stands_at(page, 0.92)
    page.keyboard.press(",")
    wait_until_it_stands_at(page, 0.82)
    page.locator("vl-view-switch input[value=subtracted]").check()

    wait_until(page, f"{PLAYER}.player.src?.src?.includes('/views/subtracted/') ?? true")
    wait_until(page, f"{VIDEO} && {VIDEO}.readyState > 1 && Math.abs({VIDEO}.currentTime - 0.82) < 0.2")
    assert page.evaluate(f"{PLAYER}.player.currentSrc || {PLAYER}.hls().url").count("/views/subtracted/")


def wait_until_it_stands_at(page: Any, seconds: float) -> None:
    """Until the picture is there and the player knows it: a key during a seek would count from where it came from."""
    near = (
        f"Math.abs({VIDEO}.currentTime - {seconds}) < 0.01 && Math.abs({PLAYER}.player.currentTime - {seconds}) < 0.01"
    )
    wait_until(page, f"{near} && !{VIDEO}.seeking")
