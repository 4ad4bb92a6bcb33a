"""What each view of a DICOM recording shows, run after run, on one constant rate and one canvas.

The native view is the recording. `subtracted` shows the same runs with their masks taken away, `plane-b` the other
half of biplane pairs; where a run has no such picture the view shows the native one, so that all views keep one clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from ingest.dicom_choices import NATIVE, NO_CHOICES, Choices
from ingest.dicom_pixels import Picture
from ingest.dicom_run import Run, read_run, run_pictures, with_estimates
from ingest.dicom_study import Study
from ingest.dicom_time import lay_together
from ingest.errors import Cancelled

SUBTRACTED, PLANE_B, PLANE_B_SUBTRACTED = "subtracted", "plane-b", "plane-b-subtracted"


@dataclass(frozen=True)
class Canvas:
    """The size of a view's pictures, the shape of their pixels, and whether they are grey or RGB."""

    columns: int
    rows: int
    aspect: Fraction
    is_grey: bool


@dataclass(frozen=True)
class Reel:
    """All runs of a recording laid out in time; `second_planes` are theirs by the number of their run."""

    study: Study
    runs: tuple[Run, ...]
    second_planes: dict[int, Run]
    fps: Fraction
    repeats: tuple[tuple[int, ...], ...]
    canvas: Canvas

    @property
    def duration_s(self) -> float:
        """Seconds that it lasts."""
        return float(sum(map(sum, self.repeats)) / self.fps)

    @property
    def run_starts_s(self) -> tuple[float, ...]:
        """When each run begins."""
        slots = accumulate((sum(repeats) for repeats in self.repeats), initial=0)
        return tuple(float(slot / self.fps) for slot in slots)[:-1]

    @property
    def frame_starts_s(self) -> tuple[float, ...]:
        """When each acquired frame begins."""
        slots = accumulate((count for repeats in self.repeats for count in repeats), initial=0)
        return tuple(float(slot / self.fps) for slot in slots)[:-1]

    @property
    def views(self) -> tuple[str, ...]:
        """The views that there are, the native one first."""
        second = self.second_planes.values()
        is_there = {
            NATIVE: True,
            SUBTRACTED: any(run.subtraction for run in self.runs),
            PLANE_B: bool(second),
            PLANE_B_SUBTRACTED: any(run.subtraction for run in second),
        }
        return tuple(view for view, there in is_there.items() if there)


def lay_out(study: Study, choices: Choices, folder: Path | None = None, *, estimate: bool = False) -> Reel:
    """Read all runs of a study and lay them on one rate; `estimate` decodes where a window is to be worked out."""

    def read(names: tuple[str, ...], states: tuple[str, ...], number: int, plane: str) -> Run:
        chosen = choices.get(f"{number}b" if plane == "B" else f"{number}", NO_CHOICES)
        with study.unpacked(names, folder) as paths, study.unpacked(states, folder) as how:
            run = read_run(paths, number, chosen, plane=plane, states=how)
            return with_estimates(run) if estimate else run

    runs, second_planes = [], {}
    for number, files in enumerate(study.listed.runs, 1):
        runs.append(read(files.files, files.states, number, "A" if files.second_plane else ""))
        if files.second_plane:
            second_planes[number] = read(files.second_plane, files.second_states, number, "B")
    grids = lay_together([run.timeline for run in runs])
    canvas = _canvas([*runs, *second_planes.values()])
    return Reel(study, tuple(runs), second_planes, grids[0].fps, tuple(grid.repeats for grid in grids), canvas)


def view_pictures(reel: Reel, view: str, folder: Path, cancelled: Callable[[], bool] | None = None) -> Iterator[bytes]:
    """Yield the bytes of every output picture of a view: each frame as often as the constant rate needs it."""
    for index, native in enumerate(reel.runs):
        run, subtracted = _shown(reel, view, native)
        files = reel.study.listed.runs[index]
        is_second = run is not native
        names, states = (files.second_plane, files.second_states) if is_second else (files.files, files.states)
        repeats = _repeats(reel, index, run)
        with reel.study.unpacked(names, folder) as paths, reel.study.unpacked(states, folder) as how:
            pictures = run_pictures(replace(run, paths=paths, states=how), subtracted=subtracted)
            for picture, count in zip(pictures, repeats, strict=True):
                if cancelled is not None and cancelled():
                    raise Cancelled
                encoded = _fitted(picture, run, reel.canvas).tobytes()
                for _ in range(count):
                    yield encoded


def _shown(reel: Reel, view: str, native: Run) -> tuple[Run, bool]:
    """Return the run that a view shows in the place of a native one, and whether it is subtracted."""
    run = native
    if view in {PLANE_B, PLANE_B_SUBTRACTED}:
        run = reel.second_planes.get(native.facts.number, native)
    return run, view in {SUBTRACTED, PLANE_B_SUBTRACTED}


def _repeats(reel: Reel, index: int, run: Run) -> tuple[int, ...]:
    """Return how often each frame is shown; a second plane keeps the clock of the first."""
    own = reel.repeats[index]
    if run.shown == len(own):
        return own
    total = sum(own)
    edges = [round(total * frame / run.shown) for frame in range(run.shown + 1)]
    return tuple(end - start for start, end in pairwise(edges))


def _canvas(runs: list[Run]) -> Canvas:
    """Return a canvas that holds every run: their own size where they agree, else the largest with square pixels."""
    is_grey = all(run.shape.is_grey for run in runs)
    shapes = {(run.shape.columns, run.shape.rows, run.aspect) for run in runs}
    if len(shapes) == 1:
        columns, rows, aspect = shapes.pop()
        return Canvas(columns, rows, aspect, is_grey)
    width = max(round(columns * aspect) for columns, _rows, aspect in shapes)
    return Canvas(width, max(rows for _columns, rows, _aspect in shapes), Fraction(1), is_grey)


def _fitted(picture: Picture, run: Run, canvas: Canvas) -> Picture:
    """Return a picture on the canvas: as it is where it fits exactly, else as large as it goes, in the middle."""
    if not canvas.is_grey and picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    rows, columns = picture.shape[:2]
    if (columns, rows, run.aspect) == (canvas.columns, canvas.rows, canvas.aspect):
        return picture
    shape = columns * float(run.aspect), rows
    scale = min(canvas.columns / shape[0], canvas.rows / shape[1])
    size = max(round(shape[0] * scale), 1), max(round(shape[1] * scale), 1)
    drawn = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    whole = Image.new(drawn.mode, (canvas.columns, canvas.rows))
    whole.paste(drawn, ((canvas.columns - size[0]) // 2, (canvas.rows - size[1]) // 2))
    return np.asarray(whole)
