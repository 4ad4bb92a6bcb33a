"""What the store in S3 says when credentials, bucket or server are wrong, and what doctor finds."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import new_s3_store, open_as, s3_url, until
from videolib.children import S3Server
from videolib.errors import InvalidInput, ObjectMissing, Unavailable
from videolib.storage import open_store

ORIGIN = "http://library.example:8000"


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account without any; gives the place of its credentials file."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "credentials"


# ------------------------------------------------------------------ credentials and other people's mistakes


def test_credentials_come_from_the_environment_or_a_profile(
    s3_server: S3Server, no_credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = s3_url(s3_server)
    open_as(s3_server, url).prepare()
    no_credentials.write_text(
        f"[wards]\naws_access_key_id = {s3_server.access_key}\naws_secret_access_key = {s3_server.secret_key}\n"
        "[strangers]\naws_access_key_id = nobody\naws_secret_access_key = wrong\n",
        encoding="ascii",
    )

    assert open_store(url + "&profile=wards").put_bytes("a/object", b"x").size == 1
    with pytest.raises(Unavailable, match="refuses our credentials"):
        open_store(url + "&profile=strangers").get_bytes("a/object")
    with pytest.raises(InvalidInput, match="profile"):
        open_store(url + "&profile=nobody").get_bytes("a/object")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    assert open_store(url).get_bytes("a/object") == b"x"


def test_a_proxy_of_the_environment_does_not_stand_before_this_host(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port}")

    store = new_s3_store(s3_server, origin=ORIGIN)

    assert all(line.ok for line in store.check())


def test_no_credentials_are_said_so(s3_server: S3Server, no_credentials: Path) -> None:
    with pytest.raises(Unavailable, match="AWS_ACCESS_KEY_ID"):
        open_store(s3_url(s3_server)).exists("a/object")


def test_wrong_credentials_are_refused_and_never_shown(s3_server: S3Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = s3_url(s3_server)
    open_as(s3_server, url).prepare(ORIGIN)
    wrong = open_as(s3_server, url, secret="a-secret-that-is-wrong")

    with pytest.raises(Unavailable) as caught:
        wrong.put_bytes("a/object", b"x")

    shown = f"{caught.value} {wrong!r} {s3_server!r} {caplog.text}"
    assert "refuses our credentials" in shown
    assert "a-secret-that-is-wrong" not in shown
    assert s3_server.secret_key not in shown


def test_a_missing_bucket_is_no_missing_object(s3_server: S3Server) -> None:
    store = open_as(s3_server, s3_url(s3_server))

    for ask in (
        lambda: store.put_bytes("a/object", b"x"),
        lambda: store.get_bytes("a/object"),
        lambda: list(store.list("")),
        lambda: store.delete(["a/object"]),
    ):
        with pytest.raises(Unavailable, match="no such bucket"):
            ask()


def test_a_server_that_is_not_there_is_said_so(unused_port: int) -> None:
    store = open_store(f"s3://bucket?endpoint=http://127.0.0.1:{unused_port}", keys=("some", "keys"))

    with pytest.raises(Unavailable, match="does not answer") as caught:
        store.exists("a/object")

    assert caught.value.code == "store_unavailable"


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that is taken, so that nobody else takes it, but on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_two_libraries_share_a_bucket_and_do_not_see_each_other(s3_server: S3Server) -> None:
    url = s3_url(s3_server)
    here, there = open_as(s3_server, url), open_as(s3_server, url.replace("/library", "/library2"))
    here.prepare()

    here.put_bytes("a/object", b"here")
    there.put_bytes("a/object", b"there")
    there.delete(["a/object"])

    assert [found.key for found in here.list("")] == ["a/object"]
    assert list(there.list("")) == []
    with pytest.raises(ObjectMissing):
        there.get_bytes("a/object")


# ------------------------------------------------------------------ doctor


def test_doctor_names_what_is_wrong_and_how_to_mend_it(s3_server: S3Server) -> None:
    store = new_s3_store(s3_server)  # of no origin

    for origin in (None, ORIGIN):
        found = {line.check: line for line in store.check(origin)}
        assert [name for name, line in found.items() if line.ok] == ["write", "range read", "signed GET"]
        assert "VIDEOLIB_PUBLIC_URL" in str(found["CORS"].fix)
    store.prepare(ORIGIN)

    assert all(line.ok for line in store.check())
    assert not store.check("http://elsewhere.example")[-1].ok
    assert list(store.list("")) == []


def test_doctor_says_what_could_not_be_tried(s3_server: S3Server) -> None:
    found = open_as(s3_server, s3_url(s3_server)).check()

    assert [line.check for line in found] == ["write", "range read", "signed GET", "CORS"]
    assert not any(line.ok for line in found)
    assert "videolib init" in str(found[0].fix)
    assert all(line.fix for line in found)


def test_doctor_warns_of_a_bucket_that_answers_everybody(s3_server: S3Server) -> None:
    store = new_s3_store(s3_server, origin=ORIGIN)
    bucket = store._address.bucket
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
        f'"Resource":"arn:aws:s3:::{bucket}/*"}}]}}'
    )
    store._bucket()._client.put_bucket_policy(Bucket=bucket, Policy=policy)

    until(lambda: any("open to all" in line.message for line in store.check()), timeout_s=20)
