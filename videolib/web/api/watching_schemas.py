"""The shapes of what a person watches and writes for themselves, for the API's documentation."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import DateTime, Dict, Float, Integer, List, Nested, String


class ViewingMade(Schema):
    """A viewing has begun; its reports go to `reports_url`."""

    viewing = String()
    reports_url = String()


class PlayedStretch(Schema):
    """From where to where, and at which speed."""

    start_s = Float()
    end_s = Float()
    rate = Float(metadata={"description": "0.25 to 2"})


class SentReport(Schema):
    """What was played since the last report, and where the player stands."""

    report = Integer(metadata={"description": "its number, from 1"})
    place_s = Float()
    played = List(Nested(PlayedStretch))


class Watched(Schema):
    """What has been credited so far."""

    report = Integer()
    watched_s = Float()
    share = Float()
    place_s = Float()
    duration_s = Float()
    spans_s = List(List(Float()))
    done_at = DateTime(allow_none=True)
    last_at = DateTime()


class WatchedEntry(Schema):
    """The same of one entry in the list."""

    entry_id = String()
    watched_s = Float()
    share = Float()
    place_s = Float()
    duration_s = Float()
    spans_s = List(List(Float()))
    done_at = DateTime(allow_none=True)
    last_at = DateTime()


class ProgressPage(Schema):
    """All of it: `next_cursor` is always null."""

    items = List(Nested(WatchedEntry))
    next_cursor = String(allow_none=True)


class Statements(Schema):
    """xAPI statements."""

    statements = List(Dict())


class NewNote(Schema):
    """A note at a time; without a text a bookmark."""

    at_s = Float()
    text = String()


class NoteText(Schema):
    """What it is to say."""

    text = String()


class WrittenNote(Schema):
    """A note of one's own."""

    id = String()
    entry_id = String()
    at_s = Float()
    text = String()
    created_at = DateTime()
    updated_at = DateTime()


class ListedNote(WrittenNote):
    """The same, in a page (apispec takes a schema that is both an answer and an item for two of one name)."""


class NotePage(Schema):
    """All of them: `next_cursor` is always null."""

    items = List(Nested(ListedNote))
    next_cursor = String(allow_none=True)
