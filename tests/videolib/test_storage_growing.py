"""Objects that arrive in pieces, on every store: durable piece by piece, repeatable, and never two into one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.servers import new_s3_store
from videolib.errors import Conflict, ObjectMissing
from videolib.storage import GrowingStore, Growth, Part, open_store

MIB = 1024 * 1024
KEY = "0" * 32
CONTENT = random.Random(5).randbytes(13 * MIB + 5)


@pytest.fixture(scope="module", params=["directory", "s3"])
def kept_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GrowingStore:
    if request.param == "directory":
        store = open_store(f"file:{tmp_path_factory.mktemp('library') / 'store'}")
        store.prepare()
        return store
    return new_s3_store(request.getfixturevalue("s3_server"))


@pytest.fixture
def store(kept_store: GrowingStore) -> Iterator[GrowingStore]:
    """Each kind of store in turn, empty."""
    yield kept_store
    kept_store.delete([found.key for found in kept_store.list("")])
    kept_store.sweep(older_than_s=-60, growing=())


def grow(store: GrowingStore, growth: Growth, content: bytes, parts: list[Part]) -> Growth:
    """One piece, as whoever keeps the growth does it."""
    if store.makes_part(growth, len(content)):
        growth = replace(growth, part=growth.part + 1)
    with store.held(growth):
        growth, part = store.grow(KEY, growth, content)
    parts += [part] if part else []
    return growth


def send(store: GrowingStore, piece: int, content: bytes = CONTENT) -> tuple[Growth, list[Part]]:
    growth, parts = store.begin(KEY, len(content)), list[Part]()
    for at in range(0, len(content), piece):
        growth = grow(store, growth, content[at : at + piece], parts)
    return growth, parts


@pytest.mark.parametrize("piece", [16 * MIB, 6 * MIB, 3 * MIB, MIB])
def test_pieces_of_any_size_become_the_object_and_leave_nothing_else(store: GrowingStore, piece: int) -> None:
    growth, parts = send(store, piece)
    assert not store.exists(KEY), "nobody reads half of it"

    finished = [store.finish(KEY, growth, parts) for _again in range(2)]

    assert {found.size for found in finished} == {len(CONTENT)}
    assert store.get_bytes(KEY) == CONTENT
    assert [found.key for found in store.list("")] == [KEY]
    assert store.sweep(older_than_s=-60, growing=()) == 0


def test_a_piece_that_was_kept_but_not_written_down_is_sent_again(store: GrowingStore) -> None:
    growth, parts = store.begin(KEY, len(CONTENT)), list[Part]()
    growth = grow(store, growth, CONTENT[: 6 * MIB], parts)
    grow(store, growth, CONTENT[6 * MIB : 12 * MIB], [])  # its process died before it could say so
    tried = replace(growth, part=growth.part + (1 if parts else 0))

    growth = grow(store, tried, CONTENT[6 * MIB : 7 * MIB], parts)
    growth = grow(store, growth, CONTENT[7 * MIB :], parts)
    store.finish(KEY, growth, parts)

    assert store.get_bytes(KEY) == CONTENT


def test_what_is_given_up_is_gone_and_cannot_be_gone_on_with(store: GrowingStore) -> None:
    growth, parts = store.begin(KEY, len(CONTENT)), list[Part]()
    growth = grow(store, growth, CONTENT[: 6 * MIB], parts)
    growth = grow(store, growth, CONTENT[6 * MIB : 7 * MIB], parts)

    for _again in range(2):
        store.give_up(KEY, growth)

    assert list(store.list("")) == []
    with pytest.raises(ObjectMissing):
        grow(store, growth, CONTENT[7 * MIB :], parts)
    with pytest.raises(ObjectMissing):
        store.finish(KEY, growth, parts)


def test_sweeping_leaves_alone_what_somebody_goes_on_with(store: GrowingStore) -> None:
    kept, parts = store.begin(KEY, len(CONTENT)), list[Part]()
    store.begin("1" * 32, 7)

    assert store.sweep(older_than_s=-60, growing={kept.token}) == 1

    growth = grow(store, kept, CONTENT, parts)
    store.finish(KEY, growth, parts)
    assert store.get_bytes(KEY) == CONTENT


def test_two_at_once_are_kept_apart_by_the_file_and_preparing_removes_nothing(tmp_path: Path) -> None:
    store = open_store(f"file:{tmp_path / 'store'}")
    growth = store.begin(KEY, 4)
    growth, _none = store.grow(KEY, growth, b"ab")

    with store.held(growth), pytest.raises(Conflict, match="Another request"), store.held(growth):
        pass
    store.prepare()

    growth, _none = store.grow(KEY, growth, b"cd")
    store.finish(KEY, growth, [])
    assert store.get_bytes(KEY) == b"abcd"
