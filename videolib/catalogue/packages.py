"""Packages in the store: what was made of a recording, and of which chunks it consists."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from videolib.db import Base, utc_now
from videolib.errors import NotFound


class Package(Base):
    """A folder of the store under `packages/<id>/`; never changed once it is complete."""

    __tablename__ = "packages"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: secrets.token_hex(16))
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id"), index=True)
    # making, complete, abandoned: its objects are to be removed, and then the row
    state: Mapped[str] = mapped_column(default="making")
    duration_s: Mapped[float | None]
    # of each: kind, name, folder, codec, width, height, fps, channels, language, copied
    tracks: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    # what those who make its chunks have to know: cut points, rungs, settings
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # the contract's "package" object: renditions, audio, subtitles, poster, storyboard
    description: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # what was taken out when it was rendered, as the reviewer's rows said
    redactions: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    made_at: Mapped[datetime] = mapped_column(default=utc_now)

    @property
    def prefix(self) -> str:
        """Start of the keys of all its objects."""
        return f"packages/{self.id}"


class Chunk(Base):
    """A stretch of the recording encoded on its own, and the objects made of it."""

    __tablename__ = "chunks"

    id: Mapped[int] = mapped_column(primary_key=True)
    package_id: Mapped[str] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"))
    position: Mapped[int]
    start_s: Mapped[float]
    end_s: Mapped[float]
    state: Mapped[str] = mapped_column(default="queued")  # queued, running, done
    attempt: Mapped[int] = mapped_column(default=0)
    # [{"path", "bytes", "sha256"}] relative to the package
    objects: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    # what these have together, so that what is used can be added up
    bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    # {folder of the track: [{"uri", "start_s", "duration_s", "bytes", "samples", "offset", "keys"}]}
    tracks: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")

    __table_args__ = (Index("uq_chunks_package_position", "package_id", "position", unique=True),)

    @validates("objects")
    def _add_up(self, _name: str, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.bytes = sum(int(item["bytes"]) for item in objects)
        return objects


def begin_package(session: Session, recording_id: str, *, redactions: Sequence[dict[str, Any]] = ()) -> Package:
    """A row for a package about to be stored: what a dead worker leaves behind can be found by it."""
    package = Package(recording_id=recording_id, redactions=list(redactions))
    session.add(package)
    session.flush()
    return package


def plan_package(
    session: Session,
    package: Package,
    *,
    plan: dict[str, Any],
    tracks: list[dict[str, Any]],
    cuts: Sequence[tuple[float, float]],
) -> None:
    """Write down what the package will be, and one chunk for each of `cuts` (start and end in seconds)."""
    package.plan, package.tracks = plan, tracks
    session.add_all(
        Chunk(package_id=package.id, position=position, start_s=start_s, end_s=end_s)
        for position, (start_s, end_s) in enumerate(cuts)
    )
    session.flush()


def keep_chunk(session: Session, made: Chunk) -> Chunk:
    """A stretch of a package is in the store. `made` takes the place of the planned row of its position, if any.

    To be called in the unit of work that completes its job, which is the fence. A position that was made stays as it
    is. What has no place among the chunks (sound, a copied rendition, pictures) takes a position below 0.
    """
    made.state = "done"
    planned = session.scalars(
        select(Chunk).where(Chunk.package_id == made.package_id, Chunk.position == made.position)
    ).one_or_none()
    if planned is not None and planned.state == "done":
        return planned
    if planned is not None:
        made.id = planned.id
    kept = session.merge(made)
    session.flush()
    return kept


def forget_chunk(session: Session, package: Package, position: int) -> None:
    """Remove a row whose objects another one names from now on."""
    session.execute(delete(Chunk).where(Chunk.package_id == package.id, Chunk.position == position))


def find_package_in_the_making(session: Session, recording_id: str) -> Package | None:
    """What the workers are making of a recording now."""
    making = (Package.recording_id == recording_id) & (Package.state == "making")
    return session.scalars(select(Package).where(making).order_by(Package.made_at.desc()).limit(1)).first()


def find_playable(session: Session, recording_id: str) -> Package | None:
    """The newest package in the making of a recording whose beginning can be played."""
    making = (Package.recording_id == recording_id) & (Package.state == "making")
    for package in session.scalars(select(Package).where(making).order_by(Package.made_at.desc())):
        folders = {track["folder"] for track in package.tracks if track.get("kind") == "video"}
        first = select(Chunk.tracks).where(Chunk.package_id == package.id, Chunk.state == "done", Chunk.start_s < 1.0)
        if any(folders & tracks.keys() for tracks in session.scalars(first)):
            return package
    return None


def planned_length_s(session: Session, package_id: str) -> float | None:
    """How long a package in the making will be."""
    return session.scalars(select(func.max(Chunk.end_s)).where(Chunk.package_id == package_id)).one()


def abandon_packages(session: Session, recording_id: str) -> None:
    """Give up what is half made of a recording; a worker removes the objects, then the rows."""
    making = (Package.recording_id == recording_id) & (Package.state == "making")
    session.execute(update(Package).where(making).values(state="abandoned"))


def remove_package(session: Session, package_id: str) -> None:
    """Forget an abandoned package, whose objects are gone."""
    session.execute(delete(Package).where(Package.id == package_id, Package.state == "abandoned"))


def list_chunks(session: Session, package_id: str) -> list[Chunk]:
    """The chunks of a package by their position."""
    return list(session.scalars(select(Chunk).where(Chunk.package_id == package_id).order_by(Chunk.position)))


def complete_package(
    session: Session,
    package: Package,
    *,
    description: dict[str, Any],
    duration_s: float,
    objects: list[dict[str, Any]],
) -> None:
    """All objects are in the store; `objects` are their paths, sizes and digests."""
    package.state = "complete"
    package.description = description
    package.duration_s = duration_s
    session.add(
        Chunk(
            package_id=package.id,
            position=0,
            start_s=0.0,
            end_s=duration_s,
            state="done",
            attempt=1,
            objects=objects,
        )
    )
    session.flush()


def get_package(session: Session, package_id: str | None, *, or_making: bool = False) -> Package:
    """That package, if whole, or in the making where that will do. Raises `NotFound`."""
    package = session.get(Package, package_id) if package_id else None
    if package is None or package.state not in {"complete", *(("making",) if or_making else ())}:
        raise NotFound("There is no such package.", code="package_not_found")
    return package


def list_objects(session: Session, package_id: str) -> list[dict[str, Any]]:
    """Every stored object of a package: {"path", "bytes", "sha256"}, chunk by chunk."""
    return [item for chunk in list_chunks(session, package_id) if chunk.state == "done" for item in chunk.objects]
