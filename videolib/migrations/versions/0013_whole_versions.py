"""Versions keep their captions; the studio's lists of one status are read in their order."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty for versions of before, and an index in place of a narrower one."""
    op.add_column("entry_versions", sa.Column("captions", sa.JSON(), nullable=True))
    op.drop_index("ix_entries_status", "entries")
    op.create_index("ix_entries_status_created_at", "entries", ["status", "created_at"])
