"""The table of the form beside the checked structures: what can be typed is understood, and nothing is left out."""

from __future__ import annotations

import pytest

from videolib.catalogue.entry_structures import (
    AccessDetail,
    Contributor,
    DeviceDetail,
    DrugDetail,
    Graphic,
    Reference,
    SpeedChange,
)
from videolib.catalogue.entry_values import EntryValues, parse_values, plain
from videolib.catalogue.structures import LangText, Structure
from videolib.web.form_fields import FormField, all_fields

ROWS: dict[str, type[Structure] | type[LangText]] = {
    "access_details": AccessDetail,
    "device_details": DeviceDetail,
    "drug_details": DrugDetail,
    "contributors": Contributor,
    "edit.speed_changes": SpeedChange,
    "references": Reference,
    "graphics": Graphic,
    "learning_objectives": LangText,
}


def test_every_field_of_an_entry_can_be_filled_in() -> None:
    heads = {field.path.partition(".")[0] for field in all_fields()}

    assert heads == set(EntryValues.model_fields)


@pytest.mark.parametrize("field", [item for item in all_fields() if item.options], ids=lambda item: item.path)
def test_each_choice_is_one_that_is_understood(field: FormField) -> None:
    for value, _word in field.options:
        typed = {"yes": True, "no": False}[value] if field.kind == "yesno" else value
        head, _, tail = field.path.partition(".")
        kept = plain(getattr(parse_values({field.path: typed}), head))

        assert (kept[tail] if tail else kept) == typed


def test_each_column_of_a_row_is_a_member_of_its_structure() -> None:
    rows = {field.path: field for field in all_fields() if field.kind == "rows"}

    assert set(rows) == set(ROWS)
    for path, structure in ROWS.items():
        known = {info.serialization_alias or name for name, info in structure.model_fields.items()}
        assert {column.path.partition(".")[0] for column in rows[path].columns} <= known, path
