"""Text inside a recording, inside its pictures and beside it becomes WebVTT renditions, clean and in time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.inspect import inspect
from ingest.pipeline import Method, PackageReport, package_recording
from ingest.plan import plan
from ingest.subtitles import find_beside, read_texts
from tests.samples import make_recording, run_tool
from videolib.cues import Cue, read_cues

SRT = "1\n00:00:00,500 --> 00:00:01,500\n<i>微导管</i>\n\n2\n00:00:02,000 --> 00:00:09,000\n释放 & 撤出\n"


def packaged(source: Path, out: Path) -> tuple[PackageReport, str]:
    report = package_recording(source, out, method=Method(beside=find_beside(source)))
    return report, (out / "master.m3u8").read_text(encoding="utf-8")


def cues_in(out: Path, name: str) -> list[Cue]:
    playlist = (out / "subtitles" / name / "index.m3u8").read_text(encoding="utf-8")
    names = [line for line in playlist.splitlines() if line.endswith(".vtt")]
    return [cue for file in names for cue in read_cues((out / "subtitles" / name / file).read_bytes())]


def test_embedded_tracks_and_a_file_beside_become_renditions_that_cover_the_recording(tmp_path: Path) -> None:
    plain = make_recording(tmp_path / "plain.mp4", seconds=3, size="160x120")
    (tmp_path / "zh.srt").write_text(SRT, encoding="utf-8")
    (tmp_path / "meta").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=穿刺\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=栓塞\n",
        encoding="utf-8",
    )
    source = tmp_path / "带字幕 的.mp4"
    run_tool(
        *("-i", plain, "-i", tmp_path / "zh.srt", "-i", tmp_path / "zh.srt", "-i", tmp_path / "meta"),
        *("-map", "0", "-map", "1", "-map", "2", "-map_chapters", "3", "-c", "copy", "-c:s", "mov_text"),
        *("-metadata:s:s:0", "language=chi", "-metadata:s:s:1", "language=jpn", source),
    )
    (tmp_path / "带字幕 的.en.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nStent\n", encoding="utf-16")

    report, master = packaged(source, tmp_path / "out")

    described = report.as_json()["package"]
    assert [(one["language"], one["origin"], one["cues"]) for one in described["subtitles"]] == [
        ("en", "beside", 1),
        ("zh", "embedded", 2),
        ("ja", "embedded", 2),
    ]
    assert described["chapters"] == [
        {"start_s": 0.0, "end_s": 1.5, "title": "穿刺"},
        {"start_s": 1.5, "end_s": 3.0, "title": "栓塞"},
    ]
    # cut at the end of the pictures
    assert cues_in(tmp_path / "out", "zh") == [Cue(0.5, 1.5, "微导管"), Cue(2.0, 3.0, "释放 & 撤出")]
    assert 'TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="中文",LANGUAGE="zh",DEFAULT=NO,AUTOSELECT=YES' in master
    assert all('SUBTITLES="subtitles"' in line for line in master.splitlines() if line.startswith("#EXT-X-STREAM-INF"))
    playlist = (tmp_path / "out" / "subtitles" / "zh" / "index.m3u8").read_text(encoding="utf-8")
    assert "EXT-X-MAP" not in playlist
    assert sum(map(float, re.findall(r"#EXTINF:([0-9.]+)", playlist))) == pytest.approx(described["duration_s"])


def test_text_is_on_the_packages_clock_also_where_the_file_starts_late(tmp_path: Path) -> None:
    plain = make_recording(tmp_path / "plain.mp4", seconds=3, size="160x120", audio=False)
    (tmp_path / "zh.srt").write_text(SRT, encoding="utf-8")
    source = tmp_path / "late.mp4"
    run_tool(
        "-i",
        plain,
        "-i",
        tmp_path / "zh.srt",
        "-map",
        "0",
        "-map",
        "1",
        "-c",
        "copy",
        "-c:s",
        "mov_text",
        "-output_ts_offset",
        "7",
        source,
    )

    package_recording(source, tmp_path / "out")

    (name,) = [path.name for path in (tmp_path / "out" / "subtitles").iterdir()]
    assert cues_in(tmp_path / "out", name)[0].start_s == pytest.approx(0.5, abs=0.05)


def test_captions_inside_pictures_are_found_and_nowhere_else(shared: Path, tmp_path: Path) -> None:
    source = shared / "testdata" / "awkward" / "cea608_captions.ts"
    inspection = inspect(source)

    texts = read_texts(source, inspection, plan(inspection), tmp_path)

    (track,) = texts.tracks
    assert track.origin == "cea608"
    assert [cue.text for cue in track.cues] == ["First subtitle", "Second subtitle"]


def test_styled_text_comes_without_its_styles(shared: Path, tmp_path: Path) -> None:
    source = shared / "testdata" / "awkward" / "mkv_ass_subtitles_vfr.mkv"
    inspection = inspect(source)

    texts = read_texts(source, inspection, plan(inspection), tmp_path)

    assert [track.origin for track in texts.tracks] == ["embedded"]
    assert all("{" not in cue.text and "\\" not in cue.text for track in texts.tracks for cue in track.cues)


def test_a_file_beside_that_is_no_caption_file_is_a_warning_and_harms_nothing(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=1, size="160x120", audio=False)
    (tmp_path / "in.vtt").write_bytes(bytes(range(256)))
    (tmp_path / "in.backup.mp4").write_bytes(b"")
    (tmp_path / "other.srt").write_text(SRT, encoding="utf-8")

    report, master = packaged(source, tmp_path / "out")

    assert find_beside(source) == (tmp_path / "in.vtt",)
    assert report.warnings == ("A subtitle track could not be read and was left out.",)
    assert "SUBTITLES" not in master


def test_long_text_is_cut_into_segments_and_what_is_shown_over_an_edge_stands_in_both(tmp_path: Path) -> None:
    source = make_recording(tmp_path / "in.mp4", seconds=65, size="32x32", fps=1, audio=False)
    (tmp_path / "in.srt").write_text("1\n00:00:58,000 --> 00:01:03,000\n支架\n", encoding="utf-8")

    packaged(source, tmp_path / "out")

    files = sorted((tmp_path / "out" / "subtitles" / "und").glob("*.vtt"))
    assert [read_cues(file.read_bytes()) for file in files] == [[Cue(58.0, 63.0, "支架")]] * 2
