"""Look through what was rendered with redactions: every rendition, picture and caption, before anybody may see it.

Each rendition is decoded. Where a region was to be filled and is not, and where a rule holds that no reviewer has
dismissed, there is a finding, and the recording goes back to the desk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from sqlalchemy.orm import Session

from ingest.inspect import inspect
from ingest.redaction import MARGIN_S, Patch, Redaction, patches_of, read_redactions
from ingest.screening.detail import Picture
from ingest.screening.frames import Shown, Stretch, look_through
from ingest.screening.patient import PatientValues, read_values
from ingest.screening.reading import Reader
from ingest.screening.sightings import PictureScreen, judge
from ingest.screening.stretches import Crops
from ingest.workshop import Watch, Workshop, open_source, scratch_for
from videolib.catalogue.jobs import Job
from videolib.catalogue.packages import Package, list_objects
from videolib.catalogue.publishing import output_is_screened
from videolib.catalogue.recordings import get_recording
from videolib.catalogue.screenings import (
    Finding,
    Found,
    Screening,
    find_screening,
    finish_screening,
    keep_progress,
    list_findings,
)
from videolib.cues import read_cues
from videolib.errors import InvalidInput
from videolib.identifiers import RISKS, find_identifiers

Finish = Callable[[Session], None]
# a filled region after encoding: nearly one grey (standard deviation), near its colour (of 255)
FLAT, NEAR = 10.0, 40.0
# inside the edges, where scaling mixes a region with what is beside it: a share of its sides, at least so many pixels
INSIDE_SHARE, INSIDE_PX = 0.06, 4
GREYS = {"black": 0, "white": 255, "0x606060": 0x60, "0x303030": 0x30}
ROOM_FACTOR = 2.0


def screen_output(workshop: Workshop, job: Job, screening: Screening, watch: Watch, *, finish: Finish) -> None:
    """Look through a rendered package; when it is clean it may be seen. Raises as `work.screen` does."""
    with workshop.database.reading() as session:
        package = session.get_one(Package, screening.package_id)
        recording = get_recording(session, job.recording_id)
        key, size = recording.original_key, sum(int(item["bytes"]) for item in list_objects(session, package.id))
        paths = [str(item["path"]) for item in list_objects(session, package.id)]
        master = find_screening(session, recording.id)
        decided = list_findings(session, master.id) if master else []
        session.expunge_all()
    with open_source(workshop, key, watch) as source:
        values = read_values(source)
    with scratch_for(workshop, recording.bytes + ROOM_FACTOR * size) as folder:
        output = _Output(workshop, package, paths, folder, watch)
        checked = _Checked(output, values, Crops(workshop.originals, screening.id), decided)
        found = [*checked.renditions(), *checked.pictures(), *checked.captions()]
    with workshop.database.writing() as session:
        finish(session)
        keep_progress(session, screening, package.duration_s or 0.0, found)
        finish_screening(
            session, screening, notes={"renditions": checked.counted, "redactions": len(package.redactions)}
        )
        row = get_recording(session, job.recording_id, for_update=True)
        output_is_screened(session, row, package.id, is_clean=not found, threshold=workshop.settings.review_threshold)


@dataclass(frozen=True)
class _Output:
    """A stored package: its files' paths, brought to a folder when they are looked at."""

    workshop: Workshop
    package: Package
    paths: Sequence[str]
    folder: Path
    watch: Watch

    def fetch(self, path: str) -> Path:
        """Bring a file of the package."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self.workshop.store.fetch_to(f"{self.package.prefix}/{path}", target)
        return target

    def renditions(self) -> Iterator[tuple[str, Path]]:
        """Answer every rendition as one file, the largest first, of all views; each is removed after its turn."""
        playlists = [path for path in self.paths if re.search(r"(^|/)video/\d+p/index\.m3u8$", path)]
        for path in sorted(playlists, key=lambda one: (one.count("/"), -int(one.split("/")[-2][:-1]))):
            whole = self.folder / "rendition.mp4"
            names = files_of(self.fetch(path).read_text("utf-8"))
            with whole.open("wb") as joined:
                for name in names:
                    piece = self.fetch(f"{path.rpartition('/')[0]}/{name}")
                    joined.write(piece.read_bytes())
                    piece.unlink()
            yield path, whole
            whole.unlink()


@dataclass
class _Checked:
    """What was found in an output."""

    output: _Output
    values: PatientValues
    crops: Crops
    decided: Sequence[Finding]
    reader: Reader = field(default_factory=Reader)
    counted: int = 0

    def renditions(self) -> Iterator[Found]:
        """Decode every rendition: filled regions are filled, and the largest of each view is read as a master is."""
        redactions = read_redactions(self.output.package.redactions)
        seen: set[str] = set()
        for path, video in self.output.renditions():
            view = path.partition("video/")[0]
            inspection = inspect(video)
            regions = Regions(redactions)
            screen = None if view in seen else PictureScreen(self.reader, inspection.duration_s, self.values)
            seen.add(view)
            self.counted += 1

            def see(
                time_s: float, shown: Shown, regions: Regions = regions, screen: PictureScreen | None = screen
            ) -> None:
                regions.look(time_s, shown.grey)
                if screen is not None:
                    screen.look(time_s, shown.grey)

            whole = Stretch(0.0, inspection.duration_s)
            look_through(video, inspection, whole, see, cancelled=self.output.watch.cancelled)
            jobs_progress = self.counted / max(1, sum("/index.m3u8" in one for one in self.output.paths))
            self.output.watch.on_progress("screen", min(1.0, jobs_progress))
            yield from regions.failures
            for one in screen.finish() if screen is not None else ():
                if one.rule != "text" and not self._is_dismissed(one.rule, one.box):
                    key, digest = self.crops.keep(one)
                    risk = RISKS[one.rule] * one.confidence
                    yield Found("picture", one.rule, one.confidence, risk, one.start_s, one.end_s, one.box, key, digest)

    def pictures(self) -> Iterator[Found]:
        """Read the poster, the posters on offer and the storyboard."""
        for path in self.output.paths:
            if not path.endswith(".jpg"):
                continue
            picture = cv2.imread(str(self.output.fetch(path)), cv2.IMREAD_GRAYSCALE)
            if picture is None:
                continue
            grey = np.asarray(picture, np.uint8)
            for _line, matches in judge(self.reader.read(grey), self.values):
                for match in matches:
                    if match.rule != "text" and not self._is_dismissed(match.rule, None):
                        yield Found("thumbnail", match.rule, match.confidence, match.risk)

    def captions(self) -> Iterator[Found]:
        """Read the captions as a player would."""
        for path in self.output.paths:
            if not path.endswith(".vtt") or path == "storyboard.vtt":
                continue
            try:
                cues = read_cues(self.output.fetch(path).read_bytes())
            except InvalidInput:  # a stretch without any cue
                continue
            for cue in cues:
                for match in [*self.values.matches(cue.text), *find_identifiers(cue.text)]:
                    if not self._is_dismissed(match.rule, None):
                        yield Found("text", match.rule, match.confidence, match.risk, cue.start_s, cue.end_s)

    def _is_dismissed(self, rule: str, box: Sequence[float] | None) -> bool:
        """Whether a reviewer has seen this in the master and said that it identifies nobody."""
        same = [one for one in self.decided if one.rule == rule and one.decision == "dismissed"]
        if box is None:
            return bool(same)
        return any(one.box is None or _overlaps(one.box, box) for one in same)


@dataclass
class Regions:
    """Follows a rendition and answers where a region that was to be filled shows anything."""

    redactions: Sequence[Redaction]
    failures: list[Found] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Lay out what is filled when."""
        self._patches = [patch for one in self.redactions for patch in patches_of(one)]
        self._failed: set[Patch] = set()

    def look(self, time_s: float, picture: Picture) -> None:
        """Take the next picture."""
        for patch in self._patches:
            if patch in self._failed or not patch.start_s <= time_s <= patch.end_s:
                continue
            if not is_filled(picture, patch, self._over(patch, time_s)):
                self._failed.add(patch)
                box = (patch.x, patch.y, patch.width, patch.height)
                self.failures.append(Found("picture", "masked_region", 1.0, 100.0, patch.start_s, patch.end_s, box))

    def _over(self, patch: Patch, time_s: float) -> list[Patch]:
        """Answer the patches that are drawn over this one now, or beside it in a step of the same mask."""
        return [
            other
            for other in self._patches
            if other is not patch and other.start_s - MARGIN_S <= time_s <= other.end_s + MARGIN_S
        ]


def is_filled(picture: Picture, patch: Patch, over: Sequence[Patch] = ()) -> bool:
    """Whether a picture shows one of the colours drawn there, and nothing else, inside the edges of a patch."""
    height, width = picture.shape
    margin_x = max(INSIDE_PX, int(patch.width * width * INSIDE_SHARE))
    margin_y = max(INSIDE_PX, int(patch.height * height * INSIDE_SHARE))
    left, top = int(patch.x * width) + margin_x, int(patch.y * height) + margin_y
    right, bottom = int((patch.x + patch.width) * width) - margin_x, int((patch.y + patch.height) * height) - margin_y
    inside = picture[max(0, top) : bottom, max(0, left) : right]
    if inside.size == 0:
        return True
    greys = {GREYS[patch.colour], *(GREYS[other.colour] for other in over)}
    off = np.min([np.abs(inside.astype(np.int16) - grey) for grey in greys], axis=0)
    return bool(np.percentile(off, 99) <= NEAR and (len(greys) > 1 or inside.std() <= FLAT))


def files_of(playlist: str) -> list[str]:
    """Return the files that a media playlist names, the header first, each once, in order."""
    header = re.findall(r'#EXT-X-MAP:URI="([^"]+)"', playlist)
    lines = [line.strip() for line in playlist.splitlines() if line.strip() and not line.startswith("#")]
    return list(dict.fromkeys([*header, *lines]))


def _overlaps(one: Sequence[float], other: Sequence[float]) -> bool:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height) > 0.3 * max(1e-9, min(one[2] * one[3], other[2] * other[3]))
