"""A reviewer's judgement: points and decision in one step, only for the content that the reviewer was shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.orm import Session

from videolib.catalogue import reviews
from videolib.catalogue.documents import document_of, working_document
from videolib.catalogue.entries import Entry
from videolib.catalogue.gate import annotations_of, current_digest
from videolib.catalogue.people import User
from videolib.catalogue.reviews import Review, approvals_of, digest_of_content
from videolib.catalogue.working_copies import locked
from videolib.errors import Conflict

Decision = Literal["approve", "request_changes"]
# what forms and programs say
DECISIONS: Mapping[str, Decision] = {"approve": "approve", "request_changes": "request_changes"}


@dataclass(frozen=True)
class Judgement:
    """What a reviewer says. `digest` names the content that was looked at; no decision: the points are only kept."""

    digest: str
    scores: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    decision: Decision | None = None


def judge(session: Session, entry: Entry, judgement: Judgement, *, threshold: int, by: User) -> Review:
    """Keep the points, and end the review where it is decided.

    Raises `Conflict` (code "content_changed") where the entry says something else by now, `InvalidInput` for points
    that cannot be or do not suffice, `NotAllowed` for whoever is not its reviewer.
    """
    entry = locked(session, entry)
    digest = current_digest(session, entry)
    if judgement.digest != digest:
        raise Conflict(
            "The content has changed since you opened this page; look at the changes, then decide.",
            code="content_changed",
        )
    review = reviews.score(session, entry, judgement.scores, judgement.summary, digest=digest, by=by)
    reviews.note_look(session, entry, working_document(entry), by=by)
    if judgement.decision is not None:
        reviews.decide(session, entry, review, judgement.decision, threshold=threshold, by=by)
    return review


@dataclass(frozen=True)
class Approval:
    """The review that let an entry be published, and whether it was given for what viewers see now."""

    review: Review
    holds: bool


def find_approval(session: Session, entry: Entry) -> Approval | None:
    """The best approval of what viewers see; else the last one of what it said before; None where there is none."""
    digest = digest_of_content(entry, document_of(entry), annotations_of(session, entry))
    fitting = approvals_of(session, [entry.id]).get((entry.id, digest))
    if fitting is not None:
        return Approval(fitting, holds=True)
    last = next((row for row in reviews.list_reviews(session, entry.id) if row.decision == "approved"), None)
    return Approval(last, holds=False) if last is not None else None
