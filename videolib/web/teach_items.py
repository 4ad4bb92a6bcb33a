"""A playlist's items: added, moved, taken out; and the page of one clip with its times, its note and its questions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import playlist_items, questions
from videolib.catalogue.access import get_entry
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import parse_clock, to_seconds
from videolib.catalogue.playlist_items import Clip
from videolib.catalogue.playlist_lists import list_built
from videolib.catalogue.playlists import Playlist, PlaylistItem, count_write, stale
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_see, playlist_to_build, require_instructor
from videolib.web.builder import entry_titles
from videolib.web.cards import Text, first_text, picture_size, poster_path
from videolib.web.context import commit, database_session
from videolib.web.playback import find_package, make_playback
from videolib.web.playlist_fields import (
    fields_of_item,
    fields_of_item_whole,
    fields_of_question,
    ms_text,
)
from videolib.web.playlist_views import title_of
from videolib.web.question_form import QuestionForm, form_of, new_forms, read_question
from videolib.web.seen_forms import mark_of, require_seen
from videolib.web.teach import saved

blueprint = Blueprint("teach_items", __name__)


@dataclass(frozen=True)
class ItemPage:
    """Everything the page of an item shows; no playback where its builder may not watch it, or for a section."""

    playlist_id: str
    playlist_title: Text
    id: str
    is_section: bool
    title: Text
    heading: str
    seen: str
    start: str
    end: str
    note: str
    is_required: bool
    playback: dict[str, Any] | None
    playback_url: str
    start_s: float
    poster_url: str | None
    width: int
    height: int
    questions: tuple[QuestionForm, ...]
    new: tuple[QuestionForm, ...]


@dataclass(frozen=True)
class PlaylistChoice:
    """A playlist to which a clip can be added."""

    id: str
    title: Text


@blueprint.get("/teach/add")
def choose() -> str:
    """From a watch page: to which of one's playlists `?entry=` is to be added, `?start=` to `?end=`."""
    person = require_instructor()
    entry = entry_to_see(request.args.get("entry", ""))
    choices = tuple(PlaylistChoice(row.id, title_of(row)) for row in list_built(database_session(), by=person))
    title = first_text(entry.title)
    times = {name: request.args.get(name, "")[:20] for name in ("start", "end")}
    return render_template("teach/add.html", entry_id=entry.id, title=title, choices=choices, times=times)


@blueprint.post("/teach/playlists/<playlist_id>/items")
def add(playlist_id: str) -> Response:
    """Add a clip, or a section where the form has a heading."""
    playlist = playlist_to_build(playlist_id)
    session, sent = database_session(), request.form
    if "heading" in sent:
        item = playlist_items.add_section(session, playlist, sent["heading"])
    else:
        entry = get_entry(session, sent.get("entry", ""), by=require_instructor())
        item = playlist_items.add_clip(session, playlist, entry, _sent_clip())
    return saved(playlist, _("Added."), f"item-{item.id}")


@blueprint.post("/teach/playlists/<playlist_id>/order")
def reorder(playlist_id: str) -> Response:
    """All items in a new order, as the page's script sends it."""
    playlist = playlist_to_build(playlist_id)
    before = request.form.getlist("before")
    if before and before != [item.id for item in playlist.items]:
        raise stale()  # a colleague has moved something since: their order is not thrown away unseen
    playlist_items.reorder_items(database_session(), playlist, request.form.getlist("item"))
    count_write(database_session(), playlist)
    commit()
    return Response(status=204)


@blueprint.post("/teach/playlists/<playlist_id>/items/<item_id>/<any(up,down,remove):deed>")
def move(playlist_id: str, item_id: str, deed: str) -> Response:
    """One place up or down, or out."""
    playlist = playlist_to_build(playlist_id)
    item = playlist_items.find_item(playlist, item_id)
    if deed == "remove":
        asked = questions.list_questions(database_session(), [item.id]).get(item.id, [])
        require_seen(fields_of_item_whole(item, asked), _url_of(playlist, item), is_removal=True)
        playlist_items.remove_item(database_session(), playlist, item)
        return saved(playlist, _("Taken out."), "items")
    place = item.position + (-1 if deed == "up" else 1)
    playlist_items.move_item(database_session(), playlist, item, max(0, place))
    return saved(playlist, _("Moved to place %(number)s.", number=item.position + 1), f"item-{item.id}")


@blueprint.get("/teach/playlists/<playlist_id>/items/<item_id>")
def edit(playlist_id: str, item_id: str) -> str:
    """The page of an item."""
    playlist = playlist_to_build(playlist_id)
    return render_template("teach/item.html", page=_page(playlist, playlist_items.find_item(playlist, item_id)))


@blueprint.post("/teach/playlists/<playlist_id>/items/<item_id>")
def save(playlist_id: str, item_id: str) -> Response:
    """Its times, note and whether it must be seen; or its heading."""
    playlist = playlist_to_build(playlist_id)
    item = playlist_items.find_item(playlist, item_id)
    require_seen(fields_of_item(item), _url_of(playlist, item))
    if item.kind == "section":
        playlist_items.change_section(database_session(), item, request.form.get("heading", ""))
    else:
        playlist_items.change_clip(database_session(), item, _sent_clip())
    return saved(playlist, _("Saved."), f"item-{item.id}")


@blueprint.post("/teach/playlists/<playlist_id>/items/<item_id>/questions")
def ask(playlist_id: str, item_id: str) -> Response:
    """Add a question."""
    playlist = playlist_to_build(playlist_id)
    item = playlist_items.find_item(playlist, item_id)
    questions.add_question(database_session(), item.id, read_question(item, request.form))
    return _asked(playlist, item)


@blueprint.post("/teach/playlists/<playlist_id>/items/<item_id>/questions/<question_id>/<any(save,delete):deed>")
def change_question(playlist_id: str, item_id: str, question_id: str, deed: str) -> Response:
    """Write it anew, or take it away."""
    playlist = playlist_to_build(playlist_id)
    item = playlist_items.find_item(playlist, item_id)
    question = questions.get_question(database_session(), item.id, question_id)
    require_seen(fields_of_question(question), _url_of(playlist, item), is_removal=deed == "delete")
    if deed == "save":
        questions.change_question(database_session(), question, read_question(item, request.form))
    else:
        questions.delete_question(database_session(), question)
    return _asked(playlist, item)


def read_ms(text: str, field: str) -> int | None:
    """Milliseconds of `1:15.5`; None for nothing. Raises `InvalidInput`."""
    try:
        return round(to_seconds(parse_clock(text)) * 1000) if text.strip() else None
    except ValueError as error:
        sentence = "Write a time in the recording, for example 1:15.5."
        raise InvalidInput(sentence, fields={field: sentence}, code="clip_invalid") from error


def _url_of(playlist: Playlist, item: PlaylistItem) -> str:
    return url_for("teach_items.edit", playlist_id=playlist.id, item_id=item.id)


def _sent_clip() -> Clip:
    sent = request.form
    return Clip(
        start_ms=read_ms(sent.get("start", ""), "start") or 0,
        end_ms=read_ms(sent.get("end", ""), "end"),
        note=sent.get("note", ""),
        # what is added in one click is required
        is_required=sent.get("required", "yes") == "yes",
    )


def _asked(playlist: Playlist, item: PlaylistItem) -> Response:
    count_write(database_session(), playlist)
    commit()
    return redirect(url_for("teach_items.edit", playlist_id=playlist.id, item_id=item.id, _anchor="questions"), 303)


def _page(playlist: Playlist, item: PlaylistItem) -> ItemPage:
    entry: Entry | None = item.entry
    package = find_package(entry) if entry is not None else None
    asked = questions.list_questions(database_session(), [item.id]).get(item.id, [])
    width, height = picture_size(package.description if package else {})
    return ItemPage(
        playlist_id=playlist.id,
        playlist_title=title_of(playlist),
        id=item.id,
        is_section=item.kind == "section",
        title=entry_titles([item])[item.id] if item.kind == "clip" else Text(item.title, ""),
        heading=item.title,
        seen=mark_of(fields_of_item(item)),
        start=ms_text(item.start_ms),
        end=ms_text(item.end_ms),
        note=item.note,
        is_required=item.is_required,
        playback=make_playback(entry) if package is not None and entry is not None else None,
        playback_url=url_for("entries_api.playback", entry_id=item.entry_id) if item.entry_id else "",
        start_s=item.start_ms / 1000,
        poster_url=poster_path(entry, package.id) if package is not None and entry is not None else None,
        width=width,
        height=height,
        questions=tuple(replace(form_of(one), seen=mark_of(fields_of_question(one))) for one in asked),
        new=new_forms(item),
    )
