"""Values of an entry as people read them: in a conflict, in a difference between versions, on the page of a version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from videolib.catalogue.vocabulary import list_terms_by_ids
from videolib.web.context import database_session
from videolib.web.form_fields import FormField, all_fields
from videolib.web.languages import language


def field_anchor(path: str) -> str:
    """The id in the page of the field at that path; of a part of it where the whole is meant."""
    first = {"title": "title.zh", "summary": "summary.zh", "coi": "coi.none", "off_label": "off_label.none"}
    places = {**first, "consent": "consent.id", "deid": "deid.status", "commentary": "commentary.audio_lang"}
    places |= {"outcomes.complications": "outcomes.complications.zh", "case.indication": "case.indication.zh"}
    # what is not a field of the form has a section of its own
    return path if path in {"segments", "review", "recording"} else "f-" + places.get(path, path).replace(".", "-")


def label_of(path: str) -> str:
    """What the form calls that path."""
    found = next((item for item in all_fields() if path == item.path or path.startswith(f"{item.path}.")), None)
    if found is None:
        begun = next((item for item in all_fields() if item.path.startswith(f"{path}.")), None)
        others = {"segments": _("What happens when"), "recording": _("Recording")}
        return _plain_label(begun) if begun else str(others.get(path, path))
    if isinstance(found.label, tuple):
        name, language_name = found.label
        return str(_("%(name)s in %(language)s", name=name, language=language_name))
    return str(found.label)


def place_of(path: str) -> int:
    """Where in the form it stands; what is not in it comes last."""
    fields = list(all_fields())
    return next((at for at, item in enumerate(fields) if (path + ".").startswith(f"{item.path}.")), len(fields))


def _plain_label(field: FormField) -> str:
    return str(field.label[0] if isinstance(field.label, tuple) else field.label)


def text_of_value(path: str, value: Any) -> str:
    """The value at a path in words: terms by their labels, answers and parts of a row as the form calls them."""
    field = next((item for item in all_fields() if item.path == path), None)
    return _text(value, field, _labels(value))


def _labels(value: Any) -> Mapping[str, str]:
    ids = {text for text in _texts(value) if "." in text and " " not in text}
    return {term.id: term.label(language()) for term in list_terms_by_ids(database_session(), ids)} if ids else {}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]


def _text(value: Any, field: FormField | None, labels: Mapping[str, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        columns = {column.path: column for column in field.columns} if field else {}
        names = [*(name for name in columns if name in value), *(name for name in value if name not in columns)]
        return " · ".join(_part(name, value[name], columns.get(name), labels) for name in names)
    if isinstance(value, list):
        return "\n".join(_text(item, field, labels) for item in value)
    words = dict(field.options) if field else {}
    if isinstance(value, bool):
        return str(words.get("yes" if value else "no", _("Yes") if value else _("No")))
    return str(words.get(value) or labels.get(str(value), value))


def _part(name: str, value: Any, column: FormField | None, labels: Mapping[str, str]) -> str:
    text = _text(value, column, labels)
    return f"{column.label}: {text}" if column else text if name in {"zh", "en"} else f"{name}: {text}"
