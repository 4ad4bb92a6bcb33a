"""One of the two places that catch broadly: whatever goes wrong in a step of a worker, it lives on and says so."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from videolib.catalogue.library import VersionDiffers

log = structlog.get_logger(__name__)

PAUSE_S = 0.25


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
