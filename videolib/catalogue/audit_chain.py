"""Proof that no event was changed, removed or put in between: the chain, its anchors in the store, its checkpoints.

An anchor is a small object `audit/<sequence>.json` that says, signed, which digest the chain had at that place. Anchors
are never overwritten and lie outside the database: who removes the last rows and the counter with them is found too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from config.settings import Settings
from videolib.catalogue.audit import (
    BEGINNING,
    AuditCheckpoint,
    AuditEvent,
    digest_of_event,
    record_event,
)
from videolib.catalogue.library import Counter
from videolib.catalogue.people import User
from videolib.db import Database, utc_now
from videolib.errors import InvalidInput
from videolib.storage import Store

PREFIX = "audit/"


@dataclass(frozen=True)
class Anchor:
    """What the chain was at a moment: the place and the digest of its last event."""

    sequence: int
    digest: str


@dataclass(frozen=True)
class Break:
    """Where the chain is not what it was. `sequence` is the place of the event at fault."""

    sequence: int
    message: str


def audit_key(settings: Settings) -> bytes:
    """What anchors and checkpoints are signed with."""
    return audit_key_of(settings.secret_key.get_secret_value())


def audit_key_of(secret: str) -> bytes:
    """The same of a secret that no setting holds: out of a backup."""
    return hmac.digest(secret.encode(), b"videolib audit 1", hashlib.sha256)


def anchor_head(database: Database, store: Store, key: bytes) -> Anchor | None:
    """Put the head of the chain into the store, where it is not there yet."""
    with database.reading() as session:
        head = session.execute(
            select(AuditEvent.sequence, AuditEvent.digest, AuditEvent.at)
            .where(AuditEvent.sequence.is_not(None))
            .order_by(AuditEvent.sequence.desc())
            .limit(1)
        ).first()
    if head is None or head[0] is None or store.exists(_name(head[0])):
        return None
    anchor = Anchor(int(head[0]), str(head[1]))
    # of the event alone: hosts that anchor at once write the same object
    said = {"sequence": anchor.sequence, "digest": anchor.digest, "at": head[2].isoformat()}
    store.put_bytes(_name(anchor.sequence), json.dumps({**said, "signature": _sign(key, said)}).encode())
    return anchor


def verify_chain(session: Session, store: Store, key: bytes) -> Iterator[Break]:
    """Every place where an event was changed, is missing, or is not what was anchored."""
    anchors = {}
    for place, found in _read_anchors(store, key):
        if found is None:
            yield Break(place, "An anchor in the store is damaged, or was signed with another key.")
        else:
            anchors[place] = found
    start, digest, broken = _read_checkpoints(session, key)
    yield from broken
    number = start
    for event in session.scalars(
        select(AuditEvent).order_by(AuditEvent.sequence, AuditEvent.id).execution_options(yield_per=500)
    ):
        if event.sequence is None:
            yield Break(0, "An event stands outside the chain: it was put in beside the program.")
            continue
        if event.sequence != number + 1:
            yield Break(number + 1, f"Missing: {event.sequence - number - 1} events before {event.sequence}.")
        elif event.previous != digest:
            yield Break(event.sequence, "This event does not follow from the one before it.")
        if event.digest != digest_of_event(event):
            yield Break(event.sequence, "This event was changed after it was written.")
        number, digest = event.sequence, event.digest or ""
        anchor = anchors.pop(number, None)
        if anchor is not None and anchor.digest != digest:
            yield Break(number, "This event is not the one that was anchored in the store.")
    counted = session.scalars(select(Counter.value).where(Counter.name == "audit")).one_or_none() or 0
    last = max([counted, *anchors])
    if last > number:
        yield Break(number + 1, f"Missing: the last {last - number} events.")


def prune_events(session: Session, before: datetime, key: bytes, *, by: User | None) -> int:
    """Remove events of before that day, and leave a signed checkpoint from which the chain goes on.

    Gives how many were removed. The newest event always stays. Raises `InvalidInput` for a day to come.
    """
    if before > utc_now():
        raise InvalidInput("Only what is past can be removed; give an earlier day.", code="bad_day")
    # a chain is cut at one place: up to the last event all of whose predecessors are old enough
    kept = select(func.min(AuditEvent.sequence)).where(AuditEvent.at >= before)
    newest = select(func.max(AuditEvent.sequence))
    end = session.scalars(kept).one() or session.scalars(newest).one()
    last = session.scalars(select(AuditEvent).where(AuditEvent.sequence == (end or 0) - 1)).one_or_none()
    if last is None or last.sequence is None or last.digest is None:
        return 0
    count = session.scalars(select(func.count()).where(AuditEvent.sequence <= last.sequence)).one()
    said = {"sequence": last.sequence, "digest": last.digest, "count": count}
    session.add(AuditCheckpoint(**said, before=before, signature=_sign(key, said)))
    session.execute(delete(AuditEvent).where(AuditEvent.sequence <= last.sequence))
    record_event(session, "prune", "audit", str(last.sequence), by=by, count=count, before=before.isoformat())
    return int(count)


def _read_checkpoints(session: Session, key: bytes) -> tuple[int, str, list[Break]]:
    """From where the chain goes on, and checkpoints whose signature is not ours."""
    broken, place, digest = [], 0, BEGINNING
    for row in session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.sequence)):
        said = {"sequence": row.sequence, "digest": row.digest, "count": row.count}
        if not hmac.compare_digest(row.signature, _sign(key, said)):
            broken.append(Break(row.sequence, "A checkpoint is not signed by this library."))
        place, digest = row.sequence, row.digest
    return place, digest, broken


def _read_anchors(store: Store, key: bytes) -> Iterator[tuple[int, Anchor | None]]:
    for item in store.list(PREFIX):
        place = int(item.key.removeprefix(PREFIX).removesuffix(".json"))
        try:
            found = json.loads(store.get_bytes(item.key))
            signature = found.pop("signature")
            is_ours = hmac.compare_digest(str(signature), _sign(key, found)) and found["sequence"] == place
        except (ValueError, KeyError, AttributeError):
            is_ours = False
        yield place, Anchor(place, str(found["digest"])) if is_ours else None


def _name(sequence: int) -> str:
    return f"{PREFIX}{sequence:012d}.json"


def _sign(key: bytes, said: dict[str, object]) -> str:
    return hmac.digest(key, json.dumps(said, sort_keys=True).encode(), hashlib.sha256).hex()
