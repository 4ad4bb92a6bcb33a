"""Peer review: the queue, and the page on which a colleague watches, comments, scores and decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from videolib.catalogue import lifecycle, reviews
from videolib.catalogue.documents import find_changes, working_document
from videolib.catalogue.entries import Entry
from videolib.catalogue.gate import current_digest
from videolib.catalogue.judging import DECISIONS, Judgement, judge
from videolib.catalogue.reviews import ITEMS, Review, ReviewComment, list_comments, list_queue, list_reviews
from videolib.catalogue.vocabulary import list_terms
from videolib.errors import Conflict, InvalidInput
from videolib.web.access import entry_to_review, require_login, require_reviewer
from videolib.web.cards import EntryCard, make_cards
from videolib.web.comment_views import make_asked
from videolib.web.context import commit, database_session, services
from videolib.web.entries import make_page
from videolib.web.error_texts import translated
from videolib.web.errors import status_of
from videolib.web.languages import language
from videolib.web.quarantine import list_waiting
from videolib.web.texts import STATUSES, clock_text, minute_text, word
from videolib.web.versions import change_views

blueprint = Blueprint("reviews", __name__)

ON_A_PAGE = 50


@dataclass(frozen=True)
class QueueLine:
    """One entry that waits."""

    card: EntryCard
    url: str
    since: str
    is_mine: bool
    has_reviewer: bool


@dataclass(frozen=True)
class ScoreView:
    """One of the nine items."""

    id: str
    label: str
    points: int | None


@dataclass(frozen=True)
class CommentView:
    """One remark."""

    id: int
    who: str
    when: str
    at: str
    at_url: str
    text: str
    is_done: bool


@blueprint.get("/studio/reviews")
def index() -> str:
    """What waits for a review: of whoever may review at all, and for others what they are named for."""
    person = require_reviewer()
    cursor = request.args.get("cursor") or None
    rows, next_cursor = list_queue(database_session(), by=person, limit=ON_A_PAGE, cursor=cursor)
    return render_template(
        "reviews/index.html",
        lines=tuple(
            QueueLine(
                card,
                url_for("reviews.show", entry_id=entry.id),
                minute_text(entry.submitted_at),
                entry.reviewer_id == person.id,
                entry.reviewer_id is not None,
            )
            for entry, card in zip(rows, make_cards(rows), strict=True)
        ),
        asked=make_asked(person),
        held=list_waiting(person),
        previous_url=url_for("reviews.index") if cursor else None,
        next_url=url_for("reviews.index", cursor=next_cursor) if next_cursor else None,
    )


@blueprint.get("/studio/entries/<entry_id>/review")
def show(entry_id: str) -> Response:
    """The page of the review."""
    return _render(entry_to_review(entry_id))


@blueprint.post("/studio/entries/<entry_id>/review")
def decide(entry_id: str) -> Response:
    """Keep the points; with `decision` also end the review."""
    person, entry = require_reviewer(), entry_to_review(entry_id)
    threshold = services().settings.review_threshold
    try:
        judge(database_session(), entry, _sent_judgement(), threshold=threshold, by=person)
    except (InvalidInput, Conflict) as error:
        database_session().rollback()
        return _render(entry, error)
    return _back(entry, _("Kept."))


@blueprint.post("/studio/entries/<entry_id>/review/take")
def take(entry_id: str) -> Response:
    """Become the reviewer."""
    person, entry = require_reviewer(), entry_to_review(entry_id)
    reviews.take_review(database_session(), entry, by=person)
    return _back(entry, _("You are the reviewer now."))


@blueprint.post("/studio/entries/<entry_id>/review/comments")
def comment(entry_id: str) -> Response:
    """Add a remark."""
    person, entry = require_reviewer(), entry_to_review(entry_id)
    at_s = read_seconds(request.form.get("at", ""))
    reviews.add_comment(database_session(), entry, request.form.get("text", ""), at_s=at_s, by=person)
    return _back(entry, _("The comment is kept."))


@blueprint.post("/studio/entries/<entry_id>/review/comments/<int:comment_id>")
def resolve(entry_id: str, comment_id: int) -> Response:
    """Mark a remark as dealt with, or open it again."""
    person, entry = require_reviewer(), entry_to_review(entry_id)
    reviews.resolve_comment(database_session(), entry, comment_id, by=person)
    return _back(entry, _("Kept."))


@blueprint.post("/studio/entries/<entry_id>/review/seen")
def seen(entry_id: str) -> Response:
    """Remember what this person has seen."""
    person, entry = require_reviewer(), entry_to_review(entry_id)
    reviews.note_look(database_session(), entry, working_document(entry), by=person)
    return _back(entry, _("What changes from now on is shown to you."))


def _sent_judgement() -> Judgement:
    points = {item: request.form.get(item, type=int) for item in ITEMS if request.form.get(item, "") != ""}
    wanted = request.form.get("decision", "")
    return Judgement(
        digest=request.form.get("digest", ""),
        scores=points,
        summary=request.form.get("summary", ""),
        decision=DECISIONS.get(wanted),
    )


def _render(entry: Entry, error: InvalidInput | Conflict | None = None) -> Response:
    person, session = require_login(), database_session()
    document = working_document(entry)
    open_review = reviews.find_open_review(session, entry.id, person.id)
    looked_at, since = reviews.changed_since_look(session, entry, document, by=person)
    page = render_template(
        "reviews/show.html",
        entry=make_page(entry),
        work_text=word(STATUSES, entry.work_state),
        digest=current_digest(session, entry),
        scores=_scores(open_review, typed=error is not None),
        summary=request.form.get("summary", "") if error else open_review.summary if open_review else "",
        threshold=services().settings.review_threshold,
        comments=tuple(_comment_view(entry, row) for row in list_comments(session, entry.id)),
        past=tuple(_past(row) for row in list_reviews(session, entry.id) if row.decision != "open"),
        looked_at=minute_text(looked_at),
        since=change_views(since),
        content=change_views(find_changes({}, document)),
        can={action: lifecycle.may(person, entry, action) for action in lifecycle.RULES},
        error=translated(error.message, error.code) if error else None,
    )
    return Response(page, status=status_of(error) if error else 200, mimetype="text/html")


def _scores(review: Review | None, *, typed: bool) -> tuple[ScoreView, ...]:
    kept: dict[str, Any] = dict(review.scores) if review else {}
    if typed:
        kept |= {item: request.form.get(item, type=int) for item in ITEMS}
    labels = {term.id: term.label(language()) for term in list_terms(database_session(), "review_item")}
    return tuple(ScoreView(item, labels.get(item, item), kept.get(item)) for item in ITEMS)


def _comment_view(entry: Entry, row: ReviewComment) -> CommentView:
    at_s = row.at_s
    return CommentView(
        row.id,
        row.author_name,
        minute_text(row.created_at),
        clock_text(at_s),
        url_for("entries.show", entry_id=entry.id, t=at_s) if at_s is not None else "",
        row.text,
        row.resolved_at is not None,
    )


def _past(row: Review) -> dict[str, str]:
    decision = _("Approved") if row.decision == "approved" else _("Changes requested")
    return {
        "who": row.reviewer_name,
        "when": minute_text(row.decided_at),
        "decision": str(decision),
        "total": str(row.total),
        "summary": row.summary,
    }


def read_seconds(text: str) -> float | None:
    """`83.5` or `1:23` as seconds; None for nothing. Raises `InvalidInput`."""
    if not text.strip():
        return None
    seconds = 0.0
    try:
        for part in text.strip().replace("：", ":").split(":"):
            seconds = seconds * 60 + float(part)
    except ValueError as error:
        sentence = "This is no time of the recording."
        raise InvalidInput(sentence, fields={"at_s": sentence}) from error
    return seconds


def _back(entry: Entry, message: str) -> Response:
    commit()
    flash(message, "success")
    return redirect(url_for("reviews.show", entry_id=entry.id), 303)
