"""The review desk: findings by risk, what is taken out, what was watched, and the signature of a second person."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from videolib.catalogue import desk, redactions, screenings
from videolib.catalogue.entries import find_entry_of
from videolib.catalogue.media_time import parse_clock, to_seconds
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.errors import InvalidInput, NotFound
from videolib.storage import open_store
from videolib.web.access import recording_to_open
from videolib.web.auditing import note_opening
from videolib.web.context import commit, database_session, services
from videolib.web.desk_views import make_desk
from videolib.web.entries import find_asked_s
from videolib.web.quarantine import make_openers

blueprint = Blueprint("desk", __name__)

_BOX = ("x", "y", "width", "height")


@blueprint.get("/studio/recordings/<recording_id>/review")
def show(recording_id: str) -> str:
    """Everything that a reviewer has to see and decide."""
    person, recording = _asked(recording_id)
    entry = find_entry_of(database_session(), recording.id)
    if entry is None:
        raise NotFound("There is no entry of this recording.")
    page = make_desk(recording, entry, person, start_s=find_asked_s() or 0.0)
    return render_template("desk/show.html", **page, openers=make_openers(recording))


@blueprint.get("/studio/recordings/<recording_id>/findings/<int:finding_id>/picture")
def picture(recording_id: str, finding_id: int) -> Response:
    """The place in the picture, from the restricted store: never cached by anybody."""
    _person, recording = _asked(recording_id)
    finding = screenings.get_finding(database_session(), recording.id, finding_id)
    if finding.picture_key is None:
        raise NotFound("This finding has no picture.")
    content = open_store(services().settings.originals_url).get_bytes(finding.picture_key)
    return Response(content, mimetype="image/jpeg", headers={"Cache-Control": "no-store"})


@blueprint.post("/studio/recordings/<recording_id>/review/begin")
def begin(recording_id: str) -> Answer:
    """Draw the windows that this person is to watch."""
    person, recording = _asked(recording_id)
    desk.begin_look(database_session(), recording, by=person)
    return _back(recording, _("Decide every finding, and watch the passages that are drawn by lot."))


@blueprint.post("/studio/recordings/<recording_id>/findings")
def decide(recording_id: str) -> Answer:
    """Decide one finding, or all open ones of a rule; an accepted one is covered at once."""
    person, recording = _asked(recording_id)
    session, decision = database_session(), request.form.get("decision", "")
    reason = request.form.get("reason", "")
    for finding in _chosen(recording):
        screenings.decide(session, recording, finding, decision, reason, by=person)
        if decision == "accepted":
            rows = redactions.list_redactions(session, recording.id)
            if not redactions.is_covered(finding, rows):
                redactions.add_redaction(session, recording, redactions.covering(finding), by=person)
    return _back(recording, _("Decided."))


@blueprint.post("/studio/recordings/<recording_id>/redactions")
def redact(recording_id: str) -> Answer:
    """Take something out, or put another in the place of what was drawn before."""
    person, recording = _asked(recording_id)
    given = _drawn()
    replaced = request.form.get("redaction", "")
    if replaced.isdigit():
        redactions.change_redaction(database_session(), recording, int(replaced), given, by=person)
    else:
        redactions.add_redaction(database_session(), recording, given, by=person)
    return _back(recording, _("It will be taken out."))


@blueprint.post("/studio/recordings/<recording_id>/redactions/<int:redaction_id>/end")
def unredact(recording_id: str, redaction_id: int) -> Answer:
    """Leave it in after all."""
    person, recording = _asked(recording_id)
    redactions.end_redaction(database_session(), recording, redaction_id, by=person)
    return _back(recording, _("It is left in."))


@blueprint.post("/studio/recordings/<recording_id>/redactions/<int:redaction_id>/follow")
def follow(recording_id: str, redaction_id: int) -> Answer:
    """Let a worker find where what the mask covers goes."""
    person, recording = _asked(recording_id)
    redactions.follow(database_session(), recording, redaction_id, by=person)
    return _back(recording, _("What the mask covers is being followed; look again in a moment."))


@blueprint.post("/studio/recordings/<recording_id>/machine")
def machine(recording_id: str) -> Answer:
    """Keep the still masks for this machine, or draw those of a machine."""
    person, recording = _asked(recording_id)
    chosen = request.form.get("mask", "")
    if chosen.isdigit():
        redactions.use_machine_mask(database_session(), recording, int(chosen), by=person)
        return _back(recording, _("The masks of this machine are drawn."))
    redactions.save_for_machine(database_session(), recording, request.form.get("machine", ""), by=person)
    return _back(recording, _("The masks are kept for this machine."))


@blueprint.post("/studio/recordings/<recording_id>/played")
def played(recording_id: str) -> Answer:
    """Note what the player has played; answers what is still to be seen."""
    person, recording = _asked(recording_id)
    given = (request.get_json(silent=True) or {}).get("played")
    if not isinstance(given, list) or not all(_is_stretch(one) for one in given):
        sentence = "Send the stretches that were played."
        raise InvalidInput(sentence, fields={"played": sentence})
    desk.note_played(database_session(), recording, given, by=person)
    progress = desk.progress_of(database_session(), recording, by=person)
    commit()
    return jsonify({"windows": [list(window) for window in progress.windows], "missing": progress.missing})


def _asked(recording_id: str) -> tuple[User, Recording]:
    person, recording = recording_to_open(recording_id)
    note_opening(recording.id)
    return person, recording


def _chosen(recording: Recording) -> list[screenings.Finding]:
    """The finding that was named, or all of a rule that nobody has decided about."""
    named, rule = request.form.get("finding", ""), request.form.get("rule", "")
    if named.isdigit():
        return [screenings.get_finding(database_session(), recording.id, int(named))]
    screening = screenings.find_screening(database_session(), recording.id)
    found = screenings.list_findings(database_session(), screening.id) if screening and rule else []
    return [one for one in found if one.rule == rule and one.decision == "open"]


def _drawn() -> dict[str, Any]:
    """What the form of a mask says: times, and one place or the places on its way."""
    form = request.form
    start_s, end_s = _time("start"), _time("end")
    kind = form.get("kind", "mask")
    given: dict[str, Any] = {"kind": kind, "start_s": start_s, "end_s": end_s, "fill": form.get("fill", "black")}
    if kind in {"mask", "crop"}:
        given["keys"] = _keys(start_s)
    return given


def _keys(start_s: float) -> list[Any]:
    try:
        way = json.loads(request.form.get("keys") or "[]")
        if way:
            return list(way)
        return [[start_s, *(float(request.form.get(name, "")) / 100 for name in _BOX)]]
    except ValueError:
        sentence = str(_("Write a number."))
        raise InvalidInput(sentence, fields={"x": sentence}) from None


def _time(name: str) -> float:
    try:
        return to_seconds(parse_clock(request.form.get(name, "")))
    except ValueError:
        sentence = str(_("Write a time such as 1:30."))
        raise InvalidInput(sentence, fields={name: sentence}) from None


def _is_stretch(one: object) -> bool:
    return (
        isinstance(one, list)
        and len(one) == 2
        and all(
            isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < 1e6 for number in one
        )
    )


def _back(recording: Recording, message: str) -> Answer:
    commit()
    flash(message, "success")
    return redirect(url_for("desk.show", recording_id=recording.id), 303)
