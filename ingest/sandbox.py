"""How far a media tool can reach: limits on what it uses and walls around what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tier = Literal["bwrap", "unshare", "limits"]

GIB = 1024**3


@dataclass(frozen=True)
class Limits:
    """What one run may use: CPU and wall seconds, bytes of address space, bytes of any one file written."""

    cpu_s: int
    wall_s: float
    memory_bytes: int = 4 * GIB
    file_bytes: int = 64 * GIB

    @classmethod
    def for_probe(cls) -> Limits:
        """Limits of a look at headers and some packets."""
        return cls(cpu_s=30, wall_s=60, file_bytes=0)

    @classmethod
    def for_duration(cls, duration_s: float) -> Limits:
        """Limits of decoding and encoding that many seconds of recording, on a slow host."""
        return cls(cpu_s=int(600 + 240 * duration_s), wall_s=600 + 120 * duration_s, memory_bytes=12 * GIB)
