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


def _plain_label(field: FormField) -> str:
    return str(field.label[0] if isinstance(field.label, tuple) else field.label)


def text_of_value(value: Any) -> str:
    """A value in words; ids of terms by their labels."""
    return _text(value, _labels(value))


def _labels(value: Any) -> Mapping[str, str]:
    ids = {text for text in _texts(value) if "." in text and " " not in text}
    return {term.id: term.label(language()) for term in list_terms_by_ids(database_session(), ids)} if ids else {}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]


def _text(value: Any, labels: Mapping[str, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(inner, labels)}" for name, inner in value.items())
    if isinstance(value, list):
        return "\n".join(_text(item, labels) for item in value)
    return labels.get(str(value), str(value))
