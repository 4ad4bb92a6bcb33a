"""The crawl: every object and every route, asked for by everybody, with every kind of token; tables say who gets what.

What the tables do not allow must not answer. A new route is crawled by itself: its parts are filled with the ids of
everything that the library of this test holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.routing import Rule

from tests.visitors import PACKAGE, Site, Visitor, make_site
from videolib.catalogue import publishing
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.recordings import Recording
from videolib.db import Database
from videolib.storage import open_store
from videolib.web.media_links import MediaLinks

ROLES = (None, "trainee", "instructor", "editor", "admin")
# words of the library that tell which thing an answer shows
WORDS = {
    "public": "Qpublicword",
    "signed in": "Qsignedword",
    "named": "Qnamedword",
    "withdrawn": "Qwithdrawnword",
    "draft": "Qdraftword",
    "held": "Qheldword",
    "file name": "张三_TACE",
    "original": "0123456789abcdef0123456789abcdef",
}
WATCHED = frozenset({"public", "signed in"})
EDITED = WATCHED | {"named", "withdrawn", "draft", "held"}
# whom an answer of any route may show what; never anybody a file name or where an original lies
MAY_READ: dict[str | None, frozenset[str]] = {
    None: frozenset({"public"}),
    "trainee": WATCHED,
    "instructor": WATCHED,
    "editor": EDITED,
    "admin": EDITED,
}
# who may watch which package with an address made for himself
MAY_WATCH = MAY_READ
# the one file of a package that no address gives
NEVER = frozenset({"package.json"})
TRICKS = (
    "{}",
    "/{}",
    "media/{}",
    "static/{}",
    "originals/{}",
    "static/../{}",
    "media/x/../../{}",
    "api/v1/{}",
)


@dataclass(frozen=True)
class Library:
    """What there is: entries by the word that tells them, and every id that a route may be asked with."""

    site: Site
    entries: dict[str, Entry]
    ids: dict[str, tuple[str, ...]]


@pytest.fixture
def library(sqlite_database: Database) -> Iterator[Library]:
    site = make_site(sqlite_database, open_metadata=True)
    site.add_person("trainee", email="named@hospital.example")

    one = {"names": ["named@hospital.example"]}

    def titled(word: str) -> dict[str, Any]:
        return {"title": {"zh": f"{WORDS[word]}录像", "en": WORDS[word]}}

    entries = {
        "public": site.add_published(audience="public", **titled("public")),
        "signed in": site.add_published(**titled("signed in")),
        "named": site.add_published(audience="people", sharing=one, **titled("named")),
        "withdrawn": site.add_published(audience="public", **titled("withdrawn")),
        "draft": site.add_watchable(**titled("draft")),
        "held": site.add_watchable(state="awaiting_review", **titled("held")),
    }
    with site.database.writing() as session:
        for word, entry in entries.items():
            row = session.get_one(Entry, entry.id)
            session.get_one(Recording, row.recording_id).original_key = WORDS["original"]
            vtt = f"WEBVTT\n\n00:00.500 --> 00:02.000\n{WORDS[word]} said.\n"
            add_captions(session, row, "en", vtt, by=None)
        gone = session.get_one(Entry, entries["withdrawn"].id)
        publishing.withdraw_entry(session, gone, "A name is heard.", by=None)
        recordings = tuple(str(entry.recording_id) for entry in entries.values())
    open_store(site.settings.originals_url).put_bytes(WORDS["original"], b"a master with a name in it")
    site.reindex()
    ids = {
        "entry_id": tuple(entry.id for entry in entries.values()),
        "recording_id": recordings,
        "scheme_id": ("procedure",),
        "term_id": ("proc.stent_sfa",),
        "citation": tuple(f"VL-{entry.code}.1" for entry in entries.values()),
        "number": ("1",),
        "lang": ("en",),
    }
    yield Library(site, entries, ids)
    site.index.close()


def addresses(library: Library, rule: Rule) -> Iterator[str]:
    """A route with its parts filled in, each with everything that it could mean."""
    paths = [rule.rule]
    for part in rule.arguments:
        known = library.ids.get(part, ("no-such", *library.ids["entry_id"][:2], *library.ids["recording_id"][:1]))
        paths = [_filled(path, part, value) for path in paths for value in known]
    yield from paths


def _filled(path: str, part: str, value: str) -> str:
    head, _, rest = path.partition("<")
    while rest:
        inner, _, tail = rest.partition(">")
        if inner.rpartition(":")[2] == part:
            return f"{head}{value}{tail}"
        more, _, rest = tail.partition("<")
        head = f"{head}<{inner}>{more}"
    return path


def words_in(text: str) -> set[str]:
    return {name for name, word in WORDS.items() if word in text}


@pytest.mark.parametrize("role", ROLES)
def test_no_route_shows_anybody_more_than_the_table_allows(library: Library, role: str | None) -> None:
    visitor = library.site.visitor(role)
    seen: set[str] = set()

    for rule in library.site.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        for path in addresses(library, rule):
            answer = visitor.get(path)
            assert answer.status_code < 500, path
            # an address that does not know who asks is no way round
            assert words_in(answer.text) <= MAY_READ[role], path
            seen |= words_in(answer.text)

    # the crawl is no proof unless it finds what may be found
    assert seen == MAY_READ[role]


@pytest.mark.parametrize("role", ["admin"])
def test_no_object_is_reached_by_its_key(library: Library, role: str) -> None:
    visitor = library.site.visitor(role)
    keys = [item.key for item in library.site.store.list("")]
    assert len(keys) > len(library.entries) * (len(PACKAGE) - 1)
    keys = [*keys, f"originals/{WORDS['original']}", WORDS["original"], "videolib.db", "secret_key", "privacy_key"]

    # one package stands for all: they differ in their random names only
    first = f"packages/{library.entries['draft'].recording.package_id}/" if library.entries["draft"].recording else ""
    for key in (key for key in keys if not key.startswith("packages/") or key.startswith(first)):
        for trick in TRICKS:
            address = f"/{trick.format(key)}"
            assert visitor.get(address).status_code in {301, 302, 308, 404}, address
    for trick in ("..%2f", "%2e%2e/", "....//", "%252e%252e%252f", "..%5c", "%00"):
        for start in ("/static/", "/media/x/"):
            answer = visitor.get(f"{start}{trick * 6}{quote(WORDS['original'])}")
            assert answer.status_code in {400, 404, 422}, (start, trick)


def test_an_address_gives_its_own_package_to_whom_it_was_made_for_and_nothing_else(library: Library) -> None:
    site, nobody = library.site, library.site.anonymous()
    links: MediaLinks = site.app.extensions["videolib"].links
    packages = {word: package_of(site, entry) for word, entry in library.entries.items()}

    for role in ROLES:
        person = site.add_person(role) if role else None
        for word, entry in library.entries.items():
            token, _ = links.make(person.id if person else 0, entry.id, packages[word])
            for path in PACKAGE:
                wanted = 200 if word in MAY_WATCH[role] and path not in NEVER else 404
                assert nobody.get(f"/media/{token}/{path}").status_code == wanted, (role, word, path)
            captions = nobody.get(f"/media/{token}/captions/en.vtt").status_code
            assert captions == (200 if word in MAY_WATCH[role] else 404), (role, word)


def test_another_token_an_old_one_and_a_broken_one_open_nothing(library: Library) -> None:
    site, nobody = library.site, library.site.anonymous()
    links: MediaLinks = site.app.extensions["videolib"].links
    trainee, named = site.add_person("trainee"), site.add_person("trainee", email="named@hospital.example")
    hidden, public = library.entries["named"], library.entries["public"]
    package, other = package_of(site, hidden), package_of(site, public)

    good, _ = links.make(named.id, hidden.id, package)
    old, _ = MediaLinks(site.settings, clock=lambda: 1_600_000_000.0).make(named.id, hidden.id, package)
    strange, _ = MediaLinks(site.settings.model_copy(update={"secret_key": foreign_key(site)})).make(
        named.id, hidden.id, package
    )
    # of a public entry, but with the package of a hidden one behind it, and the other way round
    mixed, _ = links.make(trainee.id, public.id, package)
    turned, _ = links.make(trainee.id, hidden.id, other)
    broken = [good[:-2], f"{good[:10]}A{good[11:]}", good[::-1], f"{good}/..", "x" * len(good), good.lower()]

    assert status(nobody, good) == 200
    assert status(nobody, old) == 410
    assert status(nobody, strange) == 404
    assert status(nobody, mixed) == 410
    assert status(nobody, turned) == 404
    assert [status(nobody, token) for token in broken] == [404] * len(broken)
    with site.database.writing() as session:
        session.get_one(type(named), named.id).active = False
    site.app.extensions["videolib"].gate.forget()
    assert status(nobody, good) == 404


def test_a_bearer_token_that_is_not_valid_opens_less_than_none(library: Library) -> None:
    client = library.site.app.test_client()

    for wrong in ("vl_" + "x" * 43, "", "null", "x" * 5000):
        for path in ("/api/v1/entries", "/api/v1/search?q=", f"/api/v1/entries/{library.entries['public'].id}"):
            answer = client.get(path, headers={"Authorization": f"Bearer {wrong}"})
            assert answer.status_code == 401, (path, wrong[:9])


def package_of(site: Site, entry: Entry) -> str:
    with site.database.reading() as session:
        return str(session.get_one(Recording, entry.recording_id).package_id)


def foreign_key(site: Site) -> object:
    return type(site.settings.secret_key)("another key of thirty-two letters")


def status(visitor: Visitor, token: str) -> int:
    return visitor.get(f"/media/{token}/video/360p/0001.m4s").status_code
