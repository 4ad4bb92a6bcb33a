"""docs/security.md names what holds each promise: every file that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`([\w./-]+\.(?:py|toml|conf|md))`", PAGE.read_text("utf-8")))
    there = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("*.*")]
    for room in ("bench", "config", "docs", "ingest", "tests", "videolib"):
        there += [path.relative_to(ROOT).as_posix() for path in (ROOT / room).rglob("*.*")]

    lost = [name for name in sorted(named) if not any(path == name or path.endswith(f"/{name}") for path in there)]

    assert len(named) > 30
    assert lost == []
