"""What ffprobe says of a recording, from one call: headers, the first packets, the last packets.

Packets are read, not decoded, so a look costs hundredths of a second whatever the length. The last ones are what tells
a whole file from one whose end is missing, for its header still declares the full length.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ingest.errors import ToolFailed
from ingest.ffmpeg import Limits, run_ffprobe

FIRST_PACKETS = 600
LAST_PACKETS = 6000
# seeking there ends at the last key frame, in every container that can seek
_FAR_AWAY_S = 100_000_000
_ENTRIES = (
    "format=format_name,duration,start_time"
    ":stream=index,codec_type,codec_name,codec_tag_string,profile,width,height,sample_aspect_ratio,pix_fmt"
    ",color_range,color_space,color_transfer,field_order,r_frame_rate,avg_frame_rate,start_time,duration,nb_frames,channels"
    ",sample_rate,bits_per_raw_sample"
    ":stream_disposition=attached_pic,still_image,timed_thumbnails,comment,dub,clean_effects"
    ":stream_tags=language,DURATION,title,handler_name"
    ":stream_side_data=side_data_type,displaymatrix,rotation"
    ":packet=stream_index,pts_time,dts_time,duration_time,flags"
    ":chapter=start_time,end_time:chapter_tags=title"
)


@dataclass(frozen=True)
class Packet:
    """A packet that will be shown: its time and length in seconds, where stated."""

    stream: int
    time_s: float | None
    dts_s: float | None
    duration_s: float


@dataclass(frozen=True)
class Probe:
    """ffprobe's answer. `first` are the packets from the start on, `last` those from the last key frame on.

    `reaches_end` is false when the end could not be looked at; `shows_all` says that `first` holds every packet;
    `cut` are the streams of which an edit list leaves packets out.
    """

    format: Mapping[str, Any]
    streams: Sequence[Mapping[str, Any]]
    first: tuple[Packet, ...]
    last: tuple[Packet, ...]
    reaches_end: bool
    shows_all: bool
    cut: frozenset[int]
    chapters: Sequence[Mapping[str, Any]] = ()


def probe(source: Path) -> Probe:
    """Ask ffprobe; raise `ToolFailed` with its words when it cannot read the file."""
    try:
        answer = _ask(source, f"%+#{FIRST_PACKETS},{_FAR_AWAY_S}%+#{LAST_PACKETS}")
    except ToolFailed as failure:
        if "Could not seek" not in failure.stderr_tail:
            raise
        answer = _ask(source, f"%+#{FIRST_PACKETS}")
    # Rows of both intervals follow each other unmarked. Fewer than the first one asked for: it read to the end, and
    # the second repeated some. Exactly as many: the seek led nowhere.
    rows = answer.get("packets", [])
    shows_all = len(rows) < FIRST_PACKETS
    return Probe(
        format=answer.get("format", {}),
        streams=answer.get("streams", []),
        first=_packets(rows[:FIRST_PACKETS]),
        last=_packets(rows[FIRST_PACKETS:]),
        reaches_end=shows_all or FIRST_PACKETS < len(rows) < FIRST_PACKETS + LAST_PACKETS,
        shows_all=shows_all,
        cut=frozenset(row["stream_index"] for row in rows if "D" in row.get("flags", "")),
        chapters=answer.get("chapters", []),
    )


def reach_of(source: Path, until_s: float) -> float:
    """Answer up to which byte a file has to be there so that its first `until_s` seconds can be read; else infinity."""
    rows = _ask(source, f"%+{until_s}", entries="packet=pos,size").get("packets", [])
    ends = [float(row.get("pos", math.inf)) + float(row["size"]) for row in rows]
    return max(ends, default=math.inf)


def places_of(
    source: Path, stream: int, from_s: float = 0, until_s: float | None = 0, *, more: int
) -> list[tuple[int, int]]:
    """Answer where (from, to) the packets of a stream lie, in the order in which they are decoded.

    From the key frame before `from_s` to the first packet of `until_s` or later (None: the end), on the file's clock,
    and so many after it: counted, for a picture may last as long as it likes. Empty where one's place is not known.
    """
    first = f"{from_s:.6f}" if from_s > 0 else ""
    last = ""
    if until_s is not None:
        count = 0
        if until_s > from_s:
            count = len(_ask(source, f"{first}%{until_s:.6f}", entries="packet=pos", stream=stream).get("packets", []))
        last = f"+#{count + more}"
    rows = _ask(source, f"{first}%{last}", entries="packet=pos,size", stream=stream).get("packets", [])
    if not all("pos" in row for row in rows):
        return []
    return [(int(row["pos"]), int(row["pos"]) + int(row["size"])) for row in rows]


def scan_end_s(source: Path, stream: int | None) -> float:
    """Read every packet and answer when the last one ends (of one stream, or of all), on the file's clock."""
    chosen = [] if stream is None else ["-select_streams", str(stream)]
    entries = "packet=stream_index,pts_time,dts_time,duration_time,flags"
    # packets before the damage count, so the exit status does not
    try:
        run = run_ffprobe(
            ["-v", "error", *chosen, "-show_entries", entries, "-of", "json=compact=1", "-i", "{source}"],
            source=source,
            limits=Limits(cpu_s=600, wall_s=1800, file_bytes=0),
        )
    except ToolFailed:
        return 0.0
    packets = _packets(json.loads(run.stdout or b"{}").get("packets", []))
    return end_of(packets)


def times_of(packets: Sequence[Packet], stream: int) -> list[float]:
    """Answer the times of a stream's pictures in order, each once: by pts, or by dts where a pts is missing."""
    own = [packet for packet in packets if packet.stream == stream]
    stated = [packet.time_s for packet in own if packet.time_s is not None]
    if len(stated) < len(own):
        stated = [packet.dts_s for packet in own if packet.dts_s is not None]
    return sorted(set(stated))


def end_of(packets: Sequence[Packet]) -> float:
    """Answer when the last packet ends; one that states no length, or too short a one, lasts as is usual."""
    end = 0.0
    for stream in {packet.stream for packet in packets}:
        times = times_of(packets, stream)
        if times:
            usual = statistics.median(steps_of(times)) if len(times) > 1 else 0.0
            stated = [
                packet.duration_s
                for packet in packets
                if packet.stream == stream and times[-1] in {packet.time_s, packet.dts_s}
            ]
            end = max(end, times[-1] + max(usual, *stated))
    return end


def steps_of(times: Sequence[float]) -> list[float]:
    """Answer the time from each picture to the next."""
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def seconds(value: object) -> float | None:
    """Read ffprobe's seconds, or Matroska's `00:00:10.005000000`; None for anything else."""
    try:
        parts = [float(part) for part in str(value).split(":")]
    except ValueError:
        return None
    total = sum(part * 60**power for power, part in enumerate(reversed(parts)))
    return total if len(parts) in {1, 3} and math.isfinite(total) else None


def ratio(value: object) -> Fraction | None:
    """Read `30000/1001` or `16:15`; None when it is missing or not positive."""
    try:
        number = Fraction(str(value).replace(":", "/"))
    except (ValueError, ZeroDivisionError):
        return None
    return number if number > 0 else None


def _ask(source: Path, intervals: str, *, entries: str = _ENTRIES, stream: int | None = None) -> dict[str, Any]:
    chosen = [] if stream is None else ["-select_streams", str(stream)]
    run = run_ffprobe(
        [
            *("-v", "error", "-of", "json=compact=1", *chosen),
            *("-read_intervals", intervals, "-show_entries", entries),
            *("-i", "{source}"),
        ],
        source=source,
        limits=Limits.for_probe(),
    )
    answer: dict[str, Any] = json.loads(run.stdout or b"{}")
    return answer


def _packets(rows: Sequence[Mapping[str, Any]]) -> tuple[Packet, ...]:
    """Answer the packets that are shown (not those that an edit list hides)."""
    return tuple(
        Packet(
            stream=int(row["stream_index"]),
            time_s=seconds(row.get("pts_time")),
            dts_s=seconds(row.get("dts_time")),
            duration_s=seconds(row.get("duration_time")) or 0.0,
        )
        for row in rows
        if "D" not in row.get("flags", "") and "stream_index" in row
    )
