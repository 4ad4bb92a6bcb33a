"""What a person learns from: all playlists of theirs with how far they are, and the page that plays one through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from videolib.catalogue.access import can
from videolib.catalogue.people import User, get_names
from videolib.catalogue.playlist_lists import list_assigned, list_open
from videolib.catalogue.playlist_progress import ClipProgress, Progress, find_progress, progress_of
from videolib.catalogue.playlists import Playlist
from videolib.catalogue.questions import answer_question
from videolib.catalogue.watch_records import find_record, list_records
from videolib.catalogue.watched_since import assigned_since
from videolib.errors import NotFound
from videolib.web.access import current_person, playlist_to_see, require_login
from videolib.web.cards import Text, make_cards
from videolib.web.context import database_session
from videolib.web.playback import find_package, make_playback
from videolib.web.playlist_views import (
    ClipLine,
    PlaylistCard,
    Section,
    due_text,
    hidden_text,
    is_past,
    make_clip_line,
    make_playlist_card,
    make_sections,
    text_of,
    title_of,
)
from videolib.web.question_views import QuestionView, make_question, read_answer
from videolib.web.texts import clock_text
from videolib.web.watched import WatchedBar, make_bar

blueprint = Blueprint("playlists", __name__)

ON_THE_FIRST_PAGE = 4


@dataclass(frozen=True)
class LearningPage:
    """The dashboard of who learns."""

    assigned: tuple[PlaylistCard, ...]
    done: tuple[PlaylistCard, ...]
    open_ones: tuple[PlaylistCard, ...]
    late_count: int
    hours_text: str


@dataclass(frozen=True)
class PlayPage:
    """The page that plays a playlist through; `chosen` is None where there is nothing that this person may see."""

    id: str
    title: Text
    description: Text | None
    by: str
    due_text: str
    is_late: bool
    is_done: bool
    done_count: int
    count: int
    hidden_text: str
    since_text: str
    sections: tuple[Section, ...]
    clips: tuple[ClipLine, ...]
    chosen: ClipLine | None
    playback: dict[str, Any] | None
    bar: WatchedBar
    questions: tuple[QuestionView, ...]
    previous_url: str | None
    next_clip: ClipLine | None
    viewings_url: str
    person_id: int
    build_url: str | None


@blueprint.get("/playlists")
def index() -> str:
    """What I am to learn, what I have done, and what else there is."""
    person = require_login()
    session = database_session()
    assigned = make_learning_cards(list_assigned(session, to=person), person)
    watched_ms = sum(record.watched_ms for record in list_records(session, by=person))
    page = LearningPage(
        assigned=tuple(card for card in assigned if not card.is_done),
        done=tuple(card for card in assigned if card.is_done),
        open_ones=make_learning_cards(list_open(session, by=person), person),
        late_count=sum(card.is_late for card in assigned),
        hours_text=clock_text(watched_ms / 1000),
    )
    return render_template("playlists/index.html", page=page)


@blueprint.get("/playlists/<playlist_id>")
def show(playlist_id: str) -> str:
    """Play it: from `?item=`, else from the first clip that is not done."""
    person = require_login()
    playlist = playlist_to_see(playlist_id)
    progress = find_progress(database_session(), playlist, person)
    return render_template("playlists/show.html", page=_play_page(playlist, progress, person))


@blueprint.post("/playlists/<playlist_id>/questions/<question_id>")
def answer(playlist_id: str, question_id: str) -> Response | str:
    """Answer a question: for the script of the page its result, for a plain form the page again."""
    person = require_login()
    clip, number = find_asked(playlist_to_see(playlist_id), question_id, person)
    question = next(one for one in clip.questions if one.id == question_id)
    given = answer_question(database_session(), question, read_answer(question, request.form), by=person)
    database_session().commit()
    if request.headers.get("X-Part") == "question":
        view = make_question(playlist_id, question, given, person)
        return render_template("playlists/question_part.html", question=view)
    anchor = f"question-{question.id}"
    return redirect(url_for("playlists.show", playlist_id=playlist_id, item=number, _anchor=anchor), 303)


def find_asked(playlist: Playlist, question_id: str, person: User) -> tuple[ClipProgress, int]:
    """The clip of the playlist at which that is asked, and its number. Raises `NotFound` for what is hidden, too."""
    for number, clip in enumerate(find_progress(database_session(), playlist, person).clips, start=1):
        if any(question.id == question_id for question in clip.questions):
            return clip, number
    raise NotFound("This question is not asked any more.", code="question_not_found")


def make_learning_cards(rows: Sequence[Playlist], person: User) -> tuple[PlaylistCard, ...]:
    """The cards of some playlists for who learns them."""
    session = database_session()
    progress = progress_of(session, rows, [person])
    names = get_names(session, [row.owner_id for row in rows])
    return tuple(make_playlist_card(row, progress[row.id, person.id], names) for row in rows)


def make_assigned_cards() -> tuple[PlaylistCard, ...]:
    """For the first page: what who asks is to learn next."""
    person = current_person()
    if person is None:
        return ()
    cards = make_learning_cards(list_assigned(database_session(), to=person), person)
    return tuple(card for card in cards if not card.is_done)[:ON_THE_FIRST_PAGE]


def _play_page(playlist: Playlist, progress: Progress, person: User) -> PlayPage:
    session = database_session()
    entries = [clip.item.entry for clip in progress.clips if clip.item.entry is not None]
    cards = make_cards(entries)
    lines = tuple(
        make_clip_line(playlist, clip, card, number)
        for number, (clip, card) in enumerate(zip(progress.clips, cards, strict=True), start=1)
    )
    at = _chosen_at(lines)
    chosen, clip, entry = (lines[at], progress.clips[at], entries[at]) if lines else (None, None, None)
    playable = entry is not None and find_package(entry) is not None
    names = get_names(session, [playlist.owner_id])
    return PlayPage(
        id=playlist.id,
        title=title_of(playlist),
        description=text_of(playlist.description),
        by=names.get(playlist.owner_id or 0, ""),
        due_text=due_text(playlist.due_on),
        is_late=is_past(playlist.due_on) and not progress.is_done,
        is_done=progress.is_done,
        done_count=progress.done_count,
        count=len(progress.counted),
        hidden_text=hidden_text(progress.hidden),
        since_text=_since_text(playlist, person),
        sections=make_sections(playlist, lines),
        clips=lines,
        chosen=chosen,
        playback=make_playback(entry) if playable and entry is not None else None,
        bar=make_bar(find_record(session, entry.id, by=person) if entry is not None else None),
        questions=_questions(playlist, clip, person),
        previous_url=lines[at - 1].url if at > 0 else None,
        next_clip=lines[at + 1] if at + 1 < len(lines) else None,
        viewings_url=url_for("watching_api.begin", entry_id=entry.id) if entry is not None else "",
        person_id=person.id,
        build_url=url_for("teach.build", playlist_id=playlist.id) if can(person, "build", playlist) else None,
    )


def _since_text(playlist: Playlist, person: User) -> str:
    """From which day on it counts what they watch; empty for who only looks at it."""
    since = assigned_since(database_session(), [playlist]).get((playlist.id, person.id))
    return due_text(since.astimezone().date()) if since is not None else ""


def _chosen_at(lines: Sequence[ClipLine]) -> int:
    asked = request.args.get("item", type=int)
    if asked is not None:
        return min(max(asked, 1), max(1, len(lines))) - 1
    return next((at for at, line in enumerate(lines) if not line.is_done), 0)


def _questions(playlist: Playlist, clip: ClipProgress | None, person: User) -> tuple[QuestionView, ...]:
    if clip is None:
        return ()
    return tuple(
        make_question(playlist.id, question, clip.answers.get(question.id), person) for question in clip.questions
    )
