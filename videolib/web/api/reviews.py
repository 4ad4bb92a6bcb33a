"""`/api/v1/reviews` and `/api/v1/entries/<id>/review`: queue, judgement, remarks; the rules of the pages."""

from __future__ import annotations

import math
from typing import Any

from apiflask import APIBlueprint
from flask import url_for
from werkzeug.wrappers import Response

from videolib.catalogue import lifecycle, reviews
from videolib.catalogue.documents import working_document
from videolib.catalogue.entries import Entry
from videolib.catalogue.gate import current_digest
from videolib.catalogue.judging import DECISIONS, Judgement, judge
from videolib.catalogue.people import get_names
from videolib.catalogue.reviews import ITEMS, Review, ReviewComment
from videolib.catalogue.vocabulary import list_terms
from videolib.errors import InvalidInput
from videolib.web.access import entry_to_review, require_reviewer
from videolib.web.api.answers import sent_object, tagged
from videolib.web.api.review_schemas import (
    CommentFields,
    CommentOut,
    JudgementIn,
    Queue,
    Resolution,
    ReviewOut,
)
from videolib.web.api.schemas import PageQuery
from videolib.web.api.spec import documents_body
from videolib.web.api.versions import changes_json
from videolib.web.cards import first_text
from videolib.web.context import commit, database_session, services
from videolib.web.languages import language
from videolib.web.playback import outside_address

blueprint = APIBlueprint("reviews_api", __name__, url_prefix="/api/v1", tag="Review")


@blueprint.get("/reviews")
@blueprint.input(PageQuery, location="query", arg_name="query")
@blueprint.output(Queue)
def queue(query: dict[str, Any]) -> Response:
    """List what waits for a review

    What asks for the caller first, then what nobody has taken; others than editors see what they are named for.
    """
    person = require_reviewer()
    cursor = query.get("cursor") or None
    rows, next_cursor = reviews.list_queue(database_session(), by=person, limit=query["limit"], cursor=cursor)
    names = get_names(database_session(), (entry.reviewer_id for entry in rows))
    items = [{**_waiting(entry, names), "is_mine": entry.reviewer_id == person.id} for entry in rows]
    return tagged({"items": items, "next_cursor": next_cursor})


@blueprint.get("/entries/<entry_id>/review")
@blueprint.output(ReviewOut)
def show(entry_id: str) -> Response:
    """Read the review of an entry

    `digest` names what it says now: a judgement sends it back, and is 409 (`content_changed`) where it says something
    else by then.
    """
    return tagged(_review_json(entry_to_review(entry_id)))


@blueprint.post("/entries/<entry_id>/review")
@documents_body(JudgementIn)
@blueprint.output(ReviewOut)
def decide(entry_id: str) -> Response:
    """Give points, and decide

    Of the named reviewer, who neither made it nor appears in it. Without `decision` the points are only kept.
    """
    person, entry = require_reviewer(), entry_to_review(entry_id)
    threshold = services().settings.review_threshold
    judge(database_session(), entry, _sent_judgement(), threshold=threshold, by=person)
    commit()
    return tagged(_review_json(entry))


@blueprint.post("/entries/<entry_id>/review/take")
@blueprint.output(ReviewOut)
def take(entry_id: str) -> Response:
    """Become the reviewer"""
    person, entry = require_reviewer(), entry_to_review(entry_id)
    reviews.take_review(database_session(), entry, by=person)
    commit()
    return tagged(_review_json(entry))


@blueprint.post("/entries/<entry_id>/review/seen")
@blueprint.output(ReviewOut)
def seen(entry_id: str) -> Response:
    """Remember what was seen

    `changes_since_look` counts from here.
    """
    person, entry = require_reviewer(), entry_to_review(entry_id)
    reviews.note_look(database_session(), entry, working_document(entry), by=person)
    commit()
    return tagged(_review_json(entry))


@blueprint.post("/entries/<entry_id>/review/comments")
@documents_body(CommentFields)
@blueprint.output(CommentOut, status_code=201)
def comment(entry_id: str) -> Response:
    """Add a remark

    At a second of the recording, on a field, or on the whole.
    """
    person, entry = require_reviewer(), entry_to_review(entry_id)
    sent = sent_object()
    row = reviews.add_comment(
        database_session(),
        entry,
        _text(sent, "text"),
        at_s=_seconds(sent.get("at_s")),
        field=_text(sent, "field")[:100],
        by=person,
    )
    commit()
    return tagged(_comment_json(row), status=201)


@blueprint.patch("/entries/<entry_id>/review/comments/<int:comment_id>")
@documents_body(Resolution)
@blueprint.output(CommentOut)
def resolve(entry_id: str, comment_id: int) -> Response:
    """Mark a remark as dealt with, or open it again"""
    person, entry = require_reviewer(), entry_to_review(entry_id)
    wanted = sent_object().get("resolved")
    if not isinstance(wanted, bool):
        raise InvalidInput("Say true or false.", fields={"resolved": "Say true or false."})
    row = reviews.resolve_comment(database_session(), entry, comment_id, resolved=wanted, by=person)
    commit()
    return tagged(_comment_json(row))


def _review_json(entry: Entry) -> dict[str, Any]:
    person, session = require_reviewer(), database_session()
    document, digest = working_document(entry), current_digest(session, entry)
    mine = reviews.find_open_review(session, entry.id, person.id)
    looked_at, since = reviews.changed_since_look(session, entry, document, by=person)
    labels = {term.id: term.label(language()) for term in list_terms(session, "review_item")}
    waiting = _waiting(entry, get_names(session, [entry.reviewer_id]))
    return {
        "entry_id": entry.id,
        "state": entry.work_state,
        "digest": digest,
        "threshold": services().settings.review_threshold,
        "reviewer": waiting["reviewer"],
        "submitted_at": waiting["submitted_at"],
        "items": [{"id": item, "label": labels.get(item, item)} for item in ITEMS],
        "mine": {"scores": mine.scores, "total": mine.total, "summary": mine.summary} if mine else None,
        "reviews": [_past(row, digest) for row in reviews.list_reviews(session, entry.id) if row.decision != "open"],
        "comments": [_comment_json(row) for row in reviews.list_comments(session, entry.id)],
        "looked_at": looked_at.isoformat() if looked_at else None,
        "changes_since_look": changes_json(since),
        "may": [action for action in lifecycle.RULES if lifecycle.may(person, entry, action)],
    }


def _waiting(entry: Entry, names: dict[int, str]) -> dict[str, Any]:
    title = first_text(entry.title)
    reviewer_id = entry.reviewer_id
    return {
        "entry_id": entry.id,
        "url": outside_address() + url_for("reviews.show", entry_id=entry.id),
        "title": title.text if title else "",
        "submitted_at": entry.submitted_at.isoformat() if entry.submitted_at else None,
        "reviewer": {"id": reviewer_id, "name": names.get(reviewer_id, "")} if reviewer_id is not None else None,
    }


def _past(row: Review, digest: str) -> dict[str, Any]:
    return {
        "reviewer": row.reviewer_name,
        "decision": row.decision,
        "scores": row.scores,
        "total": row.total,
        "summary": row.summary,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "holds": row.digest == digest,
    }


def _comment_json(row: ReviewComment) -> dict[str, Any]:
    return {
        "id": row.id,
        "author": row.author_name,
        "at_s": row.at_s,
        "field": row.field,
        "text": row.text,
        "created_at": row.created_at.isoformat(),
        "resolved": row.resolved_at is not None,
    }


def _sent_judgement() -> Judgement:
    sent = sent_object()
    scores, decision = sent.get("scores") or {}, sent.get("decision")
    if not isinstance(scores, dict):
        raise InvalidInput("Each of the nine items is given 0, 1 or 2 points.", fields={"scores": "Send an object."})
    if decision is not None and decision not in DECISIONS:
        raise InvalidInput("Choose what to do.", fields={"decision": "Choose what to do."})
    wanted = DECISIONS[str(decision)] if decision is not None else None
    return Judgement(_text(sent, "digest"), scores, _text(sent, "summary"), wanted)


def _text(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput("Send a text.", fields={name: "Send a text."})
    return value or ""


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput("This is no time of the recording.", fields={"at_s": "This is no time of the recording."})
    return float(value)
