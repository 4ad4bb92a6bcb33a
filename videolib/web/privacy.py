"""Cases and consents: the privacy officer finds a case by its hospital number, writes consents down and ends them.

A number travels in the body of a form only, so it stands in no address and no log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.cases import Case, assign_case, find_case, get_case
from videolib.catalogue.consent_ends import read_case_file, withdraw_consent
from videolib.catalogue.consents import CaseConsent, add_consent, list_expiring
from videolib.catalogue.entries import Entry
from videolib.catalogue.groups import Group, get_group, list_groups
from videolib.db import utc_now
from videolib.errors import InvalidInput, NotFound
from videolib.web.access import recording_to_edit, require_editor, require_officer
from videolib.web.cards import first_text
from videolib.web.context import commit, database_session, services
from videolib.web.error_texts import translated
from videolib.web.languages import language
from videolib.web.texts import STATUSES, minute_text, word

blueprint = Blueprint("privacy", __name__)


@dataclass(frozen=True)
class ConsentLine:
    """A consent as the page shows it."""

    id: str
    case_url: str
    scope: str
    obtained_on: str
    expires_on: str
    state: str
    can_end: bool


@blueprint.get("/privacy")
def index() -> str:
    """Find a case; see which consents end soon."""
    person = require_officer()
    mine = person.hospitals_as("privacy_officer")
    soon = list_expiring(database_session(), mine, utc_now().date())
    return render_template(
        "privacy/index.html",
        hospitals=_hospitals([get_group(database_session(), name) for name in sorted(mine)]),
        expiring=tuple(_line(consent) for consent in soon),
    )


@blueprint.post("/privacy/cases")
def find() -> Response:
    """Look a hospital number up."""
    person = require_officer()
    hospital, number = request.form.get("hospital", ""), request.form.get("number", "")
    try:
        case = find_case(database_session(), services().numbers, hospital, number, by=person)
    except NotFound as error:
        commit()  # that somebody looked is an event, whatever was found
        flash(translated(error.message, error.code), "warning")
        return redirect(url_for("privacy.index"), 303)
    commit()
    return redirect(url_for("privacy.show", case_id=case.id), 303)


@blueprint.get("/privacy/cases/<case_id>")
def show(case_id: str) -> str:
    """Everything that the library has of a case."""
    case = get_case(database_session(), case_id, by=require_officer())
    found = read_case_file(database_session(), case)
    return render_template(
        "privacy/case.html",
        case_id=case.id,
        number=services().numbers.open(case.number_sealed),
        consents=tuple(_line(consent) for consent in found.consents),
        recordings=tuple((row.id, minute_text(row.created_at)) for row in found.recordings),
        entries=tuple(_entry(entry, found.versions.get(entry.id, 0)) for entry in found.entries),
    )


@blueprint.post("/privacy/cases/<case_id>/consents")
def add(case_id: str) -> Response:
    """Write a consent down."""
    person = require_officer()
    case = get_case(database_session(), case_id, by=person)
    try:
        add_consent(database_session(), case, request.form, by=person)
    except InvalidInput as error:
        flash(" ".join(translated(text) for text in error.fields.values()), "error")
        return _back(case)
    commit()
    flash(_("The consent is written down."), "success")
    return _back(case)


@blueprint.post("/privacy/cases/<case_id>/consents/<consent_id>/withdraw")
def withdraw(case_id: str, consent_id: str) -> Response:
    """End a consent: what it alone covers is taken away from everybody now."""
    person = require_officer()
    case = get_case(database_session(), case_id, by=person)
    gone = withdraw_consent(database_session(), case, consent_id, by=person)
    commit()
    flash(_("The consent has ended. Entries withdrawn with it: %(count)s.", count=len(gone)), "success")
    return _back(case)


@blueprint.get("/studio/recordings/<recording_id>/case")
def recording(recording_id: str) -> str:
    """Say whose case a recording shows. The page never tells whose it is."""
    require_editor()
    row = recording_to_edit(recording_id)
    hospitals = _hospitals(list_groups(database_session(), "hospital"))
    return render_template(
        "privacy/recording.html", recording_id=row.id, has_case=bool(row.case_id), hospitals=hospitals
    )


@blueprint.post("/studio/recordings/<recording_id>/case")
def assign(recording_id: str) -> Response:
    """Keep it."""
    person = require_editor()
    row = recording_to_edit(recording_id)
    hospital, number = request.form.get("hospital", ""), request.form.get("number", "")
    assign_case(database_session(), services().numbers, row, hospital, number, by=person)
    commit()
    flash(_("The recording belongs to this case now; its consents decide who may watch."), "success")
    return redirect(url_for("privacy.recording", recording_id=row.id), 303)


def _hospitals(groups: list[Group]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (group.id, group.name.get(language()) or next(iter(group.name.values()), group.id)) for group in groups
    )


def _line(consent: CaseConsent) -> ConsentLine:
    scopes: dict[str, Any] = {
        "institution": _("This institution"),
        "programme": _("The training programme"),
        "public": _("Everybody"),
    }
    is_active = consent.is_active(utc_now().date())
    return ConsentLine(
        id=consent.id,
        case_url=url_for("privacy.show", case_id=consent.case_id),
        scope=str(scopes[consent.scope]),
        obtained_on=consent.obtained_on,
        expires_on=consent.expires_on or "",
        state=_("Holds") if is_active else _("Withdrawn") if consent.withdrawn_at else _("Does not hold today"),
        can_end=consent.withdrawn_at is None,
    )


def _entry(entry: Entry, versions: int) -> dict[str, Any]:
    title = first_text(entry.title)
    return {
        "url": url_for("entries.show", entry_id=entry.id),
        "title": title.text if title else entry.code,
        "state": word(STATUSES, entry.status),
        "versions": versions,
    }


def _back(case: Case) -> Response:
    return redirect(url_for("privacy.show", case_id=case.id), 303)
