"""The audit for administrators and privacy officers: who did what when, looked for and taken as a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import lazy_gettext as _

from videolib.catalogue import spreadsheets
from videolib.catalogue.audit import KINDS_OF_ACTION, AuditEvent, AuditQuery, list_events
from videolib.catalogue.login_names import find_by_name
from videolib.catalogue.people import get_names
from videolib.web.access import require_auditor
from videolib.web.auditing import note
from videolib.web.context import database_session
from videolib.web.texts import minute_text

blueprint = Blueprint("audit", __name__)

EVENTS_ON_A_PAGE, MOST_IN_A_FILE = 100, 50_000
KINDS = {
    "login": _("Sign-in"),
    "view": _("Watching"),
    "download": _("Downloads"),
    "permission": _("Permissions"),
    "consent": _("Consent"),
    "redaction": _("Redaction"),
    "publish": _("Publishing"),
    "export": _("Exports"),
    "admin": _("Administration"),
}
_ASKED = ("kind", "who", "object", "since", "until")
_COLUMNS = ("sequence", "at", "actor", "action", "object_kind", "object_id", "detail", "digest")


@dataclass(frozen=True)
class EventLine:
    """One line of the list."""

    number: int
    when: str
    who: str
    action: str
    what: str
    detail: str


@blueprint.get("/admin/audit")
def index() -> str:
    """What was done, newest first."""
    require_auditor()
    query = _read_query()
    before = request.args.get("before", 0, type=int)
    events = list_events(database_session(), query=query, before=before, limit=EVENTS_ON_A_PAGE + 1)
    shown = events[:EVENTS_ON_A_PAGE]
    asked: dict[str, Any] = {name: request.args[name] for name in _ASKED if request.args.get(name)}
    return render_template(
        "admin/audit.html",
        lines=_lines(shown),
        kinds=tuple(KINDS.items()),
        asked=asked,
        next_url=url_for("audit.index", **asked, before=shown[-1].id) if len(events) > len(shown) else None,
        file_url=url_for("audit.export", **asked),
    )


@blueprint.get("/admin/audit/export")
def export() -> Response:
    """The same as CSV; taking it is an event too."""
    require_auditor()
    note("export", "audit", request.query_string.decode("utf-8", "replace")[:200])
    events = list_events(database_session(), query=_read_query(), limit=MOST_IN_A_FILE)
    names = get_names(database_session(), (event.actor_id for event in events))
    rows = (
        {
            **{column: getattr(event, column, None) for column in _COLUMNS},
            "at": event.at.isoformat(),
            "actor": names.get(event.actor_id or 0, event.actor_id or ""),
            "detail": json.dumps(event.detail, ensure_ascii=False),
        }
        for event in events
    )
    response = Response(spreadsheets.write_table(_COLUMNS, rows, "csv"), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename="audit.csv")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _read_query() -> AuditQuery:
    """What was asked; anything odd asks nothing, except that an unknown person did nothing."""
    name = request.args.get("who", "").strip()
    person = find_by_name(database_session(), name) if name else None
    return AuditQuery(
        kind=kind if (kind := request.args.get("kind", "")) in KINDS_OF_ACTION else "",
        object_id=request.args.get("object", "").strip(),
        actor_id=person.id if person else -1 if name else None,
        since=_day("since"),
        until=day + timedelta(days=1) if (day := _day("until")) else None,
    )


def _day(name: str) -> datetime | None:
    try:
        return datetime.strptime(request.args.get(name, ""), "%Y-%m-%d").astimezone()
    except (ValueError, OverflowError):
        return None


def _lines(events: list[AuditEvent]) -> tuple[EventLine, ...]:
    names = get_names(database_session(), (event.actor_id for event in events))
    return tuple(
        EventLine(
            event.sequence or 0,
            minute_text(event.at),
            names.get(event.actor_id or 0, str(event.actor_id or "")),
            event.action,
            f"{event.object_kind} {event.object_id}",
            ", ".join(f"{name}: {value}" for name, value in event.detail.items()),
        )
        for event in events
    )
