"""What a catalogue entry may say: the fields of a form, an API call, a metadata file or a manifest row, checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

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
}
SINGLE_TERM_FIELDS = {"content_type": "content_type", "difficulty": "difficulty", "cn_grade": "cn_grade"}
_LANGUAGE_NAMES = {"zh-hans": "zh", "zh-cn": "zh", "zh": "zh", "en": "en"}


def _term_ids(value: Any) -> Any:
    """A list of ids; also `a;b` as in a CSV, one id alone, and structures that name their term."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(";")]
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, list):
        return list(dict.fromkeys(str(_term_of(item)) for item in value if item))
    return value


def _term_of(item: Any) -> Any:
    return item.get("term") or item.get("site") or item.get("id") if isinstance(item, Mapping) else item


Text = Annotated[str, Field(max_length=20_000)]
TermIds = Annotated[list[Annotated[str, Field(max_length=80)]], BeforeValidator(_term_ids), Field(max_length=100)]


class LangText(BaseModel):
    """A text in one or both languages; empty is the same as absent."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    en: Text = ""
    zh: Text = ""

    def filled(self) -> dict[str, str]:
        """The languages that say something."""
        return {language: text for language, text in (("en", self.en), ("zh", self.zh)) if text}


class EntryValues(BaseModel):
    """The fields that may be set; what is not given stays as it is."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: LangText | None = None
    summary: LangText | None = None
    learning_objectives: Annotated[list[LangText], Field(max_length=6)] | None = None
    key_points: LangText | None = None
    procedures: TermIds | None = None
    anatomy: TermIds | None = None
    pathologies: TermIds | None = None
    devices: TermIds | None = None
    access: TermIds | None = None
    imaging_guidance: TermIds | None = None
    drugs: TermIds | None = None
    complications: TermIds | None = None
    classification: TermIds | None = None
    content_type: Annotated[str, Field(max_length=80)] | None = None
    difficulty: Annotated[str, Field(max_length=80)] | None = None
    cn_grade: Annotated[str, Field(max_length=80)] | None = None
    year_of_procedure: int | None = None
    audience: Literal["public", "signed_in"] | None = None
    keywords: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)] | None = None
    # the structures of domain.md section 1 whose forms come with the full catalogue: kept, not yet interpreted
    contributors: list[dict[str, Any]] | None = None
    case: dict[str, Any] | None = None
    operator: dict[str, Any] | None = None
    outcomes: dict[str, Any] | None = None
    coi: Any = None
    consent: dict[str, Any] | None = None
    deid: dict[str, Any] | None = None
    rights: dict[str, Any] | None = None
    edit: dict[str, Any] | None = None
    references: list[Any] | None = None

    @field_validator("year_of_procedure")
    @classmethod
    def _credible_year(cls, value: int | None) -> int | None:
        if value is not None and not 1950 <= value <= datetime.now(UTC).year:
            raise ValueError("write the year in which the procedure was done, for example 2024")
        return value


def parse_values(given: Mapping[str, Any]) -> EntryValues:
    """Check what was given. Raises `InvalidInput` with a sentence for each field at fault."""
    try:
        return EntryValues.model_validate(_with_plain_languages(given))
    except ValidationError as error:
        fields = {".".join(str(part) for part in item["loc"]): _sentence(item) for item in error.errors()}
        listed = " ".join(f"{name}: {text}" for name, text in list(fields.items())[:10])
        raise InvalidInput(f"Some fields cannot be understood. {listed}", fields=fields) from None


def _with_plain_languages(given: Mapping[str, Any]) -> dict[str, Any]:
    """`zh-Hans` and `title.zh` (a CSV's way) are understood as `title: {zh}`."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        head, dot, tail = str(name).partition(".")
        if dot:
            inner = values.setdefault(head, {})
            if isinstance(inner, dict):
                inner[_LANGUAGE_NAMES.get(tail.lower(), tail)] = value
        elif isinstance(value, Mapping) and value and all(str(key).lower() in _LANGUAGE_NAMES for key in value):
            values[head] = {_LANGUAGE_NAMES[str(key).lower()]: text for key, text in value.items()}
        else:
            values[head] = value
    return values


def _sentence(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "There is no such field."
    return f"{str(item['msg']).removeprefix('Value error, ')}."
