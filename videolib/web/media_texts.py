"""The captions of an entry as text renditions of its package's multivariant playlist.

What a recording brought along became the entry's captions: from then on these alone are offered, as they stand now, so
that a mended or removed caption is mended or gone in every player, not only on our pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from videolib import hls

_TEXT_LINE = re.compile(r'#EXT-X-MEDIA:TYPE=SUBTITLES,.*URI="subtitles/(?P<name>[^/"]+)/[^"]*"')
_TEXT_GROUP = f',SUBTITLES="{hls.SUBTITLES_GROUP}"'
_VARIANT = re.compile(r"(?m)^(#EXT-X-STREAM-INF:.*)$")


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


def captions_playlist(language: str, duration_s: float) -> str:
    """The playlist of one language: all of its captions are one segment."""
    segment = hls.Segment(f"{language}.vtt", 0.0, duration_s, 0, 0)
    return hls.media_playlist(hls.Track(language, "captions", "", (segment,), language=language))


def _is_one_of(line: str, names: frozenset[str]) -> bool:
    found = _TEXT_LINE.match(line)
    return found is not None and found["name"] in names
