"""Timed text in, cues out: WebVTT, SubRip and ASS files in the encodings that editors' programs write.

Everything is parsed and written anew, so that nothing but times and plain text remains: no tags, no styles, no
positions, no notes, no drawings.
"""

from __future__ import annotations

import codecs
import html
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import webvtt
from webvtt.errors import MalformedFileError

from videolib.errors import InvalidInput

MAX_BYTES = 2 * 1024 * 1024
MAX_CUES = 20_000
LAST_S = 1_000_000
# file names that hold timed text, beside a recording or sent alone
SUFFIXES = frozenset({".vtt", ".srt", ".ass", ".ssa"})
# kana, hangul, Cyrillic, Greek, Arabic, Hebrew, Thai: neither Chinese nor English
_OTHER_SCRIPTS = re.compile("[\u0370-\u07ff\u0e00-\u0e7f\u3040-\u30ff\uac00-\ud7af]")
_HAN = re.compile("[\u4e00-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+")
# one word in seven or so of any English text is one of these
_USUAL_IN_ENGLISH = frozenset(
    ["the", "of", "and", "to", "is", "we", "this", "that", "with", "for", "at", "are", "it", "through", "into", "now"]
)
_TAG = re.compile(r"<[^<>]{0,500}>")
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# without a mark: what decodes whole is taken; GB18030 holds GBK and GB2312, and nearly no Western text by accident
_ENCODINGS = ("utf-8", "gb18030", "cp1252")


@dataclass(frozen=True)
class Cue:
    """One caption: seconds and text (plain, lines kept)."""

    start_s: float
    end_s: float
    text: str


def read_cues(content: bytes | str) -> list[Cue]:
    """Return the cues of a WebVTT, SubRip (.srt) or ASS/SSA file, times in seconds, sorted by start.

    What a file is, its first lines say, not its name. Tags are removed, not interpreted; cues that end before they
    begin are dropped. Raises `InvalidInput`.
    """
    if len(content if isinstance(content, bytes) else content.encode()) > MAX_BYTES:
        raise InvalidInput("The caption file is larger than 2 MiB.", code="captions_too_large")
    text = decode(content) if isinstance(content, bytes) else content
    # NUL means nothing in a caption; some programs end their files with it
    found = _read(text.replace("\x00", "").lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    if len(found) > MAX_CUES:
        raise InvalidInput("The caption file has more than 20 000 captions.", code="captions_too_large")
    cues = _in_order(cue for cue in found if cue.text and cue.end_s > cue.start_s >= 0)
    if not cues:
        raise InvalidInput("The caption file holds no caption with a text and a time.", code="captions_invalid")
    return cues


def sound_cues(cues: Iterable[Cue]) -> list[Cue]:
    """Return cues that a person has typed, as they may be kept: plain, to the millisecond, in order.

    Raises `InvalidInput` for times that cannot be and for more than a track may hold.
    """
    kept = [Cue(round(cue.start_s, 3), round(cue.end_s, 3), _plain(html.escape(cue.text, quote=False))) for cue in cues]
    if not all(0 <= cue.start_s < cue.end_s < LAST_S for cue in kept):
        raise InvalidInput("A caption ends after it begins, inside the recording.", code="captions_invalid")
    if len(kept) > MAX_CUES:
        raise InvalidInput("The caption file has more than 20 000 captions.", code="captions_too_large")
    return _in_order(cue for cue in kept if cue.text)


def decode(content: bytes) -> str:
    """Return the text of a file: by its byte order mark, else UTF-16 by its zeros, else the first fit."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    # the first characters of every caption format are ASCII
    head = content[:64]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        if len(zeros) > 1 and zeros.count(0) > len(zeros) // 2:
            return content.decode(encoding, "replace")
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8", "replace")


def guess_language(cues: Sequence[Cue]) -> str | None:
    """Return `zh-Hans` or `en` where these captions are plainly that, for files that do not say; else None."""
    text = " ".join(cue.text for cue in cues)
    if _OTHER_SCRIPTS.search(text):
        return None
    if _HAN.search(text):
        return "zh-Hans"
    words = _WORD.findall(text.lower())
    usual = sum(word in _USUAL_IN_ENGLISH for word in words)
    return "en" if words and usual * 12 >= len(words) else None


def write_vtt(cues: Sequence[Cue], *, head: str = "") -> str:
    """Return a WebVTT file with these cues and nothing else; `head` are lines right below its first one."""
    blocks = [f"{_clock(cue.start_s)} --> {_clock(cue.end_s)}\n{html.escape(cue.text, quote=False)}" for cue in cues]
    return f"WEBVTT\n{head}\n" + "\n\n".join(blocks) + "\n"


def write_subtitles(cues: Sequence[Cue], kind: str) -> str:
    """Return a SubRip (`srt`) or ASS (`ass`) file with these cues, for other programs."""
    import pysubs2  # noqa: PLC0415 - only where somebody takes such a file along

    written = pysubs2.SSAFile()
    for cue in cues:
        event = pysubs2.SSAEvent(start=round(cue.start_s * 1000), end=round(cue.end_s * 1000))
        # braces are commands in ASS, and a text has none; SubRip knows no way to say them otherwise
        event.plaintext = cue.text.replace("{", "(").replace("}", ")") if kind == "ass" else cue.text
        written.events.append(event)
    return str(written.to_string(kind))


def _in_order(cues: Iterable[Cue]) -> list[Cue]:
    return sorted(cues, key=lambda cue: (cue.start_s, cue.end_s))


def _read(text: str) -> list[Cue]:
    if text.startswith("WEBVTT"):
        return _read_vtt(text)
    start = text[:4096].lstrip().lower()
    if start.startswith(("[script info]", "[v4", "[events]")):
        return _read_with_pysubs2(text, "ass")
    if "-->" in text:
        return _read_with_pysubs2(text, "srt")
    raise _no_captions()


def _read_vtt(text: str) -> list[Cue]:
    try:
        parsed = webvtt.from_string(text)
    except (MalformedFileError, ValueError, IndexError, AttributeError) as error:
        raise _no_captions() from error
    return [
        Cue(_seconds(caption.start), _seconds(caption.end), _plain(caption.raw_text))
        for caption in parsed.captions[: MAX_CUES + 1]
    ]


def _read_with_pysubs2(text: str, kind: str) -> list[Cue]:
    import pysubs2  # noqa: PLC0415 - only where a file is no WebVTT

    try:
        # it warns of every field that it has to guess; times and text are checked here
        with warnings.catch_warnings(action="ignore"):
            parsed = pysubs2.SSAFile.from_string(text, format_=kind)
    except (pysubs2.exceptions.Pysubs2Error, ValueError, IndexError, AttributeError) as error:
        raise _no_captions() from error
    return [
        Cue(event.start / 1000, event.end / 1000, _plain(event.plaintext))
        for event in parsed.events[: MAX_CUES + 1]
        if not event.is_comment and not event.is_drawing
    ]


def _no_captions() -> InvalidInput:
    return InvalidInput("This is no caption file: it has to be WebVTT, SubRip (.srt) or ASS.", code="captions_invalid")


def _plain(text: str) -> str:
    # tags first, entities after: `&lt;script&gt;` stays a text that is escaped again when written
    stripped = html.unescape(_TAG.sub("", text)).replace("-->", "→")
    lines = ("".join(ch for ch in line if ch.isprintable()).strip() for line in stripped.splitlines())
    return "\n".join(line for line in lines if line)


def _seconds(stamp: str) -> float:
    total = 0.0
    for part in stamp.split(":"):
        total = total * 60 + float(part)
    return round(total, 3)


def _clock(seconds: float) -> str:
    whole_ms = round(seconds * 1000)
    minutes, ms = divmod(whole_ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}.{ms % 1000:03}"
