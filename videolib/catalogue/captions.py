"""Captions of an entry, one track a language: parsed and written anew, so that nothing but text and times remains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.people import User
from videolib.cues import Cue, read_cues
from videolib.db import Base, utc_now
from videolib.errors import InvalidInput, NotFound

SOURCES = ("human", "auto")
_TOLD = ("kind", "source", "reviewed", "cues")
LANGUAGES = {"zh": "zh-Hans", "zh-hans": "zh-Hans", "zh-cn": "zh-Hans", "en": "en"}


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


def add_captions(session: Session, entry: Entry, language: str, content: bytes | str, *, by: User | None) -> Caption:
    """Set the entry's captions in that language (`zh-Hans`, `en`) from a WebVTT, SubRip or ASS file."""
    tag = LANGUAGES.get(language.strip().lower())
    if tag is None:
        raise InvalidInput("Captions are zh-Hans or en.", fields={"language": "Choose zh-Hans or en."})
    return keep_cues(session, entry, tag, read_cues(content), by=by)


def keep_cues(session: Session, entry: Entry, language: str, cues: Sequence[Cue], *, by: User | None) -> Caption:
    """Set the entry's captions in that language (`zh-Hans`, `en`) to these cues."""
    track = find_track(session, entry.id, language)
    if track is None:
        track = Caption(entry_id=entry.id, language=language)
        session.add(track)
    track.cues = [{"start_s": cue.start_s, "end_s": cue.end_s, "text": cue.text} for cue in cues]
    count_write(session, entry)
    record_event(session, "captions", "entry", entry.id, by=by, language=language, cues=len(cues))
    return track


def find_language(tag: str) -> str | None:
    """The catalogue's language for a BCP 47 tag of a track: also `en-GB` and `zh-CN`, but not traditional Chinese."""
    first, _dash, rest = tag.lower().partition("-")
    if first == "zh" and rest and not rest.startswith(("hans", "cn", "sg")):
        return None
    return LANGUAGES.get(first)


def say_who_made(
    session: Session, entry: Entry, track: Caption, *, source: str, reviewed: bool, by: User | None
) -> None:
    """Whether a person or a program made the track, and whether a person has read it. Raises `InvalidInput`."""
    if source not in SOURCES:
        sentence = "Captions are made by a person or by a program: human or auto."
        raise InvalidInput(sentence, fields={"source": sentence}, code="captions_invalid")
    track.source, track.reviewed = source, reviewed
    record_event(
        session,
        "describe_captions",
        "entry",
        entry.id,
        by=by,
        language=track.language,
        source=source,
        reviewed=reviewed,
    )


def delete_captions(session: Session, entry: Entry, language: str, *, by: User | None) -> None:
    """Take a track away. Raises `NotFound`."""
    session.delete(get_track(session, entry.id, language))
    count_write(session, entry)
    record_event(session, "delete_captions", "entry", entry.id, by=by, language=language)


def snapshot(session: Session, entry_id: str) -> dict[str, Any]:
    """What the tracks say now, by language, as plain JSON: the same content gives the same."""
    return {track.language: {name: getattr(track, name) for name in _TOLD} for track in list_tracks(session, entry_id)}


def restore(session: Session, entry: Entry, taken: Mapping[str, Mapping[str, Any]], *, by: User | None) -> None:
    """Put the tracks back to a snapshot; languages that it does not have are taken away."""
    tracks = {track.language: track for track in list_tracks(session, entry.id)}
    changed = []
    for language in sorted({*tracks, *taken}):
        track, told = tracks.get(language), taken.get(language)
        if track is not None and told == {name: getattr(track, name) for name in _TOLD}:
            continue
        changed.append(language)
        if told is None:
            session.delete(track)
            continue
        if track is None:
            track = Caption(entry_id=entry.id, language=language)
            session.add(track)
        for name in _TOLD:
            setattr(track, name, told[name])
    if changed:
        count_write(session, entry)
        record_event(session, "restore_captions", "entry", entry.id, by=by, languages=changed)


def list_tracks(session: Session, entry_id: str) -> list[Caption]:
    """All caption tracks of an entry."""
    return list(session.scalars(select(Caption).where(Caption.entry_id == entry_id).order_by(Caption.language.desc())))


def list_languages(session: Session, entry_id: str) -> list[str]:
    """The languages in which an entry has captions, without reading them."""
    statement = select(Caption.language).where(Caption.entry_id == entry_id).order_by(Caption.language.desc())
    return list(session.scalars(statement))


def list_unread(session: Session, entry_id: str) -> set[str]:
    """The languages whose captions a program made and nobody has read."""
    unread = select(Caption.language).where(
        Caption.entry_id == entry_id, Caption.source == "auto", Caption.reviewed.is_(False)
    )
    return set(session.scalars(unread))


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
