"""Both languages' words, and the vocabulary's terms in a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.analysis import Analyzer, acronym, fold, latin_token
from search.concepts import ConceptFinder, dictionary_words
from search.documents import Concept, Vocabulary
from search.languages import Segmenter, simplify


@pytest.fixture(scope="module")
def analyzer(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    return Analyzer(Segmenter(dictionary_words(vocabulary), tmp_path_factory.mktemp("dictionary")))


@pytest.fixture(scope="module")
def finder(vocabulary: Vocabulary, analyzer: Analyzer) -> ConceptFinder:
    return ConceptFinder(vocabulary, analyzer)


def concepts_in(finder: ConceptFinder, analyzer: Analyzer, text: str) -> set[str]:
    found = finder.all_in(analyzer.units(text, loose=False))
    return {concept_id for one in found for concept_id in one.concept_ids}


def test_an_acronym_is_not_stemmed_into_another_word():
    assert latin_token("TIPS") == "tips"
    assert latin_token("tips") == "tip"
    assert latin_token("AVMs") == "avm"
    assert acronym("AVMs") == "AVM"
    assert acronym("Stents") is None


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("embolisation", "embolization"),
        ("haemorrhage", "hemorrhage"),
        ("ischaemia", "ischemia"),
        ("oesophageal", "esophageal"),
        ("tumour", "tumor"),
        ("tumours", "tumors"),
        ("coeliac", "celiac"),
        ("catheterisation", "catheterization"),
        ("fibre", "fiber"),
        ("anaesthesia", "anesthesia"),
        ("chemoembolisation", "chemoembolization"),
        ("labelling", "labeling"),
    ],
)
def test_british_and_american_words_are_one_word(british: str, american: str):
    assert latin_token(british) == latin_token(american)


def test_words_that_only_look_british_stay_apart():
    assert len({fold(word) for word in ("hour", "four", "raised", "stent", "shoes", "poet")}) == 6


def test_traditional_characters_and_full_width_letters_are_the_plain_ones(analyzer: Analyzer):
    assert [token.text for token in analyzer.words("頸動脈ＣＡＳ")] == [
        token.text for token in analyzer.words("颈动脉CAS")
    ]


def test_a_word_brings_the_shorter_words_inside_it(analyzer: Analyzer):
    tokens = {token.text for token in analyzer.words("颈动脉支架植入术")}

    assert {"颈动脉支架植入术", "颈动脉", "动脉", "支架"} <= tokens


def test_a_compound_is_found_with_and_without_its_hyphen(analyzer: Analyzer):
    assert {"y90", "90"} <= {token.text for token in analyzer.words("Y-90")}
    assert [token.text for token in analyzer.words("Y90")] == ["y90"]


def test_offsets_point_into_the_text_as_it_was_given(analyzer: Analyzer):
    text = "ﬁlter（頸動脈）Ｓtent"

    places = {text[token.start : token.end] for token in analyzer.words(text)}

    assert {"ﬁlter", "頸動脈", "Ｓtent"} <= places


def test_pairs_of_characters_cover_a_phrase(analyzer: Analyzer):
    assert analyzer.phrase("颈动脉支架") == ((0, "颈动"), (1, "动脉"), (2, "脉支"), (3, "支架"))
    assert analyzer.phrase("CT引导下") == ((0, "ct"), (1, "引导"), (2, "导下"))
    assert analyzer.phrase("肝") == ((0, "肝"),)
    assert analyzer.phrase("B超 肝") == ((0, "b"), (1, "超"), (2, "肝"))


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("颈动脉支架植入术", "proc.cas"),
        ("頸動脈支架置入術", "proc.cas"),
        ("行颈动脉支架治疗", "proc.cas"),
        ("Carotid artery stents", "proc.cas"),
        ("CAS under filter protection", "proc.cas"),
        ("Budd-Chiari intervention", "proc.bcs"),
        ("Y90 for HCC", "proc.y90"),
        ("tace", "proc.tace"),
        ("uterine artery embolization", "proc.uae"),
    ],
)
def test_a_term_is_recognised_in_any_of_its_forms(finder: ConceptFinder, analyzer: Analyzer, text: str, concept: str):
    assert concept in concepts_in(finder, analyzer, text)


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("tips and tricks for beginners", "proc.tips"),
        ("a pad was placed", "path.pad"),
        ("防止血栓形成", "proc.vascular_closure"),
        ("carotid. Artery stenting", "anat.carotid"),
    ],
)
def test_what_only_looks_like_a_term_is_none(finder: ConceptFinder, analyzer: Analyzer, text: str, concept: str):
    assert concept not in concepts_in(finder, analyzer, text)


def test_the_longest_term_wins_in_a_query(finder: ConceptFinder, analyzer: Analyzer):
    found = finder.longest_in(analyzer.units("颈动脉支架植入术", loose=True))

    assert [one.concept_ids for one in found] == [("proc.cas",)]


def test_a_circle_of_broader_terms_ends():
    circle = Vocabulary([Concept("a", "s", {"en": "A"}, {}, "b"), Concept("b", "s", {"en": "B"}, {}, "a")])

    assert circle.broader_than("a") == ("b",)


def test_a_vocabulary_is_known_by_its_content_not_its_order():
    one, other = Concept("a", "s", {"en": "A"}), Concept("b", "s", {"en": "B"})

    assert Vocabulary([one, other]).fingerprint == Vocabulary([other, one]).fingerprint
    assert Vocabulary([one]).fingerprint != Vocabulary([one, other]).fingerprint


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_tokens_whose_places_are_in_it(analyzer: Analyzer, text: str):
    for token in analyzer.words(text):
        assert 0 <= token.start < token.end <= len(text)
    for _, start, end in analyzer.exact_places(text):
        assert 0 <= start < end <= len(text)
    assert len(simplify(text)) == len(text)
