"""Health and numbers: what is down is named, and who may read the numbers cannot be feigned."""

from __future__ import annotations

import pytest

from tests.visitors import Site, make_site
from videolib.catalogue.library import LibraryFact
from videolib.db import Database
from videolib.storage import open_store
from videolib.web import create_app


def test_a_library_in_order_is_alive_and_ready(site: Site) -> None:
    nobody = site.anonymous()

    assert nobody.get("/healthz").json == {"status": "ok"}
    ready = nobody.get("/readyz")
    assert ready.status_code == 200
    assert ready.json is not None
    assert ready.json["checks"] == {"database": True, "store": True}


def test_a_database_of_another_version_is_named(site: Site) -> None:
    with site.database.writing() as session:
        session.merge(LibraryFact(name="software_version", text="99.0"))

    answer = site.anonymous().get("/readyz")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["failing"] == ["database"]


def test_a_store_that_does_not_answer_is_named(sqlite_database: Database) -> None:
    site = make_site(sqlite_database)
    silent = open_store("s3://bucket/library?endpoint=http://127.0.0.1:9&style=path", keys=("access", "secret" * 4))
    app = create_app(site.settings, database=sqlite_database, store=silent, index=site.index)
    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["failing"] == ["store"]
    assert app.test_client().get("/healthz").status_code == 200


def test_the_numbers_are_prometheus_text_with_routes_and_no_addresses(site: Site) -> None:
    entry = site.add_published()
    site.visitor("trainee").get(f"/entries/{entry.id}?t=5")

    text = site.anonymous().get("/metrics").text

    assert 'videolib_requests_total{method="GET",route="/entries/<entry_id>",status="200"}' in text
    assert 'videolib_entries{state="published"} 1.0' in text
    assert 'videolib_recordings{state="ready"} 1.0' in text
    assert entry.id not in text


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 401),
        ("192.0.2.7", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 401),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 401),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 401),
        ("", {}, 401),
    ],
)
@pytest.mark.parametrize("public_url", [None, "https://video.hospital.example"])
def test_numbers_are_for_this_host_only_whatever_a_header_says(
    sqlite_database: Database, public_url: str | None, address: str, headers: dict[str, str], status: int
) -> None:
    site = make_site(sqlite_database, public_url=public_url)

    answer = site.anonymous().get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})

    assert answer.status_code == status


def test_numbers_are_for_whoever_has_a_token(site: Site) -> None:
    header = site.bearer("trainee")
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}

    assert site.anonymous().get("/metrics", headers=header, environ_overrides=elsewhere).status_code == 200
    wrong = site.anonymous().get("/metrics", headers={"Authorization": "Bearer x"}, environ_overrides=elsewhere)
    assert wrong.status_code == 401
    cookie = site.visitor("admin").get("/metrics", environ_overrides=elsewhere)
    assert cookie.status_code == 401
