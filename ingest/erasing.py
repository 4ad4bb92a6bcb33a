"""Erases a recording with everything made of it: master, packages, versions, captions, what people wrote beside it.

First it is taken from sight in one unit of work, then the objects go, then the rows; each step may be repeated, so an
erasure that broke off is ended by asking for it again. What stays is an empty entry, which tells every index to forget
it, and a receipt: how much of what was removed, and digests of the objects' names, nothing of their content.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, String, Table, cast, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from ingest.sweeping import remove_objects, remove_sound
from ingest.workshop import Workshop
from videolib.catalogue.audit import record_event
from videolib.catalogue.bulk_edits import BulkEdit
from videolib.catalogue.entries import Entry, give_place
from videolib.catalogue.erasures import Erasure
from videolib.catalogue.narrations import Narration
from videolib.catalogue.packages import Package
from videolib.catalogue.playlist_items import empty_clips
from videolib.catalogue.ranges import list_montages, showing
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Screening
from videolib.catalogue.second_sources import SecondSource, detach_recording
from videolib.db import Base
from videolib.errors import Conflict, NotFound

# fields of an entry that say something; the rest (id, code, version, dates) is the tombstone
_EMPTIED: dict[str, Any] = {
    "title": {},
    "summary": {},
    "key_points": {},
    "learning_objectives": [],
    "details": {},
    "pending": {},
    "pending_state": None,
    "content_type": None,
    "difficulty": None,
    "cn_grade": None,
    "year_of_procedure": None,
    "reviewer_id": None,
    "publish_requested": False,
    "unplaced": [],
    "package_id": None,
    "status": "archived",
    "withdrawn_reason": "Erased.",
}


def erase(workshop: Workshop, some_id: str) -> Erasure:
    """Erase the recording of that id, or that of the entry of that id, and everything made of it.

    Raises `NotFound`. Of what was erased before, the receipt is given again.
    """
    with workshop.database.writing() as session:
        erasure = _begin(session, some_id)
    if erasure.receipt:
        return erasure
    removed = _remove_objects(workshop, erasure)
    with workshop.database.writing() as session:
        return _end(session, erasure.id, removed)


def _begin(session: Session, some_id: str) -> Erasure:
    """Take it from sight, and write down what is to be erased."""
    for known in session.scalars(select(Erasure)):
        if some_id in {known.id, known.recording_id, *known.entry_ids}:
            return known
    entry = session.get(Entry, some_id)
    recording = _shown_by(entry) if entry is not None else session.get(Recording, some_id)
    if recording is None and entry is None:
        raise NotFound("There is no recording or entry of this id.", code="nothing_to_erase")
    mine = select(Entry.id).where(showing([recording.id]) if recording else Entry.id == some_id)
    erasure = Erasure(recording_id=recording.id if recording else None, entry_ids=list(session.scalars(mine)))
    session.add(erasure)
    if recording is not None:
        waiting = Entry.next_recording_id.in_([recording.id, *_montages_of(session, recording.id)])
        session.execute(update(Entry).where(waiting).values(next_recording_id=None))
        _forget_unplaced(session, recording.id)
    session.execute(update(Entry).where(Entry.id.in_(erasure.entry_ids)).values(**_EMPTIED))
    session.execute(delete(SecondSource).where(SecondSource.entry_id.in_(erasure.entry_ids)))
    if recording is not None:
        detach_recording(session, recording.id)
    session.execute(update(Narration).where(Narration.entry_id.in_(erasure.entry_ids)).values(state="removed"))
    session.flush()
    for row in session.scalars(select(Entry).where(Entry.id.in_(erasure.entry_ids)).with_for_update(of=Entry)):
        give_place(session, row)
    return erasure


def _shown_by(entry: Entry) -> Recording | None:
    """What is erased with an entry. Raises `Conflict` where it shows ranges of several recordings: which is meant?"""
    sources = entry.recording.sources if entry.recording else ()
    if len(sources) > 1:
        ids = ", ".join(one.id for one in sources)
        raise Conflict(f"The entry shows ranges of several recordings; erase those that are meant: {ids}.")
    return next(iter(sources), None)


def _montages_of(session: Session, recording_id: str | None) -> list[str]:
    return [one.id for one in list_montages(session, recording_id)] if recording_id else []


def _forget_unplaced(session: Session, recording_id: str) -> None:
    """What is written about the recording and waits for its place, in whatever entry."""
    for entry in session.scalars(select(Entry).where(func.length(cast(Entry.unplaced, String)) > len("[]"))):
        entry.unplaced = [item for item in entry.unplaced if item["recording_id"] != recording_id]
    session.flush()


def remove_montage(workshop: Workshop, montage_id: str) -> None:
    """Remove a montage that nothing shows any more: its objects, then its rows."""
    with workshop.database.reading() as session:
        packages = list(session.scalars(select(Package.id).where(Package.recording_id == montage_id)))
    for package_id in packages:
        remove_objects(workshop, package_id)
    with workshop.database.writing() as session:
        _remove_recordings(session, [montage_id], Counter())


def _remove_recordings(session: Session, ids: list[str], rows: Counter[str]) -> None:
    recordings, versions = (Base.metadata.tables[name] for name in ("recordings", "entry_versions"))
    rows["entry_versions"] += session.execute(  # type: ignore[attr-defined]
        delete(versions).where(versions.c.recording_id.in_(ids))
    ).rowcount
    _remove_referring(session, recordings, recordings.c.id.in_(ids), rows)
    session.execute(delete(recordings).where(recordings.c.id.in_(ids)))
    rows["recordings"] += len(ids)


def _remove_objects(workshop: Workshop, erasure: Erasure) -> dict[str, Any]:
    """Remove every stored object; gives how many, and one digest over their names."""
    names = hashlib.sha256()
    counts: Counter[str] = Counter()
    with workshop.database.reading() as session:
        recording = session.get(Recording, erasure.recording_id) if erasure.recording_id else None
        of_it = [erasure.recording_id, *_montages_of(session, erasure.recording_id)]
        mine = select(Package.id).where(Package.recording_id.in_(of_it)).order_by(Package.id)
        packages = list(session.scalars(mine))
        looks = list(session.scalars(select(Screening.id).where(Screening.recording_id == erasure.recording_id)))
        narrated = select(Narration).where(Narration.entry_id.in_(erasure.entry_ids)).order_by(Narration.id)
        narrations = list(session.scalars(narrated))
    for narration in narrations:
        names.update(narration.id.encode())
        counts["narration_objects"] += remove_sound(workshop, narration)
    for package_id in packages:
        names.update(package_id.encode())
        counts["package_objects"] += remove_objects(workshop, package_id)
    for screening_id in looks:
        pictures = [item.key for item in workshop.originals.list(f"findings/{screening_id}/")]
        workshop.originals.delete(pictures)
        counts["pictures_of_findings"] += len(pictures)
    if recording is not None:
        names.update(recording.original_key.encode())
        workshop.originals.delete([recording.original_key])
        counts["originals"] += 1
    return {**counts, "names_sha256": names.hexdigest()}


def _end(session: Session, erasure_id: str, removed: dict[str, Any]) -> Erasure:
    """Remove the rows and write the receipt."""
    erasure = session.get_one(Erasure, erasure_id)
    rows: Counter[str] = Counter()
    entries = Base.metadata.tables["entries"]
    if emptied := empty_clips(session, erasure.entry_ids):
        rows["playlist_items"] = emptied
    _remove_referring(session, entries, entries.c.id.in_(erasure.entry_ids), rows)
    session.execute(
        update(entries).where(entries.c.id.in_(erasure.entry_ids)).values(recording_id=None, next_recording_id=None)
    )
    if erasure.recording_id:
        if montages := _montages_of(session, erasure.recording_id):
            _remove_recordings(session, montages, rows)
        _remove_recordings(session, [erasure.recording_id], rows)
    _forget_edits(session, erasure.entry_ids)
    erasure.receipt = {"entries": len(erasure.entry_ids), "objects": removed, "rows": dict(sorted(rows.items()))}
    record_event(
        session, "erase", "recording", erasure.recording_id or erasure.entry_ids[0], by=None, receipt=erasure.receipt
    )
    return erasure


def _remove_referring(session: Session, table: Table, which: ColumnElement[bool], rows: Counter[str]) -> None:
    """Remove the rows of every table that refers to these, and what refers to those; a new table is found by itself."""
    for other in Base.metadata.sorted_tables:
        for key in other.foreign_keys:
            if key.column.table is not table or other.name in {"entries", table.name}:
                continue
            refers = key.parent.in_(select(key.column).where(which))
            keys = list(other.primary_key.columns)
            found = [tuple(row) for row in session.execute(select(*keys).where(refers))]
            if not found:
                continue
            these = keys[0].in_([row[0] for row in found]) if len(keys) == 1 else tuple_(*keys).in_(found)
            _remove_referring(session, other, these, rows)
            session.execute(delete(other).where(these))
            rows[other.name] += len(found)


def _forget_edits(session: Session, entry_ids: Iterable[str]) -> None:
    """What a change of many entries remembers of these."""
    for edit in session.scalars(select(BulkEdit)):
        for name in ("before", "after"):
            kept = getattr(edit, name)
            if set(entry_ids) & set(kept):
                setattr(edit, name, {key: value for key, value in kept.items() if key not in set(entry_ids)})
