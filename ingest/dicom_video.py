"""A video stream inside DICOM (MPEG-2, H.264, HEVC) taken out whole: fragments joined, nothing decoded.

The offset table is skipped: it is no index of frames. What lies inside is sometimes a bare elementary
stream and often a complete MP4, MPEG-TS or MPEG-PS; a bare stream is put in Matroska with the rate of the
DICOM header.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pydicom.uid import UID, MPEGTransferSyntaxes

from ingest.dicom_frames import find_fragments
from ingest.dicom_header import OpenRecording
from ingest.display_order import put_in_mp4
from ingest.errors import Refused
from ingest.ffmpeg import Watch

_CHUNK_BYTES = 1 << 20
_TS_PACKET = 188
_MPEG2, _H264, _HEVC = "mpegvideo", "h264", "hevc"


def is_video(syntax: UID) -> bool:
    """Say whether a transfer syntax holds one video stream in place of pictures."""
    return syntax in MPEGTransferSyntaxes


def codec_of(syntax: UID) -> str:
    """Return ffmpeg's name of the stream format of a video transfer syntax (PS3.5 A.4.5 and on)."""
    number = int(syntax.removeprefix("1.2.840.10008.1.2.4.").split(".")[0])
    return _MPEG2 if number < 102 else _H264 if number < 107 else _HEVC


def unwrap_video(recording: OpenRecording, fps: Fraction, folder: Path, *, watch: Watch | None = None) -> Path:
    """Write the video inside a DICOM file to `folder` and return it; nothing is re-encoded."""
    joined = folder / "stream.bin"
    _join_fragments(recording, joined)
    suffix = _container_suffix(joined)
    if suffix:
        return joined.rename(joined.with_suffix(suffix))
    if joined.stat().st_size == 0:
        raise Refused("corrupt", "The DICOM file declares a video but holds none.")
    video = put_in_mp4(joined, codec_of(recording.syntax), fps, watch=watch)
    joined.unlink()
    return video


def _join_fragments(recording: OpenRecording, target: Path) -> None:
    fragments = find_fragments(recording)[1:]
    with target.open("wb") as file:
        for fragment in fragments:
            recording.file.seek(fragment.offset)
            left = fragment.length
            while left and (chunk := recording.file.read(min(left, _CHUNK_BYTES))):
                file.write(chunk)
                left -= len(chunk)


def _container_suffix(path: Path) -> str:
    """Return the suffix of the container that a file is, "" for a bare stream."""
    with path.open("rb") as file:
        head = file.read(_TS_PACKET * 2 + 1)
    if head[4:8] == b"ftyp":
        return ".mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return ".mkv"
    if head[:4] == b"\x00\x00\x01\xba":
        return ".mpg"
    if len(head) > _TS_PACKET and head[0] == head[_TS_PACKET] == 0x47:
        return ".ts"
    return ""
