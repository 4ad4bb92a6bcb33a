"""An upgrade to the release that screens: what nobody has signed off is held, and its entries are taken back."""

from __future__ import annotations

from pathlib import Path

from tests.videolib.test_upgrade import empty_database, insert, library_at  # noqa: F401 - a fixture
from videolib.catalogue.audit import list_events
from videolib.catalogue.entries import Entry
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import list_unscreened
from videolib.db import Database
from videolib.upgrade import upgrade

MOMENT = "2026-11-01 08:00:00+00:00"


def test_what_nobody_has_signed_off_is_held_and_returns_when_somebody_has(
    empty_database: Database,  # noqa: F811 - the fixture
    own_home: Path,
    tmp_path: Path,
) -> None:
    database = empty_database
    library_at(database, "0013", own_home, tmp_path)
    insert(database, "counters", name="entries", value=7)
    recording = {"source_name": "n", "original_key": "k", "bytes": 9, "warnings": "[]", "timing": "{}", "progress": 0.0}
    entry = {"revision": 1, "version": 1, "status": "published", "audience": "signed_in", "publish_requested": False}
    empty = dict.fromkeys(("title", "summary", "key_points", "details", "pending"), "{}")
    for name in ("unseen", "signed"):
        dates = {"created_at": MOMENT, "updated_at": MOMENT}
        insert(database, "recordings", id=name, state="ready", sha256=name, **recording, **dates)
        more = {"learning_objectives": "[]", "index_sequence": 1, "recording_id": name}
        insert(database, "entries", id=name, code=name, **entry, **empty, **more, **dates)
    event = {"action": "sign_off", "object_kind": "recording", "object_id": "signed", "detail": "{}"}
    insert(database, "audit_events", at=MOMENT, **event)

    upgrade(database, own_home)

    with database.reading() as session:
        states = {name: session.get_one(Recording, name).state for name in ("unseen", "signed")}
        assert states == {"unseen": "awaiting_review", "signed": "ready"}
        unseen, signed = session.get_one(Entry, "unseen"), session.get_one(Entry, "signed")
        assert (unseen.status, unseen.publish_requested, signed.status) == ("draft", True, "published")
        assert unseen.index_sequence > 7, "indexes follow"
        assert [event.action for event in list_events(session, object_id="unseen")] == ["unpublish"]
        assert [row.id for row in list_unscreened(session)] == ["unseen"]
