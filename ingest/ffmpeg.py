"""The only runner of ffmpeg and ffprobe: sandbox, whitelists, limits, progress watchdog, no orphans.

Every run is a process group of its own that is killed whole, dies with this process, and cannot block on a
full pipe. Nobody needs to remember a whitelist: they are added to every input here. An uploaded file's name
never reaches a tool or a log.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingest.errors import Cancelled, NoSpace, ToolFailed
from ingest.sandbox import OUT_INSIDE, SOURCE_INSIDE, Limits, Reach, Tier, available_tiers, enclose
from ingest.tools import Tools, candidates, is_new_enough, parse_libraries, parse_version, whitelist

__all__ = ["Limits", "Progress", "Run", "Tools", "Watch", "cpu_spent_s", "find_tools", "run_ffmpeg", "run_ffprobe"]

log = logging.getLogger(__name__)

POLL_S = 0.25
STDERR_TAIL_BYTES = 16 * 1024
STDOUT_MAX_BYTES = 256 * 1024 * 1024
READ_BYTES = 256 * 1024
KILL_WAIT_S = 10.0
# the whole environment of a tool: nothing of ours leaks into it; few arenas: address space follows use
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "4"}
# what the kernel calls a full disk, also by a quota
_FULL = ("No space left on device", "Disk quota exceeded")
_TOO_LARGE = "File too large"
# what the tools of each thread have used: a worker does several jobs at once
_spent = threading.local()
_TRIAL = Limits(cpu_s=20, wall_s=30, file_bytes=0)


@dataclass(frozen=True)
class Progress:
    """How far ffmpeg is: seconds written, pictures written (0 when it writes no video)."""

    out_time_s: float
    frame: int


@dataclass(frozen=True)
class Watch:
    """Who watches a run: told of progress, asked four times a second whether to stop; patience in seconds.

    With `on_output` whatever comes out of stdout is handed over at once, in pieces as they come, and not kept.
    """

    on_progress: Callable[[Progress], None] | None = None
    cancelled: Callable[[], bool] | None = None
    stall_s: float = 60.0
    on_output: Callable[[bytes], None] | None = None


@dataclass(frozen=True)
class Run:
    """What a finished run left: all of stdout, the end of stderr, CPU and wall seconds."""

    stdout: bytes
    stderr_tail: str
    cpu_s: float
    wall_s: float


def cpu_spent_s() -> float:
    """CPU seconds of this thread so far, and of all tools that it has run."""
    return time.thread_time() + float(getattr(_spent, "tools_s", 0.0))


@functools.cache
def find_tools() -> Tools:
    """Answer the binaries to use and the wall around them; `ToolFailed` says what to install."""
    for ffmpeg, ffprobe in candidates():
        reaches = Reach(ffmpeg, _libraries(ffmpeg)), Reach(ffprobe, _libraries(ffprobe))
        for tier in available_tiers():
            abouts = [_about(tier, reach) for reach in reaches]
            if "" not in abouts:
                break
            log.warning("sandbox tier %s does not work on this machine", tier)
        versions = [parse_version(about) for about in abouts]
        if all(is_new_enough(numbers) for _, numbers in versions) and "--enable-libx264" in abouts[0]:
            words = [word for word, _ in versions]
            log.info("media tools: ffmpeg %s, ffprobe %s, sandbox %s", *words, tier)
            return Tools(ffmpeg, ffprobe, words[0], words[1], tier, reaches[0].libraries, reaches[1].libraries)
    raise ToolFailed("No usable ffmpeg was found. Install ffmpeg 8.1.2 or newer with x264, or run the set-up again.")


def run_ffmpeg(
    arguments: Sequence[str],
    *,
    source: Path | None,
    out: Path | None,
    limits: Limits,
    watch: Watch | None = None,
    feed: Iterable[bytes] | None = None,
) -> Run:
    """Run ffmpeg (arguments without the program's name) inside the sandbox.

    `{source}` in an argument stands for the recording, `{out}` for the writable folder, which is also the
    working directory. Whitelists go before every `-i`; quiet logging, `-nostdin` and `-progress` in front.
    `feed` is written to stdin: name it `pipe:0` after `-f rawvideo`. With `source=None` inputs are our own
    (files in `{out}`, `lavfi`) and such formats are allowed as well. Raises `ToolFailed` (`NoSpace`),
    `Cancelled`, and what `feed` raises.
    """
    tools = find_tools()
    front = ["-hide_banner", *(() if feed is not None else ("-nostdin",)), "-stats_period", "0.25"]
    if not {"-v", "-loglevel"} & set(arguments):
        front += ["-loglevel", "warning"]
    job = _Job("ffmpeg", tools.sandbox, Reach(tools.ffmpeg, tools.ffmpeg_libraries, source, out), limits)
    log.debug("run: %s", shlex.join(["ffmpeg", *_fill(arguments, "src", ".")]))
    guarded = whitelist(arguments, foreign=source is not None, fed=feed is not None, formats=limits.formats)
    return _run(job, [*front, *guarded], watch=watch or Watch(), feed=feed)


def run_ffprobe(arguments: Sequence[str], *, source: Path, limits: Limits) -> Run:
    """Run ffprobe on one foreign file (`-i {source}` in the arguments); raises `ToolFailed`."""
    tools = find_tools()
    job = _Job("ffprobe", tools.sandbox, Reach(tools.ffprobe, tools.ffprobe_libraries, source), limits)
    log.debug("run: %s", shlex.join(["ffprobe", *_fill(arguments, "src", ".")]))
    guarded = whitelist(arguments, foreign=True)
    return _run(job, ["-hide_banner", *guarded], watch=Watch())


@dataclass(frozen=True)
class _Job:
    """A tool to be run: what it is called in the log, behind which wall, within which reach and limits."""

    name: str
    tier: Tier
    reach: Reach
    limits: Limits


@dataclass
class _Pipes:
    """What has come out of a running tool so far."""

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    progress: bytearray = field(default_factory=bytearray)
    last: Progress | None = None
    moved_at: float = 0.0


def _run(job: _Job, arguments: list[str], *, watch: Watch, feed: Iterable[bytes] | None = None) -> Run:
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        process, progress = _start(job, arguments, stack, is_fed=feed is not None)
        feeder = _Feeder(process, feed) if feed is not None else None
        if feeder is not None:
            stack.callback(feeder.join)
        stack.callback(_end, process)  # first of all: killing the tool is what lets the feeder go
        pipes = _Pipes(moved_at=started)
        _follow(process, job, watch, pipes, progress)
        status, cpu_s = _reap(process, started + job.limits.wall_s)
    _spent.tools_s = getattr(_spent, "tools_s", 0.0) + cpu_s
    if feeder is not None and feeder.error is not None:
        raise feeder.error
    tail = bytes(pipes.stderr).decode("utf-8", "replace").strip()
    if status != 0:
        raise _failure(job, status, cpu_s, tail)
    return Run(bytes(pipes.stdout), tail, cpu_s, time.monotonic() - started)


def _start(
    job: _Job, arguments: list[str], stack: contextlib.ExitStack, *, is_fed: bool
) -> tuple[subprocess.Popen[bytes], int | None]:
    """Start the tool; answer it and the reading end of its progress."""
    read = None
    with contextlib.ExitStack() as until_started:
        handed: list[int] = []
        if job.name == "ffmpeg":
            read, write = os.pipe()
            stack.callback(os.close, read)
            until_started.callback(os.close, write)
            handed.append(write)
            arguments = ["-progress", f"pipe:{write}", "-nostats", *arguments]
        command = _command(job, arguments, handed, until_started)
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=job.reach.out or tempfile.gettempdir(),
            env=ENVIRONMENT,
            pass_fds=handed,
            start_new_session=True,
        )
    return process, read


def _command(job: _Job, arguments: list[str], handed: list[int], stack: contextlib.ExitStack) -> list[str]:
    """Answer the whole command line; a source that goes by descriptor is added to `handed`."""
    reach, limits = job.reach, job.limits
    out = reach.out.resolve() if reach.out else None
    if job.tier == "bwrap":
        source = reach.source.resolve(strict=True) if reach.source else None
        reach = replace(reach, source=source, out=out)
        return enclose(job.tier, _fill(arguments, SOURCE_INSIDE, OUT_INSIDE), reach, limits)
    inside = ""
    if reach.source is not None:
        opened = os.open(reach.source, os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, opened)
        handed.append(opened)
        inside = f"/dev/fd/{opened}"
    return enclose(job.tier, _fill(arguments, inside, str(out or "")), reach, limits)


def _fill(arguments: Iterable[str], source: str, out: str) -> list[str]:
    return [argument.replace("{source}", source).replace("{out}", out) for argument in arguments]


def _follow(process: subprocess.Popen[bytes], job: _Job, watch: Watch, pipes: _Pipes, progress: int | None) -> None:
    """Drain all pipes until the tool closes them; raise when it must be stopped."""
    with selectors.DefaultSelector() as selector:
        for stream, buffer in ((process.stdout, pipes.stdout), (process.stderr, pipes.stderr)):
            if stream is not None:
                selector.register(stream.fileno(), selectors.EVENT_READ, buffer)
        if progress is not None:
            selector.register(progress, selectors.EVENT_READ, pipes.progress)
        deadline = time.monotonic() + job.limits.wall_s
        next_look = 0.0
        while selector.get_map():
            for key, _ in selector.select(POLL_S):
                chunk = os.read(key.fd, READ_BYTES)
                if chunk:
                    key.data.extend(chunk)
                else:
                    selector.unregister(key.fd)
            _hand_over(pipes, watch)
            _digest(pipes, watch)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + POLL_S
                _check(job, watch, pipes, deadline)


def _hand_over(pipes: _Pipes, watch: Watch) -> None:
    if watch.on_output is not None and pipes.stdout:
        piece = bytes(pipes.stdout)
        pipes.stdout.clear()
        watch.on_output(piece)
        pipes.moved_at = time.monotonic()  # the listener's own work is no standing still of the tool


def _digest(pipes: _Pipes, watch: Watch) -> None:
    """Keep the end of stderr, read the progress blocks that are whole, note whether anything moved."""
    del pipes.stderr[:-STDERR_TAIL_BYTES]
    block, separator, rest = bytes(pipes.progress).rpartition(b"progress=")
    if not separator or b"\n" not in rest:
        return
    pipes.progress[:] = rest.partition(b"\n")[2]
    now = parse_progress(block.decode("ascii", "replace"))
    if now != pipes.last:
        pipes.last, pipes.moved_at = now, time.monotonic()
        if watch.on_progress is not None:
            watch.on_progress(now)
            pipes.moved_at = time.monotonic()  # the listener's own work is no standing still of the tool


def parse_progress(block: str) -> Progress:
    """Read `-progress` lines; of several blocks the last one counts. `N/A` and negative times are 0."""
    values = dict(line.split("=", 1) for line in block.split() if "=" in line)
    try:
        out_time_s = max(0.0, int(values.get("out_time_us", "0")) / 1e6)
    except ValueError:
        out_time_s = 0.0
    frame = values.get("frame", "0")
    return Progress(out_time_s, int(frame) if frame.isdigit() else 0)


def _check(job: _Job, watch: Watch, pipes: _Pipes, deadline: float) -> None:
    now = time.monotonic()
    if watch.cancelled is not None and watch.cancelled():
        raise Cancelled
    tail = bytes(pipes.stderr).decode("utf-8", "replace")
    if now > deadline:
        raise ToolFailed("Converting took too long and was stopped.", stderr_tail=tail)
    if job.name == "ffmpeg" and now - pipes.moved_at > watch.stall_s:
        raise ToolFailed("Converting stood still and was stopped.", stderr_tail=tail)
    if len(pipes.stdout) > STDOUT_MAX_BYTES:
        raise ToolFailed("The media tool wrote more than it may and was stopped.", stderr_tail=tail)


def _reap(process: subprocess.Popen[bytes], deadline: float) -> tuple[int, float]:
    """Wait for the end; answer the exit status (128 + n for signal n) and the CPU seconds of the tree."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            raise ToolFailed("Converting took too long and was stopped.")
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    return (code if code >= 0 else 128 - code), usage.ru_utime + usage.ru_stime


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group and close our ends of its pipes."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(KILL_WAIT_S)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _failure(job: _Job, status: int, cpu_s: float, tail: str) -> ToolFailed:
    log.warning("%s ended with status %d: %s", job.name, status, tail[-2000:])
    if any(words in tail for words in _FULL):
        return NoSpace(stderr_tail=tail, exit_status=status)
    if _TOO_LARGE in tail or status == 128 + signal.SIGXFSZ:
        return ToolFailed(
            "Converting wrote far more than it should and was stopped.", stderr_tail=tail, exit_status=status
        )
    # ffmpeg answers SIGXCPU by an orderly end; the kernel's two clocks of a process differ on a busy host
    if cpu_s > job.limits.cpu_s - 1:
        return ToolFailed("Converting used too much computing time and was stopped.", stderr_tail=tail)
    return ToolFailed(stderr_tail=tail, exit_status=status)


class _Feeder:
    """Writes to a tool's stdin from a thread; keeps what the producer raised."""

    def __init__(self, process: subprocess.Popen[bytes], chunks: Iterable[bytes]) -> None:
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._feed, args=(process, chunks), daemon=True)
        self._thread.start()

    def _feed(self, process: subprocess.Popen[bytes], chunks: Iterable[bytes]) -> None:
        if process.stdin is None:
            return
        try:
            # the tool may stop reading early: its exit status says whether that was right
            with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
                for chunk in chunks:
                    stdin.write(chunk)
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
            self.error = error
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def join(self) -> None:
        self._thread.join()


def _libraries(binary: Path) -> tuple[Path, ...]:
    """Answer the shared libraries that a binary of ours or of the machine needs inside the sandbox."""
    try:
        ldd = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return parse_libraries(ldd.stdout)


def _about(tier: Tier, reach: Reach) -> str:
    """Answer what `-version` says, run behind that tier's walls; "" when it cannot be run there."""
    try:
        run = _run(_Job("version", tier, reach, _TRIAL), ["-version"], watch=Watch())
    except (ToolFailed, OSError):
        return ""
    return run.stdout.decode("utf-8", "replace")


def each_tier() -> Iterator[Tier]:
    """Yield the tiers that work here with the binaries in use, strongest first (for `doctor` and tests)."""
    tools = find_tools()
    for tier in available_tiers():
        if _about(tier, Reach(tools.ffprobe, tools.ffprobe_libraries)):
            yield tier
