"""The captions and narrations of an entry as renditions of its package's multivariant playlist.

What a recording brought along became the entry's captions: from then on these alone are offered, as they stand now, so
that a mended or removed caption is mended or gone in every player, not only on our pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from videolib import hls
from videolib.catalogue.narrations import Narration

_TEXT_LINE = re.compile(r'#EXT-X-MEDIA:TYPE=SUBTITLES,.*URI="subtitles/(?P<name>[^/"]+)/[^"]*"')
_TEXT_GROUP = f',SUBTITLES="{hls.SUBTITLES_GROUP}"'
_VARIANT = re.compile(r"(?m)^(#EXT-X-STREAM-INF:.*)$")
_SOUND_NAME = re.compile(r'(?m)^(#EXT-X-MEDIA:TYPE=AUDIO,.*?NAME=")([^"]*)(".*)$')
_CODECS = re.compile(r'CODECS="([^"]*)"')
_BANDWIDTH = re.compile(r"(?<=[:,])(BANDWIDTH|AVERAGE-BANDWIDTH)=([0-9]+)")


def handed_over(described: Mapping[str, Any]) -> frozenset[str]:
    """The names of the package's text tracks that are the entry's captions now."""
    return frozenset(str(item["name"]) for item in described.get("subtitles") or () if item.get("in_entry"))


def with_captions(multivariant: str, handed: frozenset[str], languages: Sequence[str]) -> str:
    """The multivariant playlist with the entry's captions in these languages in the place of what was handed over."""
    lines = [line for line in multivariant.splitlines() if not _is_one_of(line, handed)]
    at = next((number for number, line in enumerate(lines) if line.startswith("#EXT-X-STREAM-INF")), len(lines))
    lines[at:at] = [hls.text_line(hls.LANGUAGE_NAMES[tag[:2]], tag, f"captions/{tag}.m3u8") for tag in languages]
    text = "\n".join(lines).replace(_TEXT_GROUP, "") + "\n"
    has_text = any(line.startswith("#EXT-X-MEDIA:TYPE=SUBTITLES") for line in lines)
    return _VARIANT.sub(rf"\1{_TEXT_GROUP}", text) if has_text else text


def with_narrations(multivariant: str, narrations: Sequence[Narration]) -> str:
    """The multivariant playlist with these as further sounds; its own sound is called so then.

    What the variants say of themselves comes to cover the largest of their sounds.
    """
    if not narrations:
        return multivariant
    tracks = [narration.track for narration in narrations]
    sounds = _SOUND_NAME.findall(multivariant)
    text = _SOUND_NAME.sub(
        lambda found: found[1] + _own_name(found[2], is_only=len(sounds) == 1) + found[3], multivariant
    )
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines) if line.startswith("#EXT-X-STREAM-INF")), len(lines))
    lines[at:at] = [hls.narration_line(one.language, one.channels, f"{one.folder}/index.m3u8") for one in tracks]
    added = {
        "BANDWIDTH": max(one.peak_bandwidth for one in tracks),
        "AVERAGE-BANDWIDTH": max(one.average_bandwidth for one in tracks),
    }
    return _VARIANT.sub(
        lambda found: _with_sound(found[1], tracks[0].codec, added, is_new=not sounds), "\n".join(lines) + "\n"
    )


def narration_playlist(narration: Narration) -> str:
    """The playlist of one narration: all of it is ranges of one file."""
    uri, init_bytes = narration.sound["path"], narration.sound["init_bytes"]
    return hls.media_playlist(narration.track, init=f'URI="{uri}",BYTERANGE="{init_bytes}@0"')


def captions_playlist(language: str, duration_s: float) -> str:
    """The playlist of one language: all of its captions are one segment."""
    segment = hls.Segment(f"{language}.vtt", 0.0, duration_s, 0, 0)
    return hls.media_playlist(hls.Track(language, "captions", "", (segment,), language=language))


def _is_one_of(line: str, names: frozenset[str]) -> bool:
    found = _TEXT_LINE.match(line)
    return found is not None and found["name"] in names


def _own_name(name: str, *, is_only: bool) -> str:
    return hls.OWN_SOUND if is_only else f"{hls.OWN_SOUND} · {name}"


def _with_sound(line: str, codec: str, added: Mapping[str, int], *, is_new: bool) -> str:
    """A variant's line; where its package has no sound at all, it gets the group and the codec."""
    line = _BANDWIDTH.sub(lambda found: f"{found[1]}={int(found[2]) + added[found[1]]}", line)
    line = _CODECS.sub(lambda found: f'CODECS="{",".join(dict.fromkeys([*found[1].split(","), codec]))}"', line)
    return f'{line},AUDIO="{hls.AUDIO_GROUP}"' if is_new else line
