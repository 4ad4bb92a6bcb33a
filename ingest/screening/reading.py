"""Read what is written in pictures: PP-OCR by rapidocr, whose weights lie in its wheel; nothing goes over a network."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from ingest.screening.detail import Box, Picture

# small text is read at twice its size (14 to 18 px of a full-HD picture cannot be read otherwise)
ENLARGED = 2
# letters so large that their strokes are wide are read at half
REDUCED = 0.5
# a line read with less is noise
LEAST_SCORE = 0.6
# Detecting lines is nine tenths of the cost, and goes with the area. At a third of the size letters are too small to be
# read, but the detector still sees that there are some: where it calls this likely (of 1) is read in full.
FINDS_AT, LIKELY = 1 / 3, 0.2
# much that looks like a line is none: where not even so many signs can be read with this score nothing is looked for
LEAST_HINT, LEAST_SIGNS = 0.4, 2
# around what is likely, as it is read: a letter that was not seen, the value behind a prefix
AROUND_PX = 32
# lines taller than this are read in the picture's own size too
TALL_PX = 72
# crops are put beside each other on sheets of this size, so that many small ones cost one pass
SHEET_PX, LEAST_SHEET_PX, BETWEEN_PX = 960, 64, 24


@dataclass(frozen=True)
class Line:
    """A line of text in a picture: what it says, where, and how sure the reader is. Never stored."""

    text: str
    box: Box
    score: float


class Reader:
    """Reads Chinese and Latin text; its weights are loaded when the first picture is read."""

    def read(self, picture: Picture) -> list[Line]:
        """Return the lines of a whole grey picture, from top to bottom; small and large letters alike."""
        height, width = picture.shape
        likely = self._likely(picture, [Box(0, 0, width, height)], ENLARGED)
        small = self._read(picture, likely, ENLARGED)
        tall = [box for box in likely if box.bottom - box.top > TALL_PX]
        return sorted([*small, *self._read(picture, tall, 1)], key=_from_top)

    def read_places(self, picture: Picture, boxes: Sequence[Box]) -> list[Line]:
        """Return the lines of small letters inside some boxes of a picture, with their place in the picture."""
        return self._read(picture, self._likely(picture, boxes, ENLARGED), ENLARGED)

    def read_large(self, picture: Picture, boxes: Sequence[Box]) -> list[Line]:
        """Return the lines of large letters inside some boxes of a picture, read in half its size."""
        return self._read(picture, self._likely(picture, boxes, REDUCED), REDUCED)

    def _read(self, picture: Picture, boxes: Sequence[Box], scale: float) -> list[Line]:
        found: list[Line] = []
        for sheet in _sheets(picture, boxes, scale):
            for line in self._lines(sheet.canvas):
                place = sheet.place_of(line.box)
                if place is not None:
                    found.append(Line(line.text, place, line.score))
        return sorted(found, key=_from_top)

    def _likely(self, picture: Picture, boxes: Sequence[Box], scale: float) -> list[Box]:
        """Return where in some boxes there may be writing, by the detector alone, in a fraction of the size."""
        found: list[Box] = []
        doubtful: list[Box] = []
        for sheet in _sheets(picture, boxes, scale * FINDS_AT):
            answer = self._finder(cv2.cvtColor(sheet.canvas, cv2.COLOR_GRAY2BGR), use_cls=False, use_rec=False)
            for corners in () if answer.boxes is None else answer.boxes:
                place = sheet.place_of(_upright(corners, sheet.canvas.shape))
                if place is not None:
                    says = self._says_anything(picture, place)
                    (found if says else doubtful).append(_widened(place, scale, picture.shape))
        # the rest of a line, where two letters alone say nothing
        beside = [box for box in doubtful if any(_overlap(box, other) for other in found)]
        return _merged([*found, *beside])

    def _says_anything(self, picture: Picture, box: Box) -> bool:
        """Whether the recogniser makes anything of a place; it costs a quarter of looking for lines there."""
        if box.bottom - box.top > box.right - box.left:  # it reads along one line
            return True
        crop = picture[box.top : box.bottom, box.left : box.right]
        answer = self._engine(cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR), use_det=False, use_cls=False, use_rec=True)
        read = zip(answer.txts or (), answer.scores or (), strict=True)
        return any(score >= LEAST_HINT and len(text.strip()) >= LEAST_SIGNS for text, score in read)

    def _lines(self, picture: Picture) -> list[Line]:
        answer = self._engine(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), use_det=True, use_cls=False, use_rec=True)
        if answer.boxes is None or answer.txts is None:
            return []
        return [
            Line(text, _upright(corners, picture.shape), float(score))
            for corners, text, score in zip(answer.boxes, answer.txts, answer.scores, strict=True)
            if score >= LEAST_SCORE and text.strip()
        ]

    @cached_property
    def _engine(self) -> Any:
        return _make_engine({})

    @cached_property
    def _finder(self) -> Any:
        return _make_engine({"Det.thresh": LIKELY, "Det.box_thresh": LIKELY})


def _make_engine(params: dict[str, Any]) -> Any:
    from rapidocr import RapidOCR  # noqa: PLC0415 - a second, and a hundred MB, that only screening needs

    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL + 1)
    # the picture is read in the size it has, by one thread: other jobs run beside
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": 8192,
            "Det.limit_type": "max",
            "Det.limit_side_len": 8192,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            **params,
        }
    )


@dataclass(frozen=True)
class _Sheet:
    """Crops on one canvas, each with the corner where it lies there, and its box in the picture."""

    canvas: Picture
    scale: float
    placed: tuple[tuple[int, int, Box], ...]

    def place_of(self, box: Box) -> Box | None:
        """Return where in the picture something on the canvas is."""
        x, y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
        for left, top, crop in self.placed:
            width, height = _size(crop, self.scale)
            if left <= x < left + width and top <= y < top + height:
                return Box(
                    max(crop.left, crop.left + int((box.left - left) / self.scale)),
                    max(crop.top, crop.top + int((box.top - top) / self.scale)),
                    min(crop.right, crop.left + math.ceil((box.right - left) / self.scale)),
                    min(crop.bottom, crop.top + math.ceil((box.bottom - top) / self.scale)),
                )
        return None


def _sheets(picture: Picture, boxes: Sequence[Box], scale: float) -> Iterable[_Sheet]:
    """Answer the crops shelf by shelf, the tallest first; a crop larger than a sheet makes the sheet larger."""
    waiting = sorted(boxes, key=lambda box: (box.top - box.bottom, box.left))
    while waiting:
        placed: list[tuple[int, int, Box]] = []
        x = y = shelf = 0
        rest = []
        for box in waiting:
            width, height = _size(box, scale)
            if x and x + width > SHEET_PX:
                x, y, shelf = 0, y + shelf + BETWEEN_PX, 0
            if placed and y + height > SHEET_PX:
                rest.append(box)
                continue
            placed.append((x, y, box))
            x, shelf = x + width + BETWEEN_PX, max(shelf, height)
        yield _Sheet(_canvas(picture, placed, scale), scale, tuple(placed))
        waiting = rest


def _canvas(picture: Picture, placed: Sequence[tuple[int, int, Box]], scale: float) -> Picture:
    bottom = max(top + _size(box, scale)[1] for _, top, box in placed)
    right = max(left + _size(box, scale)[0] for left, _, box in placed)
    canvas = np.full((max(LEAST_SHEET_PX, bottom), max(LEAST_SHEET_PX, right)), 96, np.uint8)
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    for left, top, box in placed:
        width, height = _size(box, scale)
        crop = cv2.resize(picture[box.top : box.bottom, box.left : box.right], (width, height), interpolation=how)
        canvas[top : top + height, left : left + width] = crop
    return canvas


def _size(box: Box, scale: float) -> tuple[int, int]:
    return max(1, round((box.right - box.left) * scale)), max(1, round((box.bottom - box.top) * scale))


def _from_top(line: Line) -> tuple[int, int]:
    return line.box.top, line.box.left


def _widened(box: Box, scale: float, shape: tuple[int, ...]) -> Box:
    across, down = math.ceil(AROUND_PX / scale), math.ceil(AROUND_PX / scale / 2)
    top, left = max(0, box.top - down), max(0, box.left - across)
    return Box(left, top, min(shape[1], box.right + across), min(shape[0], box.bottom + down))


def _merged(boxes: Sequence[Box]) -> list[Box]:
    """Join boxes that overlap, so that nothing is read twice."""
    found: list[Box] = []
    for box in boxes:
        touched = [other for other in found if _overlap(box, other)]
        found = [other for other in found if other not in touched]
        together = [box, *touched]
        left, top = min(one.left for one in together), min(one.top for one in together)
        found.append(Box(left, top, max(one.right for one in together), max(one.bottom for one in together)))
    return found


def _overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def _upright(corners: Any, shape: tuple[int, ...]) -> Box:
    xs, ys = [float(corner[0]) for corner in corners], [float(corner[1]) for corner in corners]
    return Box(
        max(0, int(min(xs))), max(0, int(min(ys))), min(shape[1], int(max(xs)) + 1), min(shape[0], int(max(ys)) + 1)
    )
