"""What a sound track is for: narration, which is made to be heard, or the sound of the room, which was merely there.

Recorders and editing programs say so in a track's title, its handler's name or its disposition. A track that says
nothing is taken for narration: it is what the editor exported to be heard. The words are matched, never kept: titles
may name people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

Role = Literal["narration", "room"]

_NARRATION = re.compile(r"narrat|comment|voice.?over|lectur|speaker|解说|旁白|讲解|配音|解說|講解", re.IGNORECASE)
_ROOM = re.compile(
    r"\broom\b|ambien|theat(re|er)|\bO\.?R\b|cath.?lab|\blive\b|natural sound|\bnat\b|clean.?effects"
    r"|现场|環境|环境|术中|手术室|室内|原声|原聲",
    re.IGNORECASE,
)


def role_of(tags: Mapping[str, Any], disposition: Mapping[str, Any]) -> Role:
    """Return the role of a track by its tags and disposition, as ffprobe gives them."""
    if disposition.get("clean_effects"):
        return "room"
    if disposition.get("comment") or disposition.get("dub"):
        return "narration"
    words = " ".join(str(tags.get(name, "")) for name in ("title", "handler_name"))
    return "room" if _ROOM.search(words) and not _NARRATION.search(words) else "narration"
