"""Removes objects that nothing refers to any more, after a time in which somebody might still want them; says why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ingest.arrivals import remove_expired
from ingest.erasing import remove_montage
from ingest.masters import expire_masters
from ingest.reconcile import Finding
from ingest.sweeping import sweep_abandoned
from ingest.workshop import Workshop
from videolib.catalogue import mending
from videolib.catalogue.packages import Package
from videolib.catalogue.ranges import list_unused
from videolib.catalogue.uploads import UNFINISHED, list_keys, list_tokens
from videolib.storage import Store, StoredObject

# originals are kept under names of this form; whatever else lies in their store is not ours to judge
_ORIGINAL = re.compile(r"[0-9a-f]{32}")
# a piece of an upload that was too small to be a part of it
_TAIL = re.compile(r"([0-9a-f]{32})\.tail-\d+-[0-9a-f]+")
_WORK = re.compile(r"work/([0-9a-f]{32})/")


def collect_garbage(workshop: Workshop, *, grace_s: float, dry_run: bool = False) -> Iterator[Finding]:
    """Remove superseded packages, originals without a recording, leftovers of work; all older than `grace_s`.

    And masters whose time is over, where a setting gives them one.
    """
    with workshop.database.reading() as session:
        superseded = mending.list_superseded(session, older_than_s=grace_s)
    for package in superseded:
        if not dry_run:
            with workshop.database.writing() as session:
                session.get_one(Package, package.id).state = "abandoned"
        why = "no entry or recording shows it" if package.state == "complete" else "its recording failed long ago"
        yield Finding("unused_package", package.id, f"Removed: {why}.", not dry_run)
    if not dry_run:
        sweep_abandoned(workshop)
    yield from _unused_montages(workshop, grace_s=grace_s, dry_run=dry_run)
    yield from expire_masters(workshop, dry_run=dry_run)
    yield from _unused_originals(workshop, grace_s=grace_s, dry_run=dry_run)
    expired = 0 if dry_run else remove_expired(workshop)
    if expired:
        yield Finding("expired_uploads", "originals", f"{expired} uploads that nobody went on with were removed.", True)
    with workshop.database.reading() as session:
        growing = list_tokens(session)
    for name, store in (("store", workshop.store), ("originals", workshop.originals)):
        count = 0 if dry_run else store.sweep(older_than_s=max(grace_s, 3600.0), growing=growing)
        if count:
            yield Finding("broken_uploads", name, f"{count} uploads that broke off were removed.", mended=True)


def _unused_montages(workshop: Workshop, *, grace_s: float, dry_run: bool) -> Iterator[Finding]:
    before = datetime.now(UTC) - timedelta(seconds=grace_s)
    with workshop.database.reading() as session:
        unused = [one.id for one in list_unused(session) if one.updated_at < before]
    for montage_id in unused:
        if not dry_run:
            remove_montage(workshop, montage_id)
        yield Finding("unused_montage", montage_id, "Removed: no entry shows these ranges.", not dry_run)


def _unused_originals(workshop: Workshop, *, grace_s: float, dry_run: bool) -> Iterator[Finding]:
    # listed before the rows are read: what is confirmed in between has its row
    stored = list(workshop.originals.list(""))
    with workshop.database.reading() as session:
        named = mending.named_by_any_row(session, "original_key")
        packages = {package.id for package in mending.list_all_packages(session)}
        growing = list_keys(session, states=UNFINISHED)
    for item in stored:
        work, tail = _WORK.match(item.key), _TAIL.fullmatch(item.key)
        is_unused = (
            (_ORIGINAL.fullmatch(item.key) and item.key not in named)
            or (work and work[1] not in packages)
            or (tail and tail[1] not in growing)
        )
        if is_unused and _is_older(item, grace_s):
            yield _remove(workshop.originals, item, is_work=work is not None, dry_run=dry_run)


def _remove(store: Store, item: StoredObject, *, is_work: bool, dry_run: bool) -> Finding:
    if not dry_run:
        store.delete([item.key])
    why = "its package is gone" if is_work else "no recording came of it"
    return Finding("unused_original", item.key, f"Removed, {item.size} bytes: {why}.", not dry_run)


def _is_older(item: StoredObject, seconds: float) -> bool:
    return item.stored_at is not None and item.stored_at < datetime.now(UTC) - timedelta(seconds=seconds)
