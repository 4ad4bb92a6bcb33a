"""A folder or manifest taken in: tried out first, the same bytes once, a thousand files with a broken one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import func, select

from ingest.errors import Refused
from ingest.intake import Item, take_in
from tests.samples import make_recording
from videolib.catalogue.entry_values import EntryValues
from videolib.catalogue.recordings import Recording
from videolib.db import Database
from videolib.storage import open_store

ROOT = Path(__file__).resolve().parents[2]


def ingest(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-m", "videolib", "ingest", *map(str, arguments), "--no-wait", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=ROOT)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Recording)).one()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("clip") / "one.mp4", seconds=1, size="160x120")


def distinct(clip: Path, target: Path, number: int) -> Path:
    """The same pictures with other bytes: a box that players skip."""
    target.write_bytes(clip.read_bytes() + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big"))
    return target


def test_a_thousand_files_with_a_broken_one_are_all_told_of(
    sqlite_database: Database, clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    for number in range(1000):
        # a few recordings, copied again and again, as dumps of cards are
        distinct(clip, folder / f"op {number:04} 手术.mp4", number % 12)
    (folder / "op 0500 手术.mp4").write_bytes(clip.read_bytes()[:300])

    status, answers = ingest(folder)

    assert status == 1
    assert len(answers) == 1000
    (broken,) = [answer for answer in answers if answer["state"] == "rejected"]
    assert broken["path"].endswith("op 0500 手术.mp4")
    assert broken["reason"]["message"].endswith(".")
    assert sum(answer["duplicate_of"] is None for answer in answers) == 13
    assert count(sqlite_database) == 12


def test_a_dry_run_says_what_would_become_of_each_and_keeps_nothing(
    sqlite_database: Database, clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    for number, name in enumerate(("00000.MTS", "00001.MTS", "a.mp4")):
        distinct(clip, folder / name, number)
    (folder / "broken.mp4").write_text("no video at all\n" * 100, encoding="utf-8")

    status, dry = ingest(folder, "--dry-run")
    assert count(sqlite_database) == 0
    _, real = ingest(folder)
    _, again = ingest(folder, "--dry-run")

    said = {Path(answer["path"]).name: answer for answer in dry}
    assert status == 1
    assert [said[name]["state"] for name in sorted(said)] == ["queued", "queued", "queued", "rejected"]
    assert all(answer["dry_run"] for answer in dry)
    assert said["a.mp4"]["source"]["width"] == 160
    assert "part 2 of 2" in said["00001.MTS"]["warnings"][0]
    assert [answer["state"] for answer in real] == [answer["state"] for answer in dry]
    assert [answer["duplicate_of"] for answer in again] == [answer["recording_id"] for answer in real]


@pytest.mark.parametrize("kind", ["csv", "yaml", "--join"])
def test_parts_are_one_recording_where_a_manifest_or_the_uploader_says_so(
    sqlite_database: Database, clip: Path, tmp_path: Path, kind: str
) -> None:
    for name in ("GX010001.MP4", "GX020001.MP4"):
        shutil.copy(clip, tmp_path / name)
    csv, yaml = tmp_path / "manifest.csv", tmp_path / "manifest.yaml"
    if kind == "--join":
        card = tmp_path / "card"
        card.mkdir()
        for name in ("GX010001.MP4", "GX020001.MP4"):
            shutil.move(tmp_path / name, card / name)
        arguments: list[str | Path] = [card, "--join"]
    elif kind == "csv":
        csv.write_text("parts,title.en\nGX010001.MP4; GX020001.MP4,A case\n", encoding="utf-8")
        arguments = [csv]
    else:
        yaml.write_text("- parts: [GX010001.MP4, GX020001.MP4]\n  title: {en: A case}\n", encoding="utf-8")
        arguments = [yaml]

    status, (answer,) = ingest(*arguments)
    _, (again,) = ingest(*arguments)

    assert (status, answer["state"], answer["duplicate_of"]) == (0, "queued", None)
    assert again["duplicate_of"] == answer["recording_id"]
    assert count(sqlite_database) == 1


def test_a_file_that_is_still_being_copied_is_refused(sqlite_database: Database, clip: Path, tmp_path: Path) -> None:
    growing, over = tmp_path / "growing.mp4", Event()
    shutil.copy(clip, growing)
    originals = open_store(f"file:{tmp_path / 'originals'}")
    originals.prepare()

    def copy() -> None:
        with growing.open("ab") as file:
            while not over.wait(0.05):
                file.write(b"\0" * 1000)
                file.flush()

    thread = Thread(target=copy)
    thread.start()
    try:
        with pytest.raises(Refused, match="still being written"):
            take_in(sqlite_database, originals, Item(growing, EntryValues()), by=None, publish=False)
    finally:
        over.set()
        thread.join()

    assert count(sqlite_database) == 0
    assert list(originals.list("")) == []
    shutil.copy(clip, growing)
    os.utime(growing)
    assert take_in(sqlite_database, originals, Item(growing, EntryValues()), by=None, publish=False).recording_id
