"""The pages: what they show to whom, in which language, with how many questions to the database."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.libraries import add_entry, add_recording, let_in, make_reviewed
from tests.visitors import Site, make_site
from videolib.catalogue.entries import Entry
from videolib.catalogue.job_lists import list_open_jobs
from videolib.catalogue.recordings import Recording
from videolib.db import Database

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self' blob:; font-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Every SELECT that is sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.engine, "before_cursor_execute", note)


def row_of(site: Site, entry: Entry) -> Entry:
    with site.database.reading() as session:
        return session.get_one(Entry, entry.id)


def test_the_first_page_shows_twenty_entries_with_few_questions(site: Site) -> None:
    site.add_published()
    visitor = site.visitor("trainee")
    with counted(site.database) as few:
        assert visitor.get("/").status_code == 200
    for _ in range(19):
        site.add_published()

    with counted(site.database) as many:
        page = visitor.get("/")

    assert page.text.count("poster.jpg") == 20
    assert len(many) == len(few)
    # the session, what is assigned and what goes on ask once each
    assert len(many) <= 19


def test_lists_of_the_studio_and_the_search_ask_no_question_for_each_entry(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("editor")
    asked: list[dict[str, int]] = []
    for more in (2, 6):
        for _ in range(more):
            sqlite_site.add_published()
            sqlite_site.add_watchable(state="awaiting_review")
        sqlite_site.reindex()
        asked.append({})
        for path in ("/studio", "/search", "/api/v1/entries"):
            with counted(sqlite_site.database) as sent:
                assert visitor.get(path).status_code == 200
            asked[-1][path] = len(sent)
    few, many = asked

    # the first search reads the vocabulary, too
    assert all(many[path] <= few[path] for path in many)
    assert max(few.values()) <= 25


def test_anonymous_callers_see_public_entries_only(site: Site) -> None:
    public = site.add_published(audience="public", title={"zh": "公开的录像", "en": "The public one"})
    internal = site.add_published(title={"zh": "内部的录像", "en": "The internal one"})
    site.reindex()
    nobody = site.anonymous()

    for path in ("/", "/search", "/search?q=录像", "/api/v1/entries", "/api/v1/search?q=录像"):
        text = nobody.get(path).get_data(as_text=True)
        assert public.id in text, path
        assert internal.id not in text, path
    assert nobody.get(f"/entries/{public.id}").status_code == 200
    assert nobody.get(f"/entries/{internal.id}").status_code == 404
    hidden = nobody.get(f"/entries/{internal.id}", headers={"Accept-Language": "en"})
    missing = nobody.get("/entries/00000000-0000-4000-8000-000000000000", headers={"Accept-Language": "en"})
    same = re.compile(r"[0-9a-f-]{16,36}|content=\"[^\"]*\"")
    assert same.sub("", hidden.text) == same.sub("", missing.text)
    assert "ask an editor or the administrator for access" in hidden.text


@pytest.mark.parametrize(("lang", "html_lang", "title"), [("zh", "zh-Hans", "股浅动脉"), ("en", "en", "Stenting of")])
def test_an_entry_is_shown_in_both_languages_and_plays(site: Site, lang: str, html_lang: str, title: str) -> None:
    entry = site.add_published(anatomy=["anat.sfa"])
    visitor = site.visitor("trainee")
    visitor.get(f"/preferences?lang={lang}")

    page = visitor.get(f"/entries/{entry.id}?t=2.5")

    assert f'<html lang="{html_lang}"' in page.text
    assert re.search(rf'<h1[^>]*lang="{html_lang}"[^>]*>{title}', page.text)
    assert "/media/" in page.text
    assert 'data-start="2.5"' in page.text
    assert "/studio/entries/" not in page.text


@pytest.mark.parametrize("start", ["nan", "inf", "-5", "x", "1e999", ""])
def test_a_start_that_is_no_time_is_the_beginning(sqlite_site: Site, start: str) -> None:
    entry = sqlite_site.add_published(audience="public")

    page = sqlite_site.anonymous().get(f"/entries/{entry.id}?t={start}")

    assert 'data-start="0.0"' in page.text


def test_language_follows_the_cookie_then_the_browser_then_chinese(sqlite_site: Site) -> None:
    visitor = sqlite_site.anonymous()

    assert '<html lang="zh-Hans"' in visitor.get("/").text
    assert '<html lang="en"' in visitor.get("/", headers={"Accept-Language": "fr,en;q=0.5"}).text
    assert '<html lang="zh-Hans"' in visitor.get("/", headers={"Accept-Language": "zh-TW"}).text
    visitor.get("/preferences?lang=en&theme=dark")
    assert '<html lang="en" data-theme="dark"' in visitor.get("/", headers={"Accept-Language": "zh"}).text


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/search?q=%E6%94%AF%E6%9E%B6", "/search?q=%E6%94%AF%E6%9E%B6"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
    ],
)
def test_preferences_lead_back_inside(sqlite_site: Site, wanted: str, leads_to: str) -> None:
    answer = sqlite_site.anonymous().get("/preferences", query_string={"lang": "en", "theme": "no", "next": wanted})

    assert (answer.status_code, answer.headers["Location"]) == (303, leads_to)
    assert [cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie")] == ["videolib_lang"]


@pytest.mark.parametrize(
    "path", ["/", "/login", "/search?q=x", "/nowhere", "/api/v1/entries", "/api/v1/docs", "/healthz"]
)
def test_every_answer_carries_the_headers_that_keep_it_safe(sqlite_site: Site, path: str) -> None:
    answer = sqlite_site.anonymous().get(path)

    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer.headers
    assert "Cache-Control" in answer.headers
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-ID"])
    assert "Server" not in answer.headers


def test_pages_hold_no_inline_script_or_style(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    visitor = sqlite_site.visitor("admin")
    paths = ["/", "/search", f"/entries/{entry.id}", "/studio", f"/studio/entries/{entry.id}", "/admin", "/api/v1/docs"]

    for path in paths:
        page = visitor.get(path)
        assert page.status_code == 200, path
        assert page.headers["Cache-Control"] == "private, no-store"
        inline = re.findall(r"<script(?![^>]*src=)(?![^>]*application/json)[^>]*>", page.text)
        assert inline == [], path
        assert not re.search(r"<[^>]+\s(?:style|on\w+)=", page.text), path
        outside = re.findall(r"(?:src|href)=\"((?:https?:)?//[^\"]+)\"", page.text)
        assert [url for url in outside if not url.startswith("http://localhost/media/")] == [], path


def test_behind_a_proxy_addresses_are_the_outside_ones(sqlite_database: Database) -> None:
    site = make_site(sqlite_database, public_url="https://video.hospital.example")
    entry = site.add_published(audience="public")

    answer = site.anonymous().get(
        f"/api/v1/entries/{entry.id}/playback",
        headers={
            "X-Forwarded-For": "192.0.2.9",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "video.hospital.example",
        },
    )

    assert answer.json is not None
    assert answer.json["hls_url"].startswith("https://video.hospital.example/media/")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]


def test_built_files_come_packed_to_who_can_unpack_them(sqlite_site: Site) -> None:
    visitor = sqlite_site.anonymous()
    found = re.search(r'src="(/static/built/[^"]+\.js)"', visitor.get("/").text)
    assert found

    plain = visitor.get(found[1])
    packed = visitor.get(found[1], headers={"Accept-Encoding": "gzip, deflate"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.mimetype == "text/javascript"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == plain.headers["Vary"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert visitor.get("/static/built/none.js", headers={"Accept-Encoding": "gzip"}).status_code == 404


def test_pages_come_packed_to_who_can_unpack_them(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("trainee")
    plain = visitor.get("/browse")
    packed = visitor.get("/browse", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
    assert "<!doctype html>" in gzip.decompress(packed.data).decode()
    assert visitor.get("/browse", headers={"Accept-Encoding": "gzip;q=0"}).headers.get("Content-Encoding") is None


def test_built_files_are_kept_for_ever(sqlite_site: Site) -> None:
    visitor = sqlite_site.anonymous()
    found = re.search(r'src="(/static/built/[^"]+\.js)"', visitor.get("/").text)
    assert found

    answer = visitor.get(found[1])

    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.mimetype == "text/javascript"
    assert visitor.get("/favicon.ico").status_code == 302


# ------------------------------------------------------------------ search


def test_the_search_page_finds_by_both_languages_and_filters(site: Site) -> None:
    stent = site.add_published()
    other = site.add_published(title={"zh": "肝动脉化疗栓塞", "en": "Chemoembolisation"}, procedures=["proc.tace"])
    site.reindex()
    visitor = site.visitor("trainee")

    for query in ("支架", "stenting"):
        text = visitor.get("/search", query_string={"q": query}).text
        assert stent.id in text
        assert other.id not in text
    filtered = visitor.get("/search?facet=procedure:proc.tace").text
    assert other.id in filtered
    assert stent.id not in filtered
    assert 'name="facet"' in filtered or "chip--on" in filtered


def test_without_an_index_titles_are_looked_through_and_the_page_says_so(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    other = sqlite_site.add_published(title={"zh": "肝动脉", "en": "Hepatic 100%_artery"})
    visitor = sqlite_site.visitor("trainee")
    shutil.rmtree(sqlite_site.settings.home / "index", ignore_errors=True)

    page = visitor.get("/search?q=STENTING", headers={"Accept-Language": "en"})
    percent = visitor.get("/search?q=100%25_")
    api = visitor.get("/api/v1/search?q=股浅")

    assert page.status_code == 200
    assert "being rebuilt" in page.text
    assert entry.id in page.text
    assert other.id not in page.text
    assert other.id in percent.text
    assert entry.id not in percent.text
    assert api.json is not None
    assert api.json["index"] == "rebuilding"
    assert [hit["entry_id"] for hit in api.json["hits"]] == [entry.id]
    assert visitor.get("/api/v1/suggest?q=st").json == {"items": []}


# ------------------------------------------------------------------ studio


def test_withdrawing_wants_a_reason(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()

    answer = sqlite_site.visitor("editor").post(f"/studio/entries/{entry.id}/withdraw", reason="  ")

    assert answer.status_code == 422
    assert row_of(sqlite_site, entry).status == "published"


def test_a_second_person_signs_a_recording_off(site: Site) -> None:
    uploader = site.add_person("editor")
    entry = site.add_watchable(state="awaiting_review", by=uploader)
    path = f"/studio/recordings/{entry.recording_id}/sign-off"
    second = site.visitor("editor", email="second@hospital.example")
    let_in(site.database, str(entry.recording_id), site.add_person("editor", email="second@hospital.example"))

    own = site.visitor("editor").post(path, checked="yes")
    without_looking = second.post(path)
    assert (own.status_code, without_looking.status_code) == (403, 422)
    desk = f"/studio/recordings/{entry.recording_id}/review"
    assert desk in second.get(f"/entries/{entry.id}").text
    assert 'name="checked"' in second.get(desk).text
    assert 'name="checked"' not in site.visitor("editor").get(desk).text
    assert second.post(path, checked="yes").status_code == 409, "nothing has been screened and watched"
    with site.database.reading() as session:
        recording = session.get_one(Recording, entry.recording_id)
    make_reviewed(site.database, recording, by=site.add_person("editor", email="second@hospital.example"))
    answer = second.post(path, checked="yes", next=f"/entries/{entry.id}")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/entries/{entry.id}")
    with site.database.reading() as session:
        assert session.get_one(Recording, entry.recording_id).state == "ready"


def test_an_editor_retries_and_cancels_the_work_on_a_recording(site: Site) -> None:
    recording = add_recording(site.database, state="failed")
    add_entry(site.database, recording)
    editor = site.visitor("editor")
    assert f"/studio/recordings/{recording.id}/retry" in editor.get("/studio").text

    assert editor.post(f"/studio/recordings/{recording.id}/retry").status_code == 303
    with site.database.reading() as session:
        assert session.get_one(Recording, recording.id).state == "queued"
        assert len(list_open_jobs(session)) == 1
    assert editor.post(f"/studio/recordings/{recording.id}/retry").status_code == 409
    assert editor.post(f"/studio/recordings/{recording.id}/cancel").status_code == 303
    with site.database.reading() as session:
        assert session.get_one(Recording, recording.id).state == "cancelled"


def test_the_list_of_people_names_roles_in_the_page_s_language(sqlite_site: Site) -> None:
    sqlite_site.add_person("instructor")
    admin = sqlite_site.visitor("admin")
    admin.get("/preferences?lang=en")

    page = admin.get("/admin?page=-3")

    assert "instructor@hospital.example" in page.text
    assert "Instructor" in page.text
