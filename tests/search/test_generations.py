"""An index deleted, cut short, altered, or whose writer is killed: an honest error or the last commit."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from search import generations
from search.documents import EntryDocument, Vocabulary
from search.errors import IndexBusy, IndexDamaged, IndexMissing
from search.index import ENGINES, open_index, rebuild
from tests.search.library import PUBLIC, ask, entry, opened

SMALL = Vocabulary([])
DOCUMENTS = [entry(f"e{n}", f"Stent case {n}", "支架病例") for n in range(20)]


def built(url: str, home: Path) -> Path:
    """An index with two commits, closed; the folder of the live one."""
    with opened(url, home, SMALL, DOCUMENTS) as index:
        index.update([entry("more", "One more stent")], [], 2)
    (folder,) = (home / "search").glob(f"{url[:-1]}-*")
    return folder


def live(folder: Path) -> Path:
    return folder / (folder / "current").read_text()


def files(folder: Path) -> list[Path]:
    return sorted(path for path in live(folder).iterdir() if path.is_file())


def search(url: str, home: Path) -> int:
    index = open_index(url, home, SMALL)
    try:
        return ask(index, "stent").total
    finally:
        index.close()


def test_no_index_is_missing_not_damaged(url, own_home):
    with pytest.raises(IndexMissing, match="reindex"):
        open_index(url, own_home, SMALL)


def test_every_file_cut_short_altered_or_deleted_is_noticed(url, own_home):
    folder = built(url, own_home)
    names = [path.name for path in files(folder) if path.stat().st_size]
    whole = own_home / "whole"
    shutil.copytree(folder, whole)

    def restored(name: str) -> Path:
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        return live(folder) / name

    assert len(names) > 3
    for name in names:
        path = restored(name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(IndexDamaged, match="reindex"):
            search(url, own_home)

        path = restored(name)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0x55
        path.write_bytes(content)
        with pytest.raises(IndexDamaged):
            search(url, own_home)

        restored(name).unlink()
        with pytest.raises(IndexDamaged):
            search(url, own_home)

    restored(names[0])
    assert search(url, own_home) == 21


@pytest.mark.parametrize("content", ["", "garbage", "00000099-00000000", "../../../x", "٠٠٠٠٠٠٠١"])
def test_a_pointer_that_points_nowhere_is_damage(url, own_home, content):
    folder = built(url, own_home)
    (folder / "current").write_text(content)

    with pytest.raises(IndexDamaged):
        search(url, own_home)


def test_an_error_tells_neither_folder_nor_title(url, own_home):
    folder = built(url, own_home)
    (live(folder) / generations.MANIFEST).write_text("{}")

    with pytest.raises(IndexDamaged) as raised:
        search(url, own_home)

    assert str(own_home) not in str(raised.value)
    assert "Stent" not in str(raised.value)


def test_a_damaged_index_is_not_written_on_but_rebuilt(url, own_home):
    folder = built(url, own_home)
    for path in files(folder):
        path.write_bytes(b"")

    with pytest.raises(IndexDamaged):
        generations.IndexFolder(folder.parent, ENGINES[url[:-1]], folder.name.rsplit("-", 1)[1]).commit([], [], 3)
    assert rebuild(url, own_home, SMALL, DOCUMENTS, 5) == 20
    assert search(url, own_home) == 20


def test_an_index_deleted_under_an_open_one_is_missing_and_can_be_rebuilt(url, own_home):
    with opened(url, own_home, SMALL, DOCUMENTS) as index:
        assert ask(index, "stent").total == 20
        shutil.rmtree(own_home / "search")
        with pytest.raises(IndexMissing):
            ask(index, "stent")
        with pytest.raises(IndexMissing):
            index.update([], [], 2)
        rebuild(url, own_home, SMALL, DOCUMENTS[:3], 9)
        assert (ask(index, "stent").total, index.sequence()) == (3, 9)


def test_a_document_that_fails_leaves_the_live_index_as_it_was(url, own_home):
    def failing() -> Iterator[EntryDocument]:
        yield from DOCUMENTS[:5]
        raise ConnectionError("the database went away")

    with opened(url, own_home, SMALL, DOCUMENTS) as index:
        with pytest.raises(ConnectionError):
            rebuild(url, own_home, SMALL, failing(), 2)
        with pytest.raises(ConnectionError):
            index.update(failing(), [], 2)
        assert (ask(index, "stent").total, index.sequence()) == (20, 1)
        index.update([], ["e0"], 3)
        assert (ask(index, "stent").total, index.sequence()) == (19, 3)


def test_a_second_writer_is_told_to_wait(url, own_home, monkeypatch):
    folder = built(url, own_home)
    monkeypatch.setattr(generations, "LOCK_WAIT_S", 0.1)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(IndexBusy, match="another process"):
            rebuild(url, own_home, SMALL, [], 3)
        assert search(url, own_home) == 21
    rebuild(url, own_home, SMALL, [], 3)
    assert search(url, own_home) == 0


def test_old_commits_and_indexes_of_old_vocabularies_do_not_pile_up(url, own_home, vocabulary, monkeypatch):
    monkeypatch.setattr(generations, "KEPT_S", 0.0)
    folder = built(url, own_home)
    index = open_index(url, own_home, SMALL)
    for number in range(5):
        index.update([], [], 3 + number)
    index.close()
    commits = [path for path in folder.iterdir() if path.is_dir()]
    assert len(commits) == 1 + generations.KEPT_BEFORE_CURRENT

    for concept in list(vocabulary.concepts.values())[:2]:
        rebuild(url, own_home, Vocabulary([concept]), [], 1)
    assert len(list((own_home / "search").glob(f"{url[:-1]}-*"))) == 2


_WRITER = """
import sys
from pathlib import Path
from search.documents import Vocabulary
from search.index import open_index
from tests.search.library import entry

index = open_index(sys.argv[1], Path(sys.argv[2]), Vocabulary([]))
print("ready", flush=True)
number = index.sequence()
while True:
    number += 1
    index.update([entry(f"k{number}", "Killed stent")], [], number)
"""


def test_a_writer_killed_at_any_moment_leaves_the_last_commit(url, own_home):
    rebuild(url, own_home, SMALL, DOCUMENTS, 20)
    last = 20
    for wait_s in (0.05, 0.1, 0.16):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, url, str(own_home)], stdout=subprocess.PIPE, cwd=Path.cwd()
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(wait_s)
            os.kill(writer.pid, signal.SIGKILL)
        index = open_index(url, own_home, SMALL)
        # Every commit adds one entry and one to the sequence: both, or neither.
        assert ask(index, "stent").total == index.sequence() >= last
        last = index.sequence()
        index.update([entry(f"k{last + 1}", "Stent after the kill")], [], last + 1)
        assert ask(index, "stent", audiences=PUBLIC).total == last + 1
        index.close()
