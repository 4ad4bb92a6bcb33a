"""Comments at a moment as threads: answers, and the colleague who is asked to look."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from videolib.catalogue.access import can
from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User, get_user_by_id, list_users
from videolib.catalogue.reviews import ReviewComment, add_comment, list_comments
from videolib.errors import InvalidInput, NotFound


@dataclass(frozen=True)
class Thread:
    """A comment and its answers, the oldest first."""

    comment: ReviewComment
    replies: tuple[ReviewComment, ...]


def list_threads(session: Session, entry_id: str) -> list[Thread]:
    """The threads of an entry by their time in the recording; those on the whole come first."""
    rows = list_comments(session, entry_id)
    replies: dict[int, list[ReviewComment]] = {}
    for row in rows:
        if row.parent_id is not None:
            replies.setdefault(row.parent_id, []).append(row)
    return [Thread(row, tuple(replies.get(row.id, []))) for row in rows if row.parent_id is None]


def reply(session: Session, entry: Entry, comment_id: int, text: str, *, by: User) -> ReviewComment:
    """Answer a comment: at its time, in its thread; an answer opens it again. Raises `NotFound`, `InvalidInput`."""
    comment = session.get(ReviewComment, comment_id) if 0 < comment_id < 2**31 else None
    if comment is None or comment.entry_id != entry.id:
        raise NotFound("There is no such comment.", code="comment_not_found")
    first = session.get_one(ReviewComment, comment.parent_id) if comment.parent_id is not None else comment
    answer = add_comment(session, entry, text, by=by, at_s=first.at_s)
    answer.parent_id = first.id
    first.resolved_at = first.resolved_by_id = None
    session.flush()
    return answer


def ask_to_look(session: Session, comment: ReviewComment, person_id: int, *, by: User) -> None:
    """Name the colleague whom a comment asks to look. Raises `InvalidInput` for one who cannot open the desk."""
    person = get_user_by_id(session, person_id)
    if not person.active or not can(person, "edit", "catalogue"):
        sentence = "This person does not annotate: choose an editor or administrator."
        raise InvalidInput(sentence, fields={"asked": sentence}, code="no_editor")
    comment.asked_id = person.id
    record_event(session, "ask_to_look", "entry", comment.entry_id, by=by, asked_id=person.id, comment=comment.id)


def list_colleagues(session: Session, *, by: User) -> list[User]:
    """Who can be asked."""
    return [one for one in list_users(session) if one.active and one.id != by.id and can(one, "edit", "catalogue")]


def list_asked(session: Session, *, by: User) -> list[ReviewComment]:
    """The comments that ask this person to look and are not dealt with, the oldest first."""
    if not can(by, "edit", "catalogue"):
        return []
    asks = select(ReviewComment).where(ReviewComment.asked_id == by.id, ReviewComment.resolved_at.is_(None))
    return list(session.scalars(asks.order_by(ReviewComment.id)))
