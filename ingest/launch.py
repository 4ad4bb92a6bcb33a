"""Lower the limits and raise the walls of this process, then become the media tool.

Run by `python -I -S`, never imported:

    launch.py TIER PARENT CPU_S MEMORY_BYTES FILE_BYTES OPEN_FILES BINARY ARGUMENTS…

A program of its own and not a `preexec_fn`: between fork and exec of a process with threads only C is safe.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
CLONE_NEWIPC = 0x08000000


def main(tier: str, parent: int, numbers: list[int], command: list[str]) -> None:
    """Set everything up and replace this process by `command`."""
    cpu_s, memory_bytes, file_bytes, open_files = numbers
    if sys.platform == "linux":
        _raise_walls(parent, isolate=tier == "unshare")
    _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 10)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_NOFILE, open_files)
    _limit(resource.RLIMIT_CORE, 0)
    os.execv(command[0], command)  # noqa: S606 - there is no shell here and there shall be none


def _raise_walls(parent: int, *, isolate: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if isolate and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) != 0:
        sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # after unshare: a change of credentials clears it
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # the worker died before we could ask to die with it
        sys.exit("the worker is gone")


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(what)[1]
    wanted = soft if hard is None else hard
    # never above what this process may have already; macOS refuses some limits, which is no reason to stop
    if ceiling != resource.RLIM_INFINITY:
        wanted = min(wanted, ceiling)
    try:
        resource.setrlimit(what, (min(soft, wanted), wanted))
    except (ValueError, OSError):
        if sys.platform == "linux":
            raise


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(number) for number in sys.argv[3:7]], sys.argv[7:])
