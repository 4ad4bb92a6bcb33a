"""The only runner of ffmpeg and ffprobe: sandbox, whitelists, limits, progress watchdog, no zombies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.sandbox import Limits, Tier

__all__ = ["Limits", "Progress", "Run", "Tools", "Watch", "find_tools", "run_ffmpeg", "run_ffprobe"]


@dataclass(frozen=True)
class Tools:
    """The binaries in use, their versions, and the wall that is in force around them."""

    ffmpeg: Path
    ffprobe: Path
    ffmpeg_version: str
    ffprobe_version: str
    sandbox: Tier


@dataclass(frozen=True)
class Progress:
    """How far ffmpeg is: seconds written, pictures written (0 when it writes no video)."""

    out_time_s: float
    frame: int


@dataclass(frozen=True)
class Watch:
    """Who watches a run: told of progress, asked (at least twice a second) whether to stop, patience in seconds."""

    on_progress: Callable[[Progress], None] | None = None
    cancelled: Callable[[], bool] | None = None
    stall_s: float = 60.0


@dataclass(frozen=True)
class Run:
    """What a finished run left: all of stdout, the end of stderr, CPU and wall seconds."""

    stdout: bytes
    stderr_tail: str
    cpu_s: float
    wall_s: float


def find_tools() -> Tools:
    """Answer the binaries to use (cached); raise `ToolFailed` with what to install when there is none."""
    raise NotImplementedError


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

    `{source}` in an argument stands for the recording, `{out}` for the writable folder, which is also the working
    directory. Whitelists go before every `-i`, `-nostdin -hide_banner -progress` in front. `feed` is written to
    stdin: name it `pipe:0` after `-f rawvideo`. With `source=None` inputs are our own (files in `{out}`, `lavfi`) and
    such formats are allowed as well. Raises `ToolFailed` (`NoSpace`), `Cancelled`.
    """
    raise NotImplementedError


def run_ffprobe(arguments: Sequence[str], *, source: Path, limits: Limits) -> Run:
    """Run ffprobe on one file (`{source}`, named by `-i {source}`); raises `ToolFailed`."""
    raise NotImplementedError
