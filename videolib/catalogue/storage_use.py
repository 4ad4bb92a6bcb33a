"""What each hospital's recordings take up, by kind, and how much they may: added up from rows, no store is listed.

A recording counts for the hospital that it is said to be of, at first its uploader's (`groups.find_home_hospital`).
What is made of a recording counts like the recording itself, a second recording as the recording that it is, and a
narration for the hospital of the recording that it is spoken over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, exists, func, literal, select
from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry
from videolib.catalogue.groups import Group, find_home_hospital, get_group
from videolib.catalogue.narrations import Narration
from videolib.catalogue.packages import Chunk, Package
from videolib.catalogue.people import User
from videolib.catalogue.recordings import Recording
from videolib.catalogue.uploads import UNFINISHED, Upload
from videolib.errors import InvalidInput

GIB = 2**30
# masters: as they were received; packages: what is shown; previews: what waits for a review or is being made;
# narrations: their sounds; superseded: what nobody shows any more, until `gc` removes it; uploads: what is announced
# and not whole yet
KINDS = ("masters", "packages", "previews", "narrations", "superseded", "uploads")
LARGEST_QUOTA_GIB = 10_000_000


@dataclass(frozen=True)
class HospitalUse:
    """Bytes of one hospital by kind (`hospital` None: of recordings that belong to none), and its recordings."""

    hospital: Group | None
    bytes_by_kind: dict[str, int]
    recordings: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.bytes_by_kind.values())

    @property
    def quota(self) -> int | None:
        """How much it may be; None: as much as there is room for."""
        return self.hospital.quota_bytes if self.hospital is not None else None


def list_use(session: Session) -> list[HospitalUse]:
    """Every hospital by its id, then what belongs to none, where there is any; in four questions."""
    use, counts = _add_up(session), _count_recordings(session)
    groups = session.scalars(select(Group).where(Group.kind == "hospital").order_by(Group.id))
    found = [HospitalUse(group, use.get(group.id, {}), counts.get(group.id, 0)) for group in groups]
    rest = HospitalUse(None, use.get(None, {}), counts.get(None, 0))
    return [*found, rest] if rest.total or rest.recordings else found


def find_use_for(session: Session, person: User) -> HospitalUse | None:
    """What the hospital takes up to which this person's uploads belong; None where there is no such hospital."""
    hospital_id = find_home_hospital(session, person)
    if hospital_id is None:
        return None
    use = _add_up(session, hospital_id)
    return HospitalUse(session.get_one(Group, hospital_id), use.get(hospital_id, {}), 0)


def set_quota(session: Session, group_id: str, quota_gib: float | None, *, by: User | None) -> Group:
    """Say how much a hospital may take up; None: as much as there is room for. Raises `InvalidInput`, `NotFound`."""
    group = get_group(session, group_id, "hospital")
    if quota_gib is not None and not 0 < quota_gib <= LARGEST_QUOTA_GIB:
        sentence = "A quota is a number of GiB above 0; leave it empty for none."
        raise InvalidInput(sentence, fields={"quota": sentence}, code="quota_invalid")
    group.quota_bytes = None if quota_gib is None else round(quota_gib * GIB)
    record_event(session, "change", "group", group.id, by=by, quota_bytes=group.quota_bytes)
    session.flush()
    return group


def require_within_quota(session: Session, length: int, *, by: User) -> None:
    """Raise `InvalidInput` (code "hospital_quota") where an upload of so many bytes is too much for their hospital.

    In a unit that writes, others who begin an upload for the same hospital wait for its end: of two for whom there is
    room for one, one is refused.
    """
    hospital_id = find_home_hospital(session, by)
    if hospital_id is None:
        return
    group = session.get_one(Group, hospital_id, with_for_update=True, populate_existing=True)
    if group.quota_bytes is None:
        return
    used = sum(_add_up(session, hospital_id).get(hospital_id, {}).values())
    if used + length > group.quota_bytes:
        quota, left, wanted = (size / GIB for size in (group.quota_bytes, max(0, group.quota_bytes - used), length))
        sentence = f"Your hospital may use {quota:g} GiB, of which {left:.1f} GiB are left; this file has {wanted:.1f}."
        raise InvalidInput(f"{sentence} Ask an administrator for more room.", code="hospital_quota")


def _add_up(session: Session, hospital_id: str | None = None) -> dict[str | None, dict[str, int]]:
    """Bytes by hospital and kind, of all hospitals or of one."""
    shown = exists().where(Entry.package_id == Package.id)
    is_newest = Recording.package_id == Package.id
    kind = case(
        (shown | (is_newest & (Recording.state == "ready")), "packages"),
        (is_newest | (Package.state == "making"), "previews"),
        else_="superseded",
    )
    made = (
        select(Recording.hospital_id, kind.label("kind"), func.sum(Chunk.bytes))
        .join(Package, Package.recording_id == Recording.id)
        .join(Chunk, Chunk.package_id == Package.id)
        .group_by(Recording.hospital_id, "kind")
    )
    masters = _of_kind("masters", Recording.hospital_id, Recording.bytes).where(Recording.original_key != "")
    spoken = (
        _of_kind("narrations", Recording.hospital_id, Narration.sound["bytes"].as_integer())
        .select_from(Narration)
        .join(Entry, Entry.id == Narration.entry_id)
        .join(Recording, Recording.id == Entry.recording_id)
    )
    coming = _of_kind("uploads", Upload.hospital_id, Upload.length).where(Upload.state.in_(UNFINISHED))
    found: dict[str | None, dict[str, int]] = {}
    for question in (made, masters, spoken, coming):
        wanted = question if hospital_id is None else question.where(question.selected_columns[0] == hospital_id)
        for place, name, size in session.execute(wanted):
            if size:
                found.setdefault(place, {})[name] = int(size)
    return found


def _of_kind(kind: str, hospital_id: Any, size: Any) -> Select[Any]:
    """Bytes by hospital, which stand in these columns."""
    return select(hospital_id, literal(kind), func.sum(size)).group_by(hospital_id)


def _count_recordings(session: Session) -> dict[str | None, int]:
    rows = session.execute(select(Recording.hospital_id, func.count()).group_by(Recording.hospital_id))
    return {row[0]: int(row[1]) for row in rows}
