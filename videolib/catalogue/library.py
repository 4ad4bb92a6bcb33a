"""Facts about this library as a whole: its id, the software it belongs to, and the sequence that indexes follow."""

from __future__ import annotations

from sqlalchemy import BigInteger, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from videolib import __version__
from videolib.db import Base, new_id
from videolib.errors import Conflict

# changes of entries, and of the vocabulary: indexes follow the one and are rebuilt after the other; events of the audit
COUNTERS = ("entries", "vocabulary", "audit")


# the fact that names the snapshot whose rows these are, until nothing of it can come to sight that must not
RESTORING = "restoring"


class VersionDiffers(Conflict):
    """This process and the library are of different versions."""

    code = "version_differs"


class LibraryFact(Base):
    """One named fact."""

    __tablename__ = "library_facts"

    name: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]


class Counter(Base):
    """A number that only grows; whoever raises it holds its row until the commit, so commits come in its order."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)


def ensure_facts(session: Session) -> None:
    """Name the library and say which software it belongs to now."""
    if session.get(LibraryFact, "library_id") is None:
        session.add(LibraryFact(name="library_id", text=new_id()))
    for name in COUNTERS:
        if session.get(Counter, name) is None:
            session.add(Counter(name=name, value=0))
    session.merge(LibraryFact(name="software_version", text=__version__))
    session.flush()


def require_same_version(session: Session) -> None:
    """Raise `VersionDiffers` where this process is not of the version that the library was upgraded to."""
    fact = session.get(LibraryFact, "software_version")
    if fact is None or fact.text != __version__:
        belongs_to = fact.text if fact else "none"
        raise VersionDiffers(
            f"This program is videolib {__version__}, the library belongs to version {belongs_to}: "
            "install that version here, or run `videolib init` with the newer one."
        )


def index_identity(session: Session) -> str:
    """Whose changes the sequence counts: an index made for another identity is of no use, whatever its number."""
    facts = (session.get(LibraryFact, name) for name in ("library_id", "index_epoch"))
    return ":".join(fact.text for fact in facts if fact is not None)


def begin_index_epoch(session: Session) -> None:
    """The rows were replaced (a backup was restored): the sequence begins to count other changes."""
    session.merge(LibraryFact(name="index_epoch", text=new_id()))
    session.flush()


def next_sequence(session: Session, name: str = "entries") -> int:
    """The next number of that counter, in the order in which units of work commit."""
    session.execute(update(Counter).where(Counter.name == name).values(value=Counter.value + 1))
    return session.scalars(select(Counter.value).where(Counter.name == name)).one()


def current_sequence(session: Session, name: str = "entries") -> int:
    """The number given last."""
    return session.scalars(select(Counter.value).where(Counter.name == name)).one_or_none() or 0
