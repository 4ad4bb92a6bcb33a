"""Hostile requests: whatever is sent, the answer is a refusal with a code and never a failure of ours."""

from __future__ import annotations

import json

import pytest

from tests.visitors import Site

ODD = [
    "\x00",
    "a\x00b",
    "'; DROP TABLE entries; --",
    "%' OR 1=1 --",
    "*",
    "a*",
    "?" * 50,
    "((((((((((",
    '"' * 99,
    "AND OR NOT",
    "[* TO *]",
    "title:*",
    "支" * 5000,
    "\U0001f9e0" * 300,
    "\u202e\u200b\ufeff",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n%x",
    "../../../etc/passwd",
    "proc.tace:" * 100,
    "-" * 1000,
    "a " * 3000,
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_queries_are_answered_or_refused(site: Site, odd: str) -> None:
    client = site.app.test_client()
    for path, name in [
        ("/search", "q"),
        ("/search", "facet"),
        ("/search", "cursor"),
        ("/search", "sort"),
        ("/api/v1/search", "q"),
        ("/api/v1/search", "facet"),
        ("/api/v1/search", "cursor"),
        ("/api/v1/search", "procedure"),
        ("/api/v1/suggest", "q"),
        ("/api/v1/entries", "cursor"),
        ("/preferences", "next"),
        ("/login", "next"),
        ("/", "x"),
    ]:
        answer = client.get(path, query_string={name: odd})
        assert answer.status_code < 500, (path, name)
        assert "<script>alert(1)</script>" not in answer.text
        assert "49" not in answer.text if odd == "{{7*7}}" and path == "/api/v1/search" else True


@pytest.mark.parametrize("odd", [*ODD, "%ff%fe", "%00", "%2e%2e", "%F0%9F%A7%A0", "A" * 3000])
def test_odd_names_of_things_are_not_there(site: Site, odd: str) -> None:
    editor = site.bearer("editor")
    client = site.app.test_client()
    path = odd if odd.startswith("%") else "".join(f"%{byte:02x}" for byte in odd.encode())
    for start in (
        "/entries/",
        "/api/v1/entries/",
        "/api/v1/recordings/",
        "/api/v1/vocabulary/",
        "/studio/entries/",
        "/media/",
        "/media/t/",
    ):
        assert client.get(start + path, headers=editor).status_code in {404, 422, 308, 405}, start


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 201),
        (b"{", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b"NaN", 400),
        (b'{"case": {"x": NaN}}', 400),
        (b'{"case": {"x": Infinity}}', 400),
        (b'{"title": {"en": "a\\u0000b"}}', 422),
        (b'{"title": {"en": "\\ud800"}}', 422),
        (b'{"case": {"\\u0000": 1}}', 422),
        (b"\xff\xfe", 400),
        (b'{"case": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"case": {"x": ' + b"[" * 60 + b"]" * 60 + b"}}", 422),
        (b'{"title": {"en": "' + b"x" * 4_000_000 + b'"}}', 413),
        (b'{"case": {"x": ' + b"9" * 5000 + b"}}", 400),
    ],
)
def test_odd_json_is_refused(site: Site, body: bytes, status: int) -> None:
    headers = {**site.bearer("editor"), "Content-Type": "application/json"}

    answer = site.app.test_client().post("/api/v1/entries", data=body, headers=headers)

    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.mimetype == "application/problem+json"
        assert json.loads(answer.data)["code"]


def test_a_body_that_is_no_json_is_415(sqlite_site: Site) -> None:
    headers = {**sqlite_site.bearer("editor"), "Content-Type": "application/xml"}

    answer = sqlite_site.app.test_client().post("/api/v1/entries", data="<entry/>", headers=headers)

    assert answer.status_code == 415


def test_forms_with_odd_text_or_of_giant_size_are_refused(sqlite_site: Site) -> None:
    entry = sqlite_site.add_watchable()
    editor = sqlite_site.visitor("editor")

    assert editor.post(f"/studio/entries/{entry.id}", title_zh="a\x00b").status_code == 422
    assert editor.post(f"/studio/entries/{entry.id}", title_zh="x" * 4_000_000).status_code == 413
    assert editor.post(f"/studio/entries/{entry.id}", version="9" * 400, title_zh="x").status_code in {303, 412}
    assert editor.post("/login", email="\x00", password="\x00").status_code in {302, 422}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Accept-Language", "zh;q=x,,,;;*;q=9"),
        ("Accept", "*/*;q=abc,;"),
        ("If-Match", '"' * 50),
        ("If-None-Match", 'W/"' + "x" * 500),
        ("Range", "bytes=5-1,abc,-"),
        ("Cookie", 'videolib_session=.x.y; videolib_lang=../../x; videolib_theme="><script>'),
        ("Cookie", "videolib_remember=1|abc"),
        ("X-Request-ID", "x" * 5000),
        ("Authorization", "Basic !!!!"),
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
    ],
)
def test_odd_headers_do_no_harm(sqlite_site: Site, name: str, value: str) -> None:
    entry = sqlite_site.add_published(audience="public")
    client = sqlite_site.app.test_client()
    for path in ("/", f"/entries/{entry.id}", f"/api/v1/entries/{entry.id}", "/api/v1/search?q=x", "/login"):
        answer = client.get(path, headers={name: value})
        assert answer.status_code == 200, path
        assert "><script>" not in answer.text
        assert answer.headers["X-Request-ID"] != "x" * 5000
