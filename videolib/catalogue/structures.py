"""What the structures of an entry are made of: texts in a language, optional answers, words in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DATE = re.compile(r"(?:19|20)\d\d\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)\d\d\b")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
Text = Annotated[str, Field(max_length=20_000)]
Line = Annotated[str, Field(max_length=500)]
Number = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


def known_words(words: Mapping[str, str]) -> BeforeValidator:
    """Understands other ways to write a code; `True` and `False` are words too, an empty text is no answer."""

    def understand(value: Any) -> Any:
        if isinstance(value, bool | str):
            plain = str(value).strip()
            return words.get(plain.lower(), plain) or None
        return value

    return BeforeValidator(understand)


class LangText(BaseModel):
    """A text in one or both languages; empty is the same as absent."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    en: Text = ""
    zh: Text = ""

    def filled(self) -> dict[str, str]:
        """The languages that say something."""
        return {language: text for language, text in (("en", self.en), ("zh", self.zh)) if text}


def _in_its_language(value: Any) -> Any:
    """A plain text is put under the language that it is written in."""
    if isinstance(value, str):
        return {"zh" if _CHINESE.search(value) else "en": value}
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return _in_its_language("; ".join(value))
    if isinstance(value, Mapping):
        return {{"zh-hans": "zh", "zh-cn": "zh"}.get(str(name).lower(), name): text for name, text in value.items()}
    return value


def nothing_is_none(value: Any) -> Any:
    """An empty cell or field is no answer."""
    return None if value == "" else value


Words = Annotated[LangText, BeforeValidator(_in_its_language)]
OptionalDate = Annotated[date | None, BeforeValidator(nothing_is_none)]
OptionalNumber = Annotated[Number | None, BeforeValidator(nothing_is_none)]
OptionalBool = Annotated[bool | None, BeforeValidator(nothing_is_none)]
OptionalLine = Annotated[Line | None, BeforeValidator(nothing_is_none)]


class Structure(BaseModel):
    """What all structures share."""

    model_config = ConfigDict(
        extra="allow", str_strip_whitespace=True, populate_by_name=True, coerce_numbers_to_str=True
    )

    def plain(self) -> dict[str, Any]:
        """As JSON, without what was not answered."""
        found = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: kept for name, value in found.items() if (kept := _without_nothing(value)) not in (None, {}, [])}


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if inner not in (None, "")}
    return None if value == "" else value


def without_dates(value: LangText | None) -> LangText | None:
    """The text, where it holds no day: a day can tell who the patient is."""
    if value is not None and any(_DATE.search(text) for text in (value.en, value.zh)):
        raise ValueError("write no dates of the patient; how long before or after says enough")
    return value
