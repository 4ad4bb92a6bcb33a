"""A file's name is a patient's: 张三_TACE.mp4 is uploaded, made, screened and refused again, and stands nowhere else.

Looked through: every line that is logged, every page and call as every role, `status` and `audit list`, all of the
database but the two columns that hold names, and every stored object but the master.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ingest.arrivals import settle_next
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.samples import make_recording
from tests.visitors import Site, make_site
from tests.whole.crawling import Library, addresses, routes
from videolib.catalogue import people
from videolib.catalogue.entries import Entry, find_entry_of
from videolib.catalogue.jobs import Job
from videolib.catalogue.recordings import Recording
from videolib.db import Database
from videolib.storage import open_store
from videolib.tables import metadata

NAME = "张三_TACE.mp4"
# as it is, in an address, in JSON, in a database of another encoding, and in a header
SPELLED = ("张三", "%E5%BC%A0%E4%B8%89", "\\u5f20\\u4e09", base64.b64encode(NAME.encode()).decode())
# shown to its uploader, and to reviewers
HOLDS_NAMES = {("recordings", "source_name"), ("uploads", "name"), ("uploads", "told")}
PATIENCE_S = 240


def names_in(text: str) -> list[str]:
    return [one for one in SPELLED if one.lower() in text.lower()]


def upload(site: Site, content: bytes) -> str:
    """Send it as the page does; gives the upload's address."""
    with site.database.writing() as session:
        token = people.make_token(session, "uploader@hospital.example")
    sent = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    told = f"filename {base64.b64encode(NAME.encode()).decode()}"
    client = site.app.test_client()
    begun = client.post(
        "/api/v1/uploads", headers={**sent, "Upload-Length": str(len(content)), "Upload-Metadata": told}
    )
    assert begun.status_code == 201, begun.text
    path = "/" + begun.headers["Location"].split("/", 3)[3]
    piece = {**sent, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert client.patch(path, data=content, headers=piece).status_code == 204
    return path


def work(workshop: Workshop) -> None:
    """Take the upload in and work until no job is open."""
    assert settle_next(workshop)
    end = time.monotonic() + PATIENCE_S

    def is_done() -> bool:
        with workshop.database.reading() as session:
            left = session.query(Job).filter(Job.state.in_(("queued", "running"))).count()
        return left == 0 or time.monotonic() > end

    run_worker(workshop, index=None, stop=is_done)
    assert time.monotonic() < end


def told_by(*command: str) -> str:
    """What a command of the program prints, and logs, in this library."""
    environment = {**os.environ, "VIDEOLIB_LOG_LEVEL": "DEBUG"}
    done = subprocess.run(
        [sys.executable, "-m", "videolib", *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Everything that is logged, at every level."""
    written: list[str] = []

    def keep(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        written.append(repr(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep], cache_logger_on_first_use=False)
    yield written
    structlog.configure(**before)


def test_its_uploader_alone_is_shown_a_files_name_and_nothing_else_holds_it(
    sqlite_database: Database, tmp_path: Path, lines: list[str]
) -> None:
    site = make_site(sqlite_database)
    workshop = Workshop(site.settings, sqlite_database, site.store, open_store(site.settings.originals_url))
    uploader = site.add_person("editor", email="uploader@hospital.example")
    content = make_recording(tmp_path / "in.mp4", seconds=4, size="320x240", audio=False).read_bytes()

    first = upload(site, content)
    work(workshop)
    again = upload(site, content)
    work(workshop)

    with sqlite_database.reading() as session:
        recording = session.query(Recording).one()
        entry = find_entry_of(session, recording.id)
        assert entry is not None
        assert recording.state == "awaiting_review"
        held = session.get_one(Entry, entry.id)
        session.expunge_all()
    ids = {
        "entry_id": (entry.id,),
        "recording_id": (recording.id,),
        "upload_id": tuple(path.rpartition("/")[2] for path in (first, again)),
        "scheme_id": ("procedure",),
        "term_id": ("proc.stent_sfa",),
        "citation": (f"VL-{entry.code}.1",),
        "number": ("1",),
        "lang": ("en",),
    }
    library = Library(site, {"held": held}, ids)

    # its uploader finds the file by its name
    own = site.visitor("editor", email=uploader.email)
    assert NAME in own.get("/studio").text
    assert json.loads(own.get(first).text)["name"] == NAME
    for role in (None, "trainee", "instructor", "editor", "admin"):
        visitor = site.visitor(role)
        for rule in routes(library):
            for path in addresses(library, rule):
                answer = visitor.get(path)
                told = answer.text + str(answer.headers)
                assert not names_in(told), (role, path)

    assert lines, "the work says nothing at all?"
    assert [line for line in lines if names_in(line)] == []
    assert not names_in(told_by("status", "--json") + told_by("status", recording.id) + told_by("audit", "list"))
    with sqlite_database.engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()).mappings():
                for column, value in row.items():
                    if (table.name, column) not in HOLDS_NAMES:
                        assert not names_in(str(value)), (table.name, column)
    for item in site.store.list(""):
        assert not names_in(item.key)
        assert item.key.startswith("originals/") or NAME.encode() not in site.store.get_bytes(item.key), item.key
