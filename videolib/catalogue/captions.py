"""Captions of an entry, one track a language: parsed and written anew, so that nothing but text and times remains."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import webvtt
from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from webvtt.errors import MalformedFileError

from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.people import User
from videolib.db import Base, utc_now
from videolib.errors import InvalidInput, NotFound

MAX_BYTES = 2 * 1024 * 1024
MAX_CUES = 20_000
LANGUAGES = {"zh": "zh-Hans", "zh-hans": "zh-Hans", "zh-cn": "zh-Hans", "en": "en"}
_TAG = re.compile(r"<[^<>]{0,500}>")


@dataclass(frozen=True)
class Cue:
    """One caption: seconds and text (plain, lines kept)."""

    start_s: float
    end_s: float
    text: str


class Caption(Base):
    """A caption track; `cues` are [{"start_s", "end_s", "text"}] in order."""

    __tablename__ = "captions"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"))
    language: Mapped[str]
    kind: Mapped[str] = mapped_column(default="captions")
    # who made it: a person, or a program; and whether a person has read what a program wrote
    source: Mapped[str] = mapped_column(default="human")
    reviewed: Mapped[bool] = mapped_column(default=False)
    cues: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (Index("uq_captions_entry_language", "entry_id", "language", unique=True),)


def parse_vtt(text: str) -> list[Cue]:
    """The cues of a WebVTT text, times in seconds, sorted by start. Raises `InvalidInput`.

    Tags are removed, not interpreted; cues that end before they begin are dropped.
    """
    if len(text.encode()) > MAX_BYTES:
        raise InvalidInput("The caption file is larger than 2 MiB.", code="captions_too_large")
    try:
        parsed = webvtt.from_string(text.lstrip("\ufeff"))
    except (MalformedFileError, ValueError, IndexError, AttributeError) as error:
        raise InvalidInput(
            "This is not a WebVTT caption file; it begins with the word WEBVTT.", code="captions_invalid"
        ) from error
    cues = [
        Cue(_seconds(caption.start), _seconds(caption.end), _plain(caption.raw_text))
        for caption in parsed.captions[: MAX_CUES + 1]
    ]
    if len(cues) > MAX_CUES:
        raise InvalidInput("The caption file has more than 20 000 captions.", code="captions_too_large")
    cues = sorted(
        (cue for cue in cues if cue.text and cue.end_s > cue.start_s),
        key=lambda cue: (cue.start_s, cue.end_s),
    )
    if not cues:
        raise InvalidInput("The caption file holds no caption with a text and a time.", code="captions_invalid")
    return cues


def write_vtt(cues: list[Cue]) -> str:
    """A WebVTT file with these cues and nothing else."""
    blocks = [f"{_clock(cue.start_s)} --> {_clock(cue.end_s)}\n{html.escape(cue.text, quote=False)}" for cue in cues]
    return "WEBVTT\n\n" + "\n\n".join(blocks) + "\n"


def add_captions(session: Session, entry: Entry, language: str, text: str, *, by: User | None) -> Caption:
    """Set the entry's captions in that language (`zh-Hans`, `en`) from a WebVTT text."""
    tag = LANGUAGES.get(language.strip().lower())
    if tag is None:
        raise InvalidInput("Captions are zh-Hans or en.", fields={"language": "Choose zh-Hans or en."})
    cues = [{"start_s": cue.start_s, "end_s": cue.end_s, "text": cue.text} for cue in parse_vtt(text)]
    track = find_track(session, entry.id, tag)
    if track is None:
        track = Caption(entry_id=entry.id, language=tag)
        session.add(track)
    track.cues = list(cues)
    count_write(session, entry)
    record_event(session, "captions", "entry", entry.id, by=by, language=tag, cues=len(cues))
    return track


def list_tracks(session: Session, entry_id: str) -> list[Caption]:
    """All caption tracks of an entry."""
    return list(session.scalars(select(Caption).where(Caption.entry_id == entry_id).order_by(Caption.language.desc())))


def list_languages(session: Session, entry_id: str) -> list[str]:
    """The languages in which an entry has captions, without reading them."""
    statement = select(Caption.language).where(Caption.entry_id == entry_id).order_by(Caption.language.desc())
    return list(session.scalars(statement))


def find_track(session: Session, entry_id: str, language: str) -> Caption | None:
    """The track in that language."""
    return session.scalars(select(Caption).where(Caption.entry_id == entry_id, Caption.language == language)).first()


def get_track(session: Session, entry_id: str, language: str) -> Caption:
    """The track in that language. Raises `NotFound`."""
    track = find_track(session, entry_id, language)
    if track is None:
        raise NotFound("There are no captions in this language.", code="captions_not_found")
    return track


def cues_of(track: Caption) -> list[Cue]:
    """The cues of a stored track."""
    return [Cue(float(str(cue["start_s"])), float(str(cue["end_s"])), str(cue["text"])) for cue in track.cues]


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
