"""The budget of the three pages that are opened most: what they may weigh over the wire stands in `budget.toml`."""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path
from typing import Any

from tests.browser.conftest import Served, log_in
from tests.browser.test_for_everybody import settle
from tests.browser.test_story_watch import problems

BUDGET = tomllib.loads(Path(__file__).with_name("budget.toml").read_text("utf-8"))
LOADED = """() => performance.getEntriesByType('resource').map(({ name }) => name)
  .filter((name) => new URL(name).origin === location.origin && !name.includes('/media/'))"""


def weigh(page: Any) -> dict[str, int]:
    """What the page as it is now has loaded, packed as a proxy sends it, in kB; and what axe finds."""
    addresses = set(page.evaluate(LOADED))

    def kb(*wanted: str) -> int:
        bodies = [page.request.get(address).body() for address in wanted]
        return round(sum(len(gzip.compress(body)) for body in bodies) / 1000)

    return {
        "scripts_kb": kb(*(one for one in addresses if one.endswith(".js"))),
        "styles_kb": kb(*(one for one in addresses if one.endswith(".css"))),
        "html_kb": kb(page.url),
        "violations": len(problems(page)),
    }


def test_home_search_and_watch_keep_to_their_budget(page: Any, served: Served) -> None:
    """Checklist 67: before anything is played; the scores of Lighthouse are measured by a program."""
    log_in(page, served)
    weighed = {}
    for name, budget in BUDGET.items():
        page.goto(served.url + budget["path"].format(entry_id=served.entry_id))
        settle(page)
        weighed[name] = weigh(page)

    over = {
        f"{name} {what}": (much, BUDGET[name][what])
        for name, one in weighed.items()
        for what, much in one.items()
        if much > BUDGET[name][what]
    }
    assert over == {}, weighed
    assert all(one["scripts_kb"] and one["styles_kb"] and one["html_kb"] for one in weighed.values()), weighed
