"""One recording looked through stretch by stretch: pictures, sound, and what looks like the room, as findings."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from ingest.errors import Cancelled
from ingest.inspection import Inspection
from ingest.screening.detail import Picture
from ingest.screening.frames import Shown, Stretch, look_through
from ingest.screening.patient import PatientValues
from ingest.screening.reading import Reader
from ingest.screening.room import RoomWatch
from ingest.screening.sightings import PictureScreen, Sighting
from ingest.screening.speech import Listener
from videolib.catalogue.screenings import Found
from videolib.identifiers import RISKS
from videolib.storage import Store

# what is looked through before its findings are written down: a crash costs no more
STRETCH_S = 60.0
ROOM_EVERY_S, ROOM_SIZE = 2.0, (96, 54)
SPEECH_RISK, ROOM_RISK = 30.0, 35.0
_CROP_QUALITY = 85


@dataclass
class Looker:
    """Looks through one video of a recording; `zero_s` is where the package's zero lies on ffmpeg's clock."""

    source: Path
    inspection: Inspection
    values: PatientValues
    zero_s: float
    crops: Crops
    stop: Callable[[], bool]
    reader: Reader
    listener: Listener = field(default_factory=Listener)
    hears: bool = True

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self._screen = PictureScreen(self.reader, self.inspection.duration_s, self.values)
        self._room = RoomWatch(ROOM_EVERY_S)
        self._room_at_s = -1e9

    def look(self, stretch: Stretch) -> list[Found]:
        """Return what a stretch has, on the package's clock. Raises `ToolFailed`, `Cancelled`."""
        look_through(self.source, self.inspection, stretch, self._see, cancelled=self.stop)
        is_last = stretch.end_s >= self.inspection.duration_s
        sightings = self._screen.finish() if is_last else self._screen.so_far()
        if is_last:
            self._room.finish(stretch.end_s)
        found = [self._found(one) for one in sightings]
        found += [
            Found("room", "room", 0.5, ROOM_RISK, start_s - self.zero_s, end_s - self.zero_s)
            for start_s, end_s in self._room.stretches
        ]
        self._room.stretches.clear()
        return [*found, *(self._hear(stretch) if self.hears else ())]

    def _see(self, time_s: float, shown: Shown) -> None:
        if self.stop():  # reading one picture takes seconds; a worker that is told to stop waits for no second one
            raise Cancelled
        self._screen.look(time_s, shown.grey)
        if time_s - self._room_at_s >= ROOM_EVERY_S:
            self._room_at_s = time_s
            self._room.look(time_s, shown.in_colour(*ROOM_SIZE))

    def _hear(self, stretch: Stretch) -> list[Found]:
        heard = []
        for stream in self.inspection.audio:
            for speech in self.listener.listen(self.source, stream, stretch, cancelled=self.stop):
                start_s, end_s = max(0.0, speech.start_s - self.zero_s), speech.end_s - self.zero_s
                heard.append(Found("sound", "speech", speech.confidence, SPEECH_RISK, start_s, end_s))
        return heard

    def _found(self, sighting: Sighting) -> Found:
        key, digest = self.crops.keep(sighting)
        return Found(
            "picture",
            sighting.rule,
            sighting.confidence,
            RISKS[sighting.rule] * sighting.confidence,
            round(max(0.0, sighting.start_s - self.zero_s), 3),
            round(max(0.0, sighting.end_s - self.zero_s), 3),
            sighting.box,
            key,
            digest,
        )


@dataclass
class Crops:
    """Keeps the pictures of findings in the restricted store, each once."""

    store: Store
    screening_id: str
    _kept: dict[int, tuple[str, str]] = field(default_factory=dict)

    def keep(self, sighting: Sighting) -> tuple[str, str]:
        """Return the key and the digest of a sighting's picture."""
        # the picture itself lives as long as the sighting does: it names it
        known = self._kept.get(id(sighting.picture))
        if known is not None:
            return known
        content = encode(sighting.picture)
        key = f"findings/{self.screening_id}/{uuid.uuid4().hex}.jpg"
        self.store.put_bytes(key, content, content_type="image/jpeg")
        kept = (key, hashlib.sha256(content).hexdigest())
        self._kept[id(sighting.picture)] = kept
        return kept


def encode(picture: Picture) -> bytes:
    """Return a grey picture as JPEG, without any tag."""
    _whole, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _CROP_QUALITY])
    return bytes(content)
