"""What editors decide about DICOM recordings: corrections by run, and the guesses they agree to."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; recordings of before have no decisions."""
    op.create_table(
        "cine_decisions",
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("corrections", sa.JSON(), nullable=False),
        sa.Column("confirmed", sa.JSON(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_cine_decisions_decided_by_id")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_cine_decisions_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_cine_decisions")),
    )
