"""Finds where rows and store contradict each other, mends each, and says why.

`reconcile_rows` looks at rows alone and is cheap: workers do it every half minute. `reconcile` looks through the store
too. Nothing that anybody could still need is removed: a package's row is committed before its first object, so a
folder without a row is nobody's; an attempt that is not running will never be listed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from ingest.package import DESCRIPTION
from ingest.sweeping import remove_objects, sweep_abandoned
from ingest.workshop import Workshop
from videolib.catalogue import mending
from videolib.catalogue.job_lists import list_sweepable
from videolib.catalogue.jobs import start_work
from videolib.catalogue.packages import Chunk, Package, abandon_packages, list_chunks
from videolib.catalogue.recordings import Recording, get_recording
from videolib.catalogue.screenings import begin_screening, list_unscreened
from videolib.errors import ObjectMissing
from videolib.storage import StoredObject

_MADE = frozenset({"ready", "awaiting_review"})
_ATTEMPT = re.compile(r"-a(\d+)\.[a-z0-9]+$")
_FOLDER = re.compile(r"packages/([^/]+)/")


@dataclass(frozen=True)
class Finding:
    """Something that was not as it should be. `kind` is stable; `mended` is False in a dry run or where nobody can."""

    kind: str
    subject: str
    message: str
    mended: bool

    def as_json(self) -> dict[str, object]:
        """One line of the command's answer."""
        return asdict(self)


def reconcile_rows(workshop: Workshop, *, dry_run: bool = False) -> Iterator[Finding]:
    """Mend rows: silent workers, wrong counts, forgotten recordings, needless jobs, packages given up."""
    database, patience_s = workshop.database, workshop.settings.lease_s
    with database.reading() as session:
        silent = mending.list_silent(session, for_s=patience_s)
    for job in silent:
        with database.writing() as session:
            mended = not dry_run and mending.take_from_silent(session, job)
        message = f"The {job.kind} job of a silent worker ({job.owner}) goes back to the queue."
        yield Finding("expired_lease", str(job.id), message, mended)
    with database.reading() as session:
        miscounted = mending.list_miscounted(session)
    for job in miscounted:
        if not dry_run:
            with database.writing() as session:
                mending.count_again(session, job)
        yield Finding("wrong_count", str(job.id), "A job waited for others that are done, or not at all.", not dry_run)
    yield from _mend_recordings(workshop, dry_run=dry_run)
    yield from _mend_packages(workshop, dry_run=dry_run)


def reconcile(workshop: Workshop, *, dry_run: bool = False) -> Iterator[Finding]:
    """Mend rows, then compare every package with the store: what is missing is made again, what is nobody's goes."""
    yield from reconcile_rows(workshop, dry_run=dry_run)
    stored: dict[str, dict[str, int]] = defaultdict(dict)
    for item in workshop.store.list("packages/"):
        if match := _FOLDER.match(item.key):
            stored[match[1]][item.key.removeprefix(match[0])] = item.size
    with workshop.database.reading() as session:
        packages = {package.id: package for package in mending.list_all_packages(session)}
    whole = sum(package.state == "complete" for package in packages.values())
    if whole > 1 and not stored:
        message = f"The store is empty, but {whole} packages should lie in it: is VIDEOLIB_STORE_URL the right one?"
        yield Finding("empty_store", "store", message, mended=False)
        return
    for package_id in sorted(stored.keys() - packages.keys()):
        count = len(stored[package_id])
        if not dry_run:
            remove_objects(workshop, package_id)
        yield Finding("orphaned_package", package_id, f"{count} objects belong to no package and go.", not dry_run)
    for package in packages.values():
        if package.state != "abandoned":
            yield from _compare(workshop, package, stored.get(package.id, {}), dry_run=dry_run)
    with workshop.database.reading() as session:
        unmade = mending.list_unmade(session)
    for recording in unmade:
        yield _make_again(workshop, recording, "It is ready, but has no package", dry_run=dry_run)


def _mend_recordings(workshop: Workshop, *, dry_run: bool) -> Iterator[Finding]:
    database = workshop.database
    with database.reading() as session:
        unscreened = list_unscreened(session)
    for recording in unscreened:
        if not dry_run:
            with database.writing() as session:
                begin_screening(session, get_recording(session, recording.id, for_update=True))
        yield Finding("unscreened_recording", recording.id, "It waits for a review and is screened.", not dry_run)
    with database.reading() as session:
        forgotten = mending.list_forgotten(session)
        needless = mending.list_needless(session)
    for recording in forgotten:
        if not dry_run:
            with database.writing() as session:
                mending.take_up(session, get_recording(session, recording.id, for_update=True))
        message = f"Nobody was at work on a recording that is {recording.state}; it is taken up again."
        yield Finding("forgotten_recording", recording.id, message, not dry_run)
    for job in needless:
        if not dry_run:
            with database.writing() as session:
                mending.end_needless(session, job)
        yield Finding("needless_job", str(job.id), "Its recording has settled; the job is ended.", not dry_run)


def _mend_packages(workshop: Workshop, *, dry_run: bool) -> Iterator[Finding]:
    with workshop.database.reading() as session:
        useless = mending.list_useless(session)
        abandoned = list_sweepable(session)
    for package in useless:
        if not dry_run:
            with workshop.database.writing() as session:
                abandon_packages(session, package.recording_id)
        message = "It was half made and its recording has settled; its objects are removed."
        yield Finding("useless_package", package.id, message, not dry_run)
    removed = set() if dry_run else set(sweep_abandoned(workshop))
    for package in abandoned:
        message = "It was given up; its objects are removed."
        yield Finding("abandoned_package", package.id, message, package.id in removed)


def _compare(workshop: Workshop, package: Package, stored: dict[str, int], *, dry_run: bool) -> Iterator[Finding]:
    """One package beside its objects."""
    with workshop.database.reading() as session:
        # first: what is completed between the two looks is then listed, or still alive
        alive = mending.running_attempts(session, package.id)
        chunks = [chunk for chunk in list_chunks(session, package.id) if chunk.state == "done"]
    listed = {item["path"]: int(item["bytes"]) for chunk in chunks for item in chunk.objects}
    damaged = [chunk for chunk in chunks if _is_damaged(chunk, stored)]
    if damaged:  # or made since the store was looked through
        stored = {item.key.removeprefix(f"{package.prefix}/"): item.size for item in _objects_of(workshop, package)}
        damaged = [chunk for chunk in damaged if _is_damaged(chunk, stored)]
    if damaged and package.state == "complete":
        gone = sum(stored.get(path) != size for path, size in listed.items())
        yield _renew(workshop, package, f"{gone} of {len(listed)} objects are missing or cut", dry_run=dry_run)
    elif damaged:
        yield from (_remake(workshop, package, chunk, dry_run=dry_run) for chunk in damaged)
    extra = [
        path for path in stored if path not in listed and _is_dead(path, alive, is_complete=package.state == "complete")
    ]
    if extra:
        if not dry_run:
            workshop.store.delete(f"{package.prefix}/{path}" for path in extra)
        message = f"{len(extra)} objects of attempts that were given up go, the first is {sorted(extra)[0]}."
        yield Finding("orphaned_objects", package.id, message, not dry_run)


def _objects_of(workshop: Workshop, package: Package) -> Iterator[StoredObject]:
    return workshop.store.list(f"{package.prefix}/")


def _is_damaged(chunk: Chunk, stored: dict[str, int]) -> bool:
    return any(stored.get(item["path"]) != int(item["bytes"]) for item in chunk.objects)


def _is_dead(path: str, alive: set[int], *, is_complete: bool) -> bool:
    """Whether an object that no row lists will never be listed: a whole package takes no more, nor a dead attempt.

    The description of a package lists all other files, and is in no list itself.
    """
    if path.rpartition("/")[2] == DESCRIPTION:
        return False
    attempt = _ATTEMPT.search(path)
    return is_complete or (attempt is not None and int(attempt[1]) not in alive)


def _renew(workshop: Workshop, package: Package, why: str, *, dry_run: bool) -> Finding:
    """A whole package has lost objects: where it is shown its recording is made again, else it goes."""
    with workshop.database.reading() as session:
        recording = get_recording(session, package.recording_id)
        is_shown = mending.is_shown(session, package.id)
    if is_shown and recording.package_id not in {None, package.id} and recording.state in _MADE:
        # what is shown in its stead comes when a person has released it; made again each hour, it never would
        return Finding("damaged_package", recording.id, f"{why}; a newer package waits to be released.", mended=False)
    if is_shown:
        return _make_again(workshop, recording, f"Package {package.id}: {why}", dry_run=dry_run)
    if not dry_run:
        with workshop.database.writing() as session:
            session.get_one(Package, package.id).state = "abandoned"
    return Finding("damaged_package", package.id, f"{why}; nothing shows it, so it is removed.", not dry_run)


def _make_again(workshop: Workshop, recording: Recording, why: str, *, dry_run: bool) -> Finding:
    if not recording.original_key and not recording.is_montage:
        message = f"{why}; its original is in the library that it came from: bring the entry's file from there again."
        return Finding("lost_recording", recording.id, message, mended=False)
    try:
        if not recording.is_montage:
            workshop.originals.stat(recording.original_key)
    except ObjectMissing:
        message = f"{why}, and its original is gone: restore it from a backup."
        return Finding("lost_recording", recording.id, message, mended=False)
    if not dry_run and recording.state in _MADE:
        with workshop.database.writing() as session:
            start_work(session, get_recording(session, recording.id, for_update=True), by=None)
    return Finding("damaged_package", recording.id, f"{why}; the recording is made again.", not dry_run)


def _remake(workshop: Workshop, package: Package, chunk: Chunk, *, dry_run: bool) -> Finding:
    mended = False
    if not dry_run:
        with workshop.database.writing() as session:
            mended = mending.make_chunk_again(session, session.merge(chunk))
            if not mended:  # what was prepared is gone: begin anew
                session.get_one(Package, package.id).state = "abandoned"
                mending.begin_anew(session, get_recording(session, package.recording_id, for_update=True))
                mended = True
    return Finding("damaged_chunk", f"{package.id}/{chunk.position}", "Objects are missing; it is made again.", mended)
