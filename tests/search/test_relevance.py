"""The known-answer set: what people type finds what they mean, measured as nDCG@10, MRR and recall@100."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import mean

import yaml

from search.documents import EntryDocument
from tests.search.library import caption, entry, found, opened

WANTED, WANTED_IN_CLASS = 0.85, 0.65
CLASSES = ("zh", "en", "abbreviation", "typo", "traditional", "pinyin", "mixed", "language")


Answers = dict[str, dict[str, dict[str, int]]]


def read_known_answers() -> tuple[list[EntryDocument], Answers]:
    """The entries, and by class each query's grades by entry."""
    content = yaml.safe_load(Path(__file__).with_name("relevance.yaml").read_text(encoding="utf-8"))
    entries: list[EntryDocument] = []
    for row in content["entries"]:
        summary = row.get("summary", {})
        moments = tuple(caption(start_s, text) for start_s, text in row.get("captions", ()))
        texts = {"summary_en": summary.get("en", ""), "summary_zh": summary.get("zh", "")}
        entries.append(entry(row["id"], row["title"]["en"], row["title"]["zh"], moments=moments, **texts))
    return entries, {
        kind: {str(text): grades for text, grades in of.items()} for kind, of in content["queries"].items()
    }


def ndcg(ranked: list[str], grades: dict[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with gains 2^grade - 1."""

    def gain(values: list[int]) -> float:
        return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(values[:depth]))

    ideal = gain(sorted(grades.values(), reverse=True))
    return gain([grades.get(entry_id, 0) for entry_id in ranked]) / ideal


def reciprocal_rank(ranked: list[str], grades: dict[str, int]) -> float:
    """One through the place of the first answer."""
    return next((1 / place for place, entry_id in enumerate(ranked, 1) if entry_id in grades), 0.0)


def recall(ranked: list[str], grades: dict[str, int]) -> float:
    """Which share of the answers is there at all."""
    return sum(entry_id in ranked for entry_id in grades) / len(grades)


def test_the_measure_is_one_for_the_best_order_and_less_for_others():
    assert ndcg(["a", "b"], {"a": 2, "b": 1}) == 1
    assert 0 < ndcg(["b", "a"], {"a": 2, "b": 1}) < 1
    assert ndcg(["c"], {"a": 2}) == 0
    assert reciprocal_rank(["c", "a"], {"a": 2}) == 0.5
    assert recall(["c", "a"], {"a": 2, "b": 1}) == 0.5


def test_the_set_is_whole():
    entries, answers = read_known_answers()

    ids = {document.id for document in entries}
    assert set(answers) == set(CLASSES)
    assert sum(len(of) for of in answers.values()) >= 60
    assert all(len(answers[kind]) >= 8 for kind in CLASSES if kind != "language")
    assert {entry_id for of in answers.values() for grades in of.values() for entry_id in grades} <= ids
    assert len(ids) == len(entries)


def test_known_answers_come_first(url, own_home, vocabulary):
    entries, answers = read_known_answers()

    with opened(url, own_home, vocabulary, entries) as index:
        ranked = {text: found(index, text, limit=100) for of in answers.values() for text in of}

    by_class = {kind: mean(ndcg(ranked[text], grades) for text, grades in of.items()) for kind, of in answers.items()}
    every = [(ranked[text], grades) for of in answers.values() for text, grades in of.items()]
    assert mean(ndcg(*row) for row in every) >= WANTED
    assert mean(recall(*row) for row in every) >= WANTED
    assert min(by_class.values()) >= WANTED_IN_CLASS, by_class
