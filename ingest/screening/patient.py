"""What a DICOM header says of the patient, held in memory while its pixels are searched for it, and nowhere else.

Headers lie about their character set, so every value is read as what it declares, as GB18030 and as UTF-8. Names are
looked for in Han characters and in pinyin, numbers through what OCR mistakes for each other, days in every usual order.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

from ingest.dicom_header import READ_ERRORS, is_dicom
from videolib.identifiers import Match, normalised

# identify by themselves; of staff and place as well: a department and a day are enough to find a patient
_NAME_KEYWORDS_TEXT = """
PatientName OtherPatientNames PatientBirthName PatientMotherBirthName ReferringPhysicianName
PerformingPhysicianName OperatorsName PhysiciansOfRecord RequestingPhysician NameOfPhysiciansReadingStudy
ResponsiblePerson
"""
NAME_KEYWORDS = tuple(_NAME_KEYWORDS_TEXT.split())
_NUMBER_KEYWORDS_TEXT = """
PatientID OtherPatientIDs AccessionNumber StudyID AdmissionID IssuerOfPatientID PatientTelephoneNumbers
MedicalRecordLocator MilitaryRank InsurancePlanIdentification PerformedProcedureStepID ServiceEpisodeID
"""
NUMBER_KEYWORDS = tuple(_NUMBER_KEYWORDS_TEXT.split())
PLACE_KEYWORDS = "InstitutionName InstitutionAddress PatientAddress InstitutionalDepartmentName".split()  # noqa: SIM905
DAY_KEYWORDS = "PatientBirthDate StudyDate SeriesDate AcquisitionDate ContentDate".split()  # noqa: SIM905
_CHARACTER_SETS = ("utf-8", "gb18030", "gbk", "latin-1")
_ALIKE = str.maketrans({"o": "0", "q": "0", "d": "0", "l": "1", "i": "1", "|": "1", "z": "2", "s": "5", "b": "8"})
# how alike a longer value has to be to be taken for the same (rapidfuzz, 0 to 100)
ALIKE_ENOUGH = 84
# a shorter word of the header is in too many other words
LEAST_SIGNS, LEAST_HAN, LEAST_FUZZY = 4, 2, 6


@dataclass(frozen=True)
class PatientValues:
    """What to look for: names in Han characters, in Latin letters, numbers, and days as digits."""

    han: frozenset[str] = frozenset()
    latin: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Say nothing of what is inside: a traceback or a log must not."""
        return "PatientValues(…)"

    def joined(self, other: PatientValues) -> PatientValues:
        """Return what both hold."""
        return PatientValues(
            self.han | other.han, self.latin | other.latin, self.numbers | other.numbers, self.days | other.days
        )

    def matches(self, line: str) -> list[Match]:
        """Return how sure it is that a line holds one of the values; empty where none."""
        text = normalised(line)
        confidence = max(self._confidences(text), default=0.0)
        return [Match("header", 0, len(line), confidence)] if confidence else []

    def _confidences(self, text: str) -> Iterator[float]:
        for name in self.han:
            if name in text:
                yield 0.99
            elif len(name) >= 3 and fuzz.partial_ratio(name, text) >= 66 and text[:1] == name[:1]:
                yield 0.6
        letters = re.sub(r"[^a-z0-9]", "", text.casefold())
        plain = letters.translate(_ALIKE)
        spelled = "".join(lazy_pinyin(text)) if re.search(r"[\u3400-\u9fff]", text) else letters
        spelled = re.sub(r"[^a-z]", "", spelled.casefold())
        for name in self.latin:
            if name in spelled or (len(name) >= LEAST_FUZZY and _is_alike(name, spelled)):
                yield 0.9
        for number in self.numbers:
            if number.translate(_ALIKE) in plain:
                yield 0.98
            elif len(number) >= LEAST_FUZZY and _is_alike(number.translate(_ALIKE), plain):
                yield 0.7
        digits = re.sub(r"\D", "", re.sub(r"[年月]", "-", text).translate(_ALIKE))
        if any(day in digits for day in self.days):
            yield 0.9


def read_values(path: Path) -> PatientValues:
    """Return what the header of a DICOM file says of the patient; nothing of another file."""
    if not is_dicom(path):
        return PatientValues()
    from pydicom import dcmread  # noqa: PLC0415 - half a second, for DICOM files alone

    wanted = [*NAME_KEYWORDS, *NUMBER_KEYWORDS, *PLACE_KEYWORDS, *DAY_KEYWORDS]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(wanted))
            return values_of(header)
    except READ_ERRORS:
        return PatientValues()


def values_of(header: Dataset) -> PatientValues:
    """Return what to look for from a header that was read without decoding its values."""
    names = {name for keyword in NAME_KEYWORDS for text in _readings(header, keyword) for name in _names(text)}
    numbers = {
        number
        for keyword in NUMBER_KEYWORDS
        for text in _readings(header, keyword)
        for part in text.split("\\")
        if len(number := re.sub(r"[^a-z0-9]", "", part.casefold())) >= LEAST_SIGNS and re.search(r"\d", number)
    }
    places = {
        re.sub(r"\s", "", part)
        for keyword in PLACE_KEYWORDS
        for text in _readings(header, keyword)
        for part in re.findall(r"[\u3400-\u9fff]{4,}", text)
    }
    days = {
        day
        for keyword in DAY_KEYWORDS
        for text in _readings(header, keyword)
        if re.fullmatch(r"\d{8}", text.strip())
        for day in _days(text.strip())
    }
    han = {name for name in names if re.fullmatch(r"[\u3400-\u9fff·]+", name) and len(name) >= LEAST_HAN} | places
    latin = {re.sub(r"[^a-z]", "", name.casefold()) for name in names if not re.search(r"[\u3400-\u9fff]", name)}
    latin |= {"".join(lazy_pinyin(name)) for name in han - places}
    latin |= {"".join([*lazy_pinyin(name[1:]), *lazy_pinyin(name[:1])]) for name in han - places}
    return PatientValues(
        frozenset(han),
        frozenset(name for name in latin if len(name) >= LEAST_SIGNS),
        frozenset(numbers),
        frozenset(days),
    )


def _readings(header: Dataset, keyword: str) -> Iterable[str]:
    """Answer every text that the bytes of an element can be, whatever the header declares."""
    tag = tag_for_keyword(keyword)
    element: Any = header.get_item(tag) if tag is not None and tag in header else None
    value = getattr(element, "value", None)
    if not isinstance(value, bytes):
        return [] if value is None else [str(value)]
    texts = []
    for name in _CHARACTER_SETS:
        try:
            texts.append(value.decode(name).rstrip("\0 "))
        except UnicodeDecodeError:
            continue
    # what the standard escapes into GB2312 or GB18030
    if b"\x1b$)A" in value:
        texts.append(value.replace(b"\x1b$)A", b"").decode("gb18030", "ignore").rstrip("\0 "))
    return dict.fromkeys(texts)


def _names(text: str) -> Iterator[str]:
    """Answer a person's name as a whole and turned round, of each of its groups (Latin=Han=phonetic)."""
    for name in re.split(r"[\\=]", text):
        parts = [part.strip() for part in name.split("^")[:3] if part.strip()]
        words = [word for part in parts for word in re.split(r"[\s,]+", part) if word]
        if not words:
            continue
        yield "".join(words)
        if len(words) > 1:
            yield "".join([*words[1:], words[0]])
            yield words[0] + words[1]
            yield words[1] + words[0]
        # a family name or a given name of its own is looked for where it is long enough to be nothing else
        yield from (word for word in words if len(word) >= 6 and word.isascii())


def _days(day: str) -> Iterator[str]:
    """Answer a day (YYYYMMDD) as digits in every usual order."""
    year, month, rest = day[:4], day[4:6], day[6:]
    yield from (day, f"{rest}{month}{year}", f"{month}{rest}{year}")
    yield f"{year}{int(month)}{int(rest)}"


def _is_alike(value: str, text: str) -> bool:
    return len(text) >= len(value) - 1 and fuzz.partial_ratio(value, text) >= ALIKE_ENOUGH
