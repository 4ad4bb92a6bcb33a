"""The poster of an entry: the picture that was picked when its package was made, or another that the package offers.

The choice is part of the package's description; no object is written anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from videolib.catalogue.audit import record_event
from videolib.catalogue.entries import Entry, count_write
from videolib.catalogue.packages import Package
from videolib.catalogue.people import User
from videolib.errors import InvalidInput

PICKED = "poster.jpg"


@dataclass(frozen=True)
class OfferedPoster:
    """A picture of the package: its path, when it is shown, whether it is the poster."""

    path: str
    time_s: float
    is_chosen: bool


def list_posters(package: Package) -> tuple[OfferedPoster, ...]:
    """The pictures that the package offers, in order of time."""
    chosen = poster_of(package)
    return tuple(
        OfferedPoster(str(item["path"]), float(item["time_s"]), item["path"] == chosen)
        for item in package.description.get("posters") or ()
    )


def poster_of(package: Package) -> str:
    """The path of the poster in the package."""
    return str(package.description.get("poster") or PICKED)


def choose_poster(
    session: Session, entry: Entry, package: Package, time_s: float | None, *, by: User | None
) -> OfferedPoster | None:
    """Take the offered picture nearest to a time as poster; None is the one that was picked at first.

    Raises `InvalidInput` where the package offers none.
    """
    offered = list_posters(package)
    if time_s is not None and not offered:
        raise InvalidInput("This recording offers no other picture.", fields={"time_s": "Make the recording anew."})
    taken = None if time_s is None else min(offered, key=lambda one: abs(one.time_s - time_s))
    path = _take(package, taken)
    count_write(session, entry)
    record_event(session, "poster", "entry", entry.id, by=by, path=path)
    return taken


def keep_choice(session: Session, earlier_id: str | None, package: Package) -> None:
    """Let an editor's choice hold for a package that was made anew: the picture that it offers nearest to that time."""
    earlier = session.get(Package, earlier_id) if earlier_id else None
    chosen = [one.time_s for one in list_posters(earlier) if one.is_chosen] if earlier else []
    offered = list_posters(package)
    if chosen and offered:
        _take(package, min(offered, key=lambda one: abs(one.time_s - chosen[0])))


def _take(package: Package, taken: OfferedPoster | None) -> str:
    path = PICKED if taken is None else taken.path
    package.description = {**package.description, "poster": path}
    return path
