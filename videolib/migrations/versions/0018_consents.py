"""Cases, their consents, and receipts of what was erased."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; recordings may say whose case they show."""
    moment = videolib.db.UtcDateTime(timezone=True)
    op.create_table(
        "cases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hospital_id", sa.String(), nullable=False),
        sa.Column("number_sealed", sa.String(), nullable=False),
        sa.Column("number_index", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["hospital_id"], ["groups.id"], name=op.f("fk_cases_hospital_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number_index", name=op.f("uq_cases_number_index")),
    )
    op.create_index(op.f("ix_cases_hospital_id"), "cases", ["hospital_id"])
    op.create_table(
        "consents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("obtained_on", sa.String(), nullable=False),
        sa.Column("expires_on", sa.String(), nullable=True),
        sa.Column("evidence_sha256", sa.String(), nullable=True),
        sa.Column("withdrawn_at", moment, nullable=True),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_consents_case_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["users.id"], name=op.f("fk_consents_recorded_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_case_id"), "consents", ["case_id"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=True),
        sa.Column("entry_ids", sa.JSON(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("receipt", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    with op.batch_alter_table("recordings") as table:
        table.add_column(sa.Column("case_id", sa.String(), nullable=True))
        table.create_foreign_key(op.f("fk_recordings_case_id"), "cases", ["case_id"], ["id"])
        table.create_index(op.f("ix_recordings_case_id"), ["case_id"])
