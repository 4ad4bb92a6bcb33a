"""Every sentence of the pages stands in both catalogues and is translated; no catalogue keeps what no page says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "config" / "locale"


def is_ours(folder: str | os.PathLike[str]) -> bool:
    name = Path(folder).name
    return not name.startswith(".") and name not in {"node_modules", "var"}


def catalogue(locale: str) -> Catalog:
    with (LOCALES / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=locale)


@pytest.fixture(scope="module")
def said() -> set[str]:
    """What the pages and the code behind them say."""
    with (LOCALES / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    keywords = {**DEFAULT_KEYWORDS, "lazy_gettext": None}
    found = extract_from_dir(ROOT, methods, options, keywords, directory_filter=is_ours)
    messages = (message[2] for message in found)
    return {message if isinstance(message, str) else message[0] for message in messages}


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_sentence_is_in_the_catalogue_and_no_other(said: set[str], locale: str) -> None:
    written = {
        message.id if isinstance(message.id, str) else message.id[0] for message in catalogue(locale) if message.id
    }

    assert said
    assert sorted(said - written) == []
    assert sorted(written - said) == []


def test_every_sentence_has_its_chinese() -> None:
    empty = [message.id for message in catalogue("zh") if message.id and not all(message.string or [""])]

    assert empty == []
    assert [message.id for message in catalogue("zh") if message.fuzzy and message.id] == []
