"""What a person has watched, notes and bookmarks of one's own, and problems that viewers report."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column:  # type: ignore[type-arg]
    return sa.Column(name, videolib.db.UtcDateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "viewings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        _moment("began_at"),
        _moment("seen_at"),
        sa.Column("report", sa.Integer(), nullable=False),
        sa.Column("lasted_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_viewings_entry_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_viewings_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewings")),
    )
    op.create_index(op.f("ix_viewings_entry_id"), "viewings", ["entry_id"], unique=False)
    op.create_index(op.f("ix_viewings_user_id"), "viewings", ["user_id"], unique=False)
    op.create_table(
        "watch_records",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("spans", sa.JSON(), nullable=False),
        sa.Column("watched_ms", sa.Integer(), nullable=False),
        sa.Column("place_ms", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        _moment("first_at"),
        _moment("last_at"),
        _moment("done_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.id"], name=op.f("fk_watch_records_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_watch_records_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "entry_id", name=op.f("pk_watch_records")),
    )
    op.create_index(op.f("ix_watch_records_entry_id"), "watch_records", ["entry_id"], unique=False)
    op.create_index(op.f("ix_watch_records_last_at"), "watch_records", ["last_at"], unique=False)
    op.create_table(
        "personal_notes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.id"], name=op.f("fk_personal_notes_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_personal_notes_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_notes")),
    )
    op.create_index(op.f("ix_personal_notes_entry_id"), "personal_notes", ["entry_id"], unique=False)
    op.create_index("ix_personal_notes_user_entry", "personal_notes", ["user_id", "entry_id", "at_ms"], unique=False)
    op.create_table(
        "problem_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        _moment("created_at"),
        _moment("done_at", nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_problem_reports_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["users.id"], name=op.f("fk_problem_reports_done_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.id"], name=op.f("fk_problem_reports_entry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problem_reports")),
    )
    op.create_index(op.f("ix_problem_reports_by_id"), "problem_reports", ["by_id"], unique=False)
    op.create_index(op.f("ix_problem_reports_done_at"), "problem_reports", ["done_at"], unique=False)
    op.create_index(op.f("ix_problem_reports_entry_id"), "problem_reports", ["entry_id"], unique=False)
