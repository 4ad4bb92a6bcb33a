"""Every table of the library in one import, for migrations and checks."""

from videolib.catalogue import (
    annotations,
    audit,
    bulk_edits,
    captions,
    cines,
    desk,
    entries,
    jobs,
    library,
    packages,
    people,
    personal_notes,
    problem_reports,
    recordings,
    redactions,
    reviews,
    screenings,
    uploads,
    versions,
    vocabulary,
    watch_records,
)
from videolib.db import Base

__all__ = [
    "annotations",
    "audit",
    "bulk_edits",
    "captions",
    "cines",
    "desk",
    "entries",
    "jobs",
    "library",
    "metadata",
    "packages",
    "people",
    "personal_notes",
    "problem_reports",
    "recordings",
    "redactions",
    "reviews",
    "screenings",
    "uploads",
    "versions",
    "vocabulary",
    "watch_records",
]

metadata = Base.metadata
