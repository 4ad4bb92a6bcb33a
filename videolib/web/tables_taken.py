"""What pages that take a CSV or Excel table share: the file that was sent, a table to begin with, outcomes counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Response, request
from flask_babel import lazy_gettext as _

from videolib.catalogue import spreadsheets
from videolib.errors import InvalidInput
from videolib.web.context import commit, database_session
from videolib.web.texts import word

OUTCOMES = {"added": _("Added"), "changed": _("Changed"), "same": _("As it was"), "refused": _("Refused")}


def read_sent() -> list[tuple[int, dict[str, str]]]:
    """The rows of the table that a form has sent, with their numbers. Raises `InvalidInput`, `TooLarge`."""
    sent = request.files.get("file")
    name = sent.filename or "" if sent else ""
    form = name.rpartition(".")[2].lower()
    if sent is None or form not in spreadsheets.FORMS:
        raise InvalidInput("Choose a file that ends with .csv or .xlsx.", code="table_unreadable")
    return spreadsheets.read_table(sent.read(), form, name)


def end_taking() -> bool:
    """Keep what was written where the form says so; tells whether it was only tried."""
    is_dry = request.form.get("really") != "yes"
    database_session().rollback() if is_dry else commit()
    return is_dry


def sample_table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], name: str) -> Response:
    """A CSV file to begin with."""
    response = Response(spreadsheets.write_table(columns, rows, "csv"), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def count_outcomes(outcomes: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """How many rows came out in each way, in words."""
    counts = Counter(outcomes)
    return tuple((word(OUTCOMES, name), counts[name]) for name in OUTCOMES if counts[name])
