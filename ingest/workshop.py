"""A recording in the library becomes watchable: fetch, package, store, attach; every step may be repeated.

Order is safety: segments before playlists, store before catalogue. A package has its own random prefix and is
published by one pointer change, so a viewer never sees half of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from config.settings import Settings
from ingest.dicom_choices import read_choices
from ingest.errors import Cancelled
from ingest.pipeline import Method, PackageReport, package_recording
from ingest.redaction import read_redactions
from ingest.room import require_room
from ingest.scratch import scratch_folder
from ingest.sources import SourceCache
from ingest.stored import require_stored
from ingest.storing import CONTENT_TYPES
from ingest.subtitles import TextTrack
from videolib.catalogue.cines import find_corrections
from videolib.catalogue.desk import needs_rendering
from videolib.catalogue.found_captions import adopt_texts
from videolib.catalogue.holding import is_reported
from videolib.catalogue.packages import Package, begin_package, complete_package
from videolib.catalogue.posters import keep_choice
from videolib.catalogue.publishing import recording_is_ready
from videolib.catalogue.ranges import are_released, rendered_with
from videolib.catalogue.recordings import Recording, get_recording, settle
from videolib.catalogue.redactions import list_redactions, stored_redactions
from videolib.catalogue.screenings import begin_screening
from videolib.db import Database
from videolib.errors import Unavailable
from videolib.storage import GrowingStore, Store, open_store

# what names other objects goes last
_PLAYLISTS_LAST = {".m3u8": 1, ".json": 2}
# room for the source and for what is made of it
FREE_SPACE_FACTOR = 2.5


@dataclass(frozen=True)
class Workshop:
    """What a worker works with."""

    settings: Settings
    database: Database
    store: Store
    originals: GrowingStore

    @property
    def ledger(self) -> Store:
        """Where it is written down what must not come back with a backup."""
        return open_store(self.settings.ledger_url)

    @property
    def scratch(self) -> Path:
        """The folder of work in hand on this host."""
        return self.settings.home / "scratch"


@dataclass(frozen=True)
class Watch:
    """Who is told how far the work is, and who says that it is to stop."""

    on_progress: Callable[[str, float | None], None]
    cancelled: Callable[[], bool]


@dataclass(frozen=True)
class Made:
    """A package in a folder, and what its row is to say that was taken out of it."""

    report: PackageReport
    folder: Path
    redactions: Sequence[dict[str, Any]]


def make_watchable(
    workshop: Workshop,
    recording_id: str,
    watch: Watch,
    *,
    finish: Callable[[Session], None],
    method: Method = Method(),  # noqa: B008 - it is frozen
) -> None:
    """Make the recording's package, keep it in the store and attach it.

    `finish` is called in the unit of work that attaches, so that the job ends with it or not at all.
    Raises `Refused` for the recording's own fault, `ToolFailed`, `Unavailable`, `Cancelled`.
    """
    with workshop.database.reading() as session:
        recording = get_recording(session, recording_id)
        key, size = recording.original_key, recording.bytes
        choices = read_choices(find_corrections(session, recording_id))
        stored = stored_redactions(session, recording_id)
    watch.on_progress("fetch", None)
    with scratch_for(workshop, size * FREE_SPACE_FACTOR) as folder, open_source(workshop, key, watch) as source:
        report = package_recording(
            source,
            folder / "package",
            on_progress=watch.on_progress,
            cancelled=watch.cancelled,
            choices=choices,
            method=replace(method, offers=True, redactions=read_redactions(stored)),
        )
        keep_and_attach(workshop, recording_id, Made(report, folder / "package", stored), watch, finish=finish)


def keep_and_attach(
    workshop: Workshop, recording_id: str, made: Made, watch: Watch, *, finish: Callable[[Session], None]
) -> None:
    """Bring a package into the store, and point the recording at it. Raises `Unavailable`, `Cancelled`."""
    watch.on_progress("store", 0.0)
    with workshop.database.writing() as session:
        package = begin_package(session, recording_id, redactions=made.redactions)
    _keep(workshop, package, made.folder, watch)
    require_stored(workshop.store, package.prefix, objects_of(made.report))
    watch.on_progress("attach", None)
    _attach(workshop, package, made.report, finish)


def _keep(workshop: Workshop, package: Package, folder: Path, watch: Watch) -> None:
    """Put all files under the package's prefix, what is named before what names it."""
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=_order)
    for count, path in enumerate(files):
        if watch.cancelled():
            raise Cancelled
        key = f"{package.prefix}/{path.relative_to(folder).as_posix()}"
        workshop.store.put_file(key, path, content_type=CONTENT_TYPES.get(path.suffix))
        watch.on_progress("store", (count + 1) / len(files))


def _attach(
    workshop: Workshop,
    package: Package,
    report: PackageReport,
    finish: Callable[[Session], None],
) -> None:
    answer = report.as_json()
    with workshop.database.writing() as session:
        finish(session)
        row = session.merge(package)
        duration_s = answer["package"]["duration_s"]
        complete_package(session, row, description=answer["package"], duration_s=duration_s, objects=objects_of(report))
        attach(session, row, answer, workshop.settings, texts=report.texts)


def objects_of(report: PackageReport) -> list[dict[str, Any]]:
    """The objects of a package as its row keeps them."""
    return [{"path": file.path, "bytes": file.bytes, "sha256": file.sha256} for file in report.files]


def attach(
    session: Session,
    package: Package,
    answer: Mapping[str, Any],
    settings: Settings,
    *,
    texts: Sequence[TextTrack] = (),
) -> None:
    """Point the recording at a whole package; `answer` has its source, timing and warnings, `texts` are inside it."""
    recording = get_recording(session, package.recording_id)
    if recording.is_montage:
        require_current(session, recording, package)
    adopt_texts(session, recording, package, {text.name: (text.language, text.cues) for text in texts})
    keep_choice(session, recording.package_id, package)
    recording.package_id = package.id
    recording.source, recording.timing, recording.warnings = answer["source"], answer["timing"], answer["warnings"]
    settle(session, recording, "hold" if needs_review(session, recording) else "finish", None)
    if recording.state == "ready":
        recording_is_ready(session, recording, threshold=settings.review_threshold, by=None)
    elif recording.signed_off_by_id and not needs_rendering(session, recording):
        begin_screening(session, recording, package_id=package.id)
    else:
        recording.signed_off_by_id = recording.signed_off_at = None
        begin_screening(session, recording)


def require_current(session: Session, montage: Recording, package: Package) -> None:
    """Raise `Unavailable` where a recording of a montage is under review now, or something else is to be taken out.

    Its rows are held: nobody reopens one until this montage is attached, and then its entries are found.
    """
    rows = [get_recording(session, one.id, for_update=True) for one in sorted(montage.sources, key=lambda one: one.id)]
    for row in rows:
        session.refresh(row)
    if not are_released(montage) or package.redactions != rendered_with(session, montage):
        raise not_released()


def not_released() -> Unavailable:
    """Why a montage waits."""
    return Unavailable("A recording that it shows is not signed off now; it is rendered then.", code="not_released")


def needs_review(session: Session, recording: Recording) -> bool:
    """Whether a person has to look first: at everything but what this program itself has generated for a demo.

    What was signed off as it is, with nothing to take out, may be made again.
    """
    dicom = (recording.source or {}).get("dicom") or {}
    if recording.is_montage:
        return False  # everything that it shows was signed off
    if is_reported(session, recording):
        return True
    if recording.is_generated:
        return dicom.get("burned_in_annotation") == "yes"
    is_signed = recording.signed_off_by_id is not None and not needs_rendering(session, recording)
    return not is_signed or bool(list_redactions(session, recording.id))


def open_source(workshop: Workshop, key: str, watch: Watch) -> AbstractContextManager[Path]:
    """The file of an original on this host, fetched where the store is no folder of it."""
    cache = SourceCache(workshop.settings, workshop.originals)
    return cache.opened(
        key, on_progress=lambda fraction: watch.on_progress("fetch", fraction), cancelled=watch.cancelled
    )


@contextmanager
def scratch_for(workshop: Workshop, needed_bytes: float) -> Iterator[Path]:
    """A folder of work in hand, where the disk has room for so much; removed at the end."""
    require_room(workshop.settings, workshop.scratch, needed_bytes)
    with scratch_folder(workshop.scratch, "job-") as folder:
        yield folder


def _order(path: Path) -> tuple[int, bool, str]:
    return _PLAYLISTS_LAST.get(path.suffix, 0), path.name == "master.m3u8", path.as_posix()
