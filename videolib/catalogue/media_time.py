"""Exact media times: whole ticks, in which every usual frame rate, NTSC's too, has a whole number a frame.

A tick is 1/705 600 000 s: the frames of 24, 25, 30, 50, 60, 100 and 120 per second, of each of those times 1000/1001,
and whole milliseconds (DICOM's frame times) are whole numbers of it. For any other rate a time is off by half a tick
at most, and `frame_at` forgives that, so frame → time → frame gives the same frame.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

TICKS_PER_S = 705_600_000
LONGEST_S = 1_000_000  # eleven days; a recording is never that long
# nine decimals tell two neighbouring ticks apart
_DECIMALS = 9
_CLOCK = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,5}):)?(\d{1,9}(?:\.\d{1,12})?)")


def to_ticks(seconds: Fraction | float) -> int:
    """The nearest tick. Raises `ValueError` for what is no time in a recording: negative, endless, not a number."""
    exact = Fraction(seconds)  # an endless float or none at all raises here
    if not 0 <= exact <= LONGEST_S:
        raise ValueError("a time outside any recording")
    return round(exact * TICKS_PER_S)


def to_seconds(ticks: int) -> float:
    """Seconds as a float: exact to well under a tick."""
    return ticks / TICKS_PER_S


def parse_clock(text: str) -> int:
    """The ticks of `75.5`, `1:15.5` or `0:01:15.5`. Raises `ValueError`."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError("no time")
    hours, minutes, seconds = (Fraction(part) if part else Fraction(0) for part in found.groups())
    if found[2] is not None and (seconds >= 60 or (found[1] is not None and minutes >= 60)):
        raise ValueError("no time")
    return to_ticks(hours * 3600 + minutes * 60 + seconds)


def decimal_text(ticks: int) -> str:
    """Seconds as a decimal that reads back as the same tick: `12.5`, `0.0333666667`… without needless zeros."""
    text = f"{Decimal(ticks) / TICKS_PER_S:.{_DECIMALS}f}"
    return text.rstrip("0").rstrip(".")


def exact_clock(ticks: int) -> str:
    """`1:02:03.5` or `4:05`, with as many decimals as the same tick needs to be read back."""
    whole, rest = divmod(ticks, TICKS_PER_S)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    # cut, never rounded up to a sixtieth second; nine decimals are always under half a tick away
    decimals = f"{Decimal(rest) / TICKS_PER_S:.{_DECIMALS}f}"[1:].rstrip("0").rstrip(".")
    return (f"{hours}:{minute:02}" if hours else f"{minute}") + f":{second:02}{decimals}"


def frame_at(ticks: int, rate: Fraction) -> int:
    """The number of the frame on show at that time, from 0, at `rate` frames a second."""
    return int((Fraction(ticks) + Fraction(1, 2)) * rate / TICKS_PER_S)


def frame_start(frame: int, rate: Fraction) -> int:
    """The tick at which that frame begins."""
    return to_ticks(frame / rate)
