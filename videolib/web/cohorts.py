"""Cohorts, as instructors keep them, and how far their people are in what an instructor has assigned to them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import cohorts as catalogue
from videolib.catalogue.people import User, get_user_by_id
from videolib.catalogue.playlist_lists import list_built_for
from videolib.catalogue.playlist_progress import progress_of
from videolib.web.access import require_instructor
from videolib.web.cards import Text
from videolib.web.context import commit, database_session
from videolib.web.playlist_views import name_of, percent_of, title_of
from videolib.web.teach import split_names
from videolib.web.texts import clock_text

blueprint = Blueprint("cohorts", __name__)


@dataclass(frozen=True)
class CohortPlaylist:
    """A column: one of the instructor's playlists that is assigned to the cohort."""

    title: Text
    results_url: str


@dataclass(frozen=True)
class MemberLine:
    """A person of the cohort: how far in each of the playlists (percent, done), and how long they watched in all."""

    id: int
    name: str
    email: str
    parts: tuple[tuple[int, bool], ...]
    done_count: int
    hours_text: str


@dataclass(frozen=True)
class CohortPage:
    """Everything the page shows."""

    id: str
    name: str
    playlists: tuple[CohortPlaylist, ...]
    members: tuple[MemberLine, ...]


@blueprint.post("/teach/cohorts")
def create() -> Response:
    """Begin a cohort, with its people."""
    person = require_instructor()
    cohort = catalogue.add_cohort(database_session(), request.form.get("name", ""), by=person)
    catalogue.add_members(database_session(), cohort, split_names(request.form.get("people", "")), by=person)
    return _saved(cohort.id, _("The cohort is made."))


@blueprint.get("/teach/cohorts/<cohort_id>")
def show(cohort_id: str) -> str:
    """Its people, and how far they are."""
    person = require_instructor()
    return render_template("teach/cohort.html", page=_page(catalogue.get_cohort(database_session(), cohort_id), person))


@blueprint.post("/teach/cohorts/<cohort_id>")
def rename(cohort_id: str) -> Response:
    """Call it something else."""
    person, session = require_instructor(), database_session()
    cohort = catalogue.get_cohort(session, cohort_id)
    catalogue.rename_cohort(session, cohort, request.form.get("name", ""), by=person)
    return _saved(cohort.id, _("Saved."))


@blueprint.post("/teach/cohorts/<cohort_id>/members")
def add_members(cohort_id: str) -> Response:
    """Let people learn in it."""
    person, session = require_instructor(), database_session()
    cohort = catalogue.get_cohort(session, cohort_id)
    catalogue.add_members(session, cohort, split_names(request.form.get("people", "")), by=person)
    return _saved(cohort.id, _("Added."))


@blueprint.post("/teach/cohorts/<cohort_id>/members/<int:user_id>/end")
def remove_member(cohort_id: str, user_id: int) -> Response:
    """Somebody learns in it no more."""
    person, session = require_instructor(), database_session()
    cohort = catalogue.get_cohort(session, cohort_id)
    catalogue.remove_member(session, cohort, get_user_by_id(session, user_id), by=person)
    return _saved(cohort.id, _("Taken out."))


@blueprint.post("/teach/cohorts/<cohort_id>/delete")
def delete(cohort_id: str) -> Response:
    """Take it away; its people stay."""
    person, session = require_instructor(), database_session()
    catalogue.delete_cohort(session, catalogue.get_cohort(session, cohort_id), by=person)
    commit()
    flash(_("The cohort is deleted."), "success")
    return redirect(url_for("teach.index"), 303)


def _saved(cohort_id: str, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("cohorts.show", cohort_id=cohort_id), 303)


def _page(cohort: catalogue.Cohort, person: User) -> CohortPage:
    """Of what they watched only what belongs to playlists that this instructor has assigned to them."""
    session = database_session()
    members = catalogue.list_members(session, cohort.id)
    rows = list_built_for(session, cohort.id, by=person)
    progress = progress_of(session, rows, members)
    lines = []
    for member in members:
        each = [progress[row.id, member.id] for row in rows]
        lines.append(
            MemberLine(
                id=member.id,
                name=name_of(member),
                email=member.email,
                parts=tuple((percent_of(one.share), one.is_done) for one in each),
                done_count=sum(one.is_done for one in each),
                hours_text=clock_text(sum(one.watched_ms for one in each) / 1000),
            )
        )
    columns = tuple(
        CohortPlaylist(title_of(row), url_for("results.show", playlist_id=row.id, cohort=cohort.id)) for row in rows
    )
    return CohortPage(cohort.id, cohort.name, columns, tuple(lines))
