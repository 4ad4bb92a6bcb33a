"""What a reviewer has decided is taken out of a recording, as filters of its plan: filled, never blurred.

A blur can be undone, so a region is filled with one colour. Nothing changes its place or its time: a crop fills what
lies outside, a cut puts a card of equal length and silence, so that no step, caption, note or clip moves. Pure: no
files, no processes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ingest.filters import Filter, filter_of
from ingest.plan import EncodePlan
from ingest.subtitles import FoundChapter, TextTrack

FILLS = {"black": "black", "grey": "0x606060", "white": "white"}
CARD = "0x303030"
# what stands a moment before it was seen, and after: pictures are looked at three times a second
MARGIN_S = 0.4
# a moving mask is drawn in steps, each over all of the way that it moves meanwhile
STEP_S, STEP_SHARE, MOST_STEPS = 0.25, 0.01, 240


@dataclass(frozen=True)
class Key:
    """Where a mask is at a time of the package: shares of width and height."""

    time_s: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Redaction:
    """One decision: `kind` is mask, crop, cut, mute or drop_text; `keys` say where a mask or a crop is."""

    kind: str
    start_s: float
    end_s: float
    keys: tuple[Key, ...] = ()
    fill: str = "black"


@dataclass(frozen=True)
class Patch:
    """A rectangle filled with one colour for a while; shares of width and height."""

    start_s: float
    end_s: float
    x: float
    y: float
    width: float
    height: float
    colour: str


def read_redactions(stored: Iterable[Mapping[str, Any]]) -> tuple[Redaction, ...]:
    """Return the redactions that a package's row or the desk's rows hold."""
    return tuple(
        Redaction(
            str(row["kind"]),
            float(row["start_s"]),
            float(row["end_s"]),
            tuple(Key(*(float(number) for number in key)) for key in row.get("keys") or ()),
            str(row.get("fill") or "black"),
        )
        for row in stored
    )


def with_redactions(plan: EncodePlan, redactions: Sequence[Redaction]) -> EncodePlan:
    """Return the plan whose pictures and sound are without what was decided; nothing of it is copied then."""
    if not redactions:
        return plan
    top = plan.renditions[0]
    drawn = [
        _drawn(patch, (top.width, top.height), plan.zero_s)
        for patch in (*(patch for one in redactions for patch in patches_of(one)),)
    ]
    silent = silences(redactions)
    audio = tuple(replace(track, filters=(*track.filters, *silent)) for track in plan.audio)
    return replace(plan, filters=(*plan.filters, *drawn), audio=audio)


def silences(redactions: Iterable[Redaction]) -> list[Filter]:
    """Return what mutes sound that is on the package's clock."""
    return [_silence(one) for one in redactions if one.kind in {"mute", "cut"}]


def patches_of(redaction: Redaction) -> list[Patch]:
    """Return what is filled when."""
    start_s, end_s = max(0.0, redaction.start_s), redaction.end_s
    if redaction.kind == "cut":
        return [Patch(start_s, end_s, 0.0, 0.0, 1.0, 1.0, CARD)]
    colour = FILLS.get(redaction.fill, "black")
    if redaction.kind == "crop" and redaction.keys:
        key = redaction.keys[0]
        right, bottom = key.x + key.width, key.y + key.height
        sides = [
            (0, 0, 1, key.y),
            (0, bottom, 1, 1 - bottom),
            (0, key.y, key.x, key.height),
            (right, key.y, 1 - right, key.height),
        ]
        return [Patch(start_s, end_s, x, y, w, h, colour) for x, y, w, h in sides if w > 0 and h > 0]
    if redaction.kind == "mask" and redaction.keys:
        return [Patch(*times, *box, colour) for times, box in _steps(redaction, start_s, end_s)]
    return []


def texts_left(tracks: Sequence[TextTrack], redactions: Sequence[Redaction]) -> tuple[TextTrack, ...]:
    """Return text tracks without the cues that were taken out; a track without any cue is left out."""
    dropped = [one for one in redactions if one.kind in {"drop_text", "cut"}]
    kept = (
        replace(track, cues=tuple(cue for cue in track.cues if not _is_in(cue.start_s, cue.end_s, dropped)))
        for track in tracks
    )
    return tuple(track for track in kept if track.cues)


def chapters_left(chapters: Sequence[FoundChapter], redactions: Sequence[Redaction]) -> tuple[FoundChapter, ...]:
    """Return the chapters whose titles were not taken out."""
    dropped = [one for one in redactions if one.kind == "drop_text"]
    return tuple(one for one in chapters if not _is_in(one.start_s, one.end_s, dropped))


def _is_in(start_s: float, end_s: float, redactions: Sequence[Redaction]) -> bool:
    return any(start_s < one.end_s and end_s > one.start_s for one in redactions)


def _steps(
    redaction: Redaction, start_s: float, end_s: float
) -> list[tuple[tuple[float, float], tuple[float, float, float, float]]]:
    """Answer the boxes of a mask that may move: straight from key to key, drawn in steps that cover the way."""
    keys = sorted(redaction.keys, key=lambda key: key.time_s)
    keys = [replace(keys[0], time_s=min(start_s, keys[0].time_s)), *keys[1:]]
    keys.append(replace(keys[-1], time_s=max(end_s, keys[-1].time_s)))
    found = []
    for one, other in pairwise(keys):
        length_s = other.time_s - one.time_s
        if length_s <= 0:
            continue
        way = max(
            abs(one.x - other.x), abs(one.y - other.y), abs(one.width - other.width), abs(one.height - other.height)
        )
        count = max(1, min(math.ceil(length_s / STEP_S), math.ceil(way / STEP_SHARE), MOST_STEPS)) if way else 1
        for number in range(count):
            first, last = _between(one, other, number / count), _between(one, other, (number + 1) / count)
            times = max(start_s, first.time_s), min(end_s, last.time_s)
            if times[0] < times[1]:
                found.append((times, _around(first, last)))
    return found


def _between(one: Key, other: Key, share: float) -> Key:
    def at(first: float, last: float) -> float:
        return first + (last - first) * share

    return Key(
        at(one.time_s, other.time_s),
        at(one.x, other.x),
        at(one.y, other.y),
        at(one.width, other.width),
        at(one.height, other.height),
    )


def _around(one: Key, other: Key) -> tuple[float, float, float, float]:
    x, y = min(one.x, other.x), min(one.y, other.y)
    right, bottom = max(one.x + one.width, other.x + other.width), max(one.y + one.height, other.y + other.height)
    return x, y, right - x, bottom - y


def _drawn(patch: Patch, size: tuple[int, int], zero_s: float) -> Filter:
    """Answer the filter of a patch; its edges lie on even pixels, outwards, since colour has half the pixels."""
    width, height = size
    left, top = _down(patch.x * width), _down(patch.y * height)
    right, bottom = (
        min(width, _up((patch.x + patch.width) * width)),
        min(height, _up((patch.y + patch.height) * height)),
    )
    return filter_of(
        "drawbox",
        x=left,
        y=top,
        w=max(2, right - left),
        h=max(2, bottom - top),
        color=patch.colour,
        t="fill",
        enable=_during(patch.start_s - MARGIN_S + zero_s, patch.end_s + MARGIN_S + zero_s),
    )


def _silence(redaction: Redaction) -> Filter:
    return filter_of("volume", volume=0, enable=_during(redaction.start_s, redaction.end_s))


def _during(start_s: float, end_s: float) -> str:
    return f"between(t,{start_s:.3f},{end_s:.3f})"


def _down(pixels: float) -> int:
    return max(0, 2 * math.floor(pixels / 2))


def _up(pixels: float) -> int:
    return 2 * math.ceil(pixels / 2)
