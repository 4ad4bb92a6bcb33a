"""How every engine's hits are ordered, paged and shown, and what is offered while typing."""

from __future__ import annotations

import pytest

from search.documents import Moment
from search.errors import InvalidCursor
from tests.search.library import LIBRARY, PUBLIC, ask, caption, entry, found, opened


class TestPages:
    @pytest.mark.parametrize("sort", ["relevance", "newest", "length"])
    @pytest.mark.parametrize("text", ["", "stent"])
    def test_pages_together_are_the_whole_list(self, url, own_home, vocabulary, sort, text):
        many = [
            entry(f"e{n:02d}", f"Stent {'stent ' * (n % 4)}case", days=n % 3, duration_s=60.0 * (n % 5))
            for n in range(23)
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
        "talk", "A <b>case</b> & stent", "支架病例",
        summary_en="Background first. " * 20 + "Then a stent is placed. " + "End. " * 40,
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

    def test_a_part_of_a_name_said_before_does_not_move_the_moment(self, url, own_home, vocabulary):
        said = (caption(2, "现在穿刺股动脉，准备支架", "zh"), caption(11.4, "这是颈动脉支架植入术", "zh"))
        with opened(url, own_home, vocabulary, [entry("talk", zh="病例", moments=said)]) as index:
            assert [m.start_s for m in ask(index, "颈动脉支架植入术", lang="zh").hits[0].moments] == [11.4]

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
