"""The playlists of a package that is still being made, written from rows: what is finished from the beginning on.

They are EVENT playlists: they only grow, and become the stored ones of the whole package when it is complete. A track
ends at its first gap, so that whatever chunk a worker finishes first, nobody sees a hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from videolib import hls
from videolib.catalogue.packages import Chunk, Package

MULTIVARIANT = "master.m3u8"
# a playlist's target may not change while it grows; no segment of ours is longer
TARGET_S = 10
# what begins later is not the beginning
STARTS_BEFORE_S = 1.0
# clocks of media are rounded to their timescale
_TOUCHING_S = 0.01


@dataclass(frozen=True)
class Growing:
    """What of a package can be played now: playlists by path, and how many seconds of pictures there are."""

    playlists: dict[str, str]
    playable_s: float


def write_playlists(package: Package, chunks: Sequence[Chunk]) -> Growing:
    """The playlists as the rows stand; none while there is not one segment of pictures."""
    tracks = [(described, _track(described, chunks)) for described in package.tracks]
    video = [track for described, track in tracks if described.get("kind") == "video" and track.segments]
    audio = [track for described, track in tracks if described.get("kind") == "audio" and track.segments]
    if not video:
        return Growing({}, 0.0)
    video.sort(key=lambda track: -track.height)
    written = {f"{track.folder}/index.m3u8": _event_playlist(track) for track in (*video, *audio)}
    written[MULTIVARIANT] = hls.multivariant_playlist(video, audio, None)
    return Growing(written, min(track.duration_s for track in (*video[:1], *audio)))


def _track(described: dict[str, Any], chunks: Iterable[Chunk]) -> hls.Track:
    found = [
        _segment(item)
        for chunk in chunks
        if chunk.state == "done"
        for item in chunk.tracks.get(str(described.get("name")), ())
    ]
    return hls.Track(
        name=str(described.get("name")),
        folder=str(described.get("folder")),
        codec=str(described.get("codec") or ""),
        segments=tuple(_without_gap(sorted(found, key=lambda segment: segment.start_s))),
        width=int(described.get("width") or 0),
        height=int(described.get("height") or 0),
        channels=int(described.get("channels") or 0),
        language=str(described.get("language") or "und"),
    )


def _without_gap(segments: Sequence[hls.Segment]) -> Iterable[hls.Segment]:
    """The segments from the first on until one does not begin where the last one ended."""
    end_s: float | None = None
    for segment in segments:
        at_start = end_s is None and segment.start_s < STARTS_BEFORE_S
        if not at_start and (end_s is None or abs(segment.start_s - end_s) > _TOUCHING_S):
            return
        yield segment
        end_s = segment.end_s


def _segment(item: dict[str, Any]) -> hls.Segment:
    offset = item.get("offset")
    return hls.Segment(
        uri=str(item["uri"]),
        start_s=float(item["start_s"]),
        duration_s=float(item["duration_s"]),
        bytes=int(item["bytes"]),
        samples=int(item["samples"]),
        offset=int(offset) if offset is not None else None,
    )


def _event_playlist(track: hls.Track) -> str:
    """The media playlist of a track that still grows."""
    lines = hls.media_playlist(track).splitlines()
    changed = {
        f"#EXT-X-TARGETDURATION:{track.target_s}": f"#EXT-X-TARGETDURATION:{max(TARGET_S, track.target_s)}",
        "#EXT-X-PLAYLIST-TYPE:VOD": "#EXT-X-PLAYLIST-TYPE:EVENT",
    }
    return "\n".join(changed.get(line, line) for line in lines if line != "#EXT-X-ENDLIST") + "\n"
