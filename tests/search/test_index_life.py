"""Every engine while it changes, is shared by threads and is given hostile text."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.documents import Concept, Vocabulary
from search.errors import IndexMissing, InvalidSearchUrl
from search.index import open_index, rebuild
from search.pages import SearchRequest
from tests.search.library import LIBRARY, PUBLIC, SIGNED_IN, ask, entry, found, opened


@pytest.fixture(scope="module")
def shared_index(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory):
    """One open index an engine, for tests that only read."""
    home = tmp_path_factory.mktemp("home")
    opened_once = {}

    def of(url: str):
        if url not in opened_once:
            rebuild(url, home, vocabulary, LIBRARY, 1)
            opened_once[url] = open_index(url, home, vocabulary)
        return opened_once[url]

    yield of
    for index in opened_once.values():
        index.close()


class TestChanging:
    def test_an_update_replaces_adds_and_removes_in_one_commit(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            index.update([entry("cas", "Renamed", version=2), entry("new", "A new stent")], ["uae", "never-there"], 7)

            assert index.sequence() == 7
            assert set(found(index, "")) == {"cas", "new", "tace", "tips", "tricks"}
            assert found(index, "carotid filter") == []
            assert ask(index, "renamed").hits[0].version == 2

    def test_an_update_of_nothing_moves_the_sequence(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            index.update([], [], 9)
            assert (index.sequence(), ask(index, "").total) == (9, 5)

    def test_an_empty_library_can_be_searched_and_filled(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, []) as index:
            assert ask(index, "stent 支架 zhijia").total == 0
            assert index.suggest("st", lang="en", audiences=PUBLIC) == ()
            index.update(LIBRARY, [], 2)
            assert ask(index, "").total == 5
            index.update([], [document.id for document in LIBRARY], 3)
            assert ask(index, "").total == 0

    def test_the_commit_of_another_process_is_seen_by_the_next_search(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert ask(index, "").total == 5
            child = (
                "import sys; from pathlib import Path; from tests.search.library import entry;"
                "from search.documents import Vocabulary; from search.index import open_index;"
                "index = open_index(sys.argv[1], Path(sys.argv[2]), Vocabulary([]));"
                "index.update([entry('other', 'From another process')], [], 2); index.close()"
            )
            rebuild(url, own_home, Vocabulary([]), LIBRARY, 1)
            with_none = open_index(url, own_home, Vocabulary([]))
            assert ask(with_none, "").total == 5
            subprocess.run([sys.executable, "-W", "error", "-c", child, url, str(own_home)], check=True, timeout=120)
            assert ask(with_none, "another").total == 1
            assert with_none.sequence() == 2
            with_none.close()
            assert ask(index, "").total == 5  # an index of its own for each vocabulary

    def test_a_rebuild_is_swapped_in_under_open_readers(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert ask(index, "").total == 5
            assert rebuild(url, own_home, vocabulary, LIBRARY[:2], 11) == 2
            assert (ask(index, "").total, index.sequence()) == (2, 11)

    def test_another_vocabulary_needs_another_index(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY):
            grown = Vocabulary([*vocabulary.concepts.values(), Concept("device.new", "device", {"en": "Newdevice"})])
            with pytest.raises(IndexMissing):
                open_index(url, own_home, grown)

    def test_an_index_may_lie_in_a_folder_of_its_own(self, url, own_home, tmp_path, vocabulary):
        elsewhere = f"{url}{tmp_path / 'elsewhere'}"
        with opened(elsewhere, own_home, vocabulary, LIBRARY) as index:
            assert ask(index, "").total == 5
        assert not own_home.exists()


class TestThreads:
    TEXTS = (
        "",
        "stent",
        "动脉",
        "carotid filter",
        '"动脉支架"',
        "embolizaton",
        "jingdongmai",
        "TIPS",
        "year:2023-2024",
        "-stent",
    )

    def test_eight_threads_get_the_answers_of_one(self, url, own_home, vocabulary):
        many = [replace(document, id=f"{document.id}{n}") for n in range(12) for document in LIBRARY]
        with opened(url, own_home, vocabulary, many) as index:

            def answers(_: int) -> list[object]:
                return [replace(ask(index, text, limit=50), took_ms=0.0) for text in self.TEXTS]  # fmt: skip

            alone = answers(0)
            with ThreadPoolExecutor(8) as threads:
                together = list(threads.map(answers, range(24)))

            assert all(one == alone for one in together)

    def test_searches_go_on_while_the_index_changes(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:

            def totals(_: int) -> set[int]:
                return {ask(index, "").total for _ in range(12)}

            with ThreadPoolExecutor(5) as threads:
                seen = threads.map(totals, range(4))
                for number in range(6):
                    index.update([entry(f"n{number}", "New")], [], 2 + number)
                assert set().union(*seen) <= set(range(5, 12))
            assert ask(index, "").total == 11


class TestHostileText:
    HOSTILE = (
        "*", "a*", "*a", "a" * 10_000, "支架" * 5_000, '"' * 10_000, "(" * 10_000, "-" * 10_000, ":" * 10_000,
        '"' + "动脉" * 5_000 + '"', " ".join(f"w{n}" for n in range(2_500)), "procedure:" * 1_000, "-a " * 3_000,
        "\u0300" * 10_000, "ﷺ" * 3_000, "\ud800" * 5_000, "year:" + "9" * 5_000, "a-" * 5_000, "1.1" * 3_000,
        "' OR 1=1 --", "[a TO z]", "title:{* TO *}", "NEAR/3", "zhijia" * 1_500, "\x00\r\n\t" * 2_000,
    )  # fmt: skip

    @pytest.mark.timeout(60)
    def test_ten_thousand_characters_of_anything_are_answered(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            for text in self.HOSTILE:
                assert ask(index, text, audiences=SIGNED_IN).total <= len(LIBRARY)

    def test_wildcards_are_no_operators(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert ask(index, "c*").total == 0
            assert ask(index, "car*").total == 0

    @given(text=st.text(max_size=300), lang=st.text(max_size=5), sort=st.text(max_size=5))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_no_text_raises(self, url, shared_index, text, lang, sort):
        page = shared_index(url).search(SearchRequest(text, lang=lang, audiences=PUBLIC, sort=sort))

        assert len(page.hits) == min(page.total, 20)


@pytest.mark.parametrize("url", ["", "whoosh", "elastic:", "http://example.org", "whoosh:relative/folder"])
def test_a_search_url_that_names_no_engine_is_refused_with_a_sentence(own_home: Path, url: str):
    with pytest.raises(InvalidSearchUrl, match="VIDEOLIB_SEARCH_URL"):
        open_index(url, own_home, Vocabulary([]))


def test_documents_are_taken_as_a_stream(url, own_home, vocabulary):
    taken = []

    def stream():
        for number in range(50):
            taken.append(number)
            yield entry(f"s{number}", "Streamed")

    assert rebuild(url, own_home, vocabulary, stream(), 1) == 50
    assert taken == list(range(50))
