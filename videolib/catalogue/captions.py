"""Captions of an entry, one track a language: parsed and written anew, so that nothing but text and times remains."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.people import User
from videolib.cues import Cue, read_cues, sound_cues
from videolib.db import Base, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound
from videolib.identifiers import find_identifiers

SOURCES = ("human", "auto")
_TOLD = ("kind", "source", "reviewed", "cues")
# rules whose numbers no caption needs, those that may hold by chance, and how sure either has to be
_NUMBERS, _NAMES = frozenset({"national_id", "mobile", "hospital_number", "identifier"}), frozenset({"name", "date"})
_SURE = 0.85
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


def add_captions(
    session: Session,
    entry: Entry,
    language: str,
    content: bytes | str,
    *,
    is_confirmed: bool = False,
    by: User | None,
) -> Caption:
    """Set the entry's captions in that language (`zh-Hans`, `en`) from a WebVTT, SubRip or ASS file.

    Raises `InvalidInput`, also for what tells who a patient is: see `require_nobody`.
    """
    tag = LANGUAGES.get(language.strip().lower())
    if tag is None:
        raise InvalidInput("Captions are zh-Hans or en.", fields={"language": "Choose zh-Hans or en."})
    cues = read_cues(content)
    track = find_track(session, entry.id, tag)
    require_nobody(cues, cues_of(track) if track else [], is_confirmed=is_confirmed)
    return keep_cues(session, entry, tag, cues, by=by)


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


class StaleCaptions(Conflict):
    """Somebody else changed the track first; `current` is what it says now."""

    code = "stale"

    def __init__(self, current: list[Cue]) -> None:
        super().__init__("Somebody else has changed these captions since you opened them.", code="stale")
        self.current = current


def require_nobody(cues: Sequence[Cue], known: Sequence[Cue], *, is_confirmed: bool) -> None:
    """Captions are read and searched by everybody: raise `InvalidInput` where new ones tell who a patient is.

    Numbers of patients are never taken; what is built as a name once a person has confirmed that it is no patient's.
    """
    kept = {cue.text for cue in known}
    found = [(cue.start_s, one) for cue in cues if cue.text not in kept for one in find_identifiers(cue.text)]
    numbers = [start_s for start_s, one in found if one.rule in _NUMBERS and one.confidence >= _SURE]
    if numbers:
        sentence = "The captions hold a number of a patient: take it out."
        raise _identifying(sentence, "cues", numbers)
    names = [start_s for start_s, one in found if one.rule in _NAMES and one.confidence >= _SURE]
    if names and not is_confirmed:
        sentence = (
            "The captions may hold a patient's name or day of birth: take it out, or confirm that it is nobody's."
        )
        raise _identifying(sentence, "confirmed", names)


def _identifying(sentence: str, field: str, starts_s: Sequence[float]) -> InvalidInput:
    """What stands where: the times are in `fields`, what it says is nowhere."""
    clocks = dict.fromkeys(f"{int(one // 60)}:{int(one % 60):02}" for one in starts_s)
    fields = {field: sentence, "at": ", ".join(list(clocks)[:10])}
    return InvalidInput(sentence, fields=fields, code="captions_identify")


def edit_cues(
    session: Session, entry: Entry, language: str, cues: Sequence[Cue], *, digest: str | None, by: User | None
) -> list[Cue]:
    """Set the cues of a track that was read with that digest; without cues it is taken away. Gives what is kept.

    Raises `StaleCaptions` where the track says something else by now, `InvalidInput` for cues that cannot be.
    """
    tag = LANGUAGES.get(language.strip().lower())
    if tag is None:
        raise InvalidInput("Captions are zh-Hans or en.", fields={"language": "Choose zh-Hans or en."})
    session.scalars(select(Entry.id).where(Entry.id == entry.id).with_for_update(of=Entry)).one()
    track = find_track(session, entry.id, tag)
    if track is not None:
        session.refresh(track)
    now = cues_of(track) if track is not None else []
    if digest is not None and digest != digest_of_cues(now):
        raise StaleCaptions(now)
    kept = sound_cues(cues)
    if kept:
        keep_cues(session, entry, tag, kept, by=by)
    elif track is not None:
        delete_captions(session, entry, tag, by=by)
    return kept


def digest_of_cues(cues: Sequence[Cue]) -> str:
    """What tells one state of a track from another."""
    text = json.dumps([[float(cue.start_s), float(cue.end_s), cue.text] for cue in cues], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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
