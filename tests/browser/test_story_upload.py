"""The editor's story of uploading, in the system's Chromium with the real tus-js-client: nothing is sent in vain."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Served
from tests.browser.uploading import (
    MIB,
    ask,
    choose,
    digest_of_recording,
    offset_of,
    padded,
    progress_of,
    remove_all,
    row_of,
    throttle,
    uploads,
    wait_for,
)
from tests.servers import until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 MB that begin as a recording: five pieces of 16 MiB."""
    return padded(tmp_path_factory.mktemp("long") / "long operation.mp4", 80_000_000)


def test_several_files_show_how_far_they_are_and_are_paused_and_the_tab_warns(
    upload_page: Any, served: Served, long_file: Path, tmp_path: Path
) -> None:
    """Checklist 38."""
    page, second = upload_page, padded(tmp_path / "second.mp4", 40_000_000)
    throttle(page)
    choose(page, long_file, second)

    first = wait_for(page, long_file.name, "sending")
    wait_for(page, second.name, "sending")
    numbers = first.locator("[data-part=numbers]")
    page.wait_for_function("text => /%.*MB.*MB\\/(s|秒).*/.test(text.textContent)", arg=numbers.element_handle())
    first.locator("[data-part=pause]").click()
    wait_for(page, long_file.name, "paused")
    stood = ask(served, f"/api/v1/uploads/{uploads(served)[long_file.name]['id']}").json()["offset"]
    dialogs: list[str] = []

    def stay(dialog: Any) -> None:
        dialogs.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    first.locator("[data-part=resume]").click()
    wait_for(page, long_file.name, "sending")

    assert dialogs == ["beforeunload"]
    assert stood < 80_000_000
    first.locator("[data-part=remove]").click()
    row_of(page, second.name).locator("[data-part=remove]").click()
    first.wait_for(state="detached")
    remove_all(served)


def test_a_killed_tab_goes_on_with_the_same_file_and_no_other(
    upload_page: Any, served: Served, long_file: Path, tmp_path: Path
) -> None:
    """Checklist 39."""
    page, other = upload_page, padded(tmp_path / "other.mp4", 80_000_000)
    throttle(page)
    choose(page, long_file)
    wait_for(page, long_file.name, "sending")
    until(lambda: offset_of(served, long_file.name) >= 3 * 16 * MIB)
    context = page.context
    page.close(run_before_unload=False)
    at_the_kill = offset_of(served, long_file.name)

    page = context.new_page()
    sent: list[int] = []
    page.on("request", lambda request: sent.append(int(request.headers.get("upload-offset", -1))))
    page.goto(f"{served.url}/studio/upload")
    row = wait_for(page, long_file.name, "unfinished")
    share = progress_of(row)
    row.locator(".upload__file input").set_input_files(str(other))
    wait_for(page, long_file.name, "different")
    row.locator(".upload__file input").set_input_files(str(long_file))
    wait_for(page, long_file.name, "done")

    assert share >= 0.49
    assert min(offset for offset in sent if offset >= 0) >= at_the_kill, "nothing that was kept is sent again"
    digest = hashlib.sha256(long_file.read_bytes()).hexdigest()
    kept = uploads(served)[long_file.name]
    assert digest_of_recording(served, kept["recording_id"]) == digest
    remove_all(served)
