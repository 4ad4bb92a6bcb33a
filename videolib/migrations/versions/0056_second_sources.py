"""An entry's second recording beside its main one, and narrations that are heard in the place of its own sound."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

_TIME = videolib.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    """Create both tables; no entry has either."""
    op.create_table(
        "second_sources",
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("offset_s", sa.Double(), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("added_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["added_by_id"], ["users.id"], name=op.f("fk_second_sources_added_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.id"], name=op.f("fk_second_sources_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_second_sources_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_second_sources")),
    )
    op.create_index(op.f("ix_second_sources_recording_id"), "second_sources", ["recording_id"])
    op.create_table(
        "narrations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("original_key", sa.String(), nullable=False),
        sa.Column("sound", sa.JSON(), nullable=False),
        sa.Column("uploader_id", sa.Integer(), nullable=True),
        sa.Column("uploaded_at", _TIME, nullable=False),
        sa.Column("accepted_by_id", sa.Integer(), nullable=True),
        sa.Column("accepted_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["accepted_by_id"], ["users.id"], name=op.f("fk_narrations_accepted_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_narrations_entry_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["uploader_id"], ["users.id"], name=op.f("fk_narrations_uploader_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_narrations")),
    )
    op.create_index(op.f("ix_narrations_entry_id"), "narrations", ["entry_id"])
