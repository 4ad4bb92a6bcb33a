"""The shapes of reviews, versions and moves between states, for the API's documentation and for checking queries."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Boolean, DateTime, Dict, Float, Integer, List, Nested, Raw, String
from apiflask.validators import OneOf

from videolib.catalogue.lifecycle import STATES


class Move(Schema):
    """Why, where there is something to say."""

    reason = String()


class Naming(Schema):
    """Who is to review."""

    reviewer = Raw(allow_none=True, metadata={"description": "id or e-mail address; null: whoever takes it"})


class PersonOut(Schema):
    """A person."""

    id = Integer()
    name = String()


class Waiting(Schema):
    """An entry that waits for a review."""

    entry_id = String()
    url = String()
    title = String()
    submitted_at = DateTime(allow_none=True)
    reviewer = Nested(PersonOut, allow_none=True)
    is_mine = Boolean()


class Queue(Schema):
    """A page of what waits: what asks for the caller first, then what nobody has taken."""

    items = List(Nested(Waiting))
    next_cursor = String(allow_none=True)


class CommentFields(Schema):
    """A remark to the makers."""

    text = String(required=True)
    at_s = Float(allow_none=True, metadata={"description": "at that second of the recording"})
    field = String(allow_none=True, metadata={"description": "on that field, as in `title.zh`"})


class CommentOut(CommentFields):
    """A remark, and whether it was dealt with."""

    id = Integer()
    author = String()
    created_at = DateTime()
    resolved = Boolean()


class ListedComment(CommentOut):
    """The same in a list (apispec takes a schema that is both an answer and an item for two of one name)."""


class Resolution(Schema):
    """Whether a remark is dealt with."""

    resolved = Boolean(required=True)


class ChangeOut(Schema):
    """A part of an entry that differs: null is nothing."""

    path = String()
    before = Raw(allow_none=True)
    after = Raw(allow_none=True)


class ReviewPast(Schema):
    """A review that was decided."""

    reviewer = String()
    decision = String(validate=OneOf(("approved", "changes_requested")))
    scores = Dict()
    total = Integer()
    summary = String()
    decided_at = DateTime()
    holds = Boolean(metadata={"description": "whether it was given for what the entry says now"})


class ReviewItem(Schema):
    """One of the items that points are given for."""

    id = String()
    label = String()


class ReviewMine(Schema):
    """What the caller has scored so far."""

    scores = Dict()
    total = Integer()
    summary = String()


class ReviewOut(Schema):
    """Everything about the review of an entry as it is worked on now."""

    entry_id = String()
    state = String(validate=OneOf(STATES))
    digest = String(metadata={"description": "names the content; sent back with the judgement"})
    threshold = Integer()
    reviewer = Nested(PersonOut, allow_none=True)
    submitted_at = DateTime(allow_none=True)
    items = List(Nested(ReviewItem))
    mine = Nested(ReviewMine, allow_none=True)
    reviews = List(Nested(ReviewPast))
    comments = List(Nested(ListedComment))
    looked_at = DateTime(allow_none=True)
    changes_since_look = List(Nested(ChangeOut))
    may = List(String(), metadata={"description": "what the caller may do now"})


class JudgementIn(Schema):
    """Points of the nine items, and the decision where there is one."""

    digest = String(required=True, metadata={"description": "of the content that was looked at"})
    scores = Dict(metadata={"description": "0, 1 or 2 by item"})
    summary = String()
    decision = String(validate=OneOf(("approve", "request_changes")), allow_none=True)


class VersionFields(Schema):
    """A published version. Who made it and why is for editors."""

    number = Integer()
    citation = String()
    url = String()
    created_at = DateTime()
    is_current = Boolean()
    author = String()
    reason = String()


class ListedVersion(VersionFields):
    """The same in a list."""


class VersionsOut(Schema):
    """A page of versions, the newest first."""

    items = List(Nested(ListedVersion))
    next_cursor = String(allow_none=True)


class VersionOut(VersionFields):
    """A version with everything it said; with `against` also what differs from that one."""

    document = Dict()
    annotations = List(Dict(), allow_none=True, metadata={"description": "null: not kept by the release of then"})
    caption_languages = List(String(), allow_none=True)
    beside = Dict(
        allow_none=True,
        metadata={
            "description": "What viewers were shown and told beside the recording: `second` (recording_id, offset_s: "
            "second = main + offset) and `narrations.<language>` (duration_s, bytes, sha256); null: not kept then"
        },
    )
    changes = List(Nested(ChangeOut), allow_none=True)


class VersionQuery(Schema):
    """Compared with which."""

    against = Integer(metadata={"description": "the number of another version"})


class RollBack(Schema):
    """Why."""

    reason = String(required=True)
