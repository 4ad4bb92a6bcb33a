"""One test class over every store: a real folder, and a real S3 server in path and in virtual-host style."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import new_s3_store
from videolib.errors import Conflict, InvalidInput, ObjectMissing
from videolib.storage import S3Store, Store, StoredObject, open_store
from videolib.storage.protocol import CHUNK_BYTES

ORIGIN = "http://library.example:8000"
MIB = 1024 * 1024
ROOT = Path(__file__).resolve().parents[2]
HOSTILE_KEYS = [
    *("", "/", "/a", "a/", "a//b", "..", "a/../b", "../a", ".", "a/./b", ".incoming/x", "a/.b"),
    *("a\0b", "a b", "a\nb", "a\n", "a\\b", "a?b", "é", "手术", "a" * 201, "a/" * 500 + "a"),
]


@pytest.fixture(scope="module", params=["directory", "s3-path", "s3-virtual"])
def kept_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    if request.param == "directory":
        store = open_store(f"file:{tmp_path_factory.mktemp('library') / 'store'}")
        store.prepare()
        return store
    if request.param == "s3-virtual":
        request.getfixturevalue("localhost_names")
        return new_s3_store(request.getfixturevalue("s3_server"), style="virtual", origin=ORIGIN)
    return new_s3_store(request.getfixturevalue("s3_server"), origin=ORIGIN)


@pytest.fixture
def store(kept_store: Store) -> Iterator[Store]:
    """Each kind of store in turn, empty."""
    yield kept_store
    kept_store.delete([found.key for found in kept_store.list("")])
    kept_store.sweep(older_than_s=-60)


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def keys_in(store: Store, prefix: str = "") -> list[str]:
    return [found.key for found in store.list(prefix)]


class TestEveryStore:
    def test_what_is_put_is_read_back(self, store: Store, tmp_path: Path) -> None:
        source = tmp_path / "-手术 录像.m4s"
        source.write_bytes(content_of(3 * MIB + 7))

        put = store.put_file("packages/a1/video/720p/0001.m4s", source)
        small = store.put_bytes("packages/a1/master.m3u8", b"#EXTM3U\n")

        assert (put.key, put.size) == ("packages/a1/video/720p/0001.m4s", 3 * MIB + 7)
        assert store.get_bytes(put.key) == source.read_bytes()
        assert store.get_bytes(small.key) == b"#EXTM3U\n"
        assert store.stat(put.key) == put
        assert store.stat(small.key) == small
        assert source.exists()

    def test_an_empty_object_is_an_object(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()

        store.put_bytes("empty/bytes", b"")
        store.put_file("empty/file", tmp_path / "empty")

        assert [store.get_bytes(key) for key in ("empty/bytes", "empty/file")] == [b"", b""]
        assert store.stat("empty/bytes").size == 0
        assert list(store.open_range("empty/bytes", 0, 10)) == []

    def test_an_object_is_never_overwritten(self, store: Store, tmp_path: Path) -> None:
        first = store.put_bytes("a/object", b"first")
        (tmp_path / "file").write_bytes(b"other")

        for put in (
            lambda: store.put_bytes("a/object", b"other"),
            lambda: store.put_bytes("a/object", b"firs"),
            lambda: store.put_bytes("a/object", b"first and more"),
            lambda: store.put_bytes("a/object", b""),
            lambda: store.put_file("a/object", tmp_path / "file"),
        ):
            with pytest.raises(Conflict):
                put()

        assert store.get_bytes("a/object") == b"first"
        assert store.stat("a/object") == first

    def test_putting_the_same_again_does_nothing(self, store: Store, tmp_path: Path) -> None:
        content = content_of(2 * CHUNK_BYTES + 3)
        (tmp_path / "file").write_bytes(content)

        first = store.put_bytes("a/object", content)

        assert store.put_bytes("a/object", content) == first
        assert store.put_file("a/object", tmp_path / "file") == first

    @pytest.mark.parametrize("wrong_at", [0, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 2])
    def test_one_other_byte_is_other_content(self, store: Store, wrong_at: int) -> None:
        content = bytearray(content_of(2 * CHUNK_BYTES + 3))
        store.put_bytes("a/object", bytes(content))

        content[wrong_at] ^= 1

        with pytest.raises(Conflict):
            store.put_bytes("a/object", bytes(content))

    def test_many_puts_of_one_content_at_once_agree(self, store: Store) -> None:
        content, answers = content_of(200_000), list[object]()

        def put() -> None:
            answers.append(store.put_bytes("a/b/c/object", content))

        threads = [threading.Thread(target=put) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [answer.size for answer in answers if isinstance(answer, StoredObject)] == [200_000] * 6
        assert store.get_bytes("a/b/c/object") == content

    @pytest.mark.parametrize(
        ("start", "length", "expected"),
        [
            (0, None, slice(0, None)),
            (0, 1, slice(0, 1)),
            (5, 10, slice(5, 15)),
            (999, 1, slice(999, 1000)),
            (990, 100, slice(990, 1000)),  # ends beyond the end
            (990, None, slice(990, 1000)),
            (1000, None, slice(0, 0)),  # begins at the end
            (1000, 5, slice(0, 0)),
            (5000, 5, slice(0, 0)),  # begins beyond the end
            (10, 0, slice(0, 0)),
        ],
    )
    def test_a_range_is_what_there_is_of_it(
        self, store: Store, start: int, length: int | None, expected: slice
    ) -> None:
        content = content_of(1000)
        store.put_bytes("range/object", content)

        assert b"".join(store.open_range("range/object", start, length)) == content[expected]

    @pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1)])
    def test_a_range_before_the_beginning_is_refused(self, store: Store, start: int, length: int) -> None:
        store.put_bytes("range/object", b"0123456789")

        with pytest.raises(InvalidInput):
            store.open_range("range/object", start, length)

    def test_a_long_range_comes_in_chunks(self, store: Store) -> None:
        content = content_of(3 * CHUNK_BYTES)
        store.put_bytes("long/object", content)

        chunks = list(store.open_range("long/object", 1, 2 * CHUNK_BYTES + 1))

        assert b"".join(chunks) == content[1 : 2 * CHUNK_BYTES + 2]
        assert max(map(len, chunks)) <= CHUNK_BYTES

    def test_a_reader_may_leave_early(self, store: Store) -> None:
        store.put_bytes("long/object", content_of(3 * CHUNK_BYTES))

        for _ in range(40):  # more than there are connections in the pool
            with store.open_range("long/object") as chunks:
                next(chunks)
            store.open_range("long/object")  # never read: no warning of an open file or socket either

        assert store.get_bytes("long/object") == content_of(3 * CHUNK_BYTES)

    def test_what_is_missing_is_an_error_of_ours_at_once(self, store: Store, tmp_path: Path) -> None:
        store.put_bytes("there/object", b"x")

        for key in ("nowhere", "there", "there/object/below", "there/other"):
            assert not store.exists(key)
            for ask in (
                store.stat,
                store.get_bytes,
                store.open_range,
                lambda key: store.open_range(key, 5, 0),
                lambda key: store.fetch_to(key, tmp_path / "file"),
            ):
                with pytest.raises(ObjectMissing) as caught:
                    ask(key)
                assert key not in str(caught.value)
        assert list(tmp_path.glob("*")) == []
        assert store.exists("there/object")

    def test_a_fetched_file_is_whole(self, store: Store, tmp_path: Path) -> None:
        content = content_of(2 * MIB + 1)
        store.put_bytes("originals/object", content)
        (tmp_path / "file").write_bytes(b"older")

        store.fetch_to("originals/object", tmp_path / "file")

        assert (tmp_path / "file").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["file"]

    def test_a_list_has_each_object_of_the_prefix_once(self, store: Store) -> None:
        keys = sorted(["a-b", "a.b", "a/0", "a/b/c", "a/b0", "a0", "ab/c", "b"])
        for key in reversed(keys):
            store.put_bytes(key, key.encode())

        assert sorted(keys_in(store)) == keys
        assert sorted(keys_in(store, "a/")) == ["a/0", "a/b/c", "a/b0"]
        assert sorted(keys_in(store, "a/b")) == ["a/b/c", "a/b0"]
        assert sorted(keys_in(store, "a")) == keys[:-1]
        assert keys_in(store, "a/b/c") == ["a/b/c"]
        assert keys_in(store, "c/") == keys_in(store, "a/b/c/d") == []
        assert {found.key: found.size for found in store.list("ab")} == {"ab/c": 4}
        assert list(store.list("b")) == [store.stat("b")]

    def test_a_delete_removes_what_it_is_told_and_minds_nothing_missing(self, store: Store) -> None:
        for key in ("a/b/1", "a/b/2", "a/c/3"):
            store.put_bytes(key, b"x")

        store.delete(iter(["a/b/1", "a/b/2", "a/b/9", "never/there", "a"]))
        store.delete([])

        assert keys_in(store) == ["a/c/3"]
        store.put_bytes("a/b", b"a folder that was left empty is no obstacle")

    @pytest.mark.parametrize("key", HOSTILE_KEYS)
    def test_a_hostile_key_is_refused_everywhere(self, store: Store, key: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"x")

        for ask in (
            lambda: store.put_bytes(key, b"x"),
            lambda: store.put_file(key, tmp_path / "file"),
            lambda: store.get_bytes(key),
            lambda: store.open_range(key),
            lambda: store.fetch_to(key, tmp_path / "copy"),
            lambda: store.stat(key),
            lambda: store.exists(key),
            lambda: store.delete([key]),
            lambda: store.presigned_get(key),
            lambda: store.local_path(key),
        ):
            with pytest.raises(InvalidInput):
                ask()
        assert keys_in(store) == []

    @pytest.mark.parametrize("prefix", ["../", "/", "a//", "a/../", "a/..", ".incoming/", "a*", "手"])
    def test_a_hostile_prefix_is_refused(self, store: Store, prefix: str) -> None:
        with pytest.raises(InvalidInput):
            list(store.list(prefix))

    def test_the_longest_key_is_kept(self, store: Store) -> None:
        key = "/".join(["k" * 200] * 4)

        store.put_bytes(key, b"x")

        assert keys_in(store) == [key]

    def test_preparing_again_changes_nothing(self, store: Store) -> None:
        store.put_bytes("a/object", b"x")

        store.prepare(ORIGIN)
        store.prepare()

        assert store.get_bytes("a/object") == b"x"

    def test_doctor_finds_nothing_wrong_and_leaves_nothing(self, store: Store) -> None:
        found = store.check(ORIGIN)

        assert [line for line in found if not line.ok] == []
        assert {line.check for line in found} >= {"write", "range read"}
        assert all(line.message.endswith(".") and line.fix is None for line in found)
        assert keys_in(store) == []


class TestAddresses:
    @pytest.mark.parametrize("url", ["file:/srv/录像 1", "file:///srv/录像 1"])
    def test_a_folder(self, url: str) -> None:
        assert repr(open_store(url)) == "DirectoryStore('/srv/录像 1')"

    @pytest.mark.parametrize(
        ("url", "bucket", "prefix", "style"),
        [
            ("s3://videos", "videos", "", "virtual"),
            ("s3://videos/", "videos", "", "virtual"),
            ("s3://videos/a/b/?region=cn-north-1", "videos", "a/b/", "virtual"),
            ("s3://videos/a?endpoint=http://127.0.0.1:9000", "videos", "a/", "path"),
            ("s3://videos/a?endpoint=https://s3.example/&style=virtual", "videos", "a/", "virtual"),
        ],
    )
    def test_a_bucket(self, url: str, bucket: str, prefix: str, style: str) -> None:
        store = open_store(url)

        assert isinstance(store, S3Store)
        assert repr(store) == f"S3Store({bucket!r}, {prefix!r})"
        assert store._address.style == style

    @pytest.mark.parametrize(
        "url",
        [
            *("", "videos", "http://videos", "file:relative", "file:", "file://host/folder", "s3:", "s3:///prefix"),
            *("s3://UPPER", "s3://ab", "s3://a..b", "s3://videos/../etc", "s3://videos/a b", "s3://videos?endpoint"),
            *("s3://videos?style=odd", "s3://videos?zone=1", "s3://videos?region=a&region=b", "s3://[videos"),
            *("s3://videos?endpoint=ftp://a", "s3://videos?endpoint=http://a:port", "s3://videos?endpoint=http://a/b"),
            *("s3://key:hush-hush@videos", "s3://videos?endpoint=http://key:hush-hush@host"),
        ],
    )
    def test_a_wrong_address_is_refused_with_a_sentence_that_keeps_its_secrets(self, url: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            open_store(url)

        assert str(caught.value).startswith("The address of the store is wrong: ")
        assert "hush" not in str(caught.value)

    def test_boto3_is_loaded_only_when_a_bucket_is_used(self) -> None:
        program = (
            "import sys; from videolib.storage import open_store; open_store('s3://videos'); "
            "open_store('file:/srv').exists('a'); print([name for name in sys.modules if name.startswith('boto')])"
        )

        printed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

        assert printed.stdout.strip() == "[]"
