"""The rows of a library as lines of JSON, of one moment, from any database into any other.

Both databases show a reader one moment: SQLite in its write-ahead log, PostgreSQL under REPEATABLE READ. So no tool of
the database is needed, and what was SQLite can become PostgreSQL. The file (gzip) begins with the schema's revision;
each table is a line that names its columns and what they hold, then a line a row; a last line counts, so that what was
cut short is seen. Reading goes by what the file says of itself, at the revision that it was made of.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    LargeBinary,
    MetaData,
    Table,
    Text,
    cast,
    delete,
    inspect,
    select,
    text,
)
from sqlalchemy.schema import AddConstraint, DropConstraint, ForeignKeyConstraint
from sqlalchemy.types import NullType, TypeEngine

from videolib.backup.sealing import Damaged
from videolib.db import UtcDateTime

FORMAT = "videolib rows 1"
ROWS_AT_ONCE = 500
_KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (UtcDateTime, "time"),
    (Date, "day"),
    (JSON, "json"),
    (Boolean, "bool"),
    (LargeBinary, "bytes"),
)
# none_as_null: a column that holds nothing is not one that holds JSON's null
_TYPES: dict[str, TypeEngine[Any]] = {
    "time": UtcDateTime(),
    "day": Date(),
    "json": JSON(none_as_null=True),
    "bool": Boolean(),
    "bytes": LargeBinary(),
    "plain": NullType(),
}


def write_rows(connection: Connection, metadata: MetaData, revision: str, path: Path) -> dict[str, int]:
    """Write every row of every table to `path`; gives how many each table has."""
    counts: dict[str, int] = {}
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=6) as file:
        file.write(_line({"format": FORMAT, "revision": revision}))
        for table in metadata.sorted_tables:
            kinds = [_kind_of(column.type) for column in table.columns]
            names = [column.name for column in table.columns]
            file.write(_line({"table": table.name, "columns": [list(pair) for pair in zip(names, kinds, strict=True)]}))
            # JSON as the text that lies there
            asked = [
                cast(column, Text) if kind == "json" else column
                for column, kind in zip(table.columns, kinds, strict=True)
            ]
            rows = connection.execute(select(*asked).execution_options(yield_per=ROWS_AT_ONCE))
            counts[table.name] = 0
            for row in rows:
                file.write(_line([_written(value) for value in row]))
                counts[table.name] += 1
        file.write(_line({"end": counts}))
    return counts


def read_rows(connection: Connection, path: Path) -> dict[str, int]:
    """Put the rows of the file into the tables of a schema of its revision, whatever lies in them; gives the counts.

    Raises `Damaged`. References are followed again only at the end: rows come in no order that they would allow.
    """
    lines = _lines(path)
    if _head(lines).get("format") != FORMAT:
        raise Damaged("The rows of the backup are of another format.")
    dropped = _drop_references(connection)
    _empty(connection)
    counts: dict[str, int] = {}
    filling: _Filling | None = None
    for line in lines:
        if isinstance(line, list) and filling is not None:
            filling.add(line)
            counts[filling.table.name] += 1
            continue
        if filling is not None:
            filling.flush()
        if "end" in line:
            if line["end"] != counts:
                raise Damaged("The rows of the backup are not all there.")
            _restore_references(connection, dropped)
            _set_sequences(connection)
            return counts
        filling = _Filling(connection, line["table"], line["columns"])
        counts[filling.table.name] = 0
    raise Damaged("The rows of the backup end too early.")


def revision_of(path: Path) -> str:
    """The revision of the schema that the rows are of."""
    return str(_head(_lines(path)).get("revision", ""))


def _head(lines: Iterator[Any]) -> dict[str, Any]:
    first = next(lines, None)
    return first if isinstance(first, dict) else {}


def _lines(path: Path) -> Iterator[Any]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)
    except (OSError, EOFError, ValueError) as error:
        raise Damaged("The rows of the backup cannot be read.") from error


class _Filling:
    """Takes the rows of one table, some hundred at a time."""

    def __init__(self, connection: Connection, name: str, columns: list[list[str]]) -> None:
        self.table = Table(name, MetaData(), *(Column(column, _TYPES[kind]) for column, kind in columns))
        self._connection = connection
        self._columns = columns
        self._waiting: list[dict[str, Any]] = []

    def add(self, row: list[Any]) -> None:
        pairs = zip(self._columns, row, strict=True)
        self._waiting.append({name: _read(kind, value) for (name, kind), value in pairs})
        if len(self._waiting) >= ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._connection.execute(self.table.insert(), self._waiting)
        self._waiting = []


def _kind_of(of: TypeEngine[Any]) -> str:
    return next((kind for known, kind in _KINDS if isinstance(of, known)), "plain")


def _written(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _read(kind: str, value: Any) -> Any:
    if value is None or kind in {"plain", "bool"}:
        return value
    if kind == "json":
        found = json.loads(value)
        return JSON.NULL if found is None else found
    if kind == "bytes":
        return base64.b64decode(value)
    return datetime.fromisoformat(value) if kind == "time" else date.fromisoformat(value)


def _line(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def _table_names(connection: Connection) -> list[str]:
    return [name for name in inspect(connection).get_table_names() if name != "alembic_version"]


def _empty(connection: Connection) -> None:
    """Remove what the migrations themselves have put in."""
    for name in _table_names(connection):
        connection.execute(delete(Table(name, MetaData())))


def _drop_references(connection: Connection) -> list[ForeignKeyConstraint]:
    """Take PostgreSQL's references away for the while; SQLite was told to follow none (`rebuilds`)."""
    if connection.dialect.name == "sqlite":
        return []
    metadata = MetaData()
    metadata.reflect(connection)
    found = [
        constraint
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, ForeignKeyConstraint)
    ]
    for constraint in found:
        connection.execute(DropConstraint(constraint))
    return found


def _restore_references(connection: Connection, dropped: list[ForeignKeyConstraint]) -> None:
    for constraint in dropped:
        connection.execute(AddConstraint(constraint))


def _set_sequences(connection: Connection) -> None:
    """Let PostgreSQL count on from the highest number of each table."""
    if connection.dialect.name == "sqlite":
        return
    for name in _table_names(connection):
        keys = inspect(connection).get_pk_constraint(name)["constrained_columns"]
        if len(keys) != 1:
            continue
        asked = text("SELECT pg_get_serial_sequence(:table, :column)")
        sequence = connection.execute(asked, {"table": f'"{name}"', "column": keys[0]}).scalar()
        if sequence is not None:
            table = Table(name, MetaData(), Column(keys[0], NullType()))
            last = connection.execute(select(table.c[keys[0]]).order_by(table.c[keys[0]].desc()).limit(1)).scalar()
            if last is not None:
                connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})
