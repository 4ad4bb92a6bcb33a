"""Editors are assigned to recordings that are not signed off; masters may expire."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0040"
down_revision = "0062"
branch_labels = None
depends_on = None

_TIME = videolib.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    """Create the table and the column; of which of several hospitals a recording is, its uploader says."""
    op.create_table(
        "recording_editors",
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("assigned_by_id", sa.Integer(), nullable=True),
        sa.Column("assigned_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["assigned_by_id"], ["users.id"], name=op.f("fk_recording_editors_assigned_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_recording_editors_recording_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recording_editors_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", "user_id", name=op.f("pk_recording_editors")),
    )
    op.add_column("recordings", sa.Column("master_warned_at", _TIME, nullable=True))
    # whose uploader belongs to several was given the first of them; here that decides who looks at it: let them say
    mine = "FROM group_members JOIN groups ON groups.id = group_id AND kind = 'hospital' WHERE user_id = uploader_id"
    op.execute(
        f"UPDATE recordings SET hospital_id = NULL WHERE case_id IS NULL AND (SELECT count(*) {mine}) > 1"  # noqa: S608
    )
