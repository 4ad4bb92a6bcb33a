"""Sources of an S3 store on a host, the places of a host, and room on its disk."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from config.settings import Settings
from ingest.budget import encodes_for, place
from ingest.errors import Cancelled, IngestError
from ingest.room import require_room
from ingest.sources import SourceCache
from tests.servers import new_s3_store
from videolib.children import S3Server
from videolib.errors import Unavailable
from videolib.storage import DirectoryStore, open_store


@pytest.mark.parametrize(
    ("cores", "memory_gib", "encodes"), [(1, 2, 1), (2, 8, 1), (8, 32, 2), (32, 64, 8), (32, 6, 3), (0.5, 1, 1)]
)
def test_a_host_encodes_as_much_as_its_cores_and_memory_allow(cores: float, memory_gib: float, encodes: int) -> None:
    assert encodes_for(cores, memory_gib) == encodes


def test_places_are_shared_by_all_workers_of_a_host_and_free_again_at_the_end(tmp_path: Path) -> None:
    with place(tmp_path, "long", 2) as first, place(tmp_path, "long", 2) as second, place(tmp_path, "long", 2) as third:
        assert (first, second, third) == (True, True, False)
        with place(tmp_path, "quick", 1) as other:
            assert other
    with place(tmp_path, "long", 2) as again:
        assert again


def test_a_disk_without_room_is_said_with_numbers(settings: Settings, tmp_path: Path) -> None:
    require_room(settings, tmp_path, 1)
    with pytest.raises(Unavailable, match=r"needed, .* are free") as refusal:
        require_room(settings, tmp_path, 1e18)
    assert refusal.value.code == "no_space"


def opened(cache: SourceCache, key: str) -> bytes:
    with cache.opened(key, on_progress=lambda _: None, cancelled=lambda: False) as path:
        return path.read_bytes()


def test_a_source_in_a_folder_is_read_where_it_lies(settings: Settings, tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "originals")
    store.put_bytes("a", b"movie")

    assert opened(SourceCache(settings, store), "a") == b"movie"
    assert not (settings.home / "sources").exists()


def test_a_source_in_a_bucket_is_fetched_once_a_host_and_the_oldest_goes_first(
    settings: Settings, s3_server: S3Server
) -> None:
    store = new_s3_store(s3_server)
    for key in "abc":
        store.put_bytes(key, key.encode() * 1000)
    small = settings.model_copy(update={"source_cache_gib": 2500 / 2**30, "reserve_gib": 0.0})
    cache = SourceCache(small, store)
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(opened(cache, "a"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"a" * 1000] * 4
    store.delete(["a"])
    assert opened(cache, "a") == b"a" * 1000, "it was fetched again"

    opened(cache, "b")
    with cache.opened("a", on_progress=lambda _: None, cancelled=lambda: False):
        opened(cache, "c")

    kept = [path for path in (settings.home / "sources").iterdir() if not path.suffix]
    assert sum(path.stat().st_size for path in kept) <= 2500
    assert opened(cache, "a") == b"a" * 1000, "what was being read went"
    with pytest.raises(IngestError, match="not in the store"):
        opened(cache, "nothing")


def test_a_fetch_stops_when_it_is_told_to_and_leaves_nothing(settings: Settings, s3_server: S3Server) -> None:
    store = new_s3_store(s3_server)
    store.put_bytes("a", b"x" * 5_000_000)
    cache = SourceCache(settings.model_copy(update={"reserve_gib": 0.0}), store)

    with pytest.raises(Cancelled), cache.opened("a", on_progress=lambda _: None, cancelled=lambda: True):
        pass

    assert [path.name for path in (settings.home / "sources").iterdir() if path.suffix != ".lock"] == []


def test_what_a_killed_fetch_left_goes(settings: Settings, tmp_path: Path) -> None:
    left = settings.home / "sources" / f"{'0' * 32}.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of it")

    SourceCache(settings, open_store(f"file:{tmp_path / 'originals'}")).evict()

    assert not left.exists()


def test_parts_that_come_short_are_tried_again_and_not_taken_for_holes(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DirectoryStore(tmp_path / "originals")
    store.put_bytes("a", b"movie" * 100)
    cache, never = SourceCache(settings, store), lambda: False

    cache.fetch_parts("a", tmp_path / "part", [(5, 10), (490, 600)], cancelled=never)

    assert (tmp_path / "part").read_bytes() == bytes(5) + b"movie" + bytes(480) + b"movie" * 2
    whole = DirectoryStore.open_range
    monkeypatch.setattr(DirectoryStore, "open_range", lambda its, key, start, size: whole(its, key, start, size - 2))
    with pytest.raises(Unavailable, match="broke off"):
        cache.fetch_parts("a", tmp_path / "part", [(5, 10)], cancelled=never)
