"""Disk space on this host: looked for before work begins; where it is short, the work waits and says so."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from config.settings import Settings
from videolib.errors import Unavailable


def require_room(settings: Settings, folder: Path, needed_bytes: float) -> None:
    """Raise `Unavailable` (code "no_space") unless `folder`'s disk has that much and the reserve beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free - settings.reserve_gib * 2**30
    if free < needed_bytes:
        raise Unavailable(
            f"Waiting for disk space on {socket.gethostname()}: {_gb(needed_bytes)} are needed, {_gb(max(0.0, free))} "
            "are free.",
            code="no_space",
        )


def _gb(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
