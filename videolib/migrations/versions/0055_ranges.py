"""Montages: recordings that are made of ranges of others, and what an entry shows as soon as one is made."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the ranges, and the columns of recordings and entries that go with them."""
    with op.batch_alter_table("recordings") as table:
        table.add_column(sa.Column("is_montage", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("entries") as table:
        table.add_column(sa.Column("next_recording_id", sa.String(), nullable=True))
        table.add_column(sa.Column("unplaced", sa.JSON(), server_default="[]", nullable=False))
        table.create_foreign_key(op.f("fk_entries_next_recording_id"), "recordings", ["next_recording_id"], ["id"])
        table.create_index(op.f("ix_entries_next_recording_id"), ["next_recording_id"])
    op.create_table(
        "recording_ranges",
        sa.Column("montage_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("start_ticks", sa.BigInteger(), nullable=False),
        sa.Column("end_ticks", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["montage_id"], ["recordings.id"], name=op.f("fk_recording_ranges_montage_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name=op.f("fk_recording_ranges_recording_id")),
        sa.PrimaryKeyConstraint("montage_id", "position", name=op.f("pk_recording_ranges")),
    )
    op.create_index(op.f("ix_recording_ranges_recording_id"), "recording_ranges", ["recording_id"])
