"""What the API answers about posters."""

from __future__ import annotations

from apiflask import Schema
from apiflask.fields import Boolean, Float, List, Nested


class PosterChoice(Schema):
    """When the picture is shown; null for the one that was picked by itself."""

    time_s = Float(required=True, allow_none=True)


class OfferedPoster(Schema):
    """A picture that may be the poster."""

    time_s = Float()
    chosen = Boolean()


class PosterOut(Schema):
    """The poster now, and what else there is."""

    time_s = Float(allow_none=True)
    offered = List(Nested(OfferedPoster))
