"""Recordings that a camera has cut into numbered files (card dumps): which files belong together, by their names.

Known: GoPro (GOPR0001 with GP010001 …, GX010001 with GX020001 …), DVD titles (VTS_01_1.VOB …), AVCHD and other cards
that count files (00000.MTS …), and parts that say so (x_part1.mp4, x-2.mov). Numbers alone do not prove that two files
are one recording: somebody has to say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TypeVar

# streams of packets that are one when laid end to end
LAID_END_TO_END = frozenset({".mts", ".m2ts", ".ts", ".vob", ".mpg", ".mpeg"})
_GOPRO = re.compile(r"(?:GOPR(?P<first>\d{4})|(?P<kind>G[PXHL])(?P<chapter>\d{2})(?P<video>\d{4}))", re.IGNORECASE)
_DVD = re.compile(r"(?P<stem>VTS_\d{2}_)(?P<number>[1-9])", re.IGNORECASE)
COUNTED = re.compile(r"\d{5}")
_PART = re.compile(
    r"(?P<stem>.*?)[-_ .]*(?:part|pt|cd|分段|段|部分|第)?[-_ .]*(?P<number>\d{1,3})(?:段|部分)?", re.IGNORECASE
)
_VIDEO = LAID_END_TO_END | {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".mxf", ".wmv"}

_P = TypeVar("_P", bound=PurePath)


def find_groups(files: Iterable[_P]) -> list[tuple[_P, ...]]:
    """The files in their order, those that look like parts of one recording together. A lone file is a group of one."""
    groups: dict[object, list[tuple[int, _P]]] = {}
    for file in files:
        key, number = _place(file)
        groups.setdefault(key, []).append((number, file))
    return [tuple(part) for group in groups.values() for part in _runs(sorted(group))]


def _place(file: PurePath) -> tuple[object, int]:
    """(which recording a file seems to be of, its number in it)."""
    stem, suffix, folder = file.stem, file.suffix.lower(), file.parent
    if suffix not in _VIDEO:
        return (file,), 0
    if found := _GOPRO.fullmatch(stem):
        # GOPR is the first chapter of the older cameras, whose further ones are GP
        kind = (found["kind"] or "GP").upper()
        return (folder, suffix, kind, found["first"] or found["video"]), int(found["chapter"] or 0)
    if found := _DVD.fullmatch(stem):
        return (folder, suffix, found["stem"].upper()), int(found["number"])
    if COUNTED.fullmatch(stem):
        return (folder, suffix, "counted"), int(stem)
    if (found := _PART.fullmatch(stem)) and found["stem"]:
        return (folder, suffix, found["stem"].casefold()), int(found["number"])
    return (file,), 0


def _runs(group: Sequence[tuple[int, _P]]) -> Iterator[list[_P]]:
    """Numbers without a gap belong together; a missing one begins another recording."""
    run: list[_P] = []
    before = None
    for number, file in group:
        if run and number != (before or 0) + 1:
            yield run
            run = []
        run.append(file)
        before = number
    if run:
        yield run
