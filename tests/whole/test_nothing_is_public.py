"""The crawl: every object and every route, asked for by everybody, with every kind of token; tables say who gets what.

What the tables do not allow must not answer. A new route is crawled by itself: its parts are filled with the ids of
everything that the library of this test holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.visitors import PACKAGE, Site, Visitor
from tests.whole.crawling import PEOPLE, ROLES, WORDS, Library, addresses, person_of, routes, stocked, words_in
from videolib.catalogue import people
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import ApiToken, User
from videolib.catalogue.recordings import Recording
from videolib.db import Database, utc_now
from videolib.web.media_links import MediaLinks

WATCHED = frozenset({"public", "signed in"})
EDITED = WATCHED | {"named", "withdrawn", "draft", "held"}
QUARANTINED = frozenset({"held words", "held picture", "file name"})
# whom an answer of any route may show what; never anybody where an original lies
MAY_READ: dict[str | None, frozenset[str]] = {
    None: frozenset({"public"}),
    "trainee": WATCHED,
    "instructor": WATCHED,
    "editor": EDITED,
    "admin": EDITED,
    "uploader": EDITED | QUARANTINED,
    "reviewer": WATCHED | {"held", "held picture", "file name"},
    "elsewhere": EDITED,
}
# who may watch which package with an address made for himself
MAY_WATCH: dict[str | None, frozenset[str]] = {
    None: frozenset({"public"}),
    "trainee": WATCHED,
    "instructor": WATCHED,
    "editor": EDITED - {"held"},
    "admin": EDITED - {"held"},
    "uploader": EDITED,
    "reviewer": WATCHED | {"held"},
    "elsewhere": EDITED - {"held"},
}
# every route that answers nobody with anything at all; a new one needs a line here, or it fails
PUBLIC = frozenset(
    {
        "/",
        "/api/v1/docs",
        "/api/v1/entries",
        "/api/v1/entries/<entry_id>",
        "/api/v1/entries/<entry_id>/annotations",
        "/api/v1/entries/<entry_id>/chapters.vtt",
        "/api/v1/entries/<entry_id>/playback",
        "/api/v1/entries/<entry_id>/related",
        "/api/v1/entries/<entry_id>/versions",
        "/api/v1/entries/<entry_id>/versions/<int:number>",
        "/api/v1/entries/export",
        "/api/v1/openapi.json",
        "/api/v1/playlists",
        "/api/v1/search",
        "/api/v1/steps/<term_id>/cases",
        "/api/v1/suggest",
        "/api/v1/vocabulary",
        "/api/v1/vocabulary/<scheme_id>",
        "/browse",
        "/entries/<entry_id>",
        "/entries/<entry_id>/transcript",
        "/entries/<entry_id>/versions",
        "/entries/<entry_id>/versions/<int:number>",
        "/healthz",
        "/login",
        "/login/state",
        "/metrics",
        "/oai",
        "/readyz",
        "/search",
        "/steps/<term_id>",
    }
)
# what answers a change by nobody otherwise than by 401, or 404 for what nobody may know of
CHANGES: dict[str, set[int]] = {
    "/login": {200},
    "/login/link/<secret>": {410},
    "/login/passkey": {422},
    "/login/passkey/options": {200},
    "/login/second": {302},
    "/logout": {302},
    "/oai": {200},
}
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
    "static/%2e%2e/{}",
    "static/%252e%252e/{}",
    "static/..%2f{}",
    "static/..%5c{}",
    "{}%00.js",
    "{}.",
    "{}%20",
    "stored/{}",
)
# from the address of a package that everybody may watch to what lies beside it
STEPS = ("../", "%2e%2e/", "%252e%252e/", "..%2f", "..%5c", "....//", ".%00./", "%c0%ae%c0%ae/")


@pytest.fixture
def library(sqlite_database: Database) -> Iterator[Library]:
    with stocked(sqlite_database) as made:
        yield made


# who is elsewhere is an administrator with every grant of another hospital: what she is not shown, no administrator is
@pytest.mark.parametrize("name", [name for name in PEOPLE if name != "admin"])
def test_no_route_shows_anybody_more_than_the_table_allows(library: Library, name: str | None) -> None:
    person = person_of(library.site, name)
    visitor = library.site.visitor(ROLES.get(name or "", name), email=person.email if person else None)
    seen: set[str] = set()
    answered: set[str] = set()

    for rule in routes(library):
        for path in addresses(library, rule):
            answer = visitor.get(path)
            assert answer.status_code < 500, path
            # an address that does not know who asks is no way round
            assert words_in(answer.text) <= MAY_READ[name], path
            seen |= words_in(answer.text)
            answered |= {rule.rule} if answer.status_code < 300 else set()

    # the crawl is no proof unless it finds what may be found
    assert seen == MAY_READ[name]
    if name is None:
        assert answered == PUBLIC


def test_every_change_asks_first_who_one_is(library: Library) -> None:
    visitor = library.site.anonymous()

    for rule in library.site.app.url_map.iter_rules():
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}:
            for path in list(addresses(library, rule))[:2]:
                status = visitor.send(method, path, {}).status_code
                assert status in CHANGES.get(rule.rule, {401, 404}), (method, path, status)


@pytest.mark.parametrize("kind", ["expired", "revoked", "of somebody barred", "altered"])
def test_a_token_that_is_no_more_shows_not_even_what_is_public(library: Library, kind: str) -> None:
    site = library.site
    admin, client = site.add_person("admin"), site.app.test_client()
    with site.database.writing() as session:
        text = people.make_token(session, admin.email)
        row = session.scalars(select(ApiToken).order_by(ApiToken.id.desc())).first()
        assert row is not None
        if kind == "expired":
            row.expires_at = utc_now() - timedelta(seconds=1)
        elif kind == "revoked":
            row.revoked_at = utc_now()
        elif kind == "of somebody barred":
            session.get_one(User, admin.id).active = False
    text = f"{text[:-1]}{'A' if text[-1] != 'A' else 'B'}" if kind == "altered" else text

    for rule in routes(library):
        for path in addresses(library, rule):
            answer = client.get(path, headers={"Authorization": f"Bearer {text}"}, buffered=True)
            assert not words_in(answer.text), path
            assert rule.rule in PUBLIC or answer.status_code >= 300, path


@pytest.mark.parametrize("role", [None, "editor", "admin"])
def test_no_object_is_reached_by_its_key(library: Library, role: str | None) -> None:
    visitor = library.site.visitor(role)
    keys = [item.key for item in library.site.store.list("")]
    assert len(keys) > len(library.entries) * (len(PACKAGE) - 1)
    assert {f"originals/{WORDS['original']}", "originals/findings/one.jpg"} <= set(keys)
    keys = [*keys, WORDS["original"], "findings/one.jpg", "videolib.db", "secret_key", "privacy_key"]

    # one package stands for all: they differ in their random names only
    first = f"packages/{library.entries['draft'].recording.package_id}/" if library.entries["draft"].recording else ""
    for key in (key for key in keys if not key.startswith("packages/") or key.startswith(first)):
        for trick in TRICKS:
            address = f"/{trick.format(key)}"
            assert visitor.get(address).status_code in {301, 302, 308, 404, 422}, address


def test_no_step_leads_out_of_a_package_and_no_spelling_to_what_it_does_not_list(library: Library) -> None:
    site, nobody = library.site, library.site.anonymous()
    public, held = library.entries["public"], library.entries["held"]
    token, _ = site.app.extensions["videolib"].links.make(0, public.id, package_of(site, public))
    own, other = package_of(site, public), package_of(site, held)
    start = f"/media/{token}/"
    assert nobody.get(f"{start}master.m3u8").status_code == 200

    beside = [f"{other}/master.m3u8", f"packages/{other}/poster.jpg", f"originals/{WORDS['original']}", "videolib.db"]
    tried = [f"{start}{step * depth}{path}" for step in STEPS for depth in (1, 2, 6) for path in beside]
    tried += [f"/static/{step * 6}{path}" for step in STEPS for path in beside]
    spelled = ("MASTER.M3U8", "master.m3u8.", "master.m3u8%20", "master.m3u8%00", "master.m3u8%00.jpg", "package.json")
    tried += [f"{start}{path}" for path in (*spelled, "video/360p/", "video", "%2e/master.m3u8", "Poster.jpg", "")]
    tried += [f"/media/{token.upper()}/master.m3u8", f"/media/{token}%00/master.m3u8", f"/media/{own}/master.m3u8"]
    for address in tried:
        answer = nobody.get(address)
        assert answer.status_code in {301, 308, 400, 404, 422}, (address, answer.status_code)


def test_an_address_gives_its_own_package_to_whom_it_was_made_for_and_nothing_else(library: Library) -> None:
    site, nobody = library.site, library.site.anonymous()
    links: MediaLinks = site.app.extensions["videolib"].links
    packages = {word: package_of(site, entry) for word, entry in library.entries.items()}

    for name in PEOPLE:
        person = person_of(site, name)
        for word, entry in library.entries.items():
            token, _ = links.make(person.id if person else 0, entry.id, packages[word])
            for path in PACKAGE:
                wanted = 200 if word in MAY_WATCH[name] and path not in NEVER else 404
                assert nobody.get(f"/media/{token}/{path}").status_code == wanted, (name, word, path)
            captions = nobody.get(f"/media/{token}/captions/en.vtt").status_code
            assert captions == (200 if word in MAY_WATCH[name] else 404), (name, word)


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
    other_sign = "B" if good[10] == "A" else "A"
    broken = [good[:-2], f"{good[:10]}{other_sign}{good[11:]}", good[::-1], f"{good}/..", "x" * len(good), good.lower()]

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
