"""The shapes of annotations and of related cases, for the API's documentation and for checking queries."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Dict, Float, Integer, List, Nested, Raw, String
from apiflask.validators import OneOf, Range

from videolib.catalogue.agreement import TOLERANCE_S
from videolib.catalogue.annotation_values import KINDS, LAYERS
from videolib.web.api.schemas import PageQuery


class AnnotationsQuery(Schema):
    """Which annotations."""

    kind = List(String(validate=OneOf(tuple(KINDS))), load_default=list, metadata={"description": "may be repeated"})
    layer = String(
        load_default="main", validate=OneOf(LAYERS), metadata={"description": "`second` is for editors only"}
    )


class AgreementQuery(Schema):
    """How near a boundary counts as found."""

    tolerance_s = Float(load_default=TOLERANCE_S, validate=Range(0, 600))


class TermAgreementOut(Schema):
    """One term: how long either reading has it, and the overlap."""

    term = String()
    label = String()
    first_s = Float()
    second_s = Float()
    iou = Float()


class LevelAgreementOut(Schema):
    """Phases or steps: overlap weighted by length, F1 of starts and ends."""

    kind = String(validate=OneOf(("phase", "step")))
    iou = Float()
    boundary_f1 = Float()
    terms = List(Nested(TermAgreementOut))


class AgreementOut(Schema):
    """What was measured; nothing where there is no second reading."""

    tolerance_s = Float()
    items = List(Nested(LevelAgreementOut))


class ChaptersQuery(Schema):
    """In which language."""

    lang = String(validate=OneOf(("zh", "en")))


class WebAnnotation(Schema):
    """A W3C Web Annotation; times and places are media fragments, terms are `urn:videolib:term:<id>`."""

    type = String(metadata={"description": "Annotation"})
    kind = String(metadata={"description": "phase, step, task, action, event, instrument, mark or note"})
    layer = String(metadata={"description": "main or second"})
    body = Raw(metadata={"description": "TextualBody and SpecificResource, one or a list"})
    target = Raw(metadata={"description": "`source` and `selector`: FragmentSelector, refined by SvgSelector"})
    confidence = Float(allow_none=True)
    creator = Raw()
    generator = Raw()


class SentAnnotation(WebAnnotation):
    """The same, sent; or an AnnotationPage."""


class ListedAnnotation(WebAnnotation):
    """The same, in a page (apispec takes a schema that is both an answer and an item for two of one name)."""


class AnnotationPage(Schema):
    """A W3C AnnotationPage, whole: `next_cursor` is always null."""

    id = String()
    type = String()
    partOf = Dict()  # noqa: N815 - the model's word
    startIndex = Integer()  # noqa: N815
    items = List(Nested(ListedAnnotation))
    next_cursor = String(allow_none=True)


class CasesQuery(PageQuery):
    """Which cases of a step."""

    without = String(metadata={"description": "an entry to leave out"})


class SharedTerm(Schema):
    """A term that two entries have in common."""

    term = String()
    scheme = String()
    label = String()


class RelatedEntry(Schema):
    """An entry like another."""

    entry_id = String()
    url = String()
    title = String()
    score = Float()
    shared = List(Nested(SharedTerm))
    same_hospital = String(allow_none=True)


class RelatedPage(Schema):
    """Entries like another, nearest first."""

    items = List(Nested(RelatedEntry))
    next_cursor = String(allow_none=True)


class StepCase(Schema):
    """One case of a step."""

    entry_id = String()
    annotation_id = String()
    url = String()
    title = String()
    start_s = Float()
    end_s = Float()
    playback_url = String()


class StepCases(Schema):
    """Cases in which a step is shown."""

    items = List(Nested(StepCase))
    next_cursor = String(allow_none=True)
