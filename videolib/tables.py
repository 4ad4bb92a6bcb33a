"""Every table of the library in one import, for migrations and checks."""

from videolib.catalogue import (
    annotations,
    audit,
    bulk_edits,
    captions,
    cines,
    entries,
    jobs,
    library,
    packages,
    people,
    recordings,
    reviews,
    versions,
    vocabulary,
)
from videolib.db import Base

__all__ = [
    "annotations",
    "audit",
    "bulk_edits",
    "captions",
    "cines",
    "entries",
    "jobs",
    "library",
    "metadata",
    "packages",
    "people",
    "recordings",
    "reviews",
    "versions",
    "vocabulary",
]

metadata = Base.metadata
