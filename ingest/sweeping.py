"""Removes what is left of packages that were given up: first the objects, then the rows."""

from __future__ import annotations

import structlog

from ingest.workshop import Workshop
from videolib.catalogue.job_lists import list_sweepable
from videolib.catalogue.narrations import Narration, forget_narrations, list_to_remove
from videolib.catalogue.packages import remove_package
from videolib.errors import Unavailable

log = structlog.get_logger(__name__)


def sweep_abandoned(workshop: Workshop, recording_id: str | None = None) -> list[str]:
    """Remove abandoned packages (of one recording); gives their ids. What the store does not let go stays for later."""
    with workshop.database.reading() as session:
        found = [package.id for package in list_sweepable(session, recording_id)]
    removed = []
    for package_id in found:
        try:
            remove_objects(workshop, package_id)
        except Unavailable:
            log.warning("the store does not answer; the package is removed later", package=package_id)
            break
        with workshop.database.writing() as session:
            remove_package(session, package_id)
        removed.append(package_id)
    return removed


def remove_objects(workshop: Workshop, package_id: str) -> int:
    """Remove every object of a package, and what was kept for its workers beside the originals; how many."""
    count = 0
    for store, prefix in ((workshop.store, f"packages/{package_id}/"), (workshop.originals, f"work/{package_id}/")):
        keys = [item.key for item in store.list(prefix)]
        store.delete(keys)
        count += len(keys)
    return count


def sweep_narrations(workshop: Workshop) -> None:
    """Remove narrations that were taken away or whose entry is gone: first their objects, then their rows."""
    with workshop.database.reading() as session:
        found = list_to_remove(session)
    for narration in found:
        remove_sound(workshop, narration)
    if found:
        with workshop.database.writing() as session:
            forget_narrations(session, [narration.id for narration in found])


def remove_sound(workshop: Workshop, narration: Narration) -> int:
    """Remove what was uploaded of a narration and what was made of it; gives how many objects."""
    made = [item.key for item in workshop.store.list(f"{narration.prefix}/")]
    workshop.store.delete(made)
    if not narration.original_key:
        return len(made)
    workshop.originals.delete([narration.original_key])
    return len(made) + 1
