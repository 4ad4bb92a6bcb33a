"""The job that renders a montage: ranges of originals as one film without what was taken out, then its package.

Only the frames and samples of the ranges reach the film, and only the film reaches the package: pictures, sound,
storyboard and poster. It has one constant rate, that of its quickest recording, and the size of its largest; what is
smaller is centred on black. Text inside the originals is left out: captions are the entry's own.
"""

from __future__ import annotations

import shutil
import wave
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import BinaryIO

import ffmpeg
from sqlalchemy.orm import Session

from config.ladder import AUDIO_RATE_HZ
from ingest.chunks import Span
from ingest.dicom_choices import Choices, read_choices
from ingest.encode import through, watch_for, ways_in
from ingest.errors import ToolFailed, original_gone
from ingest.ffmpeg import Limits, run_ffmpeg
from ingest.filters import Filter, filter_of, spelled
from ingest.inspection import Inspection
from ingest.pipeline import Method, accept, can_tone_map, package_recording
from ingest.plan import AudioPlan, EncodePlan, plan
from ingest.redaction import Redaction, read_redactions, silences, with_redactions
from ingest.timing import entry_filters
from ingest.workshop import Made, Watch, Workshop, keep_and_attach, not_released, open_source, scratch_for
from videolib.catalogue.cines import find_corrections
from videolib.catalogue.jobs import Job
from videolib.catalogue.media_time import TICKS_PER_S
from videolib.catalogue.ranges import are_released, axis_of, rendered_with
from videolib.catalogue.recordings import get_recording

# the film is encoded once more: so fine that nothing of it shows, and without pictures that depend on later ones
_FILM = {"c:v": "libx264", "preset": "veryfast", "crf": 10, "bf": 0, "profile:v": "high", "a53cc": 0, "f": "h264"}
# of one second of the film at most
FILM_KBPS = 60_000
_SAMPLE_BYTES = 4


@dataclass(frozen=True)
class Cut:
    """A range of an original that is to be shown: which one, and from when to when on its package's clock."""

    source: str
    start_s: Fraction
    end_s: Fraction

    @property
    def length_s(self) -> Fraction:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Material:
    """An original: the file to read, what it is, and how it is shown without what was taken out."""

    path: Path
    inspection: Inspection
    plan: EncodePlan
    redactions: tuple[Redaction, ...] = ()


def make_montage(workshop: Workshop, job: Job, watch: Watch, *, finish: Callable[[Session], None]) -> None:
    """Render a montage and make its package. Raises `Refused`, `ToolFailed`, `Unavailable`, `Cancelled`.

    It waits while one of its recordings is not signed off, also where that happens before it is attached.
    """
    with workshop.database.reading() as session:
        montage = get_recording(session, job.recording_id)
        if not are_released(montage):
            raise not_released()
        taken_out = rendered_with(session, montage)
        cuts = [
            Cut(one.recording_id, Fraction(one.start, TICKS_PER_S), Fraction(one.end, TICKS_PER_S))
            for one in axis_of(montage).ranges
        ]
        originals = {one.id: (one.original_key, one.bytes) for one in montage.sources}
        choices = {name: read_choices(find_corrections(session, name)) for name in originals}
    if not all(key for key, _size in originals.values()):
        raise original_gone()
    length_s = float(sum(one.length_s for one in cuts))
    needed = 2 * 125 * FILM_KBPS * length_s + sum(size for _key, size in originals.values())
    redactions = {str(one["recording_id"]): read_redactions(one["redactions"]) for one in taken_out}
    with scratch_for(workshop, needed) as folder, ExitStack() as opened:
        watch.on_progress("fetch", None)
        materials: dict[str, Material] = {}
        for name, (key, _size) in originals.items():
            path = opened.enter_context(open_source(workshop, key, watch))
            work = folder / f"source-{len(materials)}"
            work.mkdir()
            materials[name] = look_at(path, work, redactions[name], choices[name], watch)
        film = render_film(materials, cuts, folder, lambda share: watch.on_progress("convert", share), watch.cancelled)
        report = package_recording(
            film,
            folder / "package",
            on_progress=watch.on_progress,
            cancelled=watch.cancelled,
            method=Method(copy=False, offers=True),
        )
        made = Made(report, folder / "package", taken_out)
        keep_and_attach(workshop, job.recording_id, made, watch, finish=finish)


def look_at(path: Path, work: Path, redactions: Sequence[Redaction], choices: Choices, watch: Watch) -> Material:
    """Inspect an original, and plan its pictures on its own clock; of a DICOM cine the video that is made of it."""
    inspection, readable, _views = accept(path, work, choices, watch.on_progress, watch.cancelled)
    may_tone_map = inspection.video.hdr is None or can_tone_map()
    planned = plan(inspection, can_tone_map=may_tone_map, file_clock=True)
    return Material(readable, inspection, with_redactions(planned, redactions), tuple(redactions))


def render_film(
    materials: dict[str, Material],
    cuts: Sequence[Cut],
    folder: Path,
    tell: Callable[[float], None],
    stop: Callable[[], bool],
) -> Path:
    """Render the cuts one after the other into a file in `folder`: every picture and sample of them, and no other."""
    used = [materials[one.source].plan for one in cuts]
    fps = max(one.fps for one in used)
    top = max((one.renditions[0] for one in used), key=lambda one: one.width * one.height)
    total_s = float(sum(one.length_s for one in cuts))
    has_sound = any(_sound_of(materials[one.source]) for one in cuts)
    film, edge_s = folder / "film.h264", Fraction(0)
    with film.open("wb") as pictures, wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(AUDIO_RATE_HZ)
        for number, cut in enumerate(cuts):
            material = materials[cut.source]
            done, share = float(edge_s) / total_s, float(cut.length_s) / total_s
            count = round((edge_s + cut.length_s) * fps) - round(edge_s * fps)
            piece = _render_pictures(
                material,
                cut,
                (fps, count, (top.width, top.height)),
                folder / f"{number}.h264",
                partial(_tell_part, tell, done, share),
                stop,
            )
            _append(piece, pictures)
            samples = round((edge_s + cut.length_s) * AUDIO_RATE_HZ) - round(edge_s * AUDIO_RATE_HZ)
            sound.writeframes(_render_sound(material, cut, samples, folder / f"{number}.pcm", stop))
            edge_s += cut.length_s
    return _joined(folder, fps, total_s, has_sound=has_sound)


def _render_pictures(
    material: Material,
    cut: Cut,
    shape: tuple[Fraction, int, tuple[int, int]],
    out: Path,
    tell: Callable[[float], None],
    stop: Callable[[], bool],
) -> Path:
    """Encode just so many pictures; each way into the file is tried until one finds the first."""
    fps, count, size = shape
    planned, span = material.plan, Span(0, float(cut.start_s), float(cut.end_s))
    length_s = float(cut.length_s)
    for earlier_s in ways_in(planned, span, material.inspection.container):
        entered = _entered(planned, cut, earlier_s)
        early = entry_filters(planned, span) if earlier_s is not None else ()
        steps = (*early, *planned.filters, *_fitted(size), *_timed(planned, cut, fps, count))
        picture = through(ffmpeg.input("{source}", **entered)[str(planned.video_index)], steps)
        options = {**_FILM, "g": round(2 * fps), "maxrate": f"{FILM_KBPS}k", "bufsize": f"{2 * FILM_KBPS}k"}
        output = ffmpeg.output(picture, f"{{out}}/{out.name}", fps_mode="passthrough", **options)
        arguments = ["-copyts", *output.global_args("-max_error_rate", "1").compile()[1:]]
        decoded_s = length_s + (earlier_s if earlier_s is not None else float(cut.start_s))
        run_ffmpeg(
            arguments,
            source=material.path,
            out=out.parent,
            limits=Limits.for_duration(decoded_s, kbps=FILM_KBPS),
            watch=watch_for(length_s, tell, stop),
        )
        if out.is_file() and out.stat().st_size:
            return out
    raise ToolFailed(stderr_tail="not one picture of a range could be decoded")


def _render_sound(material: Material, cut: Cut, samples: int, out: Path, stop: Callable[[], bool]) -> bytes:
    """Return just so many samples of the narration, 16 bits and two sides each; silence where there is none."""
    track = _sound_of(material)
    if track is None:
        return bytes(samples * _SAMPLE_BYTES)
    steps = [
        # onto the clock of its package, by which was decided what is mute
        filter_of("asetpts", expr=f"round(PTS-{material.plan.zero_s:.6f}/TB)"),
        *silences(material.redactions),
        filter_of("atrim", start=f"{float(cut.start_s):.6f}", end=f"{float(cut.end_s):.6f}"),
        filter_of("asetpts", expr=f"round(PTS-{float(cut.start_s):.6f}/TB)"),
        filter_of("aresample", osr=AUDIO_RATE_HZ, **{"async": 1, "first_pts": 0}),
        filter_of("aformat", sample_fmts="s16", channel_layouts="stereo"),
    ]
    span = Span(0, float(cut.start_s), float(cut.end_s))
    earlier_s = ways_in(material.plan, span, material.inspection.container)[0]
    source = ffmpeg.input("{source}", **_entered(material.plan, cut, earlier_s))
    options = {"f": "s16le", "c:a": "pcm_s16le"}
    if track.pair_index is not None:
        sides = [source[str(track.stream_index)], source[str(track.pair_index)]]
        joined = through(ffmpeg.filter(sides, "join", inputs=2, channel_layout="stereo"), steps)
        output = ffmpeg.output(joined, f"{{out}}/{out.name}", **options)
    else:
        chain = ",".join(spelled(step) for step in steps)
        output = ffmpeg.output(source[str(track.stream_index)], f"{{out}}/{out.name}", af=chain, **options)
    arguments = ["-copyts", *output.global_args("-max_error_rate", "1").compile()[1:]]
    limits = Limits.for_duration(float(cut.end_s), kbps=2000)
    try:
        run_ffmpeg(arguments, source=material.path, out=out.parent, limits=limits, watch=watch_for(1.0, None, stop))
    except ToolFailed as failure:
        if not failure.is_inputs_fault:
            raise
    found = out.read_bytes()[: samples * _SAMPLE_BYTES] if out.is_file() else b""
    out.unlink(missing_ok=True)
    return found + bytes(samples * _SAMPLE_BYTES - len(found))


def _sound_of(material: Material) -> AudioPlan | None:
    """The narration; sound of the room alone stays mute, as in the recording's own package."""
    return next((track for track in material.plan.audio if track.role == "narration"), None)


def _entered(planned: EncodePlan, cut: Cut, earlier_s: float | None) -> dict[str, str | int | None]:
    if earlier_s is None:
        return {}
    at_s = planned.zero_s + float(cut.start_s) - earlier_s
    return {"seek_timestamp": 1, "noaccurate_seek": None, "ss": f"{at_s:.6f}"}


def _fitted(size: tuple[int, int]) -> tuple[Filter, ...]:
    """Return what brings pictures to the size and the colours of the film."""
    width, height = size
    fitting: dict[str, str | int] = {"force_original_aspect_ratio": "decrease", "force_divisible_by": 2}
    return (
        filter_of(
            "scale", w=width, h=height, flags="bicubic", out_color_matrix="bt709", out_range="limited", **fitting
        ),
        filter_of("pad", w=width, h=height, x="(ow-iw)/2", y="(oh-ih)/2"),
        filter_of("setsar", sar="1"),
        filter_of("setparams", range="limited", color_primaries="bt709", color_trc="bt709", colorspace="bt709"),
    )


def _timed(planned: EncodePlan, cut: Cut, fps: Fraction, count: int) -> tuple[Filter, ...]:
    """Return what shifts the clock to the beginning of a cut and lets just so many pictures at that rate pass."""
    begins_s = planned.zero_s + float(cut.start_s)
    return (
        filter_of("setpts", expr=f"round(PTS-{begins_s:.6f}/TB)"),
        filter_of("fps", fps=f"{fps.numerator}/{fps.denominator}", start_time="0"),
        # a last picture stands where the recording ends a moment early
        filter_of("tpad", stop=-1, stop_mode="clone"),
        filter_of("trim", end_frame=count),
    )


def _tell_part(tell: Callable[[float], None], done: float, share: float, part: float) -> None:
    tell(done + share * part)


def _append(piece: Path, pictures: BinaryIO) -> None:
    with piece.open("rb") as file:
        shutil.copyfileobj(file, pictures, 1024 * 1024)
    piece.unlink()


def _joined(folder: Path, fps: Fraction, length_s: float, *, has_sound: bool) -> Path:
    """Put pictures and sound into one file, untouched."""
    sound = ["-i", "{out}/sound.wav"] if has_sound else []
    arguments = [
        *("-f", "h264", "-framerate", f"{fps.numerator}/{fps.denominator}", "-i", "{out}/film.h264", *sound),
        *("-map", "0:v", *(("-map", "1:a") if has_sound else ()), "-c", "copy", "-f", "mov", "{out}/film.mov"),
    ]
    run_ffmpeg(arguments, source=None, out=folder, limits=Limits.for_duration(length_s))
    (folder / "film.h264").unlink()
    (folder / "sound.wav").unlink()
    return folder / "film.mov"
