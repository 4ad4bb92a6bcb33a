"""What only the store in a folder does: links, syncs, folders, and its answers to a disk that refuses."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.servers import until
from videolib.errors import Conflict, ObjectMissing, Unavailable
from videolib.storage import DirectoryStore

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024

PUT = """
import sys
from pathlib import Path
from videolib.storage import DirectoryStore
DirectoryStore(Path(sys.argv[1])).put_file("a/object", Path(sys.argv[2]))
"""


def keys_in(store: DirectoryStore) -> list[str]:
    return [found.key for found in store.list("")]


def test_a_process_killed_in_mid_put_leaves_no_object(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.prepare()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # the put stays in its middle as long as nobody writes the rest
    child = subprocess.Popen([sys.executable, "-c", PUT, str(tmp_path / "store"), str(pipe)], cwd=ROOT)
    with pipe.open("wb", buffering=0) as rest:
        rest.write(random.randbytes(MIB))
        until(lambda: any(path.stat().st_size for path in (tmp_path / "store/.incoming").glob("*.part")))

        child.kill()
        assert child.wait() == -signal.SIGKILL

    assert not store.exists("a/object")
    assert keys_in(store) == []
    assert store.sweep() == 0, "what is young may still be written"
    assert store.sweep(older_than_s=0) == 1
    assert list((tmp_path / "store/.incoming").iterdir()) == []
    store.put_bytes("a/object", b"another try")
    assert store.get_bytes("a/object") == b"another try"


def test_objects_are_plain_files_that_the_service_may_send(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")

    store.put_bytes("packages/a/master.m3u8", b"#EXTM3U\n")

    path = store.local_path("packages/a/master.m3u8")
    assert path == tmp_path / "store/packages/a/master.m3u8"
    assert path.read_bytes() == b"#EXTM3U\n"
    assert store.presigned_get("packages/a/master.m3u8") is None
    with pytest.raises(ObjectMissing):
        store.local_path("packages/a")


def test_an_object_and_a_folder_cannot_share_a_name(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put_bytes("a/b", b"x")

    for key in ("a", "a/b/c", "a/b/c/d"):
        with pytest.raises(Conflict):
            store.put_bytes(key, b"y")

    assert keys_in(store) == ["a/b"]
    assert list((tmp_path / "store/.incoming").iterdir()) == []


def test_folders_left_empty_are_removed(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put_bytes("packages/a/video/1.m4s", b"x")
    store.put_bytes("packages/b/video/1.m4s", b"x")

    store.delete(["packages/a/video/1.m4s"])

    assert sorted(path.name for path in (tmp_path / "store/packages").iterdir()) == ["b"]


def test_puts_and_deletes_in_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    store, errors = DirectoryStore(tmp_path / "store"), list[BaseException]()

    def put_and_delete(number: int) -> None:
        try:
            for turn in range(30):
                store.put_bytes(f"a/b/{number}-{turn}", b"x")
                store.delete([f"a/b/{number}-{turn}"])
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=put_and_delete, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert keys_in(store) == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def link(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    store = DirectoryStore(tmp_path / "store")

    store.put_bytes("a/object", b"x")
    store.put_bytes("a/object", b"x")
    with pytest.raises(Conflict):
        store.put_bytes("a/object", b"y")

    assert store.get_bytes("a/object") == b"x"
    assert store.check()[0].ok


def test_a_full_disk_is_said_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = DirectoryStore(tmp_path / "store")
    store.prepare()
    monkeypatch.setattr(os, "fsync", fsync)

    with pytest.raises(Unavailable) as caught:
        store.put_bytes("a/object", b"x")

    assert caught.value.code == "no_space"
    assert str(tmp_path) not in str(caught.value)
    assert list((tmp_path / "store/.incoming").iterdir()) == []
    assert not store.exists("a/object")
    wrong = [line for line in store.check() if not line.ok]
    assert [line.check for line in wrong] == ["write", "range read"]
    assert all(line.fix for line in wrong)


def test_a_missing_source_is_no_fault_of_the_store(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")

    with pytest.raises(FileNotFoundError):
        store.put_file("a/object", tmp_path / "nothing")
