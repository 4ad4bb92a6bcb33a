"""What is said of a file before it is sent: plain words, before an hour is wasted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Served
from tests.browser.uploading import (
    PATIENCE_MS,
    choose,
    remove_all,
    wait_for,
)
from tests.samples import make_recording

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
