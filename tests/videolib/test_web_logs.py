"""What is logged of a request: route, status, number; no token, no name, no word that somebody typed."""

from __future__ import annotations

import pytest
import structlog
from sqlalchemy import text
from structlog.testing import capture_logs

from tests.visitors import PASSWORD, Site, media_path
from videolib.db import Database


def test_a_line_for_each_request_names_the_route_and_nothing_of_what_was_asked(site: Site) -> None:
    entry = site.add_published()
    visitor = site.visitor("trainee")
    header = site.bearer("trainee")
    playback = visitor.get(f"/api/v1/entries/{entry.id}/playback").json
    assert playback is not None
    token = playback["hls_url"].split("/media/")[1].split("/")[0]

    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        visitor.get("/search?q=张三")
        visitor.get(media_path(playback))
        visitor.get(f"/entries/{entry.id}", headers=header)
        visitor.get("/media/expired-token/master.m3u8?x=张三")
        answer = site.anonymous().log_in("zhang.san@hospital.example", PASSWORD)

    written = str(lines)
    for secret in (token, "expired-token", "张三", "zhang.san", PASSWORD, header["Authorization"][7:], entry.id):
        assert secret not in written
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["route"] for line in requests][:2] == ["/search", "/media/<token>/<path:path>"]
    assert requests[-1]["request_id"] == answer.headers["X-Request-ID"]
    assert len({line["request_id"] for line in requests}) == len(requests)


def test_an_error_of_the_database_does_not_repeat_what_was_to_be_written(database: Database) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught, database.reading() as session:
        session.execute(text("SELECT * FROM no_such_table WHERE name = :name"), {"name": "张三"})

    assert "张三" not in str(caught.value)


def test_a_failure_is_logged_with_its_cause_under_the_number_that_was_told(sqlite_site: Site) -> None:
    def broken() -> str:
        raise RuntimeError("the cause")

    sqlite_site.app.add_url_rule("/broken", "broken", broken)

    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = sqlite_site.anonymous().get("/broken")

    (failure,) = [line for line in lines if line["event"] == "failed"]
    assert str(failure["exc_info"]) == "the cause"
    assert failure["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["X-Request-ID"] in answer.text
