"""`doctor --bundle`: what helps from afar, and not a word of a patient, a person or a secret."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.visitors import Site
from videolib.catalogue.captions import add_captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.jobs import enqueue
from videolib.catalogue.personal_notes import add_note
from videolib.catalogue.recordings import Recording
from videolib.support_bundle import write_bundle

ROOT = Path(__file__).resolve().parents[2]
WORD = "张三Zzqx"


def add_words_everywhere(site: Site) -> Entry:
    """A library whose every text says the same word, that of a patient."""
    editor = site.add_person("editor", email="zzqx@hospital.example")
    entry = site.add_published(title={"zh": f"{WORD}标题", "en": f"{WORD} title"})
    with site.database.writing() as session:
        row = session.get_one(Entry, entry.id)
        add_captions(session, row, "en", f"WEBVTT\n\n00:00.500 --> 00:02.000\n{WORD}\n", by=None)
        add_note(session, row, 1.0, WORD, by=editor)
        recording = session.get_one(Recording, entry.recording_id)
        recording.source_name, recording.reason_message, recording.warnings = f"{WORD}.mp4", WORD, [WORD]
        job = enqueue(session, "screen", recording.id, words=WORD)
        job.error = job.owner = WORD
    return entry


def test_there_is_no_word_of_anybody_in_it(site: Site, tmp_path: Path) -> None:
    entry = add_words_everywhere(site)

    write_bundle(site.settings, tmp_path / "help.zip")

    with zipfile.ZipFile(tmp_path / "help.zip") as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    said = "".join(parts.values())
    for word in ("张三", "Zzqx", "zzqx", "hospital.example", site.settings.secret_key.get_secret_value()):
        assert word not in said
    assert str(site.settings.home) not in said
    # and what helps is there
    rows = json.loads(parts["rows.json"])
    assert rows["counts"]["entries"] == 1
    assert ["published", 1] in rows["by_state"]["entries"]
    assert str(entry.recording_id) in parts["jobs.json"]
    assert json.loads(parts["versions.json"])["schema"]
    assert {"ffmpeg", "database", "disk"} <= {check["check"] for check in json.loads(parts["checks.json"])}
    assert json.loads(parts["settings.json"])["secret_key"] == "set"


def test_a_library_that_does_not_answer_is_told_of_all_the_same(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOLIB_DATABASE_URL", "postgresql+psycopg://user:pa55word@127.0.0.1:1/none")

    done = subprocess.run(
        [sys.executable, "-m", "videolib", "doctor", "--bundle", str(tmp_path / "help.zip")],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "help.zip") as archive:
        assert b"database_unavailable" in archive.read("rows.json")
        assert b"pa55word" not in b"".join(archive.read(name) for name in archive.namelist())
