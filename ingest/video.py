"""An `Inspection` of a video file, or the reason why it is refused: one ffprobe call, unless something is odd.

A file whose header or last packets leave a doubt is looked at again, more dearly: every packet is read before it is
called truncated, some pictures are decoded when a television format does not say whether it is interlaced.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ingest.errors import Refused, ToolFailed
from ingest.ffmpeg import Limits, Progress, Watch, run_ffmpeg
from ingest.inspection import Inspection, VideoStream
from ingest.probe import Probe, end_of, probe, ratio, scan_end_s, seconds, times_of
from ingest.signature import explain_unreadable, is_encrypted, read_asf_length
from ingest.streams import (
    Row,
    audio_streams,
    chapters_of,
    check_video,
    choose_video,
    find_sar,
    is_readable_sound,
    start_of,
    subtitle_streams,
    video_stream,
)

# less than this share of the declared length is a file of which a part is missing
WHOLE_SHARE = 0.95
# where a missing field order is worth decoding some pictures: what television equipment wrote
_TV_CODECS = frozenset({"mpeg2video", "dvvideo"})
_TV_HEIGHTS = frozenset({480, 486, 576, 1080})
_MODERN_CODECS = frozenset({"vp8", "vp9", "av1", "vvc", "hevc", "mjpeg"})
_IDET_PICTURES = 100
_SILENT = "A sound track could not be read and was left out."
_ODD_PIXELS = "The header states an impossible pixel shape; pixels are taken as square."


def inspect_video(source: Path, *, full: bool = False) -> Inspection:
    """Look at a video file (no DICOM); raise `Refused` when it cannot be accepted."""
    try:
        answer = probe(source)
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
        raise Refused(explain_unreadable(source, failure.stderr_tail)) from failure
    if is_encrypted(source):  # ffprobe names the codec under the encryption as if it were readable
        raise Refused("encrypted")
    row = choose_video(answer)
    check_video(row)
    video = video_stream(row, answer, _find_length(source, answer, row))
    if _may_be_interlaced(row):
        video = replace(video, interlaced=_looks_interlaced(source, video))
    inspection = Inspection(
        container=str(answer.format.get("format_name", "")),
        video=video,
        audio=audio_streams(answer),
        subtitles=subtitle_streams(answer),
        duration_s=video.duration_s,
        bytes=source.stat().st_size,
        warnings=_warnings(answer, row),
        clock_start_s=seconds(answer.format.get("start_time")) or 0.0,
        chapters=chapters_of(answer),
    )
    if full:
        lead_s = video.start_s - (seconds(answer.format.get("start_time")) or 0.0)
        check_decoded_length(inspection, _decode(source, video, lead_s))
    return inspection


def check_decoded_length(inspection: Inspection, decoded_s: float) -> None:
    """Raise `Refused("truncated")` when under 95 % of the declared video length was decoded.

    One picture is forgiven, for in a clip of five it is a fifth.
    """
    video = inspection.video
    if decoded_s <= 0:
        raise Refused("corrupt")
    if decoded_s + 1 / float(video.fps) < WHOLE_SHARE * video.duration_s:
        raise Refused("truncated")


def _find_length(source: Path, answer: Probe, row: Row) -> float:
    """Answer the video's length; raise `Refused("truncated")` when its packets end well before the declared end.

    Before that, all packets are read: a container without an index cannot be looked at from its end.
    """
    seen = (*answer.first, *answer.last)
    start_s = start_of(row, times_of(seen, row["index"]))
    declared_s = _declared_s(answer, row)
    if declared_s is not None:
        if not (answer.reaches_end and _is_whole(_end_s(answer, row["index"]) - start_s, declared_s)):
            _confirm(scan_end_s(source, row["index"]) - start_s, declared_s)
        return declared_s
    own_end_s = _end_s(answer, row["index"]) if answer.reaches_end else scan_end_s(source, row["index"])
    total_s = seconds(answer.format.get("duration"))
    if total_s is None and answer.format.get("format_name") == "asf":
        total_s = read_asf_length(source)
    first_s = seconds(answer.format.get("start_time")) or 0.0
    # the container declares one length for all its tracks, and the sound may be the longest
    if total_s is not None and not _is_whole(own_end_s - first_s, total_s):
        _confirm(scan_end_s(source, None) - first_s, total_s)
    if own_end_s <= start_s:
        raise Refused("too_short")
    return own_end_s - start_s


def _declared_s(answer: Probe, row: Row) -> float | None:
    """Answer the length that the container states for this track, if it states one."""
    stated = seconds(row.get("duration"))
    if answer.format.get("format_name") == "avi":
        # ffmpeg shortens the duration of a cut AVI by its size, but leaves the header's count of pictures
        rate, frames = ratio(row.get("avg_frame_rate")), seconds(row.get("nb_frames"))
        if rate and frames:
            stated = max(stated or 0.0, frames / float(rate))
    if stated is None:
        stated = seconds(row.get("tags", {}).get("DURATION"))
    return stated if stated and stated > 0 else None


def _end_s(answer: Probe, stream: int) -> float:
    return end_of([packet for packet in (*answer.first, *answer.last) if packet.stream == stream])


def _is_whole(length_s: float, declared_s: float) -> bool:
    return length_s >= WHOLE_SHARE * declared_s


def _confirm(length_s: float, declared_s: float) -> None:
    if not _is_whole(length_s, declared_s):
        raise Refused("truncated")


def _may_be_interlaced(row: Row) -> bool:
    if row.get("field_order") not in {None, "unknown"}:
        return False
    codec = row["codec_name"]
    return codec in _TV_CODECS or (row["height"] in _TV_HEIGHTS and codec not in _MODERN_CODECS)


def _looks_interlaced(source: Path, video: VideoStream) -> bool:
    """Decode some pictures and let ffmpeg's idet filter judge; what cannot be judged is progressive."""
    # the verdicts go to stdout: idet's own report needs a log level that prints the file's tags as well
    judge = "idet,metadata=mode=print:key=lavfi.idet.multiple.current_frame:file=pipe\\\\:1"
    chosen = ["-map", f"0:{video.index}", "-frames:v", str(_IDET_PICTURES)]
    try:
        run = run_ffmpeg(
            ["-i", "{source}", *chosen, "-vf", judge, "-f", "null", "-"],
            source=source,
            out=None,
            limits=Limits.for_duration(_IDET_PICTURES / float(video.fps)),
        )
    except ToolFailed:
        return False
    fields = run.stdout.count(b"current_frame=tff") + run.stdout.count(b"current_frame=bff")
    # fine lines look like fields now and then; true ones are seen in nearly every picture that moves
    return fields > 3 * run.stdout.count(b"current_frame=progressive")


def _decode(source: Path, video: VideoStream, lead_s: float) -> float:
    """Decode every picture and answer how many seconds they cover; `lead_s` is how late in the file they begin."""
    reports: list[Progress] = []
    try:
        run_ffmpeg(
            # passthrough: no picture is repeated to fill a hole
            ["-i", "{source}", "-map", f"0:{video.index}", "-fps_mode", "passthrough", "-f", "null", "-"],
            source=source,
            out=None,
            limits=Limits.for_duration(video.duration_s),
            watch=Watch(on_progress=reports.append),
        )
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
        raise Refused("corrupt") from failure
    last = reports[-1] if reports else Progress(0.0, 0)
    if last.frame == 0:
        return 0.0
    step_s = 1 / float(video.fps)
    reached_s = last.out_time_s - lead_s + step_s
    return reached_s if video.is_vfr else min(reached_s, last.frame * step_s)


def _warnings(answer: Probe, row: Row) -> tuple[str, ...]:
    sounds = [other for other in answer.streams if other.get("codec_type") == "audio"]
    warnings = [_SILENT for other in sounds if not is_readable_sound(other)][:1]
    stated = ratio(row.get("sample_aspect_ratio"))
    return (*warnings, _ODD_PIXELS) if stated is not None and stated != find_sar(row) else tuple(warnings)
