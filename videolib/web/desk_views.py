"""What the review desk shows: findings in words, what is taken out, what is still to be watched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from videolib.catalogue import desk, holding, redactions, screenings
from videolib.catalogue.access import can
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User, get_names
from videolib.catalogue.recordings import Recording
from videolib.web.context import database_session
from videolib.web.entries import make_page
from videolib.web.recording_views import make_recording_view
from videolib.web.texts import clock_text, minute_text, word

RULES = {
    "header": lazy_gettext("A value of the DICOM header"),
    "national_id": lazy_gettext("Identity number"),
    "mobile": lazy_gettext("Telephone number"),
    "date": lazy_gettext("A date"),
    "hospital_number": lazy_gettext("Hospital number"),
    "bed": lazy_gettext("Bed number"),
    "name": lazy_gettext("A name"),
    "possible_name": lazy_gettext("Perhaps a name"),
    "identifier": lazy_gettext("A number of the examination"),
    "text": lazy_gettext("Other writing"),
    "speech": lazy_gettext("Somebody speaks"),
    "room": lazy_gettext("Looks like the room"),
    "masked_region": lazy_gettext("A masked place can be seen"),
    "report": lazy_gettext("A viewer reports something private"),
}
SOURCES = {
    "picture": lazy_gettext("in the picture"),
    "container": lazy_gettext("in the file's tags, which are left out"),
    "file_name": lazy_gettext("in the file's name, which nobody else sees"),
    "text": lazy_gettext("in captions or chapters"),
    "sound": lazy_gettext("in the sound"),
    "room": lazy_gettext("in the picture"),
    "thumbnail": lazy_gettext("in a thumbnail"),
    "report": lazy_gettext("around this second"),
}
DECISIONS = {
    "open": lazy_gettext("To be decided"),
    "accepted": lazy_gettext("Identifies somebody"),
    "dismissed": lazy_gettext("Identifies nobody"),
}
KINDS = {
    "mask": lazy_gettext("Mask"),
    "crop": lazy_gettext("Keep only this part"),
    "cut": lazy_gettext("Neutral card"),
    "mute": lazy_gettext("Silence"),
    "drop_text": lazy_gettext("Leave out captions"),
}
FILLS = {"black": lazy_gettext("Black"), "grey": lazy_gettext("Grey"), "white": lazy_gettext("White")}
# missing things by their code; their numbers stand in the lists below
MISSING = {
    "screening": lazy_gettext("Screening has to end first."),
    "findings": lazy_gettext("Decide every finding."),
    "masks": lazy_gettext("Cover every accepted finding for all of its time."),
    "burned_in": lazy_gettext("The recording says that its pictures name the patient: mask what does."),
    "windows": lazy_gettext("Watch the passages that are drawn by lot."),
}


@dataclass(frozen=True)
class FindingLine:
    """One finding for the template."""

    id: int
    rule: str
    rule_text: str
    source_text: str
    start_s: float
    end_s: float
    time_text: str
    percent: int
    decision: str
    decision_text: str
    reason: str
    picture_url: str | None


@dataclass(frozen=True)
class RedactionLine:
    """One thing that is taken out."""

    id: int
    kind_text: str
    time_text: str
    start_s: float
    place_text: str
    end_url: str
    follow_url: str
    can_follow: bool
    is_followed: bool
    moves: bool
    lost_text: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One of the things to do before signing: how far it is, and where on the page."""

    title: str
    text: str
    is_done: bool
    target: str


@dataclass(frozen=True)
class WatcherLine:
    """Somebody who has watched what a viewer reported."""

    name: str
    saw_it: bool
    watched_text: str
    last_text: str


def make_desk(recording: Recording, entry: Entry, person: User, *, start_s: float = 0.0) -> dict[str, Any]:
    """Everything that the page of a recording's review is written from."""
    session = database_session()
    screening = screenings.find_screening(session, recording.id)
    found = screenings.list_findings(session, screening.id) if screening else []
    if recording.package_id:
        output = screenings.find_screening(session, recording.id, package_id=recording.package_id)
        found = [*(screenings.list_findings(session, output.id) if output else []), *found]
    lines = [_line(recording, one) for one in found]
    progress = desk.progress_of(session, recording, by=person)
    return {
        "entry": make_page(entry),
        "recording": make_recording_view(recording, entry),
        "screening": screening,
        "start_s": start_s,
        "end_text": clock_text(math.ceil(desk.length_s(session, recording))),
        "steps": _steps(progress, screening, lines),
        "findings": lines,
        "open_rules": _open_rules(lines),
        "redactions": _redactions(recording),
        "windows": [
            {"start_s": start, "end_s": end, "seen": seen, "text": f"{clock_text(start)}–{clock_text(end)}"}
            for start, end, seen in progress.windows
        ],
        "missing": [word(MISSING, code) for code in progress.missing],
        "is_uploader": recording.uploader_id == person.id,
        "may_sign": can(person, "sign_off", recording),
        "has_begun": session.get(desk.DeskLook, (recording.id, person.id)) is not None,
        "machines": redactions.offered_masks(session, recording),
        "watchers": _watchers(recording),
        "kinds": KINDS,
        "fills": FILLS,
    }


def _line(recording: Recording, finding: screenings.Finding) -> FindingLine:
    start_s, end_s = finding.start_s or 0.0, finding.end_s or finding.start_s or 0.0
    url = url_for("desk.picture", recording_id=recording.id, finding_id=finding.id) if finding.picture_key else None
    return FindingLine(
        finding.id,
        finding.rule,
        word(RULES, finding.rule),
        word(SOURCES, finding.source),
        start_s,
        end_s,
        _("The whole recording") if finding.start_s is None else f"{clock_text(start_s)}–{clock_text(end_s)}",
        round(100 * finding.confidence),
        finding.decision,
        word(DECISIONS, finding.decision),
        finding.reason or "",
        url,
    )


def _steps(progress: desk.Progress, screening: screenings.Screening | None, lines: list[FindingLine]) -> list[Step]:
    """Screening, findings, windows, in the order in which they are done."""
    decided, seen = len(lines) - progress.open_findings, sum(window[2] for window in progress.windows)
    uncovered = {"masks", "burned_in"} & progress.missing.keys()
    return [
        Step(
            _("Screening"),
            _("%(percent)s %%", percent=_percent(screening)),
            _percent(screening) == 100,
            "desk-findings",
        ),
        Step(
            _("Findings"),
            _("%(done)s of %(count)s decided", done=decided, count=len(lines)),
            not progress.open_findings,
            "desk-findings",
        ),
        Step(
            _("Taken out"), _("something is not covered") if uncovered else _("all covered"), not uncovered, "desk-out"
        ),
        Step(
            _("Passages"),
            _("%(done)s of %(count)s watched", done=seen, count=len(progress.windows)),
            "windows" not in progress.missing,
            "desk-windows",
        ),
        Step(_("Signature"), _("by a second person"), False, "desk-sign"),
    ]


def _redactions(recording: Recording) -> list[RedactionLine]:
    session = database_session()
    followed = redactions.followed_now(session, recording)
    return [
        _redaction(recording, row, is_followed=row.id in followed)
        for row in redactions.list_redactions(session, recording.id)
    ]


def _redaction(recording: Recording, row: redactions.RedactionRow, *, is_followed: bool) -> RedactionLine:
    place = ""
    if row.keys:
        _time, x, y, width, height = row.keys[0]
        place = f"{round(100 * x)}, {round(100 * y)} · {round(100 * width)} × {round(100 * height)} %"
    return RedactionLine(
        row.id,
        word(KINDS, row.kind),
        f"{clock_text(row.start_s)}–{clock_text(row.end_s)}",
        row.start_s,
        place,
        url_for("desk.unredact", recording_id=recording.id, redaction_id=row.id),
        url_for("desk.follow", recording_id=recording.id, redaction_id=row.id),
        row.kind == "mask" and not is_followed,
        is_followed,
        len(row.keys) > 1,
        "" if row.lost_s is None else clock_text(int(row.lost_s)),
        redactions.as_json(row),
    )


def _open_rules(lines: list[FindingLine]) -> list[tuple[str, str, int]]:
    """The rules of which more than one finding is open: they can be decided together."""
    counts: dict[str, int] = {}
    for line in lines:
        if line.decision == "open":
            counts[line.rule] = counts.get(line.rule, 0) + 1
    return [(rule, word(RULES, rule), count) for rule, count in counts.items() if count > 1]


def _percent(screening: screenings.Screening | None) -> int:
    if screening is None or not screening.duration_s:
        return 0
    return 100 if screening.state == "done" else min(99, round(100 * screening.done_until_s / screening.duration_s))


def _watchers(recording: Recording) -> list[WatcherLine] | None:
    """Who has watched it, where a viewer has reported something private; None where nobody has."""
    session = database_session()
    reported = holding.list_reported_s(session, recording)
    if not reported:
        return None
    found = holding.list_watchers(session, recording.id, reported[-1])
    names = get_names(session, [one.person_id for one in found])
    return [
        WatcherLine(names.get(one.person_id, ""), one.saw_it, clock_text(int(one.watched_s)), minute_text(one.last_at))
        for one in found
    ]
