"""`/api/v1/playlists`: lessons made of clips, for those who learn and those who build them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import request, url_for
from werkzeug.wrappers import Response

from videolib.catalogue import playlist_documents, playlist_items, playlists
from videolib.catalogue.access import can
from videolib.catalogue.people import User, get_user_by_id
from videolib.catalogue.playlist_lists import list_playlists
from videolib.catalogue.playlist_progress import Progress, assigned_people, find_progress, hidden_from, progress_of
from videolib.catalogue.playlist_results import make_results
from videolib.catalogue.playlists import Playlist, PlaylistItem, stale
from videolib.catalogue.questions import Question, answer_question, list_questions, offered_choices
from videolib.errors import InvalidInput
from videolib.web.access import current_person, playlist_to_build, playlist_to_see, require_instructor, require_login
from videolib.web.api.answers import sent_object, tagged
from videolib.web.api.playlist_schemas import (
    AnswerIn,
    AnswerOut,
    PlaylistIn,
    PlaylistOut,
    PlaylistPage,
    ResultsOut,
)
from videolib.web.api.schemas import PageQuery
from videolib.web.api.spec import documents_body
from videolib.web.context import commit, database_session
from videolib.web.playback import outside_address
from videolib.web.playlist_views import name_of
from videolib.web.playlists import find_asked

blueprint = APIBlueprint("playlists_api", __name__, url_prefix="/api/v1", tag="Playlists")


@blueprint.get("/playlists")
@blueprint.input(PageQuery, location="query", arg_name="query")
@blueprint.output(PlaylistPage)
def index(query: dict[str, Any]) -> Response:
    """List playlists

    Those that the caller may open, newest first.
    """
    person = current_person()
    rows, next_cursor = list_playlists(
        database_session(), by=person, limit=query["limit"], cursor=query.get("cursor") or None
    )
    progress = progress_of(database_session(), rows, [person] if person else [])
    items = [_head(row, progress[row.id, person.id], person) for row in rows if person is not None]
    return tagged({"items": items, "next_cursor": next_cursor})


@blueprint.post("/playlists")
@documents_body(PlaylistIn)
@blueprint.output(PlaylistOut, status_code=201)
def create() -> Response:
    """Make a playlist

    It is the caller's; nobody else sees it until it is assigned or opened.
    """
    person, sent = require_instructor(), sent_object()
    title = playlist_documents.read_title(sent.get("title"))
    playlist = playlists.create_playlist(database_session(), title, by=person)
    playlist_documents.write_document(database_session(), playlist, sent, by=person)
    commit()
    response = tagged(_json(playlist, person), str(playlist.revision), status=201)
    response.headers["Location"] = url_for("playlists_api.show", playlist_id=playlist.id)
    return response


@blueprint.get("/playlists/<playlist_id>")
@blueprint.output(PlaylistOut)
def show(playlist_id: str) -> Response:
    """Read a playlist

    With what the caller may see of it and has done; those who build it see all of it.
    """
    playlist = playlist_to_see(playlist_id)
    person = require_login()
    # progress changes without a revision: for who learns, the content is the tag
    tag = str(playlist.revision) if can(person, "build", playlist) else None
    response = tagged(_json(playlist, person), tag)
    if tag is not None:
        # what was watched meanwhile is in it, too
        response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.patch("/playlists/<playlist_id>")
@documents_body(PlaylistIn)
@blueprint.output(PlaylistOut)
def change(playlist_id: str) -> Response:
    """Change a playlist

    What is not given stays; `items`, `editors` and `assigned_to` are whole lists. With `If-Match`, 412 where somebody
    else was first.
    """
    playlist, person = playlist_to_build(playlist_id), require_instructor()
    revision = _expected(playlist)
    playlist_documents.write_document(database_session(), playlist, sent_object(), by=person)
    playlists.count_write(database_session(), playlist, revision=revision)
    commit()
    return tagged(_json(playlist, person), str(playlist.revision))


@blueprint.delete("/playlists/<playlist_id>")
@blueprint.output({}, status_code=204)
def delete(playlist_id: str) -> tuple[str, int]:
    """Delete a playlist

    With the answers to its questions; what people watched stays theirs.
    """
    playlist, person = playlist_to_build(playlist_id), require_instructor()
    _expected(playlist)
    playlists.delete_playlist(database_session(), playlist, by=person)
    commit()
    return "", 204


@blueprint.post("/playlists/<playlist_id>/copy")
@blueprint.output(PlaylistOut, status_code=201)
def copy(playlist_id: str) -> Response:
    """Copy a playlist

    The copy is the caller's and assigned to nobody.
    """
    person = require_instructor()
    playlist = playlist_to_see(playlist_id)
    made = playlist_items.copy_playlist(database_session(), playlist, playlist.title, by=person)
    commit()
    return tagged(_json(made, person), str(made.revision), status=201)


@blueprint.get("/playlists/<playlist_id>/results")
@blueprint.output(ResultsOut)
def results(playlist_id: str) -> Response:
    """Read who has done what

    For those who build it: all to whom it is assigned.
    """
    playlist = playlist_to_build(playlist_id)
    people = assigned_people(database_session(), [playlist])[playlist.id]
    found = make_results(database_session(), playlist, people)
    items = [_result(person, found.progress[person.id]) for person in found.people]
    return tagged({"items": items, "next_cursor": None})


@blueprint.post("/playlists/<playlist_id>/questions/<question_id>/answers")
@documents_body(AnswerIn)
@blueprint.output(AnswerOut)
def answer(playlist_id: str, question_id: str) -> Response:
    """Answer a question

    The first answer stays for the results; answering again is for learning.
    """
    person = require_login()
    clip, _number = find_asked(playlist_to_see(playlist_id), question_id, person)
    question = next(one for one in clip.questions if one.id == question_id)
    given = sent_object().get("answer")
    if not isinstance(given, list):
        raise InvalidInput("Choose an answer.", fields={"answer": "Choose an answer."}, code="answer_invalid")
    kept = answer_question(database_session(), question, given, by=person)
    database_session().commit()
    right = [choice["id"] for choice in question.choices if choice["is_right"]]
    body = {"is_right": kept.is_right, "first_is_right": kept.first_is_right, "tries": kept.tries}
    return tagged({**body, "feedback": question.feedback, "right": right})


def _expected(playlist: Playlist) -> int | None:
    """The revision that the caller read, where it says so. Raises `Conflict` (code "stale")."""
    tags = request.if_match
    if not tags or tags.star_tag:
        return None
    if not tags.contains(str(playlist.revision)):
        raise stale()
    return playlist.revision


def _head(playlist: Playlist, progress: Progress, person: User) -> dict[str, Any]:
    return {
        "id": playlist.id,
        "url": outside_address() + url_for("playlists.show", playlist_id=playlist.id),
        "title": playlist.title,
        "description": playlist.description,
        "audience": playlist.audience,
        "due_on": playlist.due_on.isoformat() if playlist.due_on else None,
        "revision": playlist.revision,
        "can_build": can(person, "build", playlist),
        "item_count": len(playlist.clips) if can(person, "build", playlist) else len(progress.clips),
        "hidden_count": progress.hidden,
        "done_count": progress.done_count,
        "count": len(progress.counted),
        "done": progress.is_done,
        "share": round(progress.share, 4),
        "created_at": playlist.created_at.isoformat(),
        "updated_at": playlist.updated_at.isoformat(),
    }


def _json(playlist: Playlist, person: User) -> dict[str, Any]:
    """The playlist as this person may see it."""
    session = database_session()
    progress = find_progress(session, playlist, person)
    body = _head(playlist, progress, person)
    seen = {clip.item.id: clip for clip in progress.clips}
    is_builder = can(person, "build", playlist)
    hidden: Mapping[str, Mapping[str, Sequence[User]]] = {}
    if is_builder:
        hidden = hidden_from(playlist, assigned_people(session, [playlist])[playlist.id])
        body["editors"] = [get_user_by_id(session, one.user_id).email for one in playlist.editors]
        body["assigned_to"] = [_assigned(one.user_id, one.cohort_id) for one in playlist.assignments]
    questions = list_questions(session, [item.id for item in playlist.items])
    body["items"] = []
    for item in playlist.items:
        if item.kind == "clip" and item.id not in seen and not is_builder:
            continue
        shown = _item(item)
        if item.id in seen:
            shown |= {"share": round(seen[item.id].share, 4), "done": seen[item.id].is_done}
        if item.kind == "clip":
            answered = set(seen[item.id].answers) if item.id in seen else set()
            shown["questions"] = [
                _question(one, person, answered, is_builder=is_builder) for one in questions.get(item.id, [])
            ]
        if is_builder and item.kind == "clip":
            shown["withdrawn"] = item.entry is None or item.entry.status != "published"
            shown["hidden_from"] = {reason: len(users) for reason, users in hidden.get(item.id, {}).items()}
        body["items"].append(shown)
    return body


def _item(item: PlaylistItem) -> dict[str, Any]:
    if item.kind == "section":
        return {"id": item.id, "kind": "section", "title": item.title}
    return {
        "id": item.id,
        "kind": "clip",
        "entry_id": item.entry_id,
        "start_s": item.start_ms / 1000,
        "end_s": item.end_ms / 1000 if item.end_ms is not None else None,
        "note": item.note,
        "required": item.is_required,
    }


def _question(question: Question, person: User, answered: set[str], *, is_builder: bool) -> dict[str, Any]:
    """What is right only for who builds the playlist: a program of who learns must ask, too."""
    body = {
        "id": question.id,
        "at_s": question.at_ms / 1000,
        "kind": question.kind,
        "text": question.text,
        "must_answer": question.must_answer,
        "answered": question.id in answered,
    }
    if is_builder:
        return {**body, "choices": question.choices, "area": question.area, "feedback": question.feedback}
    offered = offered_choices(question, person)
    return {**body, "choices": [{"id": choice["id"], "text": choice["text"]} for choice in offered]}


def _assigned(user_id: int | None, cohort_id: str | None) -> dict[str, str]:
    if user_id is not None:
        return {"person": get_user_by_id(database_session(), user_id).email}
    return {"cohort": cohort_id or ""}


def _result(person: User, progress: Progress) -> dict[str, Any]:
    return {
        "email": person.email,
        "name": name_of(person),
        "share": round(progress.share, 4),
        "done": progress.is_done,
        "watched_s": progress.watched_ms / 1000,
        "items": [
            {"item_id": clip.item.id, "share": round(clip.share, 4), "done": clip.is_done} for clip in progress.clips
        ],
        "answers": [
            {"question_id": one.question_id, "first_is_right": one.first_is_right, "tries": one.tries}
            for clip in progress.clips
            for one in clip.answers.values()
        ],
    }
