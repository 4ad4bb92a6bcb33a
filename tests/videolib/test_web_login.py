"""Logging in and out: passwords, sessions, CSRF, the count of failures, and where a login leads."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from urllib.parse import urljoin, urlsplit

import pytest

from tests.visitors import PASSWORD, Site, make_site
from videolib.catalogue import people
from videolib.db import Database
from videolib.errors import InvalidInput
from videolib.passwords import hash_password


def is_logged_in(visitor_get: object) -> bool:
    return 'action="/logout"' in visitor_get("/").text  # type: ignore[operator]


@pytest.mark.parametrize("role", ["trainee", "editor", "instructor", "admin"])
def test_each_role_logs_in_and_out(sqlite_site: Site, role: str) -> None:
    visitor = sqlite_site.visitor(role)
    assert is_logged_in(visitor.get)

    answer = visitor.post("/logout")

    assert answer.status_code == 302
    assert not is_logged_in(visitor.get)


def test_logging_out_by_a_link_is_not_possible(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("trainee")

    assert visitor.get("/logout").status_code == 405
    assert is_logged_in(visitor.get)


def test_a_login_is_noted_with_its_time(site: Site) -> None:
    site.visitor("trainee")
    site.visitor("trainee")

    with site.database.reading() as session:
        person = people.get_user(session, "trainee@hospital.example")
        assert person.login_count == 2
        assert person.current_login_at is not None
        assert person.last_login_at is not None


@pytest.mark.parametrize("plain", ["", "1234567", "x" * 1025])
def test_a_password_of_no_use_is_refused(plain: str) -> None:
    with pytest.raises(InvalidInput):
        hash_password(plain)


@pytest.mark.parametrize("email", ["trainee@hospital.example", "nobody@hospital.example", "no address", ""])
def test_a_failed_login_does_not_tell_whether_the_person_exists(sqlite_site: Site, email: str) -> None:
    sqlite_site.add_person("trainee")
    visitor = sqlite_site.anonymous()

    answer = visitor.log_in(email, "wrong password")

    assert answer.status_code == 200
    assert not is_logged_in(visitor.get)
    told = re.sub(r'(value|content|next)="[^"]*"|Error \S+|[0-9a-f]{16}', "", answer.text).replace(email or "\0", "")
    other = sqlite_site.anonymous().log_in("somebody.else@hospital.example", "wrong password").text
    expected = re.sub(r'(value|content|next)="[^"]*"|Error \S+|[0-9a-f]{16}', "", other)
    if email.endswith("hospital.example"):
        assert told == expected.replace("somebody.else@hospital.example", "")


def test_an_address_is_the_same_in_capitals(sqlite_site: Site) -> None:
    sqlite_site.add_person("trainee")

    assert sqlite_site.anonymous().log_in(" Trainee@Hospital.EXAMPLE ").status_code == 302


def test_whoever_is_disabled_is_out_at_once(site: Site) -> None:
    visitor = site.visitor("editor")
    header = site.bearer("editor")
    assert visitor.get("/studio").status_code == 200

    with site.database.writing() as session:
        people.disable_user(session, "editor@hospital.example")

    assert visitor.get("/studio").status_code == 302
    assert site.anonymous().get("/api/v1/entries", headers=header).status_code == 401
    assert not is_logged_in(visitor.get)
    assert site.anonymous().log_in("editor@hospital.example").status_code == 200


@pytest.mark.parametrize(
    "leading_out",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "///evil.example",
    ],
)
def test_a_login_leads_nowhere_outside(sqlite_site: Site, leading_out: str) -> None:
    sqlite_site.add_person("trainee")
    visitor = sqlite_site.anonymous()

    answer = visitor.client.post(
        f"/login?next={leading_out}",
        data={
            "csrf_token": visitor.csrf_token(),
            "email": "trainee@hospital.example",
            "password": PASSWORD,
            "next": leading_out,
        },
    )

    # as a browser reads it, to which a backslash is a slash
    location = answer.headers.get("Location", "/").replace("\\", "/")
    assert urlsplit(urljoin("http://localhost/login", location))[:2] == ("http", "localhost")


def test_a_login_leads_back_to_where_it_was_asked_for(sqlite_site: Site) -> None:
    sqlite_site.add_person("editor")
    visitor = sqlite_site.anonymous()
    asked = visitor.get("/studio?cursor=abc")
    assert asked.status_code == 302
    assert asked.headers["Location"].startswith("/login?next=")

    answer = visitor.log_in("editor@hospital.example", next="/studio?cursor=abc")

    assert answer.headers["Location"] == "/studio?cursor=abc"


def test_a_token_planted_before_the_login_is_worth_nothing_after(sqlite_site: Site) -> None:
    sqlite_site.add_person("editor")
    visitor = sqlite_site.anonymous()
    planted = visitor.csrf_token()
    before = visitor.client.get_cookie("videolib_session")
    visitor.log_in("editor@hospital.example")
    after = visitor.client.get_cookie("videolib_session")

    answer = visitor.client.post("/api/v1/entries", json={}, headers={"X-CSRFToken": planted})

    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert (answer.status_code, answer.json and answer.json["code"]) == (400, "csrf")


@pytest.mark.parametrize(
    "path", ["/login", "/logout", "/studio/entries/1", "/studio/recordings/1/retry", "/api/v1/entries"]
)
def test_a_change_without_the_token_of_our_pages_is_refused(sqlite_site: Site, path: str) -> None:
    visitor = sqlite_site.visitor("editor")

    answer = visitor.client.post(path, data={"email": "x", "title_zh": "x"})

    assert answer.status_code == 400
    assert is_logged_in(visitor.get)


def test_a_program_with_a_token_needs_no_csrf_token_even_with_a_cookie(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("trainee")

    answer = visitor.client.post(
        "/api/v1/entries", json={"title": {"en": "By token"}}, headers=sqlite_site.bearer("editor")
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("value", ["Bearer", "Bearer vl_wrong", "bearer \x7f"])
def test_a_wrong_token_is_401_and_the_cookie_does_not_help(sqlite_site: Site, value: str) -> None:
    visitor = sqlite_site.visitor("editor")

    answer = visitor.get("/api/v1/entries", headers={"Authorization": value + " "})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_failures_are_counted_for_each_account(sqlite_site: Site) -> None:
    sqlite_site.add_person("trainee")
    sqlite_site.add_person("editor")
    visitor = sqlite_site.anonymous()
    for _ in range(10):
        assert visitor.log_in("trainee@hospital.example", "wrong password").status_code == 200

    answer = visitor.log_in(" TRAINEE@hospital.example")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "videolib_session" not in (answer.headers.get("Set-Cookie") or "") or not is_logged_in(visitor.get)
    assert visitor.log_in("editor@hospital.example").status_code == 302


def test_failures_are_counted_for_each_address(sqlite_site: Site) -> None:
    sqlite_site.add_person("trainee")
    visitor = sqlite_site.anonymous()
    token = visitor.csrf_token()
    for number in range(100):
        form = {"csrf_token": token, "email": f"{number}@hospital.example", "password": ""}
        assert visitor.client.post("/login", data=form).status_code == 200

    assert visitor.log_in("trainee@hospital.example").status_code == 429
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    form = {"csrf_token": token, "email": "trainee@hospital.example", "password": PASSWORD}
    assert visitor.client.post("/login", data=form, environ_overrides=elsewhere).status_code == 302


def test_logins_that_work_are_not_counted(sqlite_site: Site) -> None:
    for _ in range(11):
        sqlite_site.visitor("trainee")

    assert is_logged_in(sqlite_site.visitor("trainee").get)


@pytest.mark.parametrize(("public_url", "is_secure"), [(None, False), ("https://video.hospital.example", True)])
def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(
    sqlite_database: Database, public_url: str | None, is_secure: bool
) -> None:
    site = make_site(sqlite_database, public_url=public_url)
    site.add_person("trainee")
    visitor = site.anonymous()
    base = public_url or "http://localhost"
    page = visitor.get("/login", base_url=base)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    form = {"csrf_token": token[1], "email": "trainee@hospital.example", "password": PASSWORD, "remember": "y"}

    answer = visitor.client.post("/login", base_url=base, data=form, headers={"Referer": f"{base}/login"})

    cookies = [SimpleCookie(text) for text in answer.headers.getlist("Set-Cookie")]
    morsels = {name: morsel for cookie in cookies for name, morsel in cookie.items()}
    assert {"videolib_session", "videolib_device"} <= set(morsels)
    assert morsels["videolib_session"]["expires"], "a browser that is one's own keeps it"
    for name in ("videolib_session", "videolib_device"):
        assert morsels[name]["httponly"]
        assert morsels[name]["samesite"] == "Lax"
        assert bool(morsels[name]["secure"]) is is_secure


def test_segments_and_health_neither_read_nor_set_a_cookie(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("trainee")

    for path in ("/media/token/0001.m4s", "/static/none", "/healthz", "/metrics"):
        assert "Set-Cookie" not in visitor.get(path).headers, path

    assert is_logged_in(visitor.get)


def test_a_login_by_json_is_none(sqlite_site: Site) -> None:
    sqlite_site.add_person("trainee")
    visitor = sqlite_site.anonymous()

    visitor.send("POST", "/login", {"email": "trainee@hospital.example", "password": PASSWORD})

    assert not is_logged_in(visitor.get)


@pytest.mark.parametrize(("lang", "word"), [("zh", "zh-Hans"), ("en", "en")])
def test_the_login_page_speaks_both_languages(sqlite_site: Site, lang: str, word: str) -> None:
    page = sqlite_site.anonymous().get("/login", headers={"Accept-Language": lang})

    assert f'<html lang="{word}"' in page.text
    assert 'type="password"' in page.text
