"""Uploads by tus 1.0.0, as its clients speak: nothing that was acknowledged is lost, nobody sees another's."""

from __future__ import annotations

import base64
import hashlib
import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from ingest.arrivals import remove_expired
from ingest.workshop import Workshop
from tests.visitors import Site
from videolib.catalogue.recordings import Recording
from videolib.catalogue.upload_checks import fingerprint_of
from videolib.catalogue.uploads import KEPT, Upload
from videolib.db import utc_now
from videolib.storage import open_store

TUS = {"Tus-Resumable": "1.0.0"}
CONTENT = random.Random(3).randbytes(3_000_000)


class Sender:
    """A program that uploads."""

    def __init__(self, site: Site, role: str = "editor") -> None:
        self.client = site.app.test_client()
        self.token = site.bearer(role)

    def ask(self, method: str, path: str, data: bytes = b"", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, data=data, headers={**self.token, **TUS, **named}, buffered=True)

    def begin(self, name: str = "手术.mp4", length: int = len(CONTENT), **more: str) -> TestResponse:
        said = {"filename": name, **more}
        pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
        return self.ask("POST", "/api/v1/uploads", Upload_Length=str(length), Upload_Metadata=",".join(pairs))

    def append(self, path: str, offset: int, content: bytes, **headers: str) -> TestResponse:
        kind = {"Content_Type": "application/offset+octet-stream"}
        return self.ask("PATCH", path, content, Upload_Offset=str(offset), **kind, **headers)

    def begun(self, **more: Any) -> str:
        answer = self.begin(**more)
        assert answer.status_code == 201, answer.text
        return "/" + answer.headers["Location"].split("/", 3)[3]

    def offset(self, path: str) -> int:
        return int(self.ask("HEAD", path).headers["Upload-Offset"])


def code_of(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["code"]


def test_the_server_says_what_it_speaks(site: Site) -> None:
    answer = site.app.test_client().options("/api/v1/uploads")

    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {"creation", "expiration", "checksum", "termination"}
    assert set(answer.headers["Tus-Checksum-Algorithm"].split(",")) >= {"sha1", "sha256"}
    assert int(answer.headers["Tus-Max-Size"]) == 100 * 2**30


def test_a_file_arrives_in_pieces_and_its_digest_with_it(site: Site) -> None:
    sender = Sender(site)
    begun = sender.begin()
    path = "/" + begun.headers["Location"].split("/", 3)[3]

    first = sender.append(path, 0, CONTENT[:1_000_000])
    asked = sender.ask("HEAD", path)
    second = sender.append(path, 1_000_000, CONTENT[1_000_000:])

    assert begun.headers["Location"].startswith("http")
    assert "Upload-Expires" in begun.headers
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000000")
    assert (asked.headers["Upload-Length"], asked.headers["Cache-Control"]) == (str(len(CONTENT)), "no-store")
    assert asked.headers["Upload-Metadata"].startswith("filename ")
    assert (second.status_code, second.headers["Upload-Offset"]) == (204, str(len(CONTENT)))
    shown = sender.ask("GET", path).json
    assert shown is not None
    assert (shown["state"], shown["name"], shown["offset"]) == ("received", "手术.mp4", len(CONTENT))


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Tus_Resumable": "0.2.2"}, 412, "tus_version"),
        ({"Upload_Length": "many"}, 400, "no_length"),
        ({"Upload_Length": "0"}, 422, "empty"),
        ({"Upload_Length": str(2**40)}, 413, "upload_too_large"),
        ({"Upload_Metadata": ""}, 422, "no_name"),
        ({"Upload_Metadata": "filename €"}, 400, "bad_metadata"),
        ({"Upload_Metadata": "filename " + base64.b64encode(b"letter.pdf").decode()}, 422, "not_media"),
        ({"Upload_Metadata": "filename " + base64.b64encode(b"scan.JPG").decode()}, 422, "still_image"),
        ({"Upload_Defer_Length": "1"}, 400, "no_length"),
    ],
)
def test_what_cannot_become_a_recording_is_refused_before_its_first_byte(
    sqlite_site: Site, change: dict[str, str], status: int, code: str
) -> None:
    good = {"Upload_Length": "9", "Upload_Metadata": "filename " + base64.b64encode(b"a.mp4").decode()}

    answer = Sender(sqlite_site).ask("POST", "/api/v1/uploads", b"", **{**good, **change})

    assert code_of(answer) == (status, code)
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_a_piece_of_16_mib_arrives_by_cookie_and_token_of_the_page_and_larger_ones_are_413(sqlite_site: Site) -> None:
    visitor = sqlite_site.visitor("editor")
    named = "filename " + base64.b64encode(b"a.mp4").decode()
    ours = {**TUS, "X-CSRFToken": visitor.csrf_token(), "Content-Type": "application/offset+octet-stream"}
    length = {"Upload-Length": str(100 * 2**20), "Upload-Metadata": named}
    begun = visitor.client.post("/api/v1/uploads", headers={**ours, **length})
    path = "/" + begun.headers["Location"].split("/", 3)[3]

    sent = visitor.client.patch(path, data=bytes(16 * 2**20), headers={**ours, "Upload-Offset": "0"})
    large = visitor.client.patch(path, data=bytes(65 * 2**20), headers={**ours, "Upload-Offset": str(16 * 2**20)})
    forged = visitor.client.patch(path, data=b"x", headers={**ours, "X-CSRFToken": "wrong"})

    assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, str(16 * 2**20))
    assert code_of(large) == (413, "too_large")
    assert code_of(forged) == (400, "csrf")


def test_a_piece_that_does_not_follow_or_was_changed_is_refused_and_costs_nothing(sqlite_site: Site) -> None:
    sender = Sender(sqlite_site)
    path = sender.begun()
    sender.append(path, 0, CONTENT[:1000])
    wrong = base64.b64encode(hashlib.sha1(b"other").digest()).decode()  # noqa: S324 - what tus asks for
    right = base64.b64encode(hashlib.sha256(CONTENT[1000:2000]).digest()).decode()

    answers = [
        sender.append(path, 0, CONTENT[:1000]),
        sender.append(path, 2000, CONTENT[2000:3000]),
        sender.append(path, 1000, CONTENT[1000:2000], Upload_Checksum=f"sha1 {wrong}"),
        sender.append(path, 1000, CONTENT[1000:2000], Upload_Checksum=f"crc32 {wrong}"),
        sender.append(path, 1000, CONTENT + CONTENT),
        sender.ask("PATCH", path, b"abc", Upload_Offset="1000", Content_Type="text/plain"),
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 460, 400, 413, 415]
    assert sender.offset(path) == 1000
    assert sender.append(path, 1000, CONTENT[1000:2000], Upload_Checksum=f"sha256 {right}").status_code == 204


def test_a_picture_under_a_false_name_is_refused_at_its_first_piece(sqlite_site: Site) -> None:
    sender = Sender(sqlite_site)
    path = sender.begun()

    answer = sender.append(path, 0, b"\x89PNG\r\n\x1a\n" + CONTENT[:1000])

    assert code_of(answer) == (422, "still_image")
    assert sender.offset(path) == 0


def test_nobody_sees_or_ends_anothers_upload_and_trainees_send_nothing(site: Site) -> None:
    path = Sender(site).begun()
    other, trainee = Sender(site, "admin"), Sender(site, "trainee")

    found = [
        other.ask("HEAD", path).status_code,
        other.append(path, 0, b"x").status_code,
        other.ask("DELETE", path).status_code,
        trainee.begin().status_code,
        site.app.test_client().post("/api/v1/uploads", headers=TUS).status_code,
    ]

    assert found == [404, 404, 404, 403, 401]
    assert other.ask("GET", "/api/v1/uploads").json == {"items": [], "next_cursor": None}


def test_an_upload_is_given_up_also_where_only_post_passes(sqlite_site: Site) -> None:
    sender = Sender(sqlite_site)
    path = sender.begun()
    sent = {"X_HTTP_Method_Override": "PATCH", "Content_Type": "application/offset+octet-stream", "Upload_Offset": "0"}

    appended = sender.ask("POST", path, CONTENT[:10], **sent)
    ended = sender.ask("POST", path, X_HTTP_Method_Override="DELETE")

    assert (appended.status_code, ended.status_code) == (204, 204)
    assert sender.ask("HEAD", path).status_code == 410
    assert sender.ask("POST", path).status_code == 405


def test_what_nobody_goes_on_with_is_kept_for_14_days_after_its_last_byte_and_leaves_nothing(site: Site) -> None:
    sender, originals = Sender(site), open_store(site.settings.originals_url)
    kept, old = sender.begun(), sender.begun()
    for path in (kept, old):
        sender.append(path, 0, CONTENT[:1000])
    with site.database.writing() as session:
        mine = update(Upload).where(Upload.id == old.rpartition("/")[2])
        session.execute(mine.values(last_byte_at=utc_now() - KEPT - timedelta(minutes=1)))

    asked = sender.ask("HEAD", old)
    removed = remove_expired(Workshop(site.settings, site.database, site.store, originals))

    assert code_of(sender.ask("GET", old)) == (404, "upload_not_found")
    assert (asked.status_code, removed) == (410, 1)
    assert sender.offset(kept) == 1000
    assert originals.sweep(older_than_s=-60, growing=()) == 1, "the one that is kept"


def test_of_two_pieces_at_once_one_wins_and_the_other_is_told(site: Site) -> None:
    sender = Sender(site)
    path = sender.begun()
    answers: list[int] = []

    def send() -> None:
        answers.append(Sender(site).append(path, 0, CONTENT).status_code)

    threads = [threading.Thread(target=send) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers.count(204) == 1
    assert set(answers) <= {204, 409, 423}
    assert sender.offset(path) == len(CONTENT)


def test_files_are_looked_at_before_an_hour_is_spent(site: Site) -> None:
    sender, originals = Sender(site), open_store(site.settings.originals_url)
    originals.put_bytes("a" * 32, CONTENT)
    same = fingerprint_of(originals, "a" * 32, len(CONTENT))
    entry = site.add_watchable()
    with site.database.writing() as session:
        recording = session.get_one(Recording, entry.recording_id)
        recording.original_key, recording.bytes = "a" * 32, len(CONTENT)
    path = sender.begun(name="half.mp4", fingerprint="3000000-deadbeef")
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    files = [
        {"name": "again.mp4", "size": len(CONTENT), "fingerprint": same},
        {"name": "half.mp4", "size": len(CONTENT), "fingerprint": "3000000-deadbeef"},
        {"name": "empty.mp4", "size": 0},
        {"name": "picture.mp4", "size": 9, "head": png},
        {"name": "00001.MTS", "size": 9},
        {"name": "00000.MTS", "size": 9},
    ]

    answer = sender.client.post("/api/v1/uploads/check", json={"files": files}, headers=sender.token)

    assert answer.json is not None
    found = answer.json["files"]
    assert found[0]["same"]["entry_url"] == f"/entries/{entry.id}"
    assert found[1]["resume"] == path.rpartition("/")[2]
    assert [one["refusal"] and one["refusal"]["code"] for one in found] == [
        *(None, None, "empty", "still_image"),
        *(None, None),
    ]
    assert answer.json["groups"] == [[5, 4]]


def test_a_quota_counts_what_is_kept_and_what_is_coming(sqlite_site: Site) -> None:
    sender = Sender(sqlite_site)
    settings = sqlite_site.settings.model_copy(update={"upload_quota_gib": 0.005})
    services = sqlite_site.app.extensions["videolib"]
    object.__setattr__(services, "settings", settings)

    first, second = sender.begin(), sender.begin()

    assert first.status_code == 201
    assert code_of(second) == (413, "quota")


def test_the_draft_of_an_upload_is_begun_once(sqlite_site: Site) -> None:
    sender = Sender(sqlite_site)
    path = sender.begun()

    first, again = sender.ask("POST", f"{path}/entry").json, sender.ask("POST", f"{path}/entry").json

    assert first is not None
    assert first == again
    assert sender.client.get(first["edit_url"], headers=sender.token).status_code == 200


def test_a_study_that_is_being_taken_in_is_described_when_it_is_there(site: Site) -> None:
    sender = Sender(site)
    path = sender.begun(name="study.tar", kind="study", length=9)
    sender.append(path, 0, CONTENT[:9])

    assert code_of(sender.ask("POST", f"{path}/entry")) == (409, "wrong_state")
