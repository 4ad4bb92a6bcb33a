"""The studio's lists: the newest of each state with how many there are, and all of one state page by page."""

from __future__ import annotations

import html
import re

import pytest

from tests.libraries import add_entry
from tests.visitors import Site
from videolib.web import studio


def entries_on(page: str) -> list[str]:
    """The entries that a page links to, each once."""
    return list(dict.fromkeys(re.findall(r'href="/studio/entries/([0-9a-f-]{36})"', page)))


def test_each_state_shows_its_newest_and_leads_to_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "NEWEST", 2)
    monkeypatch.setattr(studio, "ENTRIES_ON_A_PAGE", 2)
    published = [site.add_published().id for _ in range(3)]
    drafts = [add_entry(site.database).id for _ in range(5)]
    editor = site.visitor("editor")

    first = editor.get("/studio").text

    assert set(entries_on(first)) == {*published[-2:], *drafts[-2:]}
    assert "/studio?status=draft" in first
    found, address = [], "/studio?status=draft"
    while address:
        page = editor.get(address).text
        found += entries_on(page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        address = html.unescape(link[1]) if link else ""
    assert found == drafts[::-1]


def test_a_state_that_is_none_is_the_first_page(sqlite_site: Site) -> None:
    add_entry(sqlite_site.database)

    assert sqlite_site.visitor("editor").get("/studio?status=nonsense").status_code == 200


def test_drawings_and_a_warning_are_typed_and_kept(sqlite_site: Site) -> None:
    entry, editor = sqlite_site.add_watchable(), sqlite_site.visitor("editor")
    path = f"/studio/entries/{entry.id}"
    page = editor.get(path).text
    bases = {html.unescape(name): value for name, value in re.findall(r'name="(base:[^"]+)" value="([0-9a-f]*)"', page)}
    sent = {name: bases[name] for name in ("base:graphics", "base:content_warning.en")}

    answer = editor.post(
        path,
        **sent,
        **{
            "graphics.0.title.en": "The anatomy",
            "graphics.0.title.zh": "解剖图",
            "graphics.0.at_s": "1.5",
            "content_warning.en": "Open bleeding.",
        },
    )

    assert answer.status_code == 303
    told = editor.get(f"/api/v1/entries/{entry.id}").json or {}
    assert told["graphics"] == [{"title": {"en": "The anatomy", "zh": "解剖图"}, "at_s": 1.5}]
    assert told["content_warning"] == {"en": "Open bleeding."}
    assert 'value="The anatomy"' in editor.get(path).text
