"""What the first bytes of a file and the outline of an MP4 say, read in Python before any tool opens the file.

Cheap refusals with the right words (still pictures, lists of other files, texts) and the diagnosis when ffprobe gives
up. Nothing here trusts a length that the file states: reads are bounded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from ingest.errors import Reason, Refused

HEAD_BYTES = 4096
SIDE_MAX = 8192
_BOXES_MAX = 10_000
_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"styp", b"pnot"})
_TO_SAMPLES = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_ENCRYPTED_KINDS = frozenset({b"encv", b"enca", b"drmi", b"drms"})

_PICTURES = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"8BPS", b"\x00\x00\x01\x00"),
    *(b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cJXL ", b"\xff\x0a", b"qoif"),
)
# ISO base media brands of pictures: HEIF, AVIF, Canon raw
_PICTURE_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"avif", b"crx ", b"jpeg", b"j2ki", b"jxl "}
)
_LISTS = re.compile(
    rb"#EXTM3U|ffconcat\s+version|\[playlist\]|\[reference\]|<(?:\?xml[^>]*>\s*<)?(?:\w+:)?"
    rb"(?:MPD|SmoothStreamingMedia|asx|smil|playlist|PackingList|CompositionPlaylist)\b"
    rb"|v=0\r?\no=|(?:file|stream|subfile|concat|pipe|https?|rtsps?|rtmps?|ftp|data|crypto):\S"
    rb"|file\s+\S|\S+\.(?:mp4|mov|mkv|ts|m3u8?|mpd)\s*$",
    re.IGNORECASE,
)
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_WEBVTT = "This is a caption file, not a recording. Add it to its recording as captions."
# first bytes of what is certainly no DICOM file, so that the DICOM room need not be opened
_MEDIA = re.compile(
    rb"....(?:ftyp|moov|mdat|free|wide|skip|styp|moof|pnot)|\x1aE\xdf\xa3|RIFF....AVI |FLV\x01"
    rb"|0&\xb2u\x8ef\xcf\x11|\x06\x0e\+4|\x00\x00\x01[\xba\xb3]|G|....G",
    re.DOTALL,
)


def read_head(source: Path) -> bytes:
    """Answer the first 4096 bytes; raise `Refused("empty")` when there are none."""
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise Refused("empty")
    return head


def is_base_media(head: bytes) -> bool:
    """Whether it is an MP4 or QuickTime file that begins so: an index at one end says where its packets lie."""
    return head[4:8] in _FIRST_BOXES


def may_be_dicom(head: bytes) -> bool:
    """Whether it is worth asking the DICOM room, which takes half a second to load."""
    return head[128:132] == b"DICM" or is_packed_study(head) or (_MEDIA.match(head) is None and not _is_text(head))


def looks_like_media(head: bytes) -> bool:
    """Whether a file begins like a video; what does not may be one all the same (a bare stream)."""
    return _MEDIA.match(head) is not None and not _is_text(head)


def is_packed_study(head: bytes) -> bool:
    """Whether it is a tar whose first member lists the runs of a study (`ingest.dicom_study`)."""
    return head[257:262] == b"ustar" and head[:100].rstrip(b"\0") == b"study.json"


def refuse_by_head(head: bytes) -> None:
    """Raise `Refused` for what the first bytes already show to be no recording."""
    if head.startswith(_PICTURES) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        raise Refused("still_image")
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        raise Refused("still_image")
    if head.startswith(b"YUV4MPEG2"):
        raise Refused(_y4m_reason(head))
    if _is_text(head):
        _refuse_text(head)


def read_asf_length(source: Path) -> float | None:
    """Answer the seconds that a WMV's header declares, which ffprobe withholds when the file is cut."""
    head = read_head(source)
    at = head.find(_ASF_FILE_PROPERTIES)
    if at < 0 or len(head) < at + 88:
        return None
    # after GUID, size, file id, file size, creation date, packets: play time in 100 ns, send time, preroll in ms
    play = int.from_bytes(head[at + 64 : at + 72], "little")
    preroll = int.from_bytes(head[at + 80 : at + 88], "little")
    return max(0.0, play / 1e7 - preroll / 1e3)


def explain_unreadable(source: Path, stderr: str) -> Reason:
    """Answer why ffprobe could not read a file: encrypted, cut off, damaged, or no media at all."""
    with source.open("rb") as file:
        outline = read_outline(file)
    if outline is None:
        is_media = _MEDIA.match(read_head(source)) is not None
        return "unsupported" if "not on whitelist" in stderr else "corrupt" if is_media else "not_media"
    if outline.is_encrypted:
        return "encrypted"
    return "truncated" if outline.is_cut or not outline.has_index else "corrupt"


def is_encrypted(source: Path) -> bool:
    """Whether a file is an MP4 whose samples are encrypted."""
    with source.open("rb") as file:
        outline = read_outline(file)
    return outline is not None and outline.is_encrypted


@dataclass(frozen=True)
class Outline:
    """An MP4's top level: whether its index is there, its last box whole, its samples encrypted."""

    has_index: bool
    is_cut: bool
    is_encrypted: bool


def read_outline(file: BinaryIO) -> Outline | None:
    """Walk the top-level boxes of an MP4 or MOV; None for any other file."""
    size = file.seek(0, os.SEEK_END)
    has_index = is_cut = is_encrypted = False
    first = True
    for kind, start, end in boxes_of(file, 0, size):
        if first and kind not in _FIRST_BOXES:
            return None
        first = False
        is_cut = end > size
        if kind == b"moov":
            has_index = True
            kinds = set(_sample_kinds(file, start, min(end, size), _TO_SAMPLES))
            is_encrypted = not kinds.isdisjoint(_ENCRYPTED_KINDS)
    return None if first else Outline(has_index, is_cut, is_encrypted)


def _sample_kinds(file: BinaryIO, start: int, end: int, path: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield the kinds of samples that the tracks of an index describe (`avc1`, or `encv` for encrypted ones)."""
    for kind, inner_start, inner_end in boxes_of(file, start, end):
        if not path:
            yield kind
        elif kind == path[0]:
            # the last one, `stsd`, counts its entries before it lists them
            skip = 8 if len(path) == 1 else 0
            yield from _sample_kinds(file, inner_start + skip, min(inner_end, end), path[1:])


class Seekable(Protocol):
    """What of a file is needed to walk its boxes."""

    def seek(self, offset: int, /) -> int:
        """Go to a byte."""

    def read(self, count: int, /) -> bytes:
        """So many bytes from there on, fewer at the end."""


def boxes_of(file: Seekable, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start of content, end) of the boxes in a range; a stated end may lie behind the range's."""
    position = start
    for _ in range(_BOXES_MAX):
        if position + 8 > end:
            return
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            return
        length, head = int.from_bytes(header[:4], "big"), 8
        if length == 1:
            length, head = int.from_bytes(header[8:16], "big"), 16
        elif length == 0:  # to the end
            length = end - position
        if length < head:
            return
        yield header[4:8], position + head, position + length
        position += length


def _y4m_reason(head: bytes) -> Reason:
    sides = re.findall(rb"[WH](\d{1,9})", head.partition(b"\n")[0])
    return "too_large" if any(int(side) > SIDE_MAX for side in sides) else "unsupported"


def _is_text(head: bytes) -> bool:
    for encoding in ("utf-16",) if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8", "gb18030"):
        # the last character may be cut
        text = head[: len(head) // 4 * 4].decode(encoding, "ignore")
        if len(text.encode(encoding)) >= len(head) - 8 and not re.search(r"[\x00-\x08\x0e-\x1f]", text):
            return True
    return False


def _refuse_text(head: bytes) -> None:
    plain = head.decode("utf-16", "ignore").encode() if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else head
    plain = plain.removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.search(rb"<svg[\s>]", plain, re.IGNORECASE):
        raise Refused("still_image")
    if plain.startswith(b"WEBVTT"):
        raise Refused("not_media", _WEBVTT)
    raise Refused("unsafe_reference" if _LISTS.match(plain) else "not_media")
