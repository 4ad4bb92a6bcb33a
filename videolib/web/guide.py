"""The guides: how one works with the library, by role and in the reader's language, from the files in `docs/guide`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, redirect, render_template, send_from_directory, url_for
from flask_babel import gettext as _
from markdown_it import MarkdownIt
from markupsafe import Markup
from werkzeug.wrappers import Response

from videolib.catalogue.access import can
from videolib.catalogue.people import User
from videolib.web.access import find_person
from videolib.web.languages import language

blueprint = Blueprint("guide", __name__)

FOLDER = Path(__file__).parents[2] / "docs" / "guide"
IMAGES_KEPT_S = 24 * 3600
# in which room one finds which guide; elsewhere it is that of one's role
_ROOMS = {"/studio": "editor", "/teach": "instructor", "/admin": "operator", "/privacy": "operator"}
# addresses among the guides stay within them: `editor.zh.md` is what the repository's reader opens
_LINKS = {
    f"{name}.{lang}.md": name for name in ("trainee", "editor", "instructor", "operator") for lang in ("zh", "en")
}


@dataclass(frozen=True)
class GuideLink:
    """One of the guides in the list of them."""

    label: str
    url: str
    is_current: bool


@blueprint.get("/guide")
def index() -> Response:
    """To the guide of who asks."""
    person = find_person()
    return redirect(url_for("guide.show", role=_role_of(person) if person else "trainee"))


@blueprint.get("/guide/<any(trainee,editor,instructor,operator):role>")
def show(role: str) -> str:
    """A guide, and which others there are."""
    return render_template("guide/show.html", text=_rendered(role, language()), links=_links(role))


@blueprint.get("/guide/images/<name>")
def image(name: str) -> Response:
    """A picture of a guide."""
    return send_from_directory(FOLDER / "images", name, max_age=IMAGES_KEPT_S)


def guide_for(path: str) -> str:
    """The address of the guide that belongs to a page."""
    room = next((role for start, role in _ROOMS.items() if path.startswith(start)), None)
    return url_for("guide.show", role=room) if room else url_for("guide.index")


def _role_of(person: User) -> str:
    if can(person, "administer", "service"):
        return "operator"
    if can(person, "teach", "lessons"):
        return "instructor"
    return "editor" if can(person, "edit", "catalogue") else "trainee"


def _links(current: str) -> tuple[GuideLink, ...]:
    labels = {
        "trainee": _("For trainees"),
        "editor": _("For editors"),
        "instructor": _("For instructors"),
        "operator": _("For administrators"),
    }
    return tuple(GuideLink(label, url_for("guide.show", role=role), role == current) for role, label in labels.items())


@cache
def _rendered(role: str, lang: str) -> Markup:
    """The guide as HTML; what is not Markdown is shown as text, so a file can bring no element of its own."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse((FOLDER / f"{role}.{lang}.md").read_text("utf-8"))
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open" and child.attrs.get("href") in _LINKS:
                child.attrs["href"] = _LINKS[str(child.attrs["href"])]
            if child.type == "image":
                child.attrs["loading"] = "lazy"
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - our own files, without HTML
