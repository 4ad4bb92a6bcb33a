"""The shapes of playlists, for the API's documentation."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Boolean, Date, DateTime, Dict, Float, Integer, List, Nested, Raw, String


class ChoiceIn(Schema):
    """An answer to choose from; for an order they stand in the right one."""

    id = String()
    text = String()
    is_right = Boolean()
    feedback = String()


class QuestionIn(Schema):
    """A question at a moment of the recording."""

    id = String()
    at_s = Float()
    kind = String(metadata={"description": "single, multiple, order or mark"})
    text = String()
    choices = List(Nested(ChoiceIn))
    area = Dict(metadata={"description": "x, y, w, h in percent of the picture, where a mark is right"})
    feedback = String()
    must_answer = Boolean()


class ItemIn(Schema):
    """A clip (an entry, from, to, a note) or a section (a title)."""

    id = String(metadata={"description": "of an item that is there; without it, a new one"})
    kind = String(metadata={"description": "clip or section"})
    title = String()
    entry_id = String()
    start_s = Float()
    end_s = Float(allow_none=True)
    note = String()
    required = Boolean()
    questions = List(Nested(QuestionIn))


class PlaylistIn(Schema):
    """What is not given stays; a list that is given is the whole list."""

    title = Dict()
    description = String()
    audience = String(metadata={"description": "assigned or signed_in"})
    due_on = Date(allow_none=True)
    editors = List(String(), metadata={"description": "addresses of instructors"})
    assigned_to = List(String(), metadata={"description": "addresses of people, names or ids of cohorts"})
    items = List(Nested(ItemIn))


class QuestionAsked(Schema):
    """A question as the caller may see it: who builds the playlist sees what is right."""

    id = String()
    at_s = Float()
    kind = String()
    text = String()
    choices = List(Dict())
    area = Dict()
    feedback = String()
    must_answer = Boolean()
    answered = Boolean()


class PlaylistItemOut(Schema):
    """An item that the caller may see; who builds the playlist sees all, and from how many each is hidden."""

    id = String()
    kind = String()
    title = String()
    entry_id = String(allow_none=True)
    start_s = Float()
    end_s = Float(allow_none=True)
    note = String()
    required = Boolean()
    share = Float(metadata={"description": "how much of the clip the caller has seen"})
    done = Boolean()
    questions = List(Nested(QuestionAsked))
    withdrawn = Boolean()
    hidden_from = Dict(metadata={"description": "number of people by reason: audience, early, late, disabled"})


class PlaylistOut(Schema):
    """A playlist, and how far the caller is in it. `hidden_count`: clips that the caller may not see."""

    id = String()
    url = String()
    title = Dict()
    description = String()
    audience = String()
    due_on = Date(allow_none=True)
    revision = Integer()
    can_build = Boolean()
    item_count = Integer()
    hidden_count = Integer()
    done_count = Integer()
    count = Integer()
    done = Boolean()
    share = Float()
    created_at = DateTime()
    updated_at = DateTime()
    items = List(Nested(PlaylistItemOut))
    editors = List(String())
    assigned_to = List(Dict())


class PlaylistListed(Schema):
    """The same in a list, without its items."""

    id = String()
    url = String()
    title = Dict()
    description = String()
    audience = String()
    due_on = Date(allow_none=True)
    revision = Integer()
    can_build = Boolean()
    item_count = Integer()
    hidden_count = Integer()
    done_count = Integer()
    count = Integer()
    done = Boolean()
    share = Float()
    created_at = DateTime()
    updated_at = DateTime()


class PlaylistPage(Schema):
    """A page of them."""

    items = List(Nested(PlaylistListed))
    next_cursor = String(allow_none=True)


class AnswerIn(Schema):
    """Ids of choices, for an order all of them in order; for a mark x and y in percent of the picture."""

    answer = List(Raw())


class AnswerOut(Schema):
    """How it went."""

    is_right = Boolean()
    first_is_right = Boolean()
    tries = Integer()
    feedback = String()
    right = List(String(), metadata={"description": "ids of the right choices, for an order in order"})


class ResultLine(Schema):
    """One person."""

    email = String()
    name = String()
    share = Float()
    done = Boolean()
    watched_s = Float()
    items = List(Dict())
    answers = List(Dict())


class ResultsOut(Schema):
    """All to whom it is assigned: `next_cursor` is always null."""

    items = List(Nested(ResultLine))
    next_cursor = String(allow_none=True)
