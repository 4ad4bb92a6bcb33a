"""What goes on beside a worker's jobs, and how it lives: one of the two places that catch broadly, and say so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from videolib.catalogue.library import VersionDiffers

log = structlog.get_logger(__name__)

PAUSE_S = 0.25


@contextmanager
def beside(name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Let `work` go on in a thread of its own until the block ends, which its event says."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def survive(step: Callable[[], object]) -> bool:
    """Do a step; gives whether it did anything. Only a library of another version ends the worker."""
    try:
        return bool(step())
    except VersionDiffers:
        raise
    except Exception:
        log.exception("worker step failed")
        time.sleep(PAUSE_S)
        return False
