"""Entries that a viewer's report has hidden know at which revision, so that they return as they were."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say at which revision an entry was hidden; none was before."""
    with op.batch_alter_table("entries") as table:
        table.add_column(sa.Column("held_revision", sa.Integer(), nullable=True))
