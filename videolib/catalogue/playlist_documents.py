"""A playlist as a document that programs send: what is given is changed, and a list that is given is the whole list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from videolib.catalogue import playlists, questions
from videolib.catalogue.access import get_entry
from videolib.catalogue.media_time import LONGEST_S
from videolib.catalogue.people import User
from videolib.catalogue.playlist_items import (
    Clip,
    add_clip,
    add_section,
    change_clip,
    change_section,
    is_inside,
    remove_item,
    reorder_items,
)
from videolib.catalogue.playlists import Playlist, PlaylistItem
from videolib.catalogue.questions import Choice, Question, QuestionValues
from videolib.errors import InvalidInput

FIELDS = ("title", "description", "audience", "due_on", "editors", "assigned_to", "items")


def write_document(session: Session, playlist: Playlist, sent: Mapping[str, Any], *, by: User) -> None:
    """Change what is given. Raises `InvalidInput`, `NotFound` for an entry that is not there or not for them."""
    if unknown := sorted(set(sent) - set(FIELDS)):
        raise _refused(unknown[0], "There is no such field.")
    changes: dict[str, Any] = {}
    if "title" in sent:
        changes["title"] = read_title(sent["title"])
    for name in ("description", "audience"):
        if name in sent:
            changes[name] = _text(sent, name)
    if "due_on" in sent:
        changes["due_on"] = _day(sent["due_on"])
    playlists.change_playlist(session, playlist, **changes)
    if "editors" in sent:
        playlists.set_editors(session, playlist, _names(sent, "editors"), by=by)
    if "assigned_to" in sent:
        _assign(session, playlist, _names(sent, "assigned_to"), by=by)
    if "items" in sent:
        _write_items(session, playlist, _objects(sent, "items"), by=by)


def read_title(value: Any) -> dict[str, str]:
    """A title as it was sent. Raises `InvalidInput`."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _refused("title", "A playlist needs a title of at most 200 characters, in Chinese, English or both.")
    return value


def _assign(session: Session, playlist: Playlist, names: Sequence[str], *, by: User) -> None:
    wanted = {playlists.assign(session, playlist, name, by=by).id for name in names}
    for one in list(playlist.assignments):
        if one.id not in wanted:
            playlists.unassign(session, playlist, one.id, by=by)


def _write_items(session: Session, playlist: Playlist, sent: Sequence[Mapping[str, Any]], *, by: User) -> None:
    known = {item.id: item for item in playlist.items}
    kept = [str(one.get("id")) for one in sent if one.get("id")]
    if len(set(kept)) != len(kept) or not set(kept) <= set(known):
        raise _refused("items", "An item's id is one of this playlist's, and stands there once.")
    for item_id in set(known) - set(kept):
        remove_item(session, playlist, known[item_id])
    order = []
    for one in sent:
        item = _write_item(session, playlist, known.get(str(one.get("id"))), one, by=by)
        if "questions" in one:
            _write_questions(session, item, _objects(one, "questions"))
        order.append(item.id)
    reorder_items(session, playlist, order)


def _write_item(
    session: Session, playlist: Playlist, item: PlaylistItem | None, sent: Mapping[str, Any], *, by: User
) -> PlaylistItem:
    kind = sent.get("kind", item.kind if item is not None else "clip")
    if kind == "section":
        title = _text(sent, "title")
        if item is None or item.kind != "section":
            return add_section(session, playlist, title)
        change_section(session, item, title)
        return item
    clip = Clip(
        start_ms=_ms(sent, "start_s", item.start_ms if item else 0) or 0,
        end_ms=_ms(sent, "end_s", item.end_ms if item else None),
        note=_text(sent, "note") if "note" in sent else item.note if item else "",
        is_required=_flag(sent, "required", default=item.is_required if item else True),
    )
    if item is None:
        return add_clip(session, playlist, get_entry(session, _text(sent, "entry_id"), by=by), clip)
    if sent.get("entry_id", item.entry_id) != item.entry_id:
        raise _refused("items", "An item keeps its entry; add another one for another entry.")
    change_clip(session, item, clip)
    return item


def _write_questions(session: Session, item: PlaylistItem, sent: Sequence[Mapping[str, Any]]) -> None:
    known = {one.id: one for one in questions.list_questions(session, [item.id]).get(item.id, [])}
    kept: set[str] = set()
    for one in sent:
        values = _question(item, one)
        question: Question | None = known.get(str(one.get("id")))
        if question is None:
            questions.add_question(session, item.id, values)
        else:
            questions.change_question(session, question, values)
            kept.add(question.id)
    for question_id in set(known) - kept:
        questions.delete_question(session, known[question_id])


def _question(item: PlaylistItem, sent: Mapping[str, Any]) -> QuestionValues:
    at_ms = _ms(sent, "at_s", None)
    if at_ms is None or item.kind != "clip" or not is_inside(item, at_ms):
        raise _refused("at_s", "Ask within the clip: its times are above.")
    area = sent.get("area") or {}
    if not isinstance(area, dict):
        raise _refused("area", "Draw where in the picture the answer is right.")
    return QuestionValues(
        kind=_text(sent, "kind"),
        text=_text(sent, "text"),
        at_ms=at_ms,
        choices=tuple(
            Choice(
                text=_text(one, "text"),
                is_right=_flag(one, "is_right", default=False),
                feedback=_text(one, "feedback"),
                id=_text(one, "id"),
            )
            for one in _objects(sent, "choices")
        ),
        area=area,
        feedback=_text(sent, "feedback"),
        must_answer=_flag(sent, "must_answer", default=True),
    )


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name) or ""
    if not isinstance(value, str):
        raise _refused(name, "Send a text.")
    return value


def _flag(sent: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = sent.get(name, default)
    if not isinstance(value, bool):
        raise _refused(name, "Send true or false.")
    return value


def _ms(sent: Mapping[str, Any], name: str, default: int | None) -> int | None:
    value = sent.get(name, None if default is None else default / 1000)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_S:
        raise _refused(name, "Write a time in the recording, for example 1:15.5.")
    return round(value * 1000)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if value is not None else None
    except (TypeError, ValueError) as error:
        raise _refused("due_on", "Write the day as 2026-01-31.") from error


def _names(sent: Mapping[str, Any], name: str) -> list[str]:
    value = sent[name]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _refused(name, "Send a list of addresses or names.")
    return value


def _objects(sent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = sent.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _refused(name, "Send a list of objects.")
    return value


def _refused(field: str, sentence: str) -> InvalidInput:
    return InvalidInput(sentence, fields={field: sentence}, code="playlist_invalid")
