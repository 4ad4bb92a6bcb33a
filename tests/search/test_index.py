"""What every engine must do: the same tests over each of them, on real indexes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.documents import Concept, EntryDocument, Moment, Vocabulary
from search.errors import IndexMissing, InvalidCursor, InvalidSearchUrl
from search.index import open_index, rebuild
from search.pages import FacetCount, SearchRequest
from tests.search.library import PUBLIC, SIGNED_IN, ask, caption, entry, found, opened

CAS = {"procedure": ("proc.cas",), "device": ("dev.stent",), "access": ("acc.radial",)}
UAE = {"procedure": ("proc.uae",), "access": ("acc.radial",)}
TACE = {"procedure": ("proc.deb_tace",), "pathology": ("path.hcc",)}

LIBRARY = (
    entry("cas", "Carotid artery stenting with a filter", "颈动脉支架植入术", terms=CAS, days=1, duration_s=500.0, year=2024),
    entry("uae", "Uterine artery embolisation", "子宫动脉栓塞术", terms=UAE, days=2, duration_s=400.0, year=2023),
    entry("tace", "DEB-TACE step by step", "载药微球化疗栓塞", terms=TACE, days=3, duration_s=900.0, year=2025),
    entry("tips", "TIPS for variceal bleeding", "TIPS术治疗静脉曲张出血", days=4, duration_s=1200.0, year=None),
    entry("tricks", "Tips and tricks of puncture", "穿刺技巧", days=5, duration_s=60.0),
)  # fmt: skip


class TestSearching:
    @pytest.mark.parametrize(
        "text", ["颈动脉支架", "頸動脈支架", "CAS", "cas", "carotid stent", "Carotid artery stents"]
    )
    def test_an_entry_is_found_in_both_languages_and_scripts(self, url, own_home, vocabulary, text):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert found(index, text)[0] == "cas"

    def test_an_acronym_finds_itself_before_the_word_it_looks_like(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert found(index, "TIPS") == ["tips"]
            assert found(index, "tips")[0] == "tips"
            assert found(index, "tips and tricks")[0] == "tricks"

    def test_a_wider_term_finds_narrower_ones_after_its_own(self, url, own_home, vocabulary):
        plain = entry(
            "plain", "Transarterial chemoembolisation", "经导管动脉化疗栓塞术", terms={"procedure": ("proc.tace",)}
        )
        with opened(url, own_home, vocabulary, (*LIBRARY, plain)) as index:
            assert found(index, "chemoembolization") == ["plain", "tace"]

    def test_a_phrase_is_found_wherever_the_dictionary_cuts(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert found(index, '"动脉支架"') == ["cas"]
            assert found(index, '"artery embolization"') == ["uae"]
            assert found(index, '"artery carotid"') == []
            assert found(index, '"filter 颈动脉"') == []

    def test_all_words_are_wanted_first_then_fewer(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert ask(index, "carotid filter").expanded == ()
            page = ask(index, "uterine filter")
            assert [hit.entry_id for hit in page.hits[:2]] in (["uae", "cas"], ["cas", "uae"])
            assert (page.expanded[-1].kind, page.expanded[-1].into) == ("relaxed", ("any",))

    def test_what_is_excluded_is_gone(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert set(found(index, "动脉")) == {"cas", "uae"}
            assert found(index, "动脉 -支架") == ["uae"]
            assert found(index, '动脉 -"artery embolisation"') == ["cas"]
            assert set(found(index, "-动脉")) == {"tace", "tips", "tricks"}

    def test_nothing_typed_lists_everything_newest_first(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert found(index, "") == ["tricks", "tips", "tace", "uae", "cas"]

    def test_fields_are_conditions(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert found(index, "procedure:embolisation") == ["uae"]
            assert found(index, "入路:radial") == ["uae", "cas"]
            assert found(index, "year:2023-2024") == ["uae", "cas"]
            assert found(index, "duration:<10m") == ["tricks", "uae", "cas"]
            assert found(index, "duration:10m-1h") == ["tips", "tace"]
            assert found(index, "-access:radial year:2025") == ["tricks", "tace"]

    def test_a_language_is_that_of_the_captions_else_of_the_titles(self, url, own_home, vocabulary):
        spoken = entry("spoken", "Spoken", "讲解", moments=(caption(0, "now we begin"),))
        written = entry("written", zh="只有中文")
        with opened(url, own_home, vocabulary, (spoken, written)) as index:
            assert found(index, "lang:en") == ["spoken"]
            assert found(index, "lang:zh") == ["written"]

    def test_people_and_keywords_are_found(self, url, own_home, vocabulary):
        named = entry("named", "Case", "病例", people=("欧阳明哲", "Jane O'Neill"), keywords=("snorkel",))
        with opened(url, own_home, vocabulary, (*LIBRARY, named)) as index:
            assert found(index, "欧阳明哲") == ["named"]
            assert found(index, "o'neill") == ["named"]
            assert found(index, "snorkel") == ["named"]


class TestMending:
    @pytest.mark.parametrize(
        ("text", "meant", "first"),
        [
            ("carotid stentng", "carotid stenting", "cas"),
            ("uterine embolizaton", "uterine embolisation", "uae"),
            ("jingdongmai", "颈动脉", "cas"),
            ("jing dong mai zhijia", "颈动脉支架", "cas"),
            ("zgdm", "子宫动脉", "uae"),
            ("颈动脉支驾", "颈动脉支架", "cas"),
        ],
    )
    def test_a_slip_is_mended_and_said(self, url, own_home, vocabulary, text, meant, first):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            page = ask(index, text)

            assert page.did_you_mean == meant
            assert page.hits[0].entry_id == first

    def test_british_and_american_spelling_need_no_mending(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            for text in ("embolisation", "embolization"):
                page = ask(index, text)
                assert (page.hits[0].entry_id, page.did_you_mean) == ("uae", None)

    def test_nonsense_finds_nothing_and_suggests_nothing(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            page = ask(index, "qqxxzzww")
            assert (page.total, page.hits, page.did_you_mean, page.facets) == (0, (), None, {})


class TestFacets:
    def test_counts_are_what_choosing_would_give(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            counts = ask(index, "").facets

            for scheme in ("procedure", "access", "device", "pathology"):
                for facet in counts[scheme]:
                    assert ask(index, "", facets={scheme: [facet.term]}).total == facet.count, facet

    def test_or_within_a_scheme_and_between_schemes(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert found(index, "", facets={"procedure": ["proc.cas", "proc.uae"]}) == ["uae", "cas"]
            both = {"procedure": ["proc.cas", "proc.uae"], "device": ["dev.stent"]}
            assert found(index, "", facets=both) == ["cas"]

    def test_a_schemes_own_choice_does_not_shrink_its_counts(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            page = ask(index, "", facets={"procedure": ["proc.cas"]})

            counts = {facet.term: facet.count for facet in page.facets["procedure"]}
            assert (page.total, counts["proc.cas"], counts["proc.uae"], counts["proc.deb_tace"]) == (1, 1, 1, 1)
            assert [(facet.term, facet.count) for facet in page.facets["access"]] == [("acc.radial", 1)]

    def test_labels_are_in_the_readers_language(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            page = ask(index, "", lang="zh", facets={"device": ["dev.stent"]})

            assert page.facets["device"] == (FacetCount("dev.stent", vocabulary.concepts["dev.stent"].label("zh"), 1),)

    def test_an_unknown_choice_finds_nothing(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert ask(index, "", facets={"nonsense": ["no.such"]}).total == 0


class TestPermissions:
    SECRET = entry(
        "secret", "Zebrafish embolisation", "斑马鱼栓塞术", terms={"procedure": ("proc.pae",)},
        audiences=frozenset({"signed_in"}), moments=(caption(0, "zebrafish"),),
    )  # fmt: skip

    def test_who_may_not_know_of_an_entry_learns_nothing_of_it(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as without:
            texts = (
                "",
                "embolisation",
                "zebrafish",
                "zebrafsh",
                "斑马鱼",
                '"zebrafish embolisation"',
                "banmayu",
                "动脉 -zebrafish",
            )
            expected = [replace(ask(without, text), took_ms=0.0) for text in texts]
            offered = [
                without.suggest(text, lang="en", audiences=PUBLIC) for text in ("zeb", "斑", "ban", "bmy", "pro")
            ]
        with opened(url, own_home, vocabulary, (*LIBRARY, self.SECRET)) as index:
            got = [replace(ask(index, text), took_ms=0.0) for text in texts]
            for before, after in zip(expected, got, strict=True):
                assert [hit.entry_id for hit in after.hits] == [hit.entry_id for hit in before.hits]
                same = ("total", "facets", "did_you_mean", "expanded", "next_cursor")
                assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
            texts = ("zeb", "斑", "ban", "bmy", "pro")
            assert [index.suggest(text, lang="en", audiences=PUBLIC) for text in texts] == offered

    def test_who_may_know_finds_it(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, (*LIBRARY, self.SECRET)) as index:
            assert found(index, "zebrafsh", audiences=SIGNED_IN) == ["secret"]
            assert ask(index, "", audiences=SIGNED_IN).total == 6
            assert index.suggest("zeb", lang="en", audiences=SIGNED_IN)[0].entry_id == "secret"

    def test_a_reader_of_no_group_sees_nothing(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            page = ask(index, "", audiences=frozenset())
            assert (page.total, page.facets) == (0, {})


class TestPages:
    @pytest.mark.parametrize("sort", ["relevance", "newest", "length"])
    @pytest.mark.parametrize("text", ["", "stent"])
    def test_pages_together_are_the_whole_list(self, url, own_home, vocabulary, sort, text):
        many = [
            entry(f"e{n:02d}", f"Stent {'stent ' * (n % 4)}case", days=n % 3, duration_s=60.0 * (n % 5)) for n in range(23)
        ]  # fmt: skip
        with opened(url, own_home, vocabulary, many) as index:
            whole = found(index, text, sort=sort, limit=100)
            pages: list[str] = []
            cursor = None
            for _ in range(8):
                page = ask(index, text, sort=sort, limit=5, cursor=cursor)
                assert page.total == 23
                pages += [hit.entry_id for hit in page.hits]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert pages == whole
            assert len(set(whole)) == 23

    def test_the_orders_are_newest_and_shortest_first(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert found(index, "", sort="newest") == ["tricks", "tips", "tace", "uae", "cas"]
            assert found(index, "", sort="length") == ["tricks", "uae", "cas", "tace", "tips"]

    @pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "W10", "bnVsbA", "=" * 50, "WyJhIiwgMSwgMiwgImIiXQ"])
    def test_a_made_up_cursor_is_refused(self, url, own_home, vocabulary, cursor):
        with opened(url, own_home, vocabulary, LIBRARY) as index, pytest.raises(InvalidCursor):
            ask(index, "", cursor=cursor)

    def test_a_cursor_belongs_to_its_search(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            cursor = ask(index, "", limit=1).next_cursor
            with pytest.raises(InvalidCursor):
                ask(index, "stent", limit=1, cursor=cursor)

    @pytest.mark.parametrize(("limit", "count"), [(0, 0), (-5, 0), (2, 2), (10**9, 5)])
    def test_limits_are_clamped(self, url, own_home, vocabulary, limit, count):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            page = ask(index, "", limit=limit)
            assert (len(page.hits), page.total) == (count, 5)


class TestShowing:
    TALK = entry(
        "talk", "A <b>case</b> & stent", "支架病例", summary_en="Background first. " * 20 + "Then a stent is placed. " + "End. " * 40,
        moments=(
            caption(10, "good morning"), caption(100, "here is the guide wire"), caption(110, "and now the stent"),
            caption(400, "the stent is open"), caption(402, "支架释放", "zh"),
            Moment(90.0, 200.0, "step", "Stent deployment", "en"),
        ),
    )  # fmt: skip

    def test_marks_are_ranges_of_plain_text(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, [self.TALK]) as index:
            (hit,) = ask(index, "stent").hits

            assert hit.title.segments() == (("A <b>case</b> & ", False), ("stent", True))
            assert hit.snippet.text.startswith("…")
            assert "Then a stent is placed" in hit.snippet.text
            assert [piece for piece, marked in hit.snippet.segments() if marked] == ["stent"]
            assert "".join(piece for piece, _ in hit.snippet.segments()) == hit.snippet.text

    def test_marks_are_found_through_synonyms_and_scripts(self, url, own_home, vocabulary):
        traditional = entry("t", zh="頸動脈支架置入術的病例")
        with opened(url, own_home, vocabulary, [traditional]) as index:
            (hit,) = ask(index, "carotid artery stenting", lang="zh").hits

            assert hit.title.segments()[0] == ("頸動脈支架置入術", True)

    def test_moments_say_where_in_the_video(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, [self.TALK]) as index:
            (hit,) = ask(index, "stent").hits

            assert [(moment.start_s, moment.kind) for moment in hit.moments] == [(90.0, "step"), (400.0, "caption")]

    def test_a_moment_with_more_of_the_query_comes_first(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, [self.TALK]) as index:
            (hit,) = ask(index, "guide wire stent").hits

            first = hit.moments[0]
            assert (first.start_s, first.end_s) == (100.0, 114.0)
            assert first.text == "here is the guide wire and now the stent"

    def test_a_phrase_finds_its_moment(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, [self.TALK]) as index:
            assert [m.start_s for m in ask(index, '"stent is open"').hits[0].moments] == [400.0]
            assert [m.start_s for m in ask(index, '"支架释"').hits[0].moments] == [402.0]

    def test_words_spoken_find_the_entry_after_those_that_name_it(self, url, own_home, vocabulary):
        with opened(
            url,
            own_home,
            vocabulary,
            [entry("spoken", "Case", moments=(caption(0, "a snare"),)), entry("named", "Snare")],
        ) as index:
            assert found(index, "snare") == ["named", "spoken"]


class TestSuggesting:
    @pytest.mark.parametrize(
        ("text", "lang", "first"),
        [
            ("carot", "en", "Carotid artery stenting"),
            ("颈", "zh", "颈动脉支架植入术"),
            ("頸動", "zh", "颈动脉支架植入术"),
            ("jingdong", "zh", "颈动脉支架植入术"),
            ("jdm", "zh", "颈动脉支架植入术"),
        ],
    )
    def test_terms_are_completed_by_letters_characters_pinyin_and_initials(
        self, url, own_home, vocabulary, text, lang, first
    ):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert index.suggest(text, lang=lang, audiences=PUBLIC)[0].text == first

    def test_titles_are_completed_from_any_word(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert [s.entry_id for s in index.suggest("step by", lang="en", audiences=PUBLIC)] == ["tace"]

    def test_only_terms_that_find_something_are_offered(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert index.suggest("bronch", lang="en", audiences=PUBLIC) == ()

    @pytest.mark.parametrize("text", ["", "   ", "*", "\x00", "支" * 20_000, "a" * 20_000, "\ud800"])
    def test_any_text_may_be_typed(self, url, own_home, vocabulary, text):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert index.suggest(text, lang="zh", audiences=PUBLIC) == ()


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
        "*", "a*", "*a", "?" * 500, "a" * 10_000, "支架" * 5_000, '"' * 10_000, "(" * 10_000, "-" * 10_000, ":" * 10_000,
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


@pytest.mark.parametrize("url", ["", "whoosh", "elastic:", "http://example.org", "whoosh:relative/folder"])
def test_a_search_url_that_names_no_engine_is_refused_with_a_sentence(own_home: Path, url: str):
    with pytest.raises(InvalidSearchUrl, match="VIDEOLIB_SEARCH_URL"):
        open_index(url, own_home, Vocabulary([]))


def test_documents_are_taken_as_a_stream(url, own_home, vocabulary):
    def stream():
        yield from (entry(f"s{n}", "Streamed") for n in range(50))

    documents: list[EntryDocument] = []
    assert rebuild(url, own_home, vocabulary, stream(), 1) == 50
    assert not documents
