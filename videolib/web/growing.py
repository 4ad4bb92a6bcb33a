"""The playlists of a package that is still being made, written from rows: what is finished from the beginning on.

They are EVENT playlists: they only grow, and become the stored ones of the whole package when it is complete. A track
ends at its first gap, so that whatever chunk a worker finishes first, nobody sees a hole. A player reads the list of
renditions once and may start with the smallest: one that is far behind the others is not offered yet, because there it
would stand still while the pictures go on elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.ladder import COPIED_KEY_FRAME_S, SEGMENT_S
from videolib import hls
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.tracks import made_so_far

MULTIVARIANT = "master.m3u8"
# a playlist's target may not change while it grows, and players look for more as often as it says
TARGET_S, COPIED_TARGET_S = SEGMENT_S, COPIED_KEY_FRAME_S
# so much of a rendition is enough to offer it, however much there is of another
OFFERED_FROM_S = 28.0


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
    # a copied rendition sets the segments of all
    target_s = COPIED_TARGET_S if any(track.get("copied") for track in package.tracks) else TARGET_S
    written = {
        f"{track.folder}/index.m3u8": hls.media_playlist(track, growing_target_s=max(target_s, track.target_s))
        for track in (*video, *audio)
    }
    playable_s = max(track.duration_s for track in video)
    offered = [track for track in video if track.duration_s >= min(OFFERED_FROM_S, playable_s - SEGMENT_S)]
    written[MULTIVARIANT] = hls.multivariant_playlist(offered, audio, None)
    return Growing(written, playable_s)
