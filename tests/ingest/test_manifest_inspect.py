"""Every video of the shared test data, real, awkward and hostile, gets its expected answer from `inspect`."""

from __future__ import annotations

import json
import os
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import IngestError
from ingest.inspect import describe, inspect
from ingest.inspection import Inspection

REASONS = {
    "awkward/audio_only.mov": "no_video",
    "awkward/still_photo.heic": "still_image",
    "hostile/zero_byte.mp4": "empty",
    "hostile/truncated_no_moov.mp4": "truncated",
    "hostile/text_named.mp4": "not_media",
    "hostile/playlist_hls_local_file.mp4": "unsafe_reference",
    "hostile/ffconcat_local_file.mp4": "unsafe_reference",
    "hostile/ffconcat_sibling.mp4": "unsafe_reference",
    "hostile/svg_external_ref.mp4": "still_image",
    "hostile/huge_dimensions_y4m.mp4": "too_large",
    "hostile/encrypted_clearkey.mp4": "encrypted",
    "hostile/subtitles_xss.vtt": "not_media",
}
CANARY = Path("/tmp/videolib-canary.txt")


@pytest.fixture(scope="module")
def entries(shared: Path) -> dict[str, dict[str, Any]]:
    """The manifest's entries of files that are no DICOM, by name."""
    manifest = json.loads((shared / "testdata" / "manifest.json").read_text("utf-8"))
    return {entry["file"]: entry for entry in manifest["files"] if not entry["file"].endswith(".dcm")}


@pytest.fixture(scope="module")
def marker() -> str:
    """A random text in the canary file that hostile lists name."""
    text = f"CANARY-{os.urandom(8).hex()}"
    CANARY.write_text(text)
    return text


@pytest.fixture(scope="module")
def answers(
    shared: Path, entries: dict[str, Any], marker: str, tmp_path_factory: Any
) -> dict[str, Inspection | IngestError]:
    """What `inspect` answers for each file, in a folder where the neighbour's video lies beside the hostile ones."""
    folder = tmp_path_factory.mktemp("uploads")
    shutil.copy(shared / "testdata" / "surgical" / "us_sonosite_eye_720p.mp4", folder / "other_tenant.mp4")
    found: dict[str, Inspection | IngestError] = {}
    for name in entries:
        source = folder / Path(name).name
        shutil.copy(shared / "testdata" / name, source)
        try:
            found[name] = inspect(source)
        except IngestError as refused:
            found[name] = refused
        source.unlink()
    assert [path.name for path in folder.iterdir()] == ["other_tenant.mp4"]
    return found


def accepted(answers: dict[str, Inspection | IngestError]) -> dict[str, Inspection]:
    return {name: answer for name, answer in answers.items() if isinstance(answer, Inspection)}


def test_every_file_is_accepted_or_refused_as_expected(
    entries: dict[str, Any], answers: dict[str, Inspection | IngestError]
) -> None:
    wrong = {}
    for name, answer in answers.items():
        result = "ok" if isinstance(answer, Inspection) else "rejected"
        if result not in entries[name]["expected"]["result"].split("|"):
            wrong[name] = answer

    assert wrong == {}
    assert len(answers) == 43


def test_each_refusal_has_its_reason_and_a_sentence(answers: dict[str, Inspection | IngestError]) -> None:
    refused = {name: answer for name, answer in answers.items() if isinstance(answer, IngestError)}

    assert {name: answer.reason for name, answer in refused.items()} == REASONS
    assert all(str(answer).endswith(".") and not answer.may_retry for answer in refused.values())


def test_codecs_sizes_lengths_and_sound_are_those_of_the_manifest(
    entries: dict[str, Any], answers: dict[str, Inspection | IngestError]
) -> None:
    for name, answer in accepted(answers).items():
        stated = entries[name]["ffprobe"]
        video = stated["video"][0]
        assert (answer.video.codec, f"{answer.video.width}x{answer.video.height}") == (video["codec"], video["size"]), (
            name
        )
        assert answer.container == stated["container"]
        assert [sound.codec for sound in answer.audio] == [sound["codec"] for sound in stated["audio"]], name
        # the whole file's length is the longest track's, or begins before a video that comes late
        assert answer.duration_s <= stated["duration_s"] + 0.05, name
        assert answer.duration_s >= 0.85 * stated["duration_s"], name
        assert answer.video.interlaced == (video.get("field") == "tt"), name
        assert json.dumps(describe(answer)), name


def test_as_many_seconds_are_promised_as_ffmpeg_decodes(
    entries: dict[str, Any], answers: dict[str, Inspection | IngestError]
) -> None:
    checked = 0
    for name, answer in accepted(answers).items():
        decoded = entries[name]["decode_ffmpeg"]["9.0.2"]["frames"]
        if answer.video.is_vfr or decoded == 400:  # the manifest counts no further
            continue
        checked += 1
        assert decoded / float(answer.video.fps) == pytest.approx(
            answer.duration_s, abs=1.1 / float(answer.video.fps) + 0.05
        ), name
    assert checked >= 25


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("awkward/rotate_and_reflect.mp4", {"rotation": 90, "mirrored": True, "display_width": 720}),
        (
            "awkward/iphone_hlg_dolbyvision_rot90.mov",
            {"rotation": 90, "mirrored": False, "hdr": "hlg", "bit_depth": 10},
        ),
        ("awkward/hdr10_pq_av1_720x1280.mp4", {"hdr": "pq", "bit_depth": 10, "fps": Fraction(30000, 1001)}),
        ("awkward/mpegps_576i_pal_sar16-15_2audio.mpg", {"interlaced": True, "display_width": 768, "start_s": 0.54}),
        ("awkward/first_pts_10s_sar.mp4", {"start_s": 10.0, "display_width": 1137}),
        ("awkward/edit_list_positive_shift.mp4", {"start_s": 1.0, "duration_s": 9.0}),
        ("awkward/yuv444_sar3-4_1fps.mp4", {"display_width": 240, "full_range": True, "fps": Fraction(1)}),
        ("awkward/vfr_lecture_640x480.mov", {"is_vfr": True}),
        ("awkward/mkv_ass_subtitles_vfr.mkv", {"is_vfr": False, "fps": Fraction(30)}),
        ("awkward/flv_5_1_audio_720p.flv", {"fps": Fraction(25), "duration_s": 11.0}),
        ("awkward/odd_161x121_vp9.webm", {"width": 161, "height": 121, "fps": Fraction(30000, 1001)}),
        ("awkward/empty_second_video_track.mp4", {"index": 0, "fps": Fraction(30000, 1001)}),
        ("surgical/lap_240p_mjpeg_noaudio.avi", {"full_range": True, "frames": 20}),
    ],
)
def test_what_is_awkward_about_a_file_is_known(
    answers: dict[str, Inspection | IngestError], name: str, facts: dict[str, Any]
) -> None:
    video = accepted(answers)[name].video

    assert {fact: getattr(video, fact) for fact in facts} == pytest.approx(facts)


def test_the_canary_and_the_neighbour_are_nowhere_in_the_answers(
    answers: dict[str, Inspection | IngestError], marker: str
) -> None:
    for name, answer in answers.items():
        text = repr(answer) if isinstance(answer, Inspection) else f"{answer} {answer.__cause__!r} {answer.__dict__}"
        assert marker not in text, name
    assert not isinstance(answers["hostile/ffconcat_sibling.mp4"], Inspection)


@pytest.mark.parametrize(
    "name",
    [
        "surgical/lap_240p_mjpeg_noaudio.avi",
        "awkward/iphone_hlg_dolbyvision_rot90.mov",
        "awkward/hdr10_pq_av1_720x1280.mp4",
        "awkward/edit_list_positive_shift.mp4",
        "awkward/vfr_lecture_640x480.mov",
        "awkward/cea608_captions.ts",
        "awkward/mpegps_576i_pal_sar16-15_2audio.mpg",
        "awkward/vvc_h266.mp4",
        "hostile/duration_lie.mp4",
    ],
)
def test_the_full_look_agrees(shared: Path, name: str) -> None:
    source = shared / "testdata" / name

    assert inspect(source, full=True) == inspect(source)
