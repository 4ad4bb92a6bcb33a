"""Many people who watch recordings being made: each answer is made once for all, and they come less often.

Two hundred watchers must not starve the pages. What is said of a recording is remembered for a moment, who may see it
for some seconds, and the answer tells when to look again: the more watch, the later. Only who waits for the first
picture may look more often than every two seconds.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

# what all watchers of this process together may ask in a second
LOOKS_A_SECOND = 20.0
SOONEST_S, LATEST_S = 2.0, 30.0
SOONEST_FIRST_S = 0.5
REMEMBERED_S = 1.5
ALLOWED_S = 20.0
_MOST = 4096
_V = TypeVar("_V")


class Watching:
    """Thread-safe. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[Hashable, float] = OrderedDict()
        self._made: OrderedDict[Hashable, tuple[float, object]] = OrderedDict()

    def look(self, watcher: Hashable, *, sees_nothing: bool = False) -> float:
        """Somebody looks, who perhaps `sees_nothing` yet; gives the seconds after which he is to look again."""
        now = self._clock()
        with self._lock:
            self._seen[watcher] = now
            self._seen.move_to_end(watcher)
            while self._seen and (len(self._seen) > _MOST or next(iter(self._seen.values())) < now - 2 * LATEST_S):
                self._seen.popitem(last=False)
            soonest_s = SOONEST_FIRST_S if sees_nothing else SOONEST_S
            return round(min(LATEST_S, max(soonest_s, len(self._seen) / LOOKS_A_SECOND)), 1)

    def freshness_s(self) -> float:
        """How old an answer may be: the fewer watch, the fresher."""
        with self._lock:
            return min(REMEMBERED_S, max(SOONEST_FIRST_S, len(self._seen) / LOOKS_A_SECOND) / 2)

    def remember(self, key: Hashable, make: Callable[[], _V], *, for_s: float = REMEMBERED_S) -> _V:
        """What `make` gives, at most that old. An error is not remembered."""
        now = self._clock()
        with self._lock:
            kept = self._made.get(key)
        if kept is not None and now - kept[0] < for_s:
            return kept[1]  # type: ignore[return-value] # a key stands for one kind of value
        made = make()
        with self._lock:
            self._made[key] = (now, made)
            self._made.move_to_end(key)
            while len(self._made) > _MOST:
                self._made.popitem(last=False)
        return made

    def forget(self) -> None:
        """Something was written."""
        with self._lock:
            self._made.clear()
