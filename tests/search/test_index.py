"""What every engine must find, count and keep to itself: the same tests over each, on real indexes."""

from __future__ import annotations

import pytest

from search.documents import EntryDocument
from search.pages import FacetCount
from tests.search.library import LIBRARY, PUBLIC, SIGNED_IN, ask, caption, entry, found, opened


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

    def test_hospitals_and_traits_are_conditions(self, url, own_home, vocabulary):
        many = (
            entry("union", "Stent", "支架", hospitals=("北京协和医院",), moments=(caption(0, "hello"),)),
            entry("west", "Stent", "支架", hospitals=("四川大学华西医院",)),
            entry("talk", "Lecture on 协和 methods", "讲座"),
        )
        with opened(url, own_home, vocabulary, many) as index:
            assert found(index, "hospital:协和") == ["union"]
            assert found(index, "stent hospital:华西医院") == ["west"]
            assert set(found(index, "-hospital:协和")) == {"west", "talk"}
            assert found(index, "has:captions") == ["union"]
            assert set(found(index, "-has:captions")) == {"west", "talk"}
            assert found(index, "hospital:同济 stent") == []

    def test_a_phrase_runs_from_one_cue_into_the_next(self, url, own_home, vocabulary):
        talk = entry(
            "talk", "Talk", moments=(caption(0, "now we exchange the guide"), caption(4, "wire slowly"),
                                     caption(60, "guide"), caption(90, "wire")),
        )  # fmt: skip
        with opened(url, own_home, vocabulary, [talk]) as index:
            (hit,) = ask(index, '"guide wire slowly"').hits

            assert [(moment.start_s, moment.end_s) for moment in hit.moments] == [(0.0, 8.0)]
            assert found(index, '"exchange guide"') == []

    def test_where_nothing_is_found_related_terms_are_offered(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            page = ask(index, "prostatic artery embolisation hospital:nowhere")

            assert page.total == 0
            assert "proc.uae" in {term.term for term in page.related}
            assert ask(index, "stent").related == ()

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

    def test_narrower_terms_follow_their_wider_one(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            rows = ask(index, "").facets["procedure"]

            above: list[str] = []
            for row in rows:
                above = [*above[: row.depth], row.term]
                assert set(above[:-1]) <= set(vocabulary.broader_than(row.term))
            assert max(row.depth for row in rows) > 0

    def test_an_unknown_choice_finds_nothing(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            assert ask(index, "", facets={"nonsense": ["no.such"]}).total == 0


class TestPermissions:
    SECRET = entry(
        "secret", "Zebrafish embolisation", "斑马鱼栓塞术", terms={"procedure": ("proc.pae",)},
        audiences=frozenset({"signed_in"}), moments=(caption(0, "zebrafish"),),
    )  # fmt: skip

    def test_who_may_not_know_of_an_entry_learns_nothing_of_it(self, url, own_home, vocabulary):
        asked = (
            "",
            "embolisation",
            "zebrafish",
            "zebrafsh",
            "斑马鱼",
            '"zebrafish embolisation"',
            "banmayu",
            "动脉 -zebrafish",
        )
        typed = ("zeb", "斑", "ban", "bmy", "pro")
        compared = ("total", "facets", "did_you_mean", "expanded", "next_cursor")

        def told(documents: tuple[EntryDocument, ...]) -> list[object]:
            with opened(url, own_home, vocabulary, documents) as index:
                pages = [ask(index, text) for text in asked]
                offered = [index.suggest(text, lang="en", audiences=PUBLIC) for text in typed]
                ids = [[hit.entry_id for hit in page.hits] for page in pages]
                return [ids, [[getattr(page, name) for name in compared] for page in pages], offered]

        assert told((*LIBRARY, self.SECRET)) == told(LIBRARY)

    def test_who_may_know_finds_it(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, (*LIBRARY, self.SECRET)) as index:
            assert found(index, "zebrafsh", audiences=SIGNED_IN) == ["secret"]
            assert ask(index, "", audiences=SIGNED_IN).total == 6
            assert index.suggest("zeb", lang="en", audiences=SIGNED_IN)[0].entry_id == "secret"

    def test_a_reader_of_no_group_sees_nothing(self, url, own_home, vocabulary):
        with opened(url, own_home, vocabulary, LIBRARY) as index:
            page = ask(index, "", audiences=frozenset())
            assert (page.total, page.facets) == (0, {})
