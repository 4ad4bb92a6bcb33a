"""Makes one file of the parts of a recording that a camera has cut, where somebody says that they are its parts.

Cameras that merely count files number the next recording on as well; of these a file goes on with the one before where
its clock does.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import Refused
from ingest.ffmpeg import run_ffmpeg
from ingest.inspect import inspect
from ingest.sandbox import Limits
from ingest.scratch import scratch_folder
from videolib.catalogue.part_names import COUNTED, LAID_END_TO_END

_READ_BYTES = 4 * 1024 * 1024
# a cut loses no picture; clocks of a camera's streams differ by less than this at a cut
_CLOCK_GOES_ON_S = 1.0


def split_by_clock(group: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Split files that a camera merely counted where the clock does not go on: there another recording begins.

    What says by its name that it is a part stays together; what cannot be read stands alone, to be refused as it is.
    """
    if not all(COUNTED.fullmatch(file.stem) for file in group):
        return [tuple(group)]
    runs: list[list[Path]] = []
    ended_s: float | None = None
    for file in group:
        try:
            found = inspect(file)
        except Refused:
            runs.append([file])
            ended_s = None
            continue
        if ended_s is None or abs(found.video.start_s - ended_s) > _CLOCK_GOES_ON_S:
            runs.append([])
        runs[-1].append(file)
        ended_s = found.video.start_s + found.duration_s
    return [tuple(run) for run in runs]


@contextmanager
def joined(parts: Sequence[Path], scratch: Path | None = None) -> Iterator[Path]:
    """Give the parts as one file for a while, in a folder of its own below `scratch`, named as the first of them.

    The same parts give the same bytes. Raises `Refused` for a part that is no video, or of another kind than the first.
    """
    with scratch_folder(scratch, "parts-") as folder:
        suffixes = {part.suffix.lower() for part in parts}
        if len(suffixes) > 1:
            raise Refused("unsupported", "The parts are of different kinds: join files of one camera only.")
        plain = suffixes <= LAID_END_TO_END
        target = folder / (parts[0].name if plain else f"{parts[0].stem}.ts")
        try:
            with target.open("wb") as whole:
                for piece in parts if plain else _as_streams(parts, folder):
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
