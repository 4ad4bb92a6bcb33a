"""axe over every page of the service, each opened by somebody who may, with everything unfolded that can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from tests.browser.test_story_watch import problems
from tests.visitors import PASSWORD, Site, answering
from tests.whole.page_rows import OFFICER, Page, list_pages, officer_of

LOOKS = (("zh", "light"), ("en", "dark"), ("zh", "dark"), ("en", "light"))
UNFOLD = "for (const one of document.querySelectorAll('main details')) one.open = true"
MENUS = "header vl-menu summary"


def visitor_of(page: Page) -> str:
    """Who opens it: the most that may; "" for nobody."""
    return page.roles[-1] or ""


@contextmanager
def opened(site: Site) -> Iterator[tuple[str, list[Page]]]:
    """The address of a library with something of every kind, and all its pages, by who opens them."""
    pages = sorted(list_pages(site), key=visitor_of)
    with answering(site.app) as address:
        yield address, pages


def walk(site: Site, browser: Any, address: str, pages: Sequence[Page], look: tuple[str, str]) -> dict[str, list[str]]:
    """What axe finds on these pages in that language and theme, by path; pages without a finding are left out."""
    found = {}
    language, theme = look
    for who, theirs in groupby(pages, visitor_of):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
        tab = context.new_page()
        if who:
            sign_in(tab, address, officer_of(site) if who == OFFICER else site.add_person(who).email)
        tab.goto(f"{address}/preferences?lang={language}&theme={theme}&next=/login")
        for number, page in enumerate(theirs):
            assert tab.goto(address + page.path, wait_until="load").status == page.status, page.path
            tab.evaluate(UNFOLD)
            found[page.path] = problems(tab)
            if number == 0:
                for menu in tab.locator(MENUS).all():
                    menu.click()
                    found[f"{page.path} {menu.inner_text()}"] = problems(tab)
        context.close()
    return {path: texts for path, texts in found.items() if texts}


def sign_in(tab: Any, address: str, email: str) -> None:
    """Through the page."""
    tab.goto(f"{address}/login")
    tab.fill("input[name=email]", email)
    tab.fill("input[name=password]", PASSWORD)
    tab.click("button[name=submit]")
    tab.wait_for_url(lambda url: "/login" not in url)
