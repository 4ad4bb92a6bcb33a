"""Passwords that are guessed first: by rules and a list of our own words, in English and in pinyin.

A guesser tries words, keyboard walks, dates, telephone numbers, the name and the address of whom the password is for,
and puts a year or an exclamation mark behind. So each such part counts as one character, however long it is; what
then remains has to be as long as a short password.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

# what a password must come to when each part that is guessed counts as one character
LEAST = 6
_WORDS = """
password passwort passwd passcode pass word secret admin administrator root user guest test testing demo default welcome
login logon hello letmein access open changeme change please iloveyou love lovely sweet angel baby princess prince
sunshine shadow dragon master monkey tiger panda phoenix summer winter spring autumn monday friday football basketball
soccer computer internet server system oracle windows linux apple google huawei tencent alibaba xiaomi samsung freedom
family mother father money lucky happy super superman batman pokemon starwars matrix trustno one love you
hospital clinic doctor nurse surgeon surgery surgical medical medicine patient health heart vessel artery vein aorta
liver stent catheter balloon angio angiography intervention interventional radiology radiologist endoscopy teaching
training trainee editor instructor student teacher university college library videolib video
mima kouling denglu guanliyuan yonghu ceshi huanying nihao woaini aini wode baobei laopo laogong mama baba
yiyuan yisheng hushi yixue jieru xueguan zhongguo china beijing shanghai guangzhou shenzhen chengdu wuhan hangzhou
nanjing xian tianjin chongqing wang zhang chen yang huang zhao zhou
""".split()  # noqa: SIM905 - a list that one can read
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv5tgb")
_LOOKS_LIKE = str.maketrans("@4301$57!|", "aaeoisstil")
_NUMBERS = (
    r"1[3-9]\d{9}",  # a mobile number
    r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])",  # a day
    r"(?:19|20)\d{2}",  # a year
    r"(.)\1{2,}",  # the same again and again
    r"(.{2,}?)\1+",  # a part again and again
)
_SHORTEST_WORD, _SHORTEST_WALK = 3, 4


def is_guessable(plain: str, about: Iterable[str] = ()) -> bool:
    """Whether it is among what is guessed first. `about`: names and addresses of whom it is for."""
    text = unicodedata.normalize("NFKC", plain).casefold()
    own = {part for words in about for part in re.split(r"[^\w]+", words.casefold()) if len(part) >= _SHORTEST_WORD}
    for rule in _NUMBERS:
        text = re.sub(rule, "\0", text)
    for walk in _walks():
        text = text.replace(walk, "\0")
    text = re.sub(r"[^\w\0]+$", "", text)
    return min(_worth(text, own), _worth(text.translate(_LOOKS_LIKE), own)) < LEAST


def _worth(text: str, own: set[str]) -> int:
    """How many characters it comes to, each part that is guessed being one, and what stands between them none."""
    for word in sorted({*_WORDS, *own}, key=len, reverse=True):
        text = text.replace(word, "\0")
    left = re.sub(r"[\W_]+", "", text.replace("\0", "A"))
    return len(re.sub(r"\d{1,4}$", "9", left))


@cache
def _walks() -> list[str]:
    """Stretches of the rows of a keyboard and of the alphabet, both ways, the long ones first."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    return [
        row[start : start + length]
        for length in range(max(map(len, rows)), _SHORTEST_WALK - 1, -1)
        for row in rows
        for start in range(len(row) - length + 1)
    ]
