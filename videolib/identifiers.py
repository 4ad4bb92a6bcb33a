"""What in a line of text tells who a patient is: pure rules over what was read, written or named.

A line may come from a screen by way of OCR: full-width signs, blanks inside numbers, and letters that look like digits
are forgiven. No rule keeps or returns the text itself, only where in the line it was and how sure the rule is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

from videolib.han_names import COMPOUND_SURNAMES, NOT_NAMES, SURNAMES, is_han_name, is_pinyin_name

Rule = Literal[
    "national_id", "mobile", "date", "hospital_number", "bed", "name", "possible_name", "identifier", "header", "text"
]
# how much harm each does where it gets out: the desk shows the highest first
RISKS: dict[str, int] = {
    "header": 100,
    "national_id": 95,
    "name": 90,
    "hospital_number": 85,
    "mobile": 80,
    "identifier": 70,
    "date": 50,
    "bed": 45,
    "possible_name": 40,
    "text": 10,
}
# GB 11643: the weights of the first 17 digits, and the sign for the remainder of their sum by 11
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_SIGNS = "10X98765432"
_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()  # noqa: SIM905
)
_LOOKS_LIKE = str.maketrans(
    {"O": "0", "o": "0", "Q": "0", "D": "0", "l": "1", "I": "1", "|": "1", "Z": "2", "S": "5", "B": "8"}
)
_SEPARATOR = r"[\s:：;,.，。_=\-\[\]【】()（）#*]*"
_NUMBER = r"(?P<value>[A-Za-z]{0,4}[\-_/]?[0-9OolI|SB](?:[\s\-_/.]?[0-9A-Za-z|]){2,24})"
# 内诊号 and the like: what a reader makes of small signs
_HOSPITAL = (
    r"(?:[住佳往]\s?院\s?(?:号|號|I?D|证号)|[门内们问]\s?[诊珍]\s?(?:号|號)|病\s?[案历歷]\s?(?:号|號)|就诊[号號卡]|"
    r"登记[号號]|病人[号號]|患者[号號]|急诊[号號]|床位号|医保[号號卡])"
)
_OTHER_NUMBER = (
    r"(?:检查\s?[号號]|检查ID|影像\s?[号號]|放射\s?[号號]|超声\s?[号號]|申请单?\s?[号號]|流水[号號]|标本[号號]|条码[号號]?|"
    r"身份证[号號码]*|证件[号號码]*|护照[号號码]*|社保[号號卡]*|X线[号號]|CT[号號]|DSA[号號]|编号|"
    # not in a word (guidewire, video), but VisitID
    r"(?:(?<![A-Za-z])|(?<=[a-z])(?-i:(?=ID)))ID[号號]?)"
)
_LATIN_NUMBER = (
    r"(?:patient\s?(?:id|no|number)|pat\.?\s?id|\bpid\b|\bmrn\b|\bhosp(?:ital)?\.?\s?(?:no|id)|\bacc(?:ession)?\.?\s?(?:no|num|number|#)|"
    r"\bstudy\s?id|\bexam\s?(?:id|no)|\bcase\s?no|\bvisit\s?no|\badmission\s?(?:no|id)|\brecord\s?no|\bin\s?patient\s?no|\bssn\b|\bnhs\b|\bid\b)"
)
_NAME_PREFIX = r"(?:姓\s?名|患\s?者(?:姓名)?|病\s?人(?:姓名)?|受检者|被检者|名\s?字)"
_LATIN_NAME_PREFIX = r"(?:\b(?:patient(?:'?s)?\s?)?name\b|\bpatient\b|\bpat\.?\s?name|\bpt\b|\bsurname\b)"
_NAME_RULES = (
    re.compile(rf"{_NAME_PREFIX}{_SEPARATOR}(?P<value>[\u3400-\u9fff·]{{2,12}})"),
    re.compile(
        rf"{_LATIN_NAME_PREFIX}{_SEPARATOR}(?P<value>[A-Za-z]{{2,}}(?:[\s,^\-·]+[A-Za-z]+){{0,3}})", re.IGNORECASE
    ),
)
# a name and what stands beside names on every screen: 张三 男 45岁, M/045Y
_BESIDE_NAME = re.compile(r"(?P<value>[\u3400-\u9fff]{2,4}?)[\s,，/]*(?:[男女]|\d{1,3}\s?岁)")
_FORMER = re.compile(r"(?P<value>[A-Za-z]{2,}(?:[\s,^]+[A-Za-z]{2,}){1,2})[\s,]+(?:M|F|MALE|FEMALE)\b", re.IGNORECASE)
_BED = re.compile(
    rf"(?:床\s?[号號位]|病\s?床|\bbed(?:\s?no)?\b){_SEPARATOR}(?P<value>[A-Za-z]?\+?\d{{1,4}}[A-Za-z床]?)|(?P<other>(?<!\d)\+?\d{{1,3}}\s?床(?![号號位]))",
    re.IGNORECASE,
)
_NUMBERED = (
    (re.compile(rf"{_HOSPITAL}{_SEPARATOR}{_NUMBER}"), "hospital_number", 0.95),
    (re.compile(rf"{_OTHER_NUMBER}{_SEPARATOR}{_NUMBER}", re.IGNORECASE), "identifier", 0.9),
    (re.compile(rf"[\u3400-\u9fff]\s?[号號]{_SEPARATOR}(?P<value>[A-Za-z]{{0,3}}\d{{5,20}})"), "identifier", 0.85),
    (re.compile(rf"{_LATIN_NUMBER}{_SEPARATOR}{_NUMBER}", re.IGNORECASE), "identifier", 0.9),
)
# the prefix alone is on the screen, and its value beside it, read as a line of its own
_BARE_PREFIX = re.compile(rf"(?:{_HOSPITAL}|{_NAME_PREFIX}|身份证[号號码]*|检查[号號]|床[号號])\s*[:：]?\s*$")
_LONG_DIGITS = re.compile(r"(?<![0-9A-Za-z])(?:[0-9OQDlI|ZSB][\s\-]{0,2}){15,19}[0-9XxOlI](?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![0-9])(?:\+?86[\s\-]?)?1[\s\-]?[3-9](?:[\s\-]?[0-9OolIS]){9}(?![0-9])")
_DATES = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})\s?[-/.,年]\s?(?P<m>\d{1,2})\s?[-/.,月]\s?(?P<d>\d{1,2})(?!\d|[.]\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})\s?[-/.]\s?(?P<m>\d{1,2})\s?[-/.]\s?(?P<y>(?:19|20)\d{2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<m>\d{1,2})\s?[-/.]\s?(?P<d>\d{1,2})\s?[-/.]\s?(?P<y>(?:19|20)\d{2})(?!\d)"),
    # a stroke lost on the way from the screen
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})(?:[-.](?P<m>\d{2})|(?P<mm>\d{2})[-.])(?P<d>\d{2})(?!\d|[.]\d)"),
    re.compile(r"(?<![\dA-Za-z])(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})(?=[\s_T-]?\d{0,6}(?!\d))"),
    re.compile(
        r"(?<!\d)(?P<d>\d{1,2})[\s\-/.]{0,2}(?P<month>JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*[\s\-/.,]{0,2}(?P<y>(?:19|20)\d{2})(?!\d)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?P<month>JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*[\s.]{0,2}(?P<d>\d{1,2})[\s,]{1,3}(?P<y>(?:19|20)\d{2})(?!\d)",
        re.IGNORECASE,
    ),
)
_BIRTH = re.compile(
    rf"(?:出生(?:日期|年月)?|生日|\bd[o0]b\b|\bbirth(?:\s?date)?\b|date of birth){_SEPARATOR}"
    r"(?P<value>\d[\d\s\-/.年月日]{5,11})",
    re.IGNORECASE,
)
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()  # noqa: SIM905
_NOT_LATIN_NAMES = frozenset(
    {"id", "no", "number", "sex", "age", "birth", "dob", "date", "position", "data", "info", "entry", "side", "file"}
)


@dataclass(frozen=True)
class Match:
    """A rule that holds in a line: which, from which character to which, and how sure it is (0 to 1)."""

    rule: Rule
    start: int
    end: int
    confidence: float

    @property
    def risk(self) -> float:
        """How urgent it is to look at: the harm of the rule by how sure it is."""
        return RISKS[self.rule] * self.confidence


def find_identifiers(line: str) -> list[Match]:
    """Return what identifies a patient in one line of text, the worst first; overlapping ones only once."""
    text = normalised(line)
    found = sorted(_all_rules(text), key=lambda match: (-match.risk, match.start))
    kept: list[Match] = []
    for match in found:
        if not any(match.start < other.end and other.start < match.end for other in kept):
            kept.append(match)
    return kept


def find_in_lines(lines: Iterable[str]) -> list[Match]:
    """Return what lines that stand together say that no line alone does: a prefix in one, its value in the next."""
    texts = [normalised(line) for line in lines]
    found = []
    for text, following in pairwise(texts):
        if _BARE_PREFIX.search(text):
            found += [match for match in find_identifiers(f"{text} {following}") if match.confidence >= 0.5]
    return found


def is_prefix_alone(line: str) -> bool:
    """Whether a line is only what stands before a name or number: on a screen, its value was not read."""
    return _BARE_PREFIX.fullmatch(normalised(line)) is not None


def normalised(line: str) -> str:
    """Return a line with full-width signs made plain and all white space one blank."""
    text = unicodedata.normalize("NFKC", line)
    return re.sub(r"\s+", " ", text).strip()


def is_national_id(number: str) -> bool:
    """Whether 18 signs are a Chinese identity number: province, day of birth and the right check sign (GB 11643)."""
    number = number.upper()
    if not re.fullmatch(r"\d{17}[\dX]", number) or not _is_born(number):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECK_SIGNS[total % 11] == number[17]


def _all_rules(text: str) -> Iterator[Match]:
    yield from _national_ids(text)
    for one in _MOBILE.finditer(text):
        # a letter before it: Tel13800138000, a device's number, or other writing on which it lies
        is_alone = re.search(r"[A-Za-z]$", text[: one.start()]) is None
        yield Match("mobile", one.start(), one.end(), 0.9 if is_alone else 0.6)
    for pattern, rule, confidence in _NUMBERED:
        for one in pattern.finditer(text):
            if _has_digits(one["value"]):
                yield Match(rule, one.start(), one.end(), confidence)  # type: ignore[arg-type]
    yield from (Match("bed", one.start(), one.end(), 0.8) for one in _BED.finditer(text))
    yield from (Match("date", one.start(), one.end(), 0.95) for one in _BIRTH.finditer(text))
    for pattern in _DATES:
        yield from (Match("date", one.start(), one.end(), 0.8) for one in pattern.finditer(text) if _is_day(one))
    yield from _names(text)


def _national_ids(text: str) -> Iterator[Match]:
    for one in _LONG_DIGITS.finditer(text):
        number = re.sub(r"[\s\-]", "", one[0])
        number = number[:-1].translate(_LOOKS_LIKE) + (
            number[-1] if number[-1] in "Xx" else number[-1].translate(_LOOKS_LIKE)
        )
        if is_national_id(number):
            yield Match("national_id", one.start(), one.end(), 0.99)
        elif len(number) in {17, 18, 19} and (_is_born(number) or len(number) == 18):
            # a sign lost or misread on the way from the screen
            yield Match("national_id", one.start(), one.end(), 0.7)


def _is_born(number: str) -> bool:
    if number[:2] not in _PROVINCES:
        return False
    try:
        return 1900 <= date(int(number[6:10]), int(number[10:12]), int(number[12:14])).year <= 2100
    except ValueError:
        return False


def _is_day(one: re.Match[str]) -> bool:
    groups = one.groupdict()
    month = _MONTHS.index(groups["month"].upper()[:3]) + 1 if groups.get("month") else int(groups["m"] or groups["mm"])
    try:
        date(int(groups["y"]), month, int(groups["d"]))
    except ValueError:
        return False
    return True


def _has_digits(value: str) -> bool:
    """Whether it is a number, though some digits were read as letters; words have such letters too."""
    digits, alike = (sum(sign.isdigit() for sign in text) for text in (value, value.translate(_LOOKS_LIKE)))
    return digits >= 2 and alike >= 3 and any(sign.isdigit() for sign in value.split(maxsplit=1)[0])


def _names(text: str) -> Iterator[Match]:
    for one in _NAME_RULES[0].finditer(text):
        value = one["value"].lstrip("·")
        if value[0] in SURNAMES or value[:2] in COMPOUND_SURNAMES or "·" in value:
            yield Match(
                "name", one.start(), one.end(), 0.6 if any(value.startswith(word) for word in NOT_NAMES) else 0.95
            )
        elif one[0].startswith(("姓", "名", "受", "被")):
            yield Match("name", one.start(), one.end(), 0.6)
    for one in _NAME_RULES[1].finditer(text):
        if one["value"].split()[0].casefold() not in _NOT_LATIN_NAMES:
            # "the name of this step" is none, "name ZHANG WEI" and "Name: zhang wei" are
            is_marked = ":" in one[0] or ("name" in one[0].casefold() and not one["value"][0].islower())
            yield Match("name", one.start(), one.end(), 0.9 if is_marked else 0.6)
    for one in _BESIDE_NAME.finditer(text):
        for length in (3, 2, 4):
            if is_han_name(one["value"][-length:]) and len(one["value"]) >= length:
                yield Match("name", one.start(), one.end(), 0.85)
                break
    yield from (Match("name", one.start(), one.end(), 0.6) for one in _FORMER.finditer(text))
    yield from _names_alone(text)


def _names_alone(text: str) -> Iterator[Match]:
    """Answer words that stand alone in a line and are built as names are."""
    for one in re.finditer(r"(?<![\u3400-\u9fff])[\u3400-\u9fff]{2,4}(?![\u3400-\u9fff])", text):
        if is_han_name(one[0]):
            yield Match("possible_name", one.start(), one.end(), 0.7 if one[0] == text else 0.5)
    for one in re.finditer(r"\b([A-Za-z]{2,})[\s,^]{1,2}([A-Za-z]{2,})\b", text):
        if one[0].isupper() or one[0].istitle() or (one[1].isupper() and one[2].istitle()) or "^" in one[0]:
            confidence = 0.7 if "^" in one[0] else 0.5
            if "^" in one[0] or is_pinyin_name(one[1], one[2]) or is_pinyin_name(one[2], one[1]):
                yield Match("possible_name", one.start(), one.end(), confidence)
