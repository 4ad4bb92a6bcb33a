"""Both engines on the same entries: the same sets, counts and scores for any query, and nothing of what is private."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search.documents import EntryDocument, Moment, Vocabulary
from search.index import ENGINES, SearchIndex
from search.pages import SearchPage
from tests.search.library import ask, entry, opened

GROUPS = ("public", "signed_in", "cohort-1", "cohort-2", "cohort-3")
READERS = [frozenset(groups) for groups in (
    {"public"}, {"public", "signed_in"}, {"public", "cohort-1"}, {"cohort-2", "cohort-3"}, {"nobody"}, set(),
    set(GROUPS),
)]  # fmt: skip
TEXTS = (
    "", "stent", "支架", "carotid stent", "TACE 肝癌", '"guide wire"', "栓塞 -支架", "filter 滤器 snare balloon",
    "has:captions", "year:2015-2020 球囊", "lang:zh", "duration:<10m", "hospital:协和", "procedure:embolisation",
    "embolizaton", "zhijia", "-stent", "动脉 静脉 导丝 造影", "nosuchword stent", "-has:captions device:stent",
)  # fmt: skip
WORDS = [
    "stent",
    "balloon",
    "filter",
    "snare",
    "guide",
    "wire",
    "支架",
    "球囊",
    "滤器",
    "栓塞",
    "造影",
    "导丝",
    "导管",
    "肝癌",
    "TACE",
    "carotid",
    "artery",
    "动脉",
    "静脉",
]


def library(vocabulary: Vocabulary, count: int) -> list[EntryDocument]:
    """Entries of random words, terms, moments and readers; seeded."""
    chance = random.Random(5)
    by_scheme = {
        scheme: [concept.id for concept in vocabulary.concepts.values() if concept.scheme == scheme][:12]
        for scheme in ("procedure", "device", "access")
    }

    def text(most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(1, most)))

    made: list[EntryDocument] = []
    for number in range(count):
        terms = {scheme: tuple({*chance.choices(ids, k=chance.randint(1, 2))}) for scheme, ids in by_scheme.items()}
        spoken = chance.random() < 0.4
        made.append(
            entry(
                f"e{number:03d}", text(4), text(4), summary_en=text(12), summary_zh=text(12), terms=terms,
                days=chance.randrange(50), duration_s=float(chance.randrange(60, 2000)),
                year=chance.randrange(2012, 2025),
                moments=(Moment(0.0, 4.0, "caption", text(9), chance.choice(["zh", "en"])),) if spoken else (),
                audiences=frozenset({chance.choice(GROUPS)}), people=(f"Dr {chance.choice('ABC')}",),
                hospitals=(chance.choice(["北京协和医院", "华西医院"]),),
            )
        )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def documents(vocabulary: Vocabulary) -> list[EntryDocument]:
    return library(vocabulary, 150)


@pytest.fixture(scope="module")
def indexes(
    vocabulary: Vocabulary, documents: list[EntryDocument], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, SearchIndex]]:
    """Both engines with the same entries."""
    home: Path = tmp_path_factory.mktemp("home")
    with (
        opened("whoosh:", home, vocabulary, documents) as one,
        opened("tantivy:", home, vocabulary, documents) as other,
    ):
        yield {"whoosh": one, "tantivy": other}


def told(page: SearchPage) -> object:
    """All that a page says, but for the time it took and the name of the commit in its cursor."""
    return replace(page, took_ms=0.0, next_cursor=None)


@pytest.mark.parametrize("sort", ["relevance", "newest", "length"])
@pytest.mark.parametrize("readers", READERS)
def test_both_engines_give_the_same_page(indexes: dict[str, SearchIndex], readers: frozenset[str], sort: str) -> None:
    assert set(indexes) == set(ENGINES)
    for text in TEXTS:
        for facets in ({}, {"device": ["dev.stent"], "access": ["acc.radial"]}):
            pages = [
                ask(index, text, audiences=readers, sort=sort, facets=facets, limit=100) for index in indexes.values()
            ]

            assert told(pages[0]) == told(pages[1]), (text, facets)


def test_they_agree_on_a_word_that_stands_in_every_entry(vocabulary: Vocabulary, tmp_path: Path) -> None:
    places = ({"en": "stent"}, {"summary_en": "stent"}, {"en": "stent stent", "summary_en": "a balloon and a stent"})
    documents = [entry(f"e{number:04d}", days=number, **places[number % 3]) for number in range(900)]
    pages = []

    for engine in ENGINES:
        with opened(f"{engine}:", tmp_path / engine, vocabulary, documents) as index:
            pages.append([told(ask(index, text, limit=100)) for text in ("stent", "stent balloon", '"stent" -balloon')])

    assert pages[0] == pages[1]


@pytest.mark.parametrize("readers", READERS)
def test_a_page_is_that_of_a_library_without_what_the_reader_may_not_see(
    indexes: dict[str, SearchIndex],
    documents: list[EntryDocument],
    vocabulary: Vocabulary,
    tmp_path: Path,
    readers: frozenset[str],
) -> None:
    seen = [document for document in documents if document.audiences & readers]
    with opened("tantivy:", tmp_path, vocabulary, seen) as alone:
        for text in TEXTS:
            wanted = told(ask(alone, text, audiences=readers, limit=100))
            for index in indexes.values():
                assert told(ask(index, text, audiences=readers, limit=100)) == wanted, text
        for typed in ("st", "支", "zhi", "dr", "c"):
            for index in indexes.values():
                offered = index.suggest(typed, lang="en", audiences=readers, limit=50)
                assert offered == alone.suggest(typed, lang="en", audiences=readers, limit=50)


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_pages_stay_together_while_the_index_changes(name: str, own_home: Path, vocabulary: Vocabulary) -> None:
    many = [entry(f"e{number:02d}", f"Stent {'wire ' * (number % 5)}", days=number) for number in range(30)]
    with opened(f"{name}:", own_home, vocabulary, many) as index:
        whole = [hit.entry_id for hit in ask(index, "stent", limit=100).hits]
        got: list[str] = []
        cursor = None
        for number in range(6):
            page = ask(index, "stent", limit=5, cursor=cursor)
            got += [hit.entry_id for hit in page.hits]
            cursor = page.next_cursor
            index.update([entry(f"new{number}", "Stent stent stent", days=99)], [whole[number]], 2 + number)

        assert got == whole
