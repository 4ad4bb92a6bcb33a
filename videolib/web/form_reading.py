"""What was typed into the form of an entry, field by field, with the digest of what each field was shown."""

from __future__ import annotations

from typing import Any

from flask import request

from videolib.catalogue.documents import put
from videolib.catalogue.working_copies import FieldEdit
from videolib.web.form_fields import FormField, all_fields

# a form holds no more rows than this in one list
_MOST_ROWS = 200


def typed_edits() -> dict[str, FieldEdit]:
    """Every field of the form that was sent, by path; what the button `take` names is left as it is stored."""
    taken = request.form.get("take", "")
    return {
        found.path: FieldEdit(typed_value(found), request.form[f"base:{found.path}"])
        for found in all_fields()
        # a form that was made before a field existed, or a script that sends some fields only, leaves the rest alone
        if f"base:{found.path}" in request.form and found.path != taken
    }


def typed_value(field: FormField, name: str = "") -> Any:
    """What was typed into a field, as JSON; None for nothing."""
    name = name or field.path
    if field.kind == "terms":
        return request.form.getlist(name) or None
    if field.kind == "rows":
        return [row for number in _row_numbers(name) if (row := _typed_row(field, f"{name}.{number}"))] or None
    typed = request.form.get(name, "").replace("\r\n", "\n").strip()
    if field.kind == "lines":
        return [line.strip() for line in typed.split("\n") if line.strip()] or None
    if field.kind == "yesno":
        return {"yes": True, "no": False}.get(typed)
    if field.kind == "number" and typed:
        return _number(typed)
    return typed or None


def _typed_row(field: FormField, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in field.columns:
        if (value := typed_value(column, f"{name}.{column.path}")) is not None:
            put(row, column.path, value)
    return row


def _row_numbers(name: str) -> list[int]:
    found = set()
    for key in request.form:
        if key.startswith(f"{name}."):
            number = key[len(name) + 1 :].partition(".")[0]
            if number.isascii() and number.isdigit() and len(number) < 4:
                found.add(int(number))
    return sorted(found)[:_MOST_ROWS]


def _number(typed: str) -> float | int | str:
    """The number; what is none stays a text, which the catalogue refuses with a sentence."""
    try:
        value = float(typed.replace(",", "."))
    except ValueError:
        return typed
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
