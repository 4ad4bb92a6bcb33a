"""Hostile files against `inspect`: nothing beside them is opened or connected to, memory and time stay bounded."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import ffmpeg
from ingest.errors import SENTENCES, Refused, ToolFailed
from ingest.ffmpeg import Limits, run_ffmpeg
from ingest.inspect import inspect
from ingest.probe import probe
from ingest.sandbox import TIERS, Tier
from tests.conftest import need

LIMITS = Limits(cpu_s=60, wall_s=60)
MARKER = "CANARY-71c5"


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Tier:
    """Each sandbox tier in turn, in force for the test."""
    wanted: Tier = request.param
    need(wanted in set(ffmpeg.each_tier()), f"sandbox tier {wanted}: bubblewrap and user namespaces")
    tools = replace(ffmpeg.find_tools(), sandbox=wanted)
    monkeypatch.setattr(ffmpeg, "find_tools", lambda: tools)
    return wanted


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of test picture with its index in front."""
    folder = tmp_path_factory.mktemp("clip")
    picture = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-t", "1"]
    arguments = [*picture, "-c:v", "libx264", "-movflags", "faststart", "{out}/clip.mp4"]
    run_ffmpeg(arguments, source=None, out=folder, limits=LIMITS)
    return folder / "clip.mp4"


@pytest.fixture
def neighbourhood(tmp_path: Path, clip: Path) -> Path:
    """A folder with another tenant's video and a secret text beside what is uploaded."""
    shutil.copy(clip, tmp_path / "other_tenant.mp4")
    (tmp_path / "canary.txt").write_text(f"{MARKER}\n")
    return tmp_path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that nobody may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        yield server


def lists_of_files(folder: Path, port: int) -> dict[str, bytes]:
    """Texts that name other files and addresses, in the shapes that players know."""
    near, far = f"file://{folder}/canary.txt", f"http://127.0.0.1:{port}/x"
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{near}\n#EXTINF:9,\n{far}\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile other_tenant.mp4\nfile '{folder}/canary.txt'\n"
    return {
        "hls": hls.encode(),
        "hls after a byte order mark": b"\xef\xbb\xbf" + hls.encode(),
        "hls after white space": b"\n\n  " + hls.encode(),
        "hls in UTF-16": hls.encode("utf-16"),
        "ffconcat": concat.encode(),
        "bare concat": b"file other_tenant.mp4\n",
        "dash": f'<?xml version="1.0"?>\n<MPD><BaseURL>{far}</BaseURL></MPD>'.encode(),
        "smil": f'<smil><body><video src="{far}"/></body></smil>'.encode(),
        "asx": f'<asx version="3.0"><entry><ref href="{far}"/></entry></asx>'.encode(),
        "pls": f"[playlist]\nFile1={far}\n".encode(),
        "asf reference": f"[Reference]\nRef1={far}\n".encode(),
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n".encode(),
        "address": far.encode(),
        "subfile": f"subfile,,start,0,end,9,,:{folder}/canary.txt".encode(),
    }


def answer_of(source: Path) -> str:
    """The reason of refusal, or "accepted"; an accepted clip keeps its true length."""
    try:
        inspection = inspect(source)
    except Refused as refused:
        return refused.reason
    assert 0 < inspection.duration_s <= 1.1
    return "accepted"


class TestLists:
    def test_every_list_of_files_is_refused_and_nothing_it_names_is_opened(
        self, neighbourhood: Path, listener: socket.socket, caplog: pytest.LogCaptureFixture
    ) -> None:
        reasons = {}
        with caplog.at_level(logging.DEBUG):
            for name, text in lists_of_files(neighbourhood, listener.getsockname()[1]).items():
                source = neighbourhood / "upload.mp4"
                source.write_bytes(text)
                with pytest.raises(Refused) as refused:
                    inspect(source)
                reasons[name] = refused.value.reason
                assert MARKER not in str(refused.value)

        with pytest.raises(TimeoutError):
            listener.accept()
        assert reasons.pop("subfile") in {"unsafe_reference", "not_media"}
        assert set(reasons.values()) == {"unsafe_reference"}, reasons
        assert MARKER not in caplog.text

    @pytest.mark.usefixtures("tier")
    def test_without_the_first_look_the_whitelists_alone_stop_them(
        self, neighbourhood: Path, listener: socket.socket
    ) -> None:
        for text in lists_of_files(neighbourhood, listener.getsockname()[1]).values():
            source = neighbourhood / "upload.mp4"
            source.write_bytes(text)
            with pytest.raises(ToolFailed) as failed:
                probe(source)
            assert MARKER not in failed.value.stderr_tail

        with pytest.raises(TimeoutError):
            listener.accept()

    def test_a_list_behind_the_first_bytes_of_a_video_is_no_way_in(
        self, neighbourhood: Path, listener: socket.socket
    ) -> None:
        port = listener.getsockname()[1]
        for text in lists_of_files(neighbourhood, port).values():
            source = neighbourhood / "upload.mp4"
            source.write_bytes(b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00" + text)
            with pytest.raises(Refused):
                inspect(source)

        with pytest.raises(TimeoutError):
            listener.accept()


class TestBombs:
    def patched(self, clip: Path, folder: Path, box: bytes, offset: int, value: bytes) -> Path:
        whole = bytearray(clip.read_bytes())
        at = whole.index(box) + 4 + offset
        whole[at : at + len(value)] = value
        source = folder / "bomb.mp4"
        source.write_bytes(whole)
        return source

    @pytest.mark.parametrize(("box", "offset"), [(b"stsz", 8), (b"stts", 4), (b"ctts", 4), (b"stsc", 4), (b"stco", 4)])
    def test_a_table_of_four_billion_samples_costs_no_memory(
        self, clip: Path, tmp_path: Path, box: bytes, offset: int
    ) -> None:
        source = self.patched(clip, tmp_path, box, offset, b"\xff\xff\xff\xff")

        # the same look with a tenth of the memory ends the same way: nothing was reserved for the lie
        outcomes = set()
        for memory_mib in (4096, 400):
            limits = Limits(cpu_s=20, wall_s=30, memory_bytes=memory_mib * 1024**2, file_bytes=0)
            try:
                ffmpeg.run_ffprobe(["-v", "error", "-show_streams", "-i", "{source}"], source=source, limits=limits)
                outcomes.add("read")
            except ToolFailed as failure:
                outcomes.add("refused" if failure.is_inputs_fault else "killed")
        assert len(outcomes) == 1
        assert "killed" not in outcomes
        assert answer_of(source) in {"accepted", "corrupt", "truncated", "too_short", "no_video"}

    def test_a_header_of_65535_pixels_is_not_believed(self, tmp_path: Path) -> None:
        huge = tmp_path / "huge.avi"
        picture = ["-f", "lavfi", "-i", "color=size=64x64:rate=5", "-t", "1", "-c:v", "rawvideo", "{out}/huge.avi"]
        run_ffmpeg(picture, source=None, out=tmp_path, limits=LIMITS)
        whole = bytearray(huge.read_bytes())
        at = whole.index(b"strf") + 8
        struct.pack_into("<ii", whole, at + 4, 65535, 65535)
        huge.write_bytes(whole)

        with pytest.raises(Refused) as refused:
            inspect(huge)

        assert refused.value.reason in {"too_large", "corrupt", "unsupported"}

    def test_two_hundred_tracks_are_looked_at_in_bounded_time(self, clip: Path, tmp_path: Path) -> None:
        maps = ["-map", "0:v"] * 200
        many = ["-i", "{source}", *maps, "-c", "copy", "{out}/many.mkv"]
        run_ffmpeg(many, source=clip, out=tmp_path, limits=LIMITS)

        inspection = inspect(tmp_path / "many.mkv")

        assert inspection.video.index == 0
        assert inspection.duration_s == pytest.approx(1, abs=0.1)

    @pytest.mark.parametrize("header", [b"mvhd", b"mdhd"])
    def test_a_length_that_a_header_invents_is_not_stored(self, clip: Path, tmp_path: Path, header: bytes) -> None:
        # version 0: flags 4, two dates 8, time scale 4, then the length
        source = self.patched(clip, tmp_path, header, 16, b"\x7f\xff\xff\xf0")

        assert inspect(source).duration_s == pytest.approx(1, abs=0.05)

    @pytest.mark.parametrize("seed", range(6))
    def test_random_damage_gives_an_answer(self, clip: Path, tmp_path: Path, seed: int) -> None:
        whole = bytearray(clip.read_bytes())
        noise = bytes((seed * 7919 + number * 104729) % 256 for number in range(40))
        for number, value in enumerate(noise):
            whole[(seed * 31 + number * 97 + 40) % 3000] = value
        source = tmp_path / "damaged.mp4"
        source.write_bytes(whole)

        assert answer_of(source) in {"accepted", *SENTENCES} - {"tool_failed", "no_space", "store_unavailable"}


class TestNames:
    def test_a_recording_is_accepted_under_any_name_that_a_folder_can_hold(
        self, shared: Path, clip: Path, tmp_path: Path
    ) -> None:
        manifest = json.loads((shared / "testdata" / "manifest.json").read_text("utf-8"))
        names = [name.replace("/", "∕").split("\x00")[0] for name in manifest["hostile_upload_names"]]
        for name in ["-rf", "{source}", "{out}", *names]:
            while len(os.fsencode(name)) > 255:
                name = name[:-1]  # noqa: PLW2901 - as long as a file system allows
            source = tmp_path / name
            shutil.copy(clip, source)

            assert inspect(source).duration_s == pytest.approx(1, abs=0.05), name

            source.unlink()
        assert not list(tmp_path.glob("pwn*"))
