"""Narrations for tests of who hears them: rows and an object as the worker leaves them, without a worker."""

from __future__ import annotations

import secrets

from tests.visitors import Site
from videolib.catalogue.entries import Entry
from videolib.catalogue.narrations import Narration, add_narration, keep_sound
from videolib.catalogue.people import User

SOUND = b"init" + bytes(range(200))
SEGMENT = {"uri": "sound-a1.mp4", "start_s": 0.0, "duration_s": 4.0, "bytes": 200, "samples": 187, "keys": []}


def add_made_narration(site: Site, entry_id: str, *, by: User, language: str = "en") -> str:
    """A narration that can be listened to and that nobody has accepted; gives its id."""
    with site.database.writing() as session:
        entry, person = session.get_one(Entry, entry_id), session.get_one(User, by.id)
        narration = add_narration(session, entry, language, secrets.token_hex(16), by=person)
        make_sound(site, narration)
        keep_sound(session, narration, described())
        return narration.id


def make_sound(site: Site, narration: Narration) -> None:
    site.store.put_bytes(f"{narration.prefix}/sound-a1.mp4", SOUND, content_type="audio/mp4")


def described() -> dict[str, object]:
    """What a row says of a sound."""
    return {
        "path": "sound-a1.mp4",
        "bytes": len(SOUND),
        "sha256": "0" * 64,
        "init_bytes": 4,
        "codec": "mp4a.40.2",
        "segments": [{**SEGMENT, "offset": 4}],
    }
