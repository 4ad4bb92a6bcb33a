"""A room camera beside the recording, in step; a narration that is sent, accepted by somebody else, and heard."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from config.settings import Settings
from ingest.intake import Item, take_in
from ingest.leases import LeaseKeeper
from ingest.tasks import Hands, do_next
from ingest.workshop import Workshop
from tests.browser.conftest import sticking_out
from tests.browser.test_story_watch import PLAY_WAIT_MS, VIDEO, wait_for_time, wait_until
from tests.conftest import CHROMIUM_FLAGS
from tests.samples import make_recording, run_tool
from tests.visitors import HASHED, PASSWORD, answering
from videolib.catalogue import people, publishing, second_sources
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.indexing import HostIndex
from videolib.catalogue.narrations import list_narrations
from videolib.catalogue.people import User
from videolib.db import Database
from videolib.storage import open_store
from videolib.web import create_app

OFFSET_S = 1.48
SECOND = "document.querySelector('.beside video')"
PLAYER = "document.querySelector('vl-player').player"
HLS = "document.querySelector('vl-player')?.hls()"
NARRATED = f"({HLS}?.audioTracks[{HLS}.audioTrack]?.name ?? '').startsWith('解说')"
RECORDER = "document.querySelector('vl-recorder').recorder"
FALSE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
RATE_HZ = 8000
DESCRIBED = {
    "title": {"zh": "股浅动脉支架植入术", "en": "Stenting of the superficial femoral artery"},
    "procedures": ["proc.stent_sfa"],
    "content_type": "ct.simulation",
}


@dataclass(frozen=True)
class Library:
    """A service that answers at `url`, a published entry in it, and another recording of the same procedure."""

    url: str
    workshop: Workshop
    entry_id: str
    room_id: str

    def work(self) -> None:
        with LeaseKeeper(self.workshop.database, 60.0) as keeper:
            while do_next(Hands(self.workshop, "test:1", keeper, lambda: False), {"quick", "long", "io"}) is not None:
                pass

    def put_beside(self, offset_s: float) -> None:
        with self.workshop.database.writing() as session:
            entry, by = session.get_one(Entry, self.entry_id), people.find_user(session, "editor@hospital.example")
            assert by is not None
            second_sources.set_second(session, entry, self.room_id, offset_s, by=by)

    def accept(self, page: Any) -> None:
        """Listen to the narration as somebody else, and let viewers hear it."""
        self.open(page, "admin", f"/studio/entries/{self.entry_id}/narrations")
        page.evaluate("document.querySelector('.narration__sound').load()")
        wait_until(page, "document.querySelector('.narration__sound').duration > 11")
        page.get_by_role("button", name="我已全部听完").click()
        page.get_by_text("观众可听").wait_for()

    def heard(self) -> NDArray[np.int16]:
        """The samples of its narration, mono, `RATE_HZ` a second."""
        with self.workshop.database.reading() as session:
            (narration,) = list_narrations(session, self.entry_id, accepted=True)
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            file.write(self.workshop.store.get_bytes(narration.path))
            file.flush()
            raw = run_tool("-i", file.name, "-f", "s16le", "-ac", "1", "-ar", str(RATE_HZ), "-")
        return np.frombuffer(raw, np.int16)

    def open(self, page: Any, role: str, path: str) -> None:
        """As somebody of that role, who was nobody before."""
        page.context.clear_cookies()
        page.goto(f"{self.url}/login")
        page.fill("input[name=email]", f"{role}@hospital.example")
        page.fill("input[name=password]", PASSWORD)
        page.click("button[name=submit]")
        page.wait_for_url(lambda url: "/login" not in url)
        page.goto(f"{self.url}{path}")


@pytest.fixture
def library(sqlite_database: Database, settings: Settings, tmp_path: Path) -> Iterator[Library]:
    changed = settings.model_copy(update={"lease_s": 60.0})
    workshop = Workshop(changed, sqlite_database, open_store(changed.store_url), open_store(changed.originals_url))
    with sqlite_database.writing() as session:
        editor, *_others = [
            people.add_user(session, f"{role}@hospital.example", HASHED, [role])
            for role in ("editor", "admin", "trainee")
        ]
    sources = (
        make_recording(tmp_path / "main.mp4", seconds=12, size="320x180"),
        make_recording(tmp_path / "room.mp4", seconds=15, size="320x180", pattern="smptebars", audio=False),
    )
    taken = [_take(workshop, source, editor) for source in sources]
    index = HostIndex(changed, sqlite_database)
    with answering(create_app(changed, database=sqlite_database, index=index)) as url:
        made = Library(url, workshop, taken[0].entry_id, taken[1].recording_id)
        made.work()
        with sqlite_database.writing() as session:
            publishing.publish_entry(session, session.get_one(Entry, made.entry_id), by=None)
        yield made
    index.close()


def test_the_second_picture_is_aligned_by_a_moment_and_plays_in_step(page: Any, library: Library) -> None:
    """Checklist 25 (two sources side by side)."""
    library.put_beside(0.0)
    library.open(page, "editor", f"/studio/entries/{library.entry_id}/second")
    sides = "[...document.querySelectorAll('vl-align video')]"
    wait_until(page, f"{sides}.every((one) => one.readyState > 1 && !one.seeking)")
    for jump in (10, -1):
        page.locator(f"[data-side=second_s] [data-jump='{jump}']").click()
        wait_until(page, f"!{sides}[1].seeking")
    page.keyboard.press("Escape")
    page.locator("[data-side=main_s]").focus()
    for _ in range(12):
        page.keyboard.press(".")
    wait_until(page, f"Math.abs({sides}[0].currentTime - 12.5 / 25) < 0.01 && !{sides}[0].seeking")

    page.get_by_role("button", name="这两个画面是同一时刻").click()

    page.get_by_text("已保存：两路画面已按这两个时刻对齐。").wait_for()
    offset_s = float(page.input_value("#second_s")) - float(page.input_value("#main_s"))
    assert offset_s == pytest.approx(9.02 - 0.5, abs=0.04)

    library.put_beside(OFFSET_S)
    library.open(page, "trainee", f"/entries/{library.entry_id}")
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    wait_until(page, f"{SECOND} && {SECOND}.readyState > 1")
    in_step = f"Math.abs({SECOND}.currentTime - {VIDEO}.currentTime - {OFFSET_S})"
    page.keyboard.press("k")
    wait_for_time(page, 2.5)
    assert page.evaluate(f"{in_step} < 0.2 && {SECOND}.muted && !{SECOND}.paused")
    page.evaluate(f"{PLAYER}.playbackRate = 2; {PLAYER}.currentTime = 5")
    wait_for_time(page, 8)
    assert page.evaluate(f"{in_step} < 0.2")
    page.keyboard.press("k")
    wait_until(page, f"{SECOND}.paused && {in_step} < 0.02")

    page.get_by_role("button", name="第二画面").click()
    assert page.locator(".beside").count() == 0
    page.reload()
    page.locator("vl-beside[data-second] [aria-pressed=false]").wait_for()
    assert page.locator(".beside").count() == 0
    page.get_by_role("button", name="第二画面").click()
    wait_until(page, f"{SECOND} && {SECOND}.readyState > 1")
    page.set_viewport_size({"width": 390, "height": 844})
    assert sticking_out(page) == []


def test_a_narration_is_sent_accepted_by_another_chosen_and_remembered(
    page: Any, library: Library, tmp_path: Path
) -> None:
    speech = tmp_path / "speech.wav"
    run_tool("-f", "lavfi", "-i", "sine=frequency=1000:duration=6", speech)
    address = f"/studio/entries/{library.entry_id}/narrations"
    library.open(page, "editor", address)
    page.set_input_files("#narration-file", speech)
    page.select_option("#narration-language", "en")
    page.get_by_role("button", name="发送").click()
    page.get_by_text("正在处理").wait_for()
    library.work()
    library.accept(page)

    library.open(page, "trainee", f"/entries/{library.entry_id}")
    choose_english(page)
    wait_for_time(page, 4)
    page.reload()
    wait_until(page, f"{PLAYER}?.state.canPlay && {NARRATED}")


def test_speech_is_recorded_in_the_page_and_heard_by_viewers_once_another_has_accepted_it(
    library: Library, launch_browser: Any, browser_context_args: dict[str, Any]
) -> None:
    """Chromium's own false microphone beeps once a second."""
    browser = launch_browser(args=[*CHROMIUM_FLAGS, *FALSE_MICROPHONE])
    try:
        page = browser.new_context(**browser_context_args).new_page()
        library.open(page, "editor", f"/studio/entries/{library.entry_id}/narrations")
        page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)

        recorder, start = page.locator("vl-recorder"), page.get_by_role("button", name="从头开始录制")
        start.click()
        wait_for_time(page, 0.5)
        page.evaluate("document.querySelector('vl-recorder').stream.getTracks()[0].stop()")  # it is pulled out
        recorder.get_by_role("button", name="丢弃").click()
        assert page.evaluate(f"{VIDEO}.paused && !{VIDEO}.muted")

        start.click()
        wait_for_time(page, 1.5)
        wait_until(page, "document.querySelector('vl-recorder meter').value > 0.2")
        assert page.evaluate(f"{VIDEO}.muted"), "the picture's own sound is not recorded again"
        page.keyboard.press("Escape")
        page.evaluate(f"{PLAYER}.pause()")
        wait_until(page, f"{RECORDER}.state === 'paused'")
        page.evaluate(f"{PLAYER}.play()")
        wait_until(page, f"{RECORDER}.state === 'recording'")
        wait_for_time(page, 4)
        recorder.get_by_role("button", name="停止").click()
        recorder.get_by_role("button", name="保留").click()
        page.get_by_text("已保留：请选择语言并发送。").wait_for()
        assert not page.evaluate(f"{VIDEO}.muted")
        page.select_option("#narration-language", "en")
        page.get_by_role("button", name="发送", exact=True).click()
        page.get_by_text("正在处理").wait_for()
        library.work()
        library.accept(page)

        library.open(page, "trainee", f"/entries/{library.entry_id}")
        choose_english(page)
        wait_for_time(page, 6)
        assert page.evaluate(f"{VIDEO}.error") is None
    finally:
        browser.close()
    heard = library.heard()
    assert len(heard) / RATE_HZ == pytest.approx(12, abs=0.1), "as long as the pictures"
    assert heard[: 2 * RATE_HZ].max() > 1000, "what was spoken is heard from the beginning"
    assert abs(heard[-5 * RATE_HZ :]).max() < 50, "and silence follows it"


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [
        ("zh-CN", "无法使用话筒：请在浏览器中允许，或发送文件。"),
        ("en-GB", "The microphone cannot be used: allow it in the browser, or send a file."),
    ],
)
def test_without_a_microphone_a_sentence_says_what_to_do(
    library: Library, browser: Any, locale: str, sentence: str
) -> None:
    page = browser.new_context(locale=locale).new_page()
    library.open(page, "editor", f"/studio/entries/{library.entry_id}/narrations")
    start = page.locator("vl-recorder [data-part=start]")

    start.click(timeout=PLAY_WAIT_MS)

    page.locator("vl-recorder [role=status]", has_text=sentence).wait_for()
    assert start.is_visible()
    assert page.locator("#narration-file").is_visible()
    page.context.close()


def choose_english(page: Any) -> None:
    """Begin to play, and choose the English narration in the player's menu."""
    page.locator("vl-player media-player[data-can-play]").wait_for(timeout=PLAY_WAIT_MS)
    page.keyboard.press("k")
    wait_for_time(page, 1)
    page.locator(".vds-menu-button").last.click()
    page.get_by_role("menuitem", name="音频").click()
    page.get_by_role("menuitem", name="轨道").click()
    page.get_by_role("menuitemradio", name="解说 / Narration · English").click()
    wait_until(page, NARRATED)


def _take(workshop: Workshop, source: Path, by: User) -> Any:
    item = Item(source, parse_values(DESCRIBED), generated=True)
    return take_in(workshop.database, workshop.originals, item, by=by, publish=False)
