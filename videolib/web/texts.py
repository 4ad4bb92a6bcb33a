"""Words for codes, and numbers as people read them, in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import format_date, format_datetime
from flask_babel import lazy_gettext as _

STATES = {
    "uploaded": _("Received"),
    "queued": _("Waiting"),
    "processing": _("Being processed"),
    "awaiting_review": _("Waiting for a second person"),
    "ready": _("Ready"),
    "rejected": _("Refused"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
}
STAGES = {
    "fetch": _("Fetching the original"),
    "inspect": _("Inspecting"),
    "convert": _("Converting from DICOM"),
    "encode": _("Encoding"),
    "package": _("Packaging"),
    "images": _("Making pictures"),
    "verify": _("Checking"),
    "store": _("Storing"),
    "attach": _("Finishing"),
}
STATUSES = {
    "draft": _("Draft"),
    "in_review": _("In review"),
    "changes_requested": _("Changes requested"),
    "approved": _("Approved"),
    "published": _("Published"),
    "withdrawn": _("Withdrawn"),
    "archived": _("Archived"),
}
ROLES = {
    "trainee": _("Trainee"),
    "editor": _("Editor"),
    "instructor": _("Instructor"),
    "admin": _("Administrator"),
}
SCOPES = {
    "read": _("Look things up and watch"),
    "write": _("Change what you may change"),
    "upload": _("Send recordings"),
}
GROUP_KINDS = {"hospital": _("Hospital"), "programme": _("Programme")}
GRANTS = {"reviewer": _("Reviewer"), "privacy_officer": _("Privacy officer")}
PERSON_STATES = {"active": _("Active"), "invited": _("Invited"), "disabled": _("Disabled")}
MOMENTS = {
    "caption": _("Spoken"),
    "step": _("Step"),
    "phase": _("Phase"),
    "annotation": _("Note"),
}
ANNOTATION_KINDS = {
    "phase": _("Phase"),
    "step": _("Step"),
    "task": _("Task"),
    "action": _("Action"),
    "event": _("Event"),
    "instrument": _("Instrument"),
    "mark": _("Mark"),
    "note": _("Note"),
}
# a language is named in itself
CAPTION_LABELS = {"zh-Hans": "中文", "en": "English"}


def caption_label(tag: str, *, is_unread: bool) -> str:
    """The track's name in the menu; what a program wrote and nobody has read is called so."""
    label = CAPTION_LABELS.get(tag, tag)
    return str(_("%(language)s (automatic, not checked)", language=label)) if is_unread else label


def word(words: Mapping[str, Any], code: str | None) -> str:
    """The word for a code; the code itself where there is none."""
    return str(words.get(code or "", code or ""))


def clock_text(seconds: float | None) -> str:
    """`1:02:03` or `4:05`; empty where it is not known."""
    if seconds is None:
        return ""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def day_text(moment: datetime | None) -> str:
    """A day in the page's language."""
    return str(format_date(moment, "long")) if moment else ""


def minute_text(moment: datetime | None) -> str:
    """A day and a time in the page's language."""
    return str(format_datetime(moment, "medium")) if moment else ""
