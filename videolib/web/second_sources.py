"""The page where an editor puts a second recording beside an entry's own, aligned by a moment that both show."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_lists import entries_of_recordings
from videolib.catalogue.packages import get_package
from videolib.catalogue.second_sources import (
    SecondSource,
    find_second,
    list_choices,
    remove_second,
    set_second,
    why_not_shown,
)
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.cards import make_card
from videolib.web.context import commit, database_session
from videolib.web.error_texts import translated
from videolib.web.playback import find_package, fps_of, make_playback
from videolib.web.recording_views import make_recording_view

blueprint = Blueprint("second_sources", __name__)


@dataclass(frozen=True)
class Side:
    """One of the two, as it is aligned: where it plays from, the field of its moment, and what stands in it."""

    field: str
    label: str
    hls_url: str
    fps: float
    at_s: float


@dataclass(frozen=True)
class Choice:
    """A recording that may be put beside the entry's own."""

    id: str
    name: str
    is_same_case: bool
    is_chosen: bool


@blueprint.get("/studio/entries/<entry_id>/second")
def index(entry_id: str) -> str:
    """Which recording, and how both are aligned."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    second = find_second(database_session(), entry.id)
    lacks = why_not_shown(database_session(), entry, second.recording) if second else None
    choices = list_choices(database_session(), entry, by=person)
    entries = entries_of_recordings(database_session(), (row.id for row in choices))
    case_id = entry.recording.case_id if entry.recording else None
    return render_template(
        "studio/second.html",
        card=make_card(entry),
        choices=tuple(
            Choice(
                row.id,
                make_recording_view(row, entries.get(row.id)).name,
                case_id is not None and row.case_id == case_id,
                second is not None and row.id == second.recording_id,
            )
            for row in choices
        ),
        second=second,
        sides=_sides(entry, second) if second else (),
        lacks=translated(lacks) if lacks else None,
    )


@blueprint.post("/studio/entries/<entry_id>/second")
def save(entry_id: str) -> Response:
    """Put it there, the moments of both aligned."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    recording_id = request.form.get("recording_id", "")
    offset_s = _typed_s("second_s") - _typed_s("main_s")
    known = find_second(database_session(), entry.id)
    if "second_s" not in request.form and known is not None and known.recording_id == recording_id:
        offset_s = known.offset_s  # chosen once more: it stays aligned
    set_second(database_session(), entry, recording_id, offset_s, by=person)
    return _back(entry, _("Saved: both pictures are aligned by these moments."))


@blueprint.post("/studio/entries/<entry_id>/second/remove")
def remove(entry_id: str) -> Response:
    """The entry's own recording alone again."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    remove_second(database_session(), entry, by=person)
    return _back(entry, _("The second picture is taken away."))


def _sides(entry: Entry, second: SecondSource) -> tuple[Side, ...]:
    """Both, where this person can watch both."""
    package = find_package(entry)
    playback = make_playback(entry) if package else {}
    if package is None or "second" not in playback:
        return ()
    beside = get_package(database_session(), second.recording.package_id)
    main_s = max(0.0, -second.offset_s)
    return (
        Side("main_s", _("Recording"), playback["hls_url"], fps_of(package), round(main_s, 3)),
        Side(
            "second_s",
            _("Second picture"),
            playback["second"]["hls_url"],
            fps_of(beside),
            round(main_s + second.offset_s, 3),
        ),
    )


def _typed_s(name: str) -> float:
    try:
        return float(request.form.get(name) or 0.0)
    except ValueError as error:
        sentence = "Write the two moments in seconds, as 12.48."
        raise InvalidInput(sentence, fields={name: sentence}, code="second_invalid") from error


def _back(entry: Entry, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("second_sources.index", entry_id=entry.id), 303)
