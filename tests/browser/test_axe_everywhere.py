"""Every page of every role by axe; each in one of the four looks here, in all of them by `bench/accessibility.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.axe_walk import LOOKS, opened, walk
from tests.visitors import Site, make_site
from videolib.db import Database


@pytest.fixture
def every(sqlite_database: Database) -> Iterator[Site]:
    site = make_site(sqlite_database)
    yield site
    site.index.close()


@pytest.mark.parametrize("share", range(len(LOOKS)))
def test_axe_finds_nothing_on_any_page_of_anybody(browser: Any, every: Site, share: int) -> None:
    """Checklist 53: a fourth of all pages in each look, menus and folds open."""
    with opened(every) as (address, pages):
        found = walk(every, browser, address, pages[share :: len(LOOKS)], LOOKS[share])

    assert found == {}
