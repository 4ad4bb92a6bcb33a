"""Folders of work in hand: gone at the end of the work, or swept once their process is dead.

A folder is locked as long as somebody works in it; the lock ends with its process, however that ends. So whatever can
be locked is nobody's, however old or young.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# between making a folder and locking it
GRACE_S = 60.0


@contextmanager
def scratch_folder(scratch: Path | None, prefix: str) -> Iterator[Path]:
    """A folder of one's own below `scratch` (None: the system's), removed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix=prefix, dir=scratch, ignore_cleanup_errors=True) as name:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(descriptor)


def sweep(scratch: Path) -> int:
    """Remove what dead processes of this host left below `scratch`; how many folders."""
    swept = 0
    for folder in scratch.iterdir() if scratch.is_dir() else ():
        with suppress(OSError):  # gone meanwhile, or somebody works in it
            if not folder.is_dir() or time.time() - folder.stat().st_mtime < GRACE_S:
                continue
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                swept += 1
            finally:
                os.close(descriptor)
    return swept
