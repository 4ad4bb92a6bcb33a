"""How an entry is played: signed addresses for who asks, in the form that the API answers and the player reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import request
from flask_babel import gettext as _

from videolib.catalogue.captions import list_languages, list_unread
from videolib.catalogue.chapters import list_chapters
from videolib.catalogue.entries import Entry
from videolib.catalogue.packages import Package, get_package, planned_length_s
from videolib.catalogue.second_sources import find_second_for
from videolib.db import utc_now
from videolib.errors import NotFound
from videolib.web.access import current_person
from videolib.web.auditing import note_view
from videolib.web.context import database_session, services
from videolib.web.languages import language
from videolib.web.media_gate import package_for
from videolib.web.playback_views import list_run_chapters, list_views
from videolib.web.texts import caption_label, day_text

USUAL_FPS = 25.0


def make_playback(entry: Entry) -> dict[str, Any]:
    """Everything a player needs. Raises `NotFound` while there is nothing to play."""
    package = find_package(entry)
    if package is None:
        raise NotFound("There is nothing to play yet.", code="not_playable")
    length_s = package.duration_s or planned_length_s(database_session(), package.id)
    token, expires_at = _token(entry.id, package.id, length_s or 0.0)
    base = f"{outside_address()}/media/{token}"
    described = package.description
    note_view(entry, package.id, by=current_person())
    hls_url = f"{base}/{described.get('multivariant') or 'master.m3u8'}"
    answer: dict[str, Any] = {
        "hls_url": hls_url,
        "expires_at": datetime.fromtimestamp(expires_at, UTC).isoformat(),
        "duration_s": length_s,
        "poster_url": f"{base}/{described.get('poster') or 'poster.jpg'}" if package.state == "complete" else None,
        "storyboard_url": f"{base}/{described['storyboard']}" if described.get("storyboard") else None,
        "captions": _captions(entry, base),
        "chapters": make_chapters(entry, package),
        "views": list_views(described, base, hls_url),
    }
    if second := _second(entry):
        answer["second"] = second
    if steps := described.get("frame_steps"):
        answer["frame_steps"] = steps
    if described.get("loop"):
        answer["loop"] = True
    if mark := _watermark():
        answer["watermark"] = mark
    return answer


def make_chapters(entry: Entry, package: Package | None, *, lang: str | None = None) -> list[dict[str, Any]]:
    """What happens when, else the chapters of the file, else the runs of a study."""
    described = package.description if package else {}
    found = list_chapters(database_session(), entry.id, described, lang or language())
    said = [{"start_s": chapter.start_s, "end_s": chapter.end_s, "title": chapter.title} for chapter in found]
    return said or list_run_chapters(described)


def find_package(entry: Entry) -> Package | None:
    """What who asks would watch on this entry's page."""
    package_id = package_for(entry, current_person())
    if package_id is None:
        return None
    if entry.package is not None and entry.package.id == package_id:
        return entry.package
    return get_package(database_session(), package_id, or_making=True)


def media_path(entry_id: str, package_id: str, path: str) -> str:
    """The address of one object, for pages of ours."""
    return f"/media/{_token(entry_id, package_id)[0]}/{path}"


def outside_address() -> str:
    """Scheme, host and port under which callers see the service."""
    return services().settings.public_url or request.host_url.rstrip("/")


def _second(entry: Entry) -> dict[str, Any] | None:
    """What is shown beside it: its moment is the player's and `offset_s`."""
    second = find_second_for(entry, current_person())
    if second is None:
        return None
    package = get_package(database_session(), second.recording.package_id)
    note_view(entry, package.id, by=current_person())
    token, _expires_at = _token(entry.id, package.id, package.duration_s or 0.0)
    return {
        "label": _("Second picture"),
        "hls_url": f"{outside_address()}/media/{token}/{package.description.get('multivariant') or 'master.m3u8'}",
        "offset_s": second.offset_s,
        "duration_s": package.duration_s,
        "fps": fps_of(package),
    }


def fps_of(package: Package) -> float:
    """Pictures a second, for steps by one of them."""
    renditions = package.description.get("renditions") or [{}]
    return float(renditions[0].get("fps") or USUAL_FPS)


def _token(entry_id: str, package_id: str, length_s: float = 0.0) -> tuple[str, int]:
    person = current_person()
    return services().links.make(person.id if person else 0, entry_id, package_id, length_s=length_s)


def _watermark() -> str | None:
    """What stands over the picture while this person watches; None where the library does not ask for it."""
    person = current_person()
    if person is None or not services().settings.watermark:
        return None
    name = person.display_name or person.email.partition("@")[0]
    return f"{name} · {person.staff_number or person.email} · {day_text(utc_now())}"


def _captions(entry: Entry, base: str) -> list[dict[str, Any]]:
    languages = list_languages(database_session(), entry.id)
    unread = list_unread(database_session(), entry.id)
    first = "zh-Hans" if language() == "zh" else "en"
    return [
        {
            "lang": tag,
            "label": caption_label(tag, is_unread=tag in unread),
            "url": f"{base}/captions/{tag}.vtt",
            "kind": "captions" if index == 0 else "subtitles",
            "default": tag == first,
        }
        for index, tag in enumerate(languages)
    ]
