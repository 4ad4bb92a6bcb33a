"""Which rungs are worth their bits for this recording: a probe encode of a few short samples, measured by VMAF.

A rung that looks less than `LEAST_GAIN` points better than the one kept below it is left out. The smallest stays, for
slow links; the largest stays, because it is the recording's own size and VMAF knows nothing of guide wires. Grey
recordings (angiography, ultrasound) are told by their colours and get the settings that were measured to keep thin
wires in the smallest rung (docs/decisions/017).
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import ffmpeg

from config.ladder import GREY_BETTER_BY_CRF, GREY_TUNE, LEAST_GAIN
from ingest.errors import ToolFailed
from ingest.ffmpeg import Limits, Watch, run_ffmpeg
from ingest.inspection import Inspection
from ingest.plan import EncodePlan, RenditionPlan

# where the samples lie in the recording, and how much of it they are, within these limits each
SAMPLES_AT = (1 / 6, 1 / 2, 5 / 6)
SAMPLE_SHARE = 1 / 30
SAMPLE_S = (0.24, 1.0)
# of a shorter one everything is made: that costs less than to find out what is not worth it
SHORTEST_S = 8.0
# every so many pictures one is compared
COMPARED_EVERY = 5
# a picture is grey when nine tenths of it are this close to it (signalstats' SATHIGH; full saturation is 180)
GREY_SATURATION = 4.0
_REFERENCE = "reference.mkv"
_LIMITS = Limits(cpu_s=900, wall_s=900)
_SATURATION = re.compile(rb"SATHIGH=([0-9.]+)")


@dataclass(frozen=True)
class RungQuality:
    """What a rung looks like beside the recording (VMAF, 0 to 100), and whether it was kept."""

    name: str
    vmaf: float
    kept: bool


@dataclass(frozen=True)
class QualityRecord:
    """How the rungs were chosen, for package.json; `why` says why nothing was measured."""

    measured: bool
    why: str | None = None
    samples_s: tuple[float, ...] = ()
    sample_length_s: float = 0.0
    rungs: tuple[RungQuality, ...] = ()
    left_out: tuple[str, ...] = ()
    greyscale: bool = False

    def describe(self) -> dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def choose_rungs(
    source: Path, inspection: Inspection, plan: EncodePlan, work: Path, *, cancelled: Callable[[], bool] | None = None
) -> QualityRecord:
    """Probe a recording in the empty folder `work`; `follow` brings a plan in line with what is found.

    What cannot be measured is made as the ladder says, and the record says why. Raises `Cancelled`.
    """
    is_grey = inspection.video.pix_fmt.startswith("gray")
    small = plan.renditions[1:]
    if len(small) < 2 and is_grey:
        return QualityRecord(measured=False, why="There is no rung to leave out.", greyscale=True)
    if inspection.duration_s < SHORTEST_S:
        return QualityRecord(measured=False, why="The recording is short: all rungs are made.", greyscale=is_grey)
    starts_s, length_s = _sample_times(inspection.duration_s)
    watch = Watch(cancelled=cancelled)
    try:
        is_grey = _encode_samples(source, plan, (starts_s, length_s), work, watch) or is_grey
        scores = _compare(small, plan, work, watch) if len(small) > 1 and can_compare() else []
    except ToolFailed:
        return QualityRecord(measured=False, why="The samples could not be encoded.", greyscale=is_grey)
    finally:
        for path in work.iterdir():
            path.unlink()
    if not scores:
        why = "There is no rung to leave out." if len(small) < 2 else "This ffmpeg has no libvmaf."
        return QualityRecord(measured=False, why=why, greyscale=is_grey)
    rungs = judge([rung.name for rung in small], scores)
    return QualityRecord(
        measured=True,
        samples_s=starts_s,
        sample_length_s=length_s,
        rungs=rungs,
        left_out=tuple(rung.name for rung in rungs if not rung.kept),
        greyscale=is_grey,
    )


def looks_grey(
    source: Path, inspection: Inspection, plan: EncodePlan, *, cancelled: Callable[[], bool] | None = None
) -> bool:
    """Say whether a recording's samples are grey, without an encode: its first chunk cannot wait for the probe.

    Raises `Cancelled`.
    """
    if inspection.video.pix_fmt.startswith("gray"):
        return True
    picture = _samples(plan, *_sample_times(inspection.duration_s)).filter("framestep", step=COMPARED_EVERY)
    arguments: list[str] = ffmpeg.output(_saturation(picture), "-", f="null").compile()[1:]
    try:
        run = run_ffmpeg(arguments, source=source, out=None, limits=_LIMITS, watch=Watch(cancelled=cancelled))
    except ToolFailed:
        return False
    return _is_grey(run.stdout)


def judge(names: Sequence[str], scores: Sequence[float]) -> tuple[RungQuality, ...]:
    """Return which rungs are kept; names and scores have the largest first, the recording's own size left aside."""
    judged: list[RungQuality] = []
    below: float | None = None
    for name, score in zip(reversed(names), reversed(scores), strict=True):
        is_kept = below is None or score - below >= LEAST_GAIN
        judged.append(RungQuality(name, round(score, 2), is_kept))
        below = score if is_kept else below
    return tuple(reversed(judged))


def follow(plan: EncodePlan, record: QualityRecord) -> EncodePlan:
    """Return the plan without the rungs that are left out, with the settings of grey pictures where they are grey."""
    kept = tuple(one for one in plan.renditions if one.name not in record.left_out)
    if not record.greyscale:
        return replace(plan, renditions=kept)
    better = tuple(replace(one, crf=one.crf - GREY_BETTER_BY_CRF) for one in kept)
    return replace(plan, renditions=better, tune=GREY_TUNE)


@functools.cache
def can_compare() -> bool:
    """Say whether this ffmpeg has libvmaf; many builds have not."""
    listed = run_ffmpeg(["-filters"], source=None, out=None, limits=Limits.for_probe()).stdout
    return b" libvmaf " in listed


def _encode_samples(
    source: Path, plan: EncodePlan, samples: tuple[Sequence[float], float], work: Path, watch: Watch
) -> bool:
    """Encode the samples in a row, without loss and at every rung but the largest; tell whether they are grey."""
    run = run_ffmpeg(_sample_arguments(plan, *samples), source=source, out=work, limits=_LIMITS, watch=watch)
    if not _SATURATION.search(run.stdout):
        raise ToolFailed(stderr_tail="no picture in the samples")
    return _is_grey(run.stdout)


def _is_grey(printed: bytes) -> bool:
    return max((float(value) for value in _SATURATION.findall(printed)), default=math.inf) <= GREY_SATURATION


def _sample_times(duration_s: float) -> tuple[tuple[float, ...], float]:
    """Return when the samples start, and how long each is."""
    length_s = min(max(duration_s * SAMPLE_SHARE, SAMPLE_S[0]), SAMPLE_S[1])
    return tuple(round(duration_s * at - length_s / 2, 3) for at in SAMPLES_AT), length_s


def _samples(plan: EncodePlan, starts_s: Sequence[float], length_s: float) -> Any:
    """Return the samples in a row, as the largest rendition shows them."""
    parts = [
        ffmpeg.input("{source}", ss=f"{start_s:.3f}", t=f"{length_s:.3f}")[str(plan.video_index)]
        for start_s in starts_s
    ]
    picture = ffmpeg.concat(*parts, v=1, a=0)
    for step in plan.filters:
        picture = picture.filter(step.name, **dict(step.options))
    return picture


def _saturation(picture: Any) -> Any:
    return picture.filter("signalstats").filter("metadata", mode="print", key="lavfi.signalstats.SATHIGH", file="-")


def _sample_arguments(plan: EncodePlan, starts_s: Sequence[float], length_s: float) -> list[str]:
    # times do not matter here: both sides of the comparison count pictures
    split = _samples(plan, starts_s, length_s).filter("setpts", expr=f"N/({plan.fps})/TB").split()
    measured = _saturation(split[0])
    lossless = {"c:v": "libx264", "preset": "ultrafast", "qp": 0}
    untagged = {"fps_mode": "passthrough", "map_metadata": -1}
    outputs = [ffmpeg.output(measured, f"{{out}}/{_REFERENCE}", **lossless, **untagged)]
    picture = split[1]
    for rung in plan.renditions[1:]:
        picture = picture.filter("scale", w=rung.width, h=rung.height, flags="bicubic")
        shown = picture
        if rung is not plan.renditions[-1]:
            split = picture.split()
            shown, picture = split[0], split[1]
        outputs.append(ffmpeg.output(shown, f"{{out}}/{rung.name}.mkv", **_settings(plan, rung), **untagged))
    if len(plan.renditions) == 1:
        outputs.append(ffmpeg.output(picture, "-", f="null"))
    arguments: list[str] = ffmpeg.merge_outputs(*outputs).compile()[1:]
    return arguments


def _settings(plan: EncodePlan, rung: RenditionPlan) -> dict[str, str | int]:
    """Return what a rung's quality hangs on, as `ingest.encode` sets it."""
    return {
        "c:v": "libx264",
        "preset": plan.preset,
        "crf": rung.crf,
        "maxrate": f"{rung.cap_kbps}k",
        "bufsize": f"{rung.buffer_kbit}k",
    }


def _compare(small: Sequence[RenditionPlan], plan: EncodePlan, work: Path, watch: Watch) -> list[float]:
    """Return the VMAF of each rung, scaled to the size of the largest as a player does it."""
    top = plan.renditions[0]
    copies = ffmpeg.input(f"{{out}}/{_REFERENCE}").video.filter_multi_output("split", len(small))
    outputs = []
    for index, rung in enumerate(small):
        shown = ffmpeg.input(f"{{out}}/{rung.name}.mkv").video.filter(
            "scale", w=top.width, h=top.height, flags="bicubic"
        )
        options: dict[str, Any] = {"n_subsample": COMPARED_EVERY, "log_fmt": "json", "log_path": f"{rung.name}.json"}
        scored = ffmpeg.filter([shown, copies[index]], "libvmaf", **options)
        outputs.append(ffmpeg.output(scored, "-", f="null"))
    arguments = ffmpeg.merge_outputs(*outputs).compile()[1:]
    run_ffmpeg(arguments, source=None, out=work, limits=_LIMITS, watch=watch)
    logs = [json.loads((work / f"{rung.name}.json").read_text(encoding="utf-8")) for rung in small]
    return [float(log["pooled_metrics"]["vmaf"]["mean"]) for log in logs]
