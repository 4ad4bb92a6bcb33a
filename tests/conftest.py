"""What every test stands on: a folder of its own, the shared recordings, the browser, a count of what was skipped.

A test that needs a tool of the machine says so with `need(…)`: skipped with a sentence at home, failed in CI.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog

from config.settings import is_continuous_integration

ROOT = Path(__file__).resolve().parent.parent
NEEDED = "needed here: "  # begins the reason of every skip for a missing tool; the summary counts them by it
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",  # Chromium's own sandbox refuses root, which CI is
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # the browser's own calls home are no finding about our pages
    "--disable-component-update",
    "--disable-sync",
)

pytest_plugins = ["tests.servers", "tests.brokers", "tests.libraries", "tests.visitors"]


def need(condition: object, sentence: str) -> None:
    """Go on when `condition` holds; else skip with `sentence`, or fail where CI promises every tool."""
    if condition:
        return
    if is_continuous_integration():
        pytest.fail(NEEDED + sentence, pytrace=False)
    pytest.skip(NEEDED + sentence)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared recordings and data; `VIDEOLIB_TEST_SHARED` says where it lies."""
    folder = (ROOT / os.environ.get("VIDEOLIB_TEST_SHARED", "../shared")).resolve()
    need(
        (folder / "testdata" / "manifest.json").is_file(),
        "the shared test data; set VIDEOLIB_TEST_SHARED to their folder",
    )
    return folder


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test's library lies in a folder of its own, and no setting of who runs the tests leaks in."""
    for name in [name for name in os.environ if name.startswith("VIDEOLIB_") and name != "VIDEOLIB_TEST_SHARED"]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("VIDEOLIB_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def own_logging() -> None:
    """A test that ran a command in this process leaves no log level behind for the next one."""
    structlog.reset_defaults()


# ------------------------------------------------------------------ browser


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The system's Chromium; playwright's own download is never used."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    need(found, "Chromium; install the package chromium")
    return Path(str(found))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: Path) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": str(chromium), "args": list(CHROMIUM_FLAGS)}


@pytest.fixture
def no_outside_requests(context: Any) -> Iterator[set[str]]:
    """Fails the test when a page asked another origin than the first it opened, or its console holds an error.

    Gives the set of further origins allowed, empty at first: a test whose media come from a store adds that.
    """
    allowed: set[str] = set()
    asked: list[str] = []
    errors: list[str] = []

    def note_request(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob", "about"}:
            asked.append(f"{parts.scheme}://{parts.netloc}")

    def note_console(message: Any) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location.get('url', '')})")

    context.on("request", note_request)
    context.on("console", note_console)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield allowed

    outside = sorted(set(asked) - allowed - set(asked[:1]))
    assert asked, "the test opened no page"
    assert outside == [], "requests left the origin"
    assert errors == [], "the console holds errors"


# ------------------------------------------------------------------ summary


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Count the tests that wanted a missing tool, and repeat which checks failed before the tests."""
    sentences: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NEEDED in reason:
            sentence = reason.partition(NEEDED)[2]
            sentences[sentence] = sentences.get(sentence, 0) + 1
    for sentence, count in sorted(sentences.items()):
        terminalreporter.write_line(f"not run for want of a tool: {count} × {sentence}")
    if failed_checks := os.environ.get("VIDEOLIB_FAILED_CHECKS"):
        terminalreporter.write_line(f"checks that failed before the tests: {failed_checks}", red=True, bold=True)
