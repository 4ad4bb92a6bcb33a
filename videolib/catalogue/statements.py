"""A person's watching as statements of the xAPI Video Profile 1.0, for the learning record store of a hospital.

Profile: https://w3id.org/xapi/video. Each record gives one `initialized` and one `terminated` with the played segments
and the progress, and `completed` where it was watched to the end. Ids follow from person, entry and time, so that a
store which gets the same export twice keeps each statement once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from videolib.catalogue.people import User
from videolib.catalogue.watch_records import DONE_SHARE, WatchRecord

PROFILE = "https://w3id.org/xapi/video"
ACTIVITY = f"{PROFILE}/activity-type/video"
VERBS = {
    "initialized": "http://adlnet.gov/expapi/verbs/initialized",
    "terminated": "http://adlnet.gov/expapi/verbs/terminated",
    "completed": "http://adlnet.gov/expapi/verbs/completed",
}
_LANGUAGES = {"zh": "zh-Hans", "en": "en"}


def make_statements(records: Iterable[WatchRecord], *, of: User, home: str) -> list[dict[str, Any]]:
    """The statements, oldest first. `home` is the library's address: people are accounts there, without their mail."""
    made = [statement for record in records for statement in _of_record(record, of, home)]
    return sorted(made, key=lambda statement: (statement["timestamp"], statement["id"]))


def played_segments(spans: Iterable[Iterable[int]]) -> str:
    """The profile's text of stretches in seconds: `0[.]12.5[,]20[.]31`."""
    return "[,]".join("[.]".join(f"{ms / 1000:.3f}".rstrip("0").rstrip(".") for ms in span) for span in spans)


def _of_record(record: WatchRecord, of: User, home: str) -> list[dict[str, Any]]:
    seen: dict[str, Any] = {
        f"{PROFILE}/extensions/time": record.place_ms / 1000,
        f"{PROFILE}/extensions/progress": round(record.share, 3),
        f"{PROFILE}/extensions/played-segments": played_segments(record.spans),
    }
    made = [
        _statement("initialized", record, record.first_at, of, home),
        _statement("terminated", record, record.last_at, of, home, seen),
    ]
    if record.done_at is not None:
        made.append(_statement("completed", record, record.done_at, of, home, seen))
    return made


def _statement(
    verb: str, record: WatchRecord, at: datetime, of: User, home: str, seen: dict[str, Any] | None = None
) -> dict[str, Any]:
    address = f"{home}/entries/{record.entry_id}"
    # the registration says which watching belongs together: all of one person's of one entry
    registration = uuid5(NAMESPACE_URL, f"{address}#{of.id}")
    statement: dict[str, Any] = {
        "id": str(uuid5(registration, f"{verb} {at.isoformat()}")),
        "actor": {"objectType": "Agent", "account": {"homePage": home, "name": str(of.id)}},
        "verb": {"id": VERBS[verb], "display": {"en": verb}},
        "object": {
            "objectType": "Activity",
            "id": address,
            "definition": {
                "type": ACTIVITY,
                "name": {_LANGUAGES.get(tag, tag): text for tag, text in record.entry.title.items()},
            },
        },
        "context": {
            "registration": str(registration),
            "contextActivities": {"category": [{"id": PROFILE}]},
            "extensions": {
                f"{PROFILE}/extensions/session-id": str(registration),
                f"{PROFILE}/extensions/length": record.duration_ms / 1000,
                f"{PROFILE}/extensions/completion-threshold": DONE_SHARE,
            },
        },
        "timestamp": at.isoformat(),
    }
    if seen is not None:
        statement["result"] = {"extensions": seen}
    if verb == "completed":
        statement["result"] |= {"completion": True}
    return statement
