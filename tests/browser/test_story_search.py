"""The search page and its field, in the system's Chromium: completed while typing, narrowed, mended, turned over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.visitors import Site, answering

SFA_CASES = 21  # one more than a page holds
FIELD = "input[name=q]"
PATIENCE_MS = 30_000


@pytest.fixture
def library(sqlite_site: Site) -> Iterator[str]:
    """The address of a service with three kinds of public recordings.

    Asked for before the page, so that the browser has let go of its connections when the service ends.
    """
    for number in range(SFA_CASES):
        title = {"zh": f"股浅动脉支架植入术第{number + 1}例", "en": f"SFA stenting, case {number + 1}"}
        sqlite_site.add_published(audience="public", title=title, procedures=["proc.stent_sfa"])
    iliac = {"zh": "髂动脉支架植入术", "en": "Iliac artery stenting"}
    tace = {"zh": "肝癌化疗栓塞", "en": "TACE for hepatocellular carcinoma"}
    sqlite_site.add_published(audience="public", title=iliac, procedures=["proc.stent_iliac"])
    sqlite_site.add_published(audience="public", title=tace, procedures=["proc.tace"])
    sqlite_site.reindex()
    with answering(sqlite_site.app) as base:
        yield base


def chosen_option(page: Any) -> Any:
    """The option that the field calls its active one."""
    return page.locator(f"#{page.get_attribute(FIELD, 'aria-activedescendant')}")


def titles(page: Any) -> list[str]:
    return [text.strip() for text in page.locator(".hit__title").all_inner_texts()]


def test_what_is_typed_is_completed_in_a_list_that_the_keyboard_reaches(
    library: str, page: Any, no_outside_requests: set[str]
) -> None:
    """Checklist 8."""
    page.goto(f"{library}/")
    page.keyboard.press("/")
    assert page.evaluate(f"document.activeElement === document.querySelector('{FIELD}')")

    page.keyboard.type("qiadongmai")
    options = page.locator("[role=listbox] [role=option]")
    options.first.wait_for(timeout=PATIENCE_MS)

    field = page.locator(FIELD)
    assert field.get_attribute("role") == "combobox"
    assert field.get_attribute("aria-expanded") == "true"
    assert field.get_attribute("aria-autocomplete") == "list"
    assert page.locator(f"#{field.get_attribute('aria-controls')}").get_attribute("role") == "listbox"
    assert field.get_attribute("aria-activedescendant") is None
    assert all("髂" in text for text in options.all_inner_texts())

    page.keyboard.press("ArrowDown")
    assert chosen_option(page).get_attribute("aria-selected") == "true"
    assert chosen_option(page).inner_text() == options.first.inner_text()
    page.keyboard.press("ArrowUp")
    assert field.get_attribute("aria-activedescendant") is None
    page.keyboard.press("ArrowUp")
    assert chosen_option(page).inner_text() == options.last.inner_text()

    page.keyboard.press("Escape")
    assert page.locator("[role=listbox]").is_hidden()
    assert field.get_attribute("aria-expanded") == "false"
    assert field.input_value() == "qiadongmai"


def test_a_completion_taken_with_enter_is_searched_and_a_title_is_opened(
    library: str, page: Any, no_outside_requests: set[str]
) -> None:
    """Checklist 8."""
    page.goto(f"{library}/")
    page.fill(FIELD, "肝癌化")
    page.locator("[role=option]", has_text="肝癌化疗栓塞").wait_for(timeout=PATIENCE_MS)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/entries/*")

    page.goto(f"{library}/")
    page.fill(FIELD, "tace")
    page.locator("[role=option]").first.wait_for(timeout=PATIENCE_MS)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?*")
    assert "肝癌化疗栓塞" in titles(page)


@pytest.mark.parametrize("query", ["髂动脉", "髂動脈", "iliac artery", "qiadongmai", "髂动脉 stenting"])
def test_the_same_recording_is_found_however_it_is_written(
    library: str, page: Any, no_outside_requests: set[str], query: str
) -> None:
    """Checklist 9, 10: what was found is highlighted."""
    page.goto(f"{library}/search?q={query}")

    assert titles(page)[0] == "髂动脉支架植入术"
    assert "髂动脉" in "".join(page.locator(".hit").first.locator("mark").all_inner_texts())


def test_facets_count_narrow_and_are_removed_and_the_order_is_chosen(
    library: str, page: Any, no_outside_requests: set[str]
) -> None:
    """Checklist 3, 11: filters live in the address, survive reload and Back."""
    page.goto(f"{library}/search?q=支架")
    option = page.locator(".facet__option", has_text="髂动脉球囊扩张及支架植入术")
    option.wait_for(timeout=PATIENCE_MS)
    assert option.locator(".chip__count").inner_text() == "1"

    option.click()
    page.wait_for_url("**facet=*")
    assert titles(page) == ["髂动脉支架植入术"]
    page.reload()
    assert titles(page) == ["髂动脉支架植入术"]

    page.locator(".chips .chip--on", has_text="髂动脉球囊扩张及支架植入术").click()
    page.wait_for_url(lambda url: "facet" not in url)
    assert len(titles(page)) == 20
    page.go_back()
    page.wait_for_url("**facet=*")
    assert titles(page) == ["髂动脉支架植入术"]

    page.goto(f"{library}/search?q=支架")
    for name, sort in (("最新", "newest"), ("最短", "length"), ("相关度", "relevance")):
        page.locator(".sorts a", has_text=name).click()
        page.wait_for_url(f"**sort={sort}*")
        assert page.locator(".sorts a[aria-current=true]").inner_text() == name


def test_a_slip_is_mended_and_where_nothing_is_found_related_terms_are_offered(
    library: str, page: Any, no_outside_requests: set[str]
) -> None:
    """Checklist 12, 6."""
    page.goto(f"{library}/search?q=stentnig")
    assert page.locator(".notices", has_text="stenting").count() == 1
    page.locator(".notices a", has_text="stenting").click()
    page.wait_for_url("**/search?q=stenting*")
    assert len(titles(page)) == 20

    page.goto(f"{library}/search?q=颈动脉支架植入术 -支架")
    assert titles(page) == []
    related = page.locator(".empty .chips a")
    related.first.click()
    page.wait_for_url("**facet=*")
    assert titles(page) != []


def test_the_count_is_announced_and_the_second_page_is_a_plain_link(
    library: str, page: Any, no_outside_requests: set[str]
) -> None:
    """Checklist 13, 66: paging by the keyboard alone."""
    page.goto(f"{library}/search?q=股浅动脉支架&sort=newest")
    assert str(SFA_CASES) in page.locator("[role=status]").first.inner_text()
    first = titles(page)
    assert len(first) == 20

    after = page.locator("a[rel=next]")
    assert "cursor" in parse_qs(urlsplit(after.get_attribute("href")).query)
    after.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**cursor=*")

    assert len(titles(page)) == SFA_CASES - 20
    assert not set(titles(page)) & set(first)
    assert page.locator("a[rel=prev]").count() == 1
