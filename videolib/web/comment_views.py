"""Comments as pages show them: threads at their moments, and what asks a person to look."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from videolib.catalogue import comment_threads
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User, get_names
from videolib.catalogue.reviews import ReviewComment
from videolib.web.cards import Text, first_text
from videolib.web.context import database_session
from videolib.web.texts import clock_text, minute_text


@dataclass(frozen=True)
class CommentLine:
    """One comment or answer."""

    id: int
    who: str
    when: str
    text: str


@dataclass(frozen=True)
class ThreadView:
    """A comment with its answers; `at_s` is None for one on the whole."""

    first: CommentLine
    replies: tuple[CommentLine, ...]
    at_s: float | None
    at_text: str
    asked: str
    is_done: bool


@dataclass(frozen=True)
class AskedLine:
    """A comment that asks who looks at the page."""

    url: str
    title: Text | None
    text: str
    who: str
    at_text: str


def make_threads(entry: Entry) -> tuple[ThreadView, ...]:
    """The threads of an entry."""
    found = comment_threads.list_threads(database_session(), entry.id)
    names = get_names(database_session(), [thread.comment.asked_id for thread in found])
    return tuple(
        ThreadView(
            _line(thread.comment),
            tuple(_line(row) for row in thread.replies),
            thread.comment.at_s,
            clock_text(thread.comment.at_s),
            names.get(thread.comment.asked_id or 0, ""),
            thread.comment.resolved_at is not None,
        )
        for thread in found
    )


def make_asked(person: User) -> tuple[AskedLine, ...]:
    """What asks this person to look."""
    session = database_session()
    return tuple(
        AskedLine(
            url_for("studio_timeline.show", entry_id=entry.id, t=row.at_s, _anchor=f"comment-{row.id}"),
            first_text(entry.title),
            row.text,
            row.author_name,
            clock_text(row.at_s),
        )
        for row in comment_threads.list_asked(session, by=person)
        if (entry := session.get(Entry, row.entry_id)) is not None
    )


def _line(row: ReviewComment) -> CommentLine:
    return CommentLine(row.id, row.author_name, minute_text(row.created_at), row.text)
