"""The fields of an entry as forms, programs, YAML files and CSV rows give them."""

from __future__ import annotations

import pytest

from videolib.catalogue.entry_values import parse_values
from videolib.errors import InvalidInput


def test_a_csv_row_says_the_same_as_a_yaml_file() -> None:
    row = parse_values({"title.en": "TACE", "title.zh": "化疗栓塞", "procedures": "proc.tace; proc.haic"})
    file = parse_values({"title": {"en": "TACE", "zh-Hans": "化疗栓塞"}, "procedures": ["proc.tace", "proc.haic"]})

    assert row == file


def test_structures_give_their_term() -> None:
    values = parse_values({"devices": [{"term": "dev.a", "size": "2.7F"}], "access": {"site": "acc.b", "side": "R"}})

    assert values.devices == ["dev.a"]
    assert values.access == ["acc.b"]


def test_only_what_was_given_counts_as_given() -> None:
    assert parse_values({"title": {"en": "TACE"}}).model_fields_set == {"title"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"title": {"fr": "TACE"}}, "title.fr"),
        ({"title": {"en": "x" * 20_001}}, "title.en"),
        ({"year_of_procedure": 1492}, "year_of_procedure"),
        ({"year_of_procedure": "soon"}, "year_of_procedure"),
        ({"audience": "everyone"}, "audience"),
        ({"procedures": 7}, "procedures"),
        ({"title": "TACE"}, "title"),
        ({"learning_objectives": [{"en": "a"}] * 7}, "learning_objectives"),
    ],
)
def test_each_field_at_fault_is_named(given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_values(given)

    assert field in caught.value.fields
    assert caught.value.fields[field].endswith(".")
