"""The database: engine, units of work and the types its tables share; SQLite and PostgreSQL alike.

SQLite runs in WAL with `BEGIN IMMEDIATE` for units that write (a deferred BEGIN fails half of them when two write at
once) and `synchronous=FULL` for units whose commit is a promise (an upload confirmed, a publish, a withdrawal, an
audit event). Only heartbeats and progress say `durable=False`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

from sqlalchemy import JSON, DateTime, Engine, MetaData, String, create_engine, event, func, select
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from videolib.errors import Unavailable

BUSY_TIMEOUT_MS = 30_000
# how SQLite and PostgreSQL say that a statement was not even looked at
_SILENCE = ("database is locked", "unable to open", "disk i/o error", "starting up", "shutting down", "recovery mode")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC `datetime`; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Store UTC."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give an aware value back (SQLite keeps no zone)."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; constraints are named so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        dict[str, str]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
        list[Any]: JSON,
        str: String,
    }


def new_id() -> str:
    """A random identifier of 36 characters."""
    return str(uuid4())


def utc_now() -> datetime:
    """This host's clock, in UTC."""
    return datetime.now(UTC)


class Database:
    """One engine and the two kinds of unit of work."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _make_engine(url, is_sqlite=self.is_sqlite)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only looks."""
        with translated(), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self, *, durable: bool = True, patience_s: float = BUSY_TIMEOUT_MS / 1000) -> Iterator[Session]:
        """A session whose end is a commit; any error rolls it all back.

        `durable`: the commit is on the disk when this returns; `patience_s`: how long SQLite waits for other writers.
        """
        engine = self.write_engine(durable=durable).execution_options(videolib_patience_ms=int(patience_s * 1000))
        with (
            translated(),
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
            close_unit(session)

    def write_engine(self, *, durable: bool = True, rebuilds: bool = False) -> Engine:
        """The same pool, for units that write; `rebuilds`: SQLite follows no reference, the caller checks them."""
        return self.engine.execution_options(videolib_writes=True, videolib_durable=durable, videolib_rebuilds=rebuilds)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def before_commit(session: Session, closer: Callable[[Session], None]) -> None:
    """Have `closer` called once when this unit of work ends well, as its last statement: for what must be short."""
    session.info.setdefault("closers", {})[closer] = True


def close_unit(session: Session) -> None:
    """Call what waits for the end of this unit of work; whoever commits calls this before."""
    closers = session.info.pop("closers", {})
    if session.in_transaction():  # of a unit that was rolled back by its own wish nothing is left to close
        for closer in closers:
            closer(session)


def database_now(session: Session) -> datetime:
    """The database's clock in UTC: leases of many hosts are compared by one clock."""
    if session.get_bind().dialect.name == "sqlite":
        # the one host that SQLite serves; its own clock has whole seconds only
        return utc_now()
    moment: datetime = session.scalars(select(func.clock_timestamp())).one()
    return moment.astimezone(UTC)


def _make_engine(url: str, *, is_sqlite: bool) -> Engine:
    if not is_sqlite:
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True)
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=30,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
        # an error's text goes to the log, what was written about a patient does not
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # we say BEGIN ourselves: the driver's own transactions start too late and lose updates
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "synchronous=FULL",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    # a table that is rebuilt is dropped, and its rows would take with them what refers to them; it cannot be said later
    connection.exec_driver_sql(f"PRAGMA foreign_keys={'OFF' if options.get('videolib_rebuilds') else 'ON'}")
    if options.get("videolib_writes"):
        connection.exec_driver_sql(f"PRAGMA busy_timeout={options.get('videolib_patience_ms', BUSY_TIMEOUT_MS)}")
        connection.exec_driver_sql(
            f"PRAGMA synchronous={'FULL' if options.get('videolib_durable', True) else 'NORMAL'}"
        )
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """A database that does not answer becomes our own error; all other database errors are bugs and stay."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or is_silent(error):
            raise Unavailable(
                "The database does not answer; try again in a moment.", code="database_unavailable"
            ) from error
        raise


def is_silent(error: DBAPIError) -> bool:
    """Whether the database does not answer, rather than having been asked something wrong."""
    # no statement: it already failed to connect, in whatever words
    return error.statement is None or any(sign in str(error.orig).lower() for sign in _SILENCE)
