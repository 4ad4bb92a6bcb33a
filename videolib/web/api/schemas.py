"""The shapes of the API, for its documentation and for checking queries."""

from __future__ import annotations

from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, DateTime, Dict, Float, Integer, List, Nested, Raw, String
from apiflask.validators import OneOf, Range
from marshmallow.fields import Field

from videolib.catalogue.entries import STATUSES
from videolib.catalogue.entry_lists import DEFAULT_LIMIT, MAX_LIMIT
from videolib.catalogue.entry_values import DETAIL_FIELDS, SINGLE_TERM_FIELDS, TERM_FIELDS
from videolib.catalogue.recordings import STATES


class LangText(Schema):
    """A text in one or both languages."""

    en = String()
    zh = String()


class PageQuery(Schema):
    """Which page of a list."""

    limit = Integer(
        load_default=DEFAULT_LIMIT, validate=Range(1, MAX_LIMIT), metadata={"description": "20, at most 100"}
    )
    cursor = String(metadata={"description": "`next_cursor` of the page before"})


class EntriesQuery(PageQuery):
    """Which entries."""

    status = String(validate=OneOf(STATUSES))


class SearchQuery(PageQuery):
    """What to search. `scheme=term` means the same as `facet=scheme:term`."""

    q = String(metadata={"description": "words, in Chinese or English; empty lists everything"})
    lang = String(validate=OneOf(("zh", "en")), metadata={"description": "language of labels, not a filter"})
    facet = List(String(), metadata={"description": "scheme:term; may be repeated"})
    sort = String(validate=OneOf(("relevance", "newest", "length")))


class SuggestQuery(Schema):
    """What was typed so far."""

    q = String(load_default="")
    lang = String(validate=OneOf(("zh", "en")))
    limit = Integer(load_default=8, validate=Range(1, 20))


def _schema(name: str, members: dict[str, Field[Any]]) -> type[Schema]:
    """A schema whose members are made from tables."""
    return type(name, (Schema,), {"__doc__": f"{name}.", **members})


_FIELDS: dict[str, Field[Any]] = {
    "title": Nested(LangText),
    "summary": Nested(LangText),
    "learning_objectives": List(Nested(LangText)),
    "key_points": Nested(LangText),
    **{
        name: List(String(), metadata={"description": f"ids of {scheme} terms"}) for name, scheme in TERM_FIELDS.items()
    },
    **{
        name: String(allow_none=True, metadata={"description": f"a {scheme} term"})
        for name, scheme in SINGLE_TERM_FIELDS.items()
    },
    "year_of_procedure": Integer(allow_none=True),
    "audience": String(validate=OneOf(("public", "signed_in", "institution", "programme", "people"))),
    "keywords": List(String()),
}
_ALL = {**_FIELDS, **{name: Raw(allow_none=True) for name in DETAIL_FIELDS if name not in _FIELDS}}

EntryFields = _schema("EntryFields", _ALL)
NewEntry = _schema("NewEntry", {**_ALL, "recording_id": String()})
_SHOWN: dict[str, Field[Any]] = {
    "id": String(),
    "url": String(),
    "citation": String(metadata={"description": "the id to cite by, with the version"}),
    "version": Integer(metadata={"description": "grows with each publish"}),
    "revision": Integer(metadata={"description": "grows with each write; the ETag"}),
    "status": String(validate=OneOf(STATUSES)),
    **_ALL,
    "duration_s": Float(allow_none=True),
    "poster_url": String(allow_none=True),
    "created_at": DateTime(),
    "updated_at": DateTime(),
    "published_at": DateTime(allow_none=True),
    "recording_id": String(metadata={"description": "editors only, as all below"}),
    "missing": Dict(metadata={"description": "what keeps it from being published: a sentence a field"}),
    "completeness": Integer(metadata={"description": "percent of what is asked of its content type"}),
    "unpublished_changes": Dict(metadata={"description": "fields that the studio holds changed"}),
    "withdrawn_reason": String(allow_none=True),
}
EntryOut = _schema("Entry", _SHOWN)
# the same under a name of its own: apispec takes a schema that is both an answer and an item for two of one name
ListedEntry = _schema("ListedEntry", _SHOWN)


class EntryPage(Schema):
    """A page of entries."""

    items = List(Nested(ListedEntry))
    next_cursor = String(allow_none=True)


class ExportQuery(Schema):
    """As what."""

    form = String(load_default="json", validate=OneOf(("csv", "xlsx", "json")))


class ImportQuery(ExportQuery):
    """What the body is, and whether it is only tried."""

    dry_run = Boolean(load_default=False)


RowReportOut = _schema(
    "RowReportOut",
    {
        "number": Integer(metadata={"description": "the row in the sheet, or the place in the JSON"}),
        "what": String(validate=OneOf(("added", "changed", "unchanged", "refused"))),
        "entry_id": String(allow_none=True),
        "fields": List(String()),
        "message": String(),
        "problems": Dict(metadata={"description": "a sentence a field"}),
    },
)


class ImportOut(Schema):
    """What became of each row."""

    dry_run = Boolean()
    items = List(Nested(RowReportOut))


class Withdrawal(Schema):
    """Why."""

    reason = String(required=True)


class NewCaptions(Schema):
    """A WebVTT, SubRip or ASS file as a text; the file itself may be the body as well, with `?language=`."""

    language = String(required=True, validate=OneOf(("zh-Hans", "en")))
    vtt = String(required=True)
    source = String(validate=OneOf(("human", "auto")), metadata={"description": "who made them"})
    reviewed = Boolean(metadata={"description": "whether a person has read what a program made"})
    confirmed = Boolean(metadata={"description": "whether a person says that no name in them is a patient's"})


class CaptionsOut(Schema):
    """What was understood."""

    language = String()
    cues = Integer()


class CaptionLink(Schema):
    """A caption track."""

    lang = String()
    label = String()
    url = String()
    kind = String()
    default = Boolean()


class Chapter(Schema):
    """A chapter."""

    start_s = Float()
    end_s = Float()
    title = String()


class View(Schema):
    """A view of the recording, itself or a further one, all on the same clock."""

    name = String()
    label = String()
    hls_url = String()
    recommended = Boolean(metadata={"description": "the one that the recording says to begin with"})


class SecondPicture(Schema):
    """What another camera saw, in step: its moment is the recording's plus `offset_s`."""

    label = String()
    hls_url = String()
    offset_s = Float()
    duration_s = Float()
    fps = Float()


class Playback(Schema):
    """Signed addresses: they play with no cookie and no header until `expires_at`."""

    hls_url = String()
    expires_at = DateTime()
    duration_s = Float()
    poster_url = String(allow_none=True, metadata={"description": "null while the recording is still being made"})
    storyboard_url = String(allow_none=True)
    captions = List(Nested(CaptionLink))
    chapters = List(Nested(Chapter))
    views = List(Nested(View))
    second = Nested(SecondPicture, metadata={"description": "there where the entry shows a second recording"})
    frame_steps = List(List(Float()), allow_none=True)
    watermark = String(metadata={"description": "there where the library wants the watcher's name over the picture"})
    loop = Boolean(metadata={"description": "there and true where a cine asks to be played again and again"})


class Reason(Schema):
    """Why a recording was refused or failed."""

    code = String()
    message = String()


class RenditionProgressOut(Schema):
    """How much of one rendition is made, from 0 to 1."""

    name = String()
    progress = Float()


class WorkOut(Schema):
    """The work on a recording now; `sentences` says the same in the caller's language."""

    renditions = List(Nested(RenditionProgressOut))
    chunks_done = Integer()
    chunks = Integer()
    place = Integer(allow_none=True, metadata={"description": "Place in the queue; 1 is next"})
    speed = Float(allow_none=True, metadata={"description": "Seconds of recording made in a second"})
    time_left_s = Float(allow_none=True)
    hosts = List(String())
    waits = Nested(Reason, allow_none=True, metadata={"description": "What the work waits for"})
    is_playable = Boolean(metadata={"description": "Its beginning plays for its uploader and whom they let in"})
    sentences = List(String())


class Guess(Schema):
    """Something that a DICOM file leaves open and that was guessed."""

    key = String()
    run = Integer()
    plane = String(allow_none=True)
    what = String()
    what_text = String()
    value = Raw(allow_none=True)
    message = String()
    confirmed = Boolean()


class CineCorrections(Schema):
    """What is right about the runs of a DICOM recording, by the name of the run; null leaves a field to the file."""

    corrections = Dict(required=True)


class CineConfirmation(Schema):
    """Which guesses are right; all of them, where no keys are given."""

    keys = List(String())


class RecordingOut(Schema):
    """How far a recording is."""

    id = String()
    state = String(validate=OneOf(sorted(STATES)))
    state_text = String()
    stage = String(allow_none=True)
    stage_text = String()
    progress = Float()
    reason = Nested(Reason, allow_none=True)
    work = Nested(WorkOut, allow_none=True)
    entry_id = String(allow_none=True)
    source = Dict(allow_none=True)
    warnings = List(String())
    guesses = List(Nested(Guess))
    corrections = Dict()
    timing = Dict()
    created_at = DateTime()
    updated_at = DateTime()


class FoundMoment(Schema):
    """A place in a recording."""

    start_s = Float()
    end_s = Float()
    kind = String(metadata={"description": "caption, step, phase, annotation …"})
    text = String()
    lang = String(allow_none=True)


class SearchHit(Schema):
    """An entry found."""

    entry_id = String()
    title = String()
    snippet = String()
    score = Float()
    moments = List(Nested(FoundMoment))


class FacetCount(Schema):
    """A term and how many entries carry it."""

    term = String()
    label = String()
    count = Integer()
    depth = Integer(metadata={"description": "a narrower term follows its wider one, one deeper"})


class ExpansionOut(Schema):
    """How a piece of the query was understood."""

    kind = String(metadata={"description": "concept, spelling, pinyin, filter, ignored or relaxed"})
    typed = String()
    into = List(String())
    including = List(String())


class RelatedOut(Schema):
    """A term near to a query that found nothing."""

    scheme = String()
    term = String()
    label = String()
    count = Integer()


class SearchOut(Schema):
    """A page of hits."""

    total = Integer()
    took_ms = Float()
    next_cursor = String(allow_none=True)
    hits = List(Nested(SearchHit))
    facets = Dict(values=List(Nested(FacetCount)))
    did_you_mean = String(allow_none=True)
    expanded = List(Nested(ExpansionOut))
    related = List(Nested(RelatedOut))
    index = String(metadata={"description": "`ready`, or `rebuilding`: then only titles were looked through"})


class SuggestionOut(Schema):
    """A completion."""

    text = String()
    label = String()
    kind = String(metadata={"description": "term, person or title"})
    url = String(allow_none=True, metadata={"description": "of a title: its page"})


class Suggestions(Schema):
    """Completions."""

    items = List(Nested(SuggestionOut))
