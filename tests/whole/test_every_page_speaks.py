"""Every page in two languages: the switch leads back to the same page, each text says which language it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.visitors import Site, make_site
from tests.whole.page_rows import OFFICER, Page, list_pages, officer_of, rules_of_pages
from tests.whole.test_role_matrix import ROLES
from videolib.db import Database

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SILENT = {"script", "style", "code", "kbd", "textarea", "option", "title"}
HAN = re.compile(r"[\u3400-\u9fff]")
ISO_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
# what nobody can translate: the same word is shown to readers of both languages
IN_BOTH = {"中文"}


class Texts(HTMLParser):
    """Each text of a page with the language it is said to be in, and the link to the other language."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        self.switch = ""
        self.guide = 0
        self._open: list[tuple[str, str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        href = named.get("href") or ""
        if tag == "a" and "/preferences?lang=" in href:
            self.switch = href
        if tag == "a" and href.startswith("/guide") and any(one == "footer" for one, _, _ in self._open):
            self.guide += 1
        if tag not in VOID:
            above = self._open[-1] if self._open else ("", "", False)
            self._open.append((tag, named.get("lang") or above[1], above[2] or tag in SILENT))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open and not self._open[-1][2]:
            self.texts.append((self._open[-1][1], data.strip()))


@pytest.fixture
def every(sqlite_database: Database) -> Iterator[Site]:
    site = make_site(sqlite_database)
    yield site
    site.index.close()


def read(text: str) -> Texts:
    texts = Texts()
    texts.feed(text)
    return texts


def test_the_switch_of_languages_leads_back_to_the_page_and_each_text_says_its_language(every: Site) -> None:
    """Checklist 55 (the help stands in the same place), 58: query kept, `lang` per part, days as people write them."""
    pages = list_pages(every)
    # a page without an address in the list is looked at by no test of all pages
    unseen = rules_of_pages() - {page.rule for page in pages}
    assert unseen == {"/login/second"}, "seen half-way through signing in, by test_accounts"
    visitors = {role: every.visitor(role) for role in ROLES}
    visitors[OFFICER] = every.visitor("trainee", email=officer_of(every))
    faults: dict[str, object] = {}

    for page in pages:
        visitor, name = visitors[page.roles[-1]], page.path
        visitor.get("/preferences?lang=zh")
        chinese = read(visitor.get(page.path).text)
        if page.rule == "/api/v1/docs":
            continue
        link = urlsplit(chinese.switch)
        assert parse_qs(link.query)["lang"] == ["en"], name
        back = visitor.get(chinese.switch)
        english = read(visitor.get(back.headers["Location"]).text)
        if back.headers["Location"] != page.path:
            faults[f"{name} leads to"] = back.headers["Location"]
        if unsaid := wrongly_said(english, page):
            faults[name] = unsaid
        if days := [text for _, text in (*chinese.texts, *english.texts) if ISO_DAY.search(text)]:
            faults[f"{name} days"] = days
        if (chinese.guide, english.guide) != (1, 1):
            faults[f"{name} guide"] = (chinese.guide, english.guide)

    assert faults == {}


def wrongly_said(english: Texts, page: Page) -> list[str]:
    """Chinese that is said to be English: a comment, a version, a synonym, what a query includes."""
    assert english.texts, page
    return [text for lang, text in english.texts if lang == "en" and HAN.search(text) and text not in IN_BOTH]
