"""The instructors' room: what they build, who learns from it, what they have to see to; a playlist's settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from videolib.catalogue import playlist_items, playlists
from videolib.catalogue.cohorts import list_cohorts
from videolib.catalogue.people import User, get_names
from videolib.catalogue.playlist_lists import list_built
from videolib.catalogue.playlist_progress import assigned_people, progress_of
from videolib.catalogue.playlists import Playlist
from videolib.errors import InvalidInput
from videolib.web.access import playlist_to_build, playlist_to_see, require_instructor
from videolib.web.builder import entry_titles, make_builder
from videolib.web.cards import Text
from videolib.web.context import commit, database_session
from videolib.web.playlist_fields import fields_of_playlist, fields_of_whole
from videolib.web.playlist_views import due_text, is_past, title_of
from videolib.web.seen_forms import require_seen

blueprint = Blueprint("teach", __name__)


@dataclass(frozen=True)
class BuiltLine:
    """A playlist in the list of who builds it."""

    title: Text
    url: str
    results_url: str
    facts: str
    due_text: str
    is_late: bool
    people_count: int
    done_count: int
    percent: int
    by: str


@dataclass(frozen=True)
class GoneClip:
    """A clip that counts no more: its entry was withdrawn or is gone."""

    playlist_title: Text
    item_title: Text
    reason: str
    url: str


@dataclass(frozen=True)
class CohortLine:
    """A cohort in the list."""

    name: str
    url: str
    count_text: str


@dataclass(frozen=True)
class TeachPage:
    """Everything the room shows."""

    playlists: tuple[BuiltLine, ...]
    warnings: tuple[GoneClip, ...]
    cohorts: tuple[CohortLine, ...]


@blueprint.get("/teach")
def index() -> str:
    """The room."""
    person = require_instructor()
    session = database_session()
    rows = list_built(session, by=person)
    page = TeachPage(
        playlists=_built_lines(rows, person),
        warnings=_warnings(rows),
        cohorts=tuple(
            CohortLine(
                cohort.name,
                url_for("cohorts.show", cohort_id=cohort.id),
                ngettext("%(num)s person", "%(num)s people", count),
            )
            for cohort, count in list_cohorts(session)
        ),
    )
    return render_template("teach/index.html", page=page)


@blueprint.post("/teach/playlists")
def create() -> Response:
    """Begin a playlist."""
    person = require_instructor()
    playlist = playlists.create_playlist(database_session(), _sent_title(), by=person)
    commit()
    return redirect(url_for("teach.build", playlist_id=playlist.id), 303)


@blueprint.get("/teach/playlists/<playlist_id>")
def build(playlist_id: str) -> str:
    """Build it; `?q=` looks for recordings to add."""
    playlist = playlist_to_build(playlist_id)
    return render_template("teach/playlist.html", page=make_builder(playlist, request.args.get("q", "")))


@blueprint.post("/teach/playlists/<playlist_id>")
def save(playlist_id: str) -> Response:
    """Its title, what is said of it, for whom it is open, when it is due, who builds it too."""
    playlist, sent, session = playlist_to_build(playlist_id), request.form, database_session()
    require_seen(fields_of_playlist(playlist), url_for("teach.build", playlist_id=playlist.id))
    playlists.change_playlist(
        session,
        playlist,
        title=_sent_title(),
        description=sent.get("description", ""),
        audience=sent.get("audience", "assigned"),
        due_on=read_day(sent.get("due_on", "")),
    )
    playlists.set_editors(session, playlist, split_names(sent.get("editors", "")), by=require_instructor())
    return saved(playlist, _("Saved."))


@blueprint.post("/teach/playlists/<playlist_id>/assign")
def assign(playlist_id: str) -> Response:
    """To people by address, or cohorts by name."""
    playlist = playlist_to_build(playlist_id)
    for name in split_names(request.form.get("names", "")):
        playlists.assign(database_session(), playlist, name, by=require_instructor())
    return saved(playlist, _("Assigned."), "people")


@blueprint.post("/teach/playlists/<playlist_id>/assignments/<assignment_id>/end")
def unassign(playlist_id: str, assignment_id: str) -> Response:
    """To somebody or a cohort no more."""
    playlist = playlist_to_build(playlist_id)
    playlists.unassign(database_session(), playlist, assignment_id, by=require_instructor())
    return saved(playlist, _("It is not assigned to them any more."), "people")


@blueprint.post("/teach/playlists/<playlist_id>/copy")
def copy(playlist_id: str) -> Response:
    """A playlist of one's own with the same clips; any instructor who may open it may copy it."""
    person = require_instructor()
    playlist = playlist_to_see(playlist_id)
    title = {
        lang: _copied(text, lang) for lang, text in playlist.title.items() if len(text) < playlists.LONGEST_TITLE - 10
    }
    made = playlist_items.copy_playlist(database_session(), playlist, title or playlist.title, by=person)
    commit()
    flash(_("This is your copy; it is assigned to nobody yet."), "success")
    return redirect(url_for("teach.build", playlist_id=made.id), 303)


@blueprint.post("/teach/playlists/<playlist_id>/delete")
def delete(playlist_id: str) -> Response:
    """Take it away."""
    playlist = playlist_to_build(playlist_id)
    back = url_for("teach.build", playlist_id=playlist.id)
    require_seen(fields_of_whole(playlist), back, is_removal=True)
    playlists.delete_playlist(database_session(), playlist, by=require_instructor())
    commit()
    flash(_("The playlist is deleted."), "success")
    return redirect(url_for("teach.index"), 303)


def saved(playlist: Playlist, message: str, anchor: str | None = None) -> Response:
    """Count the write, commit, and back to the builder."""
    playlists.count_write(database_session(), playlist)
    commit()
    flash(message, "success")
    return redirect(url_for("teach.build", playlist_id=playlist.id, _anchor=anchor), 303)


def split_names(text: str) -> list[str]:
    """Names separated by lines, commas or semicolons, Chinese ones too."""
    for separator in ",;，；\r\n":
        text = text.replace(separator, "\n")
    return [name.strip() for name in text.split("\n") if name.strip()]


def read_day(text: str) -> date | None:
    """`2027-01-31`; None for nothing. Raises `InvalidInput`."""
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        sentence = "Write the day as 2026-01-31."
        raise InvalidInput(sentence, fields={"due_on": sentence}, code="playlist_invalid") from error


def _sent_title() -> dict[str, str]:
    return {lang: request.form.get(f"title_{lang}", "") for lang in ("zh", "en")}


def _copied(text: str, lang: str) -> str:
    return f"{text}（副本）" if lang == "zh" else f"{text} (copy)"


def _built_lines(rows: list[Playlist], person: User) -> tuple[BuiltLine, ...]:
    session = database_session()
    people = assigned_people(session, rows)
    everybody = {user.id: user for users in people.values() for user in users}
    progress = progress_of(session, rows, list(everybody.values()))
    names = get_names(session, [row.owner_id for row in rows])
    lines = []
    for row in rows:
        each = [progress[row.id, user.id] for user in people[row.id]]
        done = sum(one.is_done for one in each)
        clips = ngettext("%(num)s clip", "%(num)s clips", len(row.clips))
        learners = ngettext("%(num)s person", "%(num)s people", len(each))
        lines.append(
            BuiltLine(
                title=title_of(row),
                url=url_for("teach.build", playlist_id=row.id),
                results_url=url_for("results.show", playlist_id=row.id),
                facts=f"{clips} · {learners}",
                due_text=due_text(row.due_on),
                is_late=is_past(row.due_on) and done < len(each),
                people_count=len(each),
                done_count=done,
                percent=round(100 * done / len(each)) if each else 0,
                by=names.get(row.owner_id or 0, "") if row.owner_id != person.id else "",
            )
        )
    return tuple(lines)


def _warnings(rows: list[Playlist]) -> tuple[GoneClip, ...]:
    gone = playlist_items.list_withdrawn(database_session(), [row.id for row in rows])
    titles = entry_titles([item for items in gone.values() for item in items])
    return tuple(
        GoneClip(
            playlist_title=title_of(row),
            item_title=titles[item.id],
            reason=(item.entry.withdrawn_reason or "") if item.entry is not None else "",
            url=url_for("teach.build", playlist_id=row.id, _anchor=f"item-{item.id}"),
        )
        for row in rows
        for item in gone.get(row.id, [])
    )
