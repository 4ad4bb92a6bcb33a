"""Errors become answers: every error of the family has its status, for programs and for people."""

from __future__ import annotations

import pytest
from flask import abort

import videolib.tables  # noqa: F401 - so that every error of the catalogue is known
from tests.visitors import Site
from videolib.errors import Conflict, InvalidInput, Unavailable, VideolibError
from videolib.web.errors import STATUS, status_of


def family(error: type[VideolibError] = VideolibError) -> set[type[VideolibError]]:
    return {error}.union(*(family(child) for child in error.__subclasses__()))


def test_every_error_of_the_library_has_a_row_of_its_own() -> None:
    # a damaged backup is told by the command line alone
    loaded = {error for error in family() if error.__module__.startswith("videolib.")}
    ours = {error for error in loaded if not error.__module__.startswith("videolib.backup.")}

    assert len(ours) >= 9
    assert ours - set(STATUS) == set()


def test_an_error_of_another_room_takes_the_row_of_its_parent() -> None:
    class Busy(Unavailable):
        """Not in the table."""

    assert status_of(Busy("Try again.")) == 503
    assert status_of(Conflict("Changed.")) == 409
    assert status_of(Conflict("Changed.", code="stale")) == 412


@pytest.fixture
def failing_site(sqlite_site: Site) -> Site:
    def invalid() -> str:
        raise InvalidInput("Some fields are wrong.", fields={"title.zh": "Give it a title in Chinese."}, code="odd")

    def broken() -> str:
        raise RuntimeError("张三 has fallen over at /srv/videolib")

    def silent() -> str:
        raise Unavailable("The store does not answer; try again.")

    for name, view in (("invalid", invalid), ("broken", broken), ("silent", silent)):
        sqlite_site.app.add_url_rule(f"/{name}", name, view)
        sqlite_site.app.add_url_rule(f"/api/v1/{name}", f"api-{name}", view)
    return sqlite_site


def test_a_program_gets_a_problem_document_with_a_stable_code(failing_site: Site) -> None:
    answer = failing_site.anonymous().get("/api/v1/invalid", headers={"Accept-Language": "en"})

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["code"] == "odd"
    assert answer.json["detail"] == "Some fields are wrong."
    assert answer.json["fields"] == {"title.zh": "Give it a title in Chinese."}
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_a_person_gets_a_page_in_their_language(failing_site: Site) -> None:
    visitor = failing_site.anonymous()

    chinese = visitor.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "zh-CN,zh;q=0.9"})
    english = visitor.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "en-GB"})

    assert (chinese.status_code, chinese.mimetype) == (404, "text/html")
    assert 'lang="zh-Hans"' in chinese.text
    assert 'lang="en"' in english.text
    assert english.headers["X-Request-ID"] in english.text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 429, 500, 503])
def test_each_page_of_an_error_is_ours_with_its_number_and_a_way_back(sqlite_site: Site, status: int) -> None:
    """Checklist 61: in both languages; a script gets a document instead."""
    sqlite_site.app.add_url_rule("/refused", "refused", lambda: abort(status))
    visitor = sqlite_site.anonymous()

    for language, tag, back in (("zh-CN", "zh-Hans", "返回首页"), ("en-GB", "en", "To the first page")):
        page = visitor.get("/refused", headers={"Accept": "text/html", "Accept-Language": language})
        assert (page.status_code, page.mimetype) == (status, "text/html")
        assert f'lang="{tag}"' in page.text
        assert page.headers["X-Request-ID"] in page.text.partition("<main")[2]
        assert back in page.text
        assert page.text.count("<h1>") == 1
    script = visitor.get("/refused", headers={"Accept": "application/json"})
    assert script.mimetype == "application/problem+json"


def test_what_went_wrong_inside_is_not_told(failing_site: Site) -> None:
    page = failing_site.anonymous().get("/broken")
    document = failing_site.anonymous().get("/api/v1/broken")

    for answer in (page, document):
        assert answer.status_code == 500
        assert "张三" not in answer.get_data(as_text=True)
        assert "/srv" not in answer.get_data(as_text=True)
    assert document.json is not None
    assert document.json["code"] == "internal"


def test_what_does_not_answer_says_when_to_try_again(failing_site: Site) -> None:
    answer = failing_site.anonymous().get("/api/v1/silent")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_methods_that_an_address_does_not_know_are_refused_with_those_that_it_does(sqlite_site: Site) -> None:
    answer = sqlite_site.anonymous().client.put("/api/v1/search")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_an_unexpected_question_of_the_database_is_500_and_one_that_it_does_not_answer_503(sqlite_site: Site) -> None:
    sqlite_site.database.close()
    assert sqlite_site.settings.home.joinpath("videolib.db").exists()
    for file in sqlite_site.settings.home.glob("videolib.db*"):
        file.unlink()
    sqlite_site.settings.home.joinpath("videolib.db").mkdir()

    answer = sqlite_site.anonymous().get("/api/v1/entries")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["code"] == "database_unavailable"
