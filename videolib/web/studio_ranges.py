"""The page on which an editor chooses what an entry shows: ranges of recordings. Plain fields, without a script too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import placing, publishing, ranges
from videolib.catalogue.desk import length_s
from videolib.catalogue.entries import Entry, find_entry_of
from videolib.catalogue.entry_lists import entries_of_recordings
from videolib.catalogue.media_time import exact_clock, parse_clock, to_ticks
from videolib.catalogue.people import User
from videolib.catalogue.ranges import Axis, Range
from videolib.catalogue.recordings import Recording
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_edit, require_editor
from videolib.web.context import commit, database_session, services
from videolib.web.entries import EntryPage, make_page
from videolib.web.error_texts import translated
from videolib.web.errors import status_of
from videolib.web.recording_views import RecordingView, make_recording_view, neutral_name
from videolib.web.texts import ANNOTATION_KINDS, clock_text, word

blueprint = Blueprint("studio_ranges", __name__)

# rows that are free for more, where no script adds any
FREE_ROWS = 2
_CUE = "cue"


@dataclass(frozen=True)
class Row:
    """One range as it was typed, with what is wrong with it by field."""

    recording_id: str = ""
    start: str = ""
    end: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """A recording of which ranges can be taken; `length` in seconds."""

    id: str
    label: str
    length: float


@dataclass(frozen=True)
class LeftLine:
    """Something that the ranges leave out."""

    time_text: str
    kind_text: str
    text: str
    is_shortened: bool


@dataclass(frozen=True)
class _Typed:
    rows: tuple[Row, ...]
    shown_id: str = ""
    notice: str = ""
    left: tuple[LeftLine, ...] = ()
    agreed: str = ""
    status: int = 200


@blueprint.get("/studio/entries/<entry_id>/ranges")
def show(entry_id: str) -> Response:
    """The ranges that it shows, or is to show as soon as they are rendered."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    return _render(entry, person, _Typed(_rows_of(entry), request.args.get("recording", "")))


@blueprint.post("/studio/entries/<entry_id>/ranges")
def save(entry_id: str) -> Response:
    """Let it show these; or another draft; or only show another recording to choose from."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    rows, shown_id = _typed_rows(), request.form.get("shown", "")
    if "show" in request.form:
        return _render(entry, person, _Typed(rows, request.form.get("other", "")))
    try:
        axis = ranges.check_ranges(database_session(), _read(rows), by=person)
        if request.form.get("deed") == "new":
            made = ranges.add_entry(database_session(), entry, axis, by=person)
            return _back(made, _("A new draft shows these ranges as soon as they are rendered."))
        left, agreed = _left(entry, axis), _digest(axis)
        if left and request.form.get("agreed") != agreed:
            return _render(entry, person, _Typed(rows, shown_id, left=left, agreed=agreed))
        ranges.set_ranges(database_session(), entry, axis, by=person)
        threshold = services().settings.review_threshold
        publishing.take_up_next(database_session(), entry, threshold=threshold, by=person)
    except InvalidInput as error:
        database_session().rollback()
        marked = _marked(rows, error)
        typed = _Typed(marked, shown_id, notice=translated(error.message), status=status_of(error))
        return _render(entry_to_edit(entry_id), person, typed)
    return _back(entry, _("Saved. Viewers see these ranges as soon as they are rendered."))


@blueprint.post("/studio/entries/<entry_id>/ranges/next")
def end_waiting(entry_id: str) -> Response:
    """Turn to what was rendered, where it waited; or give it up."""
    person = require_editor()
    entry = entry_to_edit(entry_id)
    if request.form.get("deed") == "give_up":
        ranges.give_up_next(database_session(), entry, by=person)
        return _back(entry, _("Given up: the entry shows what it has shown."))
    threshold = services().settings.review_threshold
    lacks = publishing.take_up_next(database_session(), entry, threshold=threshold, by=person)
    if lacks:
        notice = " ".join(translated(sentence) for sentence in lacks.values())
        return _render(entry, person, _Typed(_rows_of(entry), notice=notice, status=409))
    return _back(entry, _("Done."))


def _render(entry: Entry, person: User, typed: _Typed) -> Response:
    session = database_session()
    choices = _choices(entry, person)
    known = [one.id for one in choices]
    wanted = [typed.shown_id, *(row.recording_id for row in typed.rows), *(known[:1])]
    shown_id = next((one for one in wanted if one in known), "")
    shown = find_entry_of(session, shown_id) if shown_id else None
    waiting = entry.next_recording
    page = render_template(
        "studio/ranges.html",
        entry=make_page(entry),
        player=_player_of(shown) if shown else None,
        shown_id=shown_id,
        rows=typed.rows,
        free_rows=range(len(typed.rows), len(typed.rows) + FREE_ROWS),
        choices=choices,
        notice=typed.notice,
        left=typed.left,
        agreed=typed.agreed,
        waiting=_waiting(waiting, entry) if waiting else None,
        unplaced=len(entry.unplaced),
        given={"lengths": {one.id: one.length for one in choices}, "shown": shown_id},
    )
    return Response(page, typed.status, mimetype="text/html")


def _player_of(shown: Entry) -> EntryPage | None:
    page = make_page(shown)
    return page if page.playback else None


def _waiting(recording: Recording, entry: Entry) -> RecordingView:
    return make_recording_view(recording, entry)


def _choices(entry: Entry, person: User) -> tuple[Choice, ...]:
    """First what it shows, then the newest that this person may use."""
    session = database_session()
    own = [one for each in (entry.recording, entry.next_recording) if each for one in each.sources]
    rows = dict.fromkeys([*(one for one in own if ranges.choosable(one, by=person))])
    rows |= dict.fromkeys(ranges.list_choosable(session, by=person))
    entries = entries_of_recordings(session, [row.id for row in rows])
    found = []
    for row in rows:
        length = length_s(session, row)
        found.append(Choice(row.id, f"{neutral_name(row, entries.get(row.id))} · {clock_text(int(length))}", length))
    return tuple(found)


def _rows_of(entry: Entry) -> tuple[Row, ...]:
    recording = entry.next_recording or entry.recording
    if recording is None or not recording.is_montage:
        return ()
    return tuple(
        Row(one.recording_id, exact_clock(one.start), exact_clock(one.end)) for one in ranges.axis_of(recording).ranges
    )


def _typed_rows() -> tuple[Row, ...]:
    """What was typed, in the order of the places where these were given; rows without times are no ranges."""
    numbers = sorted({int(name[6:]) for name in request.form if name.startswith("start-") and name[6:].isdecimal()})
    found = []
    for number in numbers[: ranges.MOST_RANGES + FREE_ROWS]:
        texts = [request.form.get(f"{name}-{number}", "").strip() for name in ("recording", "start", "end", "place")]
        if (texts[1] or texts[2]) and f"drop-{number}" not in request.form:
            place = float(texts[3]) if texts[3].replace(".", "", 1).isdecimal() else float(number + 1)
            found.append((place, number, Row(texts[0], texts[1], texts[2])))
    return tuple(row for _place, _number, row in sorted(found, key=lambda one: one[:2]))


def _read(rows: tuple[Row, ...]) -> list[Range]:
    """The ranges that were typed. Raises `InvalidInput` naming the fields that hold no time."""
    problems, found = {}, []
    for number, row in enumerate(rows):
        times = []
        for name, text in (("start", row.start), ("end", row.end)):
            try:
                times.append(parse_clock(text))
            except ValueError:
                problems[f"{name}-{number}"] = "Write a time in the recording, for example 1:15.5."
                times.append(to_ticks(0))
        found.append(Range(row.recording_id, *times))
    if problems:
        raise InvalidInput("Write a time in the recording, for example 1:15.5.", fields=problems, code="bad_range")
    return found


def _marked(rows: tuple[Row, ...], error: InvalidInput) -> tuple[Row, ...]:
    def errors_of(number: int) -> dict[str, str]:
        names = ("recording", "start", "end")
        return {name: translated(error.fields[key]) for name in names if (key := f"{name}-{number}") in error.fields}

    return tuple(Row(row.recording_id, row.start, row.end, errors_of(number)) for number, row in enumerate(rows))


def _left(entry: Entry, axis: Axis) -> tuple[LeftLine, ...]:
    """What of the entry has no place on these ranges; without any it is the whole recording, and nothing is lost."""
    if not axis.ranges:
        return ()
    return tuple(
        LeftLine(
            f"{clock_text(int(one.start_s))} – {clock_text(int(one.end_s))}",
            _("Caption") if one.kind == _CUE else word(ANNOTATION_KINDS, one.kind),
            one.text,
            one.is_shortened,
        )
        for one in placing.find_left(database_session(), entry, axis)
    )


def _digest(axis: Axis) -> str:
    """What says that the editor has agreed to just these ranges."""
    return hashlib.sha256(repr(axis.ranges).encode()).hexdigest()[:32]


def _back(entry: Entry, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("studio_ranges.show", entry_id=entry.id), 303)
