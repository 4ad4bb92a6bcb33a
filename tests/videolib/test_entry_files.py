"""One entry carried to another library: whole, checked, and seen by nobody until all of it is there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from config.settings import load_settings
from ingest.garbage import collect_garbage
from ingest.reconcile import reconcile
from ingest.workshop import Workshop
from tests.libraries import add_person
from tests.narrations import add_made_narration
from tests.visitors import PACKAGE, Site
from videolib.catalogue import captions
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotations, list_annotations
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.documents import document_of
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_files import HEAD, read_entry, write_entry
from videolib.catalogue.jobs import start_work
from videolib.catalogue.media_time import to_ticks
from videolib.catalogue.packages import Package, list_objects
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.second_sources import SecondSource, set_second
from videolib.catalogue.term_changes import propose_term
from videolib.catalogue.vocabulary import Term, get_scheme
from videolib.db import Database
from videolib.errors import Conflict, InvalidInput
from videolib.storage import Store, open_store

VTT = "WEBVTT\n\n00:00.500 --> 00:02.000\n支架 &amp; &lt;释放&gt;\n"


@pytest.fixture
def file(sqlite_site: Site, tmp_path: Path) -> Path:
    """A described entry with captions and a term of its library's own, in a file."""
    admin = add_person(sqlite_site.database, "admin", email="boss@hospital.example")
    with sqlite_site.database.writing() as session:
        labels = {"zh": "本院术式", "en": "Our own procedure"}
        made = propose_term(session, get_scheme(session, "procedure"), {"labels": labels}, by=admin)
    entry = sqlite_site.add_watchable(procedures=["proc.stent_sfa", made.id], keywords=["教学"])
    with sqlite_site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        captions.add_captions(session, row, "zh", VTT, by=None)
        phase = AnnotationValues("phase", to_ticks(0.0), to_ticks(2.0), term_id="ph.access")
        add_annotations(session, row, [phase], by=admin)
    path = tmp_path / "entry.zip"
    with sqlite_site.database.reading() as session:
        write_entry(session, sqlite_site.store, session.get_one(Entry, entry.id), path)
    return path


@pytest.fixture
def elsewhere(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[Database, Store]]:
    """Another, empty library."""
    (tmp_path / "other").mkdir()
    shutil.copy(sqlite_template, tmp_path / "other" / "videolib.db")
    database = Database(f"sqlite:///{tmp_path / 'other' / 'videolib.db'}")
    store = open_store(f"file:{tmp_path / 'other' / 'store'}")
    store.prepare(None)
    yield database, store
    database.close()


def rows(database: Database) -> list[int]:
    with database.reading() as session:
        return [session.scalars(select(func.count()).select_from(table)).one() for table in (Entry, Recording, Package)]


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    target = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = change(name, source.read(name))
            if content is not None:
                copy.writestr(name, content)
    return target


def test_an_entry_arrives_whole(file: Path, sqlite_site: Site, elsewhere: tuple[Database, Store]) -> None:
    database, store = elsewhere

    done = read_entry(database, store, file, by=None)

    with database.reading() as session:
        entry = session.get_one(Entry, done.entry_id)
        assert entry.recording is not None
        package = session.get_one(Package, entry.recording.package_id)
        assert (entry.status, entry.recording.state, package.state) == ("draft", "ready", "complete")
        assert entry.recording.source_name == ""
        assert document_of(entry)["keywords"] == ["教学"]
        assert [cue.text for cue in captions.cues_of(captions.get_track(session, entry.id, "zh-Hans"))] == [
            "支架 & <释放>"
        ]
        (phase,) = list_annotations(session, entry.id)
        assert (phase.term_id, phase.end_s) == ("ph.access", 2.0)
        assert done.new_terms == ("proc.our_own_procedure",)
        assert session.get_one(Term, "proc.our_own_procedure").status == "proposed"
        for item in list_objects(session, package.id):
            assert store.get_bytes(f"{package.prefix}/{item['path']}") == PACKAGE[item["path"]]
    with pytest.raises(Conflict, match=done.entry_id):
        read_entry(database, store, file, by=None)


def test_what_is_beside_is_told_and_put_there_where_it_is_known(
    file: Path, sqlite_site: Site, elsewhere: tuple[Database, Store], tmp_path: Path
) -> None:
    site, (database, store) = sqlite_site, elsewhere
    entry, room = site.add_published(), site.add_watchable()
    editor, listener = site.add_person("editor"), site.visitor("admin")
    narration_id = add_made_narration(site, entry.id, by=editor)
    assert listener.post(f"/studio/entries/{entry.id}/narrations/{narration_id}/accept").status_code == 303
    carried = {one: tmp_path / f"{one}.zip" for one in (entry.id, room.id)}
    with site.database.writing() as session:
        row, by = session.get_one(Entry, entry.id), session.get_one(User, editor.id)
        set_second(session, row, str(room.recording_id), -1.5, by=by)
        for one, path in carried.items():
            write_entry(session, site.store, session.get_one(Entry, one), path)

    alone = read_entry(database, store, carried[entry.id], by=None)

    assert [sentence.partition(" is not in this file")[0] for sentence in alone.missing] == [
        "The second recording",
        "The narration in en (4.0 s)",
    ]
    assert "-1.500 s ahead" in alone.missing[0]
    with database.writing() as session:
        kept = session.scalars(select(AuditEvent).where(AuditEvent.action == "carry_in")).one().detail
        assert kept["second"]["offset_s"] == -1.5
        assert kept["narrations"]["en"]["sha256"] == "0" * 64
        session.get_one(Recording, alone.recording_id).sha256 = "f" * 64  # so that it may come once more
    beside = read_entry(database, store, carried[room.id], by=None)
    whole = read_entry(database, store, carried[entry.id], by=None)
    assert len(whole.missing) == 1
    with database.reading() as session:
        second = session.get_one(SecondSource, whole.entry_id)
        assert (second.recording_id, second.offset_s) == (beside.recording_id, -1.5)


def _spoil(name: str, content: bytes) -> bytes:
    return content[:-1] + b"!" if name.endswith("0001.m4s") else content


def _drop(name: str, content: bytes) -> bytes | None:
    return None if name.endswith("0001.m4s") else content


def _head(change: Callable[[Any], object]) -> Callable[[str, bytes], bytes]:
    def apply(name: str, content: bytes) -> bytes:
        if name != HEAD:
            return content
        head = json.loads(content)
        change(head)
        return json.dumps(head).encode()

    return apply


@pytest.mark.parametrize(
    "change",
    [
        _spoil,
        _drop,
        lambda name, content: b"{" if name == HEAD else content,
        _head(lambda head: head["package"]["objects"].append({"path": "../../x", "bytes": 1, "sha256": "0"})),
        _head(lambda head: head["package"].update(objects=[])),
        _head(lambda head: head.update(format="videolib entry 9")),
        _head(lambda head: head["entry"]["document"].update(title="text")),
        _head(lambda head: head["recording"].update(sha256="short")),
        _head(lambda head: head.update(annotations=[{"kind": "phase"}])),
        _head(lambda head: head["annotations"][0].update(term_id="proc.uae")),
        _head(lambda head: head.update(second={"sha256": "0" * 64, "offset_s": "nan"})),
        _head(lambda head: head.update(narrations={"张三": {"duration_s": 4}})),
        _head(lambda head: head.update(narrations={"en": {}})),
    ],
)
def test_a_damaged_file_leaves_nothing(
    file: Path, elsewhere: tuple[Database, Store], change: Callable[[str, bytes], bytes | None]
) -> None:
    database, store = elsewhere

    with pytest.raises(InvalidInput):
        read_entry(database, store, rewritten(file, change), by=None)

    assert rows(database) == [0, 0, 0]
    assert list(store.list("packages/")) == []


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_such_file_is_refused(tmp_path: Path, elsewhere: tuple[Database, Store], content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(InvalidInput):
        read_entry(*elsewhere, path, by=None)


def test_killed_half_way_nothing_is_seen(file: Path, elsewhere: tuple[Database, Store], tmp_path: Path) -> None:
    database, store = elsewhere
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from videolib.catalogue import entry_files\n"
        "from videolib.db import Database\n"
        "from videolib.storage import open_store\n"
        "put = entry_files._store_object\n"
        "def dying(archive, item, store, key):\n"
        "    put(archive, item, store, key)\n"
        "    if item['path'].endswith('0001.m4s'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "entry_files._store_object = dying\n"
        "entry_files.read_entry(Database(sys.argv[1]), open_store(sys.argv[2]), Path(sys.argv[3]), by=None)\n"
    )
    folder = tmp_path / "other"
    arguments = [f"sqlite:///{folder / 'videolib.db'}", f"file:{folder / 'store'}", str(file)]

    done = subprocess.run([sys.executable, "-c", program, *arguments], env=dict(os.environ), check=False)

    assert done.returncode == -signal.SIGKILL
    assert list(store.list("packages/")) != []
    assert rows(database) == [0, 0, 0]
    assert read_entry(database, store, file, by=None).entry_id


def test_what_came_without_its_original_says_so_and_is_left_alone(
    file: Path, elsewhere: tuple[Database, Store], tmp_path: Path
) -> None:
    database, store = elsewhere
    done = read_entry(database, store, file, by=None)

    with database.writing() as session, pytest.raises(Conflict) as caught:
        start_work(session, session.get_one(Recording, done.recording_id), by=None)

    assert caught.value.code == "no_original"
    originals = open_store(f"file:{tmp_path / 'originals'}")
    originals.prepare(None)
    workshop = Workshop(load_settings(), database, store, originals)
    assert list(reconcile(workshop)) == []
    assert list(collect_garbage(workshop, grace_s=0)) == []
    with database.reading() as session:
        package = session.get_one(Package, session.get_one(Recording, done.recording_id).package_id)
    store.delete([f"{package.prefix}/video/360p/0001.m4s"])
    (lost,) = list(reconcile(workshop))
    assert (lost.kind, lost.mended) == ("lost_recording", False)
    with database.reading() as session:
        assert session.get_one(Recording, done.recording_id).state == "ready"
