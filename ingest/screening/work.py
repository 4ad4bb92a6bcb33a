"""The job that screens a recording, or what was rendered of it; it goes on where a dead worker stopped.

It is done beside the making of the package and delays nothing: its jobs come after all others. What it finds is written
down stretch by stretch together with how far it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.orm import Session

from ingest.dicom_choices import NATIVE, read_choices
from ingest.dicom_header import is_dicom
from ingest.dicom_study import open_study
from ingest.errors import IngestError, ToolFailed
from ingest.ffmpeg import Limits, run_ffprobe
from ingest.inspect import inspect
from ingest.inspection import Inspection
from ingest.plan import plan
from ingest.screening.frames import Stretch
from ingest.screening.output import screen_output
from ingest.screening.patient import PatientValues, read_values
from ingest.screening.reading import Reader
from ingest.screening.stretches import STRETCH_S, Crops, Looker
from ingest.screening.texts import (
    caption_findings,
    chapter_findings,
    container_findings,
    file_name_findings,
    header_notes,
)
from ingest.subtitles import chapters_in, read_texts
from ingest.workshop import FREE_SPACE_FACTOR, Watch, Workshop, open_source, scratch_for
from videolib.catalogue import jobs
from videolib.catalogue.cines import find_corrections
from videolib.catalogue.jobs import Job
from videolib.catalogue.recordings import get_recording
from videolib.catalogue.screenings import Found, Screening, finish_screening, keep_progress

log = structlog.get_logger(__name__)

Finish = Callable[[Session], None]


def screen(workshop: Workshop, job: Job, watch: Watch, *, finish: Finish) -> None:
    """Look through the master of a recording, or through a package rendered of it, and keep what was found.

    Raises `Refused`, `ToolFailed`, `Unavailable`, `Cancelled`, `LeaseLost`.
    """
    with workshop.database.reading() as session:
        screening = session.get(Screening, str(job.arguments["screening_id"]))
    if screening is None:
        raise IngestError("tool_failed", "The recording is gone; there is nothing to screen.")
    if screening.state == "done":
        with workshop.database.writing() as session:
            finish(session)
        return
    if screening.package_id is not None:
        screen_output(workshop, job, screening, watch, finish=finish)
        return
    with workshop.database.reading() as session:
        recording = get_recording(session, job.recording_id)
        key, size, name = recording.original_key, recording.bytes, recording.source_name
        choices = read_choices(find_corrections(session, recording.id))
    watch.on_progress("fetch", None)
    with open_source(workshop, key, watch) as source, scratch_for(workshop, size * FREE_SPACE_FACTOR) as folder:
        values, notes = _read_headers(source, folder)
        videos = videos_of(source, folder, choices, watch)
        texts = [*file_name_findings(name, values), *_text_findings(source, videos[NATIVE], values, folder, watch)]
        looked = _Looked(workshop, job, screening, watch)
        for view, video in videos.items():
            looked.look_through(video, values, view=view, first=texts if view == NATIVE else [])
    with workshop.database.writing() as session:
        finish(session)
        finish_screening(session, screening, notes={**notes, **looked.notes})


class _Looked:
    """Looks through videos of one screening, and writes down what it finds as it goes."""

    def __init__(self, workshop: Workshop, job: Job, screening: Screening, watch: Watch) -> None:
        self._workshop, self._job, self._screening, self._watch = workshop, job, screening, watch
        self._crops, self._reader = Crops(workshop.originals, screening.id), Reader()
        self.notes: dict[str, Any] = {}

    def look_through(self, video: Path, values: PatientValues, *, view: str, first: list[Found]) -> None:
        """Look through one video from where the last worker was; `first` are findings of the whole recording."""
        inspection = inspect(video)
        duration_s = inspection.duration_s
        is_main = view == NATIVE
        looker = Looker(
            video,
            inspection,
            values,
            zero_s_of(inspection),
            self._crops,
            self._watch.cancelled,
            self._reader,
            hears=is_main,
        )
        done_s = self._screening.done_until_s if is_main else 0.0
        if is_main and done_s == 0.0:
            self._keep(0.0, first, duration_s)
        while done_s < duration_s:
            stretch = Stretch(done_s, min(duration_s, done_s + STRETCH_S))
            found = looker.look(stretch)
            done_s = stretch.end_s
            # a further view is a short run of a cine: it is looked through anew after a crash
            self._keep(done_s if is_main else 0.0, found, duration_s)
            self._watch.on_progress("screen", done_s / duration_s)
        self.notes.setdefault("views", []).append(view)

    def _keep(self, until_s: float, found: list[Found], duration_s: float) -> None:
        with self._workshop.database.writing() as session:
            # raises where another worker has the job by now: then nothing is written
            jobs.heartbeat(session, self._job, self._workshop.settings.lease_s)
            keep_progress(session, self._screening, until_s, found)
            session.get_one(Screening, self._screening.id).duration_s = duration_s


def zero_s_of(inspection: Inspection) -> float:
    """Return where the zero of the package lies on the clock that ffmpeg shows of the recording."""
    return plan(inspection).zero_s


def _read_headers(source: Path, folder: Path) -> tuple[PatientValues, dict[str, Any]]:
    """Return what the headers of a DICOM file or study say of the patient, and standard names for the record."""
    values, notes = PatientValues(), header_notes(source)
    for path in _dicom_files(source, folder):
        values = values.joined(read_values(path))
        notes = notes or header_notes(path)
    return values, notes


def _dicom_files(source: Path, folder: Path) -> Iterator[Path]:
    study = open_study(source)
    if not study.is_packed:
        yield source
        return
    for run in study.listed.runs:
        # one file a run: all of a run have the same patient
        with study.unpacked(run.files[:1], folder) as paths:
            yield from paths


def videos_of(source: Path, folder: Path, choices: Any, watch: Watch) -> dict[str, Path]:
    """Return the videos to look at: the recording itself, or those made of a DICOM recording."""
    if not (is_dicom(source) or open_study(source).is_packed):
        return {NATIVE: source}
    from ingest.dicom import convert_views  # noqa: PLC0415 - numpy and pydicom take half a second

    watch.on_progress("convert", None)
    (folder / "converted").mkdir()
    return dict(convert_views(source, folder / "converted", choices, cancelled=watch.cancelled).videos)


def _text_findings(source: Path, video: Path, values: PatientValues, folder: Path, watch: Watch) -> list[Found]:
    inspection = inspect(video)
    encode_plan = plan(inspection)
    (folder / "texts").mkdir()
    texts = read_texts(video, inspection, encode_plan, folder / "texts", cancelled=watch.cancelled)
    chapters = chapters_in(inspection, encode_plan)
    found = [*caption_findings(texts.tracks, values), *chapter_findings(chapters, values)]
    if source == video:
        found += container_findings(_tags(source), values)
    return [replace(one, end_s=one.end_s or one.start_s) for one in found]


def _tags(source: Path) -> dict[str, str]:
    """Return every tag of the container and its streams."""
    arguments = [
        "-v",
        "error",
        "-show_entries",
        "format_tags:stream_tags:chapter_tags",
        "-of",
        "json",
        "-i",
        "{source}",
    ]
    try:
        run = run_ffprobe(arguments, source=source, limits=Limits.for_probe())
    except ToolFailed:
        return {}
    answer = json.loads(run.stdout or b"{}")
    tagged = [answer.get("format", {}), *answer.get("streams", []), *answer.get("chapters", [])]
    return {f"{name}": str(text) for one in tagged for name, text in one.get("tags", {}).items()}
