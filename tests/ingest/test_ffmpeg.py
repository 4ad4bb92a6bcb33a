"""The runner of media tools: every wall, limit and watchdog, with the real tools, on every tier this machine has."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import ffmpeg
from ingest.errors import Cancelled, ToolFailed
from ingest.ffmpeg import Limits, Progress, Watch, run_ffmpeg, run_ffprobe
from ingest.sandbox import TIERS, Tier
from ingest.tools import is_new_enough, parse_version, whitelist
from tests.conftest import ROOT, need

LIMITS = Limits(cpu_s=60, wall_s=60)
PICTURES = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
# after two pictures the next one is far away: progress stands still
STANDING = [*("-readrate", "0.001", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=1"), "-f", "null", "-"]


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Tier:
    """Each sandbox tier in turn, in force for the test."""
    wanted: Tier = request.param
    need(wanted in set(ffmpeg.each_tier()), f"sandbox tier {wanted}: bubblewrap and user namespaces")
    tools = replace(ffmpeg.find_tools(), sandbox=wanted)
    monkeypatch.setattr(ffmpeg, "find_tools", lambda: tools)
    return wanted


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder that a tool may write to; its random name also marks the tool's processes."""
    folder = tmp_path / f"out-{os.urandom(6).hex()}"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of test picture."""
    folder = tmp_path_factory.mktemp("clip")
    run_ffmpeg([*PICTURES, "-t", "2", "-c:v", "mpeg4", "{out}/clip.mp4"], source=None, out=folder, limits=LIMITS)
    return folder / "clip.mp4"


def processes_in(folder: Path) -> list[int]:
    """Processes whose working directory is a folder (inside bubblewrap: whose parent's is)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            inside = (entry / "cwd").readlink() == folder
        except OSError:
            continue
        if inside or str(folder).encode() in words:
            found.append(int(entry.name))
    return found


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class TestTools:
    def test_the_tools_are_new_enough_and_say_which_wall_is_in_force(self) -> None:
        tools = ffmpeg.find_tools()

        assert is_new_enough(parse_version(f"version {tools.ffmpeg_version}")[1])
        assert is_new_enough(parse_version(f"version {tools.ffprobe_version}")[1])
        assert tools.sandbox == next(ffmpeg.each_tier())

    @pytest.mark.parametrize(
        ("line", "is_new"),
        [
            ("ffmpeg version 5.1.9-0+deb12u1 Copyright", False),
            ("ffmpeg version n8.1.1 Copyright", False),
            ("ffmpeg version n8.1.2 Copyright", True),
            ("ffmpeg version 9.0 Copyright", True),
            ("ffmpeg version 10.0.1-static Copyright", True),
            ("ffmpeg version N-120000-gdeadbeef Copyright", False),
            ("no such thing", False),
        ],
    )
    def test_versions_are_compared_as_numbers(self, line: str, is_new: bool) -> None:
        assert is_new_enough(parse_version(line)[1]) is is_new

    def test_a_bubblewrap_that_the_kernel_forbids_is_noticed_and_the_next_wall_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = tmp_path / "bwrap"
        broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
        broken.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        ffmpeg.find_tools.cache_clear()
        try:
            found = ffmpeg.find_tools()
        finally:
            ffmpeg.find_tools.cache_clear()

        assert found.sandbox in {"unshare", "limits"}

    def test_every_input_gets_the_whitelists(self) -> None:
        guarded = whitelist(["-i", "{source}", "-ss", "3", "-i", "{source}", "x.mp4"], foreign=True)

        assert guarded.count("-format_whitelist") == guarded.count("-codec_whitelist") == 2
        assert guarded[guarded.index("-protocol_whitelist") + 1] == "file"
        assert not {"concat", "hls", "lavfi", "rawvideo", "image2"} & set(
            guarded[guarded.index("-format_whitelist") + 1].split(",")
        )


class TestRun:
    @pytest.mark.usefixtures("tier")
    def test_a_recording_is_read_and_its_result_written_whatever_its_name(self, clip: Path, out: Path) -> None:
        source = out.parent / "-i 患者 $(touch pwn)\n'\"%03d.mp4"
        source.write_bytes(clip.read_bytes())

        run = run_ffmpeg(["-i", "{source}", "-c", "copy", "{out}/copy.mp4"], source=source, out=out, limits=LIMITS)

        assert run.stderr_tail == ""
        assert [path.name for path in out.iterdir()] == ["copy.mp4"]
        asked = ["-show_entries", "format=format_name", "-of", "csv=p=0", "-i", "{source}"]
        assert b"mov" in run_ffprobe(asked, source=out / "copy.mp4", limits=Limits.for_probe()).stdout

    @pytest.mark.usefixtures("tier")
    def test_progress_grows_to_the_end_and_cpu_seconds_are_counted(self, clip: Path, out: Path) -> None:
        reports: list[Progress] = []
        arguments = ["-stream_loop", "20", "-i", "{source}", "-vf", "scale=1280:720", "-f", "null", "-"]

        run = run_ffmpeg(arguments, source=clip, out=out, limits=LIMITS, watch=Watch(on_progress=reports.append))

        assert [report.out_time_s for report in reports] == sorted(report.out_time_s for report in reports)
        assert reports[-1].frame == 21 * 50
        assert reports[-1].out_time_s == pytest.approx(42, abs=0.5)
        assert run.cpu_s > 0.1

    @pytest.mark.usefixtures("tier")
    def test_full_pipes_never_block(self, clip: Path) -> None:
        arguments = ["-v", "debug", "-i", "{source}", "-vf", "scale=960:540", "-f", "rawvideo", "pipe:1"]

        run = run_ffmpeg(arguments, source=clip, out=None, limits=LIMITS)

        assert len(run.stdout) == 50 * 960 * 540 * 3 // 2
        assert 0 < len(run.stderr_tail) <= ffmpeg.STDERR_TAIL_BYTES

    @pytest.mark.usefixtures("tier")
    def test_pictures_are_fed_through_stdin(self, out: Path) -> None:
        raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "64x64", "-r", "10", "-i", "pipe:0"]

        run_ffmpeg(
            [*raw, "-c:v", "ffv1", "{out}/cine.mkv"],
            source=None,
            out=out,
            limits=LIMITS,
            feed=(bytes([picture]) * 64 * 64 for picture in range(30)),
        )

        back = run_ffmpeg(
            ["-i", "{source}", "-f", "rawvideo", "pipe:1"], source=out / "cine.mkv", out=None, limits=LIMITS
        )
        assert back.stdout == b"".join(bytes([picture]) * 64 * 64 for picture in range(30))

    @pytest.mark.usefixtures("tier")
    def test_what_the_feeder_raises_comes_out_and_no_process_stays(self, out: Path) -> None:
        def pictures() -> Iterator[bytes]:
            yield bytes(64 * 64)
            raise ZeroDivisionError

        raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "64x64", "-i", "pipe:0"]
        with pytest.raises(ZeroDivisionError):
            run_ffmpeg([*raw, "-f", "null", "-"], source=None, out=out, limits=LIMITS, feed=pictures())

        assert wait_until(lambda: not processes_in(out))

    def test_the_log_can_be_pasted_and_holds_no_name(
        self, clip: Path, out: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        source = out.parent / "WANG^XIAOMING 1960.mp4"
        source.write_bytes(clip.read_bytes()[:2000])

        with caplog.at_level(logging.DEBUG), pytest.raises(ToolFailed) as failed:
            run_ffmpeg(["-i", "{source}", "{out}/a b.mp4"], source=source, out=out, limits=LIMITS)

        assert "ffmpeg -i src './a b.mp4'" in caplog.text
        assert "WANG" not in caplog.text + failed.value.stderr_tail + str(failed.value)


class TestLimits:
    @pytest.mark.usefixtures("tier")
    def test_a_run_that_stands_still_is_stopped(self, out: Path) -> None:
        with pytest.raises(ToolFailed, match="stood still"):
            run_ffmpeg(STANDING, source=None, out=out, limits=LIMITS, watch=Watch(stall_s=1.0))

        assert wait_until(lambda: not processes_in(out))

    @pytest.mark.usefixtures("tier")
    def test_a_run_that_takes_too_long_is_stopped(self, out: Path) -> None:
        with pytest.raises(ToolFailed, match="too long"):
            run_ffmpeg(STANDING, source=None, out=out, limits=Limits(cpu_s=60, wall_s=1.0))

        assert wait_until(lambda: not processes_in(out))

    @pytest.mark.usefixtures("tier")
    def test_a_cancelled_run_is_stopped(self, out: Path) -> None:
        asked = threading.Event()
        threading.Timer(0.5, asked.set).start()

        with pytest.raises(Cancelled):
            run_ffmpeg(STANDING, source=None, out=out, limits=LIMITS, watch=Watch(cancelled=asked.is_set))

        assert wait_until(lambda: not processes_in(out))

    @pytest.mark.usefixtures("tier")
    def test_computing_time_is_limited(self, out: Path) -> None:
        heavy = ["-f", "lavfi", "-i", "mandelbrot=size=1280x720:maxiter=20000", "-f", "null", "-"]

        with pytest.raises(ToolFailed, match="computing time"):
            run_ffmpeg(heavy, source=None, out=out, limits=Limits(cpu_s=2, wall_s=60))

    @pytest.mark.usefixtures("tier")
    def test_memory_is_limited(self, out: Path) -> None:
        # one picture of 8192 x 8192 needs 100 MB, the scaler several
        arguments = ["-f", "lavfi", "-i", "color=size=8192x8192:rate=1", "-frames:v", "4", "-f", "null", "-"]
        run_ffmpeg(arguments, source=None, out=out, limits=LIMITS)

        with pytest.raises(ToolFailed):
            run_ffmpeg(arguments, source=None, out=out, limits=replace(LIMITS, memory_bytes=192 * 1024**2))

    @pytest.mark.usefixtures("tier")
    def test_a_file_over_the_limit_is_a_failure_and_no_lack_of_space(self, out: Path) -> None:
        arguments = [*PICTURES, "-t", "2", "-c:v", "rawvideo", "{out}/big.avi"]

        with pytest.raises(ToolFailed, match="far more than it should") as failed:
            run_ffmpeg(arguments, source=None, out=out, limits=replace(LIMITS, file_bytes=100_000))

        assert failed.value.reason == "tool_failed"
        assert (out / "big.avi").stat().st_size <= 100_000

    def test_the_tool_dies_with_its_worker_even_by_sigkill(self, tier: Tier, out: Path) -> None:
        program = (
            "import dataclasses, pathlib, sys\n"
            "from ingest import ffmpeg\n"
            "tools = dataclasses.replace(ffmpeg.find_tools(), sandbox=sys.argv[1])\n"
            "ffmpeg.find_tools = lambda: tools\n"
            "ffmpeg.run_ffmpeg(sys.argv[3:], source=None, out=pathlib.Path(sys.argv[2]),\n"
            "                  limits=ffmpeg.Limits(60, 60.0))\n"
        )
        worker = subprocess.Popen([sys.executable, "-c", program, tier, str(out), *STANDING], cwd=ROOT)
        # the worker itself names the folder too
        assert wait_until(lambda: len(processes_in(out)) >= 2, 20)

        worker.send_signal(signal.SIGKILL)
        worker.wait()

        assert wait_until(lambda: not processes_in(out))


class TestWalls:
    def test_only_bubblewrap_hides_the_host_and_it_does(self, tier: Tier, out: Path) -> None:
        canary = out.parent / "canary.txt"
        canary.write_bytes(b"MARKER-0123456789")
        arguments = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "4x4", "-i", str(canary), "-f", "rawvideo", "pipe:1"]

        if tier == "bwrap":
            with pytest.raises(ToolFailed) as failed:
                run_ffmpeg(arguments, source=None, out=out, limits=LIMITS)
            assert "No such file or directory" in failed.value.stderr_tail
        else:  # the control: what is said of these tiers is true, and the canary would be found
            assert b"MARKER" in run_ffmpeg(arguments, source=None, out=out, limits=LIMITS).stdout

    def test_the_source_cannot_be_written_inside_bubblewrap(self, clip: Path, out: Path) -> None:
        need("bwrap" in set(ffmpeg.each_tier()), "bubblewrap")
        before = clip.read_bytes()

        with pytest.raises(ToolFailed) as failed:
            run_ffmpeg(["-i", "{source}", "-f", "mpegts", "-y", "file:{source}"], source=clip, out=out, limits=LIMITS)

        assert "same as Input" in failed.value.stderr_tail or "Read-only" in failed.value.stderr_tail
        with pytest.raises(ToolFailed):
            run_ffmpeg(["-i", "{source}", "-f", "mpegts", "/in/other"], source=clip, out=out, limits=LIMITS)
        assert clip.read_bytes() == before

    def test_there_is_no_network_behind_the_walls(self, tier: Tier, out: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(2.0)
            address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
            arguments = [*PICTURES, "-t", "0.1", "-c:v", "mpeg4", "-f", "mpegts", address]
            if tier == "limits":  # the control: with a network it connects
                run_ffmpeg(arguments, source=None, out=out, limits=LIMITS)
                listener.accept()[0].close()
            else:
                with pytest.raises(ToolFailed):
                    run_ffmpeg(arguments, source=None, out=out, limits=LIMITS)
                with pytest.raises(TimeoutError):
                    listener.accept()

    @pytest.mark.usefixtures("tier")
    def test_a_list_of_files_is_no_input_on_any_tier(self, clip: Path, out: Path) -> None:
        (out.parent / "other_tenant.mp4").write_bytes(clip.read_bytes())
        lists = {
            "concat.mp4": "ffconcat version 1.0\nfile other_tenant.mp4\n",
            "absolute.mp4": f"ffconcat version 1.0\nfile '{clip}'\n",
            "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{clip}\n#EXT-X-ENDLIST\n",
        }
        for name, text in lists.items():
            source = out.parent / name
            source.write_text(text)
            with pytest.raises(ToolFailed):
                run_ffmpeg(["-i", "{source}", "-c", "copy", "{out}/stolen.ts"], source=source, out=out, limits=LIMITS)
            with pytest.raises(ToolFailed):
                run_ffprobe(["-show_format", "-i", "{source}"], source=source, limits=Limits.for_probe())

        assert list(out.iterdir()) == []

    @pytest.mark.usefixtures("tier")
    def test_a_decoder_that_is_not_on_the_list_is_not_used(self, out: Path) -> None:
        make = [*PICTURES, "-t", "1", "-c:v", "zmbv", "{out}/odd.mkv"]
        run_ffmpeg(make, source=None, out=out, limits=LIMITS)

        with pytest.raises(ToolFailed) as failed:
            run_ffmpeg(["-i", "{source}", "-f", "null", "-"], source=out / "odd.mkv", out=None, limits=LIMITS)

        assert "whitelist" in failed.value.stderr_tail
