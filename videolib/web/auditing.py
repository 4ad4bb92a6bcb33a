"""Audit events of requests that only look: views, previews, exports, each in a unit of work after their own.

Somebody who watches asks for addresses again and again: one event for a person and a package says it for a while.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from flask import Flask, Response, current_app, g

from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.web.access import current_person
from videolib.web.context import database_session, services

SAID_FOR_S = 600.0
_MOST = 10_000


class SeenLately:
    """Who was noted for what, lately. Thread-safe; each process has its own, so at worst an event is said twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[object, ...], float] = OrderedDict()

    def is_new(self, key: tuple[object, ...]) -> bool:
        """Whether this was not said for a while; from now on it is."""
        now = time.monotonic()
        with self._lock:
            if now - self._seen.get(key, -SAID_FOR_S) < SAID_FOR_S:
                return False
            self._seen[key] = now
            self._seen.move_to_end(key)
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)
            return True


def note(action: str, kind: str, object_id: str, *, by: User | None = None, **detail: object) -> None:
    """Have the event written down before the answer leaves; by whoever asks, where nobody else is named."""
    g.setdefault("notes", []).append((action, kind, object_id, by or current_person(), detail))


def init_auditing(app: Flask) -> None:
    """Write what was noted after the request's own unit of work: two at once would wait for each other."""
    app.after_request(_write_notes)


def _write_notes(response: Response) -> Response:
    notes = g.pop("notes", ())
    if notes:
        database_session().rollback()  # what a request wanted kept, it has committed
        with services().database.writing(durable=False) as session:
            for action, kind, object_id, person, detail in notes:
                record_event(session, action, kind, object_id, by=person, **detail)
    return response


def note_view(entry: Entry, package_id: str, *, by: User | None) -> None:
    """Somebody gets addresses or objects of this: a view of what is published, a preview of what is not."""
    if _seen_lately().is_new((by.id if by else None, entry.id, package_id)):
        is_view = entry.status == "published" and entry.package_id == package_id
        note("view" if is_view else "preview", "entry", entry.id, by=by, package=package_id, version=entry.version)


def note_opening(recording_id: str) -> None:
    """Somebody looks into a recording's quarantine: its desk, and the pictures of what was found."""
    person = current_person()
    if _seen_lately().is_new((person.id if person else None, "desk", recording_id)):
        note("preview", "recording", recording_id)


def _seen_lately() -> SeenLately:
    seen: SeenLately = current_app.extensions.setdefault("videolib_seen", SeenLately())
    return seen
