"""The ledger: what was taken away for good, kept apart from the database, so that no restored backup brings it back.

Erasures, withdrawals, ended consents, what was found in a recording that everybody could see; and of people that they
were barred or let in again, and what lets nobody in any more: passwords, tokens, second steps, roles, grants. Each
is an object of the ledger's own store (`VIDEOLIB_LEDGER_URL`), written from the audit by whoever keeps house and by the
command that erases, signed with the library's key. It names things by their ids and says nothing of a patient.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC

from sqlalchemy import func, select

from config.settings import Settings
from videolib.catalogue.audit import AuditEvent
from videolib.catalogue.library import LibraryFact
from videolib.db import Database
from videolib.storage import Store

# what must not come back; a report counts where it says that something private is to be seen
ACTIONS = frozenset(
    {
        *("erase", "withdraw", "withdraw_consent", "disable", "redact", "report_problem"),
        *("remove_narration", "refuse_narration"),
    }
)
# of people: what they may no more, or by what they log in no more
ACTIONS_OF_PEOPLE = frozenset({"enable", "password", "revoke", "permission", "second_factor"})
# what an event's detail has, and how the line says it
_PARTS = (
    ("token_digest", "token:{token_digest}"),
    ("grant", "grant:{grant}:{hospital}"),
    ("roles", "roles:{roles}"),
    ("left", "group:{left}"),
    ("removed", "{removed}:{passkey}"),
    ("recovery", "recovery:"),
)
WRITTEN = "ledger_written"
# so many events without a line are looked through once, not each time
LOOKED_THROUGH = 1000


@dataclass(frozen=True)
class Line:
    """One deed. `sequence` and `digest`: its place in the audit. `part`: what of the object, as `_part_of` says it."""

    digest: str
    sequence: int
    at: str
    action: str
    object_kind: str
    object_id: str
    part: str = ""
    is_signed: bool = True


def ledger_key(settings: Settings) -> bytes:
    """What lines are signed with."""
    return ledger_key_of(settings.secret_key.get_secret_value())


def ledger_key_of(secret: str) -> bytes:
    """The same of a secret that no setting holds: out of a backup."""
    return hmac.digest(secret.encode(), b"videolib ledger 1", hashlib.sha256)


def write_ledger(database: Database, ledger: Store, key: bytes) -> int:
    """Write down what the audit says and the ledger does not yet; gives how many lines. May be repeated."""
    with database.reading() as session:
        fact = session.get(LibraryFact, WRITTEN)
        since = int(fact.text) if fact is not None else 0
        head = session.scalars(select(func.max(AuditEvent.sequence))).one() or since
        asked = select(AuditEvent).where(
            AuditEvent.sequence > since, AuditEvent.action.in_(ACTIONS | ACTIONS_OF_PEOPLE)
        )
        found = session.scalars(asked.order_by(AuditEvent.sequence))
        lines = [_line_of(event) for event in found if _counts(event)]
    for line in lines:
        said = _said(line)
        ledger.put_bytes(_name(line), json.dumps({**said, "signature": _sign(key, said)}).encode())
    if lines or head - since > LOOKED_THROUGH:
        with database.writing(durable=False) as session:
            session.merge(LibraryFact(name=WRITTEN, text=str(head)))
    return len(lines)


def read_ledger(ledger: Store, key: bytes) -> Iterator[Line]:
    """Every line, in no order; `is_signed` is False for what this library has not written."""
    for item in ledger.list(""):
        try:
            said = json.loads(ledger.get_bytes(item.key))
            signature = str(said.pop("signature"))
            line = Line(**said)
        except (ValueError, TypeError, KeyError, AttributeError):
            yield Line(item.key, 0, "", "", "", "", is_signed=False)
            continue
        is_signed = hmac.compare_digest(signature, _sign(key, said)) and item.key == _name(line)
        yield Line(**said, is_signed=is_signed)


def _counts(event: AuditEvent) -> bool:
    if event.action in {"revoke", "permission", "second_factor"}:
        return event.object_kind == "user" and bool(_part_of(event))
    return event.action != "report_problem" or event.detail.get("about") == "privacy"


def _part_of(event: AuditEvent) -> str:
    """Which consent of a case; what of a person, as `kind:value`."""
    said = {"passkey": "", **event.detail, "roles": ",".join(event.detail.get("roles", ()))}
    if event.action not in ACTIONS_OF_PEOPLE:
        return str(said.get("consent") or "")
    return next((text.format_map(said) for name, text in _PARTS if name in event.detail), "")


def _line_of(event: AuditEvent) -> Line:
    return Line(
        digest=str(event.digest),
        sequence=int(event.sequence or 0),
        at=event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        action=event.action,
        object_kind=event.object_kind,
        object_id=event.object_id,
        part=_part_of(event),
    )


def _said(line: Line) -> dict[str, object]:
    said = asdict(line)
    del said["is_signed"]
    return said


def _name(line: Line) -> str:
    return f"{line.digest}.json"


def _sign(key: bytes, said: dict[str, object]) -> str:
    return hmac.digest(key, json.dumps(said, sort_keys=True).encode(), hashlib.sha256).hex()
