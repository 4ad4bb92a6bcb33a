"""Sound and text that a recording brought along: the room is silent until it is chosen, text stands above the bar."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Served, call, log_in
from tests.browser.test_story_watch import VIDEO, play, wait_for_time, wait_until
from tests.samples import make_recording, run_tool

PLAYER = "document.querySelector('vl-player media-player')"
SRT = "1\n00:00:00,200 --> 00:00:11,000\n{}\n"
JAPANESE, CHINESE = "カテーテルを進める", "推送微导管"
SECONDS = 12


@pytest.fixture(scope="module")
def recording(served: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A draft of a recording with the sound of the room alone, and with Chinese and Japanese text inside."""
    folder = tmp_path_factory.mktemp("room")
    picture = make_recording(folder / "picture.mp4", seconds=SECONDS, size="640x360", audio=False)
    for language, text in (("chi", CHINESE), ("jpn", JAPANESE)):
        (folder / f"{language}.srt").write_text(SRT.format(text), encoding="utf-8")
    source: Path = folder / "in.mkv"
    run_tool(
        *("-i", picture, "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}"),
        *("-i", folder / "chi.srt", "-i", folder / "jpn.srt", "-map", "0", "-map", "1", "-map", "2", "-map", "3"),
        *("-metadata:s:a:0", "title=Room microphone", "-metadata:s:s:0", "language=chi"),
        *("-metadata:s:s:1", "language=jpn", "-c:v", "copy", "-c:a", "aac", "-c:s", "srt", source),
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIDEOLIB_")}
    environment["VIDEOLIB_HOME"] = str(served.home)
    made = json.loads(call(environment, "ingest", str(source), "--json"))
    call(environment, "assign", made["recording_id"], "editor@hospital.example")
    return str(made["entry_id"])


def open_it(page: Any, served: Served, entry_id: str) -> list[str]:
    """Open the entry and play it; gives the addresses that are fetched, as they come."""
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    log_in(page, served, role="editor")
    page.goto(f"{served.url}/entries/{entry_id}")
    play(page)
    wait_for_time(page, 0.5)
    return fetched


def show(page: Any, language: str) -> None:
    page.evaluate(
        f"language => {{ for (const track of {PLAYER}.textTracks.toArray()) if (track.kind !== 'chapters')"
        " track.mode = track.language === language ? 'showing' : 'disabled'; }",
        language,
    )


def test_room_sound_is_off_until_somebody_chooses_it(
    page: Any, served: Served, recording: str, no_outside_requests: set[str]
) -> None:
    fetched = open_it(page, served, recording)
    tracks = f"{PLAYER}.audioTracks.toArray()"
    wait_until(page, f"{tracks}.length === 2")
    selected = page.evaluate(f"{tracks}.find(one => one.selected).label")
    wait_for_time(page, 1.5)
    heard = [address for address in fetched if "/audio/" in address and address.endswith(".m4s")]

    page.evaluate(f"{tracks}.find(one => one.label.includes('Room')).selected = true")
    wait_until(page, f"{tracks}.find(one => one.selected).label.includes('Room')")
    at = page.evaluate(f"{VIDEO}.currentTime")
    wait_for_time(page, at + 0.5)

    assert "No sound" in selected
    assert heard
    assert all("/audio/zxx/" in address for address in heard)
    end = page.evaluate("performance.now()") + 30_000
    while not any("-room/" in address and address.endswith(".m4s") for address in fetched):
        assert page.evaluate("performance.now()") < end, "the room was not fetched"
        page.wait_for_timeout(100)
    assert page.evaluate(f"{VIDEO}.error") is None


def test_text_of_the_package_and_of_the_catalogue_is_offered_once_and_shown_above_the_bar(
    page: Any, served: Served, recording: str, no_outside_requests: set[str]
) -> None:
    """Checklist 16: never under the bar."""
    open_it(page, served, recording)
    languages = f"{PLAYER}.textTracks.toArray().filter(one => one.kind !== 'chapters').map(one => one.language).sort()"
    wait_until(page, f'JSON.stringify({languages}) === \'["ja","zh-Hans"]\'')

    for language, text in (("ja", JAPANESE), ("zh-Hans", CHINESE)):
        show(page, language)
        shown = page.locator("vl-player [data-part=cue]", has_text=text).first
        shown.wait_for(timeout=30_000)
        page.evaluate(f"{PLAYER}.controls.show()")
        wait_until(page, f"{PLAYER}.controls.showing")
        bar = page.locator("vl-player media-controls .vds-time-slider").first
        wait_until(
            page,
            "(() => { const cue = document.querySelector('vl-player [data-part=cue]')?.getBoundingClientRect();"
            " const bar = document.querySelector('vl-player media-controls .vds-time-slider').getBoundingClientRect();"
            " return cue && cue.height > 0 && cue.bottom <= bar.top + 1; })()",
        )
        assert bar.is_visible()
