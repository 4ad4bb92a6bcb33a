"""The recordings of the demo library, made one after another, the quickest first; the same every time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ingest.studies import StudyFolder, find_recordings, pack
from videolib.demo.endoscopy import Look, make_endoscopy, make_long
from videolib.demo.moments import DemoMoment, hepatic_moments, iliac_moments, narrated_steps
from videolib.demo.narration import captions, make_narrated
from videolib.demo.phantom import Scene, render_run
from videolib.demo.phantom_dicom import write_run
from videolib.demo.scenes import hepatic_scene, iliac_scene, renal_scene
from videolib.errors import Unavailable

OnProgress = Callable[[str, float | None], None]

_ENTRIES = Path(__file__).with_name("entries.yaml")
# pale and ringed like a windpipe
_AIRWAY = Look(seed=9, tint=(0.98, 1.12, 1.06), speed=60.0, has_forceps=False, crf=26)


@dataclass(frozen=True)
class DemoRecording:
    """A file to take in, what its page says (fields of a metadata file), and WebVTT captions by language."""

    path: Path
    meta: dict[str, Any]
    captions: dict[str, str] = field(default_factory=dict)
    moments: tuple[DemoMoment, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """A recording to make: its key in entries.yaml, its file's name, how to make it in a folder."""

    key: str
    name: str
    make: Callable[[Path, str], Path]
    captions: dict[str, str] = field(default_factory=dict)
    moments: tuple[DemoMoment, ...] = ()


def make_demo_recordings(folder: Path, on_progress: OnProgress | None = None) -> Iterator[DemoRecording]:
    """Make the recordings in `folder` and yield each as soon as it is there, shortest first.

    `on_progress` is told the title of what is being made and how much of all is done. Raises ToolFailed.
    """
    tell = on_progress or _tell_nobody
    folder.mkdir(parents=True, exist_ok=True)
    texts = read_entries()
    plans = _plans()
    for done, plan in enumerate(plans):
        tell(str(texts[plan.key]["title"]["en"]), done / len(plans))
        yield DemoRecording(plan.make(folder, plan.name), texts[plan.key], plan.captions, plan.moments)
    tell("all made", 1.0)


def read_entries() -> dict[str, dict[str, Any]]:
    """Return what the pages say, by the key of the recording."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(_ENTRIES.read_text(encoding="utf-8"))
    return {key: entries[key] for key in entries if key != "generated"}


def _plans() -> tuple[_Plan, ...]:
    return (
        _Plan("iliac", "iliac-angiogram.dcm", _phantom(iliac_scene, "FrameTime"), moments=iliac_moments()),
        _Plan("renal", "renal-angiogram.dcm", _phantom(renal_scene, "FrameTime")),
        _Plan("hepatic", "hepatic-angiograms.tar", make_hepatic_study, moments=hepatic_moments()),
        _Plan("endoscopy", "endoscopy.mp4", _make_endoscopy),
        _Plan("narrated", "tace-narrated.mp4", make_narrated, captions(), narrated_steps()),
        _Plan("long", "airway-long.mp4", _make_long),
    )


def _phantom(build_scene: Callable[[], Scene], timing: str) -> Callable[[Path, str], Path]:
    def make(folder: Path, name: str) -> Path:
        scene = build_scene()
        return write_run(folder / name, scene, render_run(scene), timing=timing)

    return make


def make_hepatic_study(folder: Path, name: str) -> Path:
    """Make an examination of two runs, before and after the embolisation, in two projections, as a lab exports it."""
    runs = (
        (hepatic_scene(), "FrameTimeVector"),
        (replace(hepatic_scene(is_treated=True), seconds=6.0, angles_deg=(-28.0, 12.0)), "FrameTime"),
    )
    study = folder / Path(name).stem
    study.mkdir()
    try:
        for number, (scene, timing) in enumerate(runs, start=1):
            path = study / f"{study.name}-{number}.dcm"
            write_run(path, scene, render_run(scene), timing=timing, study=study.name, number=number)
        (found,) = find_recordings(study)
        if not isinstance(found, StudyFolder):
            raise Unavailable("The runs that were made are no examination.")
        pack(found, folder / name)
    finally:
        shutil.rmtree(study)
    return folder / name


def _make_endoscopy(folder: Path, name: str) -> Path:
    return make_endoscopy(folder, name, Look(seed=5), seconds=12)


def _make_long(folder: Path, name: str) -> Path:
    """Make eight seconds and repeat them to four minutes."""
    clip = make_endoscopy(folder, "airway-once.mp4", _AIRWAY, seconds=8)
    try:
        return make_long(folder, name, clip, times=30)
    finally:
        clip.unlink(missing_ok=True)


def _tell_nobody(title: str, done: float | None) -> None:
    del title, done
