"""How to cite an entry: a line to copy, in the page's language, and the address that leads to that very version."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from videolib.catalogue.documents import document_of
from videolib.catalogue.entries import Entry
from videolib.catalogue.versions import citation_of
from videolib.web.cards import first_text
from videolib.web.playback import outside_address

_MOST_NAMES = 6


@dataclass(frozen=True)
class Citation:
    """The id, the whole line, and the address in it."""

    id: str
    text: str
    url: str


def make_citation(entry: Entry) -> Citation:
    """`Wang W, Li N. Title [video]. Version 2. Videolib 2026. VL-7K3QF9XM.2. https://…/cite/VL-7K3QF9XM.2`"""
    code = citation_of(entry)
    names = [str(item["name"]) for item in document_of(entry).get("contributors") or () if item.get("name")]
    people = ", ".join(names[:_MOST_NAMES]) + (_(" et al.") if len(names) > _MOST_NAMES else "")
    title = first_text(entry.title)
    url = outside_address() + url_for("versions.cite", citation=code)
    parts = [
        people,
        _("%(title)s [video]", title=title.text if title else _("Untitled")),
        _("Version %(number)s", number=entry.version) if entry.version else "",
        f"Videolib {entry.published_at.year}" if entry.published_at else "Videolib",
        code,
    ]
    return Citation(code, ". ".join(part.rstrip(".") for part in parts if part) + f". {url}", url)
