"""What pages show of a person's watching: a bar with its gaps, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from videolib.catalogue.watch_records import WatchRecord
from videolib.web.texts import clock_text

# the bar is drawn on a scale of a thousand; a stretch is never too small to be seen
SCALE, THINNEST = 1000, 4


@dataclass(frozen=True)
class WatchedBar:
    """How much was seen, and which stretches: (x, width) on a scale of a thousand."""

    percent: int
    text: str
    stretches: tuple[tuple[int, int], ...]
    watched_text: str
    duration_text: str
    resume_s: float
    resume_text: str
    is_done: bool


def make_bar(record: WatchRecord | None) -> WatchedBar:
    """The bar of a record; an empty one where nothing was watched."""
    if record is None or not record.duration_ms:
        return WatchedBar(0, watched_text(0), (), "", "", 0.0, "", is_done=False)
    percent = round(record.share * 100)
    return WatchedBar(
        percent=percent,
        text=watched_text(percent),
        stretches=tuple(
            (
                round(start / record.duration_ms * SCALE),
                max(THINNEST, round((end - start) / record.duration_ms * SCALE)),
            )
            for start, end in record.spans
        ),
        watched_text=clock_text(record.watched_ms / 1000),
        duration_text=clock_text(record.duration_ms / 1000),
        resume_s=record.resume_s,
        resume_text=clock_text(int(record.resume_s)),
        is_done=record.done_at is not None,
    )


def watched_text(percent: int) -> str:
    """`37% watched`."""
    return str(_("%(percent)s%% watched", percent=percent))
