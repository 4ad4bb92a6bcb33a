"""Languages of tracks: the three-letter codes that recorders write, as the two-letter ones that players expect."""

from __future__ import annotations

import re

_SHORT = dict(
    pair.split("=")
    for pair in [
        "chi=zh",
        "zho=zh",
        "cmn=zh",
        "eng=en",
        "jpn=ja",
        "kor=ko",
        "fre=fr",
        "fra=fr",
        "ger=de",
        "deu=de",
        "spa=es",
        "por=pt",
        "ita=it",
        "rus=ru",
        "dut=nl",
        "nld=nl",
        "ara=ar",
        "hin=hi",
        "tha=th",
        "vie=vi",
        "ind=id",
        "may=ms",
        "msa=ms",
        "tur=tr",
        "pol=pl",
        "cze=cs",
        "ces=cs",
        "swe=sv",
        "dan=da",
        "nor=no",
        "fin=fi",
        "gre=el",
        "ell=el",
        "heb=he",
        "hun=hu",
        "rum=ro",
        "ron=ro",
        "ukr=uk",
        "per=fa",
        "fas=fa",
    ]
)
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def language_tag(written: object) -> str:
    """Answer a BCP 47 tag for what a track says of its language; "und" when that is nothing usable."""
    text = str(written or "").strip()
    if not _TAG.fullmatch(text):
        return "und"
    first, dash, rest = text.partition("-")
    return _SHORT.get(first.lower(), first.lower()) + dash + rest
