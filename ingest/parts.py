"""Recordings that a camera has cut into numbered files (card dumps): which files belong together, and one file of them.

Known: GoPro (GOPR0001 with GP010001 …, GX010001 with GX020001 …), DVD titles (VTS_01_1.VOB …), AVCHD and other cards
that count files (00000.MTS …), and parts that say so (x_part1.mp4, x-2.mov). Files are joined only where somebody says
so: numbers alone do not prove that two files are one recording.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.errors import Refused
from ingest.ffmpeg import run_ffmpeg
from ingest.inspect import inspect
from ingest.sandbox import Limits

# streams of packets that are one when laid end to end
_LAID_END_TO_END = frozenset({".mts", ".m2ts", ".ts", ".vob", ".mpg", ".mpeg"})
_GOPRO = re.compile(r"(?:GOPR(?P<first>\d{4})|(?P<kind>G[PXHL])(?P<chapter>\d{2})(?P<video>\d{4}))", re.IGNORECASE)
_DVD = re.compile(r"(?P<stem>VTS_\d{2}_)(?P<number>[1-9])", re.IGNORECASE)
_COUNTED = re.compile(r"\d{5}")
_PART = re.compile(
    r"(?P<stem>.*?)[-_ .]*(?:part|pt|cd|分段|段|部分|第)?[-_ .]*(?P<number>\d{1,3})(?:段|部分)?", re.IGNORECASE
)
_VIDEO = _LAID_END_TO_END | {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".mxf", ".wmv"}
_READ_BYTES = 4 * 1024 * 1024


def find_groups(files: Iterable[Path]) -> list[tuple[Path, ...]]:
    """The files in their order, those that look like parts of one recording together. A lone file is a group of one."""
    groups: dict[object, list[tuple[int, Path]]] = {}
    for file in files:
        key, number = _place(file)
        groups.setdefault(key, []).append((number, file))
    return [tuple(part) for group in groups.values() for part in _runs(sorted(group))]


@contextmanager
def joined(parts: Sequence[Path], scratch: Path | None = None) -> Iterator[Path]:
    """Give the parts as one file for a while, in a folder of its own below `scratch`, named as the first of them.

    The same parts give the same bytes. Raises `Refused` for a part that is no video, or of another kind than the first.
    """
    with TemporaryDirectory(prefix="parts-", dir=scratch) as folder:
        suffixes = {part.suffix.lower() for part in parts}
        if len(suffixes) > 1:
            raise Refused("unsupported", "The parts are of different kinds: join files of one camera only.")
        plain = suffixes <= _LAID_END_TO_END
        target = Path(folder) / (parts[0].name if plain else f"{parts[0].stem}.ts")
        try:
            with target.open("wb") as whole:
                for piece in parts if plain else _as_streams(parts, Path(folder)):
                    with piece.open("rb") as source:
                        shutil.copyfileobj(source, whole, _READ_BYTES)
        except FileNotFoundError as error:
            raise Refused("not_media", "There is no file of this name. Check the parts in the manifest.") from error
        yield target


def _as_streams(parts: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Each part as a transport stream whose clock goes on where the part before it ended; nothing is encoded."""
    first, begin_s = None, 0.0
    for number, part in enumerate(parts):
        found = inspect(part)
        shape = (found.video.codec, found.video.width, found.video.height)
        if first not in {None, shape}:
            raise Refused("unsupported", "The parts differ in picture size or codec: they are not one recording.")
        first = shape
        name = f"{number}.ts"
        run_ffmpeg(
            [
                "-i",
                "{source}",
                *("-map", "0:v:0", "-map", "0:a?"),  # data tracks of cameras (positions, telemetry) stay behind
                *("-c", "copy"),
                *("-output_ts_offset", f"{begin_s:.6f}"),  # so that the joined file has one clock
                *("-muxdelay", "0", "-muxpreload", "0"),  # the muxer would begin each part later than it says
                *("-flags", "+bitexact", "-fflags", "+bitexact"),  # the same parts give the same bytes
                *("-f", "mpegts", f"{{out}}/{name}"),
            ],
            source=part,
            out=folder,
            limits=Limits.for_duration(found.duration_s),
        )
        begin_s += found.duration_s
        yield folder / name
        (folder / name).unlink()


def _place(file: Path) -> tuple[object, int]:
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
    if _COUNTED.fullmatch(stem):
        return (folder, suffix, "counted"), int(stem)
    if (found := _PART.fullmatch(stem)) and found["stem"]:
        return (folder, suffix, found["stem"].casefold()), int(found["number"])
    return (file,), 0


def _runs(group: Sequence[tuple[int, Path]]) -> Iterator[list[Path]]:
    """Numbers without a gap belong together; a missing one begins another recording."""
    run: list[Path] = []
    before = None
    for number, file in group:
        if run and number != (before or 0) + 1:
            yield run
            run = []
        run.append(file)
        before = number
    if run:
        yield run
