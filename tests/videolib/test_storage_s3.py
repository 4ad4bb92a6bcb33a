"""What only the store in S3 does: addresses for browsers, parts, many objects, retries; on a real S3 server."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.settings import load_settings
from tests.servers import BadProxy, new_s3_store, open_as, s3_url, until
from videolib.children import S3Server
from videolib.commands.library import let_pages_read
from videolib.errors import Unavailable
from videolib.storage import S3Store

ORIGIN = "http://library.example:8000"
ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024

PUT = """
import sys
from pathlib import Path
from videolib.storage import open_store
url, path, *keys = sys.argv[1:]
open_store(url, keys=tuple(keys)).put_file("a/object", Path(path))
"""


@pytest.fixture(scope="module")
def store(s3_server: S3Server) -> S3Store:
    return new_s3_store(s3_server, origin=ORIGIN)


def answer_to(method: str, url: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """What a client without credentials is answered; names of headers are in lower case."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


# ------------------------------------------------------------------ addresses for browsers


def test_a_signed_address_answers_the_object_and_its_ranges(store: S3Store) -> None:
    store.put_bytes("packages/a/0001.m4s", b"0123456789")

    url = store.presigned_get("packages/a/0001.m4s", expires_s=60)

    status, headers, content = answer_to("GET", url)
    assert (status, content) == (200, b"0123456789")
    assert headers["content-type"] == "video/iso.segment"
    status, headers, content = answer_to("GET", url, {"Range": "bytes=2-4"})
    assert (status, content, headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert "X-Amz-Expires=60" in url


def test_a_signed_address_is_good_for_nothing_else(store: S3Store) -> None:
    store.put_bytes("packages/b/mine", b"x")
    store.put_bytes("packages/b/other", b"y")
    url = store.presigned_get("packages/b/mine", expires_s=60)

    for method, wrong in (
        ("GET", url.partition("?")[0]),
        ("GET", url.replace("packages/b/mine", "packages/b/other")),
        ("GET", url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")),
        ("GET", re.sub(r"(Signature=\w{10})\w", r"\1_", url)),
        ("DELETE", url),
    ):
        assert wrong != url or method != "GET"
        assert answer_to(method, wrong)[0] == 403
    assert answer_to("GET", url)[0] == 200


def test_a_signed_address_ends(store: S3Store) -> None:
    store.put_bytes("packages/c/object", b"x")

    url = store.presigned_get("packages/c/object", expires_s=1)

    until(lambda: answer_to("GET", url)[0] == 403, timeout_s=20)


@pytest.mark.parametrize(("asked_s", "given_s"), [(0, 1), (60, 60), (10**9, 7 * 24 * 3600)])
def test_a_signed_address_lasts_no_longer_than_asked(store: S3Store, asked_s: int, given_s: int) -> None:
    assert f"X-Amz-Expires={given_s}&" in store.presigned_get("a/object", expires_s=asked_s) + "&"


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_the_style_of_the_address_is_the_one_asked_for(s3_server: S3Server, style: str, localhost_names: None) -> None:
    url = s3_url(s3_server, style=style, bucket="test-" + secrets.token_hex(6))
    bucket, port = urlsplit(url).netloc, urlsplit(s3_server.endpoint).port
    store = open_as(s3_server, url)
    store.prepare(ORIGIN)
    hosts: list[str] = []
    assert isinstance(store, S3Store)
    events = store._bucket()._client.meta.events
    events.register("before-send.s3", lambda request, **_event: hosts.append(urlsplit(request.url).netloc))

    store.put_bytes("a/object", b"x")
    signed = store.presigned_get("a/object")

    host = f"{bucket}.localhost:{port}" if style == "virtual" else f"127.0.0.1:{port}"
    path = "/library/a/object" if style == "virtual" else f"/{bucket}/library/a/object"
    assert set(hosts) == {host}
    assert (urlsplit(signed).netloc, urlsplit(signed).path) == (host, path)
    assert answer_to("GET", signed)[::2] == (200, b"x")


def test_only_pages_of_the_service_may_read_from_the_bucket(store: S3Store) -> None:
    store.put_bytes("packages/d/object", b"0123456789")
    url = store.presigned_get("packages/d/object")
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}

    status, headers, _content = answer_to("OPTIONS", url, {"Origin": ORIGIN, **asked})
    assert (status, headers["access-control-allow-origin"]) == (200, ORIGIN)
    _status, headers, _content = answer_to("GET", url, {"Origin": ORIGIN, "Range": "bytes=0-1"})
    assert headers["access-control-allow-origin"] == ORIGIN
    exposed = set(re.split(r", *", headers["access-control-expose-headers"].lower()))
    assert exposed >= {"content-range", "content-length", "etag", "accept-ranges"}
    status, headers, _content = answer_to("OPTIONS", url, {"Origin": "http://elsewhere.example", **asked})
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_preparing_moves_our_cors_rule_and_keeps_those_of_others(s3_server: S3Server) -> None:
    store = new_s3_store(s3_server, origin="https://old.example/library")
    other = {"ID": "theirs", "AllowedOrigins": ["https://theirs.example"], "AllowedMethods": ["PUT"]}
    store._bucket().set_cors_rules([*store.cors_rules(), other])

    store.prepare("https://NEW.example")
    first = store.cors_rules()
    store.prepare("https://new.example/")

    assert {rule["ID"]: rule["AllowedOrigins"] for rule in first} == {
        "videolib:library/": ["https://new.example"],
        "theirs": ["https://theirs.example"],
    }
    assert store.cors_rules() == first


def test_serving_without_an_outside_address_lets_pages_of_the_one_served_read(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = s3_url(s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    monkeypatch.setenv("VIDEOLIB_HOME", str(tmp_path))
    monkeypatch.setenv("VIDEOLIB_STORE_URL", url)
    store = open_as(s3_server, url)
    assert isinstance(store, S3Store)

    let_pages_read(load_settings(), "127.0.0.1", 8123)
    assert [rule["AllowedOrigins"] for rule in store.cors_rules()] == [["http://127.0.0.1:8123"]]
    assert capsys.readouterr().err == ""

    # nobody's browser is at 0.0.0.0
    let_pages_read(load_settings(), "0.0.0.0", 8124)  # noqa: S104 - compared, not listened on
    assert [rule["AllowedOrigins"] for rule in store.cors_rules()] == [["http://127.0.0.1:8123"]]
    assert "VIDEOLIB_PUBLIC_URL" in capsys.readouterr().err

    # `init` has seen to it
    monkeypatch.setenv("VIDEOLIB_PUBLIC_URL", "https://library.example")
    let_pages_read(load_settings(), "127.0.0.1", 8125)
    assert [rule["AllowedOrigins"] for rule in store.cors_rules()] == [["http://127.0.0.1:8123"]]


# ------------------------------------------------------------------ large, many, broken


def test_a_large_file_goes_in_parts(store: S3Store, tmp_path: Path) -> None:
    source = tmp_path / "large.mp4"
    with source.open("wb") as file:
        file.seek(65 * MIB)
        file.write(b"the end")

    stored = store.put_file("large/object", source)

    assert stored.size == 65 * MIB + 7
    assert str(stored.etag).endswith("-5"), "the tag of an upload in five parts"
    assert b"".join(store.open_range("large/object", 65 * MIB - 3)) == b"\0\0\0the end"
    assert store.put_file("large/object", source) == stored
    store.delete(["large/object"])


@pytest.mark.parametrize("moment", ["CreateMultipartUpload", "UploadPart"])
def test_an_upload_whose_file_cannot_be_read_to_its_end_is_withdrawn(
    s3_server: S3Server, tmp_path: Path, moment: str
) -> None:
    """Cut before the first part is read, the parts are fewer bytes but a whole object to the server."""
    store = new_s3_store(s3_server)
    source = tmp_path / "large.mp4"
    with source.open("wb") as file:
        file.truncate(80 * MIB)
    sent: list[str] = []

    def cut_short(params: dict[str, Any], **_event: object) -> None:
        sent.append(str(params["url"]))
        os.truncate(source, 30 * MIB)  # as when somebody cleans up the folder too early

    store._bucket()._client.meta.events.register(f"before-call.s3.{moment}", cut_short)

    with pytest.raises(Unavailable):
        store.put_file("large/object", source)

    assert sent
    assert not store.exists("large/object")
    assert unfinished_uploads(store) == 0


def test_a_process_killed_in_mid_put_leaves_no_object(s3_server: S3Server, tmp_path: Path) -> None:
    url = s3_url(s3_server)
    store = open_as(s3_server, url)
    assert isinstance(store, S3Store)
    store.prepare()
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(512 * MIB)
    command = [sys.executable, "-c", PUT, url, str(source), s3_server.access_key, s3_server.secret_key]
    child = subprocess.Popen(command, cwd=ROOT)
    until(lambda: unfinished_uploads(store) == 1)

    child.kill()
    assert child.wait() == -signal.SIGKILL

    assert not store.exists("a/object")
    assert list(store.list("")) == []
    assert store.sweep() == 0, "what is young may still be written"
    assert store.sweep(older_than_s=-60) == 1
    assert unfinished_uploads(store) == 0
    store.put_bytes("a/object", b"another try")
    assert store.get_bytes("a/object") == b"another try"


def test_a_list_goes_on_to_its_last_page(s3_server: S3Server) -> None:
    store = new_s3_store(s3_server)
    keys = [f"many/{number:02}" for number in range(10)]
    for key in keys:
        store.put_bytes(key, b"x")
    pages: list[int] = []

    def small_pages(params: dict[str, Any], **_event: object) -> None:
        pages.append(1)
        params["MaxKeys"] = 3

    store._bucket()._client.meta.events.register("before-parameter-build.s3.ListObjectsV2", small_pages)

    assert sorted(found.key for found in store.list("many/")) == keys
    assert len(pages) == 4


def test_a_delete_of_many_takes_several_requests_each_with_its_digest(s3_server: S3Server) -> None:
    store = new_s3_store(s3_server)
    keys = [f"many/{number:04}" for number in range(1003)]
    store.put_bytes(keys[0], b"x")
    store.put_bytes(keys[-1], b"x")
    digests: list[str] = []
    events = store._bucket()._client.meta.events
    events.register(
        "before-send.s3.DeleteObjects", lambda request, **_event: digests.append(request.headers["Content-MD5"])
    )

    store.delete(keys)

    assert list(store.list("")) == []
    assert len(digests) == 2
    assert all(digests)


def test_a_connection_that_breaks_is_taken_up_where_it_broke(s3_server: S3Server, tmp_path: Path) -> None:
    content = secrets.token_bytes(3 * MIB)
    url = s3_url(s3_server)
    straight = open_as(s3_server, url)
    straight.prepare()
    straight.put_bytes("long/object", content)

    with BadProxy(s3_server, cut_after=MIB, cuts=2) as (endpoint, ranges):
        store = open_as(s3_server, url.replace(s3_server.endpoint, endpoint))
        store.fetch_to("long/object", tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == content
        assert ranges[0] is None
        assert [int(str(again)[6:-1]) > 0 for again in ranges[1:]] == [True, True]

    with BadProxy(s3_server, cut_after=1000, cuts=100) as (endpoint, _ranges):
        store = open_as(s3_server, url.replace(s3_server.endpoint, endpoint))
        with pytest.raises(Unavailable):
            store.fetch_to("long/object", tmp_path / "other")
        assert not (tmp_path / "other").exists()


def test_a_busy_server_is_asked_again(s3_server: S3Server) -> None:
    url = s3_url(s3_server)
    straight = open_as(s3_server, url)
    straight.prepare()
    straight.put_bytes("a/object", b"x")

    with BadProxy(s3_server, refusals=2) as (endpoint, _ranges):
        store = open_as(s3_server, url.replace(s3_server.endpoint, endpoint))
        assert store.get_bytes("a/object") == b"x"
    with BadProxy(s3_server, refusals=100) as (endpoint, _ranges):
        store = open_as(s3_server, url.replace(s3_server.endpoint, endpoint))
        with pytest.raises(Unavailable) as caught:
            store.get_bytes("a/object")
    assert caught.value.code == "store_unavailable"


def unfinished_uploads(store: S3Store) -> int:
    answer = store._bucket()._client.list_multipart_uploads(Bucket=store._address.bucket)
    return len(answer.get("Uploads", []))


def test_a_forked_process_opens_its_own_connection(s3_server: S3Server) -> None:
    url = s3_url(s3_server)
    store = open_as(s3_server, url)
    store.prepare()
    store.put_bytes("a/object", b"x")
    program = """
import os, sys
from videolib.storage import open_store
url, *keys = sys.argv[1:]
store = open_store(url, keys=tuple(keys))
store.get_bytes("a/object")
opened = store._bucket()
if os.fork() == 0:
    os._exit(0 if store.get_bytes("a/object") == b"x" and store._bucket() is not opened else 1)
assert store._bucket() is opened
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""

    command = [sys.executable, "-c", program, url, s3_server.access_key, s3_server.secret_key]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
