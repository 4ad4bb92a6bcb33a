"""Every file of the shared test data gives the result that its manifest names, and nothing leaks.

Each file is packaged once, in a folder of its own, beside a neighbour's video and with a canary in /tmp. What came
out (files, answer, log) is then looked at from all sides.
"""

from __future__ import annotations

import json
import logging
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import m3u8
import numpy as np
import pydicom
import pytest
from PIL import Image

from config.ladder import SEGMENT_S
from ingest.pipeline import Method, package_recording, refused_report
from tests.conftest import ROOT
from tests.samples import make_recording, probe

CANARY = Path("/tmp/videolib-canary.txt")
# what a refusal says of each file that must be refused
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
    "hostile/dicom_frames_lie.dcm": "truncated",
    "hostile/subtitles_xss.vtt": "not_media",
}
# sound that begins before the pictures is kept: the package is longer than the pictures by that
LEADS_S = {"awkward/edit_list_positive_shift.mp4": 1.0, "hostile/html_mp4_polyglot.mp4": 0.08}
# sizes of the largest rendition where it is not the coded size: turned, square pixels, made even
SHOWN_SIZES = {
    "awkward/mpegps_576i_pal_sar16-15_2audio.mpg": (768, 576),
    "awkward/rotate_and_reflect.mp4": (720, 1080),
    "awkward/iphone_hlg_dolbyvision_rot90.mov": (720, 1280),
    "awkward/first_pts_10s_sar.mp4": (1138, 640),
    "awkward/odd_161x121_vp9.webm": (162, 122),
    "awkward/yuv444_sar3-4_1fps.mp4": (240, 180),
}
# the published names and numbers inside the DICOM files' headers that no output may repeat
IDENTIFYING = ("PatientName", "PatientID", "PatientBirthDate", "InstitutionName", "StudyInstanceUID", "AccessionNumber")


def _entries() -> list[dict[str, Any]]:
    manifest = Path(_shared()) / "testdata" / "manifest.json"
    if not manifest.is_file():
        return []
    files: list[dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    return files


def _shared() -> Path:
    import os  # noqa: PLC0415 - parameters are collected before any fixture can say where the folder lies

    return (ROOT / os.environ.get("VIDEOLIB_TEST_SHARED", "../shared")).resolve()


ENTRIES = {entry["file"]: entry for entry in _entries()}
ACCEPTED = [name for name, entry in ENTRIES.items() if entry["expected"]["result"] == "ok"]


@dataclass(frozen=True)
class Outcome:
    """What packaging one file left: the answer, the folder it worked in, and all that was logged."""

    answer: dict[str, Any]
    folder: Path
    log: str

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """All bytes that were written, under a name for messages."""
        yield "answer", json.dumps(self.answer, ensure_ascii=False).encode()
        yield "log", self.log.encode()
        if self.out.exists():
            for path in self.out.rglob("*"):
                if path.is_file():
                    yield path.relative_to(self.out).as_posix(), path.read_bytes()


class Packager:
    """Packages each file once, when the first test asks for it."""

    def __init__(self, shared: Path, work: Path) -> None:
        self.marker = f"canary-{uuid.uuid4().hex}"
        self._shared, self._work = shared, work
        self._neighbour = make_recording(work / "neighbour.mp4", seconds=3, size="320x240", pattern="smptebars")
        self._outcomes: dict[str, Outcome] = {}

    def outcome(self, name: str) -> Outcome:
        if name not in self._outcomes:
            self._outcomes[name] = self._package(name, self._work / str(len(self._outcomes)))
        return self._outcomes[name]

    def _package(self, name: str, folder: Path) -> Outcome:
        folder.mkdir()
        source = folder / Path(name).name
        shutil.copyfile(self._shared / "testdata" / name, source)
        shutil.copyfile(self._neighbour, folder / "other_tenant.mp4")
        lines: list[str] = []
        listener = _Listener(lines)
        root, level = logging.getLogger(), logging.getLogger().level
        root.addHandler(listener)
        root.setLevel(logging.DEBUG)
        try:
            answer = refused_report(source, lambda: package_recording(source, folder / "out"))
        finally:
            root.removeHandler(listener)
            root.setLevel(level)
        answer["path"] = source.name
        return Outcome(answer, folder, "\n".join(lines))


class _Listener(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@pytest.fixture(scope="session")
def packager(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packager]:
    made = Packager(shared, tmp_path_factory.mktemp("manifest"))
    CANARY.write_text(made.marker)
    yield made
    CANARY.unlink(missing_ok=True)


def test_the_manifest_is_read_and_holds_what_these_tests_know(shared: Path) -> None:
    assert len(ENTRIES) == 51
    rejected = {name for name, entry in ENTRIES.items() if entry["expected"]["result"] == "rejected"}
    assert rejected <= set(REASONS) <= set(ENTRIES)
    assert set(SHOWN_SIZES) <= set(ACCEPTED)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ENTRIES)
def test_a_file_gives_the_result_that_its_manifest_names(name: str, packager: Packager) -> None:
    outcome = packager.outcome(name)

    assert outcome.answer["state"] in _states(ENTRIES[name]["expected"]["result"])
    kept = {path.name for path in outcome.folder.iterdir()}
    expected = {Path(name).name, "other_tenant.mp4"}
    if outcome.answer["state"] == "ready":
        assert kept == expected | {"out"}
        assert outcome.answer["reason"] is None
    else:
        assert kept == expected
        assert outcome.answer["reason"]["code"] == REASONS[name]
        assert outcome.answer["reason"]["message"].endswith(".")
    for where, content in outcome.everything():
        assert packager.marker.encode() not in content, where


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ACCEPTED)
def test_a_package_is_true_of_its_recording(name: str, packager: Packager) -> None:
    answer, out = packager.outcome(name).answer, packager.outcome(name).out
    source, made = answer["source"], answer["package"]

    over_s = made["duration_s"] - source["duration_s"] - LEADS_S.get(name, 0.0)
    assert abs(over_s) <= 1 / source["fps"] + 0.001
    top = made["renditions"][0]
    assert (top["width"], top["height"]) == SHOWN_SIZES.get(name, (source["width"], source["height"]))
    if name not in SHOWN_SIZES:
        assert source["width"] % 2 == source["height"] % 2 == 0
    assert bool(made["audio"]) == (source["audio_codec"] is not None)
    for playlist in m3u8.load(str(out / "master.m3u8")).playlists:
        stream = probe(out / playlist.uri, "stream=start_time,codec_name,pix_fmt:format=duration", stream="v")
        video = stream["streams"][0]
        assert float(video["start_time"]) == 0
        assert (video["codec_name"], video["pix_fmt"]) == ("h264", "yuv420p")
        # the playlist's length, as ffprobe adds it up
        assert float(stream["format"]["duration"]) == pytest.approx(made["duration_s"], abs=0.001)
    for sound in made["audio"]:
        length_s = float(probe(out / "audio" / sound["name"] / "index.m3u8", "format=duration")["format"]["duration"])
        assert length_s == pytest.approx(made["duration_s"], abs=max(0.05, 1 / source["fps"]))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ENTRIES)
def test_cutting_into_chunks_changes_nothing_that_can_be_seen(name: str, packager: Packager, tmp_path: Path) -> None:
    whole = packager.outcome(name)
    length_s = whole.answer["source"]["duration_s"] if whole.answer["state"] == "ready" else 0.0
    if 0 < length_s < 1.5 * SEGMENT_S:  # nothing to cut
        return
    source = tmp_path / Path(name).name
    shutil.copyfile(whole.folder / Path(name).name, source)
    method = Method(chunk_s=max(SEGMENT_S, length_s / 3))

    answer = refused_report(source, lambda: package_recording(source, tmp_path / "out", method=method))

    assert (answer["state"], answer["reason"]) == (whole.answer["state"], whole.answer["reason"])
    if answer["state"] == "ready":
        assert answer["package"]["duration_s"] == pytest.approx(whole.answer["package"]["duration_s"], abs=0.001)
        names = [
            [(one["name"], one["width"], one["height"], one["copied"]) for one in made["package"]["renditions"]]
            for made in (answer, whole.answer)
        ]
        assert names[0] == names[1]
        for one in answer["package"]["renditions"]:
            assert _times(tmp_path / "out", one["name"]) == pytest.approx(_times(whole.out, one["name"]), abs=1e-4)


@pytest.mark.parametrize("name", [name for name in ACCEPTED if name.endswith(".dcm")])
def test_nothing_of_a_dicom_header_is_in_what_comes_out(name: str, packager: Packager, shared: Path) -> None:
    header = pydicom.dcmread(shared / "testdata" / name, stop_before_pixels=True)
    secrets = {str(header.get(keyword, "")) for keyword in IDENTIFYING}
    secrets = {secret for secret in secrets if len(secret) > 3}
    assert secrets

    for where, content in packager.outcome(name).everything():
        for secret in secrets:
            assert secret.encode() not in content, where


def test_hostile_tags_are_in_no_output(packager: Packager) -> None:
    outcome = packager.outcome("hostile/metadata_injection.mp4")
    hostile = (b"<script", b"DROP TABLE", b"/etc/passwd")
    tags = [tag for tag in hostile if tag in (outcome.folder / "metadata_injection.mp4").read_bytes()]

    assert tags
    for where, content in outcome.everything():
        for tag in tags:
            assert tag not in content, where


def test_the_neighbours_pictures_are_in_no_poster(packager: Packager) -> None:
    neighbour = packager.outcome("hostile/ffconcat_sibling.mp4").folder / "other_tenant.mp4"
    own = package_recording(neighbour, neighbour.parent / "neighbour")
    assert own.as_json()["state"] == "ready"
    bars = _tiny(neighbour.parent / "neighbour" / "poster.jpg")

    for name in ACCEPTED:
        if name.startswith("hostile/"):
            poster = _tiny(packager.outcome(name).out / "poster.jpg")
            assert np.abs(poster - bars).mean() > 20
    assert not packager.outcome("hostile/ffconcat_sibling.mp4").out.exists()


def _times(out: Path, name: str) -> list[float]:
    packets = probe(out / "video" / name / "index.m3u8", "packet=pts_time", stream="v")["packets"]
    return sorted(float(packet["pts_time"]) for packet in packets)


def _states(expected: str) -> set[str]:
    return {{"ok": "ready", "rejected": "rejected"}[word] for word in expected.split("|")}


def _tiny(picture: Path) -> Any:
    with Image.open(picture) as image:
        return np.asarray(image.convert("L").resize((16, 12)), dtype=np.int16)
