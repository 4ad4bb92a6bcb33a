"""The path of a recording, read from top to bottom: inspect, plan, encode, package, pictures, verify.

A recording goes in, an HLS package comes out, or nothing at all: work happens in a folder beside OUT that is
renamed at the end and removed on any failure. No database, no store (`workshop` adds them).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ingest.dicom_choices import NATIVE, Choices
from ingest.encode import encode
from ingest.errors import Cancelled, IngestError, NoSpace, Refused
from ingest.ffmpeg import Limits, find_tools, run_ffmpeg
from ingest.images import POSTER, TILES, make_images
from ingest.inspect import check_decoded_length, describe, inspect
from ingest.inspection import CineFacts, Inspection
from ingest.package import (
    MULTIVARIANT,
    HlsPackage,
    PackageFile,
    list_files,
    package,
    sha256_of,
    write_description,
)
from ingest.plan import EncodePlan, plan
from ingest.quality import QualityRecord, choose_rungs, follow
from ingest.verify import verify
from ingest.views import multivariant_of, put_inside
from videolib import __version__, hls
from videolib.errors import InvalidInput

OnProgress = Callable[[str, float | None], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class PackageReport:
    """What became of a recording: the contract's answer of `package` and `ingest`, and the package's files."""

    path: str
    source: dict[str, object]
    package: dict[str, object]
    timing: dict[str, float]
    warnings: tuple[str, ...]
    files: tuple[PackageFile, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the object of the contract's section 3."""
        return _answer(
            self.path, source=self.source, package=self.package, timing=self.timing, warnings=list(self.warnings)
        )


def package_recording(
    source: Path,
    out: Path,
    *,
    on_progress: OnProgress | None = None,
    cancelled: IsCancelled | None = None,
    choices: Choices | None = None,
) -> PackageReport:
    """Make the HLS package of one recording in the folder `out`, which must be absent or empty.

    `choices` are an editor's about a DICOM recording.
    `on_progress` is told the stage (inspect, convert, encode, package, images, verify) and how much of it is
    done, None where that is unknown. Raises `Refused` for the recording's own fault, `ToolFailed`, `Cancelled`,
    and `InvalidInput` when `out` holds something; then there is no `out`, unless it holds something.
    """
    tell = on_progress or _tell_nobody
    stop = cancelled or _go_on
    started, cpu_before_s = time.monotonic(), _cpu_s()
    with _work_beside(out) as work:
        tell("inspect", None)
        inspection, readable, further = _accept(source, work, choices or {}, tell, stop)
        encode_plan = plan(inspection, can_tone_map=inspection.video.hdr is None or _can_tone_map())
        (work / "probe").mkdir()
        quality = choose_rungs(readable, inspection, encode_plan, work / "probe", cancelled=stop)
        encode_plan = follow(encode_plan, quality)
        made, views = _make_all(readable, further, encode_plan, quality, work, (tell, stop))
        check_decoded_length(inspection, made.duration_s - encode_plan.lead_s)
        facts = describe(inspection)
        described = {**_describe_package(made), **_describe_cine(inspection, views)}
        tell("verify", None)
        verify(made.folder, encode_plan)
        _stop_if(stop)
        files = list_files(made.folder)
        write_description(
            made.folder,
            files,
            source={"sha256": sha256_of(source), "bytes": inspection.bytes, **facts},
            package=described,
            settings=_settings(encode_plan),
            quality=quality.describe(),
            tools=_tools(),
            frames=inspection.dicom and inspection.dicom.timeline(),
        )
        made.folder.rename(out)
    total_s = time.monotonic() - started
    timing = {"first_playable_s": total_s, "total_s": total_s, "cpu_s": _cpu_s() - cpu_before_s}
    timing = {name: round(value, 3) for name, value in timing.items()}
    warnings = encode_plan.warnings
    if len(made.audio) < len(encode_plan.audio):
        warnings = (*warnings, "A sound track could not be read and was left out.")
    return PackageReport(str(source), facts, described, timing, warnings, files)


def refused_report(source: Path, work: Callable[[], PackageReport]) -> dict[str, Any]:
    """Return the contract's answer of `work`, also when it refuses, fails or is cancelled."""
    try:
        return work().as_json()
    except IngestError as error:
        return _refusal(source, error)
    except Cancelled:
        return _answer(str(source), state="cancelled")


def inspect_report(source: Path, *, full: bool = False) -> dict[str, Any]:
    """Return the contract's answer of `inspect`: the source, or why it would be refused; `full` decodes it."""
    try:
        with tempfile.TemporaryDirectory(prefix="videolib-") as folder:
            inspection = inspect(source, full=full)
            if full and inspection.dicom is not None:
                for video in _convert(source, Path(folder), {}, _go_on)[0].values():
                    inspect(video, full=True)
    except IngestError as error:
        return _refusal(source, error)
    return _answer(str(source), source=describe(inspection), warnings=list(inspection.warnings))


def _accept(
    source: Path, work: Path, choices: Choices, tell: OnProgress, stop: IsCancelled
) -> tuple[Inspection, Path, dict[str, Path]]:
    """Return what the recording is, the file to encode, and the files of further views by their names.

    The file is the recording's own, or the video made from a DICOM cine.
    """
    inspection = inspect(source)
    if inspection.dicom is None:
        return inspection, source, {}
    tell("convert", None)
    (work / "converted").mkdir()
    videos, facts = _convert(source, work / "converted", choices, stop)
    converted = videos.pop(NATIVE)
    # its pictures are as the converted file says; what the recording is, its header says
    inside = inspect(converted)
    whole = replace(
        inside,
        container=inspection.container,
        video=replace(inside.video, codec=inspection.video.codec, profile=inspection.video.profile),
        bytes=inspection.bytes,
        dicom=facts or inspection.dicom,
        warnings=(*(inspection.warnings if facts is None else facts.warnings()), *inside.warnings),
    )
    return whole, converted, videos


def _convert(
    source: Path, folder: Path, choices: Choices, stop: IsCancelled
) -> tuple[dict[str, Path], CineFacts | None]:
    from ingest.dicom import convert_views  # noqa: PLC0415 - numpy and pydicom take half a second

    converted = convert_views(source, folder, choices, cancelled=stop)
    return dict(converted.videos), converted.facts


def _make_all(
    readable: Path,
    further: Mapping[str, Path],
    encode_plan: EncodePlan,
    quality: QualityRecord,
    work: Path,
    watched: tuple[OnProgress, IsCancelled],
) -> tuple[HlsPackage, dict[str, HlsPackage]]:
    """Make the package with its further views inside: each a whole tree in `views/<name>/`, on the same clock."""
    tell, stop = watched
    count = len(further) + 1
    views: dict[str, HlsPackage] = {}
    for index, (name, video) in enumerate(further.items()):
        (work / name).mkdir()
        view_plan = follow(plan(inspect(video)), replace(quality, left_out=()))
        made = _make(video, view_plan, work / name, _encode_share(tell, index, count), stop)
        verify(made.folder, view_plan)
        views[name] = made
        video.unlink()
    main = _make(readable, encode_plan, work, _encode_share(tell, count - 1, count), stop)
    put_inside(main, views)
    return main, views


def _encode_share(tell: OnProgress, index: int, count: int) -> OnProgress:
    """Tell of one of several encodes as a part of the whole; of the other stages only the last encode's."""

    def share(stage: str, fraction: float | None) -> None:
        if stage == "encode":
            tell(stage, (index + (fraction or 0.0)) / count)
        elif index == count - 1:
            tell(stage, fraction)

    return share


def _make(readable: Path, encode_plan: EncodePlan, work: Path, tell: OnProgress, stop: IsCancelled) -> HlsPackage:
    """Encode, cut into a package in `work/package`, and make its pictures."""
    for name in ("encoded", "images"):
        (work / name).mkdir()
    tell("encode", 0.0)
    encoded = encode(
        readable,
        encode_plan,
        work / "encoded",
        on_progress=lambda fraction: tell("encode", fraction),
        cancelled=stop,
    )
    tell("package", None)
    made = package(encoded, encode_plan, work / "package")
    _stop_if(stop)
    tell("images", None)
    make_images(made, encode_plan, work / "images", cancelled=stop)
    return made


@contextlib.contextmanager
def _work_beside(out: Path) -> Iterator[Path]:
    """Give a folder on the same disk as `out`, removed with all that is left in it; on failure also an empty `out`."""
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise InvalidInput("The output folder must be absent or empty.", fields={"out": "Name another folder."})
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".videolib-", dir=out.parent) as folder:
            yield Path(folder)
    except BaseException as error:
        with contextlib.suppress(OSError):
            out.rmdir()
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace from error
        raise


@functools.cache
def _can_tone_map() -> bool:
    """Say whether this ffmpeg has what HDR takes; one built without zimg has not."""
    listed = run_ffmpeg(["-filters"], source=None, out=None, limits=Limits.for_probe()).stdout
    return b" zscale " in listed and b" tonemap " in listed


def _describe_package(made: HlsPackage) -> dict[str, object]:
    renditions = [
        {
            "name": track.name,
            "width": track.width,
            "height": track.height,
            "fps": round(track.fps, 3),
            "codecs": hls.codecs(track, made.audio),
            "bandwidth": hls.bandwidths(track, made.audio)[0],
            "average_bandwidth": hls.bandwidths(track, made.audio)[1],
            "copied": False,
        }
        for track in made.video
    ]
    audio = [
        {
            "name": track.name,
            "language": track.language,
            "codecs": track.codec,
            "channels": track.channels,
            "bandwidth": track.peak_bandwidth,
            "average_bandwidth": track.average_bandwidth,
        }
        for track in made.audio
    ]
    return {
        "multivariant": MULTIVARIANT,
        "duration_s": round(made.duration_s, 6),
        "renditions": renditions,
        "audio": audio,
        "subtitles": [],
        "poster": POSTER,
        "storyboard": TILES,
    }


def _describe_cine(inspection: Inspection, views: Mapping[str, HlsPackage]) -> dict[str, object]:
    """Return what the package of a DICOM recording tells beside: further views, runs, when each frame comes."""
    if inspection.dicom is None:
        return {}
    trees = [
        {
            "name": name,
            "multivariant": multivariant_of(name),
            "renditions": _describe_package(made)["renditions"],
        }
        for name, made in views.items()
    ]
    return {"views": trees, "runs": inspection.dicom.chapters(), "frame_steps": inspection.dicom.frame_map()}


def _settings(encode_plan: EncodePlan) -> dict[str, object]:
    """Return the part of a plan that tells later readers how the package was made."""
    rungs = [{"name": one.name, "cap_kbps": one.cap_kbps, "crf": one.crf} for one in encode_plan.renditions]
    return {
        "preset": encode_plan.preset,
        "tune": encode_plan.tune,
        "key_frame_s": encode_plan.key_frame_s,
        "segment_s": encode_plan.segment_s,
        "b_frames": encode_plan.b_frames,
        "filters": [asdict(step) for step in encode_plan.filters],
        "renditions": rungs,
        "audio_kbps": [track.kbps for track in encode_plan.audio],
    }


def _tools() -> dict[str, str]:
    tools = find_tools()
    return {"videolib": __version__, "ffmpeg": tools.ffmpeg_version, "ffprobe": tools.ffprobe_version}


def _refusal(source: Path, error: IngestError) -> dict[str, Any]:
    state = "rejected" if isinstance(error, Refused) else "failed"
    return _answer(str(source), state=state, reason={"code": error.reason, "message": error.message})


def _answer(path: str, *, state: str = "ready", **known: Any) -> dict[str, Any]:
    """Return the contract's object; what is not `known` (reason, source, package, …) is null or empty."""
    return {
        "path": path,
        "recording_id": None,
        "entry_id": None,
        "state": state,
        "published": False,
        "duplicate_of": None,
        "reason": None,
        "source": None,
        "package": None,
        "timing": {"first_playable_s": None, "total_s": None, "cpu_s": None},
        "warnings": [],
        **known,
    }


def _stop_if(stop: IsCancelled) -> None:
    if stop():
        raise Cancelled


def _cpu_s() -> float:
    """Return the CPU seconds of this process and of all its finished children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _tell_nobody(_stage: str, _fraction: float | None) -> None:
    pass


def _go_on() -> bool:
    return False
