"""What lies in the stores of a library: every object that a backup has to keep, of which recording, of what digest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Settings
from ingest.workshop import Workshop
from videolib.catalogue.audit_chain import PREFIX as ANCHORS
from videolib.catalogue.entries import Entry
from videolib.catalogue.narrations import Narration
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Screening
from videolib.storage import Store, StoredObject

_OWNED = re.compile(r"(packages|work|findings|narrations)/([^/]+)/")
# what `doctor` tries a store with, and what is kept by itself
_PASSING = ("doctor/",)


@dataclass(frozen=True)
class Item:
    """One object. `store` is "store" or "originals"; `recording_id`: of which recording it is, if of one."""

    store: str
    key: str
    size: int
    etag: str | None
    recording_id: str | None
    sha256: str | None

    @property
    def is_nobodys(self) -> bool:
        """Whether it belongs to a recording of which the rows of its moment know nothing.

        It came after them, or is left over: restored rows would not name it, and no ledger could say that it is erased.
        """
        return self.recording_id is None and (self.store == "originals" or _OWNED.match(self.key) is not None)


@dataclass
class Rows:
    """What the rows say of objects: whose they are, their digests, and which have to be there."""

    owners: dict[str, str] = field(default_factory=dict)
    originals: dict[str, tuple[str, str]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    needed: set[tuple[str, str]] = field(default_factory=set)
    # packages that nothing could be made of again: what was uploaded is not here
    only: set[str] = field(default_factory=set)


def read_rows_of_objects(session: Session) -> Rows:
    """What the rows say now."""
    rows = Rows()
    for recording_id, key, sha256 in session.execute(select(Recording.id, Recording.original_key, Recording.sha256)):
        if key:
            rows.originals[key] = (recording_id, sha256)
            rows.needed.add(("originals", key))
    carried = {str(row) for row in session.scalars(select(Recording.id).where(Recording.original_key == ""))}
    whole = set()
    for package_id, recording_id, state in session.execute(select(Package.id, Package.recording_id, Package.state)):
        rows.owners[f"packages/{package_id}"] = rows.owners[f"work/{package_id}"] = recording_id
        whole |= {package_id} if state == "complete" else set()
        rows.only |= {package_id} if recording_id in carried else set()
    for screening_id, recording_id in session.execute(select(Screening.id, Screening.recording_id)):
        rows.owners[f"findings/{screening_id}"] = recording_id
    narrated = select(Narration, Entry.recording_id).join(Entry, Entry.id == Narration.entry_id)
    heard = narrated.where(Narration.state == "made", Entry.recording_id.is_not(None))
    for narration, narrated_id in session.execute(heard):
        rows.owners[narration.prefix] = str(narrated_id)
        rows.digests[narration.path] = str(narration.sound["sha256"])
        rows.needed.add(("store", narration.path))
    for chunk in session.scalars(select(Chunk).where(Chunk.state == "done").execution_options(yield_per=200)):
        for item in chunk.objects:
            key = f"packages/{chunk.package_id}/{item['path']}"
            rows.digests[key] = str(item["sha256"])
            if chunk.package_id in whole:
                rows.needed.add(("store", key))
    return rows


def list_items(workshop: Workshop, rows: Rows, *, renditions: bool, anchored_to: int | None = None) -> Iterator[Item]:
    """Every object of both stores that is to be kept; `anchored_to`: the last event of the audit that the rows have."""
    found = _list_stored(workshop, rows, renditions=renditions, anchored_to=anchored_to)
    return (item for item in found if not item.is_nobodys)


def _list_stored(workshop: Workshop, rows: Rows, *, renditions: bool, anchored_to: int | None) -> Iterator[Item]:
    for name, store in stores_of(workshop).items():
        nested = tuple(nested_prefixes(workshop.settings)) if name == "store" else ()
        for item in store.list(""):
            if item.key.startswith((*nested, *_PASSING)) or _is_later_anchor(name, item, anchored_to):
                continue
            found = _OWNED.match(item.key)
            if not renditions and name == "store" and found and found[1] == "packages" and found[2] not in rows.only:
                continue
            if name == "originals" and item.key in rows.originals:
                owner, digest = rows.originals[item.key]
                yield Item(name, item.key, item.size, item.etag, owner, digest)
            else:
                owned_by = rows.owners.get(f"{found[1]}/{found[2]}") if found else None
                digest_of = rows.digests.get(item.key) if name == "store" else None
                yield Item(name, item.key, item.size, item.etag, owned_by, digest_of)


def stores_of(workshop: Workshop) -> dict[str, Store]:
    """The stores by the names that a backup gives them."""
    return {"store": workshop.store, "originals": workshop.originals}


def nested_prefixes(settings: Settings) -> Iterator[str]:
    """Where in the packages' store another store lies: by default originals and ledger do."""
    base, question, query = settings.store_url.partition("?")
    for url in (settings.originals_url, settings.ledger_url):
        inner, inner_question, inner_query = url.partition("?")
        if inner.startswith(f"{base.rstrip('/')}/") and (question, query) == (inner_question, inner_query):
            yield f"{inner.removeprefix(base.rstrip('/')).strip('/')}/"


def _is_later_anchor(name: str, item: StoredObject, anchored_to: int | None) -> bool:
    """Anchors that were set after the rows were read would say that events are missing."""
    if name != "store" or anchored_to is None or not item.key.startswith(ANCHORS):
        return False
    return int(item.key.removeprefix(ANCHORS).removesuffix(".json")) > anchored_to
