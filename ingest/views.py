"""Further views of a recording, each a whole package in `views/<name>/` on the clock of the main one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from ingest.errors import ToolFailed
from ingest.package import MULTIVARIANT, HlsPackage

FOLDER = "views"


def put_inside(main: HlsPackage, views: Mapping[str, HlsPackage]) -> None:
    """Move finished packages into the main one. Raises `ToolFailed` where a view has another clock."""
    for name, made in views.items():
        _check_clock(main, made)
        target = main.folder / FOLDER / name
        target.parent.mkdir(exist_ok=True)
        made.folder.rename(target)


def multivariant_of(name: str) -> str:
    """Return where the multivariant playlist of a view lies in the package."""
    return str(PurePosixPath(FOLDER, name, MULTIVARIANT))


def _check_clock(main: HlsPackage, view: HlsPackage) -> None:
    """A switch between views keeps the moment: they are as long and cut at the same times, or it would jump."""
    ours, theirs = main.video[0].segments, view.video[0].segments
    is_same = len(ours) == len(theirs) and all(
        abs(one.start_s - other.start_s) < 0.001 and abs(one.end_s - other.end_s) < 0.001
        for one, other in zip(ours, theirs, strict=True)
    )
    if not is_same:
        raise ToolFailed(stderr_tail="package: a view is not on the clock of its recording")
