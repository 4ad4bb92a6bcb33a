"""Sessions in rows, failed logins in rows; people are known by staff number and mobile, too."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0030"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; who was logged in logs in once more."""
    moment = videolib.db.UtcDateTime(timezone=True)
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("is_remembered", sa.Boolean(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("proved_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_login_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_login_sessions_digest")),
    )
    op.create_index(op.f("ix_login_sessions_user_id"), "login_sessions", ["user_id"])
    op.create_index(op.f("ix_login_sessions_expires_at"), "login_sessions", ["expires_at"])
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    op.create_index(op.f("ix_login_attempts_key"), "login_attempts", ["key"])
    op.create_index(op.f("ix_login_attempts_at"), "login_attempts", ["at"])
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("staff_number", sa.String(), nullable=True))
        table.add_column(sa.Column("mobile", sa.String(), nullable=True))
        table.create_unique_constraint(op.f("uq_users_staff_number"), ["staff_number"])
        table.create_unique_constraint(op.f("uq_users_mobile"), ["mobile"])
        table.drop_constraint(op.f("uq_users_fs_uniquifier"), type_="unique")
        table.drop_column("fs_uniquifier")
        table.drop_column("last_login_ip")
        table.drop_column("current_login_ip")
