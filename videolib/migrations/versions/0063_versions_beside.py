"""Versions keep which second recording and which narrations they carried."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty for versions of before."""
    op.add_column("entry_versions", sa.Column("beside", sa.JSON(), nullable=True))
