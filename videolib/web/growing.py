"""The playlists of a package that is still being made, written from rows: what is finished from the beginning on.

They are EVENT playlists: they only grow, and become the stored ones of the whole package when it is complete. A track
ends at its first gap, so that whatever chunk a worker finishes first, nobody sees a hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from videolib import hls
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.tracks import made_so_far

MULTIVARIANT = "master.m3u8"
# a playlist's target may not change while it grows; no segment of ours is longer
TARGET_S = 10


@dataclass(frozen=True)
class Growing:
    """What of a package can be played now: playlists by path, and how many seconds of pictures there are."""

    playlists: dict[str, str]
    playable_s: float


def write_playlists(package: Package, chunks: Sequence[Chunk]) -> Growing:
    """The playlists as the rows stand; none while there is not one segment of pictures."""
    kinds = {str(track["folder"]): track["kind"] for track in package.tracks}
    made = made_so_far(package.tracks, chunks)
    video = sorted((track for track in made if kinds[track.folder] == "video"), key=lambda track: -track.height)
    audio = [track for track in made if kinds[track.folder] == "audio"]
    if not video:
        return Growing({}, 0.0)
    written = {
        f"{track.folder}/index.m3u8": hls.media_playlist(track, growing_target_s=max(TARGET_S, track.target_s))
        for track in (*video, *audio)
    }
    written[MULTIVARIANT] = hls.multivariant_playlist(video, audio, None)
    return Growing(written, max(track.duration_s for track in video))
