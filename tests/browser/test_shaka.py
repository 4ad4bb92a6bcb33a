"""A package is HLS to others too: Shaka Player, which shares no code with our hls.js, reads and plays it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ingest.pipeline import package_recording
from tests.conftest import ROOT, need

SHAKA = ROOT / "node_modules" / "shaka-player" / "dist"
SOURCE = "lap_cholecystectomy_720p25_aac.mp4"
ENOUGH_S = 3.0
PATIENCE_MS = 20_000
CLOSE_S = 0.2


class Pages(SimpleHTTPRequestHandler):
    """Serves the test's page, Shaka Player and one package, each under its own first folder."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".m3u8": "application/vnd.apple.mpegurl",
        ".m4s": "video/iso.segment",
        ".vtt": "text/vtt",
    }

    def __init__(self, *arguments: Any, roots: dict[str, Path], **options: Any) -> None:
        self.roots = roots
        super().__init__(*arguments, **options)

    def translate_path(self, path: str) -> str:
        first, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        root = self.roots.get(first)
        return str(root / rest if root and ".." not in rest else ROOT / "nothing")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name for it
        """Say nothing: the test tells what went wrong."""


class Made(NamedTuple):
    folder: Path
    package: dict[str, Any]


@pytest.fixture(scope="module")
def made(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("package") / "out"
    report = package_recording(shared / "testdata" / "surgical" / SOURCE, folder)
    return Made(folder, report.as_json()["package"])


@pytest.fixture
def address(made: Made) -> Iterator[str]:
    need(SHAKA.is_dir(), "Shaka Player; run `npm ci`")
    roots = {"page": Path(__file__).parent / "shaka", "shaka": SHAKA, "package": made.folder}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, roots=roots))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("no_outside_requests")
def test_shaka_player_reads_all_renditions_and_plays(page: Any, address: str, made: Made) -> None:
    sizes = {(rendition["width"], rendition["height"]) for rendition in made.package["renditions"]}

    page.goto(f"{address}/page/read.html")
    seen = page.evaluate("async () => await window.reading")
    page.wait_for_function(f"document.querySelector('video').currentTime > {ENOUGH_S}", timeout=PATIENCE_MS)

    assert seen.get("failed") is None
    assert seen["errors"] == []
    assert {(track["width"], track["height"]) for track in seen["tracks"]} == sizes
    assert all(track["videoCodec"].startswith("avc1") and track["audioCodec"] for track in seen["tracks"])
    assert abs(seen["duration_s"] - made.package["duration_s"]) < CLOSE_S
