"""Annotations get a table of their own; captions say who made them. What stood in `details` moves over."""

import math
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from alembic import op

import videolib.db
from videolib.db import new_id, utc_now

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# as it was on the day of this migration: later releases may count otherwise
TICKS_PER_S = 705_600_000
MOVED = ("segments", "events")
LEVELS = ("phase", "step", "task", "action", "event")
ENTRIES = sa.table("entries", sa.column("id", sa.String()), sa.column("details", sa.JSON()))
_TEXTS = (
    "id",
    "entry_id",
    "layer",
    "kind",
    "term_id",
    "severity_id",
    "tool",
    "author_name",
)
_TYPES: dict[str, Any] = {
    **{name: sa.String() for name in _TEXTS},
    **{name: sa.BigInteger() for name in ("start_ticks", "end_ticks", "vocabulary_version", "revision")},
    **{name: videolib.db.UtcDateTime(timezone=True) for name in ("created_at", "updated_at")},
    "note": sa.JSON(),
}
ANNOTATIONS = sa.table("annotations", *(sa.column(name, kind) for name, kind in _TYPES.items()))


def upgrade() -> None:
    """Create the table, widen captions, move segments and events."""
    op.create_table(
        "annotations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("layer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("start_ticks", sa.BigInteger(), nullable=False),
        sa.Column("end_ticks", sa.BigInteger(), nullable=True),
        sa.Column("term_id", sa.String(), nullable=True),
        sa.Column("severity_id", sa.String(), nullable=True),
        sa.Column("instrument_id", sa.String(), nullable=True),
        sa.Column("target_id", sa.String(), nullable=True),
        sa.Column("note", sa.JSON(), nullable=False),
        sa.Column("shape", sa.JSON(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("author_name", sa.String(), nullable=True),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("vocabulary_version", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_annotations_author_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_annotations_entry_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["instrument_id"], ["terms.id"], name=op.f("fk_annotations_instrument_id")),
        sa.ForeignKeyConstraint(["severity_id"], ["terms.id"], name=op.f("fk_annotations_severity_id")),
        sa.ForeignKeyConstraint(["target_id"], ["terms.id"], name=op.f("fk_annotations_target_id")),
        sa.ForeignKeyConstraint(["term_id"], ["terms.id"], name=op.f("fk_annotations_term_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotations")),
    )
    op.create_index("ix_annotations_entry_start", "annotations", ["entry_id", "start_ticks"], unique=False)
    op.create_index(op.f("ix_annotations_term_id"), "annotations", ["term_id"], unique=False)
    op.create_index(op.f("ix_annotations_instrument_id"), "annotations", ["instrument_id"], unique=False)
    op.create_index("uq_annotations_entry_layer_origin", "annotations", ["entry_id", "layer", "origin"], unique=True)
    with op.batch_alter_table("captions") as table:
        table.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="captions"))
        table.add_column(sa.Column("source", sa.String(), nullable=False, server_default="human"))
        table.add_column(sa.Column("reviewed", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("captions") as table:
        # the defaults were for the rows that were there
        for name in ("kind", "source", "reviewed"):
            table.alter_column(name, server_default=None)
    _move_details(op.get_bind())


def _move_details(connection: sa.Connection) -> None:
    """Every segment and event that can be read becomes a row; what cannot stays where it is."""
    terms = {row[0] for row in connection.execute(sa.text("SELECT id FROM terms"))}
    version = connection.execute(sa.text("SELECT value FROM counters WHERE name = 'vocabulary'")).scalar() or 0
    for entry_id, details in connection.execute(sa.select(ENTRIES.c.id, ENTRIES.c.details)).all():
        if not any((details or {}).get(name) for name in MOVED):
            continue
        kept = dict(details)
        for name in MOVED:
            items = kept.pop(name, None) or []
            left = []
            for item in items if isinstance(items, list) else [items]:
                row = _row(item, terms)
                if row is None:
                    left.append(item)
                else:
                    row |= {"id": new_id(), "entry_id": entry_id, "vocabulary_version": version}
                    connection.execute(ANNOTATIONS.insert().values(**row))
            if left:
                kept[name] = left
        connection.execute(ENTRIES.update().where(ENTRIES.c.id == entry_id).values(details=kept))


def _row(item: object, terms: set[str]) -> dict[str, object] | None:
    """The row that says the same; None where it cannot be said."""
    if not isinstance(item, dict):
        return None
    level = item.get("level", "event")
    start, end = _ticks(item.get("start", item.get("t"))), _ticks(item.get("end"))
    is_interval = start is not None and end is not None and end > start
    if start is None or level not in LEVELS or not (is_interval or level == "event"):
        return None
    if item.get("term") not in terms and (item.get("term") or level in {"phase", "step"}):
        return None
    note = item.get("note")
    texts = note.items() if isinstance(note, dict) else ()
    return {
        "layer": "main",
        "kind": level,
        "start_ticks": start,
        "end_ticks": end if is_interval else None,
        "term_id": item.get("term") or None,
        "severity_id": item["severity"] if level == "event" and item.get("severity") in terms else None,
        "note": {key: str(text) for key, text in texts if key in {"en", "zh"} and text},
        "tool": "videolib upgrade",
        "author_name": str(item["author"])[:200] if item.get("author") else None,
        "revision": 1,
        "created_at": utc_now(),
        "updated_at": utc_now(),
    }


def _ticks(value: object) -> int | None:
    """Seconds as a number, or a clock as a text."""
    try:
        if isinstance(value, str):
            parts = [Fraction(part) for part in value.split(":")]
            exact = sum((part * 60**place for place, part in enumerate(reversed(parts))), Fraction(0))
        elif isinstance(value, int | float) and math.isfinite(value):
            exact = Fraction(value)
        else:
            return None
    except (ValueError, ZeroDivisionError):
        return None
    return round(exact * TICKS_PER_S) if 0 <= exact <= 1_000_000 else None
