"""The core stories in Debian's Firefox: watch, a lesson played through, an upload that is killed and goes on.

Driven over WebDriver BiDi by puppeteer-core, which is installed with the front end's packages for the tests.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import PASSWORD, Served
from tests.browser.teaching import add_lesson
from tests.browser.uploading import MIB, digest_of_recording, offset_of, padded, remove_all, uploads
from tests.browser.watching import add_described_entry
from tests.conftest import ROOT, need

pytestmark = pytest.mark.timeout(600)
STORY_S = 280
SIZE, PIECES = 60_000_000, 2
Tell = Callable[..., dict[str, Any]]


@pytest.fixture
def tell(served: Served, tmp_path: Path) -> Tell:
    """Runs a story in a Firefox that has never been used, and gives what it saw."""
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    need(firefox, "Firefox; install firefox-esr")
    need((ROOT / "node_modules" / "puppeteer-core").is_dir(), "puppeteer-core; run `npm ci`")

    def run(story: str, **values: Any) -> dict[str, Any]:
        profile = tmp_path / f"profile-{story}"
        profile.mkdir()
        known = {"url": served.url, "password": PASSWORD, "firefox": firefox, "profile": str(profile)}
        given = {**known, "longest_ms": (STORY_S - 30) * 1000, **values}
        done = subprocess.run(
            ["node", str(Path(__file__).parent / "firefox.mjs"), story],
            input=json.dumps(given),
            env={**os.environ, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=STORY_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        seen: dict[str, Any] = json.loads(done.stdout)
        assert seen["errors"] == []
        assert seen["outside"] == []
        return seen

    return run


def test_a_trainee_finds_a_recording_watches_it_steps_by_frame_and_switches_the_language(tell: Tell) -> None:
    """Checklist 15, 20, 58."""
    seen = tell("watch")

    assert seen["played"]["error"] is None
    assert seen["played"]["height"] > 0
    assert sorted(seen["heights"]) == [240, 360, 480, 720]
    assert seen["english"].startswith("Iliac artery stenting")


def test_a_lesson_plays_through_by_itself_and_is_done(tell: Tell, served: Served) -> None:
    """Checklist 32."""
    clips: list[dict[str, Any]] = [
        {"entry_id": served.entry_id, "start_s": 1, "end_s": 4},
        {"entry_id": add_described_entry(served), "start_s": 6, "end_s": 9},
    ]

    seen = tell("playlist", lesson=add_lesson(served, clips, title={"zh": "火狐课程"}))

    assert "火狐课程" in seen["done"]


def test_an_upload_whose_browser_is_killed_goes_on_in_a_new_one(tell: Tell, served: Served, tmp_path: Path) -> None:
    """Checklist 39."""
    remove_all(served)
    recording = padded(tmp_path / "firefox.mp4", SIZE)
    tell("upload", file=str(recording), pieces=PIECES)
    at_the_kill = offset_of(served, recording.name)

    seen = tell("resume", file=str(recording))

    assert at_the_kill == PIECES * 16 * MIB
    assert seen["offsets"] == [at_the_kill, at_the_kill + 16 * MIB], "nothing that was kept is sent again"
    assert seen["share"] == pytest.approx(at_the_kill / SIZE, abs=0.02)
    kept = uploads(served)[recording.name]
    assert digest_of_recording(served, kept["recording_id"]) == hashlib.sha256(recording.read_bytes()).hexdigest()
    remove_all(served)
