"""Changes ask for the token of our own pages, on every route there is; and every answer carries its headers."""

from __future__ import annotations

import re

from tests.visitors import Site
from videolib.web.protection import ASK_BY_POST

SAFE = {"GET", "HEAD", "OPTIONS"}


def test_no_route_changes_anything_by_cookie_without_the_token(sqlite_site: Site) -> None:
    """Checklist 64."""
    admin = sqlite_site.visitor("admin")
    tried = 0
    for rule in sqlite_site.app.url_map.iter_rules():
        path = re.sub(r"<any\(\W?([\w-]+).*?>", r"\1", rule.rule)
        path = re.sub(r"<(?:int|float):\w+>", "1", path)
        path = re.sub(r"<[^>]*>", "x", path)
        for method in sorted((rule.methods or set()) - SAFE):
            if rule.endpoint in ASK_BY_POST:
                continue
            for headers in ({}, {"X-CSRFToken": "forged"}, {"Referer": "https://evil.example/"}):
                answer = admin.client.open(
                    path, method=method, json={}, headers={**headers, "Accept": "application/json"}
                )

                assert (answer.status_code, (answer.json or {}).get("code")) == (400, "csrf"), (method, rule.rule)
            tried += 1
    assert tried > 90
    assert (admin.get("/login/state").json or {})["signed_in"]


def test_pages_of_accounts_are_kept_by_no_cache_and_shown_in_no_frame(sqlite_site: Site) -> None:
    """Checklist 63, 64."""
    visitor = sqlite_site.visitor("admin")
    for path in ("/account", "/account/codes", "/admin", "/admin/people/new", "/admin/hospitals", "/login?again=1"):
        headers = visitor.get(path).headers

        assert headers["Cache-Control"] == "private, no-store", path
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        policy = headers["Content-Security-Policy"]
        for part in ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert part in policy
        assert "unsafe" not in policy
