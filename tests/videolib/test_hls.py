"""Playlists written from measured segments."""

from __future__ import annotations

import re
from dataclasses import replace

from videolib import hls


def track(*segments: tuple[float, int]) -> hls.Track:
    """A rendition of segments given as (seconds, bytes)."""
    start_s, found = 0.0, []
    for number, (duration_s, size) in enumerate(segments):
        found.append(hls.Segment(f"{number:04}.m4s", start_s, duration_s, size, round(duration_s * 25)))
        start_s += duration_s
    return hls.Track("360p", "video/360p", "avc1.64001e", tuple(found), 640, 360)


def test_a_short_last_segment_does_not_set_the_bandwidth() -> None:
    made = track((4, 400_000), (4, 500_000), (0.04, 90_000))

    # 590 000 bytes in 4.04 s; the 0.04 s alone would be 18 Mbit/s
    assert made.peak_bandwidth == 1_168_317
    assert made.average_bandwidth == round(8 * 990_000 / 8.04)


def test_a_recording_shorter_than_half_a_segment_has_its_average_as_peak() -> None:
    made = track((0.04, 10_000))

    assert made.peak_bandwidth == made.average_bandwidth == 2_000_000


def test_the_target_duration_is_no_less_than_any_rounded_segment() -> None:
    assert track((4.004, 1), (3.97, 1)).target_s == 4
    assert track((4.6, 1), (3.4, 1)).target_s == 5
    assert track((0.04, 1)).target_s == 1


def test_byte_ranges_of_one_file_are_written_where_segments_have_an_offset() -> None:
    made = track((4, 100), (4, 200))
    ranged = replace(
        made,
        segments=tuple(
            replace(segment, uri="chunk-1.m4s", offset=offset)
            for segment, offset in zip(made.segments, (0, 100), strict=True)
        ),
    )

    text = hls.media_playlist(ranged)

    assert re.findall(r"#EXT-X-BYTERANGE:(\S+)\n(\S+)", text) == [
        ("100@0", "chunk-1.m4s"),
        ("200@100", "chunk-1.m4s"),
    ]


def test_two_tracks_of_one_language_have_names_of_their_own() -> None:
    sounds = [replace(track((4, 100)), name=name, folder=f"audio/{name}") for name in ("und", "und-2")]

    text = hls.multivariant_playlist([track((4, 100))], sounds, None)

    assert re.findall(r'NAME="([^"]+)"', text) == ["Audio 1", "Audio 2"]
    assert "LANGUAGE" not in text


def test_a_growing_playlist_has_no_end_and_keeps_its_target() -> None:
    short, longer = track((4, 100)), track((4, 100), (9.6, 200))

    texts = [hls.media_playlist(made, growing_target_s=10) for made in (short, longer)]

    assert texts[1].startswith(texts[0])
    assert "#EXT-X-TARGETDURATION:10\n" in texts[0]
    assert "#EXT-X-PLAYLIST-TYPE:EVENT\n" in texts[0]
    assert "#EXT-X-ENDLIST" not in texts[1]
    assert hls.media_playlist(longer).endswith("#EXT-X-ENDLIST\n")
