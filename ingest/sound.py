"""Sound as it is heard: narration at -23 LUFS (EBU R128), a voice on one side only put on both, room sound as it was.

A first run measures what will be encoded, through the same filters; the second, the encode, then has one gain for all
of a track. Only where that would lift its peaks above -1 dBTP are these limited, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ingest.errors import ToolFailed
from ingest.ffmpeg import Limits, Watch, run_ffmpeg
from ingest.filters import Filter, spelled
from ingest.plan import AudioPlan, EncodePlan

# EBU R128 and R128 s1: programme loudness, and the highest true peak in production
TARGET_LUFS, MAX_PEAK_DBTP = -23.0, -1.0
# more than this would lift a microphone's noise to speech; what is quieter than that is no narration
MOST_GAIN_DB = 30.0
# ebur128 answers this for silence
SILENCE_LUFS = -70.0
# a channel below the first and its twin above the second: a microphone plugged into one side
DEAD_DBFS, ALIVE_DBFS = -60.0, -45.0
# the same voice on both sides is 3 LU louder than on one
BOTH_SIDES_LU = 3.01
_TAIL_BYTES = 4096


@dataclass(frozen=True)
class Loudness:
    """What was measured of a track: integrated loudness, true peaks of both channels, in dB."""

    name: str
    lufs: float
    peaks_dbtp: tuple[float, float]


@dataclass(frozen=True)
class SoundRecord:
    """What was done to a track, for package.json: `method` is linear, limited or none, and then `why`."""

    name: str
    role: str
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    gain_db: float
    method: str
    why: str | None = None
    joined: str | None = None

    def describe(self) -> dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def measure_sound(
    source: Path, plan: EncodePlan, work: Path, *, cancelled: Callable[[], bool] | None = None
) -> tuple[Loudness, ...]:
    """Measure every sound track as it will be encoded, in the folder `work`; unreadable ones are missing.

    Raises `ToolFailed` where the tool is at fault, `Cancelled`.
    """
    if not plan.audio:
        return ()
    try:
        run_ffmpeg(
            measure_arguments(plan),
            source=source,
            out=work,
            limits=Limits.for_duration(plan.duration_s),
            watch=Watch(cancelled=cancelled),
        )
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
    measured = (_read(work / f"{track.name}.txt", track.name) for track in plan.audio)
    return tuple(loudness for loudness in measured if loudness is not None)


def measure_arguments(plan: EncodePlan) -> list[str]:
    """Return the command that writes each track's loudness, ten lines every tenth of a second, to `<name>.txt`."""
    arguments = [*(["-copyts"] if plan.file_clock else []), "-i", "{source}"]
    for track in plan.audio:
        steps = [spelled(step) for step in track.filters]
        steps += ["ebur128=peak=true:metadata=1", f"ametadata=mode=print:file={track.name}.txt"]
        if track.pair_index is None:
            arguments += ["-map", f"0:{track.stream_index}", "-af", ",".join(steps), "-f", "null", "-"]
        else:
            sides = f"[0:{track.stream_index}][0:{track.pair_index}]"
            graph = f"{sides}join=inputs=2:channel_layout=stereo,{','.join(steps)}[{track.name}]"
            arguments += ["-filter_complex", graph, "-map", f"[{track.name}]", "-f", "null", "-"]
    return arguments


def with_loudness(plan: EncodePlan, measured: Sequence[Loudness]) -> tuple[EncodePlan, tuple[SoundRecord, ...]]:
    """Return the plan whose narration is heard at the target loudness, and what was done to each track."""
    by_name = {loudness.name: loudness for loudness in measured}
    planned = [_planned(track, by_name.get(track.name)) for track in plan.audio]
    return replace(plan, audio=tuple(track for track, _ in planned)), tuple(record for _, record in planned)


def _planned(track: AudioPlan, loudness: Loudness | None) -> tuple[AudioPlan, SoundRecord]:
    if loudness is None:
        return track, SoundRecord(track.name, track.role, None, None, 0.0, "none", "It could not be measured.")
    lufs, peak_dbtp = loudness.lufs, max(loudness.peaks_dbtp)
    side = _only_side(loudness)
    record = SoundRecord(track.name, track.role, round(lufs, 2), round(peak_dbtp, 2), 0.0, "none")
    steps: list[Filter] = []
    if side is not None:
        steps.append(Filter("pan", (("args", f"stereo|c0=c{side}|c1=c{side}"),)))
        lufs += BOTH_SIDES_LU
        record = replace(record, joined="left" if side == 0 else "right")
    if track.role != "narration":
        return _with(track, steps), replace(record, why="It is room sound, which is left as it was, or silence for it.")
    gain_db = TARGET_LUFS - lufs
    if lufs <= SILENCE_LUFS:
        return _with(track, steps), replace(record, why="It is silent.")
    if gain_db > MOST_GAIN_DB:
        return _with(track, steps), replace(record, why="It is too quiet to be narration.")
    steps.append(Filter("volume", (("volume", f"{gain_db:.3f}dB"),)))
    is_linear = peak_dbtp + gain_db <= MAX_PEAK_DBTP
    if not is_linear:
        limit = 10 ** (MAX_PEAK_DBTP / 20)
        # latency: what it looks ahead is taken off again, so that sound stays in time
        options = (("limit", f"{limit:.4f}"), ("level", "false"), ("latency", "true"))
        steps.append(Filter("alimiter", options))
    method = "linear" if is_linear else "limited"
    return _with(track, steps), replace(record, gain_db=round(gain_db, 3), method=method)


def _with(track: AudioPlan, steps: list[Filter]) -> AudioPlan:
    """Return the track with further steps, before its end is filled with silence."""
    at = next(index for index, step in enumerate(track.filters) if step.name == "apad")
    return replace(track, filters=(*track.filters[:at], *steps, *track.filters[at:]))


def _only_side(loudness: Loudness) -> int | None:
    """Return the channel that alone has sound, None where both have or none."""
    for side in (0, 1):
        if loudness.peaks_dbtp[side] > ALIVE_DBFS and loudness.peaks_dbtp[1 - side] < DEAD_DBFS:
            return side
    return None


def _read(path: Path, name: str) -> Loudness | None:
    """Read the last values of a measurement; None where there is none."""
    if not path.is_file() or path.stat().st_size == 0:
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode("ascii", "replace").splitlines()
    path.unlink()
    values = dict(line.removeprefix("lavfi.r128.").split("=", 1) for line in lines if "=" in line)
    try:
        peaks = _decibels(values["true_peaks_ch0"]), _decibels(values["true_peaks_ch1"])
        return Loudness(name, float(values["I"]), peaks)
    except (KeyError, ValueError):
        return None


def _decibels(share: str) -> float:
    """Return a peak in dB of full scale; ebur128 writes it as a share of it, with three decimals."""
    return max(-120.0, 20 * math.log10(max(1e-6, float(share))))
