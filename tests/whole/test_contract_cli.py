"""The contract's section 3: each command, its exit status, and JSON lines with nothing else on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.settings import load_settings
from tests.libraries import release
from tests.samples import make_recording
from videolib.catalogue.recordings import list_recordings
from videolib.db import Database

ROOT = Path(__file__).resolve().parents[2]
ANSWER_KEYS = {
    "path",
    "recording_id",
    "entry_id",
    "state",
    "published",
    "duplicate_of",
    "reason",
    "source",
    "package",
    "timing",
    "warnings",
}
SOURCE_KEYS = {
    "container",
    "video_codec",
    "audio_codec",
    "width",
    "height",
    "fps",
    "duration_s",
    "interlaced",
    "rotation",
    "hdr",
    "dicom",
}
RENDITION_KEYS = {"name", "width", "height", "fps", "codecs", "bandwidth", "average_bandwidth", "copied"}
META = """
title: {en: Iliac artery stenting, zh: 髂动脉支架植入术}
procedures: [proc.stent_iliac]
content_type: ct.simulation
"""


def videolib(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "videolib", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def sign_off_everything() -> None:
    """A second person reviews what waits, as the desk asks."""
    database = Database(load_settings().database_url)
    with database.reading() as session:
        waiting = [row.id for row in list_recordings(session, states=["awaiting_review"])]
    for recording_id in waiting:
        release(database, recording_id)
    database.close()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("in") / "-i 髂动脉 支架（第1段）.mp4", seconds=3, size="320x240")


@pytest.fixture
def library(sqlite_database: Database) -> None:
    """A library as `init` leaves it."""


def test_init_makes_a_library_and_may_be_called_again(own_home: Path) -> None:
    for _ in range(2):
        assert videolib("init").returncode == 0
    assert (own_home / "videolib.db").is_file()
    assert videolib("status").returncode == 0


def test_package_answers_one_line_and_leaves_a_package(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out folder"

    done = videolib("package", recording, out, "--json")

    assert done.returncode == 0, done.stderr
    (answer,) = lines(done)
    assert set(answer) == ANSWER_KEYS
    assert (answer["state"], answer["reason"], answer["recording_id"], answer["published"]) == (
        "ready",
        None,
        None,
        False,
    )
    assert set(answer["source"]) == SOURCE_KEYS
    assert all(set(rendition) == RENDITION_KEYS for rendition in answer["package"]["renditions"])
    assert set(answer["timing"]) == {"first_playable_s", "total_s", "cpu_s"}
    for name in ("multivariant", "poster", "storyboard"):
        assert (out / answer["package"][name]).is_file()


def test_package_into_a_folder_that_holds_something_is_a_wrong_call(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")

    done = videolib("package", recording, tmp_path)

    assert done.returncode == 2
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["kept.txt"]


def test_a_refusal_of_package_leaves_no_folder_and_says_why(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("these are notes, not pictures\n" * 50, encoding="utf-8")

    done = videolib("package", text, tmp_path / "out", "--json")

    assert done.returncode == 1
    (answer,) = lines(done)
    assert set(answer) == ANSWER_KEYS
    assert answer["state"] == "rejected"
    assert answer["reason"]["code"] == "not_media"
    assert answer["reason"]["message"].endswith(".")
    assert answer["package"] is None
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("full", [(), ("--full",)])
def test_inspect_says_what_a_recording_is(recording: Path, full: tuple[str, ...]) -> None:
    done = videolib("inspect", recording, "--json", *full)

    assert done.returncode == 0
    (answer,) = lines(done)
    assert set(answer) == ANSWER_KEYS
    assert answer["package"] is None
    assert (answer["source"]["width"], answer["source"]["height"]) == (320, 240)
    assert answer["source"]["duration_s"] == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize(
    "call",
    [
        ("package",),
        ("package", "no-such-file.mp4", "out"),
        ("inspect", "no-such-file.mp4"),
        ("ingest",),
        ("ingest", "no-such-file.mp4"),
        ("user", "add", "a@b.example"),
        ("search", "x", "--facet", "nonsense"),
        ("no-such-command",),
        ("serve", "--port", "many"),
    ],
)
def test_a_wrong_call_has_status_2_and_a_sentence(call: tuple[str, ...], library: None) -> None:
    done = videolib(*call)

    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_wrong_settings_have_status_2_and_name_every_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOLIB_LEASE_S", "soon")
    monkeypatch.setenv("VIDEOLIB_COLOUR", "red")

    done = videolib("status")

    assert done.returncode == 2
    assert "VIDEOLIB_LEASE_S" in done.stderr
    assert "VIDEOLIB_COLOUR" in done.stderr


def test_help_names_every_command_of_this_release() -> None:
    done = videolib("--help")

    for name in ("package", "inspect", "init", "serve", "worker", "ingest", "status", "retry", "cancel", "search"):
        assert f"  {name} " in done.stdout
    for name in ("reindex", "user", "vocabulary", "demo", "doctor", "backup", "verify", "restore", "assign"):
        assert f"  {name} " in done.stdout


def test_ingest_publishes_search_finds_and_a_second_ingest_does_nothing(
    library: None, recording: Path, tmp_path: Path
) -> None:
    meta = tmp_path / "meta.yaml"
    meta.write_text(META, encoding="utf-8")

    first = videolib("ingest", recording, "--meta", meta, "--publish", "--json")
    again = videolib("ingest", recording, "--meta", meta, "--publish", "--json")

    assert first.returncode == again.returncode == 0, first.stderr
    (one,), (two,) = lines(first), lines(again)
    assert set(one) == ANSWER_KEYS
    assert (one["state"], one["published"], one["duplicate_of"]) == ("awaiting_review", False, None)
    assert [sentence for sentence in one["warnings"] if sentence.startswith("recording: ")]
    assert (two["recording_id"], two["entry_id"]) == (one["recording_id"], one["entry_id"])
    assert two["duplicate_of"] == one["recording_id"]
    assert two["timing"] == one["timing"]

    assert lines(videolib("search", "支架", "--json"))[-1]["total"] == 0, "nobody has reviewed it"
    sign_off_everything()
    for query in ("支架", "stent", "髂动脉", "qiadongmai"):
        found = videolib("search", query, "--json")
        *hits, totals = lines(found)
        assert [hit["entry_id"] for hit in hits] == [one["entry_id"]], query
        assert totals["total"] == 1
        assert set(totals) == {"total", "took_ms", "facets", "did_you_mean"}
    assert lines(videolib("search", "肾动脉射频", "--json"))[-1]["total"] == 0

    (status,) = lines(videolib("status", one["recording_id"], "--json"))
    assert status["state"] == "ready"


def test_what_fails_the_gate_stays_a_draft_with_each_missing_thing(library: None, recording: Path) -> None:
    done = videolib("ingest", recording, "--publish", "--json")

    assert done.returncode == 0
    (answer,) = lines(done)
    assert (answer["state"], answer["published"]) == ("awaiting_review", False)
    assert any("Chinese" in sentence for sentence in answer["warnings"])
    assert any("procedure" in sentence for sentence in answer["warnings"])
    named = {sentence.partition(": ")[0] for sentence in answer["warnings"]}
    assert named == {"recording", "title.zh", "title.en", "procedures", "content_type"}


def test_all_inputs_are_tried_and_one_refused_gives_status_1(library: None, recording: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"")
    (folder / "b.mp4").write_text("x" * 2000, encoding="utf-8")
    (folder / "c.mp4").write_bytes(recording.read_bytes())

    done = videolib("ingest", folder, "--json")

    assert done.returncode == 1
    answers = lines(done)
    assert [answer["state"] for answer in answers] == ["rejected", "rejected", "awaiting_review"]
    assert [answer["reason"] and answer["reason"]["code"] for answer in answers] == ["empty", "not_media", None]


def test_a_manifest_gives_each_row_its_own_metadata(library: None, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "one.mp4").write_bytes(recording.read_bytes())
    manifest = tmp_path / "manifest.csv"
    header = "path,title.en,title.zh,procedures,content_type"
    rows = (
        f"{header}\none.mp4,TACE,肝动脉化疗栓塞,proc.tace;proc.haic,ct.simulation\n"
        "gone.mp4,x,x,proc.tace,ct.simulation\n,,,,\n"
    )
    manifest.write_text(rows, encoding="utf-8-sig")

    done = videolib("ingest", manifest, "--publish", "--json")

    first, second = lines(done)
    assert done.returncode == 1
    assert (first["state"], first["published"]) == ("awaiting_review", False)
    assert second["state"] == "rejected"


def test_no_wait_only_queues_and_cancel_and_retry_follow_the_table(library: None, recording: Path) -> None:
    (answer,) = lines(videolib("ingest", recording, "--no-wait", "--json"))
    assert answer["state"] == "queued"

    assert videolib("retry", answer["recording_id"]).returncode == 1
    assert videolib("cancel", answer["recording_id"]).returncode == 0
    assert lines(videolib("status", answer["recording_id"], "--json"))[0]["state"] == "cancelled"
    assert videolib("retry", answer["recording_id"]).returncode == 0
    assert lines(videolib("status", answer["recording_id"], "--json"))[0]["state"] == "queued"
    assert videolib("cancel", "no-such-recording").returncode == 1


def test_people_are_added_with_a_password_from_stdin_only(library: None) -> None:
    done = videolib("user", "add", "Wang@Hospital.example", "--role", "editor", stdin="a long password\n")
    assert done.returncode == 0, done.stderr
    assert "a long password" not in done.stdout + done.stderr
    assert (
        videolib("user", "add", "wang@hospital.example", "--role", "editor", stdin="a long password\n").returncode == 1
    )
    assert videolib("user", "add", "li@hospital.example", "--role", "editor", stdin="short\n").returncode == 2
    assert videolib("user", "add", "li@hospital.example", "--role", "boss", stdin="a long password\n").returncode == 1

    token = videolib("user", "token", "wang@hospital.example")
    assert token.stdout == token.stdout.strip() + "\n"
    (as_json,) = lines(videolib("user", "token", "wang@hospital.example", "--json"))
    assert set(as_json) == {"token"}
    assert as_json["token"] != token.stdout.strip()

    assert "wang@hospital.example" in videolib("user", "list").stdout
    assert videolib("user", "disable", "wang@hospital.example").returncode == 0
    assert "disabled" in videolib("user", "list").stdout
    assert videolib("user", "enable", "wang@hospital.example").returncode == 0
    assert "disabled" not in videolib("user", "list").stdout
    assert videolib("user", "forget-second-step", "wang@hospital.example").returncode == 0


def test_doctor_says_of_each_thing_whether_it_is_well(library: None) -> None:
    done = videolib("doctor", "--json")

    findings = lines(done)
    assert all(set(finding) == {"check", "ok", "message", "fix"} for finding in findings)
    checks = " ".join(finding["check"] for finding in findings)
    for word in ("ffmpeg", "encoders", "store", "database", "index", "broker", "clock", "disk"):
        assert word in checks
    broken = [finding for finding in findings if not finding["ok"]]
    assert (done.returncode == 1) == bool(broken)
    assert all(finding["fix"] for finding in broken)


def test_doctor_names_what_is_broken_and_how_to_mend_it(library: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOLIB_DATABASE_URL", "postgresql+psycopg://127.0.0.1:9/none?connect_timeout=2")
    monkeypatch.setenv("VIDEOLIB_STORE_URL", "s3://bucket?endpoint=http://127.0.0.1:9&style=path")

    done = videolib("doctor", "--json")

    assert done.returncode == 1
    broken = {finding["check"].split()[0]: finding for finding in lines(done) if not finding["ok"]}
    assert {"database", "store"} <= set(broken)
    assert all(finding["fix"] for finding in broken.values())


def test_the_vocabulary_is_loaded_and_checked(library: None, tmp_path: Path) -> None:
    assert videolib("vocabulary", "check").returncode == 0
    file = tmp_path / "more.yaml"
    file.write_text(
        "id: procedure\nlabels: {en: P, zh: 术}\nterms: [{id: proc.new, labels: {en: New}}]\n", encoding="utf-8"
    )

    done = videolib("vocabulary", "load", file)

    assert done.returncode == 1
    assert "proc.new has no label in zh" in done.stderr


def test_reindex_says_how_many_entries_there_are(library: None) -> None:
    assert videolib("reindex").stdout == "The index holds 0 entries.\n"
