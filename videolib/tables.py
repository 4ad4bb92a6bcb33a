"""Every table of the library in one import, for migrations and checks."""

from videolib.catalogue import (
    annotations,
    audit,
    captions,
    entries,
    jobs,
    library,
    packages,
    people,
    recordings,
    vocabulary,
)
from videolib.db import Base

__all__ = [
    "annotations",
    "audit",
    "captions",
    "entries",
    "jobs",
    "library",
    "metadata",
    "packages",
    "people",
    "recordings",
    "vocabulary",
]

metadata = Base.metadata
