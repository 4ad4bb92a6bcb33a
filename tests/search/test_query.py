"""What is typed becomes a plan."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.analysis import Analyzer
from search.concepts import ConceptFinder, dictionary_words
from search.documents import Vocabulary
from search.engine import AllOf, Clause, Leaf, Phrase, Range, Term
from search.languages import Segmenter
from search.query import MAX_CHARACTERS, MAX_CLAUSES, QueryReader


@pytest.fixture(scope="module")
def reader(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> QueryReader:
    analyzer = Analyzer(Segmenter(dictionary_words(vocabulary), tmp_path_factory.mktemp("dictionary")))
    return QueryReader(vocabulary, analyzer, ConceptFinder(vocabulary, analyzer))


def typed(clauses: tuple[Clause, ...]) -> list[str]:
    return [clause.typed for clause in clauses]


def leaves(clauses: tuple[Clause, ...]) -> list[Leaf]:
    return [leaf for clause in clauses for leaf in clause.leaves]


def test_words_beside_a_term_are_clauses_of_their_own(reader: QueryReader):
    plan = reader.read("tortuous carotid artery stenting 迂曲")

    assert typed(plan.clauses) == ["tortuous", "carotid artery stenting", "迂曲"]
    assert [note.into for note in plan.expanded if note.kind == "concept"] == [("Carotid artery stenting",)]


def test_words_that_say_nothing_are_dropped_while_others_are_left(reader: QueryReader):
    assert typed(reader.read("how to do the tortuous stent").clauses) == ["tortuous", "stent"]
    assert typed(reader.read("如何 的 支架 视频").clauses) == ["支架"]
    assert typed(reader.read("how to").clauses) == ["how", "to"]


@pytest.mark.parametrize("text", ['"guide wire exchange"', "“guide wire exchange”", "「guide wire exchange」"])
def test_quotes_of_all_kinds_make_a_phrase(reader: QueryReader, text: str):
    (clause,) = reader.read(text).clauses

    assert [type(leaf) for leaf in clause.leaves] == [Phrase]


def test_a_minus_excludes_and_a_hyphen_does_not(reader: QueryReader):
    plan = reader.read('stent -stroke -"air embolism" Y-90 drug-coated')

    assert typed(plan.excluded) == ["stroke", "air embolism"]
    assert "stroke" not in typed(plan.clauses)
    assert "Y-90" in typed(plan.clauses)


@pytest.mark.parametrize(
    ("text", "scheme", "concept"),
    [
        ("procedure:TACE", "procedure", "proc.tace"),
        ("procedure:proc.tace", "procedure", "proc.tace"),
        ("术式：TACE", "procedure", "proc.tace"),
        ('procedure:"carotid artery stenting"', "procedure", "proc.cas"),
        ("device:支架", "device", "dev.stent"),
        ("器械:支架", "device", "dev.stent"),
        ("access:radial", "access", "acc.radial"),
    ],
)
def test_a_field_chooses_terms_of_its_scheme(reader: QueryReader, text: str, scheme: str, concept: str):
    plan = reader.read(text)

    assert not plan.clauses
    (wanted,) = plan.filters.terms
    assert (scheme, concept) in wanted
    assert {of for of, _ in wanted} == {scheme}


def test_an_excluded_field_is_a_condition_too(reader: QueryReader):
    assert ("device", "dev.stent") in reader.read("-device:支架").filters.without


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("year:2024", Range(2024, 2024)),
        ("year:2020-2024", Range(2020, 2024)),
        ("year:2020..2024", Range(2020, 2024)),
        ("year:>=2023", Range(2023, None)),
        ("year:<2020", Range(None, 2020, strict=True)),
        ("年份：2024", Range(2024, 2024)),
    ],
)
def test_years_are_intervals(reader: QueryReader, text: str, years: Range):
    assert reader.read(text).filters.years == (years,)


@pytest.mark.parametrize(
    ("text", "durations"),
    [
        ("duration:<10m", Range(None, 600, strict=True)),
        ("duration:<10", Range(None, 600, strict=True)),
        ("duration:>=1h", Range(3600, None)),
        ("duration:5m-1h", Range(300, 3600)),
        ("时长:<10分钟", Range(None, 600, strict=True)),
        ("duration:<=90s", Range(None, 90)),
    ],
)
def test_durations_are_intervals_in_seconds(reader: QueryReader, text: str, durations: Range):
    assert reader.read(text).filters.durations_s == (durations,)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("complication:出血", ("complication", "comp.bleeding")),
        ("并发症：bleeding", ("complication", "comp.bleeding")),
        ("grade:4", ("cn_grade", "cn.4")),
        ("分级:四级", ("cn_grade", "cn.4")),
        ("grade:IV", ("cn_grade", "cn.4")),
        ("procedure:tace", ("procedure", "proc.tace")),
        ("imaging:DSA", ("imaging", "img.dsa")),
    ],
)
def test_schemes_have_short_names_in_both_languages(reader: QueryReader, text: str, pair: tuple[str, str]):
    (wanted,) = reader.read(text).filters.terms

    assert pair in wanted


def test_a_step_is_found_by_a_part_of_its_name(reader: QueryReader):
    (wanted,) = reader.read("step:puncture").filters.terms

    assert len(wanted) > 1
    assert {scheme for scheme, _ in wanted} == {"step"}


def test_traits_and_hospitals_are_conditions(reader: QueryReader):
    plan = reader.read("has:captions -有:步骤 hospital:协和医院 -hospital:华西 支架")

    assert plan.filters.traits == {"captions"}
    assert plan.filters.without_traits == {"steps"}
    assert len(plan.conditions) == len(plan.excluded) == 1
    assert typed(plan.clauses) == ["支架"]


def test_what_a_term_includes_is_told(reader: QueryReader):
    (note,) = reader.read("TACE", "zh").expanded

    assert note.into[0] not in note.including
    assert any("化疗栓塞" in name for name in (*note.into, *note.including))


def test_a_language_is_a_filter(reader: QueryReader):
    assert reader.read("lang:zh 语言:英文").filters.langs == {"zh", "en"}


@pytest.mark.parametrize("text", ["device:nosuchthing", "year:soon", "colour:red", "https://example.org/a", "lang:tlh"])
def test_a_field_that_means_nothing_is_looked_for_as_words_and_noted(reader: QueryReader, text: str):
    plan = reader.read(text)

    assert plan.clauses
    assert "ignored" in {note.kind for note in plan.expanded}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        '"',
        '""',
        "-",
        "--",
        ":",
        "a:",
        '-"',
        "*",
        "?",
        "te*",
        "(((",
        "AND OR NOT",
        "\x00\x01",
        "\ud800",
        "支*架",
    ],
)
def test_odd_text_is_a_query_too(reader: QueryReader, text: str):
    plan = reader.read(text)

    assert all(isinstance(leaf, Term | Phrase | AllOf) for leaf in leaves(plan.clauses))


def test_a_very_long_query_is_read_in_part_and_says_so(reader: QueryReader):
    plan = reader.read("介入 stent 血栓 alpha beta gamma delta epsilon " * 2500)

    assert len(plan.text) <= MAX_CHARACTERS
    assert len(plan.clauses) == MAX_CLAUSES
    assert "ignored" in {note.kind for note in plan.expanded}


@given(st.text(max_size=400) | st.text(alphabet='-":“”支架动脉TIPSa1 <>.', max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_becomes_a_bounded_plan(reader: QueryReader, text: str):
    plan = reader.read(text)

    assert len(plan.clauses) <= MAX_CLAUSES
    for clause in plan.clauses:
        assert 0 <= clause.start <= clause.end <= len(plan.text)
