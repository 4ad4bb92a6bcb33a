"""How far a media tool can reach: limits on what it uses and walls around what it sees.

Three tiers; `ingest.ffmpeg.find_tools` tries them once, in this order, with the real binary:

bwrap    a file system that holds the binary, its libraries, the recording (read-only at /in/src) and the
         output folder (/out), nothing else; no network; needs bubblewrap and util-linux' prlimit
unshare  no network (user and network namespaces), but the file system is the host's
limits   resource limits alone (macOS, hardened kernels)

In the lower two the recording is an open file descriptor (/dev/fd/N): no tool ever sees an uploaded name,
and a name inside the recording has no folder to be relative to.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Tier = Literal["bwrap", "unshare", "limits"]
TIERS: tuple[Tier, ...] = ("bwrap", "unshare", "limits")

GIB = 1024**3
OPEN_FILES = 256
# what is seen inside bubblewrap
SOURCE_INSIDE = "/in/src"
OUT_INSIDE = "/out"
# nobody: the tool owns nothing, not even inside its namespace
NOBODY = "65534"

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Limits:
    """What one run may use: CPU and wall seconds, bytes of address space, bytes of any one file written.

    And which formats a foreign file may have: empty for those of recordings.
    """

    cpu_s: int
    wall_s: float
    memory_bytes: int = 4 * GIB
    file_bytes: int = 64 * GIB
    formats: str = ""

    @classmethod
    def for_probe(cls) -> Limits:
        """Limits of a look at headers and packets; it writes nothing."""
        return cls(cpu_s=60, wall_s=120, file_bytes=0)

    @classmethod
    def for_duration(cls, duration_s: float, *, kbps: float | None = None) -> Limits:
        """Limits of decoding and encoding so many seconds: fifty times what 1080p60 costs a slow core.

        No file may be larger than twice what `kbps` makes of that time, where a ceiling is known.
        """
        most_bytes = 64 * GIB if kbps is None else int(64 * 1024**2 + 2 * 125 * kbps * duration_s)
        return cls(
            cpu_s=int(600 + 240 * duration_s),
            wall_s=600 + 120 * duration_s,
            memory_bytes=12 * GIB,
            file_bytes=min(most_bytes, 64 * GIB),
        )


@dataclass(frozen=True)
class Reach:
    """What a tool may touch: its own files, one recording to read, one folder to write in."""

    binary: Path
    libraries: tuple[Path, ...] = ()
    source: Path | None = None
    out: Path | None = None


def available_tiers() -> tuple[Tier, ...]:
    """Answer the tiers whose programs this machine has; whether the kernel allows them only a trial tells."""
    found: list[Tier] = []
    if shutil.which("bwrap") and shutil.which("prlimit"):
        found.append("bwrap")
    if sys.platform == "linux":
        found.append("unshare")
    return (*found, "limits")


def enclose(tier: Tier, arguments: list[str], reach: Reach, limits: Limits) -> list[str]:
    """Answer the command that runs `reach.binary` with these arguments behind the walls of a tier."""
    if tier == "bwrap":
        return [*_prlimit(limits), *_bubble(reach), "--", f"/tool/{reach.binary.name}", *arguments]
    numbers = [str(limits.cpu_s), str(limits.memory_bytes), str(limits.file_bytes), str(OPEN_FILES)]
    # -I -S: the launcher imports nothing but the standard library and reads no PYTHON* variable
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), tier, str(os.getpid())]
    return [*launcher, *numbers, str(reach.binary), *arguments]


def _prlimit(limits: Limits) -> list[str]:
    return [
        _program("prlimit"),
        f"--as={limits.memory_bytes}",
        # soft: SIGXCPU, then ten seconds later SIGKILL
        f"--cpu={limits.cpu_s}:{limits.cpu_s + 10}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={OPEN_FILES}",
        "--core=0",  # a core dump would hold pictures of the patient
        "--",
    ]


def _bubble(reach: Reach) -> list[str]:
    command = [
        _program("bwrap"),
        "--unshare-all",
        "--die-with-parent",  # ffmpeg ends with its worker, even when that is killed
        "--as-pid-1",  # no process between bwrap and the tool: the tool's CPU seconds reach our wait4
        *("--cap-drop", "ALL"),
        *("--uid", NOBODY, "--gid", NOBODY),
        *("--dev", "/dev"),
        *("--ro-bind", str(reach.binary), f"/tool/{reach.binary.name}"),
    ]
    for library in reach.libraries:
        command += ["--ro-bind", str(library), str(library)]
    if reach.source is not None:
        command += ["--ro-bind", str(reach.source), SOURCE_INSIDE]
    if reach.out is not None:
        command += ["--bind", str(reach.out), OUT_INSIDE, "--chdir", OUT_INSIDE]
    # the root is a memory file system: closed, so that nothing fills the host's memory with files
    return [*command, "--remount-ro", "/"]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:  # it was there when the tier was chosen
        message = f"{name} is no longer installed"
        raise FileNotFoundError(message)
    return found
