"""Confirms an original that lies in the restricted store: a row and a draft, once for the same bytes.

The file that `ingest` was given and the upload that a browser sent come together here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from videolib.catalogue import captions
from videolib.catalogue.entries import Entry, create_entry, find_entry_of, update_entry
from videolib.catalogue.entry_values import EntryValues
from videolib.catalogue.gate import THRESHOLD
from videolib.catalogue.jobs import start_work
from videolib.catalogue.people import User
from videolib.catalogue.publishing import publish_if_asked
from videolib.catalogue.quarantine import may_know
from videolib.catalogue.recordings import SETTLED, add_recording, get_recording_by_digest
from videolib.errors import NotAllowed

# trying again may help with these; what was refused for its content stays refused
_WORTH_ANOTHER_TRY = frozenset({"failed", "cancelled"})


@dataclass(frozen=True)
class Intake:
    """What became of an input: its recording and entry, and the recording that had the same bytes already."""

    recording_id: str
    entry_id: str
    duplicate_of: str | None


@dataclass(frozen=True)
class Original:
    """An original in its store, and what is known of it. `entry_id`: the draft that was begun while it was on its way.

    `captions` are WebVTT texts by language, `review_threshold` the points that a review must give.
    """

    name: str
    key: str
    size: int
    sha256: str
    values: EntryValues = field(default_factory=EntryValues)
    captions: Mapping[str, str] = field(default_factory=dict)
    entry_id: str | None = None
    review_threshold: int = THRESHOLD
    # made by this program itself for a demo: nobody has to review it. No command and no page can say so.
    generated: bool = False
    # whose it is, where that was said; else its uploader's
    hospital_id: str | None = None


def confirm_new(session: Session, original: Original, *, by: User | None, publish: bool) -> Intake:
    """A recording of bytes that are not in the library yet. Raises `IntegrityError` where they are by now."""
    recording = add_recording(
        session,
        source_name=original.name,
        original_key=original.key,
        size=original.size,
        sha256=original.sha256,
        by=by,
    )
    recording.is_generated = original.generated
    if original.hospital_id:
        recording.hospital_id = original.hospital_id
    entry = session.get(Entry, original.entry_id) if original.entry_id else None
    if entry is None or entry.recording_id is not None:
        entry = create_entry(session, original.values, recording=recording, by=by)
    else:
        entry.recording_id = recording.id
        entry.revision += 1
    entry.publish_requested = publish
    for language, text in original.captions.items():
        captions.add_captions(session, entry, language, text, by=by)
    start_work(session, recording, by=by)
    return Intake(recording.id, entry.id, None)


def confirm_known(session: Session, original: Original, *, by: User | None, publish: bool) -> Intake:
    """The same bytes again: the same recording and entry, and no work but what failed before.

    Raises `NotAllowed` where the recording is another hospital's, in words that do not tell so.
    """
    recording = get_recording_by_digest(session, original.sha256)
    if by is not None and not may_know(by, recording):
        raise NotAllowed("This file cannot be taken in here; an administrator can help.", code="not_taken")
    entry = find_entry_of(session, recording.id)
    if entry is None:
        entry = create_entry(session, original.values, recording=recording, by=by)
    _fill_draft(session, entry, original, by=by)
    if recording.state in _WORTH_ANOTHER_TRY:
        start_work(session, recording, by=by)
    if publish and entry.status == "draft":
        entry.publish_requested = True
        if recording.state in SETTLED:
            publish_if_asked(session, entry, threshold=original.review_threshold, by=by)
    return Intake(recording.id, entry.id, recording.id)


def _fill_draft(session: Session, entry: Entry, original: Original, *, by: User | None) -> None:
    """What is given again reaches a draft that lacks it; a published entry is changed on its page only."""
    changes = {name: getattr(original.values, name) for name in original.values.model_fields_set}
    if entry.status != "draft":
        return
    if not entry.title and changes:
        update_entry(session, entry, original.values, revision=None, by=by)
    there = captions.list_languages(session, entry.id)
    for language, text in original.captions.items():
        if captions.find_language(language) not in there:
            captions.add_captions(session, entry, language, text, by=by)
