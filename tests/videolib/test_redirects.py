"""The library sends nobody elsewhere: where an address says where to go on, that is a path of this service."""

from __future__ import annotations

import ast
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import pytest

from tests.visitors import PASSWORD, Site, Visitor
from videolib.web import __file__ as web_room
from videolib.web.preferences import local_path

OUTSIDE = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/%0d%0aLocation:%20//evil.example",
    "/\r\nLocation: //evil.example",
    "%2f%2fevil.example",
    "javascript:alert(1)",
    " //evil.example",
    "/\u200b//evil.example",
    "evil.example",
    "?next=//evil.example",
    "/.//evil.example",
    "http:evil.example",
)
# what gives a place to go to that is ours: an address of a route, or one that was looked at
SOUND = {"url_for", "local_path", "next_path", "asset_url", "_url_of"}


def is_ours(location: str) -> bool:
    """As a browser reads it: a backslash is a slash, tabs and line ends are not there."""
    read = location.replace("\\", "/")
    for dropped in "\t\r\n":
        read = read.replace(dropped, "")
    return urlsplit(urljoin("http://localhost/login", read.strip()))[:2] == ("http", "localhost")


def log_in(visitor: Visitor, outside: str) -> str:
    form = {"csrf_token": visitor.csrf_token(), "email": "trainee@hospital.example", "password": PASSWORD}
    answer = visitor.client.post(f"/login?next={quote(outside)}", data={**form, "next": outside})
    return answer.headers["Location"]


def be_logged_in(visitor: Visitor, outside: str) -> str:
    visitor.log_in("trainee@hospital.example")
    return visitor.get(f"/login?next={quote(outside)}").headers["Location"]


def choose_language(visitor: Visitor, outside: str) -> str:
    return visitor.get(f"/preferences?lang=zh&next={quote(outside)}").headers["Location"]


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("way", [log_in, be_logged_in, choose_language])
def test_no_way_leads_outside(sqlite_site: Site, way: object, outside: str) -> None:
    sqlite_site.add_person("trainee")
    assert callable(way)

    location = way(sqlite_site.anonymous(), outside)

    assert is_ours(location), location
    assert "\r" not in location
    assert "\n" not in location


def test_what_is_ours_stays_as_it_was_asked_for() -> None:
    for path in ("/", "/me", "/search?q=肝&facet=a:b", "/entries/1#t=2", "/a%0d%0ab"):
        assert local_path(path) == path


def test_every_redirect_of_the_service_goes_to_an_address_that_was_looked_at() -> None:
    """A call of `redirect` with anything else than a route's address stops this test until somebody has looked."""
    odd = []
    for path in sorted(Path(web_room).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "redirect":
                target = node.args[0]
                is_sound = isinstance(target, ast.Call) and ast.unparse(target.func) in SOUND
                if not is_sound and ast.unparse(target) != "'/'":
                    odd.append(f"{path.name}: {ast.unparse(target)}")

    # the presigned address of a segment, made by the store itself
    assert odd == ["media.py: signed"]
