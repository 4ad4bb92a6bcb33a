"""Follow what a mask covers: the reviewer draws it once, and it goes with the writing or the face while that moves.

What lies under the mask in its first picture is looked for near its last place in each further one (normalised
correlation). Where it cannot be found any more the mask stays, and the desk says from when on it has to be placed by
hand. All times are those of the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import cv2
import numpy as np
from sqlalchemy.orm import Session

from ingest.dicom_choices import NATIVE, read_choices
from ingest.inspect import inspect
from ingest.screening.detail import Picture
from ingest.screening.frames import Shown, Stretch, look_through
from ingest.screening.work import Finish, videos_of, zero_s_of
from ingest.workshop import FREE_SPACE_FACTOR, Watch, Workshop, open_source, scratch_for
from videolib.catalogue.cines import find_corrections
from videolib.catalogue.jobs import Job
from videolib.catalogue.recordings import get_recording
from videolib.catalogue.redactions import RedactionRow, take_way
from videolib.errors import Conflict

PICTURES_A_SECOND = 6
# how far it may go from one picture to the next, beside half of its own size: a share of the picture's width
REACH_SHARE = 0.06
# alike enough to be it; to be taken as what it looks like by now; pictures without it until it is lost
ALIKE, SURELY, LOST_AFTER = 0.5, 0.75, 3
# a place without any detail is everywhere
LEAST_DETAIL = 4.0
# around what was drawn, since it turns and grows a little; how far off the straight way a place may be
MARGIN_SHARE, STRAIGHT = 0.06, 0.004

Place = tuple[float, float, float, float]


@dataclass
class Follower:
    """Takes pictures in order, the first with the place of the mask in shares of it; `keys` are [time, place]."""

    place: Place
    keys: list[tuple[float, Place]] = field(default_factory=list)
    lost_s: float | None = None
    # what it looked like when it was drawn, and by now
    _looks: tuple[Picture, Picture] | None = None
    _at: tuple[int, int] = (0, 0)
    _missing: int = 0

    def look(self, time_s: float, picture: Picture) -> None:
        """Take the next picture."""
        if self.lost_s is not None:
            return
        if self._looks is None:
            self._begin(time_s, picture)
            return
        found = self._find(picture, *self._looks)
        if found is None:
            self._missing += 1
            if self._missing >= LOST_AFTER:
                self.lost_s = self.keys[-1][0]
            return
        self._missing, self._at = 0, found
        self._keep(time_s, picture)

    def _begin(self, time_s: float, picture: Picture) -> None:
        height, width = picture.shape
        x, y, wide, high = self.place
        left, top = int(x * width), int(y * height)
        crop = picture[top : max(top + 8, int((y + high) * height)), left : max(left + 8, int((x + wide) * width))]
        self._looks = (crop.copy(), crop.copy())
        self._at = left, top
        self._keep(time_s, picture)
        if float(crop.std()) < LEAST_DETAIL:
            self.lost_s = time_s

    def _find(self, picture: Picture, first: Picture, now: Picture) -> tuple[int, int] | None:
        height, width = first.shape
        left, top = self._at
        reach_x = width // 2 + int(REACH_SHARE * picture.shape[1])
        reach_y = height // 2 + int(REACH_SHARE * picture.shape[1])
        from_x, from_y = max(0, left - reach_x), max(0, top - reach_y)
        near = picture[from_y : top + height + reach_y, from_x : left + width + reach_x]
        if near.shape[0] < height or near.shape[1] < width:
            return None
        # as it was drawn before as it is by now: else small errors add up and it drifts away
        for wanted, enough in ((first, SURELY), (now, ALIKE)):
            _least, alike, _where, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(near, wanted, cv2.TM_CCOEFF_NORMED))
            if alike >= enough:
                if alike >= SURELY:
                    self._looks = (first, near[y : y + height, x : x + width].copy())
                return from_x + x, from_y + y
        return None

    def _keep(self, time_s: float, picture: Picture) -> None:
        height, width = picture.shape
        wide, high = self.place[2], self.place[3]
        around_x, around_y = (0.0, 0.0) if not self.keys else (wide * MARGIN_SHARE, high * MARGIN_SHARE)
        x, y = max(0.0, self._at[0] / width - around_x), max(0.0, self._at[1] / height - around_y)
        self.keys.append((time_s, (x, y, min(1 - x, wide + 2 * around_x), min(1 - y, high + 2 * around_y))))


def straightened(keys: Sequence[tuple[float, Place]]) -> list[tuple[float, Place]]:
    """Leave out the keys that lie on the straight way between those that are kept."""
    if len(keys) < 3:
        return list(keys)
    kept, first = [keys[0]], 0
    for last in range(2, len(keys)):
        if any(not _is_between(keys[first], keys[number], keys[last]) for number in range(first + 1, last)):
            first = last - 1
            kept.append(keys[first])
    return [*kept, keys[-1]]


def track(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Follow what a mask covers from its beginning to its end, and let its row say so.

    Raises `Refused`, `ToolFailed`, `Unavailable`, `Cancelled`, `LeaseLost`.
    """
    with workshop.database.reading() as session:
        row = session.get(RedactionRow, int(job.arguments["redaction_id"]))
        recording = get_recording(session, job.recording_id)
        choices = read_choices(find_corrections(session, recording.id))
        session.expunge_all()
    if row is None or row.ended_at is not None or not row.keys:
        with workshop.database.writing() as session:
            finish(session)
        return
    watch.on_progress("fetch", None)
    size = recording.bytes * FREE_SPACE_FACTOR
    with open_source(workshop, recording.original_key, watch) as source, scratch_for(workshop, size) as folder:
        video = videos_of(source, folder, choices, watch)[NATIVE]
        inspection = inspect(video)
        zero_s = zero_s_of(inspection)
        follower = Follower((row.keys[0][1], row.keys[0][2], row.keys[0][3], row.keys[0][4]))

        def see(time_s: float, shown: Shown) -> None:
            follower.look(time_s - zero_s, shown.grey)

        stretch = Stretch(row.start_s + zero_s, min(inspection.duration_s, row.end_s + zero_s))
        look_through(video, inspection, stretch, see, cancelled=watch.cancelled, rate=PICTURES_A_SECOND)
    way = [[round(time_s, 3), *(round(share, 5) for share in place)] for time_s, place in straightened(follower.keys)]
    with workshop.database.writing() as session:
        finish(session)
        _write(session, job, row, way, follower.lost_s)


def _write(session: Session, job: Job, row: RedactionRow, way: list[list[float]], lost_s: float | None) -> None:
    recording = get_recording(session, job.recording_id, for_update=True)
    with suppress(Conflict):  # signed off meanwhile: nothing is changed any more
        take_way(session, recording, row.id, way, lost_s)


def _is_between(one: tuple[float, Place], middle: tuple[float, Place], other: tuple[float, Place]) -> bool:
    share = (middle[0] - one[0]) / max(1e-9, other[0] - one[0])
    straight = np.asarray(one[1]) + (np.asarray(other[1]) - np.asarray(one[1])) * share
    return bool(np.abs(straight - np.asarray(middle[1])).max() <= STRAIGHT)
