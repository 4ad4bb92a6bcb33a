"""Viewings say what was watched in them, and cohorts since when somebody is in them: results begin with an assignment.

What was watched before the upgrade counts for the newest viewing that each person has of an entry.
"""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_RECORDS = sa.table("watch_records", sa.column("user_id"), sa.column("entry_id"), sa.column("spans", sa.JSON))
_VIEWINGS = sa.table(
    "viewings",
    sa.column("id"),
    sa.column("user_id"),
    sa.column("entry_id"),
    sa.column("seen_at", videolib.db.UtcDateTime(timezone=True)),
    sa.column("spans", sa.JSON),
)


def upgrade() -> None:
    """Add both; give each record's stretches to the newest of its viewings."""
    with op.batch_alter_table("viewings") as table:
        table.add_column(sa.Column("spans", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("viewings") as table:
        table.alter_column("spans", existing_type=sa.JSON(), existing_nullable=False, server_default=None)
    with op.batch_alter_table("cohort_members") as table:
        table.add_column(sa.Column("joined_at", videolib.db.UtcDateTime(timezone=True), nullable=True))
    connection = op.get_bind()
    newest: dict[tuple[int, str], str] = {}
    asked = sa.select(_VIEWINGS.c.id, _VIEWINGS.c.user_id, _VIEWINGS.c.entry_id).order_by(_VIEWINGS.c.seen_at)
    for viewing_id, user_id, entry_id in connection.execute(asked):
        newest[user_id, entry_id] = viewing_id
    for user_id, entry_id, spans in connection.execute(sa.select(_RECORDS)).all():
        if (user_id, entry_id) in newest:
            mine = _VIEWINGS.c.id == newest[user_id, entry_id]
            connection.execute(sa.update(_VIEWINGS).where(mine).values(spans=spans))
