"""What the watch page has for who watches: the record and its bar, notes, the transcript, marks over the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for

from videolib.catalogue.annotations import Annotation, list_annotations
from videolib.catalogue.entries import Entry
from videolib.catalogue.media_time import to_seconds
from videolib.catalogue.watch_records import find_record
from videolib.web.access import current_person
from videolib.web.context import database_session
from videolib.web.languages import html_language
from videolib.web.own_notes import NoteLine, make_notes
from videolib.web.playback_views import run_label
from videolib.web.transcripts import Transcript, make_transcript
from videolib.web.watched import WatchedBar, make_bar

# a mark without an end is shown for that long
POINT_S = 3.0


@dataclass(frozen=True)
class WatchPanel:
    """`person_id` is None for anonymous callers: they have no record and no notes."""

    person_id: int | None
    bar: WatchedBar
    notes: tuple[NoteLine, ...]
    transcript: Transcript | None
    overlays: tuple[dict[str, Any], ...]
    viewings_url: str
    runs: tuple[dict[str, Any], ...]


def make_panel(entry: Entry, described: dict[str, Any]) -> WatchPanel:
    """The panel of who asks; `described` is the package's description."""
    person = current_person()
    return WatchPanel(
        person_id=person.id if person else None,
        bar=make_bar(find_record(database_session(), entry.id, by=person)),
        notes=make_notes(entry.id, person),
        transcript=make_transcript(entry, html_language()),
        overlays=make_overlays(list_annotations(database_session(), entry.id)),
        viewings_url=url_for("watching_api.begin", entry_id=entry.id),
        runs=tuple(
            {"start_s": run["start_s"], "end_s": run["end_s"], "title": run_label(run)}
            for run in described.get("runs") or ()
        ),
    )


def make_overlays(rows: list[Annotation]) -> tuple[dict[str, Any], ...]:
    """The drawings and when each is shown, for the script that lays them over the picture."""
    return tuple(
        {
            "id": row.id,
            "start_s": row.start_s,
            "end_s": to_seconds(row.end_ticks) if row.end_ticks is not None else row.start_s + POINT_S,
            **row.shape,
        }
        for row in rows
        if row.shape
    )
