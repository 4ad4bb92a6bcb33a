"""A narration becomes a sound track of its entry's length: AAC in one fragmented file, of which playlists name ranges.

No object of the recording's package is read or written: the track is put beside it when its playlists are given out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from config.ladder import AUDIO_RATE_HZ, KEY_FRAME_S
from ingest.chunks import Span
from ingest.encode import muxing, sound_options, watch_for
from ingest.errors import Refused, ToolFailed
from ingest.ffmpeg import Limits, run_ffmpeg
from ingest.package import Piece, cut, measure, sha256_of
from ingest.sound import MAX_PEAK_DBTP, TARGET_LUFS
from ingest.tools import SOUND_FORMATS
from ingest.workshop import Watch, Workshop, scratch_for
from videolib.catalogue.entries import Entry
from videolib.catalogue.jobs import Job
from videolib.catalogue.narrations import Narration, keep_sound
from videolib.catalogue.packages import get_package
from videolib.catalogue.tracks import segments_as_json

KBPS = 128
NO_SOUND = "No sound can be read in this file. Send it as WAV, MP3, M4A or Ogg."


def narrate(workshop: Workshop, job: Job, watch: Watch, *, finish: Callable[[Session], None]) -> None:
    """Make an uploaded narration ready to be heard. Raises `Refused`, `ToolFailed`, `Unavailable`, `Cancelled`."""
    with workshop.database.reading() as session:
        narration = session.get(Narration, str(job.arguments["narration_id"]))
        if narration is not None and narration.state == "queued" and narration.entry_id is not None:
            entry = session.get_one(Entry, narration.entry_id)
            package_id = entry.recording.package_id if entry.recording else None
            length_s = get_package(session, package_id).duration_s or 0.0
        else:
            narration = None
        session.expunge_all()
    made = _make(workshop, narration, length_s, job, watch) if narration is not None else None
    with workshop.database.writing() as session:
        finish(session)
        row = session.get(Narration, narration.id) if narration is not None else None
        if made is not None and row is not None and row.state == "queued":
            keep_sound(session, row, made)
    if narration is not None:
        workshop.originals.delete([narration.original_key])


def make_sound_file(source: Path, folder: Path, length_s: float, watch: Watch) -> tuple[Path, Piece]:
    """Encode speech into `folder`, as loud as every narration here, cut or filled with silence to `length_s`.

    Gives the file (the init segment, then all media segments) and what it consists of, offsets counting from the end
    of the init segment. Raises `Refused` where there is no sound, `ToolFailed`, `Cancelled`.
    """
    out = folder / "out"
    out.mkdir()
    followed = watch_for(length_s, lambda fraction: watch.on_progress("encode", fraction), watch.cancelled)
    try:
        run_ffmpeg(
            _arguments(length_s),
            source=source,
            out=out,
            limits=replace(Limits.for_duration(length_s), formats=SOUND_FORMATS),
            watch=followed,
        )
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
        raise Refused("unsupported", NO_SOUND) from failure
    measured = measure(out / "sound.mp4")
    piece = cut(measured, Span(0, 0.0, length_s), out, one_file=True) if measured is not None else None
    if piece is None:
        raise Refused("unsupported", NO_SOUND)
    whole = folder / "whole.mp4"
    whole.write_bytes(piece.init + (out / piece.segments[0].uri).read_bytes())
    return whole, piece


def _make(workshop: Workshop, narration: Narration, length_s: float, job: Job, watch: Watch) -> dict[str, Any]:
    size = workshop.originals.stat(narration.original_key).size
    path = f"sound-a{job.attempt}.mp4"
    with scratch_for(workshop, size + 2 * length_s * KBPS * 125) as folder:
        source = folder / "source"
        workshop.originals.fetch_to(narration.original_key, source)
        whole, piece = make_sound_file(source, folder, length_s, watch)
        workshop.store.put_file(f"{narration.prefix}/{path}", whole, content_type="audio/mp4")
        segments = [
            {**item, "uri": path, "offset": item["offset"] + len(piece.init)}
            for item in segments_as_json(piece.segments)
        ]
        return {
            "path": path,
            "bytes": whole.stat().st_size,
            "sha256": sha256_of(whole),
            "init_bytes": len(piece.init),
            "codec": piece.header.codec,
            "segments": segments,
        }


def _arguments(length_s: float) -> list[str]:
    steps = (
        # speech comes from any microphone: one pass is enough for it, and brings it to the loudness of the others
        f"loudnorm=I={TARGET_LUFS}:TP={MAX_PEAK_DBTP}:LRA=11",
        f"aresample={AUDIO_RATE_HZ}",
        "aformat=channel_layouts=stereo",
        "apad",
        f"atrim=end={length_s:.6f}",
    )
    options = {**muxing(), **sound_options(KBPS, KEY_FRAME_S)}
    named = [word for name, value in options.items() for word in (f"-{name}", str(value))]
    return ["-i", "{source}", "-map", "0:a:0", "-vn", "-af", ",".join(steps), *named, "{out}/sound.mp4"]
