"""What a catalogue entry may say: the fields of a form, an API call, a metadata file or a manifest row, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from videolib.catalogue.entry_structures import (
    AccessDetail,
    Case,
    Commentary,
    Consent,
    Contributor,
    Deidentification,
    DeviceDetail,
    DrugDetail,
    Editing,
    GradeSource,
    Graphic,
    OffLabel,
    Operator,
    Outcomes,
    Reference,
    Rights,
    Sharing,
    Side,
    Statement,
)
from videolib.catalogue.structures import LangText, OptionalBool, OptionalLine, Structure, Words
from videolib.errors import InvalidInput

# field of an entry -> scheme of the vocabulary its terms come from
TERM_FIELDS = {
    "procedures": "procedure",
    "anatomy": "anatomy",
    "pathologies": "pathology",
    "devices": "device",
    "access": "access",
    "imaging_guidance": "imaging",
    "drugs": "drug",
    "complications": "complication",
    "classification": "classification",
    "target_learners": "target_learner",
}
SINGLE_TERM_FIELDS = {"content_type": "content_type", "difficulty": "difficulty", "cn_grade": "cn_grade"}
# terms that may come with more than their id -> where the rest is kept
DETAILS_OF_TERMS = {"devices": "device_details", "access": "access_details", "drugs": "drug_details"}
LANG_FIELDS = ("title", "summary", "key_points")
# kept as validated structures in one column
DETAIL_FIELDS = (
    "sharing",
    "pitfalls",
    "keywords",
    "side",
    "cn_grade_source",
    "access_details",
    "device_details",
    "drug_details",
    "off_label",
    "case",
    "operator",
    "contributors",
    "presented_at",
    "live_recording",
    "coi",
    "funding",
    "consent",
    "no_patient_shown",
    "deid",
    "outcomes",
    "commentary",
    "references",
    "graphics",
    "content_warning",
    "edit",
    "rights",
)
_LANGUAGE_NAMES = {"zh-hans": "zh", "zh-cn": "zh", "zh": "zh", "en": "en"}


def _term_ids(value: Any) -> Any:
    """A list of ids; also `a;b` as in a CSV, one id alone, and structures that name their term."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(";")]
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, list):
        first = sorted(value, key=lambda item: not (isinstance(item, Mapping) and item.get("primary")))
        return list(dict.fromkeys(str(_term_of(item)) for item in first if item))
    return value


def _term_of(item: Any) -> Any:
    return item.get("term") or item.get("site") or item.get("id") if isinstance(item, Mapping) else item


TermIds = Annotated[list[Annotated[str, Field(max_length=80)]], BeforeValidator(_term_ids), Field(max_length=100)]


def _parts(value: Any) -> Any:
    """A list; also `a; b` as in a CSV, and one structure alone."""
    if isinstance(value, str):
        return [part.strip() for part in re.split("[;；]", value) if part.strip()]
    return [value] if isinstance(value, Mapping) else value


def _objectives(value: Any) -> Any:
    """A list of texts; also `{zh: a; b, en: c; d}` as two columns of a CSV give it."""
    if isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values()):
        columns = {language: _parts(text) for language, text in value.items()}
        longest = max(map(len, columns.values()), default=0)
        return [
            {language: texts[at] for language, texts in columns.items() if at < len(texts)} for at in range(longest)
        ]
    return _parts(value)


Term = Annotated[str, Field(max_length=80)]


class EntryValues(BaseModel):
    """The fields that may be set; what is not given stays as it is."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: LangText | None = None
    summary: LangText | None = None
    learning_objectives: Annotated[list[Words], BeforeValidator(_objectives), Field(max_length=6)] | None = None
    key_points: Words | None = None
    pitfalls: Words | None = None
    content_type: Term | None = None
    target_learners: TermIds | None = None
    difficulty: Term | None = None
    procedures: TermIds | None = None
    cn_grade: Term | None = None
    cn_grade_source: GradeSource | None = None
    anatomy: TermIds | None = None
    side: Side | None = None
    pathologies: TermIds | None = None
    classification: TermIds | None = None
    access: TermIds | None = None
    access_details: Annotated[list[AccessDetail], BeforeValidator(_parts), Field(max_length=20)] | None = None
    imaging_guidance: TermIds | None = None
    devices: TermIds | None = None
    device_details: Annotated[list[DeviceDetail], BeforeValidator(_parts), Field(max_length=100)] | None = None
    drugs: TermIds | None = None
    drug_details: Annotated[list[DrugDetail], BeforeValidator(_parts), Field(max_length=100)] | None = None
    off_label: OffLabel | None = None
    complications: TermIds | None = None
    no_patient_shown: OptionalBool = None
    case: Case | None = None
    operator: Operator | None = None
    contributors: Annotated[list[Contributor], BeforeValidator(_parts), Field(max_length=100)] | None = None
    year_of_procedure: int | None = None
    presented_at: OptionalLine = None
    live_recording: OptionalBool = None
    coi: Statement | None = None
    funding: Words | None = None
    consent: Consent | None = None
    deid: Deidentification | None = None
    outcomes: Outcomes | None = None
    commentary: Commentary | None = None
    references: Annotated[list[Reference], BeforeValidator(_parts), Field(max_length=100)] | None = None
    graphics: Annotated[list[Graphic], BeforeValidator(_parts), Field(max_length=100)] | None = None
    content_warning: Words | None = None
    edit: Editing | None = None
    rights: Rights | None = None
    audience: Literal["public", "signed_in", "institution", "programme", "people"] | None = None
    sharing: Sharing | None = None
    keywords: (
        Annotated[list[Annotated[str, Field(max_length=100)]], BeforeValidator(_parts), Field(max_length=50)] | None
    ) = None

    @model_validator(mode="before")
    @classmethod
    def _details_of_terms(cls, given: Any) -> Any:
        """A term may come with what else is known of it: both find their place."""
        if not isinstance(given, Mapping):
            return given
        values = dict(given)
        for field, details in DETAILS_OF_TERMS.items():
            items = [values[field]] if isinstance(values.get(field), Mapping) else values.get(field)
            if isinstance(items, list) and any(isinstance(item, Mapping) for item in items):
                values.setdefault(details, [item for item in items if isinstance(item, Mapping) and len(item) > 1])
        grade = values.get("cn_grade")
        if isinstance(grade, Mapping):
            values["cn_grade"] = grade.get("term")
            values.setdefault("cn_grade_source", {name: text for name, text in grade.items() if name != "term"})
        return values

    @field_validator("year_of_procedure")
    @classmethod
    def _credible_year(cls, value: int | None) -> int | None:
        if value is not None and not 1950 <= value <= datetime.now(UTC).year:
            raise ValueError("write the year in which the procedure was done, for example 2024")
        return value


def plain(value: Any) -> Any:
    """A value of `EntryValues` as JSON, without what says nothing."""
    if isinstance(value, LangText):
        return value.filled()
    if isinstance(value, Structure):
        return value.plain()
    return [plain(item) for item in value] if isinstance(value, list) else value


def parse_values(given: Mapping[str, Any]) -> EntryValues:
    """Check what was given. Raises `InvalidInput` with a sentence for each field at fault."""
    try:
        return EntryValues.model_validate(_with_plain_languages(given))
    except ValidationError as error:
        fields = {".".join(str(part) for part in item["loc"]): _sentence(item) for item in error.errors()}
        listed = " ".join(f"{name}: {text}" for name, text in list(fields.items())[:10])
        raise InvalidInput(f"Some fields cannot be understood. {listed}", fields=fields) from None


def _with_plain_languages(given: Mapping[str, Any]) -> dict[str, Any]:
    """`zh-Hans` and `title.zh`, `case.indication.zh` (a CSV's way) are understood as `title: {zh}`."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        *above, last = str(name).split(".")
        inner: Any = values
        for part in above:
            inner = inner.setdefault(part, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[_LANGUAGE_NAMES.get(last.lower(), last) if above else last] = _by_language(value)
    return values


def _by_language(value: Any) -> Any:
    if isinstance(value, Mapping) and value and all(str(key).lower() in _LANGUAGE_NAMES for key in value):
        return {_LANGUAGE_NAMES[str(key).lower()]: text for key, text in value.items()}
    return value


def _sentence(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "There is no such field."
    return f"{str(item['msg']).removeprefix('Value error, ')}."
