"""Open a DICOM file with a bound on everything it claims, before any of it is believed.

Only the tags listed here are ever read: names, numbers and dates of patients stay in the file. pydicom puts
values that it finds odd into its warnings, so its warnings and its log are switched off in this module.
"""

from __future__ import annotations

import logging
import re
import struct
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydicom import config as pydicom_config
from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ingest.errors import Refused

pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

# What reading or decoding a broken file can raise in pydicom 3.0 and its decoders.
READ_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

_WANTED = """
    SOPClassUID SOPInstanceUID Modality NumberOfFrames FrameIncrementPointer FrameTime FrameTimeVector CineRate
    RecommendedDisplayFrameRate StartTrim StopTrim PreferredPlaybackSequencing SamplesPerPixel PhotometricInterpretation
    PlanarConfiguration Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation
    PixelAspectRatio PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing RescaleSlope
    RescaleIntercept RescaleType ModalityLUTSequence WindowCenter WindowWidth VOILUTFunction
    VOILUTSequence PresentationLUTShape BurnedInAnnotation MaskSubtractionSequence PixelShiftSequence
    PositionerPrimaryAngle PositionerSecondaryAngle PixelIntensityRelationship
    PixelIntensityRelationshipSign RecommendedViewingMode SharedFunctionalGroupsSequence
    PerFrameFunctionalGroupsSequence RedPaletteColorLookupTableDescriptor
    GreenPaletteColorLookupTableDescriptor BluePaletteColorLookupTableDescriptor
    RedPaletteColorLookupTableData GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
    SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
    SegmentedBluePaletteColorLookupTableData ShutterShape ShutterLeftVerticalEdge
    ShutterRightVerticalEdge ShutterUpperHorizontalEdge ShutterLowerHorizontalEdge
    CenterOfCircularShutter RadiusOfCircularShutter VerticesOfThePolygonalShutter
    ShutterPresentationValue
""".split()  # noqa: SIM905  sixty lines of one word each would hide the code
# the sizes of overlays (PS3.3 C.9.2), whose groups repeat: that something is drawn there is read, and not what
_OVERLAYS = tuple(group << 16 | 0x0010 for group in range(0x6000, 0x6020, 2))
# the functional groups of an enhanced file take a kilobyte or two a frame
_MAX_HEADER_ELEMENT_BYTES = 16 << 20
_MAX_INFLATED_BYTES = 1 << 30
_UNDEFINED = 0xFFFFFFFF
_CHUNK_BYTES = 1 << 20
_PIXEL_DATA = (0x7FE0, 0x0010)


@dataclass(frozen=True)
class PixelElement:
    """Where the value of the Pixel Data element lies; `length` is None when it is in fragments."""

    offset: int
    length: int | None
    vr: str


@dataclass(frozen=True)
class OpenRecording:
    """A DICOM file held open: its wanted header, transfer syntax and where its pixels are."""

    file: IO[bytes]
    header: Dataset
    syntax: UID
    pixels: PixelElement | None
    bytes: int


def is_dicom(path: Path) -> bool:
    """Say whether a file is DICOM: by its preamble, or by elements in order where there is no preamble."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[128:132] == b"DICM":
        return True
    return _count_elements(head, explicit=True) >= 3 or _count_elements(head, explicit=False) >= 3


@contextmanager
def open_recording(path: Path) -> Iterator[OpenRecording]:
    """Open a DICOM file without reading its pixels; raise Refused where it cannot be read."""
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        syntax = _find_syntax(file)
        if syntax != DeflatedExplicitVRLittleEndian:
            yield _read(file, syntax)
            return
        with tempfile.TemporaryFile() as inflated:
            _inflate(file, inflated)
            yield _read(inflated, None)


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return a tag's value, or None where it is absent, empty or unreadable: many vendors write nonsense."""
    try:
        value = dataset.get(keyword)
    except READ_ERRORS:
        return None
    return None if value is None or (hasattr(value, "__len__") and len(value) == 0) else value


def first_value_of(dataset: Dataset, keyword: str) -> Any:
    """Return the first value of a tag that may hold several, or None."""
    value = value_of(dataset, keyword)
    if isinstance(value, (str, bytes)) or not hasattr(value, "__getitem__"):
        return value
    return value[0]


def integer_of(dataset: Dataset, keyword: str, default: int) -> int:
    """Return a tag's value as a whole number, `default` where there is none."""
    value = first_value_of(dataset, keyword)
    try:
        return default if value is None else int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def functional_group(header: Dataset, index: int, keyword: str) -> Dataset | None:
    """Return the item of a functional group macro that holds for a frame: its own, else the shared one."""
    per_frame = value_of(header, "PerFrameFunctionalGroupsSequence") or ()
    shared = value_of(header, "SharedFunctionalGroupsSequence") or ()
    for groups in (per_frame[index : index + 1], shared[:1]):
        items = value_of(groups[0], keyword) if groups else None
        if items:
            found: Dataset = items[0]
            return found
    return None


def has_overlays(header: Dataset) -> bool:
    """Say whether something is drawn over the pictures in planes of its own."""
    return any(tag in header for tag in _OVERLAYS)


def _find_syntax(file: IO[bytes]) -> UID | None:
    try:
        meta = read_file_meta_info(file.name)
        return UID(str(meta.get("TransferSyntaxUID") or "")) or None
    except READ_ERRORS:
        return None


def _read(file: IO[bytes], syntax: UID | None) -> OpenRecording:
    tags = [*(tag for tag in map(tag_for_keyword, _WANTED) if tag is not None), *_OVERLAYS]
    try:
        file.seek(0)
        # elements larger than any header of a cine needs are skipped, not read
        header = dcmread(
            file,
            force=True,
            stop_before_pixels=True,
            specific_tags=tags,
            defer_size=_MAX_HEADER_ELEMENT_BYTES,
        )
        syntax = syntax or _syntax_of(header)
        pixels = _locate_pixels(file, syntax)
    except READ_ERRORS:
        raise Refused("corrupt", "The DICOM file cannot be read: its header is damaged.") from None
    size = file.seek(0, 2)
    return OpenRecording(file, header, syntax, pixels, size)


def _syntax_of(header: Dataset) -> UID:
    named = getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID")
    if named:
        return UID(str(named))
    is_implicit, is_little_endian = header.original_encoding
    if not is_little_endian:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian


def _locate_pixels(file: IO[bytes], syntax: UID) -> PixelElement | None:
    """Read the head of the element that the parser stopped at."""
    order = "<" if syntax.is_little_endian else ">"
    head = file.read(8)
    if len(head) < 8:
        return None
    vr = "OW"
    if syntax.is_implicit_VR:
        group, element, length = struct.unpack(f"{order}HHL", head)
    else:
        group, element, vr_bytes = struct.unpack(f"{order}HH2s2x", head)
        (length,) = struct.unpack(f"{order}L", file.read(4))
        vr = vr_bytes.decode("ascii")
    if (group, element) != _PIXEL_DATA:
        return None
    return PixelElement(file.tell(), None if length == _UNDEFINED else length, vr)


def _inflate(file: IO[bytes], inflated: IO[bytes]) -> None:
    """Write a deflated file out as plain Explicit VR Little Endian; stop a bomb before it fills the disk."""
    try:
        file.seek(128 + 4 + 8)
        (meta_length,) = struct.unpack("<L", file.read(4))
        file.seek(meta_length, 1)
        inflated.write(bytes(128) + b"DICM")
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        write_file_meta_info(inflated, meta, enforce_standard=False)  # type: ignore[arg-type]
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        while chunk := inflater.unconsumed_tail or file.read(_CHUNK_BYTES):
            inflated.write(inflater.decompress(chunk, _CHUNK_BYTES))
            if inflated.tell() > _MAX_INFLATED_BYTES:
                raise Refused("too_large", "The compressed DICOM file unpacks to more than 1 GiB.")
    except READ_ERRORS:
        raise Refused("corrupt", "The compressed part of the DICOM file is damaged.") from None


def _count_elements(head: bytes, *, explicit: bool) -> int:
    """Count little-endian data elements in rising order of tag from the first byte on."""
    position, count, last = 0, 0, (0, 0)
    while position + 8 <= len(head):
        tag = struct.unpack_from("<HH", head, position)
        if (count == 0 and tag[0] not in (0x0002, 0x0008)) or tag <= last:
            break
        size = _explicit_size(head, position) if explicit else 8 + struct.unpack_from("<L", head, position + 4)[0]
        if size == 0 or size % 2 or size > 1024:
            break
        position, count, last = position + size, count + 1, tag
    return count


def _explicit_size(head: bytes, position: int) -> int:
    """Return the bytes of an element with its head, 0 where its value representation is none that begins a file."""
    vr = head[position + 4 : position + 6]
    if vr in (b"OB", b"UN", b"UT") and position + 12 <= len(head):
        return 12 + int(struct.unpack_from("<L", head, position + 8)[0])
    if re.fullmatch(rb"AE|AS|AT|CS|D[AST]|FL|FD|IS|L[OT]|PN|S[HLST]|TM|U[ILS]", vr):
        return 8 + int(struct.unpack_from("<H", head, position + 6)[0])
    return 0
