"""The frames of a DICOM recording: their shape is checked against the file, then they come one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import as_pixel_options
from pydicom.uid import UID, RLELossless

from ingest.dicom_header import READ_ERRORS, OpenRecording, integer_of, value_of
from ingest.errors import Refused

MAX_SIDE = 8192
_MAX_FRAMES = 200_000
_MAX_DECODED_BYTES = 64 << 30
_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_JPEG_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51")
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_422", "YBR_PARTIAL_420")
_TRUNCATED = "The DICOM file is shorter than its header says: it was not copied completely. Export it again."
_DAMAGED = "The pictures of the DICOM file are damaged and cannot be decoded. Export it again."


@dataclass(frozen=True)
class ImageShape:
    """What one frame of a recording is; all of it checked to be possible and allowed."""

    frames: int
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    photometric: str

    @property
    def is_grey(self) -> bool:
        """True for the two grey photometric interpretations."""
        return self.photometric in _GREY

    @property
    def decoded_bytes(self) -> int:
        """Bytes of all frames as 8-bit grey or RGB."""
        return self.frames * self.rows * self.columns * (1 if self.is_grey else 3)


@dataclass(frozen=True)
class Fragment:
    """One item of encapsulated pixel data: where its bytes begin in the file and how many there are."""

    offset: int
    length: int


def read_shape(recording: OpenRecording) -> ImageShape:
    """Read and check the shape of the frames; raise Refused for what no cine can be."""
    header = recording.header
    shape = ImageShape(
        frames=max(integer_of(header, "NumberOfFrames", 1), 1),
        rows=integer_of(header, "Rows", 0),
        columns=integer_of(header, "Columns", 0),
        samples=integer_of(header, "SamplesPerPixel", 1),
        bits_allocated=integer_of(header, "BitsAllocated", 8),
        bits_stored=integer_of(header, "BitsStored", integer_of(header, "BitsAllocated", 8)),
        high_bit=integer_of(header, "HighBit", integer_of(header, "BitsStored", 8) - 1),
        is_signed=integer_of(header, "PixelRepresentation", 0) == 1,
        photometric=str(value_of(header, "PhotometricInterpretation") or "MONOCHROME2"),
    )
    if shape.rows < 1 or shape.columns < 1:
        raise Refused("corrupt", "The DICOM file does not say how large its pictures are.")
    if shape.rows > MAX_SIDE or shape.columns > MAX_SIDE:
        raise Refused("too_large", f"The DICOM file's pictures are larger than {MAX_SIDE} pixels on a side.")
    if shape.frames > _MAX_FRAMES or shape.decoded_bytes > _MAX_DECODED_BYTES:
        raise Refused("too_large", "The DICOM file declares more pictures than can be converted.")
    return shape


def check_decodable(recording: OpenRecording, shape: ImageShape) -> None:
    """Raise Refused where the pixel format is none of a cine, or the file is too short for its frames."""
    if not (shape.is_grey and shape.samples == 1) and not _is_colour(shape):
        raise Refused("unsupported", "The DICOM file's colour format cannot be shown.")
    is_odd_depth = shape.bits_allocated not in (8, 16) or not 1 <= shape.bits_stored <= shape.bits_allocated
    if is_odd_depth or not shape.bits_stored - 1 <= shape.high_bit < shape.bits_allocated:
        raise Refused("unsupported", "The DICOM file's bit depth cannot be shown.")
    pixels = recording.pixels
    if pixels is None:
        raise Refused("unsupported", "The DICOM file holds no pictures.")
    if pixels.length is None:
        group_fragments(recording, find_fragments(recording), shape.frames)
    elif min(pixels.length, recording.bytes - pixels.offset) < _native_frame_bytes(shape) * shape.frames:
        raise Refused("truncated", _TRUNCATED)


class FrameReader:
    """The frames of a recording by number (from 0), decoded one at a time in whatever order they are asked for."""

    def __init__(self, recording: OpenRecording, shape: ImageShape) -> None:
        self._recording, self._shape = recording, shape
        self._pixels = recording.pixels
        self._decoder = get_decoder(recording.syntax)
        self._options = as_pixel_options(recording.header, number_of_frames=1)
        self._options.pop("extended_offsets", None)
        self._options.update(
            transfer_syntax_uid=recording.syntax,
            pixel_keyword="PixelData",
            pixel_vr=self._pixels.vr if self._pixels else "OW",
            # palette and grey values go through our own tables, which mask the unused bits
            correct_unused_bits=False,
        )
        self._groups: list[tuple[Fragment, ...]] | None = None
        if self._pixels is not None and self._pixels.length is None:
            self._groups = group_fragments(recording, find_fragments(recording), shape.frames)

    def frame(self, index: int) -> NDArray[np.generic]:
        """Decode one frame: stored grey or palette values, or 8-bit RGB."""
        encoded = self._encoded(index)
        try:
            return self._decoder.as_array(encoded, raw=False, **self._options)[0]
        except READ_ERRORS:
            raise Refused("corrupt", _DAMAGED) from None

    def _encoded(self, index: int) -> bytes:
        """Return a frame's bytes in the form that pydicom's decoder takes for a file of one frame."""
        file = self._recording.file
        if self._pixels is None:
            raise Refused("unsupported", "The DICOM file holds no pictures.")
        if self._groups is None:
            size = _native_frame_bytes(self._shape)
            file.seek(self._pixels.offset + index * size)
            return file.read(size) + b"\0" * (size % 2)
        parts = []
        for fragment in self._groups[index]:
            file.seek(fragment.offset)
            parts.append(file.read(fragment.length))
        frame = b"".join(parts)
        _check_coded_size(frame, self._recording.syntax, self._shape)
        return encapsulate([frame], has_bot=False)


def decode_frames(recording: OpenRecording, shape: ImageShape) -> Iterator[NDArray[np.generic]]:
    """Yield every frame in file order, one at a time: stored grey or palette values, or 8-bit RGB."""
    if recording.pixels is None:
        return
    reader = FrameReader(recording, shape)
    for index in range(shape.frames):
        yield reader.frame(index)


def find_fragments(recording: OpenRecording) -> list[Fragment]:
    """List the fragments of encapsulated pixel data without their contents, first the offset table."""
    pixels = recording.pixels
    if pixels is None or pixels.length is not None:
        raise Refused("corrupt", _DAMAGED)
    fragments: list[Fragment] = []
    position = pixels.offset
    while True:
        recording.file.seek(position)
        head = recording.file.read(8)
        if head[:4] == _DELIMITER or (len(head) < 8 and fragments):
            # some writers leave the closing delimiter out; the count of frames tells what is missing
            return fragments
        (length,) = struct.unpack("<L", head[4:8]) if head[:4] == _ITEM and len(head) == 8 else (None,)
        if length is None:
            raise Refused("corrupt", _DAMAGED)
        if position + 8 + length > recording.bytes:
            raise Refused("truncated", _TRUNCATED)
        fragments.append(Fragment(position + 8, length))
        position += 8 + length


def group_fragments(recording: OpenRecording, fragments: Sequence[Fragment], frames: int) -> list[tuple[Fragment, ...]]:
    """Group fragments into frames.

    One fragment a frame is the rule, and then the offset table, which is often wrong, is not asked. Else it
    decides where it is true, else the markers that begin a JPEG picture do.
    """
    table, *parts = fragments or [Fragment(0, 0)]
    if len(parts) < frames:
        raise Refused("truncated", _TRUNCATED)
    if len(parts) == frames:
        return [(part,) for part in parts]
    if frames == 1:
        return [tuple(parts)]
    starts = _starts_by_table(recording, table, parts, frames) or _starts_by_marker(recording, parts)
    if len(starts) < frames or starts[0] != 0:
        raise Refused("corrupt", _DAMAGED)
    ends = [*starts[1:], len(parts)]
    return [tuple(parts[start:end]) for start, end in zip(starts, ends, strict=True)][:frames]


def _starts_by_table(recording: OpenRecording, table: Fragment, parts: Sequence[Fragment], frames: int) -> list[int]:
    """Return the index of each frame's first fragment by the offset table, [] where that is not true."""
    if table.length != 4 * frames:
        return []
    recording.file.seek(table.offset)
    offsets = struct.unpack(f"<{frames}L", recording.file.read(table.length))
    index_of = {part.offset - parts[0].offset: index for index, part in enumerate(parts)}
    starts = [index_of.get(offset, -1) for offset in offsets]
    is_rising = starts[0] == 0 and all(a < b for a, b in pairwise(starts))
    return starts if is_rising else []


def _starts_by_marker(recording: OpenRecording, parts: Sequence[Fragment]) -> list[int]:
    starts = []
    for index, part in enumerate(parts):
        recording.file.seek(part.offset)
        if recording.file.read(4).startswith(_JPEG_STARTS):
            starts.append(index)
    return starts or [0]


def _check_coded_size(frame: bytes, syntax: UID, shape: ImageShape) -> None:
    """Compare the size inside a compressed frame with the header's: decoders allocate what the frame says."""
    if syntax == RLELossless:
        return
    coded = _jpeg2000_size(frame) if frame[:4] == _JPEG_STARTS[1] else _jpeg_size(frame)
    if coded != (shape.columns, shape.rows):
        raise Refused("corrupt", _DAMAGED)


def _jpeg2000_size(frame: bytes) -> tuple[int, int]:
    if len(frame) < 24:
        return (0, 0)
    right, bottom, left, top = struct.unpack_from(">LLLL", frame, 8)
    return (right - left, bottom - top)


def _jpeg_size(frame: bytes) -> tuple[int, int]:
    """Walk the marker segments of a JPEG or JPEG-LS picture to its frame header."""
    position = 2
    while position + 9 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        is_frame_header = marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC))
        if is_frame_header:
            height, width = struct.unpack_from(">HH", frame, position + 5)
            return (width, height)
        position += 2 + int(struct.unpack_from(">H", frame, position + 2)[0])
    return (0, 0)


def _is_colour(shape: ImageShape) -> bool:
    if shape.photometric == "PALETTE COLOR":
        return shape.samples == 1
    return shape.photometric in _COLOUR and shape.samples == 3 and shape.bits_allocated == 8


def _native_frame_bytes(shape: ImageShape) -> int:
    pixels = shape.rows * shape.columns
    if shape.photometric == "YBR_FULL_422":
        return pixels * 2
    return pixels * shape.samples * shape.bits_allocated // 8
