"""A library that answers requests, people who visit it with cookie or token, and packages to watch in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from waitress.wasyncore import close_all
from werkzeug.test import TestResponse

from config.settings import Settings, load_settings
from tests.libraries import add_entry, add_recording
from videolib.catalogue import people, publishing
from videolib.catalogue.entries import Entry
from videolib.catalogue.indexing import HostIndex
from videolib.catalogue.packages import Package, begin_package, complete_package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording, get_recording, move
from videolib.db import Database
from videolib.passwords import hash_password
from videolib.storage import Store, open_store
from videolib.web import create_app
from videolib.web.server import make_server

PASSWORD = "a long enough word"
# hashed once: a hash is slow on purpose
HASHED = hash_password(PASSWORD)
POSTER = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
PACKAGE: Mapping[str, bytes] = {
    "master.m3u8": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nvideo/360p/index.m3u8\n",
    "video/360p/index.m3u8": b'#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:4,\n0001.m4s\n#EXT-X-ENDLIST\n',
    "video/360p/init.mp4": b"init" * 16,
    "video/360p/0001.m4s": bytes(range(256)) * 8,
    "poster.jpg": POSTER,
    "posters/000001000.jpg": POSTER + b"another",
    "storyboard.jpg": POSTER + b"sheet",
    "storyboard.vtt": b"WEBVTT\n\n00:00.000 --> 00:02.000\nstoryboard.jpg#xywh=0,0,160,90\n",
    "package.json": b'{"source_sha256": "of nobody\'s business"}',
}
DESCRIPTION = {
    "multivariant": "master.m3u8",
    "duration_s": 4.0,
    "renditions": [{"name": "360p", "width": 640, "height": 360, "fps": 25.0}],
    "poster": "poster.jpg",
    "posters": [{"path": "posters/000001000.jpg", "time_s": 1.0}, {"path": "posters/000003000.jpg", "time_s": 3.0}],
    "storyboard": "storyboard.vtt",
}


class Visitor:
    """One browser: keeps its cookies, sends the CSRF token that the pages give it."""

    def __init__(self, site: Site, client: FlaskClient) -> None:
        self.site = site
        self.client = client

    def get(self, path: str, **options: Any) -> TestResponse:
        # read to the end and closed: what sends a file holds it open until then
        return self.client.get(path, buffered=True, **options)

    def csrf_token(self) -> str:
        found = re.search(r'name="csrf[-_]token"[^>]*(?:content|value)="([^"]+)"', self.get("/login").text)
        for path in ("/", "/account"):  # the second is open to whom nothing else is
            found = found or re.search(r'name="csrf-token" content="([^"]+)"', self.get(path).text)
        assert found
        return found[1]

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form, as its page would."""
        return self.client.post(path, data={"csrf_token": self.csrf_token(), **fields})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send JSON, as a script of our pages would."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, json=body, headers={"X-CSRFToken": self.csrf_token(), **named})

    def log_in(self, email: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.post("/login", email=email, password=password, **fields)


@dataclass
class Site:
    """The application and what stands behind it."""

    app: Flask
    database: Database
    store: Store
    settings: Settings
    index: HostIndex

    def anonymous(self) -> Visitor:
        return Visitor(self, self.app.test_client())

    def add_person(self, role: str, *, email: str | None = None) -> User:
        """That role's person, made at the first call."""
        with self.database.writing() as session:
            address = email or f"{role}@hospital.example"
            return people.find_user(session, address) or people.add_user(session, address, HASHED, [role])

    def visitor(self, role: str | None, *, email: str | None = None) -> Visitor:
        """Somebody of that role, logged in; None: nobody."""
        visitor = self.anonymous()
        if role is not None:
            answer = visitor.log_in(self.add_person(role, email=email).email)
            assert answer.status_code == 302, answer.text
        return visitor

    def bearer(self, role: str) -> dict[str, str]:
        """The header by which that role's program says who it is."""
        person = self.add_person(role)
        with self.database.writing() as session:
            return {"Authorization": f"Bearer {people.make_token(session, person.email)}"}

    def add_watchable(self, *, by: User | None = None, state: str = "ready", **fields: Any) -> Entry:
        """A draft whose recording has a whole package in the store."""
        return add_entry(self.database, add_stored(self, state=state, by=by), **fields)

    def add_published(self, **fields: Any) -> Entry:
        """An entry that everyone of its audience may watch."""
        entry = self.add_watchable(**fields)
        with self.database.writing() as session:
            return publishing.publish_entry(session, session.get_one(Entry, entry.id), by=None)

    def reindex(self) -> None:
        self.index.follow()


def add_stored(site: Site, *, state: str = "ready", by: User | None = None) -> Recording:
    """A recording with a package whose objects lie in the store."""
    with site.database.reading() as session:
        number = session.query(Recording).count()
    recording = add_recording(site.database, state="processing", by=by, sha256=f"{number:064d}")
    with site.database.writing() as session:
        row = get_recording(session, recording.id)
        row.package_id = store_package(site, session, row.id).id
        move(session, row, {"ready": "finish", "awaiting_review": "hold"}[state])
        return row


def store_package(
    site: Site, session: Session, recording_id: str, *, redactions: Sequence[dict[str, Any]] = (), length_s: float = 4.0
) -> Package:
    """A whole package of that recording, its objects in the store."""
    package = begin_package(session, recording_id, redactions=redactions)
    for path, content in PACKAGE.items():
        site.store.put_bytes(f"{package.prefix}/{path}", content)
    objects = [
        {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in PACKAGE.items()
    ]
    complete_package(session, package, description=DESCRIPTION, duration_s=length_s, objects=objects)
    return package


def make_site(database: Database, store: Store | None = None, **changes: Any) -> Site:
    """The application over that database, with settings of this test's home."""
    settings = load_settings().model_copy(update=changes)
    store = store or open_store(settings.store_url)
    store.prepare(None)
    index = HostIndex(settings, database)
    app = create_app(settings, database=database, store=store, index=index)
    return Site(app, database, store, settings, index)


@contextmanager
def answering(app: Flask) -> Iterator[str]:
    """The address at which the application answers over a real socket."""
    server = make_server(app, "127.0.0.1", 0)
    thread = Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    # closed in the thread that answers: from another one its workers would find the door shut before they are done.
    # With it go the connections that a browser keeps, for which it would wait.
    # OSError: a worker that ended just now has woken that thread already, and the door is shut.
    with suppress(OSError):
        server.trigger.pull_trigger(partial(close_all, server._map, ignore_all=True))
    thread.join()


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    """A site on each of the two databases."""
    made = make_site(database)
    yield made
    made.index.close()


@pytest.fixture
def sqlite_site(sqlite_database: Database) -> Iterator[Site]:
    """A site on SQLite: for what no database can tell apart."""
    made = make_site(sqlite_database)
    yield made
    made.index.close()


def media_path(playback: Mapping[str, Any], path: str = "master.m3u8") -> str:
    """The address of one object beside the multivariant playlist, without the host."""
    base = str(playback["hls_url"]).split("/", 3)[3].rsplit("/", 1)[0]
    return f"/{base}/{path}"
