"""Peer review: the nine LAP-VEGaS items scored by a named colleague, comments at moments, and what has changed since.

An approval holds for the content that was scored: `digest` names it, and any later change of content leaves the
entry without a review until it is looked at again. Nobody reviews what they made or appear in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, case, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue import lifecycle
from videolib.catalogue.access import can
from videolib.catalogue.audit import record_event
from videolib.catalogue.cursors import after, make_cursor, read_cursor
from videolib.catalogue.documents import Change, Document, content_of, digest_of, find_changes
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.people import User
from videolib.db import Base, utc_now
from videolib.errors import InvalidInput, NotAllowed, NotFound

RUBRIC = "LAP-VEGaS 9 items, 0-2 each"
ITEMS = tuple(f"rev.lv{number}" for number in range(1, 10))
BEST_OF_ITEM = 2
LONGEST_COMMENT = 5000


class Review(Base):
    """One reviewer's judgement of one content. `decision`: open, approved, changes_requested."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), index=True)
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reviewer_name: Mapped[str]
    rubric: Mapped[str] = mapped_column(default=RUBRIC)
    scores: Mapped[dict[str, Any]] = mapped_column(default=dict)
    total: Mapped[int] = mapped_column(default=0)
    summary: Mapped[str] = mapped_column(default="")
    decision: Mapped[str] = mapped_column(default="open")
    digest: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    decided_at: Mapped[datetime | None]


class ReviewComment(Base):
    """A remark to the makers, at a moment of the recording or on a field."""

    __tablename__ = "review_comments"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    author_name: Mapped[str]
    at_s: Mapped[float | None]
    field: Mapped[str | None]
    text: Mapped[str]
    # the comment that it answers; whom it asks to look
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("review_comments.id", ondelete="CASCADE"))
    asked_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    resolved_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class ReviewLook(Base):
    """What somebody saw when they last looked at an entry in review."""

    __tablename__ = "review_looks"
    __table_args__ = (Index("ix_review_looks_user_id", "user_id"),)

    entry_id: Mapped[str] = mapped_column(ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    document: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime] = mapped_column(default=utc_now)


def digest_of_content(entry: Entry, document: Mapping[str, Any], annotations: Iterable[Mapping[str, Any]]) -> str:
    """What an approval is bound to: the content, what happens when, and in which recording."""
    return digest_of(
        {"content": content_of(document), "annotations": list(annotations), "recording": entry.recording_id}
    )


def name_reviewer(session: Session, entry: Entry, reviewer: User | None, *, by: User | None) -> None:
    """Say who is to review; None leaves it to whoever takes it. Raises `NotAllowed` for one who had a part in it."""
    lifecycle.require(entry, "name_reviewer", by=by)
    if reviewer is not None:
        require_apart(entry, reviewer)
    entry.reviewer_id = reviewer.id if reviewer else None
    count_write(session, entry)
    record_event(session, "name_reviewer", "entry", entry.id, by=by, reviewer_id=reviewer.id if reviewer else None)


def take_review(session: Session, entry: Entry, *, by: User) -> None:
    """Become the reviewer of an entry that waits for one, or in place of the one it has."""
    lifecycle.require(entry, "take_review", by=by)
    entry.reviewer_id = by.id
    count_write(session, entry)
    record_event(session, "take_review", "entry", entry.id, by=by)


def require_apart(entry: Entry, person: User) -> None:
    """Raise `NotAllowed` unless this person may review, and had no part in the entry."""
    if not can(person, "review", "reviews"):
        raise NotAllowed(
            "This person may not review: choose an editor, instructor or administrator.", code="no_reviewer"
        )
    if lifecycle.relations_of(person, entry) & {"author", "contributor"}:
        raise NotAllowed(
            "A person who made or appears in the recording does not review it; ask a colleague.", code="own_work"
        )


def score(session: Session, entry: Entry, scores: Mapping[str, Any], summary: str, *, digest: str, by: User) -> Review:
    """Keep the points given so far, for the content of that digest. Raises `InvalidInput` for points that cannot be."""
    lifecycle.require(entry, "score", by=by)
    checked = _checked(scores)
    review = find_open_review(session, entry.id, by.id)
    if review is None:
        review = Review(entry_id=entry.id, reviewer_id=by.id, reviewer_name=_name_of(by), digest=digest)
        session.add(review)
    review.scores, review.digest = checked, digest
    review.total = sum(checked.values())
    review.summary = summary.strip()[:LONGEST_COMMENT]
    session.flush()
    return review


def decide(session: Session, entry: Entry, review: Review, decision: str, *, threshold: int, by: User) -> None:
    """End a review: `approve`, or `request_changes` which wants a summary that says what.

    Raises `InvalidInput` where items lack points, or too few points are given for an approval.
    """
    if decision == "approve":
        if set(review.scores) != set(ITEMS):
            lacking = {item: "Give 0, 1 or 2 points." for item in ITEMS if item not in review.scores}
            raise InvalidInput("Every item needs its points before the entry is approved.", fields=lacking)
        if review.total < threshold:
            raise InvalidInput(
                "These points are fewer than this library asks for: request changes instead.",
                fields={"decision": "These points are fewer than this library asks for: request changes instead."},
                code="below_threshold",
            )
    elif not review.summary:
        raise InvalidInput("Say what is to be changed.", fields={"summary": "Say what is to be changed."})
    lifecycle.move(entry, decision, by=by)
    review.decision = "approved" if decision == "approve" else "changes_requested"
    review.decided_at = utc_now()
    count_write(session, entry)
    record_event(
        session, decision, "entry", entry.id, by=by, review=review.id, total=review.total, digest=review.digest
    )


def add_comment(
    session: Session, entry: Entry, text: str, *, by: User, at_s: float | None = None, field: str | None = None
) -> ReviewComment:
    """Add a remark, at a time of the recording where one is given. Raises `InvalidInput` for an empty one."""
    lifecycle.require(entry, "comment", by=by)
    if not text.strip():
        raise InvalidInput("Write a comment.", fields={"text": "Write a comment."})
    if at_s is not None and not 0 <= at_s < 1e6:
        raise InvalidInput("This is no time of the recording.", fields={"at_s": "This is no time of the recording."})
    comment = ReviewComment(
        entry_id=entry.id,
        author_id=by.id,
        author_name=_name_of(by),
        at_s=at_s,
        field=field or None,
        text=text.strip()[:LONGEST_COMMENT],
    )
    session.add(comment)
    session.flush()
    return comment


def resolve_comment(
    session: Session, entry: Entry, comment_id: int, *, resolved: bool | None = None, by: User
) -> ReviewComment:
    """Mark a remark as dealt with, or as open again (None: the other of what it is). Raises `NotFound`."""
    comment = session.get(ReviewComment, comment_id) if comment_id < 2**31 else None
    if comment is None or comment.entry_id != entry.id:
        raise NotFound("There is no such comment.", code="comment_not_found")
    was_open = comment.resolved_at is None
    if resolved is None or resolved == was_open:
        comment.resolved_at = utc_now() if was_open else None
        comment.resolved_by_id = by.id if was_open else None
    session.flush()
    return comment


def note_look(session: Session, entry: Entry, document: Document, *, by: User) -> None:
    """Remember what this person has seen."""
    session.merge(ReviewLook(entry_id=entry.id, user_id=by.id, document=document, seen_at=utc_now()))
    session.flush()


def changed_since_look(
    session: Session, entry: Entry, document: Document, *, by: User
) -> tuple[datetime | None, list[Change]]:
    """When this person last looked, and what has changed since; (None, []) for a first look."""
    look = session.get(ReviewLook, (entry.id, by.id))
    return (look.seen_at, find_changes(look.document, document)) if look else (None, [])


def find_open_review(session: Session, entry_id: str, reviewer_id: int) -> Review | None:
    """The review that this person has begun and not decided."""
    mine = select(Review).where(
        Review.entry_id == entry_id, Review.reviewer_id == reviewer_id, Review.decision == "open"
    )
    return session.scalars(mine.order_by(Review.id.desc())).first()


def list_reviews(session: Session, entry_id: str) -> list[Review]:
    """All reviews of an entry, the newest first."""
    return list(session.scalars(select(Review).where(Review.entry_id == entry_id).order_by(Review.id.desc())))


def list_comments(session: Session, entry_id: str) -> list[ReviewComment]:
    """All remarks, by their time in the recording; those on the whole come first."""
    rows = session.scalars(select(ReviewComment).where(ReviewComment.entry_id == entry_id))
    return sorted(rows, key=lambda row: (row.at_s is not None, row.at_s or 0.0, row.id))


def approvals_of(session: Session, entry_ids: Iterable[str]) -> dict[tuple[str, str], Review]:
    """The approving reviews of those entries, by entry and digest of the content; the best of each."""
    approved = select(Review).where(Review.entry_id.in_(list(entry_ids)), Review.decision == "approved")
    return {(row.entry_id, row.digest): row for row in session.scalars(approved.order_by(Review.total, Review.id))}


def list_queue(
    session: Session, *, by: User, limit: int = 100, cursor: str | None = None
) -> tuple[list[Entry], str | None]:
    """A page of what waits for a review, and the cursor of the next one.

    What asks for this person comes first, then what nobody has, then the rest; the oldest first.
    """
    since = func.coalesce(Entry.submitted_at, Entry.created_at)
    turn = case((Entry.reviewer_id == by.id, 0), (Entry.reviewer_id.is_(None), 1), else_=2)
    waiting = select(Entry).where(_waits(by)).order_by(turn, since, Entry.id)
    if cursor:
        row_turn, at, entry_id = read_cursor(cursor, int, datetime, str)
        waiting = waiting.where(after((turn, row_turn, False), (since, at, False), (Entry.id, entry_id, False)))
    rows = list(session.scalars(waiting.limit(limit + 1)))
    return rows[:limit], _place_of(rows[limit - 1], by) if len(rows) > limit else None


def count_queue(session: Session, *, by: User) -> int:
    """How many entries wait."""
    return session.scalars(select(func.count()).select_from(Entry).where(_waits(by))).one()


def _waits(by: User) -> ColumnElement[bool]:
    waits = or_(Entry.status == "in_review", and_(Entry.status == "published", Entry.pending_state == "in_review"))
    return waits if can(by, "edit", "catalogue") else and_(waits, Entry.reviewer_id == by.id)


def _place_of(entry: Entry, by: User) -> str:
    turn = 0 if entry.reviewer_id == by.id else 1 if entry.reviewer_id is None else 2
    return make_cursor(turn, entry.submitted_at or entry.created_at, entry.id)


def _checked(scores: Mapping[str, Any]) -> dict[str, int]:
    wrong = {
        str(item): "Give 0, 1 or 2 points."
        for item, points in scores.items()
        if item not in ITEMS or type(points) is not int or not 0 <= points <= BEST_OF_ITEM
    }
    if wrong:
        raise InvalidInput("Each of the nine items is given 0, 1 or 2 points.", fields=wrong)
    return {item: int(scores[item]) for item in ITEMS if item in scores}


def _name_of(person: User) -> str:
    return person.display_name or person.email.partition("@")[0]
