"""Whatever the OpenAPI allows is answered or refused: no call makes the service fail, whoever makes it.

schemathesis makes the calls out of the document itself, so a new route is called by itself. Nobody is refused before
he is read, an editor's and an administrator's calls are read to the end.
"""

from __future__ import annotations

import re
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.visitors import make_site
from videolib.db import Database

EXAMPLES = 4
# the document itself, and its page for people
HIDDEN = {("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/docs")}


def test_no_call_that_the_document_knows_makes_the_service_fail(sqlite_database: Database) -> None:
    site = make_site(sqlite_database)
    site.add_published(audience="public")
    callers = {"nobody": {}, "editor": site.bearer("editor"), "admin": site.bearer("admin")}
    failed: dict[str, str] = {}
    called = 0

    schema: Any = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", site.app)
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def call(case: Any) -> None:
            nonlocal called
            for name, headers in callers.items():
                answer = case.call(headers={**dict(case.headers or {}), **headers})
                called += 1
                if answer.status_code >= 500:
                    failed[f"{case.method} {case.path} as {name}"] = f"{answer.status_code} {answer.text[:300]}"

        call()

    site.index.close()
    assert called > 300
    assert failed == {}


def test_the_document_knows_every_route_of_the_api(sqlite_database: Database) -> None:
    """What it does not know would not be called above."""
    site = make_site(sqlite_database)
    routed = {
        (method, re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule))
        for rule in site.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/")
    }
    schema: Any = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", site.app)
    told = {(found.ok().method.upper(), found.ok().path) for found in schema.get_all_operations()}
    site.index.close()

    assert sorted(routed - told - HIDDEN) == []
    assert sorted(told - routed) == []
