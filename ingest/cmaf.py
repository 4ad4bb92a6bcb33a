"""What fragmented MP4 files say of themselves: codecs, edit list, and the samples of every fragment.

Reads the few boxes of ISO/IEC 14496-12 that our own encoder writes; anything else is a fault of ours
and raises `ToolFailed`. Times are in the track's timescale, on the presentation clock (edit list applied).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, NamedTuple

from ingest.errors import ToolFailed

# trun and tfhd flags (14496-12, 8.8.7 and 8.8.8)
_TFHD_SKIPPED = ((0x01, 8), (0x02, 4))
_TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS = 0x08, 0x10, 0x20
_TRUN_OFFSET, _TRUN_FIRST_FLAGS = 0x01, 0x04
_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_CTS = 0x100, 0x200, 0x400, 0x800
_NOT_A_KEY_FRAME = 0x10000


@dataclass(frozen=True)
class Header:
    """A track as its init segment declares it; `codec` is spelled as in RFC 6381.

    `zero` is the media time that the edit list shows at zero.
    """

    kind: Literal["video", "audio"]
    codec: str
    timescale: int
    zero: int
    width: int
    height: int
    channels: int
    default_duration: int
    default_size: int
    default_flags: int


@dataclass(frozen=True)
class Fragment:
    """One moof with its mdat: where it lies, what it shows from when to when, and its key frames' times.

    `media_offset` is where its first sample lies, of `first_bytes`; `key_bytes` is the length from the start of the
    fragment to the end of that.
    """

    offset: int
    size: int
    media_offset: int
    start: int
    end: int
    samples: int
    keys: tuple[int, ...]
    key_bytes: int
    first_bytes: int
    starts_with_key: bool


@dataclass(frozen=True)
class _Box:
    kind: bytes
    offset: int
    body: bytes
    size: int


class _Sample(NamedTuple):  # there are 200 000 of them in an hour, and a dataclass takes three times as long
    start: int
    duration: int
    size: int
    is_key: bool


def read_header(init: bytes) -> Header:
    """Read an init segment (ftyp, moov) that holds one track."""
    moov = _find(init, b"moov")
    trak = _find(moov, b"trak")
    mdia = _find(trak, b"mdia")
    mdhd = _find(mdia, b"mdhd")
    (timescale,) = struct.unpack_from(">I", mdhd, 20 if mdhd[0] == 1 else 12)
    trex = struct.unpack_from(">IIIII", _find(_find(moov, b"mvex"), b"trex"), 4)
    entry = _find(_find(_find(mdia, b"minf"), b"stbl"), b"stsd")[8:]
    size, kind = struct.unpack_from(">I4s", entry)
    if kind == b"avc1":
        avcc = _find(entry[86:size], b"avcC")
        width, height = struct.unpack_from(">HH", entry, 32)
        return Header("video", f"avc1.{avcc[1:4].hex()}", timescale, _zero(trak), width, height, 0, *trex[2:])
    if kind == b"mp4a":
        (channels,) = struct.unpack_from(">H", entry, 24)
        codec = f"mp4a.40.{_aac_object_type(_find(entry[36:size], b'esds'))}"
        return Header("audio", codec, timescale, _zero(trak), 0, 0, channels, *trex[2:])
    raise _fault("neither H.264 nor AAC")


def read_init(file: BinaryIO) -> tuple[Header, bytes]:
    """Return the header of an open file, and the bytes of its init segment."""
    size = header_size(file)
    file.seek(0)
    init = file.read(size)
    return read_header(init), init


def read_fragments(file: BinaryIO, header: Header, *, start: int = 0, is_whole: bool = True) -> Iterator[Fragment]:
    """Answer every fragment of an open file from a box's start on, reading the moofs and stepping over the media.

    A file that is not whole yet may end inside a fragment, which is left out.
    """
    moof: _Box | None = None
    for box in _boxes_of(file, wanted=b"moof", start=start, is_whole=is_whole):
        if box.kind == b"moof":
            moof = box
        elif box.kind == b"mdat" and moof is not None:
            yield _fragment(moof, box, header)
            moof = None
    if moof is not None and is_whole:
        raise _fault("a fragment has no media")


def header_size(file: BinaryIO) -> int:
    """Return how many bytes come before the first fragment."""
    for box in _boxes_of(file, wanted=b"", is_whole=False):
        if box.kind in {b"moof", b"sidx", b"styp"}:
            return box.offset
    raise _fault("no fragment at all")


def has_media(file: BinaryIO, *, is_whole: bool = True) -> bool:
    """Say whether an open file has any fragment; one that is not whole yet may end anywhere."""
    return any(box.kind == b"moof" for box in _boxes_of(file, wanted=b"", is_whole=is_whole))


def _fragment(moof: _Box, mdat: _Box, header: Header) -> Fragment:
    samples = _samples(_find(moof.body, b"traf"), header)
    if not samples:
        raise _fault("a fragment without samples")
    if sum(sample.size for sample in samples) != mdat.size - 8:
        raise _fault("a fragment and its media do not fit")
    return Fragment(
        offset=moof.offset,
        size=moof.size + mdat.size,
        media_offset=mdat.offset + 8,
        start=min(sample.start for sample in samples),
        end=max(sample.start + sample.duration for sample in samples),
        samples=len(samples),
        keys=tuple(sample.start for sample in samples if sample.is_key),
        key_bytes=moof.size + 8 + samples[0].size,
        first_bytes=samples[0].size,
        starts_with_key=samples[0].is_key and samples[0].start == min(sample.start for sample in samples),
    )


def _samples(traf: bytes, header: Header) -> list[_Sample]:
    duration, size, flags = _track_defaults(_find(traf, b"tfhd"), header)
    tfdt = _find(traf, b"tfdt")
    time: int = struct.unpack_from(">Q" if tfdt[0] == 1 else ">I", tfdt, 4)[0]
    found: list[_Sample] = []
    for trun in _all(traf, b"trun"):
        for sample_duration, sample_size, sample_flags, cts in _run(trun, (duration, size, flags)):
            start = time + cts - header.zero
            found.append(_Sample(start, sample_duration, sample_size, not sample_flags & _NOT_A_KEY_FRAME))
            time += sample_duration
    return found


def _track_defaults(tfhd: bytes, header: Header) -> tuple[int, int, int]:
    present, at = int.from_bytes(tfhd[1:4], "big"), 8
    for flag, width in _TFHD_SKIPPED:
        at += width if present & flag else 0
    values = [header.default_duration, header.default_size, header.default_flags]
    for index, flag in enumerate((_TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS)):
        if present & flag:
            (values[index],) = struct.unpack_from(">I", tfhd, at)
            at += 4
    return values[0], values[1], values[2]


def _run(trun: bytes, defaults: tuple[int, int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Answer duration, size, flags and composition offset of every sample of a track run."""
    present = int.from_bytes(trun[1:4], "big")
    (count,) = struct.unpack_from(">I", trun, 4)
    at = 8 + (4 if present & _TRUN_OFFSET else 0)
    first_flags: int | None = None
    if present & _TRUN_FIRST_FLAGS:
        (first_flags,) = struct.unpack_from(">I", trun, at)
        at += 4
    flags = (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS)
    fields = [index for index, flag in enumerate(flags) if present & flag]
    layout = struct.Struct(">" + "I" * len(fields) + ("i" if present & _TRUN_CTS else ""))
    for number in range(count):
        values, sample = layout.unpack_from(trun, at), list(defaults)
        at += layout.size
        for index, value in zip(fields, values, strict=False):
            sample[index] = value
        if number == 0 and first_flags is not None:
            sample[2] = first_flags
        yield sample[0], sample[1], sample[2], values[-1] if present & _TRUN_CTS else 0


def _zero(trak: bytes) -> int:
    """Return the media time of the one edit that our encoder writes, 0 without an edit list."""
    edits = next(_all(trak, b"edts"), None)
    if edits is None:
        return 0
    elst = _find(edits, b"elst")
    (count,) = struct.unpack_from(">I", elst, 4)
    zero: int = struct.unpack_from(">q" if elst[0] == 1 else ">i", elst, 16 if elst[0] == 1 else 12)[0]
    if count != 1 or zero < 0:
        raise _fault("an edit list of several edits")
    return zero


def _aac_object_type(esds: bytes) -> int:
    """Return the audio object type in the decoder's configuration (14496-1 descriptors, 14496-3 1.6.2)."""
    at = 4
    for tag, skipped in ((3, 3), (4, 13), (5, 0)):
        if esds[at] != tag:
            raise _fault("an AAC description in an unknown order")
        at += 1
        while esds[at] & 0x80:  # lengths are written in as many bytes as their writer liked
            at += 1
        at += 1 + skipped
    return esds[at] >> 3


def _find(body: bytes, kind: bytes) -> bytes:
    found = next(_all(body, kind), None)
    if found is None:
        raise _fault(f"no {kind.decode()} box")
    return found


def _all(body: bytes, kind: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(body):
        size, found = struct.unpack_from(">I4s", body, at)
        if size < 8 or at + size > len(body):
            raise _fault("a box that is longer than its parent")
        if found == kind:
            yield body[at + 8 : at + size]
        at += size


def _boxes_of(file: BinaryIO, *, wanted: bytes, start: int = 0, is_whole: bool = True) -> Iterator[_Box]:
    """Answer the boxes of a file's top level, with the body of those of the wanted kind."""
    end = file.seek(0, 2)
    at = start
    while at < end:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            if not is_whole:
                return
            raise _fault("the file ends inside a box")
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack_from(">Q", head, 8)
        if at + size > end and not is_whole:
            return
        if size < 8 or at + size > end:
            raise _fault("the file ends inside a box")
        file.seek(at + 8)
        yield _Box(kind, at, file.read(size - 8) if kind == wanted else b"", size)
        at += size


def _fault(what: str) -> ToolFailed:
    return ToolFailed(stderr_tail=f"fragmented MP4: {what}")
