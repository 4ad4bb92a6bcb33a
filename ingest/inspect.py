"""What a recording is, whether it is accepted, and if not why: one sandboxed ffprobe call, no decoding."""

from __future__ import annotations

from pathlib import Path

from ingest.inspection import AudioStream, Inspection, SubtitleStream, VideoStream

__all__ = [
    "AudioStream",
    "Inspection",
    "SubtitleStream",
    "VideoStream",
    "check_decoded_length",
    "describe",
    "inspect",
]


def inspect(source: Path, *, full: bool = False) -> Inspection:
    """Look at a file; raise `Refused` with a reason code and a sentence when it cannot be accepted.

    `full` decodes all of it and refuses what does not decode to its declared length.
    """
    raise NotImplementedError


def describe(inspection: Inspection) -> dict[str, object]:
    """Answer the contract's `source` object."""
    raise NotImplementedError


def check_decoded_length(inspection: Inspection, decoded_s: float) -> None:
    """Raise `Refused("truncated")` when under 95 % of the declared video length was decoded."""
    raise NotImplementedError
