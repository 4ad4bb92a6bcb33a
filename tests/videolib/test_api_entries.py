"""The API of the catalogue: drafts to published, versions that fence writes, captions, and who sees what."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from tests.libraries import add_entry, add_recording
from tests.visitors import Site
from videolib.catalogue.entries import Entry
from videolib.cues import MAX_BYTES

VTT = "WEBVTT\n\n00:00.500 --> 00:02.000\n置入支架 & <b>扩张</b>\n"
FIELDS = {
    "title": {"zh": "肝动脉化疗栓塞", "en": "TACE of the liver"},
    "summary": {"en": "How it is done."},
    "procedures": ["proc.tace"],
    "content_type": "ct.simulation",
    "anatomy": ["anat.hepatic_a"],
    "year_of_procedure": 2024,
    "keywords": ["liver"],
    "case": {"age_band": "60-64"},
    "consent": {"id": "c-1"},
}


class Program:
    """A program of some role, that speaks JSON."""

    def __init__(self, site: Site, role: str) -> None:
        self.client = site.app.test_client()
        self.headers = {**site.bearer(role), "Accept-Language": "en"}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers={**self.headers, **named})


def content(answer: TestResponse, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json


def test_an_entry_goes_from_draft_to_published_to_withdrawn(site: Site) -> None:
    editor, trainee = Program(site, "editor"), Program(site, "trainee")
    recording_id = site.add_watchable().recording_id
    made = editor.send("POST", "/entries", {**FIELDS, "recording_id": recording_id})
    entry = content(made, 201)
    path = made.headers["Location"].removeprefix("/api/v1")

    assert entry["status"] == "draft"
    assert {name: entry[name] for name in FIELDS} == FIELDS
    assert trainee.send("GET", path).status_code == 404
    published = content(editor.send("POST", f"{path}/publish", If_Match=made.headers["ETag"]))
    assert (published["status"], published["version"]) == ("published", 1)
    seen = content(trainee.send("GET", path))
    assert seen["title"] == FIELDS["title"]
    assert "consent" not in seen
    assert "recording_id" not in seen
    withdrawn = content(editor.send("POST", f"{path}/withdraw", {"reason": "A name is heard."}))
    assert withdrawn["withdrawn_reason"] == "A name is heard."
    assert trainee.send("GET", path).status_code == 404


def test_publishing_too_early_names_each_missing_thing(site: Site) -> None:
    editor = Program(site, "editor")
    entry = content(editor.send("POST", "/entries", {"title": {"en": "Only English"}}), 201)

    problem = content(editor.send("POST", f"/entries/{entry['id']}/publish"), 422)

    assert problem["code"] == "not_publishable"
    assert set(problem["fields"]) == {"title.zh", "procedures", "content_type", "recording"}
    assert set(entry["missing"]) == set(problem["fields"])


def test_a_write_on_an_old_version_is_412_and_changes_nothing(site: Site) -> None:
    editor = Program(site, "editor")
    made = editor.send("POST", "/entries", FIELDS)
    path, first = f"/entries/{content(made, 201)['id']}", made.headers["ETag"]
    second = editor.send("PATCH", path, {"title": {"zh": "新", "en": "New"}}, If_Match=first).headers["ETag"]

    stale = [
        editor.send("PATCH", path, {"title": {"en": "Mine"}}, If_Match=first),
        editor.send("POST", f"{path}/publish", If_Match=first),
        editor.send("POST", f"{path}/captions", {"language": "en", "vtt": VTT}, If_Match=first),
        editor.send("DELETE", path, If_Match=first),
        editor.send("DELETE", path, If_Match='"nonsense"'),
    ]

    assert [(answer.status_code, answer.json and answer.json["code"]) for answer in stale] == [(412, "stale")] * 5
    now = editor.send("GET", path)
    assert now.headers["ETag"] == second
    assert content(now)["title"]["en"] == "New"
    assert editor.send("PATCH", path, {"keywords": []}, If_Match=f"{first}, {second}").status_code == 200
    assert editor.send("PATCH", path, {"keywords": ["x"]}, If_Match="*").status_code == 200
    assert editor.send("DELETE", path).status_code == 204
    assert editor.send("GET", path).status_code == 404


def test_what_has_not_changed_is_304(site: Site) -> None:
    editor = Program(site, "editor")
    entry = site.add_published()
    for path in (f"/entries/{entry.id}", "/entries", f"/recordings/{entry.recording_id}", "/vocabulary/procedure"):
        first = editor.send("GET", path)

        again = editor.send("GET", path, If_None_Match=first.headers["ETag"])

        assert (again.status_code, again.data) == (304, b""), path


def test_a_patch_changes_what_it_gives_and_nothing_else(site: Site) -> None:
    editor = Program(site, "editor")
    made = content(editor.send("POST", "/entries", FIELDS), 201)

    changed = content(editor.send("PATCH", f"/entries/{made['id']}", {"procedures": ["proc.pta", "proc.tace"]}))

    assert changed["procedures"] == ["proc.pta", "proc.tace"]
    assert changed["revision"] == made["revision"] + 1
    unchanged = set(made) - {"procedures", "revision", "updated_at"}
    assert {name: changed[name] for name in unchanged} == {name: made[name] for name in unchanged}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "not by language"}, "title"),
        ({"title": {"fr": "Titre"}}, "title.fr"),
        ({"procedures": ["proc.invented"]}, "procedures"),
        ({"year_of_procedure": 1800}, "year_of_procedure"),
        ({"year_of_procedure": 10**30}, "year_of_procedure"),
        ({"status": "published"}, "status"),
        ({"id": "mine"}, "id"),
        ({"audience": "everybody"}, "audience"),
        ({"keywords": ["x" * 101]}, "keywords.0"),
    ],
)
def test_a_field_that_cannot_be_is_named(sqlite_site: Site, body: dict[str, Any], field: str) -> None:
    problem = content(Program(sqlite_site, "editor").send("POST", "/entries", body), 422)

    assert field in problem["fields"]
    assert problem["detail"]


def test_lists_are_pages_with_a_cursor(site: Site) -> None:
    made = {site.add_published(audience="public").id for _ in range(5)}
    client = site.app.test_client()
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = client.get("/api/v1/entries", query_string=query).json
        assert answer is not None
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]

    assert cursor is None
    assert len(seen) == 5
    assert set(seen) == made
    assert len((client.get("/api/v1/entries").json or {})["items"]) == 5


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=1e3", "status=none", "cursor=%21%21"])
def test_a_list_refuses_what_it_cannot_do(sqlite_site: Site, query: str) -> None:
    answer = sqlite_site.app.test_client().get(f"/api/v1/entries?{query}")

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


def test_anonymous_writes_are_401_whatever_they_name(site: Site) -> None:
    entry = site.add_published(audience="public")
    client = site.app.test_client()
    missing = uuid4()
    for method, path in [
        ("POST", "/entries"),
        *((method, f"/entries/{entry_id}") for entry_id in (entry.id, missing) for method in ("PATCH", "DELETE")),
        *(
            (("POST", f"/entries/{entry_id}/{deed}"))
            for entry_id in (entry.id, missing)
            for deed in ("publish", "captions")
        ),
    ]:
        answer = client.open(f"/api/v1{path}", method=method, json={})
        assert answer.status_code == 401, (method, path)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_trainees_may_not_write_and_do_not_learn_of_drafts(site: Site) -> None:
    trainee = Program(site, "trainee")
    published, draft = site.add_published(), site.add_watchable()

    assert trainee.send("PATCH", f"/entries/{published.id}", {"keywords": []}).status_code == 403
    hidden = trainee.send("PATCH", f"/entries/{draft.id}", {"keywords": []})
    missing = trainee.send("PATCH", f"/entries/{uuid4()}", {"keywords": []})

    assert hidden.status_code == missing.status_code == 404
    assert {**content(hidden, 404), "request_id": ""} == {**content(missing, 404), "request_id": ""}


# ------------------------------------------------------------------ captions


@pytest.mark.parametrize("as_file", [False, True])
def test_captions_are_taken_as_json_and_as_a_file(site: Site, *, as_file: bool) -> None:
    editor = Program(site, "editor")
    entry = site.add_published()
    path = f"/entries/{entry.id}/captions"
    if as_file:
        answer = editor.client.post(
            f"/api/v1{path}?language=zh-Hans", data=VTT.encode(), headers={**editor.headers, "Content-Type": "text/vtt"}
        )
    else:
        answer = editor.send("POST", path, {"language": "zh-Hans", "vtt": VTT})

    assert content(answer, 201) == {"language": "zh-Hans", "cues": 1}
    playback = content(editor.send("GET", f"/entries/{entry.id}/playback"))
    assert [track["lang"] for track in playback["captions"]] == ["zh-Hans"]
    text = editor.client.get("/" + playback["captions"][0]["url"].split("/", 3)[3]).text
    assert "置入支架 &amp; 扩张" in text


@pytest.mark.parametrize("way", ["body", "form"])
def test_captions_are_taken_in_the_format_and_encoding_they_have(sqlite_site: Site, way: str) -> None:
    editor = Program(sqlite_site, "editor")
    entry = sqlite_site.add_published()
    path = f"/api/v1/entries/{entry.id}/captions"
    file = "1\r\n00:00:01,000 --> 00:00:02,500\r\n置入支架\r\n".encode("gb18030")

    if way == "body":
        headers = {**editor.headers, "Content-Type": "application/x-subrip"}
        answer = editor.client.post(f"{path}?language=zh-Hans", data=file, headers=headers)
    else:
        form = {"language": "zh-Hans", "file": (BytesIO(file), "支架.srt")}
        answer = editor.client.post(path, data=form, headers=editor.headers)

    assert content(answer, 201) == {"language": "zh-Hans", "cues": 1}
    (track,) = content(editor.send("GET", f"/entries/{entry.id}/playback"))["captions"]
    assert "置入支架" in editor.client.get("/" + track["url"].split("/", 3)[3]).text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"language": "fr", "vtt": VTT}, 422),
        ({"language": "en", "vtt": "hello"}, 422),
        ({"language": ["en"], "vtt": VTT}, 422),
        ({}, 422),
        ({"language": "en", "vtt": "WEBVTT\n\n" + "x" * MAX_BYTES}, 413),
        ({"language": "en", "vtt": "WEBVTT\n\n" + "x" * (MAX_BYTES * 2)}, 413),
    ],
)
def test_captions_that_are_none_are_refused(sqlite_site: Site, sent: dict[str, Any], status: int) -> None:
    editor = Program(sqlite_site, "editor")
    entry = sqlite_site.add_watchable()

    answer = editor.send("POST", f"/entries/{entry.id}/captions", sent)

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


# ------------------------------------------------------------------ recordings and playback


def test_a_recording_is_for_its_uploader_and_editors(site: Site) -> None:
    trainee = site.add_person("trainee")
    recording = add_recording(site.database, state="processing", by=trainee)
    path = f"/recordings/{recording.id}"

    mine = content(Program(site, "trainee").send("GET", path))

    assert (mine["state"], mine["state_text"], mine["reason"]) == ("processing", "Being processed", None)
    assert Program(site, "editor").send("GET", path).status_code == 200
    assert Program(site, "instructor").send("GET", path).status_code == 404
    assert site.app.test_client().get(f"/api/v1{path}").status_code == 404
    assert "张三" not in str(mine)


def test_playback_of_what_is_not_made_yet_is_404(sqlite_site: Site) -> None:
    entry = add_entry(sqlite_site.database, add_recording(sqlite_site.database, state="processing"))

    problem = content(Program(sqlite_site, "editor").send("GET", f"/entries/{entry.id}/playback"), 404)

    assert problem["code"] == "not_playable"


def test_an_entry_of_a_vanished_package_is_still_described(sqlite_site: Site) -> None:
    entry = sqlite_site.add_published()
    with sqlite_site.database.writing() as session:
        session.get_one(Entry, entry.id).package_id = None

    assert Program(sqlite_site, "editor").send("GET", f"/entries/{entry.id}").status_code == 200
    assert Program(sqlite_site, "trainee").send("GET", f"/entries/{entry.id}").status_code == 404
