"""Text that identifies somebody, from the picture in which it appears to the one in which it is gone.

`PictureScreen` takes pictures in order. What newly looks like writing is read at once; every few seconds the mean of
the last pictures is looked at too, in which moving tissue is blurred and faint writing that stands still is not. What
was read is followed by its own strokes, so that a label that stands for an hour is one sighting, read once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ingest.screening.detail import Box, DetailWatch, Picture, strokes_in
from ingest.screening.patient import PatientValues
from ingest.screening.reading import Line, Reader
from videolib.identifiers import RISKS, Match, Rule, find_identifiers, find_in_lines, is_prefix_alone

# how often the mean of the last pictures is looked at: usually, and in the first and last half minute
SAMPLE_EVERY_S, EDGE_SAMPLE_EVERY_S, EDGE_S = 5.0, 1.0, 30.0
MEAN_OF, LEAST_MEAN_OF = 8, 3
# the whole picture, whatever the strokes say: at scene cuts and so often
WHOLE_EVERY_S, WHOLE_AT_CUTS_EVERY_S = 300.0, 20.0
# a label is there while so many of its strokes are; it is gone after so many pictures without
STANDS_SHARE, GONE_AFTER = 0.6, 2
# sightings of one rule in one place that are less apart are one
JOIN_WITHIN_S = 10.0
# large letters are looked for in a picture so many times smaller
SMALLER = 4


@dataclass
class Sighting:
    """One identifier in the pictures: the rule, where (shares of width and height), from when to when, how sure."""

    rule: Rule
    box: tuple[float, float, float, float]
    start_s: float
    end_s: float
    confidence: float
    picture: Picture
    readings: int = 1

    @property
    def risk(self) -> float:
        """How urgent it is to look at."""
        return RISKS[self.rule] * self.confidence


@dataclass
class _Followed:
    """A line that was read and still stands: its strokes, and what the rules said of it."""

    box: Box
    strokes: Picture
    sightings: list[Sighting]
    missing: int = 0


@dataclass
class PictureScreen:
    """Looks through pictures in order; `ended` holds the sightings that are over, `finish` ends all."""

    reader: Reader
    duration_s: float
    values: PatientValues = field(default_factory=PatientValues)
    ended: list[Sighting] = field(default_factory=list)
    _fine: DetailWatch = field(default_factory=DetailWatch)
    _coarse: DetailWatch = field(default_factory=DetailWatch)
    _means: DetailWatch = field(default_factory=lambda: DetailWatch(contrast=20, still=14))
    _last: deque[Picture] = field(default_factory=lambda: deque(maxlen=MEAN_OF))
    _followed: list[_Followed] = field(default_factory=list)
    _sampled_s: float = -1e9
    _whole_s: float = -1e9

    def look(self, time_s: float, picture: Picture) -> None:
        """Take the next picture."""
        before = self._last[-1] if self._last else picture
        self._follow(time_s, picture)
        pair = np.asarray(cv2.addWeighted(picture, 0.5, before, 0.5, 0), np.uint8)
        boxes = self._fine.look(picture)
        if boxes:
            self._take(time_s, pair, self.reader.read_places(pair, boxes))
        small = _smaller(picture)
        large = [_times(box, SMALLER, picture.shape) for box in self._coarse.look(small)]
        if large:
            self._take(time_s, pair, self.reader.read_large(pair, large))
        if self._fine.is_new_scene:
            self._last.clear()
        self._last.append(picture)
        self._sample(time_s)

    def so_far(self) -> list[Sighting]:
        """Return what was seen since the last call, joined; what still stands is told again next time, longer."""
        standing = [sighting for followed in self._followed for sighting in followed.sightings]
        found, self.ended = join([*self.ended, *(replace(one) for one in standing)]), []
        return found

    def finish(self) -> list[Sighting]:
        """Return what was seen since the last call, joined; the screen is empty afterwards."""
        found, self._followed = self.so_far(), []
        return found

    def _sample(self, time_s: float) -> None:
        is_edge = time_s < EDGE_S or time_s > self.duration_s - EDGE_S
        due = time_s - self._sampled_s >= (EDGE_SAMPLE_EVERY_S if is_edge else SAMPLE_EVERY_S) - 0.01
        if due and len(self._last) >= LEAST_MEAN_OF:
            self._sampled_s = time_s
            mean = _mean(self._last)
            boxes = self._means.look(mean)
            if boxes:
                self._take(time_s, mean, self.reader.read_places(mean, boxes))
        since_s = time_s - self._whole_s
        if since_s >= WHOLE_EVERY_S or (self._fine.is_new_scene and since_s >= WHOLE_AT_CUTS_EVERY_S):
            self._whole_s = time_s
            mean = _mean(self._last)
            self._take(time_s, mean, self.reader.read(mean))

    def _take(self, time_s: float, picture: Picture, lines: Sequence[Line]) -> None:
        """Hold what was read against the rules, and follow it."""
        for line, matches in judge(lines, self.values):
            if any(_overlap(line.box, known.box) > 0.5 for known in self._followed if _says_as_much(known, matches)):
                continue
            sightings = [
                Sighting(
                    match.rule,
                    _shares(line.box, picture.shape),
                    max(0.0, time_s - 2 / 3),
                    time_s,
                    round(match.confidence * line.score, 3),
                    _cut_out(picture, line.box),
                )
                for match in matches
            ]
            strokes = strokes_in(picture, line.box)
            self._followed.append(_Followed(line.box, strokes, sightings))

    def _follow(self, time_s: float, picture: Picture) -> None:
        going = []
        for followed in self._followed:
            if _stands(picture, followed):
                followed.missing = 0
                for sighting in followed.sightings:
                    sighting.end_s = time_s + 1 / 3
            else:
                followed.missing += 1
            if followed.missing >= GONE_AFTER:
                self.ended += followed.sightings
            else:
                going.append(followed)
        self._followed = going


def judge(lines: Sequence[Line], values: PatientValues) -> list[tuple[Line, list[Match]]]:
    """Return each line with what it gives away; writing that no rule knows is told of as such, for a person to see."""
    found = []
    for index, line in enumerate(lines):
        matches = [*values.matches(line.text), *find_identifiers(line.text)]
        if index and (joined := find_in_lines([lines[index - 1].text, line.text])):
            matches += [match for match in joined if match.rule not in {one.rule for one in matches}]
        if not matches and is_prefix_alone(line.text):
            matches = [Match("identifier", 0, len(line.text), 0.5)]
        if not matches and is_writing(line):
            matches = [Match("text", 0, len(line.text), 0.5)]
        if matches:
            found.append((line, matches))
    return found


def is_writing(line: Line) -> bool:
    """Whether a line is more than a mark or a scale's number: four letters or two Han characters, read well."""
    letters = sum(sign.isalpha() for sign in line.text)
    han = sum("\u3400" <= sign <= "\u9fff" for sign in line.text)
    return line.score >= 0.8 and (letters >= 4 or han >= 2)


def join(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Make one of sightings of one rule in one place that follow each other within seconds."""
    joined: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda one: one.start_s):
        earlier = next((one for one in reversed(joined) if is_same(one, sighting)), None)
        if earlier is None:
            joined.append(sighting)
            continue
        earlier.end_s = max(earlier.end_s, sighting.end_s)
        earlier.readings += sighting.readings
        if sighting.confidence > earlier.confidence:
            earlier.confidence, earlier.picture = sighting.confidence, sighting.picture
    return joined


def is_same(earlier: Sighting, later: Sighting) -> bool:
    """Whether two sightings are of one label."""
    return (
        earlier.rule == later.rule
        and later.start_s - earlier.end_s <= JOIN_WITHIN_S
        and _overlap_of_shares(earlier.box, later.box) > 0.3
    )


def _says_as_much(known: _Followed, matches: Sequence[Match]) -> bool:
    return {match.rule for match in matches} <= {sighting.rule for sighting in known.sightings}


def _stands(picture: Picture, followed: _Followed) -> bool:
    strokes = strokes_in(picture, followed.box, faded=True)
    wanted = int(np.count_nonzero(followed.strokes))
    there = int(np.count_nonzero(cv2.bitwise_and(strokes, followed.strokes)))
    return wanted > 0 and there >= STANDS_SHARE * wanted


def _mean(pictures: Sequence[Picture]) -> Picture:
    total = np.zeros(pictures[0].shape, np.float32)
    for picture in pictures:
        cv2.accumulate(picture, total)
    return np.asarray(cv2.convertScaleAbs(total, alpha=1 / len(pictures)), np.uint8)


def _smaller(picture: Picture) -> Picture:
    small = cv2.resize(picture, None, fx=1 / SMALLER, fy=1 / SMALLER, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _times(box: Box, factor: int, shape: tuple[int, ...]) -> Box:
    return Box(
        box.left * factor, box.top * factor, min(shape[1], box.right * factor), min(shape[0], box.bottom * factor)
    )


def _cut_out(picture: Picture, box: Box) -> Picture:
    margin = 24
    top, left = max(0, box.top - margin), max(0, box.left - margin)
    return picture[top : box.bottom + margin, left : box.right + margin].copy()


def _shares(box: Box, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    height, width = shape[0], shape[1]
    return (
        round(box.left / width, 5),
        round(box.top / height, 5),
        round((box.right - box.left) / width, 5),
        round((box.bottom - box.top) / height, 5),
    )


def _overlap(one: Box, other: Box) -> float:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(0, width) * max(0, height) / max(1, min(one.area, other.area))


def _overlap_of_shares(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height) / max(1e-9, min(one[2] * one[3], other[2] * other[3]))
