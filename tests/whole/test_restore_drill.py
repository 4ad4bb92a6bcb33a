"""The drill: a library at work is backed up, everything of it is destroyed, and another host has all of it again.

Real recordings through the real ingest, `serve` and its worker running; backup and restoration are killed on the way.
What was a folder and SQLite comes back on S3 and PostgreSQL.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy.orm import Session

from config.settings import load_settings
from ingest.intake import Item, take_in
from ingest.workshop import Workshop
from tests.browser.conftest import free_port
from tests.samples import make_recording
from tests.servers import PostgresServer, s3_url, until
from videolib.catalogue import people
from videolib.catalogue.annotation_values import AnnotationValues
from videolib.catalogue.annotations import add_annotation
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.entry_values import parse_values
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.catalogue.personal_notes import add_note
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Screening
from videolib.catalogue.watch_records import open_viewing, read_report, take_report
from videolib.children import S3Server
from videolib.db import Database
from videolib.storage import open_store
from videolib.tables import metadata

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0
KEY = "a key of more than thirty-two characters, kept in the safe"
# rows that a restoration or a running service writes itself
MOVING = {"library_facts", "counters"}

pytestmark = pytest.mark.timeout(900)


@dataclass
class Kept:
    """What there was."""

    rows: dict[str, set[str]]
    objects: dict[str, bytes]


def videolib(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "videolib", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)


def killed(after_s: float, *arguments: str | Path) -> bool:
    """The command, killed after so long; whether it was still at work."""
    command = [sys.executable, "-m", "videolib", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def has_snapshot(backup: Path) -> bool:
    """Whether what is written last of a backup is there: it may be killed a moment after that."""
    return any(backup.glob("snapshots/*/snapshot.json"))


@contextmanager
def serving() -> Iterator[str]:
    """`videolib serve` with its worker, killed at the end like everything at a power cut."""
    port = free_port()
    command = [sys.executable, "-m", "videolib", "serve", "--port", str(port)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, cwd=ROOT)
    base = f"http://127.0.0.1:{port}"
    try:
        until(lambda: is_ready(base), PATIENCE_S)
        yield base
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_ready(base: str) -> bool:
    try:
        return requests.get(f"{base}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def open_workshop(database: Database) -> Workshop:
    settings = load_settings()
    return Workshop(settings, database, open_store(settings.store_url), open_store(settings.originals_url))


def take_generated(workshop: Workshop, recording: Path, number: int) -> str:
    """A recording like those of the demo, of other bytes each time, that is published when it is ready."""
    copy = recording.with_name(f"{number}.mp4")
    copy.write_bytes(recording.read_bytes() + (8 + number).to_bytes(4, "big") + b"free" + b"\0" * number)
    titled = parse_values(
        {
            "title": {"zh": f"髂动脉支架植入术 {number}", "en": f"Iliac artery stenting {number}"},
            "procedures": ["proc.stent_iliac"],
            "content_type": "ct.simulation",
        }
    )
    item = Item(copy, titled, generated=True)
    return str(take_in(workshop.database, workshop.originals, item, by=None, publish=True).recording_id)


def entry_of(session: Session, recording_id: str) -> Entry:
    return session.query(Entry).filter(Entry.recording_id == recording_id).one()


def until_published(workshop: Workshop, recording_id: str) -> None:
    def is_published() -> bool:
        with workshop.database.reading() as session:
            state = session.get_one(Recording, recording_id).state
            assert state not in {"failed", "rejected"}
            return entry_of(session, recording_id).status == "published"

    until(is_published, PATIENCE_S)


def add_work_of_people(workshop: Workshop, recording_id: str) -> None:
    """What a trainee and an editor have put beside the recording."""
    with workshop.database.writing() as session:
        entry, trainee = entry_of(session, recording_id), people.find_user(session, "trainee@hospital.example")
        assert trainee is not None
        add_annotation(
            session, entry, AnnotationValues("note", 30_000, 90_000, note={"en": "Look", "zh": "看"}), by=None
        )
        add_captions(session, entry, "en", "WEBVTT\n\n00:00.500 --> 00:02.000\nThe wire is in.\n", by=None)
        add_note(session, entry, 1.0, "我的笔记", by=trainee)
        viewing = open_viewing(session, entry, by=trainee)
        session.flush()
    with workshop.database.writing() as session:
        played = {"report": 1, "place_s": 1.5, "played": [{"start_s": 0.0, "end_s": 0.5, "rate": 1}]}
        take_report(session, viewing.id, read_report(played), by=session.get_one(User, trainee.id))


def look(workshop: Workshop) -> Kept:
    """Every row and every object there is now."""
    with workshop.database.reading() as session:
        rows = {
            table.name: {repr(tuple(row)) for row in session.execute(table.select())}
            for table in metadata.sorted_tables
            if table.name not in MOVING
        }
    objects = {
        f"{name}/{item.key}": store.get_bytes(item.key)
        for name, store in (("store", workshop.store), ("originals", workshop.originals))
        for item in store.list("")
        if not item.key.startswith(("originals/", "audit"))
    }
    return Kept(rows, objects)


def ids_of(workshop: Workshop, recording_id: str) -> set[str]:
    """By what rows and objects of a recording are known."""
    with workshop.database.reading() as session:
        packages = session.query(Package.id).filter(Package.recording_id == recording_id).all()
        looks = session.query(Screening.id).filter(Screening.recording_id == recording_id).all()
        recording = session.get_one(Recording, recording_id)
        found = {recording.id, recording.original_key, entry_of(session, recording_id).id}
        return found | {str(row[0]) for row in (*packages, *looks)}


def played_segment(base: str, token: str, entry_id: str) -> bytes:
    """The first bytes of video that a player gets, by the addresses it is given."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{base}/api/v1/entries/{entry_id}/playback", headers=headers, timeout=60)
    address = answer.json()["hls_url"].replace(answer.json()["hls_url"].split("/media/")[0], base)
    for _ in range(2):
        lines = requests.get(address, timeout=60).text.splitlines()
        address = address.rpartition("/")[0] + "/" + next(line for line in lines if line and line[0] != "#")
    found = requests.get(address, timeout=60)
    assert found.status_code == 200
    return found.content


def found_by_search(base: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    answer: dict[str, Any] = requests.get(f"{base}/api/v1/search?q=iliac", headers=headers, timeout=60).json()
    return int(answer["total"])


def compare(before: Kept, after: Kept, erased: set[str]) -> None:
    """There is all that there was, but what was erased; of that there is nothing but its empty entry."""

    def is_erased(said: str) -> bool:
        return any(one in said for one in erased)

    for table, rows in before.rows.items():
        assert sorted(row for row in rows - after.rows[table] if not is_erased(row)) == [], table
        new = {row for row in after.rows[table] - rows if not is_erased(row)}
        assert new == set() or table in {"audit_events", "audit_checkpoints"}, table
    lost = {key for key in before.objects if after.objects.get(key) != before.objects[key]}
    assert {key for key in lost if not is_erased(key)} == set()
    assert [key for key in after.objects if is_erased(key)] == []
    assert len(lost) > 5
    assert {table for table, rows in after.rows.items() if any(map(is_erased, rows))} == {
        "audit_events",  # that it was here, and was erased
        "entries",
        "erasures",
    }


def move_elsewhere(monkeypatch: pytest.MonkeyPatch, home: Path, s3_server: S3Server, database_url: str) -> None:
    """Another host, another kind of store, another kind of database."""
    for setting, value in {
        "VIDEOLIB_HOME": str(home),
        "VIDEOLIB_STORE_URL": s3_url(s3_server),
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
        "VIDEOLIB_DATABASE_URL": database_url,
    }.items():
        monkeypatch.setenv(setting, value)


def test_everything_is_destroyed_and_another_host_has_all_of_it_again(
    sqlite_database: Database,
    postgres_server: PostgresServer,
    s3_server: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIDEOLIB_LEDGER_URL", f"file:{tmp_path / 'apart'}")
    monkeypatch.setenv("VIDEOLIB_LOG_LEVEL", "WARNING")
    (tmp_path / "key").write_text(KEY, encoding="ascii")
    place = (tmp_path / "backup", "--key-file", tmp_path / "key")
    workshop, chance = open_workshop(sqlite_database), random.Random(7)
    recording = make_recording(tmp_path / "recording.mp4", seconds=3, size="320x240")
    with workshop.database.writing() as session:
        trainee = people.add_user(session, "trainee@hospital.example", None, ["trainee"])
        token = people.make_token(session, trainee.email)

    # a library at work is backed up; half of a backup is none, and the next goes on where it ended
    with serving():
        first = take_generated(workshop, recording, 1)
        until_published(workshop, first)
        add_work_of_people(workshop, first)
        second = take_generated(workshop, recording, 2)
        if killed(2.0 + chance.random(), "backup", *place):
            assert videolib("verify", *place).returncode == (0 if has_snapshot(tmp_path / "backup") else 1)
        done = videolib("backup", *place, "--json")
        assert done.returncode == 0, done.stderr
        until_published(workshop, second)
    assert videolib("verify", *place).returncode == 0

    # the power is cut and comes back: nothing has to be done
    with serving() as base:
        segment, erased = played_segment(base, token, first_entry(workshop, first)), ids_of(workshop, second)
        before = look(workshop)
        again = videolib("backup", *place, "--json")
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout.splitlines()[-1])["new_objects"] < len(before.objects)
        # after the backup a patient asks to be forgotten
        assert videolib("erase", second).returncode == 0
    sqlite_database.close()
    shutil.rmtree(load_settings().home)

    name = postgres_server.new_database()
    move_elsewhere(monkeypatch, tmp_path / "another host", s3_server, postgres_server.url(name))
    # nobody sees half of it; where it was over in the moment of its death, what is compared below is all there
    if killed(2.0 + chance.random() * 2, "restore", *place) and videolib("status").returncode == 1:
        restored = videolib("restore", *place, "--json")
        assert restored.returncode == 0, restored.stderr
        assert json.loads(restored.stdout)["reapplied"]["erase"] == 1
    proven = videolib("audit", "verify")
    assert proven.returncode == 0, proven.stdout

    there = open_workshop(Database(postgres_server.url(name)))
    compare(before, look(there), erased)
    with serving() as base:
        assert played_segment(base, token, first_entry(there, first)) == segment
        until(lambda: found_by_search(base, token) == 1, PATIENCE_S)
    there.database.close()
    postgres_server.drop_database(name)


def first_entry(workshop: Workshop, recording_id: str) -> str:
    with workshop.database.reading() as session:
        return entry_of(session, recording_id).id
