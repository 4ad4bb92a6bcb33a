"""Work in chunks: which queue a job waits in, whose turn it is, and what a package in the making will be."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; a job that made a whole package becomes one that prepares it."""
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("queue", sa.String(), nullable=False, server_default="quick"))
        table.add_column(sa.Column("package_id", sa.String(), nullable=True))
        table.add_column(sa.Column("position", sa.Integer(), nullable=True))
        table.add_column(sa.Column("uploader_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("turn", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("progress", sa.Double(), nullable=False, server_default="0"))
        table.add_column(sa.Column("error_code", sa.String(), nullable=True))
        table.add_column(sa.Column("started_at", videolib.db.UtcDateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("sent_at", videolib.db.UtcDateTime(timezone=True), nullable=True))
        table.create_foreign_key(op.f("fk_jobs_package_id"), "packages", ["package_id"], ["id"], ondelete="SET NULL")
        table.drop_index("ix_jobs_claim")
        table.create_index("ix_jobs_claim", ["state", "queue", "priority", "turn", "id"])
        table.create_index(op.f("ix_jobs_package_id"), ["package_id"])
        table.create_index(op.f("ix_jobs_parent_id"), ["parent_id"])
    op.execute("UPDATE jobs SET kind = 'prepare' WHERE kind = 'make_watchable'")
    op.execute("UPDATE jobs SET uploader_id = (SELECT uploader_id FROM recordings WHERE id = jobs.recording_id)")
    with op.batch_alter_table("packages") as table:
        table.add_column(sa.Column("tracks", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("plan", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("chunks") as table:
        table.add_column(sa.Column("tracks", sa.JSON(), nullable=False, server_default="{}"))
