"""Put a bare H.264, HEVC or MPEG-2 stream in MP4 with true presentation times, copying all its bytes.

A bare stream has no times, only an order of decoding; ffmpeg cannot mux one with B pictures reliably. So it
is muxed with times in the order of decoding, decoded once to learn the order of display, and what lies
between the two is written into the file as its composition offsets (box ctts, ISO 14496-12 8.6.1.3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path

from ingest.errors import Refused
from ingest.ffmpeg import Limits, Watch, run_ffmpeg, run_ffprobe

_PATH_TO_TABLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_SLOWEST_BYTES_PER_S = 10_000


def put_in_mp4(stream: Path, codec: str, fps: Fraction, *, watch: Watch | None = None) -> Path:
    """Write `video.mp4` beside a bare stream of ffmpeg's format `codec`, at a constant rate; return it."""
    target = stream.with_name("video.mp4")
    limits = Limits.for_duration(stream.stat().st_size / _SLOWEST_BYTES_PER_S)
    step = f"{fps.denominator}/{fps.numerator}/TB"
    times = f"setts=pts=round(N*{step}):dts=round(N*{step}):duration=round({step})"
    run_ffmpeg(
        [
            *("-f", codec, "-i", "{source}", "-map", "0:v:0", "-c", "copy", "-bsf:v", times),
            *("-video_track_timescale", str(fps.numerator), "-map_metadata", "-1", "-fflags", "+bitexact"),
            "{out}/video.mp4",
        ],
        source=stream,
        out=stream.parent,
        limits=limits,
        watch=watch,
    )
    offsets = _display_offsets(target, limits)
    if any(offsets):
        _write_offsets(target, [offset * fps.denominator for offset in offsets])
    return target


def _display_offsets(video: Path, limits: Limits) -> list[int]:
    """Return for every packet by how many pictures it is shown later than it is decoded."""
    arguments = [
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        "packet=pos:frame=pkt_pos",
        "-of",
        "csv",
    ]
    lines = run_ffprobe([*arguments, "-i", "{source}"], source=video, limits=limits).stdout.decode().splitlines()
    cells = [line.split(",") for line in lines]
    packets = {int(cell[1]): index for index, cell in enumerate(c for c in cells if c[0] == "packet")}
    shown = [packets.get(int(cell[1]), -1) for cell in cells if cell[0] == "frame" and cell[1].isdecimal()]
    if not shown or -1 in shown:
        raise Refused("corrupt", "The video inside the DICOM file cannot be decoded.")
    offsets = [0] * len(packets)
    for place, packet in enumerate(shown):
        offsets[packet] = place - packet
    return offsets


def _write_offsets(video: Path, offsets: Sequence[int]) -> None:
    """Add the box of composition offsets to the sample table; ffmpeg puts the index after the pictures."""
    runs = [(len(list(group)), offset) for offset, group in groupby(offsets)]
    entries = b"".join(struct.pack(">Li", *run) for run in runs)
    # version 1: offsets are signed, so that the first picture is shown at 0 and no edit list is needed
    box = _box(b"ctts", struct.pack(">BxxxL", 1, len(runs)) + entries)
    with video.open("r+b") as file:
        size = video.stat().st_size
        position = 0
        while position < size:
            file.seek(position)
            length, kind = _read_head(file.read(16))
            if kind == b"moov":
                file.seek(position)
                moov = _add_box(file.read(length), _PATH_TO_TABLES, box)
                file.seek(position)
                file.write(moov)
                return
            position += length


def _add_box(box: bytes, path: tuple[bytes, ...], new: bytes) -> bytes:
    """Return a box with `new` put at the end of the container that `path` leads to."""
    if len(path) == 1:
        return _box(path[0], box[8:] + new)
    children = [_add_box(child, path[1:], new) if child[4:8] == path[1] else child for child in _children(box)]
    return _box(path[0], b"".join(children))


def _children(box: bytes) -> Iterator[bytes]:
    position = 8
    while position < len(box):
        (length,) = struct.unpack_from(">L", box, position)
        yield box[position : position + length]
        position += length


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L4s", 8 + len(content), kind) + content


def _read_head(head: bytes) -> tuple[int, bytes]:
    """Return a box's length, which may be the 64-bit one, and its kind."""
    length, kind = struct.unpack_from(">L4s", head)
    if length == 1:
        (length,) = struct.unpack_from(">Q", head, 8)
    if length < 8:
        raise Refused("corrupt", "The video inside the DICOM file cannot be read.")
    return length, kind
