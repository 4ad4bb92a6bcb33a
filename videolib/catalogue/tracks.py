"""What there is of a package's tracks while it is being made, from its rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from videolib import hls
from videolib.catalogue.packages import Chunk

# positions of rows that are no chunk of the recording: below zero
PROVISIONAL_SOUND, SOUND, PAGES, FIRST_LOOK = -1, -2, -4, -5
COPIED_FROM, PREVIEW_SOUND_FROM = -1000, -100_000
# what is listed may have rounded times; a lost picture of sixty a second is far more
SEAM_S = 0.004


def made_so_far(
    tracks: Sequence[dict[str, Any]], chunks: Sequence[Chunk], *, is_final: bool = False
) -> list[hls.Track]:
    """Return of each of a package's tracks the part that is in the store from zero on, whatever row holds it.

    A track of which nothing is there yet is left out. What a player was once told of a playlist that grows may not
    change: provisional sound stays in it, and only what `is_final` has the final sound.
    """
    made = []
    for track in tracks:
        segments = tuple(_from_zero(_segments_of(str(track["folder"]), chunks, is_final=is_final)))
        if segments:
            known = {key: track[key] for key in ("name", "folder", "codec", "width", "height", "channels", "language")}
            made.append(hls.Track(segments=segments, offered=track.get("offered", True), **known))
    return made


def is_provisional(position: int) -> bool:
    """Whether a row holds sound that is heard until the final one is there."""
    return position == PROVISIONAL_SOUND or position <= PREVIEW_SOUND_FROM


def segments_as_json(segments: Sequence[hls.Segment]) -> list[dict[str, Any]]:
    """Return segments as a row keeps them."""
    return [asdict(segment) for segment in segments]


def track_as_json(track: hls.Track, kind: str, *, fps: float = 0.0, copied: bool = False) -> dict[str, Any]:
    """Return a track as a package's row keeps it, without its segments."""
    known = {key: value for key, value in vars(track).items() if key != "segments"}
    return {**known, "kind": kind, "fps": fps, "copied": copied}


def _segments_of(folder: str, chunks: Sequence[Chunk], *, is_final: bool) -> list[hls.Segment]:
    rows = [chunk for chunk in chunks if folder in chunk.tracks]
    sound = [chunk for chunk in rows if chunk.position == SOUND]
    provisional = [chunk for chunk in rows if is_provisional(chunk.position)]
    if sound and provisional:
        rows = sound if is_final else provisional
    found = [segment_of(item) for chunk in rows for item in chunk.tracks[folder]]
    return sorted(found, key=lambda segment: segment.start_s)


def _from_zero(segments: Sequence[hls.Segment]) -> Iterator[hls.Segment]:
    end_s = 0.0
    for segment in segments:
        if abs(segment.start_s - end_s) > SEAM_S:
            return
        yield segment
        end_s = segment.end_s


def segment_of(item: dict[str, Any]) -> hls.Segment:
    """Return a segment from what a row keeps of it."""
    return hls.Segment(**{**item, "keys": tuple(hls.KeyFrame(**key) for key in item["keys"])})
