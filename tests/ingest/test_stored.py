"""Nothing is shown of which the store holds something else than what was put there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from config.settings import load_settings
from ingest.errors import ToolFailed
from ingest.stored import SMALL_BYTES, require_stored
from tests.servers import new_s3_store
from videolib.children import S3Server
from videolib.storage import DirectoryStore, Store

SMALL, LARGE = b"#EXTM3U\n" * 9, b"x" * (SMALL_BYTES + 1)


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, own_home: Path) -> Store:
    if request.param == "directory":
        opened: Store = DirectoryStore(own_home / "store")
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        opened = new_s3_store(server)
    opened.prepare(None)
    return opened


def put(store: Store, path: str, content: bytes) -> dict[str, Any]:
    store.put_bytes(f"packages/p/{path}", content)
    return {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_what_lies_there_as_it_was_put_is_good(store: Store) -> None:
    told: list[float] = []

    require_stored(store, "packages/p", [put(store, "a.m3u8", SMALL), put(store, "b.m4s", LARGE)], told.append)

    assert told == [0.5, 1.0]


@pytest.mark.parametrize("other", [SMALL[:-1], SMALL.swapcase(), None], ids=["shorter", "altered", "missing"])
def test_what_is_gone_or_altered_is_found(store: Store, other: bytes | None) -> None:
    item = put(store, "a.m3u8", SMALL)
    store.delete(["packages/p/a.m3u8"])
    if other is not None:
        store.put_bytes("packages/p/a.m3u8", other)

    with pytest.raises(ToolFailed) as caught:
        require_stored(store, "packages/p", [item])
    assert "a.m3u8 is not in the store" in caught.value.stderr_tail


def test_a_folder_is_read_again_whatever_the_size(own_home: Path) -> None:
    store = DirectoryStore(Path(load_settings().home) / "store")
    item = put(store, "b.m4s", LARGE)
    stored = store.local_path("packages/p/b.m4s")
    assert stored is not None
    stored.chmod(0o600)
    stored.write_bytes(LARGE[:-1] + b"y")

    with pytest.raises(ToolFailed):
        require_stored(store, "packages/p", [item])
