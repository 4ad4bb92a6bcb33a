"""Every page of the service, by address and by who may open it: what walks them all goes by this list.

The routes come from the role matrix, so a page that has no row there fails; one that nobody opens here fails as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.visitors import Site
from tests.whole.role_things import captioned, held, published, waiting
from tests.whole.test_role_matrix import ROLES, TABLE, address_of
from videolib.catalogue import cases, grants, groups
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording

OFFICER = "officer"
EVERYBODY, EDITORS, TEACHERS = ROLES, ("editor", "admin"), ("instructor", "admin")
# routes that answer a program, give a file or lead on: no page
NO_PAGES = frozenset(
    {
        "/preferences",
        "/favicon.ico",
        "/guide",
        "/guide/images/<name>",
        "/static/<path:filename>",
        "/login/state",
        "/login/sso",
        "/login/sso/back",
        "/cite/<citation>",
        "/entries/<entry_id>/transcript/<lang>.<any(vtt,txt):kind>",
        "/studio/entries/<entry_id>/captions/<any('zh-Hans',en):lang>.<any(vtt,srt,ass):kind>",
        "/studio/entries/<entry_id>/moments.eaf",
        "/studio/recordings/<recording_id>/findings/<int:finding_id>/picture",
        "/teach/cohorts/import/sample.csv",
        "/teach/playlists/<playlist_id>/results.csv",
        "/admin/people/import/sample.csv",
        "/admin/audit/export",
        "/admin/vocabulary/<scheme_id>/export",
        "/media/<token>/<path:path>",
        "/media/<token>/narrations/<narration_id>/<name>",
        "/media/<token>/captions/<lang>.vtt",
        "/media/<token>/captions/<lang>.m3u8",
        "/oai",
        "/healthz",
        "/readyz",
        "/metrics",
    }
)


@dataclass(frozen=True)
class Page:
    """A page in one of its states: the rule it belongs to, an address, who may open it, and what it then answers."""

    rule: str
    path: str
    roles: tuple[str | None, ...]
    status: int = 200


def list_pages(site: Site) -> list[Page]:
    """All of them, of things that are made for them first: so lists are filled before they are looked at."""
    pages = []
    for (method, rule), row in TABLE.items():
        is_page = method == "GET" and rule not in NO_PAGES and (rule == "/api/v1/docs" or not rule.startswith("/api/"))
        if is_page:
            roles = tuple(role for role, status in zip(ROLES, row.statuses, strict=True) if status == 200)
            pages.append(Page(rule, address_of(site, rule, row), roles))
    return [page for page in pages if page.roles] + [make(site) for make in STATES]


def rules_of_pages() -> set[str]:
    """The rules that answer a page to somebody."""
    return {
        rule
        for method, rule in TABLE
        if method == "GET" and rule not in NO_PAGES and (rule == "/api/v1/docs" or not rule.startswith("/api/"))
    }


def officer_of(site: Site) -> str:
    """The address of somebody who keeps the consents of a hospital, made at the first call."""
    person = site.add_person("trainee", email="officer@hospital.example")
    with site.database.writing() as session:
        if session.get(groups.Group, "first") is None:
            groups.add_group(session, "first", "hospital", {"zh": "第一医院", "en": "First hospital"}, by=None)
            grants.give_grant(session, session.get_one(User, person.id), "privacy_officer", "first", by=None)
    return person.email


def _case(site: Site) -> Page:
    officer_of(site)
    recording_id = held(site)
    with site.database.writing() as session:
        recording = session.get_one(Recording, recording_id)
        numbers = cases.CaseNumbers(site.settings)
        made = cases.assign_case(session, numbers, recording, "first", "ZY 0012345", by=None)
        return Page("/privacy/cases/<case_id>", f"/privacy/cases/{made.id}", (OFFICER,))


def _compare(site: Site) -> Page:
    first, second = captioned(site), published(site)
    with site.database.writing() as session:
        add_captions(
            session, session.get_one(Entry, second), "zh", "WEBVTT\n\n00:01.000 --> 00:02.000\n支架\n", by=None
        )
    return Page("/compare", f"/compare?a={first}&b={second}", ("trainee", "admin"))


def _found(site: Site) -> Page:
    published(site)
    site.reindex()
    return Page("/search", "/search?q=SFA", EVERYBODY)


STATES: tuple[Callable[[Site], Page], ...] = (
    _case,
    _compare,
    _found,
    lambda site: Page("/privacy", "/privacy", (officer_of(site) and OFFICER,)),
    lambda _site: Page("/search", "/search?q=zzzz", EVERYBODY),
    lambda site: Page("/compare", f"/compare?a={published(site)}", ("trainee",)),
    lambda site: Page("/teach/add", f"/teach/add?entry={published(site)}", TEACHERS),
    lambda site: Page("/entries/<entry_id>", f"/entries/{waiting(site)}", EDITORS),
    lambda _site: Page("/admin", "/admin?q=nobody-at-all", ("admin",)),
    lambda _site: Page("/login", "/login?again=1", ("trainee",)),
    lambda _site: Page("/studio", "/studio", ("trainee",), 403),
    lambda _site: Page("/nothing", "/nothing/here", (None, "trainee"), 404),
)
