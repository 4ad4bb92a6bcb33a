"""A library of a release without annotations: what stood in its entries becomes rows, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import text

from tests.videolib.test_upgrade import empty_database, insert, library_at  # noqa: F401 - a fixture
from videolib.catalogue.annotations import list_annotations
from videolib.catalogue.captions import list_tracks
from videolib.db import Database
from videolib.upgrade import find_differences, upgrade

MOMENT = "2026-11-01 08:00:00+00:00"
SEGMENTS = [
    {"level": "phase", "term": "ph.access", "start": 1.5, "end": "0:03", "note": {"zh": "穿刺"}, "author": "王"},
    {"level": "step", "term": "step.of.nobody", "start": 1, "end": 2},
    {"level": "phase", "term": "ph.access", "start": 5, "end": 4},
]
EVENT = {"t": 2, "term": "comp.spasm", "severity": "cls.cirse1"}


def test_segments_that_stood_in_an_entry_become_annotations_and_none_is_lost(
    empty_database: Database,  # noqa: F811
    own_home: Path,
    tmp_path: Path,
) -> None:
    fill_first_release(empty_database, own_home, tmp_path)

    upgrade(empty_database, own_home)

    with empty_database.reading() as session:
        phase, event = list_annotations(session, "e1")
        assert (phase.kind, phase.term_id, phase.start_s, phase.end_s) == ("phase", "ph.access", 1.5, 3.0)
        assert (phase.note, phase.author_name) == ({"zh": "穿刺"}, "王")
        assert (event.kind, event.term_id, event.severity_id) == ("event", "comp.spasm", "cls.cirse1")
        assert (event.start_s, event.end_ticks) == (2.0, None)
        stored = session.execute(text("SELECT details FROM entries")).scalar_one()
        details = json.loads(stored) if isinstance(stored, str) else stored
        assert details == {"keywords": ["a"], "segments": SEGMENTS[1:]}
        (track,) = list_tracks(session, "e1")
        assert (track.language, track.kind, track.source, track.reviewed) == ("zh-Hans", "captions", "human", False)
    assert find_differences(empty_database) == []


def fill_first_release(database: Database, own_home: Path, tmp_path: Path) -> None:
    """One entry with captions, segments and an event, and the terms that they name."""
    library_at(database, "0001", own_home, tmp_path)
    schemes = {"ph.access": "phase", "comp.spasm": "complication", "cls.cirse1": "classification"}
    for term_id, scheme_id in schemes.items():
        labels = json.dumps({"en": term_id, "zh": term_id})
        insert(database, "schemes", id=scheme_id, labels="{}", note="")
        insert(database, "terms", id=term_id, scheme_id=scheme_id, labels=labels, synonyms="{}", position=0, extra="{}")
    details = {"keywords": ["a"], "segments": SEGMENTS, "events": [EVENT]}
    texts = {"title": "{}", "summary": "{}", "key_points": "{}", "learning_objectives": "[]"}
    dates = {"created_at": MOMENT, "updated_at": MOMENT}
    numbers = {"revision": 1, "version": 0, "index_sequence": 1, "publish_requested": False}
    said = {"id": "e1", "status": "draft", "audience": "signed_in", "details": json.dumps(details)}
    insert(database, "entries", **said, **texts, **dates, **numbers)
    insert(database, "captions", id=1, entry_id="e1", language="zh-Hans", cues="[]", created_at=MOMENT)
