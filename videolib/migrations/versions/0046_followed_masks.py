"""Masks that were followed say from when on what they cover could not be found."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say where a mask lost its way; none was followed before."""
    with op.batch_alter_table("redactions") as table:
        table.add_column(sa.Column("lost_s", sa.Double(), nullable=True))
