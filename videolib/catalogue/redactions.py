"""What reviewers take out of a recording: masks that may move, crops, cuts, muted stretches; never a blur.

Rows are only added and ended: who decided what when stays to be seen. A set of masks can be kept for a machine whose
screens always look alike, and is offered for its next recording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib.catalogue import jobs
from videolib.catalogue.audit import record_event
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.screenings import Finding, require_under_review
from videolib.db import Base, utc_now
from videolib.errors import Conflict, InvalidInput, NotFound

KINDS = ("mask", "crop", "cut", "mute", "drop_text")
# around what a rule has found: a letter that the reader cut off
MARGIN = 0.006
MOST_KEYS = 500
# somebody waits for it at the desk
FOLLOW_PRIORITY = 15


class RedactionRow(Base):
    """One decision about a stretch of a recording. `keys` are [time, x, y, width, height] in shares of the picture."""

    __tablename__ = "redactions"

    id: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), index=True)
    finding_id: Mapped[int | None] = mapped_column(ForeignKey("findings.id", ondelete="SET NULL"))
    kind: Mapped[str]
    start_s: Mapped[float]
    end_s: Mapped[float]
    keys: Mapped[list[Any]] = mapped_column(default=list)
    fill: Mapped[str] = mapped_column(default="black")
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    ended_at: Mapped[datetime | None]
    # a mask that was followed: from here on it could not be found, and has to be placed by hand
    lost_s: Mapped[float | None]


class MachineMask(Base):
    """Masks that fit all recordings of one machine: its name as people call it, and the size of its pictures."""

    __tablename__ = "machine_masks"

    id: Mapped[int] = mapped_column(primary_key=True)
    machine: Mapped[str] = mapped_column(unique=True)
    width: Mapped[int]
    height: Mapped[int]
    boxes: Mapped[list[Any]] = mapped_column(default=list)
    fill: Mapped[str] = mapped_column(default="black")
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(default=utc_now)


class RedactionValues(BaseModel):
    """What a reviewer draws."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["mask", "crop", "cut", "mute", "drop_text"]
    start_s: float = Field(ge=0, le=1e6, allow_inf_nan=False)
    end_s: float = Field(ge=0, le=1e6, allow_inf_nan=False)
    keys: list[tuple[float, float, float, float, float]] = Field(default_factory=list, max_length=MOST_KEYS)
    fill: Literal["black", "grey", "white"] = "black"
    finding_id: int | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> RedactionValues:
        if self.end_s <= self.start_s:
            raise ValueError("It ends before it begins.")
        if self.kind in {"mask", "crop"} and not self.keys:
            raise ValueError("A mask needs a place.")
        for key in self.keys:
            _time, x, y, width, height = key
            if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 and 0 < height <= 1):
                raise ValueError("A mask lies inside the picture.")
        return self


def list_redactions(session: Session, recording_id: str) -> list[RedactionRow]:
    """What is to be taken out of a recording as it stands now, in order of time."""
    mine = (RedactionRow.recording_id == recording_id) & RedactionRow.ended_at.is_(None)
    return list(session.scalars(select(RedactionRow).where(mine).order_by(RedactionRow.start_s, RedactionRow.id)))


def stored_redactions(session: Session, recording_id: str) -> list[dict[str, Any]]:
    """The same as plain values: what a package is rendered with, and what its row says it was rendered with."""
    return [as_json(row) for row in list_redactions(session, recording_id)]


def as_json(row: RedactionRow) -> dict[str, Any]:
    """One redaction as plain values."""
    return {
        "id": row.id,
        "kind": row.kind,
        "start_s": row.start_s,
        "end_s": row.end_s,
        "keys": [list(key) for key in row.keys],
        "fill": row.fill,
    }


def add_redaction(session: Session, recording: Recording, given: Mapping[str, Any], *, by: User) -> RedactionRow:
    """Take something out. Raises `InvalidInput`, `Conflict` where the recording is not being reviewed."""
    require_under_review(recording)
    values = _parse(given)
    row = RedactionRow(
        recording_id=recording.id,
        finding_id=values.finding_id,
        kind=values.kind,
        start_s=values.start_s,
        end_s=values.end_s,
        keys=[list(key) for key in values.keys],
        fill=values.fill,
        made_by_id=by.id,
    )
    session.add(row)
    session.flush()
    record_event(session, "redact", "recording", recording.id, by=by, redaction=as_json(row))
    return row


def change_redaction(
    session: Session, recording: Recording, redaction_id: int, given: Mapping[str, Any], *, by: User
) -> RedactionRow:
    """Move or extend it: the old row is ended, a new one takes its place."""
    end_redaction(session, recording, redaction_id, by=by)
    return add_redaction(session, recording, given, by=by)


def follow(session: Session, recording: Recording, redaction_id: int, *, by: User) -> jobs.Job:
    """Let a worker find where what a mask covers goes. Raises `NotFound`, `Conflict`."""
    require_under_review(recording)
    row = _standing(session, recording, redaction_id)
    if row.kind != "mask" or followed_now(session, recording) & {row.id}:
        raise Conflict("Only a mask is followed, once at a time.", code="wrong_state")
    record_event(session, "follow", "recording", recording.id, by=by, redaction=row.id)
    return jobs.enqueue(session, "track", recording.id, priority=FOLLOW_PRIORITY, redaction_id=row.id)


def followed_now(session: Session, recording: Recording) -> set[int]:
    """The masks that a worker is following."""
    mine = (jobs.Job.recording_id == recording.id) & (jobs.Job.kind == "track")
    open_jobs = select(jobs.Job).where(mine, jobs.Job.state.in_(("queued", "running")))
    return {int(job.arguments["redaction_id"]) for job in session.scalars(open_jobs)}


def take_way(
    session: Session, recording: Recording, redaction_id: int, way: Sequence[Sequence[float]], lost_s: float | None
) -> None:
    """What a mask covers goes this way: a moving one takes its place, if it still stands."""
    require_under_review(recording)
    row = session.get(RedactionRow, redaction_id)
    if row is None or row.ended_at is not None:
        return
    row.ended_at = utc_now()
    values = {name: getattr(row, name) for name in ("recording_id", "finding_id", "kind", "start_s", "end_s", "fill")}
    moved = RedactionRow(**values, keys=[list(key) for key in way], made_by_id=row.made_by_id, lost_s=lost_s)
    session.add(moved)
    session.flush()
    record_event(session, "followed", "recording", recording.id, by=None, redaction=as_json(moved), before=row.id)


def end_redaction(session: Session, recording: Recording, redaction_id: int, *, by: User) -> None:
    """It is not to be taken out after all."""
    require_under_review(recording)
    row = _standing(session, recording, redaction_id)
    row.ended_by_id, row.ended_at = by.id, utc_now()
    session.flush()
    record_event(session, "unredact", "recording", recording.id, by=by, redaction=row.id)


def covering(finding: Finding) -> dict[str, Any]:
    """The redaction that covers a finding: a mask over its place for its time, silence, or the text left out."""
    start_s, end_s = finding.start_s or 0.0, max(finding.end_s or 0.0, (finding.start_s or 0.0) + 0.5)
    given: dict[str, Any] = {"start_s": start_s, "end_s": end_s, "finding_id": finding.id, "keys": []}
    if finding.source == "sound":
        return {**given, "kind": "mute"}
    if finding.source == "text":
        return {**given, "kind": "drop_text"}
    if finding.box is None:
        return {**given, "kind": "cut"}
    x, y, width, height = finding.box
    left, top = max(0.0, x - MARGIN), max(0.0, y - MARGIN)
    key = (start_s, left, top, min(1 - left, x - left + width + MARGIN), min(1 - top, y - top + height + MARGIN))
    return {**given, "kind": "mask", "keys": [key]}


def is_covered(finding: Finding, rows: Sequence[RedactionRow]) -> bool:
    """Whether what is taken out covers a finding's place for all of its time."""
    start_s, end_s = finding.start_s or 0.0, finding.end_s or finding.start_s or 0.0
    over = [row for row in rows if row.start_s <= start_s + 0.05 and row.end_s >= end_s - 0.05]
    if any(row.kind == "cut" for row in over):
        return True
    if finding.source == "report":  # only a person knows what was seen: anything that is taken out at that time
        return any(row.start_s < end_s and row.end_s > start_s for row in rows)
    if finding.source == "sound":
        return any(row.kind == "mute" for row in over)
    if finding.source == "text":
        return any(row.kind == "drop_text" for row in over)
    if finding.box is None:
        return finding.source not in {"room", "picture"}
    return any(_covers(row, finding.box) for row in over if row.kind in {"mask", "crop"})


def save_for_machine(session: Session, recording: Recording, machine: str, *, by: User) -> MachineMask:
    """Keep the still masks of a recording for its machine. Raises `InvalidInput`."""
    still = [row for row in list_redactions(session, recording.id) if row.kind == "mask" and len(row.keys) == 1]
    boxes = [row.keys[0][1:] for row in still]
    name = machine.strip()[:120]
    if not name or not boxes:
        sentence = "Give the machine a name, and draw at least one mask that stands still."
        raise InvalidInput(sentence, fields={"machine": sentence})
    width, height = _size(recording)
    row = session.scalars(select(MachineMask).where(MachineMask.machine == name)).one_or_none()
    row = row or MachineMask(machine=name)
    row.width, row.height, row.boxes, row.made_by_id, row.made_at = width, height, boxes, by.id, utc_now()
    row.fill = still[0].fill
    session.add(row)
    session.flush()
    record_event(session, "machine_mask", "machine", name, by=by, boxes=boxes)
    return row


def offered_masks(session: Session, recording: Recording) -> list[MachineMask]:
    """The masks of machines whose pictures have this recording's size."""
    width, height = _size(recording)
    same = (MachineMask.width == width) & (MachineMask.height == height)
    return list(session.scalars(select(MachineMask).where(same).order_by(MachineMask.machine)))


def use_machine_mask(session: Session, recording: Recording, mask_id: int, *, by: User) -> list[RedactionRow]:
    """Draw a machine's masks over all of a recording."""
    mask = session.get(MachineMask, mask_id)
    if mask is None:
        raise NotFound("There is no such mask.", code="mask_not_found")
    length_s = float((recording.source or {}).get("duration_s") or 0.0) + 1.0
    given = {"kind": "mask", "start_s": 0.0, "end_s": length_s, "fill": mask.fill}
    return [add_redaction(session, recording, {**given, "keys": [(0.0, *box)]}, by=by) for box in mask.boxes]


def _standing(session: Session, recording: Recording, redaction_id: int) -> RedactionRow:
    row = session.get(RedactionRow, redaction_id)
    if row is None or row.recording_id != recording.id or row.ended_at is not None:
        raise NotFound("There is no such redaction.", code="redaction_not_found")
    return row


def _covers(row: RedactionRow, box: Sequence[float]) -> bool:
    x, y, width, height = box
    slack = 0.002
    if row.kind == "crop":
        # what a crop keeps does not touch it
        _time, left, top, kept_width, kept_height = row.keys[0]
        return bool(x >= left + kept_width or x + width <= left or y >= top + kept_height or y + height <= top)
    return all(
        left <= x + slack
        and top <= y + slack
        and left + mask_width >= x + width - slack
        and top + mask_height >= y + height - slack
        for _time, left, top, mask_width, mask_height in row.keys
    )


def _size(recording: Recording) -> tuple[int, int]:
    source = recording.source or {}
    return int(source.get("width") or 0), int(source.get("height") or 0)


def _parse(given: Mapping[str, Any]) -> RedactionValues:
    try:
        return RedactionValues.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        sentence = str(first["msg"]).removeprefix("Value error, ")
        field = ".".join(str(part) for part in first["loc"]) or "kind"
        raise InvalidInput("This cannot be taken out.", fields={field: sentence}) from None
