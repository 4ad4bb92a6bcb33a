"""The shapes of the vocabulary in the API."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Integer, List, Nested, String
from apiflask.validators import OneOf, Range

from videolib.catalogue.entry_lists import MAX_LIMIT
from videolib.web.api.schemas import LangText


class OffersQuery(Schema):
    """What was typed so far; without `q` the whole scheme."""

    q = String(metadata={"description": "label or synonym in either language, pinyin or initials"})
    lang = String(validate=OneOf(("zh", "en")))
    limit = Integer(load_default=20, validate=Range(1, MAX_LIMIT))


class NewTerm(Schema):
    """A term to add; `labels` in both languages are needed."""

    labels = Nested(LangText, required=True)
    synonyms = Dict(values=List(String()), metadata={"description": "lists by language"})
    broader = String(allow_none=True)
    mesh = String(allow_none=True)
    mesh_match = String(allow_none=True, validate=OneOf(("exact", "close", "broad", "narrow", "related")))
    definition = Dict(allow_none=True)
    order = Integer()
    valid_from = String(allow_none=True, metadata={"description": "a day, 2026-01-31"})
    valid_to = String(allow_none=True)


class TermFields(NewTerm):
    """What to change of a term."""

    labels = Nested(LangText)


class MergeInto(Schema):
    """The term that takes the place of the other."""

    into = String(required=True)


class TermOut(TermFields):
    """A term of the vocabulary."""

    id = String()
    version = Integer(metadata={"description": "grows with each change; the ETag"})
    status = String(validate=OneOf(("accepted", "proposed")))
    retired = Boolean(metadata={"description": "stays on entries that carry it, can be given to no other"})
    merged_into = String(allow_none=True)
    extra = Dict(metadata={"description": "what one scheme alone has"})
    found_by = String(metadata={"description": "with `q`: the name that fits what was typed"})


class ListedTerm(TermOut):
    """The same in a list: apispec takes a schema that is both an answer and an item for two of one name."""


class SchemeOut(Schema):
    """A list of terms, whole: `next_cursor` is always null."""

    id = String()
    labels = Nested(LangText)
    version = Integer()
    items = List(Nested(ListedTerm))
    next_cursor = String(allow_none=True)


class SchemeLine(Schema):
    """A scheme without its terms."""

    id = String()
    labels = Nested(LangText)
    version = Integer()
    terms = Integer()


class SchemesOut(Schema):
    """All schemes."""

    items = List(Nested(SchemeLine))
    next_cursor = String(allow_none=True)
