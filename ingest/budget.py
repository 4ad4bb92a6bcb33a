"""How much one host does at once: places for encoders by its cores and memory, kept by locks on files.

All workers of a host share the places, whoever starts them; a place is free again as soon as its process is gone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.settings import Settings

# an encoder of four rungs keeps about four cores busy, and takes up to 2 GiB with a source of 4K
CORES_AN_ENCODE = 4
GIB_AN_ENCODE = 2.0
# inspecting, first pictures and short recordings are not to wait for long ones
QUICK_PLACES = 1
IO_PLACES = 1
_CGROUP = Path("/sys/fs/cgroup")


def count_places(settings: Settings) -> dict[str, int]:
    """How many jobs of each queue this host does at once."""
    encodes = settings.encodes or encodes_for(usable_cores(), usable_memory_gib())
    return {"quick": QUICK_PLACES, "long": encodes, "io": IO_PLACES}


def encodes_for(cores: float, memory_gib: float) -> int:
    """Concurrent encodes for a host."""
    return max(1, min(round(cores / CORES_AN_ENCODE), int(memory_gib / GIB_AN_ENCODE)))


def usable_cores() -> float:
    """Cores that this process may use: by its affinity and its control group's quota."""
    cores = float(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else float(os.cpu_count() or 1)
    quota, _, period = _read(_CGROUP / "cpu.max").partition(" ")
    return min(cores, int(quota) / int(period)) if quota.isdigit() and period.isdigit() else cores


def usable_memory_gib() -> float:
    """Memory of the host, or of its control group where that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(_CGROUP / "memory.max")
    return min(total, int(limit) if limit.isdigit() else total) / 2**30


@contextmanager
def place(home: Path, queue: str, places: int) -> Iterator[bool]:
    """Take one of the host's places for a queue while the block runs; gives False where all are taken."""
    folder = home / "places"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(places):
        with (folder / f"{queue}-{number}").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield True
            return
    yield False


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
