"""The structures inside an entry: the case, the people, consent, outcome and the like, each checked as it comes in.

Each understands what people write in a CSV cell or a form (`none`, `yes`, one name alone) and keeps one plain shape.
Members that we do not know are kept as they came, so that a document from another library goes through unharmed; they
count for nothing. Nothing here holds a date of the patient, an exact age, or a name of a patient.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, field_validator, model_validator

from videolib.catalogue.structures import (
    LangText,
    Line,
    Number,
    OptionalBool,
    OptionalDate,
    OptionalLine,
    OptionalNumber,
    Structure,
    Text,
    Words,
    known_words,
    nothing_is_none,
    without_dates,
)

OLDEST_BAND = ">89"
AGE_BANDS = (*(f"{low}-{low + 4}" for low in range(0, 90, 5)), OLDEST_BAND)
BMI_BANDS = ("<18.5", "18.5-23.9", "24-27.9", ">=28")
EXPERIENCE_BANDS = ("<50", "50-199", "200-499", ">=500")
_NOTHING = frozenset({"none", "no", "nil", "false", "无", "没有", "否"})
_SIDES = {"left": "L", "l": "L", "左": "L", "右": "R", "right": "R", "r": "R", "both": "bilateral", "双侧": "bilateral"}
_SIDES |= {"bilateral": "bilateral", "na": "NA", "n/a": "NA", "none": "NA", "不适用": "NA"}
_SEXES = {"female": "F", "f": "F", "女": "F", "male": "M", "m": "M", "男": "M"}
_RESULTS = {
    "true": "success",
    "yes": "success",
    "成功": "success",
    "false": "failure",
    "no": "failure",
    "失败": "failure",
}
_DEID = {"complete": "done", "completed": "done", "passed": "done", "checked": "done", "yes": "done", "完成": "done"}


def _listed(value: Any) -> Any:
    """A CSV cell or a line of a form names several with `;` or a line break between."""
    found = re.split(r"[;；\n]", value) if isinstance(value, str) else value
    return [str(name).strip() for name in found if str(name).strip()] if isinstance(found, list) else found


Side = Annotated[Literal["L", "R", "bilateral", "NA"], known_words(_SIDES)]


class Case(Structure):
    """Who was treated and why, in bands: no age, no date."""

    age_band: Literal[AGE_BANDS] | None = None  # type: ignore[valid-type]
    sex: Annotated[Literal["F", "M", "other", "unknown"] | None, known_words(_SEXES)] = None
    bmi_band: OptionalLine = None
    asa: OptionalLine = None
    indication: Words | None = None
    comorbidities: Words | None = None
    prior_treatment: Words | None = None
    preop_imaging: Words | None = None

    @field_validator("age_band", mode="before")
    @classmethod
    def _band(cls, value: Any) -> Any:
        text = str(value or "").replace(" ", "").replace("–", "-")
        if not text:
            return None
        if text.isdigit():
            low = int(text) // 5 * 5
            return OLDEST_BAND if int(text) > 89 else f"{low}-{low + 4}"
        if text.startswith((">", "≥", "90")):
            return OLDEST_BAND
        if text not in AGE_BANDS:
            raise ValueError("write a band of five years, for example 60-64, or >89")
        return text

    @field_validator("asa", mode="before")
    @classmethod
    def _asa(cls, value: Any) -> Any:
        grade = {"1": "I", "2": "II", "3": "III", "4": "IV"}.get(str(value or ""), str(value or ""))
        return f"ASA {grade}" if grade in {"I", "II", "III", "IV"} else value or None

    @field_validator("indication", "comorbidities", "prior_treatment", "preop_imaging")
    @classmethod
    def _dateless(cls, value: LangText | None) -> LangText | None:
        return without_dates(value)


class Operator(Structure):
    """Who operated, as LAP-VEGaS asks."""

    role: OptionalLine = None
    experience_band: OptionalLine = None
    is_trainee: OptionalBool = None
    prior_cases: Annotated[Annotated[int, Field(ge=0, le=100_000)] | None, BeforeValidator(nothing_is_none)] = None


class Contributor(Structure):
    """A person who made the recording or speaks in it. `title`, `region` and `tier` are ids of terms."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    orcid: Annotated[
        str | None, BeforeValidator(nothing_is_none), Field(validation_alias=AliasChoices("orcid", "ORCID"))
    ] = None
    title: OptionalLine = None
    institution: OptionalLine = None
    region: OptionalLine = None
    tier: OptionalLine = None
    role: OptionalLine = None

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("orcid")
    @classmethod
    def _is_orcid(cls, value: str | None) -> str | None:
        if not value:
            return None
        digits = value.upper().removeprefix("HTTPS://ORCID.ORG/").replace("-", "")
        if not re.fullmatch(r"\d{15}[\dX]", digits) or _orcid_check(digits[:15]) != digits[15]:
            raise ValueError("write the ORCID with its 16 digits, as in 0000-0002-1825-0097")
        return "-".join(digits[at : at + 4] for at in range(0, 16, 4))


def _orcid_check(digits: str) -> str:
    """The last character of an ORCID: ISO 7064, MOD 11-2."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)


class Statement(Structure):
    """An explicit answer: nothing (`none: true`), or a text. Disclosure and off-label use are such."""

    none: OptionalBool = None
    text: Annotated[Words | None, Field(validation_alias=AliasChoices("text", "statement"))] = None

    @model_validator(mode="before")
    @classmethod
    def _word_alone(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return {"none": not value}
        if isinstance(value, str):
            return {"none": True} if value.strip().lower() in _NOTHING else {"text": value}
        return value

    def is_answered(self) -> bool:
        """Whether there is an answer, of whichever kind."""
        return bool(self.none or (self.text and self.text.filled()))


class OffLabel(Statement):
    """Whether a device or drug was used outside its approval, and how; `used: false` is `none: true`."""

    @model_validator(mode="before")
    @classmethod
    def _used(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("used"), bool) and "none" not in value:
            return {**{name: inner for name, inner in value.items() if name != "used"}, "none": not value["used"]}
        return value


class Consent(Structure):
    """The patient's consent to teaching: where it is, how far it goes, how long it holds."""

    id: OptionalLine = None
    scope: Annotated[Literal["institution", "programme", "public"] | None, known_words({"program": "programme"})] = None
    obtained_on: OptionalDate = None
    expires_on: OptionalDate = None
    withdrawn_on: OptionalDate = None
    evidence_hash: OptionalLine = None


class Deidentification(Structure):
    """How it was made sure that nobody can be recognised, and who looked."""

    status: Annotated[Literal["pending", "done", "not_needed"] | None, known_words(_DEID)] = None
    methods: list[Line] | None = None
    reviewer: OptionalLine = None
    date: OptionalDate = None
    findings: Text | None = None
    report_id: OptionalLine = None

    @field_validator("methods", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return (
            [part.strip() for part in re.split(r"[;；\n]", value) if part.strip()] if isinstance(value, str) else value
        )


Result = Annotated[Literal["success", "partial", "failure", "not_assessed"] | None, known_words(_RESULTS)]


class Outcomes(Structure):
    """What came of it; units are fixed: minutes, Gy·cm², millilitres."""

    technical: Result = None
    clinical: Result = None
    complications: Annotated[Words | None, Field(description="`none`, or what happened")] = None
    fluoro_min: OptionalNumber = None
    dap_gycm2: Annotated[OptionalNumber, Field(validation_alias=AliasChoices("dap_gycm2", "DAP", "dap"))] = None
    contrast_ml: OptionalNumber = None
    op_min: OptionalNumber = None
    follow_up: Words | None = None

    @field_validator("complications", mode="before")
    @classmethod
    def _none_is_an_answer(cls, value: Any) -> Any:
        is_none = value is False or value == [] or (isinstance(value, str) and value.strip().lower() in _NOTHING)
        return {"en": "none", "zh": "无"} if is_none else value

    @field_validator("follow_up")
    @classmethod
    def _dateless(cls, value: LangText | None) -> LangText | None:
        return without_dates(value)


class Commentary(Structure):
    """How the recording is explained: spoken (a language tag), written, or both."""

    audio_lang: OptionalLine = None
    written: Words | None = None

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        return {"written": value} if isinstance(value, str) else value


class SpeedChange(Structure):
    """A stretch that runs faster or slower than it happened."""

    start_s: Number
    end_s: Number
    factor: Annotated[float, Field(gt=0, le=1000)]


class Editing(Structure):
    """Whether the recording was cut, and where it was sped up."""

    is_edited: OptionalBool = None
    speed_changes: Annotated[list[SpeedChange], Field(max_length=200)] | None = None
    total_case_min: OptionalNumber = None

    @model_validator(mode="before")
    @classmethod
    def _bool_alone(cls, value: Any) -> Any:
        return {"is_edited": value} if isinstance(value, bool) else value


class Sharing(Structure):
    """Whom the audience names, and from which day to which it may watch, both included.

    `names`: of hospitals, of programmes, or e-mail addresses of people, as the audience says.
    """

    names: Annotated[list[Line] | None, BeforeValidator(_listed), Field(max_length=1000)] = None
    starts_on: OptionalDate = None
    ends_on: OptionalDate = None

    @model_validator(mode="after")
    def _in_order(self) -> Sharing:
        if self.starts_on and self.ends_on and self.starts_on > self.ends_on:
            raise ValueError("the first day comes after the last")
        return self


class Rights(Structure):
    """Under what terms others may use it. `licence` is an SPDX id or a text."""

    licence: Annotated[OptionalLine, Field(validation_alias=AliasChoices("licence", "license"))] = None
    holder: OptionalLine = None
    embargo: OptionalDate = None
    download_allowed: OptionalBool = None

    @model_validator(mode="before")
    @classmethod
    def _licence_alone(cls, value: Any) -> Any:
        return {"licence": value} if isinstance(value, str) else value


class Reference(Structure):
    """A publication, by DOI, PubMed id or as text."""

    doi: OptionalLine = None
    pmid: OptionalLine = None
    text: Annotated[str | None, BeforeValidator(nothing_is_none), Field(max_length=2000)] = None

    @model_validator(mode="before")
    @classmethod
    def _by_its_looks(cls, value: Any) -> Any:
        if not isinstance(value, str | int):
            return value
        plain = re.sub(
            r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*|pmid:\s*)", "", str(value).strip(), flags=re.IGNORECASE
        )
        if plain.startswith("10."):
            return {"doi": plain}
        return {"pmid": plain} if plain.isdigit() else {"text": str(value)}

    @field_validator("doi")
    @classmethod
    def _is_doi(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"10\.\d{4,9}/\S+", value):
            raise ValueError("write the DOI as in 10.1000/182")
        return value or None


class Graphic(Structure):
    """A drawing or still that explains something, and when it is shown."""

    title: Words | None = None
    source: OptionalLine = None
    at_s: OptionalNumber = None

    @model_validator(mode="before")
    @classmethod
    def _title_alone(cls, value: Any) -> Any:
        return {"title": value} if isinstance(value, str) else value


class AccessDetail(Structure):
    """One way in: where, on which side, with which sheath."""

    site: str
    side: Side | None = None
    sheath_f: Annotated[
        OptionalNumber, Field(validation_alias=AliasChoices("sheath_f", "sheath_F"), serialization_alias="sheath_F")
    ] = None


class DeviceDetail(Structure):
    """A device that was used. Maker and model are shown only where a disclosure is stated."""

    term: str
    manufacturer: OptionalLine = None
    model: OptionalLine = None
    size: OptionalLine = None
    udi: Annotated[OptionalLine, Field(validation_alias=AliasChoices("udi", "UDI"), serialization_alias="UDI")] = None


class DrugDetail(Structure):
    """A drug that was given."""

    term: str
    dose: OptionalLine = None
    unit: OptionalLine = None


class GradeSource(Structure):
    """Whose list of graded operations says so, and of which year."""

    body: OptionalLine = None
    year: Annotated[Annotated[int, Field(ge=1950, le=2100)] | None, BeforeValidator(nothing_is_none)] = None
