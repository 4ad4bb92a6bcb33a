"""From working copy to what viewers see: publish, change what is published, withdraw, archive, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue import captions, desk, holding, lifecycle, placing, ranges, recordings, versions
from videolib.catalogue.annotations import restore as restore_annotations
from videolib.catalogue.audit import record_event
from videolib.catalogue.cines import unconfirmed_guesses
from videolib.catalogue.documents import FIELDS, Document, content_of, document_of, overlay
from videolib.catalogue.entries import Entry, apply_values, count_write, require_revision, update_entry
from videolib.catalogue.entry_values import EntryValues, parse_values, plain
from videolib.catalogue.gate import THRESHOLD, assess_documents, assess_entry
from videolib.catalogue.jobs import start_work
from videolib.catalogue.library import next_sequence
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.db import utc_now
from videolib.errors import Conflict, InvalidInput

_BY_SYSTEM = "As asked for when it was taken in."
_OTHER_RANGES = "It shows other ranges."


def publish_entry(
    session: Session,
    entry: Entry,
    *,
    revision: int | None = None,
    reason: str = "",
    threshold: int = THRESHOLD,
    by: User | None,
) -> Entry:
    """Let everyone of its audience see the entry as it is worked on now, as a new version.

    Raises `InvalidInput` (code "not_publishable") naming what is missing, `Conflict`, `NotAllowed`.
    """
    require_revision(entry, revision)
    lifecycle.require(entry, "publish", by=by)
    if missing := assess_entry(session, entry, threshold=threshold).missing:
        raise _not_publishable(missing)
    if entry.pending:
        apply_values(session, entry, parse_values(entry.pending))
        entry.pending, entry.pending_state = {}, None
    lifecycle.move(entry, "publish", by=by)
    entry.publish_requested, entry.held_revision = False, None
    entry.package_id = entry.recording.package_id if entry.recording else None
    entry.published_at = entry.published_at or utc_now()
    _seal(session, entry, "publish", reason=reason, by=by)
    return entry


def change_entry(
    session: Session,
    entry: Entry,
    values: EntryValues,
    *,
    revision: int | None,
    threshold: int = THRESHOLD,
    by: User | None,
) -> Entry:
    """Change what `values` gives; of a published entry at once and as a new version, if it lacks nothing then.

    Raises `InvalidInput` where a published entry would lack more than it does, `Conflict` for a field that the studio
    holds changed and not yet published.
    """
    lifecycle.require(entry, "edit", by=by)
    if entry.status != "published":
        content = content_of(document_of(entry))
        update_entry(session, entry, values, revision=revision, by=by)
        if content_of(document_of(entry)) != content:
            _void_approval(entry)
        return entry
    require_revision(entry, revision)
    if held := sorted(values.model_fields_set & set(entry.pending)):
        sentence = "The studio holds a change of this field that is not published yet."
        raise Conflict(f"{sentence} ({', '.join(held)})", code="pending_change")
    before = document_of(entry)
    changes = {name: plain(getattr(values, name)) for name in values.model_fields_set}
    require_no_worse(session, entry, before, changes, threshold=threshold)
    apply_values(session, entry, values)
    if document_of(entry) != before:
        fields = sorted(values.model_fields_set)
        _seal(session, entry, "update", reason=f"Changed: {', '.join(fields)}.", by=by, fields=fields)
    return entry


def publish_if_asked(session: Session, entry: Entry, *, threshold: int = THRESHOLD, by: User | None) -> list[str]:
    """Publish an entry whose uploader asked for it; gives what is still missing, a sentence each."""
    if not entry.publish_requested:
        return []
    try:
        publish_entry(session, entry, reason=_BY_SYSTEM, threshold=threshold, by=by)
    except InvalidInput as error:
        return list(error.fields.values())
    return []


def recording_is_ready(
    session: Session, recording: Recording, *, threshold: int = THRESHOLD, by: User | None
) -> list[str]:
    """A recording has a new package that may be seen: published entries turn to it, those that wait are published.

    Gives what still keeps a waiting entry from being published, a sentence each.
    """
    missing = _take_up_waiting(session, recording, threshold=threshold)
    # locked and read anew, in one order: an editor who saves at this moment waits, and nobody waits in a circle
    mine = select(Entry).where(Entry.recording_id == recording.id).order_by(Entry.id).with_for_update(of=Entry)
    for entry in session.scalars(mine, execution_options={"populate_existing": True}).all():
        if entry.status == "published" and entry.package_id != recording.package_id:
            if unconfirmed_guesses(recording):
                continue  # viewers keep the old one until an editor has looked at what was guessed
            entry.package_id = recording.package_id
            count_write(session, entry)
        elif entry.status == "draft":
            missing += publish_if_asked(session, entry, threshold=threshold, by=by)
        elif entry.status == "withdrawn" and entry.held_revision is not None:
            # asked again: its consent may have ended meanwhile
            lacks = list(assess_entry(session, entry, threshold=threshold).missing.values())
            missing += lacks
            if not lacks:
                holding.give_back(session, entry, recording.package_id, by=by)
    for montage in ranges.list_montages(session, recording.id):
        if montage.state == "ready":
            missing += _montage_again(session, montage, threshold=threshold)
    return missing


def take_up_next(session: Session, entry: Entry, *, threshold: int = THRESHOLD, by: User | None) -> dict[str, str]:
    """Let the entry show what was made for it, with everything that is written at its times.

    A published entry turns to it as a new version, if it lacks nothing then that it does not lack now; else viewers
    keep the old one, and what it would lack is given.
    """
    found = entry.next_recording
    if found is None or found.state != "ready" or found.package_id is None or not ranges.are_released(found):
        return {}
    lacked = _missing_of(session, entry, document_of(entry), threshold)
    savepoint = session.begin_nested()
    ranges.keep_whole(session, entry)
    placing.move_times(session, entry, ranges.axis_of(found))
    entry.recording_id, entry.next_recording_id = found.id, None
    # what nobody sees has no package of its own
    entry.package_id = found.package_id if entry.status == "published" else None
    session.flush()
    session.refresh(entry)
    lacks = _missing_of(session, entry, document_of(entry), threshold)
    worse = {name: sentence for name, sentence in lacks.items() if name not in lacked}
    if worse and entry.status == "published":
        savepoint.rollback()
        session.refresh(entry)
        return worse
    savepoint.commit()
    if entry.status == "published":
        _seal(session, entry, "update", reason=_OTHER_RANGES, by=by)
    else:
        _void_approval(entry)
        count_write(session, entry)
        record_event(session, "take_up", "entry", entry.id, by=by, recording=found.id)
    return {}


def sign_off(session: Session, recording: Recording, *, threshold: int = THRESHOLD, by: User) -> list[str]:
    """A second person has seen and decided what the desk asks for: let the recording be seen.

    What is to be taken out is rendered first, and the output screened: `output_is_screened` ends it then.
    Raises `NotAllowed` for the uploader, `Conflict` where the review is not complete. Gives what still keeps a waiting
    entry from being published.
    """
    desk.require_signable(session, recording, by=by)
    desk.note_signature(session, recording, by=by)
    if desk.needs_rendering(session, recording):
        start_work(session, recording, by=by)
        return []
    recordings.sign_off(session, recording, by=by)
    return recording_is_ready(session, recording, threshold=threshold, by=by)


def output_is_screened(
    session: Session, recording: Recording, package_id: str, *, is_clean: bool, threshold: int = THRESHOLD
) -> list[str]:
    """What was rendered after a signature has been screened: seen by all if it is clean, else back to the desk."""
    if recording.state != "awaiting_review" or recording.package_id != package_id or not recording.signed_off_by_id:
        return []
    if not is_clean or desk.needs_rendering(session, recording):
        recording.signed_off_by_id = recording.signed_off_at = None
        record_event(session, "output_refused", "recording", recording.id, by=None, package=package_id)
        return []
    recordings.settle(session, recording, "sign_off", None)
    record_event(session, "sign_off", "recording", recording.id, by=None, package=package_id)
    return recording_is_ready(session, recording, threshold=threshold, by=None)


def withdraw_entry(
    session: Session, entry: Entry, reason: str, *, revision: int | None = None, by: User | None
) -> Entry:
    """Take the entry away from all viewers. Raises `InvalidInput` without a reason."""
    require_revision(entry, revision)
    if not reason.strip():
        raise InvalidInput("Say why the entry is withdrawn.", fields={"reason": "Say why the entry is withdrawn."})
    if entry.status != "published":
        raise Conflict("Only a published entry can be withdrawn.", code="wrong_state")
    lifecycle.require(entry, "withdraw", by=by)
    _take_up_pending(session, entry)
    lifecycle.move(entry, "withdraw", by=by)
    entry.withdrawn_reason = reason.strip()[:2000]
    count_write(session, entry)
    record_event(session, "withdraw", "entry", entry.id, by=by, reason=entry.withdrawn_reason)
    return entry


def move_entry(session: Session, entry: Entry, action: str, *, reason: str = "", by: User | None) -> Entry:
    """Submit, recall, archive or restore. Raises `Conflict` and `NotAllowed` as the table says."""
    lifecycle.move(entry, action, by=by)
    if action == "submit":
        entry.submitted_at = utc_now()
    count_write(session, entry)
    record_event(session, action, "entry", entry.id, by=by, **({"reason": reason.strip()[:2000]} if reason else {}))
    return entry


def discard_changes(session: Session, entry: Entry, *, by: User | None) -> Entry:
    """Give up what was changed of a published entry and not published."""
    lifecycle.require(entry, "discard", by=by)
    if not entry.pending:
        raise Conflict("There is nothing to discard.", code="wrong_state")
    record_event(session, "discard", "entry", entry.id, by=by, fields=sorted(entry.pending))
    entry.pending, entry.pending_state = {}, None
    count_write(session, entry)
    return entry


def delete_entry(session: Session, entry: Entry, *, revision: int | None = None, by: User | None) -> None:
    """Delete a draft. Raises `Conflict` for what was published once: it is withdrawn instead."""
    require_revision(entry, revision)
    if entry.version:
        raise Conflict("An entry that was published once is withdrawn, not deleted.", code="wrong_state")
    lifecycle.require(entry, "delete", by=by)
    record_event(session, "delete", "entry", entry.id, by=by)
    next_sequence(session)
    session.delete(entry)
    session.flush()


def roll_back(
    session: Session, entry: Entry, number: int, *, reason: str, threshold: int = THRESHOLD, by: User | None
) -> Entry:
    """Make a new version that says what version `number` said, in words, annotations and captions; those between stay.

    What is not published takes the old text as its draft. A second recording and narrations stay as they are, and so
    do captions (and the oldest versions' annotations) that an earlier release did not keep. Raises `InvalidInput`
    without a reason, or where the old version lacks more than the present one; then the unit of work is to be given up.
    """
    lifecycle.require(entry, "edit", by=by)
    reason = versions.require_reason(reason)
    old = versions.get_version(session, entry.id, number)
    before = document_of(entry)
    lacked = _missing_of(session, entry, before, threshold)
    values = parse_values({name: old.document.get(name) for name in FIELDS if name in old.document or name in before})
    apply_values(session, entry, values, with_retired=True)
    entry.pending, entry.pending_state = {}, None
    then, now = ranges.axis_of(session.get(Recording, old.recording_id or "")), ranges.axis_of(entry.recording)
    is_other = bool(then.ranges) and then != now
    if (kept := versions.kept_annotations(old)) is not None:
        moved = placing.moved_annotations(kept, then, now) if is_other else kept
        restore_annotations(session, entry, moved, by=by)
    if old.captions is not None:
        tracks = placing.moved_captions(old.captions, then, now) if is_other else old.captions
        captions.restore(session, entry, tracks, by=by)
    if entry.status == "published":
        _require_no_worse(lacked, _missing_of(session, entry, document_of(entry), threshold))
        _seal(session, entry, "roll_back", reason=reason, by=by, to=number)
    else:
        _void_approval(entry)
        record_event(session, "roll_back", "entry", entry.id, by=by, to=number, reason=reason)
    return entry


def require_no_worse(
    session: Session, entry: Entry, before: Mapping[str, Any], changes: Mapping[str, Any], *, threshold: int
) -> None:
    """Raise `InvalidInput` where a published entry would lack something that it does not lack now.

    What an older version of this program let through may be edited without mending all of it at once.
    """
    lacked = _missing_of(session, entry, overlay(before, {}), threshold)
    _require_no_worse(lacked, _missing_of(session, entry, overlay(before, changes), threshold))


def _take_up_waiting(session: Session, recording: Recording, *, threshold: int) -> list[str]:
    waiting = select(Entry).where(Entry.next_recording_id == recording.id).order_by(Entry.id).with_for_update(of=Entry)
    found = session.scalars(waiting, execution_options={"populate_existing": True}).all()
    return [text for one in found for text in take_up_next(session, one, threshold=threshold, by=None).values()]


def _montage_again(session: Session, montage: Recording, *, threshold: int) -> list[str]:
    """A recording of a montage was released anew: what is to be taken out of it is rendered again, if that changed."""
    if not ranges.are_released(montage):
        return []
    package = session.get(Package, montage.package_id) if montage.package_id else None
    if package is not None and package.redactions == ranges.rendered_with(session, montage):
        return recording_is_ready(session, montage, threshold=threshold, by=None)
    start_work(session, montage, by=None)
    return []


def _missing_of(session: Session, entry: Entry, document: Document, threshold: int) -> Mapping[str, str]:
    return assess_documents(session, [(entry, document)], threshold=threshold)[entry.id].missing


def _require_no_worse(lacked: Mapping[str, str], lacks: Mapping[str, str]) -> None:
    if worse := {name: sentence for name, sentence in lacks.items() if name not in lacked}:
        raise _not_publishable(worse)


def _seal(session: Session, entry: Entry, deed: str, *, reason: str, by: User | None, **detail: object) -> None:
    versions.add_version(session, entry, reason=reason, by=by)
    count_write(session, entry)
    record_event(session, deed, "entry", entry.id, by=by, version=entry.version, package=entry.package_id, **detail)


def _take_up_pending(session: Session, entry: Entry) -> None:
    """What nobody sees needs no second copy: the changes go into the entry itself."""
    if entry.pending:
        # a term may have been retired since: that keeps nobody from withdrawing
        apply_values(session, entry, parse_values(entry.pending), with_retired=True)
        entry.pending, entry.pending_state = {}, None


def _void_approval(entry: Entry) -> None:
    """An approval was for another content; the gate sees that too, this only says so."""
    if entry.status == "approved":
        entry.status = "draft"


def _not_publishable(missing: Mapping[str, str]) -> InvalidInput:
    return InvalidInput(
        "The entry cannot be published yet. " + " ".join(missing.values()), fields=missing, code="not_publishable"
    )
