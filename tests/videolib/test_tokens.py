"""Tokens of programs: scopes, an end, a list of one's own, and no way to more."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.visitors import Site
from videolib.catalogue.people import SCOPES, ApiToken, User
from videolib.catalogue.tokens import add_token, list_tokens
from videolib.db import utc_now
from videolib.errors import InvalidInput

EMAIL = "editor@hospital.example"
ENTRY = {"title": {"en": "By a program"}}


def header(site: Site, *scopes: str, days: int | None = None) -> dict[str, str]:
    person = site.add_person("editor")
    with site.database.writing() as session:
        owner = session.get_one(User, person.id)
        return {"Authorization": f"Bearer {add_token(session, owner, 'A test', scopes, days, by=None)}"}


@pytest.mark.parametrize(
    ("scope", "looks", "changes", "uploads"),
    [("read", 200, 403, 403), ("write", 403, 201, 412), ("upload", 403, 403, 412)],
)
def test_a_token_does_what_its_scope_says(
    sqlite_site: Site, scope: str, looks: int, changes: int, uploads: int
) -> None:
    program, given = sqlite_site.anonymous().client, header(sqlite_site, scope)

    assert program.get("/api/v1/entries", headers=given).status_code == looks
    assert program.post("/api/v1/entries", json=ENTRY, headers=given).status_code == changes
    # 412: the upload's protocol, which a refused one never reaches
    assert program.post("/api/v1/uploads", json={}, headers=given).status_code == uploads
    refused = program.get("/api/v1/entries" if looks == 403 else "/nothing", headers=given)
    assert (refused.json or {})["code"] in {"scope", "not_found"}


def test_a_scope_makes_nobody_more_than_their_role(sqlite_site: Site) -> None:
    person = sqlite_site.add_person("trainee")
    with sqlite_site.database.writing() as session:
        text = add_token(session, session.get_one(User, person.id), "Mine", tuple(SCOPES), None, by=None)

    answer = sqlite_site.anonymous().client.post(
        "/api/v1/entries", json=ENTRY, headers={"Authorization": f"Bearer {text}"}
    )

    assert answer.status_code == 403


def test_a_token_ends_on_its_day_and_its_use_is_noted(site: Site) -> None:
    program, given = site.anonymous().client, header(site, "read", days=30)
    assert program.get("/api/v1/entries", headers=given).status_code == 200
    with site.database.reading() as session:
        (row,) = session.scalars(select(ApiToken))
        assert row.used_at is not None
        assert row.expires_at is not None
        assert timedelta(days=29) < row.expires_at - utc_now() < timedelta(days=31)
    with site.database.writing() as session:
        session.execute(update(ApiToken).values(expires_at=utc_now() - timedelta(seconds=1)))

    answer = program.get("/api/v1/entries", headers=given)

    assert (answer.status_code, (answer.json or {})["code"]) == (401, "bad_token")
    assert program.get("/search", headers=given).status_code == 401


def test_one_makes_lists_and_revokes_ones_own(site: Site) -> None:
    own, stranger = site.visitor("editor"), site.visitor("trainee")
    page = own.post("/account/tokens", name="Nightly export", scope=["read"], days="30").text
    found = re.search(r'value="(vl_[\w-]+)"', page)
    assert found
    given = {"Authorization": f"Bearer {found[1]}"}
    assert site.anonymous().client.get("/api/v1/entries", headers=given).status_code == 200
    listed = own.get("/account").text
    assert "Nightly export" in listed
    assert found[1] not in listed
    revoke = re.search(r'action="(/account/tokens/\d+/revoke)"', listed)
    assert revoke

    assert stranger.post(revoke[1]).status_code == 404
    assert own.post(revoke[1]).status_code == 303

    assert site.anonymous().client.get("/api/v1/entries", headers=given).status_code == 401
    assert "Nightly export" not in own.get("/account").text


def test_no_token_makes_another_token(sqlite_site: Site) -> None:
    answer = sqlite_site.anonymous().client.post(
        "/account/tokens", data={"name": "x", "scope": "write", "days": "7"}, headers=header(sqlite_site, *SCOPES)
    )

    assert (answer.status_code, (answer.json or {})["code"]) == (403, "not_for_tokens")


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("", ("read",), 7), ("x" * 101, ("read",), 7), ("x", (), 7), ("x", ("all",), 7), ("x", ("read",), 4000)],
)
def test_a_token_of_no_use_is_refused(sqlite_site: Site, name: str, scopes: tuple[str, ...], days: int) -> None:
    person = sqlite_site.add_person("editor")
    with sqlite_site.database.writing() as session:
        owner = session.get_one(User, person.id)
        with pytest.raises(InvalidInput):
            add_token(session, owner, name, scopes, days, by=None)
        assert list_tokens(session, owner) == []
