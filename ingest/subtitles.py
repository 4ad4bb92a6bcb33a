"""Timed text as WebVTT renditions: tracks inside the file, captions inside its pictures, files beside it.

Everything is parsed and written anew by `videolib.cues`, so that nothing but text and times remains, and cut into
segments. Times are brought onto the package's clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ingest.errors import ToolFailed
from ingest.ffmpeg import Limits, Watch, run_ffmpeg
from ingest.inspection import Inspection
from ingest.languages import language_tag
from ingest.package import MULTIVARIANT, HlsPackage
from ingest.plan import EncodePlan
from videolib import hls
from videolib.cues import SUFFIXES, Cue, read_cues, write_vtt
from videolib.errors import InvalidInput

# a playlist of text may have longer segments than pictures (8216bis, 6.2.4); nothing is gained by more requests
SEGMENT_S = 60.0
MAX_TRACKS = 16
UNREADABLE = "A subtitle track could not be read and was left out."
# the codecs that are kept as they are, for pysubs2 knows what is drawing and what is text; all others become SubRip
_STYLED = frozenset({"ass", "ssa"})
# what captions in pictures look like in H.264 and MPEG-2 (ATSC A/53, part 4): they come with every picture
_CAPTION_MARK = b"GA94\x03"
_LOOKED_AT_BYTES = 8 * 2**20
# the package's media begins at zero on both clocks
_HEAD = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n"


@dataclass(frozen=True)
class TextTrack:
    """A language's cues on the package's clock; `origin` is where they came from: embedded, cea608 or beside."""

    name: str
    language: str
    origin: str
    cues: tuple[Cue, ...]


@dataclass(frozen=True)
class FoundChapter:
    """A chapter on the package's clock."""

    start_s: float
    end_s: float
    title: str


@dataclass(frozen=True)
class Texts:
    """The text tracks of a recording, and sentences for the editor about those that could not be read."""

    tracks: tuple[TextTrack, ...] = ()
    warnings: tuple[str, ...] = ()


def read_texts(
    source: Path,
    inspection: Inspection,
    plan: EncodePlan,
    work: Path,
    *,
    beside: Iterable[Path] = (),
    cancelled: Callable[[], bool] | None = None,
) -> Texts:
    """Return all timed text of a recording; `work` is an empty folder, `beside` are files as `find_beside` finds them.

    A file beside the recording is trusted more than a track inside it of the same language, for somebody has chosen
    it. Raises `Cancelled`.
    """
    watch = Watch(cancelled=cancelled)
    found: list[TextTrack | None] = [_from_file(path, source.stem) for path in beside]
    found += _embedded(source, inspection, plan, work, watch)
    if carries_captions(source):
        found.append(_captions_in_pictures(source, inspection, plan, work, watch))
    tracks: list[TextTrack] = []
    for track in found:
        if track is not None:
            tracks += _kept(track, tracks, plan.duration_s)
    warnings = (UNREADABLE,) if None in found else ()
    return Texts(tuple(tracks[:MAX_TRACKS]), warnings)


def has_text(source: Path, inspection: Inspection) -> bool:
    """Whether a recording has text inside it that can be read."""
    return any(stream.is_text for stream in inspection.subtitles) or carries_captions(source)


def find_beside(source: Path, *, among: Iterable[Path] | None = None) -> tuple[Path, ...]:
    """Return the caption files that lie beside a recording: `<its name>.srt`, `<its name>.zh.vtt`, …

    `among` are the files of its folder where these have been listed already.
    """
    near = source.parent.iterdir() if among is None else among
    names = (path for path in near if path.suffix.lower() in SUFFIXES and path != source)
    mine = (path for path in names if path.stem == source.stem or beside_language(path, source.stem))
    return tuple(sorted(path for path in mine if path.is_file()))


def beside_language(path: Path, stem: str) -> str | None:
    """Return the language in `<stem>.<language>.srt`, if the file is named like that."""
    first, dot, language = path.stem.rpartition(".")
    tag = language_tag(language) if dot and first == stem else "und"
    return None if tag == "und" else tag


def carries_captions(source: Path) -> bool:
    """Whether captions (CEA-608) are inside the pictures: the first megabytes hold their mark."""
    with source.open("rb") as file:
        return _CAPTION_MARK in file.read(_LOOKED_AT_BYTES)


def add_texts(tracks: Sequence[TextTrack], package: HlsPackage) -> None:
    """Write every track's segments and playlist into the package, and name them in its multivariant playlist.

    Raises `ToolFailed` where what was written does not cover the package.
    """
    if not tracks:
        return
    written = [_write_track(track, package.folder, package.duration_s) for track in tracks]
    for track in written:
        _write(package.folder / track.folder / "index.m3u8", hls.media_playlist(track))
    master = hls.multivariant_playlist(package.video, package.audio, package.video[-1], written)
    _write(package.folder / MULTIVARIANT, master)
    _check(written, package)


def describe_text(texts: Texts, chapters: Sequence[FoundChapter]) -> dict[str, object]:
    """Return the part of the contract's package object that is text."""
    tracks = [
        {"name": track.name, "language": track.language, "origin": track.origin, "cues": len(track.cues)}
        for track in texts.tracks
    ]
    return {"subtitles": tracks, "chapters": [asdict(chapter) for chapter in chapters]}


def chapters_in(inspection: Inspection, plan: EncodePlan) -> tuple[FoundChapter, ...]:
    """Return the file's chapters on the package's clock: data for the entry, in no media file."""
    zero_s = inspection.video.start_s - plan.lead_s
    moved = (
        FoundChapter(
            round(max(0.0, chapter.start_s - zero_s), 3),
            round(min(plan.duration_s, chapter.end_s - zero_s), 3),
            chapter.title,
        )
        for chapter in inspection.chapters
    )
    return tuple(chapter for chapter in moved if chapter.end_s > chapter.start_s)


def _embedded(
    source: Path, inspection: Inspection, plan: EncodePlan, work: Path, watch: Watch
) -> Iterator[TextTrack | None]:
    """Answer the text tracks inside the file; None for one that cannot be read."""
    streams = [stream for stream in inspection.subtitles if stream.is_text][:MAX_TRACKS]
    if not streams:
        return
    arguments = ["-copyts", "-i", "{source}"]
    paths = []
    for stream in streams:
        form = "ass" if stream.codec in _STYLED else "srt"
        paths.append(work / f"text-{stream.index}.{form}")
        arguments += ["-map", f"0:{stream.index}", "-c:s", form, "-f", form, f"{{out}}/{paths[-1].name}"]
    try:
        run_ffmpeg(arguments, source=source, out=work, limits=Limits.for_duration(plan.duration_s), watch=watch)
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
    zero_s = inspection.video.start_s - plan.lead_s
    for stream, path in zip(streams, paths, strict=True):
        track = _parsed(path.read_bytes() if path.is_file() else b"", stream.language, "embedded")
        yield _moved(track, -zero_s)


def _captions_in_pictures(
    source: Path, inspection: Inspection, plan: EncodePlan, work: Path, watch: Watch
) -> TextTrack | None:
    """Return the captions inside the pictures.

    ffmpeg hands them out by its `movie` source alone, which opens files past all whitelists: so the pictures are first
    made small, with their captions, in a file of our own.
    """
    limits = Limits.for_duration(plan.duration_s)
    small = ["-an", "-vf", "setpts=PTS-STARTPTS,scale=64:64", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"]
    small += ["-a53cc", "1", "-fps_mode", "passthrough", "-map_metadata", "-1", "{out}/captioned.mp4"]
    reread = ["-f", "lavfi", "-i", "movie=captioned.mp4[out0+subcc]", "-map", "0:s", "-c:s", "srt", "-f", "srt"]
    try:
        arguments = ["-i", "{source}", "-map", f"0:{inspection.video.index}", *small]
        run_ffmpeg(arguments, source=source, out=work, limits=limits, watch=watch)
        run_ffmpeg([*reread, "{out}/captions.srt"], source=None, out=work, limits=limits, watch=watch)
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
        return None
    return _moved(_parsed((work / "captions.srt").read_bytes(), "und", "cea608"), plan.lead_s)


def _from_file(path: Path, stem: str) -> TextTrack | None:
    if path.stat().st_size == 0:
        return None
    return _parsed(path.read_bytes(), beside_language(path, stem) or "und", "beside")


def _parsed(content: bytes, language: str, origin: str) -> TextTrack | None:
    try:
        return TextTrack(language, language, origin, tuple(read_cues(content)))
    except InvalidInput:
        return None


def _moved(track: TextTrack | None, later_s: float) -> TextTrack | None:
    if track is None or not later_s:
        return track
    cues = (Cue(max(0.0, cue.start_s + later_s), cue.end_s + later_s, cue.text) for cue in track.cues)
    return replace(track, cues=tuple(cue for cue in cues if cue.end_s > cue.start_s))


def _kept(track: TextTrack, earlier: Sequence[TextTrack], duration_s: float) -> Iterator[TextTrack]:
    """Answer the track under its own name, cut at the recording's end, unless a file beside it stands for it."""
    cues = tuple(replace(cue, end_s=min(cue.end_s, duration_s)) for cue in track.cues if cue.start_s < duration_s)
    alike = [other for other in earlier if other.language == track.language]
    if not cues or (track.origin != "beside" and any(other.origin == "beside" for other in alike)):
        return
    name = f"{track.language}-{len(alike) + 1}" if alike else track.language
    yield replace(track, name=name, cues=cues)


def _check(tracks: Sequence[hls.Track], package: HlsPackage) -> None:
    """Read everything again: each segment a WebVTT file of its size, all of them as long as the pictures."""
    for track in tracks:
        for segment in track.segments:
            content = (package.folder / track.folder / segment.uri).read_bytes()
            if len(content) != segment.bytes or not content.startswith(f"WEBVTT\n{_HEAD}\n".encode()):
                raise ToolFailed(stderr_tail=f"package: {track.folder}/{segment.uri} is no WebVTT segment")
        if abs(track.duration_s - package.duration_s) > 0.001:
            raise ToolFailed(stderr_tail=f"package: {track.folder} does not cover the recording")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_track(track: TextTrack, folder: Path, duration_s: float) -> hls.Track:
    path = f"subtitles/{track.name}"
    (folder / path).mkdir(parents=True)
    segments = []
    # a remainder of less than a millisecond is no segment
    count = max(1, math.ceil(duration_s / SEGMENT_S - 0.0001))
    for number in range(count):
        start_s = number * SEGMENT_S
        end_s = start_s + SEGMENT_S if number < count - 1 else duration_s
        # a cue that is shown over the edge stands in both segments
        shown = [cue for cue in track.cues if cue.start_s < end_s and cue.end_s > start_s]
        content = write_vtt(shown, head=_HEAD).encode()
        (folder / path / f"{number:04}.vtt").write_bytes(content)
        segments.append(hls.Segment(f"{number:04}.vtt", start_s, end_s - start_s, len(content), len(shown)))
    return hls.Track(track.name, path, "", tuple(segments), language=track.language)
