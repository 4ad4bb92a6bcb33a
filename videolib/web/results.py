"""Results of a playlist for who builds it: each person, each question, and curves of where people leave or go back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue.cohorts import list_cohorts, list_members
from videolib.catalogue.people import User
from videolib.catalogue.playlist_progress import ClipProgress, Progress, assigned_people
from videolib.catalogue.playlist_results import Curve, QuestionResult, Results, make_results, most_missed
from videolib.catalogue.playlists import Playlist, PlaylistItem
from videolib.catalogue.spreadsheets import write_table
from videolib.web.access import playlist_to_build
from videolib.web.auditing import note
from videolib.web.builder import entry_titles
from videolib.web.cards import Link, Text
from videolib.web.context import database_session
from videolib.web.languages import language_of
from videolib.web.playlist_views import due_text, name_of, percent_of, title_of
from videolib.web.texts import clock_text

blueprint = Blueprint("results", __name__)

# the plot's own units; it is as wide as the page
PLOT_W, PLOT_H = 600, 120


@dataclass(frozen=True)
class PersonLine:
    """One person: for each clip (percent, done), None where it is hidden from them."""

    name: str
    email: str
    percent: int
    is_done: bool
    parts: tuple[tuple[int, bool] | None, ...]
    answered_text: str
    watched_text: str


@dataclass(frozen=True)
class QuestionLine:
    """How a question went."""

    text: Text
    where: str
    answered: int
    right: int
    percent: int
    wrong: tuple[tuple[Text, int], ...]


@dataclass(frozen=True)
class Plot:
    """A curve as a drawing: the area of people, the line of plays; and the same in words."""

    title: Text
    area: str
    line: str
    most: int
    start_text: str
    end_text: str
    words: str


@dataclass(frozen=True)
class ResultsPage:
    """Everything the page shows."""

    id: str
    title: Text
    due_text: str
    cohorts: tuple[Link, ...]
    cohort_id: str | None
    clips: tuple[tuple[int, Text], ...]
    people: tuple[PersonLine, ...]
    done_count: int
    missed: tuple[QuestionLine, ...]
    questions: tuple[QuestionLine, ...]
    plots: tuple[Plot, ...]
    csv_url: str


@blueprint.get("/teach/playlists/<playlist_id>/results")
def show(playlist_id: str) -> str:
    """The page; `?cohort=` for one of the cohorts."""
    playlist = playlist_to_build(playlist_id)
    results = make_results(database_session(), playlist, _people(playlist))
    return render_template("teach/results.html", page=_page(playlist, results))


@blueprint.get("/teach/playlists/<playlist_id>/results.csv")
def table(playlist_id: str) -> Response:
    """The same for a spreadsheet: one row a person."""
    playlist = playlist_to_build(playlist_id)
    results = make_results(database_session(), playlist, _people(playlist))
    note("export", "playlist", playlist.id)
    columns, rows = make_table(results, playlist.clips)
    response = Response(write_table(columns, rows, "csv"), content_type="text/csv; charset=utf-8")
    # a header holds Latin letters only: the title in Chinese is written as RFC 6266 says, beside a plain name
    name = quote(f"{title_of(playlist).text}.csv", safe="")
    response.headers["Content-Disposition"] = f"attachment; filename=results.csv; filename*=UTF-8''{name}"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def make_table(results: Results, clips: Sequence[PlaylistItem]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows: who, how far in all and in each clip in percent, and each question's first answer."""
    titles = entry_titles(clips)
    shown = {item.id: f"{number}. {titles[item.id].text} (%)" for number, item in enumerate(clips, start=1)}
    asked = {
        result.question.id: f"{number}? {result.question.text}"
        for number, result in enumerate(results.questions, start=1)
    }
    name, email, done, share, time = _("Name"), _("E-mail"), _("Done"), _("Progress (%)"), _("Watched (min)")
    columns = [name, email, done, share, time, *shown.values(), *asked.values()]
    rows = []
    for person in results.people:
        progress = results.progress[person.id]
        row: dict[str, Any] = {
            name: name_of(person),
            email: person.email,
            done: _("yes") if progress.is_done else _("no"),
            share: percent_of(progress.share),
            time: round(progress.watched_ms / 60_000, 1),
        }
        row |= {shown[clip.item.id]: percent_of(clip.share) for clip in progress.clips}
        for question_id, column in asked.items():
            answer = results.answers.get((question_id, person.id))
            row[column] = "" if answer is None else _("right") if answer.first_is_right else _("wrong")
        rows.append(row)
    return columns, rows


def _people(playlist: Playlist) -> list[User]:
    """To whom it is assigned; of one cohort where the address names one to which it is."""
    session = database_session()
    everybody = assigned_people(session, [playlist])[playlist.id]
    cohort_id = _cohort_id(playlist)
    if cohort_id is None:
        return everybody
    inside = {person.id for person in list_members(session, cohort_id)}
    return [person for person in everybody if person.id in inside]


def _cohort_id(playlist: Playlist) -> str | None:
    wanted = request.args.get("cohort", "")
    return wanted if wanted in {one.cohort_id for one in playlist.assignments} else None


def _page(playlist: Playlist, results: Results) -> ResultsPage:
    session, cohort_id = database_session(), _cohort_id(playlist)
    names = {cohort.id: cohort.name for cohort, _count in list_cohorts(session)}
    ids = [one.cohort_id for one in playlist.assignments if one.cohort_id in names]
    clips = tuple(item for item in playlist.clips if item.entry is not None)
    numbers = {item.id: number for number, item in enumerate(clips, start=1)}
    titles = entry_titles(clips)
    lines = tuple(_question_line(one, numbers[one.item.id]) for one in results.questions)
    by_id = dict(zip((one.question.id for one in results.questions), lines, strict=True))
    return ResultsPage(
        id=playlist.id,
        title=title_of(playlist),
        due_text=due_text(playlist.due_on),
        cohorts=tuple(Link(names[one], url_for("results.show", playlist_id=playlist.id, cohort=one)) for one in ids),
        cohort_id=cohort_id,
        clips=tuple((numbers[item.id], titles[item.id]) for item in clips),
        people=tuple(_person_line(person, results.progress[person.id], clips) for person in results.people),
        done_count=sum(one.is_done for one in results.progress.values()),
        missed=tuple(by_id[one.question.id] for one in most_missed(results)),
        questions=lines,
        plots=tuple(make_plot(curve, titles[curve.item.id]) for curve in results.curves if any(curve.people)),
        csv_url=url_for("results.table", playlist_id=playlist.id, cohort=cohort_id),
    )


def _person_line(person: User, progress: Progress, clips: Sequence[PlaylistItem]) -> PersonLine:
    seen: dict[str, ClipProgress] = {clip.item.id: clip for clip in progress.clips}
    answers = [answer for clip in progress.clips for answer in clip.answers.values()]
    asked = sum(len(clip.questions) for clip in progress.clips)
    right = sum(answer.first_is_right for answer in answers)
    return PersonLine(
        name=name_of(person),
        email=person.email,
        percent=percent_of(progress.share),
        is_done=progress.is_done,
        parts=tuple(
            (percent_of(seen[item.id].share), seen[item.id].is_done) if item.id in seen else None for item in clips
        ),
        answered_text=_("%(right)s right of %(count)s", right=right, count=asked) if asked else "",
        watched_text=clock_text(progress.watched_ms / 1000),
    )


def _question_line(result: QuestionResult, number: int) -> QuestionLine:
    text = result.question.text
    return QuestionLine(
        text=Text(text, language_of(text)),
        where=_("clip %(number)s, at %(time)s", number=number, time=clock_text(result.question.at_ms // 1000)),
        answered=result.answered,
        right=result.right,
        percent=round(100 * result.missed_share),
        wrong=tuple((Text(chosen, language_of(chosen)), count) for chosen, count in result.wrong),
    )


def make_plot(curve: Curve, title: Text) -> Plot:
    """The curve in the plot's units: steps from left to right, the highest number of plays at the top."""
    most = max(1, *curve.plays)
    count = len(curve.people)
    step = PLOT_W / count

    def points(values: Sequence[int]) -> str:
        corners = [
            (round(at * step, 1), round(PLOT_H * (1 - value / most), 1))
            for number, value in enumerate(values)
            for at in (number, number + 1)
        ]
        return " ".join(f"{x:g},{y:g}" for x, y in corners)

    first, last = curve.people[0], curve.people[-1]
    peak = max(range(count), key=lambda number: curve.plays[number] - curve.people[number])
    words = _("%(first)s people saw the beginning, %(last)s the end.", first=first, last=last)
    if curve.plays[peak] > curve.people[peak]:
        at_text = clock_text(int(curve.start_s + (peak + 0.5) * (curve.end_s - curve.start_s) / count))
        more = _("Most watched again: around %(time)s (%(count)s plays).", time=at_text, count=curve.plays[peak])
        words = f"{words} {more}"
    return Plot(
        title=title,
        area=f"0,{PLOT_H} {points(curve.people)} {PLOT_W},{PLOT_H}",
        line=points(curve.plays),
        most=most,
        start_text=clock_text(int(curve.start_s)),
        end_text=clock_text(curve.end_s),
        words=words,
    )
