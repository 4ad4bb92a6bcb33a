"""200 MB by tuspy while the server is killed twenty times: every byte right, at most one piece sent again each time.

On a folder and on a real S3 server, where no file lies on the web host at any time.
"""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from config.settings import load_settings
from ingest.arrivals import settle_next
from ingest.garbage import collect_garbage
from ingest.workshop import Workshop
from tests.browser.conftest import free_port
from tests.killed_uploads import digest_of_chunks, forked_service, upload_under_fire
from tests.samples import make_recording
from tests.servers import s3_url
from videolib.catalogue.people import add_user, make_token
from videolib.catalogue.recordings import list_recordings
from videolib.children import S3Server
from videolib.db import Database
from videolib.storage import open_store

MIB = 1024 * 1024
LENGTH, PIECE, KILLS = 200 * MIB + 77, 6 * MIB, 20

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a second, and after it a box of bytes that no player reads."""
    path = make_recording(tmp_path_factory.mktemp("large") / "large.mp4", seconds=1)
    rest = LENGTH - path.stat().st_size
    with path.open("ab") as file:
        file.write(rest.to_bytes(4, "big") + b"free" + random.Random(1).randbytes(rest - 8))
    return path


class LargestFile:
    """The largest file that lay in a folder at any time, the database and logs apart."""

    def __init__(self, folder: Path) -> None:
        self.bytes = 0
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> LargestFile:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            for root, _folders, names in os.walk(self._folder):
                for name in names:
                    if not name.startswith("videolib.db"):
                        try:
                            self.bytes = max(self.bytes, (Path(root) / name).stat().st_size)
                        except FileNotFoundError:
                            continue


@pytest.mark.parametrize("kind", ["directory", "s3"])
def test_no_byte_is_lost_when_the_server_is_killed_twenty_times(
    kind: str,
    large: Path,
    sqlite_database: Database,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if kind == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
        monkeypatch.setenv("VIDEOLIB_STORE_URL", s3_url(server))
    settings = load_settings()
    store, originals = open_store(settings.store_url), open_store(settings.originals_url)
    store.prepare()
    originals.prepare()
    with sqlite_database.writing() as session:
        token = make_token(session, add_user(session, "editor@hospital.example", None, ["editor"]).email)

    with (
        LargestFile(settings.home) as found,
        forked_service(dict(os.environ), free_port(), tmp_path) as service,
        large.open("rb") as source,
    ):
        outcome = upload_under_fire(service, source, token, name="large.mp4", piece=PIECE, kills=KILLS)
    workshop = Workshop(settings, sqlite_database, store, originals)
    assert settle_next(workshop)

    with sqlite_database.reading() as session:
        (recording,) = list_recordings(session)
    with large.open("rb") as source:
        expected = digest_of_chunks(iter(lambda: source.read(MIB), b""))
    assert recording.sha256 == expected
    assert digest_of_chunks(originals.open_range(recording.original_key)) == expected
    assert outcome.kills == KILLS
    assert outcome.pieces_sent <= -(-LENGTH // PIECE) + KILLS
    if kind == "s3":
        assert found.bytes < MIB, "a copy of what arrives lay on the web host"
    assert [finding.kind for finding in collect_garbage(workshop, grace_s=-3600, dry_run=True)] == []
    assert originals.sweep(older_than_s=-3600, growing=()) == 0
