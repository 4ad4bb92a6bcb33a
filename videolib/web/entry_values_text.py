"""Values of an entry as people read them: in a conflict, in a difference between versions, on the page of a version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _

from videolib.catalogue.documents import value_at
from videolib.catalogue.media_time import exact_clock
from videolib.catalogue.vocabulary import list_terms_by_ids
from videolib.catalogue.web_annotations import ROLES
from videolib.web.context import database_session
from videolib.web.form_fields import FormField, all_fields
from videolib.web.languages import language
from videolib.web.texts import ANNOTATION_KINDS, clock_text, word


def field_anchor(path: str) -> str:
    """The id in the page of the field at that path; of a part of it where the whole is meant."""
    first = {"title": "title.zh", "summary": "summary.zh", "coi": "coi.none", "off_label": "off_label.none"}
    places = {**first, "consent": "consent.id", "deid": "deid.status", "commentary": "commentary.audio_lang"}
    places |= {"outcomes.complications": "outcomes.complications.zh", "case.indication": "case.indication.zh"}
    if path == "events":
        return "segments"
    # what is not a field of the form has a section of its own
    return (
        path
        if path in {"segments", "review", "recording", "second"}
        else "f-" + places.get(path, path).replace(".", "-")
    )


def label_of(path: str) -> str:
    """What the form calls that path."""
    found = next((item for item in all_fields() if path == item.path or path.startswith(f"{item.path}.")), None)
    if found is None:
        begun = next((item for item in all_fields() if item.path.startswith(f"{path}.")), None)
        others = {
            "segments": _("What happens when"),
            "events": _("What happens when"),
            "recording": _("Recording"),
            "captions.zh-Hans": _("%(name)s in %(language)s", name=_("Captions"), language=_("Chinese")),
            "captions.en": _("%(name)s in %(language)s", name=_("Captions"), language=_("English")),
            "second": _("Second picture"),
            "narrations.zh-Hans": _("%(name)s in %(language)s", name=_("Narration"), language=_("Chinese")),
            "narrations.en": _("%(name)s in %(language)s", name=_("Narration"), language=_("English")),
        }
        return _name_alone(begun) if begun else str(others.get(path, path))
    return plain_label(found)


def plain_label(field: FormField) -> str:
    """What a field is called, with its language where it has one."""
    if isinstance(field.label, tuple):
        name, language_name = field.label
        return str(_("%(name)s in %(language)s", name=name, language=language_name))
    return str(field.label)


def place_of(path: str) -> int:
    """Where in the form it stands; what is not in it comes last."""
    fields = list(all_fields())
    return next((at for at, item in enumerate(fields) if (path + ".").startswith(f"{item.path}.")), len(fields))


def _name_alone(field: FormField) -> str:
    return str(field.label[0] if isinstance(field.label, tuple) else field.label)


def text_of_value(path: str, value: Any) -> str:
    """The value at a path in words: terms by their labels, answers and parts of a row as the form calls them."""
    if path == "segments":
        return _lines_of_moments(value or [])
    if path.startswith("captions."):
        return _lines_of_cues((value or {}).get("cues") or [])
    if path == "second" or path.startswith("narrations."):
        return _beside(value)
    field = next((item for item in all_fields() if item.path == path), None)
    return _text(value, field, _labels(value))


def _lines_of_moments(annotations: Iterable[Mapping[str, Any]]) -> str:
    """An annotation a line: when, what kind, which term, what is said."""
    rows = list(annotations)
    labels, lines = _labels(rows), []
    for row in rows:
        ends = [row["start_ticks"], *([row["end_ticks"]] if row.get("end_ticks") is not None else [])]
        terms = [labels[row[name]] for name in ROLES.values() if row.get(name) in labels]
        said = [str(word(ANNOTATION_KINDS, row["kind"])), *terms, *(row.get("note") or {}).values()]
        lines.append("–".join(exact_clock(tick) for tick in ends) + " " + " · ".join(said))
    return "\n".join(lines)


def _beside(value: Mapping[str, Any] | None) -> str:
    """A second recording and by how much it is moved, or how long a narration is and the digest of its sound."""
    if value is None:
        return ""
    if "offset_s" in value:
        offset = f"{value['offset_s']:+.3f}"
        return str(_("Recording %(id)s, aligned by %(offset)s s", id=value["recording_id"], offset=offset))
    return f"{clock_text(value['duration_s'])} · SHA-256 {value['sha256']}"


def _lines_of_cues(cues: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(f"{clock_text(float(cue['start_s']))} {cue['text']}" for cue in cues)


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
        columns = [column for column in field.columns if value_at(value, column.path) is not None] if field else []
        heads = {column.path.partition(".")[0] for column in columns}
        parts = [_part(column.path, value_at(value, column.path), column, labels) for column in columns]
        return " · ".join([*parts, *(_part(name, value[name], None, labels) for name in value if name not in heads)])
    if isinstance(value, list):
        return "\n".join(_text(item, field, labels) for item in value)
    words = dict(field.options) if field else {}
    if isinstance(value, bool):
        return str(words.get("yes" if value else "no", _("Yes") if value else _("No")))
    return str(words.get(value) or labels.get(str(value), value))


def _part(name: str, value: Any, column: FormField | None, labels: Mapping[str, str]) -> str:
    text = _text(value, column, labels)
    return f"{plain_label(column)}: {text}" if column else text if name in {"zh", "en"} else f"{name}: {text}"
