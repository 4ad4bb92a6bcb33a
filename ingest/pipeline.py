"""The path of a recording, read from top to bottom: inspect, plan, encode, package, pictures, verify.

A recording goes in, an HLS package comes out, or nothing at all: work happens in a folder beside OUT that is
renamed at the end and removed on any failure. No database, no store (`workshop` adds them).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import math
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ingest.copying import reason_to_encode
from ingest.description import describe_cine, describe_package, settings_of, tools_in_use
from ingest.dicom_choices import NATIVE, Choices
from ingest.errors import Cancelled, IngestError, NoSpace, Refused
from ingest.ffmpeg import Limits, run_ffmpeg
from ingest.images import make_images
from ingest.inspect import check_decoded_length, describe, inspect
from ingest.inspection import CineFacts, Inspection
from ingest.making import Bench, make_tracks
from ingest.package import (
    HlsPackage,
    PackageFile,
    list_files,
    package,
    sha256_of,
    write_description,
)
from ingest.plan import EncodePlan, plan
from ingest.quality import QualityRecord, follow
from ingest.redaction import Redaction, with_redactions
from ingest.refine import refine
from ingest.subtitles import TextTrack, add_texts
from ingest.verify import verify
from ingest.views import put_inside
from videolib.errors import InvalidInput

# one command holds the key frames of an hour at most
LONGEST_CHUNK_S = 3600.0

OnProgress = Callable[[str, float | None], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class Method:
    """How a package is made: in chunks of `chunk_s` what is longer, its own pictures copied where they can be.

    What is longer than `cut_over_s` is cut as well, so that its beginning can be watched early.
    `beside` are caption files that lie beside the recording; `offers` keeps pictures of which a poster can be chosen;
    `redactions` are taken out of pictures, sound and text, and nothing is copied then.
    """

    chunk_s: float = LONGEST_CHUNK_S
    cut_over_s: float = math.inf
    copy: bool = True
    beside: tuple[Path, ...] = ()
    offers: bool = False
    redactions: tuple[Redaction, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """A recording that was accepted: the file to read, the plans to try in order, whether to copy its pictures."""

    inspection: Inspection
    readable: Path
    plans: tuple[EncodePlan, ...]
    copied: bool
    offers: bool = False


@dataclass(frozen=True)
class PackageReport:
    """What became of a recording: the contract's answer of `package` and `ingest`, and the package's files."""

    path: str
    source: dict[str, object]
    package: dict[str, object]
    timing: dict[str, float]
    warnings: tuple[str, ...]
    files: tuple[PackageFile, ...]
    texts: tuple[TextTrack, ...] = ()

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
    method: Method = Method(),
) -> PackageReport:
    """Make the HLS package of one recording in the folder `out`, which must be absent or empty.

    `choices` are an editor's about a DICOM recording, `method` says how it is made.
    `on_progress` is told the stage (inspect, convert, encode, package, images, verify) and how much of it is
    done, None where that is unknown. Raises `Refused` for the recording's own fault, `ToolFailed`, `Cancelled`,
    and `InvalidInput` when `out` holds something; then there is no `out`, unless it holds something.
    """
    tell = on_progress or _tell_nobody
    stop = cancelled or _go_on
    started, cpu_before_s = time.monotonic(), _cpu_s()
    with _work_beside(out) as work:
        tell("inspect", None)
        inspection, readable, further = accept(source, work, choices or {}, tell, stop)
        (work / "probe").mkdir()
        plans = make_plans(inspection, method)
        found = refine(readable, inspection, plans[0], work / "probe", beside=method.beside, cancelled=stop)
        plans = tuple(found.follow(one) for one in plans)
        views = _make_views(further, found.quality, work, (tell, stop), method)
        may_copy = method.copy and not method.redactions and reason_to_encode(inspection, plans[0]) is None
        main = Recorded(inspection, readable, plans, copied=may_copy, offers=method.offers)
        encode_plan, made = _make(main, work, _encode_share(tell, len(further), len(further) + 1), stop)
        put_inside(made, views)
        check_decoded_length(inspection, made.duration_s - encode_plan.lead_s)
        facts = describe(inspection)
        copied = [one.name for one in encode_plan.renditions if one.copied]
        found = found.without(method.redactions)
        add_texts(found.texts.tracks, made)
        described = {**describe_package(made, copied=copied), **found.describe(), **describe_cine(inspection, views)}
        tell("verify", None)
        verify(made.folder, encode_plan)
        _stop_if(stop)
        files = list_files(made.folder)
        write_description(
            made.folder,
            files,
            source={"sha256": sha256_of(source), "bytes": inspection.bytes, **facts},
            package=described,
            settings=settings_of(encode_plan),
            **found.record(),
            tools=tools_in_use(),
            frames=inspection.dicom and inspection.dicom.timeline(),
        )
        made.folder.rename(out)
    timing = _timing(time.monotonic() - started, _cpu_s() - cpu_before_s)
    warnings = (*encode_plan.warnings, *found.texts.warnings)
    if len(made.audio) < len(encode_plan.audio):
        warnings = (*warnings, "A sound track could not be read and was left out.")
    return PackageReport(str(source), facts, described, timing, warnings, files, found.texts.tracks)


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


def accept(
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


def make_plans(inspection: Inspection, method: Method) -> tuple[EncodePlan, ...]:
    """Return the plan to follow, and where that is in chunks the one in one piece, should chunks not fit together."""
    may_tone_map = inspection.video.hdr is None or can_tone_map()
    lengths_s = ((method.chunk_s, method.cut_over_s), (math.inf, math.inf))
    plans = [
        plan(inspection, can_tone_map=may_tone_map, chunk_s=chunk_s, cut_over_s=cut_over_s)
        for chunk_s, cut_over_s in lengths_s
    ]
    plans = [with_redactions(one, method.redactions) for one in plans]
    return tuple(plans if plans[0].is_chunked else plans[1:])


def _make_views(
    further: Mapping[str, Path],
    quality: QualityRecord,
    work: Path,
    watched: tuple[OnProgress, IsCancelled],
    method: Method,
) -> dict[str, HlsPackage]:
    """Make the further views of a recording: each a whole tree, on the same clock."""
    tell, stop = watched
    views: dict[str, HlsPackage] = {}
    for index, (name, video) in enumerate(further.items()):
        (work / name).mkdir()
        inspection = inspect(video)
        plans = tuple(
            follow(one, replace(quality, left_out=()))
            for one in make_plans(inspection, Method(redactions=method.redactions))
        )
        view = Recorded(inspection, video, plans, copied=False)
        view_plan, made = _make(view, work / name, _encode_share(tell, index, len(further) + 1), stop)
        verify(made.folder, view_plan)
        views[name] = made
        video.unlink()
    return views


def _encode_share(tell: OnProgress, index: int, count: int) -> OnProgress:
    """Tell of one of several encodes as a part of the whole; of the other stages only the last encode's."""

    def share(stage: str, fraction: float | None) -> None:
        if stage == "encode":
            tell(stage, (index + (fraction or 0.0)) / count)
        elif index == count - 1:
            tell(stage, fraction)

    return share


def _make(recorded: Recorded, work: Path, tell: OnProgress, stop: IsCancelled) -> tuple[EncodePlan, HlsPackage]:
    """Make the tracks, the playlists and the pictures of a package in `work/package`."""
    for name in ("encoded", "images", "package"):
        (work / name).mkdir()
    tell("encode", 0.0)
    bench = Bench(
        recorded.readable, recorded.inspection, work / "encoded", lambda fraction: tell("encode", fraction), stop
    )
    tracks = make_tracks(bench, recorded.plans, work / "package", copied=recorded.copied)
    tell("package", None)
    made = package(tracks.video, tracks.audio, work / "package")
    _stop_if(stop)
    tell("images", None)
    make_images(made, tracks.plan, work / "images", offers=recorded.offers, cancelled=stop)
    return tracks.plan, made


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
def can_tone_map() -> bool:
    """Say whether this ffmpeg has what HDR takes; one built without zimg has not."""
    listed = run_ffmpeg(["-filters"], source=None, out=None, limits=Limits.for_probe()).stdout
    return b" zscale " in listed and b" tonemap " in listed


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


def _timing(total_s: float, cpu_s: float) -> dict[str, float]:
    return {"first_playable_s": round(total_s, 3), "total_s": round(total_s, 3), "cpu_s": round(cpu_s, 3)}


def _cpu_s() -> float:
    """Return the CPU seconds of this process and of all its finished children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _tell_nobody(_stage: str, _fraction: float | None) -> None:
    pass


def _go_on() -> bool:
    return False
