"""Languages of tracks: the three-letter codes that recorders write, as the two-letter ones that players expect."""

from __future__ import annotations

import re

# ISO 639-2, both variants, to 639-1: what occurs on recorders and cameras; others stay as they are, which is allowed
_SHORT: dict[str, str] = {
    "ara": "ar",
    "chi": "zh",
    # no codes of any standard, but what subtitle files are called in China
    "chs": "zh-Hans",
    "cht": "zh-Hant",
    "cmn": "zh",
    "cn": "zh",
    "deu": "de",
    "dut": "nl",
    "eng": "en",
    "fra": "fr",
    "fre": "fr",
    "ger": "de",
    "hin": "hi",
    "ind": "id",
    "ita": "it",
    "jpn": "ja",
    "kor": "ko",
    "may": "ms",
    "msa": "ms",
    "nld": "nl",
    "pol": "pl",
    "por": "pt",
    "rus": "ru",
    "spa": "es",
    "tha": "th",
    "tur": "tr",
    "vie": "vi",
    "zho": "zh",
}
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def language_tag(written: object) -> str:
    """Answer a BCP 47 tag for what a track says of its language; "und" when that is nothing usable."""
    text = str(written or "").strip()
    if not _TAG.fullmatch(text):
        return "und"
    first, dash, rest = text.partition("-")
    return _SHORT.get(first.lower(), first.lower()) + dash + rest
