"""The editors' room: what came in, what it still needs, and the form of an entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from videolib.catalogue import masters, publishing
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_lists import count_by_status, entries_of_recordings, list_entries
from videolib.catalogue.gate import assess_entries
from videolib.catalogue.jobs import start_work, stop_work
from videolib.catalogue.people import User, get_user_by_id
from videolib.catalogue.problem_reports import count_open
from videolib.catalogue.recordings import STATES, list_recordings
from videolib.catalogue.reviews import count_queue, name_reviewer
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, recording_to_edit, recording_to_open, require_editor
from videolib.web.cards import EntryCard, make_cards
from videolib.web.context import commit, database_session, services
from videolib.web.preferences import local_path
from videolib.web.recording_views import RecordingView, make_recording_view
from videolib.web.studio_form import autosave, render_form, save_form, try_deed

blueprint = Blueprint("studio", __name__)

ENTRIES_ON_A_PAGE, NEWEST = 50, 10
SECTIONS = (
    ("draft", lazy_gettext("Drafts")),
    ("changes_requested", lazy_gettext("Changes requested")),
    ("in_review", lazy_gettext("In review")),
    ("approved", lazy_gettext("Approved")),
    ("published", lazy_gettext("Published")),
    ("withdrawn", lazy_gettext("Withdrawn")),
    ("archived", lazy_gettext("Archived")),
)
_IN_WORK = STATES - {"ready"}
_MOVES = ("submit", "recall", "archive", "restore")


@dataclass(frozen=True)
class StudioEntry:
    """One line of the entries."""

    card: EntryCard
    edit_url: str
    percent: int
    has_changes: bool
    recording: RecordingView | None


@dataclass(frozen=True)
class Section:
    """The entries of one status: some of them, how many there are, and where all are listed."""

    id: str
    heading: str
    lines: tuple[StudioEntry, ...]
    count: int
    all_url: str


@blueprint.get("/studio")
def index() -> str:
    """What came in, and the newest entries of each status; `?status=` all of one, page by page."""
    person = require_editor()
    wanted = request.args.get("status", "")
    if wanted in dict(SECTIONS):
        return _one_status(wanted, person)
    recordings = list_recordings(database_session(), states=_IN_WORK)
    entries = entries_of_recordings(database_session(), (recording.id for recording in recordings))
    counts = count_by_status(database_session(), by=person)
    newest = {
        status: list_entries(database_session(), by=person, status=status, limit=NEWEST)[0]
        for status, _heading in SECTIONS
        if counts.get(status)
    }
    return render_template(
        "studio/index.html",
        recordings=tuple(make_recording_view(recording, entries.get(recording.id)) for recording in recordings),
        sections=_sections(newest, counts),
        waiting=count_queue(database_session(), by=person),
        problems=count_open(database_session()),
        expiring=_expiring(person),
        is_whole=True,
    )


def _expiring(person: User) -> int:
    """How many masters of theirs go within a month."""
    is_kept = services().settings.masters_kept_days is None
    return 0 if is_kept else len(masters.list_warned(database_session(), by=person))


def _one_status(status: str, person: User) -> str:
    cursor = request.args.get("cursor") or None
    rows, next_cursor = list_entries(
        database_session(), by=person, status=status, limit=ENTRIES_ON_A_PAGE, cursor=cursor
    )
    return render_template(
        "studio/index.html",
        recordings=(),
        sections=_sections({status: rows}, count_by_status(database_session(), by=person)),
        waiting=count_queue(database_session(), by=person),
        problems=count_open(database_session()),
        is_whole=False,
        previous_url=url_for("studio.index", status=status) if cursor else None,
        next_url=url_for("studio.index", status=status, cursor=next_cursor) if next_cursor else None,
    )


def _sections(found: Mapping[str, list[Entry]], counts: Mapping[str, int]) -> tuple[Section, ...]:
    """A section for each status; the figures of all its lines by few questions to the database."""
    lines = {line.card.id: line for line in _lines([entry for rows in found.values() for entry in rows])}
    return tuple(
        Section(
            status,
            str(heading),
            tuple(lines[entry.id] for entry in found[status]),
            counts.get(status, 0),
            url_for("studio.index", status=status),
        )
        for status, heading in SECTIONS
        if status in found
    )


@blueprint.get("/studio/entries/<entry_id>")
def edit(entry_id: str) -> Response:
    """The form."""
    require_editor()
    return render_form(entry_to_edit(entry_id))


@blueprint.post("/studio/entries/<entry_id>")
def save(entry_id: str) -> Response:
    """Keep what was typed."""
    require_editor()
    entry = entry_to_edit(entry_id)
    refusal = save_form(entry)
    return refusal or _back_to(entry, _("Saved."))


@blueprint.post("/studio/entries/<entry_id>/autosave", endpoint="autosave")
def keep_typed(entry_id: str) -> Response:
    """Keep what was typed, for the script of the form."""
    require_editor()
    answer = autosave(entry_to_edit(entry_id))
    commit()
    return jsonify(answer)


@blueprint.post("/studio/entries/<entry_id>/publish")
def publish(entry_id: str) -> Response:
    """Let everyone of its audience see it."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    threshold, reason = services().settings.review_threshold, request.form.get("reason", "")
    refusal = try_deed(
        entry,
        lambda: publishing.publish_entry(database_session(), entry, reason=reason, threshold=threshold, by=person),
    )
    return refusal or _back_to(entry, _("Published: everyone of its audience can find and watch it now."))


@blueprint.post("/studio/entries/<entry_id>/withdraw")
def withdraw(entry_id: str) -> Response:
    """Take it away from all viewers."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    reason = request.form.get("reason", "")
    refusal = try_deed(entry, lambda: publishing.withdraw_entry(database_session(), entry, reason, by=person))
    return refusal or _back_to(entry, _("Withdrawn: nobody but editors can see it any more."))


@blueprint.post("/studio/entries/<entry_id>/move")
def move(entry_id: str) -> Response:
    """Submit it for review, take it back, put it in the archive or out again, or give up what was changed."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    action = request.form.get("action", "")
    if action == "discard":
        refusal = try_deed(entry, lambda: publishing.discard_changes(database_session(), entry, by=person))
    elif action in _MOVES:
        refusal = try_deed(entry, lambda: _move(entry, action))
    else:
        raise InvalidInput(_("Choose what to do."), fields={"action": _("Choose what to do.")})
    return refusal or _back_to(entry, _("Done."))


@blueprint.post("/studio/recordings/<recording_id>/sign-off", endpoint="sign_off")
def sign_off_recording(recording_id: str) -> Response:
    """A second person found nothing that identifies a patient."""
    person, recording = recording_to_open(recording_id)
    if request.form.get("checked") != "yes":
        raise InvalidInput(_("Watch the preview first and tick the box."), fields={"checked": _("Tick the box.")})
    threshold = services().settings.review_threshold
    publishing.sign_off(database_session(), recording, threshold=threshold, by=person)
    return _back(_("Signed off."))


@blueprint.post("/studio/recordings/<recording_id>/retry")
def retry(recording_id: str) -> Response:
    """Start the work anew."""
    person = require_editor()
    start_work(database_session(), recording_to_edit(recording_id), by=person)
    return _back(_("It is in the queue again."))


@blueprint.post("/studio/recordings/<recording_id>/cancel")
def cancel(recording_id: str) -> Response:
    """Stop the work."""
    person = require_editor()
    stop_work(database_session(), recording_to_edit(recording_id), by=person)
    return _back(_("Cancelled; what runs stops within seconds."))


def _move(entry: Entry, action: str) -> None:
    person, session = require_editor(), database_session()
    if action == "submit" and "reviewer" in request.form:
        wanted = request.form.get("reviewer", type=int)
        name_reviewer(session, entry, get_user_by_id(session, wanted) if wanted else None, by=person)
    publishing.move_entry(session, entry, action, reason=request.form.get("reason", ""), by=person)


def _lines(rows: list[Entry]) -> tuple[StudioEntry, ...]:
    found = assess_entries(database_session(), rows, threshold=services().settings.review_threshold)
    return tuple(
        StudioEntry(
            card,
            url_for("studio.edit", entry_id=entry.id),
            found[entry.id].percent,
            bool(entry.pending),
            make_recording_view(entry.recording, entry) if entry.recording else None,
        )
        for entry, card in zip(rows, make_cards(rows), strict=True)
    )


def _back_to(entry: Entry, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("studio.edit", entry_id=entry.id), 303)


def _back(message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(local_path(request.form.get("next") or url_for("studio.index")), 303)
