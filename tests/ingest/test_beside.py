"""Caption files beside a recording, and text inside it, become captions of its entry that people search and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings
from ingest.inputs import find_inputs
from ingest.intake import Intake, Item, take_in
from ingest.worker import run_worker
from ingest.workshop import Workshop
from tests.samples import make_recording, run_tool
from videolib.catalogue import captions
from videolib.catalogue.entries import Entry
from videolib.catalogue.indexing import make_document
from videolib.catalogue.jobs import start_work
from videolib.catalogue.packages import Package, list_chunks
from videolib.catalogue.recordings import SETTLED, get_recording
from videolib.db import Database
from videolib.storage import open_store

SRT = "1\n00:00:00,500 --> 00:00:01,500\n{}\n"
ENGLISH = "The microcatheter is through the stenosis"


@pytest.fixture
def workshop(sqlite_database: Database, settings: Settings) -> Workshop:
    return Workshop(settings, sqlite_database, open_store(settings.store_url), open_store(settings.originals_url))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("clip") / "one.mp4", seconds=1, size="160x120", audio=False)


def with_texts(path: Path, *texts: tuple[str, str], seconds: float = 2) -> Path:
    """Make a recording with text tracks of these languages inside."""
    plain = make_recording(path.with_name("plain.mp4"), seconds=seconds, size="160x120", audio=False)
    inputs: list[str | Path] = ["-i", plain]
    maps = ["-map", "0"]
    for number, (language, text) in enumerate(texts):
        file = path.with_name(f"text-{number}.srt")
        file.write_text(SRT.format(text), encoding="utf-8")
        inputs += ["-i", file]
        maps += ["-map", str(number + 1), f"-metadata:s:s:{number}", f"language={language}"]
    run_tool(*inputs, *maps, "-c", "copy", "-c:s", "mov_text", path)
    return path


def take(workshop: Workshop, source: Path) -> Intake:
    (item,) = find_inputs([source], {})
    assert isinstance(item, Item)
    return take_in(workshop.database, workshop.originals, item, by=None, publish=False)


def work(workshop: Workshop, intake: Intake) -> None:
    def settled() -> bool:
        with workshop.database.reading() as session:
            return get_recording(session, intake.recording_id).state in SETTLED

    run_worker(workshop, index=None, stop=settled)


def texts_of(workshop: Workshop, intake: Intake) -> dict[str, list[str]]:
    with workshop.database.reading() as session:
        tracks = captions.list_tracks(session, intake.entry_id)
        return {track.language: [cue.text for cue in captions.cues_of(track)] for track in tracks}


def package_of(workshop: Workshop, intake: Intake) -> Package:
    with workshop.database.reading() as session:
        return session.get_one(Package, get_recording(session, intake.recording_id).package_id)


def test_caption_files_of_a_folder_go_with_their_recordings_and_are_no_inputs(
    workshop: Workshop, clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "栓塞.mp4").write_bytes(clip.read_bytes())
    (folder / "栓塞.zh.srt").write_text(SRT.format("微导管到位"), encoding="gb18030")
    (folder / "栓塞.en-GB.vtt").write_text("WEBVTT\n\n00:00.100 --> 00:00.900\n<b>Coil</b>\n", encoding="utf-8")
    (folder / "栓塞.ja.srt").write_text(SRT.format("カテーテル"), encoding="utf-8")
    (folder / "orphan.srt").write_text(SRT.format("whose"), encoding="utf-8")

    items = [item for item in find_inputs([folder], {}) if isinstance(item, Item)]

    assert [item.path.name for item in items] == ["orphan.srt", "栓塞.mp4"]
    assert [note for note in items[1].notes if "left out" in note and "(ja)" in note]
    intake = take_in(workshop.database, workshop.originals, items[1], by=None, publish=False)
    assert texts_of(workshop, intake) == {"zh-Hans": ["微导管到位"], "en": ["Coil"]}


def test_a_file_that_names_no_language_is_told_by_its_words_and_metadata_count_more(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(clip.read_bytes())
    (tmp_path / "in.srt").write_text(SRT.format(ENGLISH), encoding="utf-8")

    (told,) = find_inputs([source], {})
    (given,) = find_inputs([source], {"captions": {"en": "WEBVTT\n\n00:00.100 --> 00:00.900\nMine\n"}})

    assert isinstance(told, Item)
    assert isinstance(given, Item)
    assert ENGLISH in told.captions["en"]
    assert "taken as en" in " ".join(told.notes)
    assert list(given.captions) == ["en"]
    assert "Mine" in given.captions["en"]


def test_what_is_no_caption_file_harms_nothing(workshop: Workshop, clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(clip.read_bytes())
    (tmp_path / "in.zh.vtt").write_bytes(bytes(range(256)))

    (item,) = find_inputs([source], {})

    assert isinstance(item, Item)
    assert item.captions == {}
    assert "could not be read" in item.notes[0]


def test_the_same_recording_again_brings_captions_that_its_draft_lacks_and_replaces_none(
    workshop: Workshop, clip: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(clip.read_bytes())
    (tmp_path / "in.zh.srt").write_text(SRT.format("第一"), encoding="utf-8")
    take(workshop, source)
    (tmp_path / "in.zh.srt").write_text(SRT.format("第二"), encoding="utf-8")
    (tmp_path / "in.en.srt").write_text(SRT.format("Second"), encoding="utf-8")

    again = take(workshop, source)

    assert texts_of(workshop, again) == {"zh-Hans": ["第一"], "en": ["Second"]}


def test_text_inside_a_recording_becomes_captions_that_search_finds(workshop: Workshop, tmp_path: Path) -> None:
    source = with_texts(tmp_path / "in.mp4", ("chi", "弹簧圈填塞动脉瘤"), ("und", ENGLISH), ("jpn", "カテーテル"))
    (tmp_path / "in.en.srt").write_text(SRT.format("From beside"), encoding="utf-8")
    intake = take(workshop, source)

    work(workshop, intake)

    assert texts_of(workshop, intake) == {"zh-Hans": ["弹簧圈填塞动脉瘤"], "en": ["From beside"]}
    named = {
        item["language"]: item.get("in_entry", False) for item in package_of(workshop, intake).description["subtitles"]
    }
    assert named == {"zh": True, "und": True, "ja": False}
    with workshop.database.reading() as session:
        entry = session.get_one(Entry, intake.entry_id)
        said = [moment.text for moment in make_document(session, entry).moments]
    assert any("弹簧圈填塞动脉瘤" in text for text in said)


def test_what_an_editor_took_away_does_not_come_back_with_a_package_made_anew(
    workshop: Workshop, tmp_path: Path
) -> None:
    intake = take(workshop, with_texts(tmp_path / "in.mp4", ("chi", "术者姓名")))
    work(workshop, intake)
    with workshop.database.writing() as session:
        captions.delete_captions(session, session.get_one(Entry, intake.entry_id), "zh-Hans", by=None)
    first = package_of(workshop, intake).id

    with workshop.database.writing() as session:
        start_work(session, get_recording(session, intake.recording_id), by=None)
    work(workshop, intake)

    again = package_of(workshop, intake)
    assert again.id != first
    assert texts_of(workshop, intake) == {}
    assert [item.get("in_entry") for item in again.description["subtitles"]] == [True]


def test_sound_and_text_of_a_recording_made_in_chunks_are_those_of_one_made_whole(
    workshop: Workshop, tmp_path: Path
) -> None:
    tone = "aevalsrc=0.01*sin(2*PI*300*t)|0.01*sin(2*PI*300*t):s=48000:d=16"
    silent = with_texts(tmp_path / "silent.mp4", ("chi", "推注造影剂"), ("jpn", "カテーテル"), seconds=16)
    source = tmp_path / "in.mp4"
    run_tool("-i", silent, "-f", "lavfi", "-i", tone, "-map", "0", "-map", "1", "-c", "copy", "-c:a", "aac", source)
    chunked = Workshop(
        workshop.settings.model_copy(update={"chunk_s": 4.0}), workshop.database, workshop.store, workshop.originals
    )
    intake = take(chunked, source)

    work(chunked, intake)

    package = package_of(chunked, intake)
    with workshop.database.reading() as session:
        assert len([one for one in list_chunks(session, package.id) if one.position >= 0]) > 1
    (sound,) = package.plan["sound"]
    assert sound["method"] in {"linear", "limited"}
    assert sound["loudness_lufs"] + sound["gain_db"] == pytest.approx(-23, abs=0.05)
    assert texts_of(chunked, intake) == {"zh-Hans": ["推注造影剂"]}
    folder = workshop.store.local_path(f"{package.prefix}/master.m3u8")
    assert folder is not None
    assert "subtitles/ja/index.m3u8" in folder.read_text(encoding="utf-8")
    text = (folder.parent / "subtitles" / "ja" / "0000.vtt").read_text(encoding="utf-8")
    assert "00:00:00.500 --> 00:00:01.500\nカテーテル" in text
    heard = run_tool(
        *("-i", folder.parent / "audio" / sound["name"] / "index.m3u8", "-map", "0:a:0", "-af"),
        *("ebur128=metadata=1,ametadata=mode=print:key=lavfi.r128.I:file=-", "-f", "null", "-"),
    )
    assert float(heard.decode().rpartition("=")[2]) == pytest.approx(-23, abs=0.6)
