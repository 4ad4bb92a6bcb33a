"""What a recording is, whether it is accepted, and if not why; a video and a DICOM file alike.

Without `full` nothing is decoded: the first bytes, then headers and some packets through the sandboxed ffprobe.
"""

from __future__ import annotations

from pathlib import Path

from ingest.inspection import AudioStream, Inspection, SubtitleStream, VideoStream
from ingest.signature import is_packed_study, may_be_dicom, read_head, refuse_by_head
from ingest.video import check_decoded_length, inspect_video

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

    `full` decodes all of a video and refuses what does not decode to its declared length.
    """
    head = read_head(source)
    if may_be_dicom(head):
        # loaded when needed: numpy and pydicom cost more than the whole look at a video
        from ingest import dicom  # noqa: PLC0415

        if is_packed_study(head) or dicom.is_dicom(source):
            return dicom.inspect_cine(source)
    refuse_by_head(head)
    return inspect_video(source, full=full)


def describe(inspection: Inspection) -> dict[str, object]:
    """Answer the contract's `source` object: sizes as coded, the first sound track's codec, JSON-ready."""
    video = inspection.video
    return {
        "container": inspection.container,
        "video_codec": video.codec,
        "audio_codec": inspection.audio[0].codec if inspection.audio else None,
        "width": video.width,
        "height": video.height,
        "fps": round(float(video.fps), 3),
        "duration_s": round(inspection.duration_s, 3),
        "interlaced": video.interlaced,
        "rotation": video.rotation,
        "hdr": video.hdr,
        "dicom": None if inspection.dicom is None else inspection.dicom.describe(),
    }
