"""What the tests of uploading share: large files, a slow link, the rows of the page, what the library says of them."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import requests

from tests.browser.conftest import Served
from tests.samples import make_recording

MIB = 1024 * 1024
PATIENCE_MS = 90_000
# slow enough to look at what happens meanwhile: some seconds for a piece
SLOW = 6 * MIB
ROW = "vl-upload"


def padded(path: Path, size: int, *, seconds: int = 1) -> Path:
    """A recording of a second, and after it a box of bytes that no player reads."""
    make_recording(path, seconds=seconds, audio=True)
    rest = size - path.stat().st_size
    with path.open("ab") as file:
        file.write(rest.to_bytes(4, "big") + b"free" + os.urandom(rest - 8))
    return path


def throttle(page: Any, bytes_per_s: int = SLOW) -> None:
    """The link of a hospital."""
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    link = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": bytes_per_s}
    client.send("Network.emulateNetworkConditions", link)


def choose(page: Any, *files: Path) -> None:
    page.set_input_files("[data-part=files]", [str(file) for file in files])


def row_of(page: Any, name: str) -> Any:
    return page.locator(ROW).filter(has=page.locator(f'[data-part="name"]:text-is("{name}")'))


def wait_for(page: Any, name: str, *states: str) -> Any:
    row = row_of(page, name)
    wanted = ", ".join(f'vl-upload[data-state="{state}"]' for state in states)
    page.locator(wanted).filter(has=page.locator(f'[data-part="name"]:text-is("{name}")')).first.wait_for(
        timeout=PATIENCE_MS
    )
    return row


def ask(served: Served, path: str, method: str = "GET", **headers: str) -> requests.Response:
    headers["Authorization"] = f"Bearer {served.token}"
    return requests.request(method, served.url + path, headers=headers, timeout=60)


def uploads(served: Served) -> dict[str, dict[str, Any]]:
    """This editor's uploads by name, the newest of each."""
    return {item["name"]: item for item in reversed(ask(served, "/api/v1/uploads").json()["items"])}


def offset_of(served: Served, name: str) -> int:
    """How far the newest upload of that name is; -1 where there is none yet."""
    return int(uploads(served).get(name, {"offset": -1})["offset"])


def remove_all(served: Served) -> None:
    for item in uploads(served).values():
        ask(served, f"/api/v1/uploads/{item['id']}", "DELETE", **{"Tus-Resumable": "1.0.0"})


def progress_of(row: Any) -> float:
    return float(row.locator("[data-part=bar]").evaluate("bar => bar.value"))


def digest_of_recording(served: Served, recording_id: str) -> str:
    """What the library's row says."""
    with sqlite3.connect(served.home / "videolib.db") as connection:
        found = connection.execute("SELECT sha256 FROM recordings WHERE id = ?", (recording_id,)).fetchone()
    return str(found[0])
